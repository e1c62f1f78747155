//! Types of values in conditions, as far as they are known before a call: builtins and constants
//! have one, arguments have any.

use faramesh_call::{Action, Number};
use faramesh_program::image::{Comparison, Constant, Root, Scalar};
use faramesh_syntax::ast::Span;
use faramesh_syntax::{Diagnostic, nearest};

use crate::codes;
use crate::definitions::one_of;
use crate::stack::Operand;

/// What is known of a value's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Any,
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

impl Type {
    /// With its article, for a message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Null => "no value",
            Self::Bool => "a truth value",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }

    pub fn of_constant(constant: &Constant) -> Self {
        match constant {
            Constant::List(_) => Self::List,
            Constant::Scalar(scalar) => Self::of_scalar(scalar),
        }
    }

    pub fn of_scalar(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(_) => Self::Bool,
            Scalar::Number(_) => Self::Number,
            Scalar::String(_) => Self::Text,
        }
    }

    /// The type of a root, and of its members if it has any.
    pub fn of_root(root: Root) -> (Self, Option<Self>) {
        match root {
            Root::Args | Root::Query | Root::Headers | Root::Principal | Root::Tags => {
                (Self::Object, Some(Self::Any))
            }
            Root::Field => (Self::Any, Some(Self::Any)),
            Root::TimeHour | Root::Port => (Self::Number, None),
            _ => (Self::Text, None),
        }
    }

    /// Whether a value of this type may also be one of `other`.
    pub fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }
}

/// An operand, what is known of its type, where it stands, and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub operand: Operand,
    pub kind: Type,
    pub span: Span,
    pub text: String,
}

impl Typed {
    pub fn constant(&self) -> Option<&Constant> {
        if let Operand::Constant(constant) = &self.operand { Some(constant) } else { None }
    }

    pub fn text_constant(&self) -> Option<&str> {
        match self.constant()? {
            Constant::Scalar(Scalar::String(text)) => Some(text),
            _ => None,
        }
    }

    fn root(&self) -> Option<Root> {
        match &self.operand {
            Operand::Path(path) if path.steps.is_empty() => Some(path.root),
            _ => None,
        }
    }

    fn is(&self) -> String {
        format!("`{}` is {}", self.text, self.kind.name())
    }
}

/// Why two operands cannot be compared so, if they cannot.
pub(crate) fn comparison_misfit(
    comparison: Comparison,
    left: &Typed,
    right: &Typed,
    span: Span,
) -> Option<Diagnostic> {
    if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        return equality_misfit(left, right, span)
            .or_else(|| impossible(left, right))
            .or_else(|| impossible(right, left));
    }
    let sign = comparison.as_str();
    for side in [left, right] {
        if !matches!(side.kind, Type::Number | Type::Text | Type::Any) {
            let message = format!("`{sign}` cannot order `{}`, which is {}", side.text, side.kind.name());
            return Some(
                codes::TYPE_MISMATCH
                    .at(side.span, message)
                    .with_help("`<` and its like compare two numbers or two texts"),
            );
        }
    }
    for (side, other) in [(left, right), (right, left)] {
        if let Some(text) = side.text_constant()
            && other.kind != Type::Text
            && Number::parse(text.trim_start_matches('$')).is_ok()
        {
            let number = text.trim_start_matches('$');
            let message = format!("`{sign}` compares with the text `{}`, not with a number", side.text);
            let diagnostic = codes::TYPE_MISMATCH.at(side.span, message);
            return Some(if side.text.starts_with('"') {
                diagnostic.with_help(format!("write the number without quotes: `{number}`")).with_fix(
                    side.span,
                    number,
                    "remove the quotes",
                )
            } else {
                diagnostic.with_help(
                    "numbers do not come from text and are never converted; write the number itself",
                )
            });
        }
    }
    mismatch(left, right, span)
}

fn equality_misfit(left: &Typed, right: &Typed, span: Span) -> Option<Diagnostic> {
    for (side, other) in [(left, right), (right, left)] {
        if side.kind == Type::List {
            let help = format!("write `{} in {}`", other.text, side.text);
            return Some(
                codes::TYPE_MISMATCH.at(span, "a value is not compared with a whole list").with_help(help),
            );
        }
    }
    // Everything that is present can be compared with `null`.
    if left.kind == Type::Null || right.kind == Type::Null { None } else { mismatch(left, right, span) }
}

fn mismatch(left: &Typed, right: &Typed, span: Span) -> Option<Diagnostic> {
    if left.kind.may_be(right.kind) {
        return None;
    }
    let message = format!("{} and {}, so this is never true", left.is(), right.is());
    let diagnostic = codes::TYPE_MISMATCH.at(span, message);
    for side in [left, right] {
        if let Some(text) = side.text_constant()
            && side.text.starts_with('"')
            && Number::parse(text).is_ok()
        {
            return Some(
                diagnostic.with_help(format!("write the number without quotes: `{text}`")).with_fix(
                    side.span,
                    text,
                    "remove the quotes",
                ),
            );
        }
    }
    Some(diagnostic.with_help("compare values of one type; nothing is converted"))
}

/// Why a constant, or an element of one, is nothing that the other side ever is.
pub(crate) fn impossible(side: &Typed, constant: &Typed) -> Option<Diagnostic> {
    let scalars = match constant.constant()? {
        Constant::Scalar(scalar) => std::slice::from_ref(scalar),
        Constant::List(scalars) => scalars,
    };
    // Of a list or a variable, the span is not that of the value.
    let is_written = constant.text.starts_with('"');
    scalars.iter().find_map(|scalar| impossible_value(side, constant.span, scalar, is_written))
}

fn impossible_value(side: &Typed, span: Span, scalar: &Scalar, is_written: bool) -> Option<Diagnostic> {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const LONG_DAYS: &[&str] =
        &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let actions = [Action::ToolCall, Action::ModelCall, Action::Delegate, Action::Spawn, Action::Completion]
        .map(Action::as_str);
    let kind = Type::of_scalar(scalar);
    if !side.kind.may_be(kind) && kind != Type::Null {
        let message = format!("{} and never {}", side.is(), kind.name());
        return Some(
            codes::TYPE_MISMATCH
                .at(span, message)
                .with_help("compare values of one type; nothing is converted"),
        );
    }
    let (root, words): (Root, &[&str]) = match side.root()? {
        Root::TimeWeekday => (Root::TimeWeekday, DAYS),
        Root::Action => (Root::Action, &actions),
        Root::TimeHour => return impossible_hour(span, scalar),
        _ => return None,
    };
    let Scalar::String(text) = scalar else { return None };
    if words.contains(&text.as_str()) {
        return None;
    }
    let day = LONG_DAYS.iter().position(|day| root == Root::TimeWeekday && day.eq_ignore_ascii_case(text));
    let near = day.and_then(|day| DAYS.get(day).copied()).or_else(|| nearest(text, words.iter().copied()));
    let diagnostic = codes::IMPOSSIBLE_VALUE.at(span, format!("`{}` is never `{text}`", side.text));
    Some(match near {
        Some(near) => {
            let found = diagnostic.with_help(format!("did you mean `\"{near}\"`?"));
            if is_written {
                found.with_fix(span, format!("\"{near}\""), format!("write `\"{near}\"`"))
            } else {
                found
            }
        }
        None => diagnostic.with_help(format!("it is {}", one_of(words))),
    })
}

fn impossible_hour(span: Span, scalar: &Scalar) -> Option<Diagnostic> {
    let Scalar::Number(text) = scalar else { return None };
    let hour = text.parse::<u8>().ok().filter(|hour| *hour < 24);
    let diagnostic = codes::IMPOSSIBLE_VALUE.at(span, format!("`time.hour` is never `{text}`"));
    hour.is_none().then(|| diagnostic.with_help("hours are whole numbers from 0 to 23"))
}
