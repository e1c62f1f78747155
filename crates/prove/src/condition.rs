//! Policies as a question sees them: rules in the order of evaluation, conditions as trees. Both a
//! checked stack and a compiled program become this.

use faramesh_program::image::{Comparison, Constant, Path, RuleEffect};

/// The rules of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The agent's name.
    pub agent: String,
    /// Rules in the order of evaluation: `deny!` first.
    pub rules: Vec<Rule>,
    /// What happens when no rule matches.
    pub default: RuleEffect,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What happens on a match.
    pub effect: RuleEffect,
    /// The tool pattern.
    pub pattern: String,
    /// When it matches, clauses included; `None` when it always does.
    pub condition: Option<Condition>,
}

/// A condition or a part of one, in the forms that a program has.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Always the same.
    Constant(bool),
    /// Not so.
    Not(Box<Condition>),
    /// All of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
    /// Two values compared.
    Compare(Comparison, Operand, Operand),
    /// The first value is an element of the second.
    In(Operand, Operand),
    /// The first value has the second one as an element or a part.
    Contains(Operand, Operand),
    /// A text matches a regular expression somewhere.
    Matches(Operand, String),
    /// The first text starts with the second.
    StartsWith(Operand, Operand),
    /// The first text ends with the second.
    EndsWith(Operand, Operand),
    /// A place of the call is present.
    Has(Path),
    /// A path lies in a folder.
    Within(Operand, Operand),
    /// A value that is true.
    Truth(Operand),
    /// Something that cannot be decided, in words such as "`session.calls`".
    Outside(String),
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A constant.
    Constant(Constant),
    /// A place in the call.
    Path(Path),
    /// A list of which an element is no constant.
    List(Vec<Operand>),
    /// Text in small letters.
    Lower(Box<Operand>),
    /// Characters of a text or elements of a list.
    Length(Box<Operand>),
    /// `@example.com` of an address.
    Domain(Box<Operand>),
}

impl Condition {
    /// Calls `visit` with every operand, parts of operands included, and every place that `has` looks for.
    pub(crate) fn each_place(&self, visit: &mut impl FnMut(&Path)) {
        match self {
            Self::Constant(_) | Self::Outside(_) => {}
            Self::Not(inner) => inner.each_place(visit),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_place(visit)),
            Self::Compare(_, left, right)
            | Self::In(left, right)
            | Self::Contains(left, right)
            | Self::StartsWith(left, right)
            | Self::EndsWith(left, right)
            | Self::Within(left, right) => [left, right].into_iter().for_each(|side| side.each_place(visit)),
            Self::Matches(operand, _) | Self::Truth(operand) => operand.each_place(visit),
            Self::Has(path) => visit(path),
        }
    }
}

impl Operand {
    fn each_place(&self, visit: &mut impl FnMut(&Path)) {
        match self {
            Self::Constant(_) => {}
            Self::Path(path) => visit(path),
            Self::List(items) => items.iter().for_each(|item| item.each_place(visit)),
            Self::Lower(of) | Self::Length(of) | Self::Domain(of) => of.each_place(visit),
        }
    }

    /// How an author would write it, for messages.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Constant(_) | Self::List(_) => "…".to_owned(),
            Self::Path(path) => path.text.clone(),
            Self::Lower(of) => format!("{}.lower", of.text()),
            Self::Length(of) => format!("{}.length", of.text()),
            Self::Domain(of) => format!("{}.domain", of.text()),
        }
    }
}
