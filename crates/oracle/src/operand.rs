//! Values in a condition, and where they come from: the same text means more when the author wrote it
//! than when the agent did.

use faramesh_call::{Number, Value};
use faramesh_syntax::ast::{Expr, Spanned, Step};

use crate::address::{self, Address};
use crate::condition::Situation;
use crate::constant::constant;
use crate::truth::Unknown;

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub value: Result<Value, Unknown>,
    pub origin: Origin,
    /// The elements, when it is a list that the author wrote.
    pub elements: Option<Vec<Operand>>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The policy: a literal, a variable or the environment.
    Author,
    /// The builtin `path`, or what `.lower` makes of it.
    NormalPath,
    /// Anywhere else in the call, or computed.
    Call,
}

/// The methods that are written without parentheses.
pub(crate) const METHODS: [&str; 3] = ["lower", "length", "domain"];

impl Operand {
    pub(crate) fn author(value: Value) -> Self {
        let elements = match &value {
            Value::List(items) => Some(items.iter().cloned().map(Self::author).collect()),
            _ => None,
        };
        Self { value: Ok(value), origin: Origin::Author, elements }
    }

    pub(crate) fn call(value: Result<Value, Unknown>) -> Self {
        Self { value, origin: Origin::Call, elements: None }
    }

    /// The text, or why there is none.
    pub(crate) fn text(&self) -> Result<&str, Unknown> {
        match &self.value {
            Ok(Value::String(text)) => Ok(text),
            Ok(_) => Err(Unknown::Type),
            Err(why) => Err(*why),
        }
    }

    /// The text, when the author wrote it.
    pub(crate) fn authors_text(&self) -> Option<&str> {
        if self.origin == Origin::Author { self.text().ok() } else { None }
    }

    /// `.lower`, `.length`, `.domain`
    pub(crate) fn method(self, name: &str) -> Self {
        let value = match name {
            "lower" => self.text().map(|text| Value::string(text.to_lowercase())),
            "domain" => self.text().and_then(|text| match address::read(text) {
                Address::At(domain) => Ok(Value::string(format!("@{domain}"))),
                _ => Err(Unknown::Type),
            }),
            _ => match &self.value {
                Ok(Value::String(text)) => Ok(count(text.chars().count())),
                Ok(Value::List(items)) => Ok(count(items.len())),
                Ok(_) => Err(Unknown::Type),
                Err(why) => Err(*why),
            },
        };
        let is_path = self.origin == Origin::NormalPath && name == "lower";
        Self { value, origin: if is_path { Origin::NormalPath } else { Origin::Call }, elements: None }
    }
}

pub(crate) fn count(number: usize) -> Value {
    Value::Number(Number::from(u64::try_from(number).unwrap_or(u64::MAX)))
}

impl Situation<'_> {
    /// The value of an expression that is no condition.
    pub(crate) fn operand(&self, expr: &Spanned<Expr>) -> Operand {
        match &expr.node {
            Expr::Value(value) => match constant(value, self.environment) {
                Some(value) => Operand::author(value),
                None => Operand::call(Err(Unknown::Type)),
            },
            Expr::List(items) => {
                let elements: Vec<Operand> = items.iter().map(|item| self.operand(item)).collect();
                let unknown = elements.iter().filter_map(|element| element.value.as_ref().err()).max();
                let value = match unknown {
                    Some(why) => Err(*why),
                    None => Ok(elements.iter().filter_map(|element| element.value.clone().ok()).collect()),
                };
                Operand { value, origin: Origin::Call, elements: Some(elements) }
            }
            Expr::Path { root, steps } => self.name(&root.node, steps),
            Expr::Method { receiver, name, .. } => self.operand(receiver).method(&name.node),
            // Of what happened before a call the oracle knows nothing, so nothing has.
            Expr::Call { function, .. } => match function.node.as_str() {
                "session.calls" | "session.cost" | "session.sum" | "session.count" => {
                    Operand::call(Ok(count(0)))
                }
                "history.contains" | "purpose" => Operand::call(Ok(Value::Bool(false))),
                _ => Operand::call(Err(Unknown::Type)),
            },
            _ => Operand::call(Err(Unknown::Type)),
        }
    }

    /// How many of the last steps are methods: written with a dot, and named like one.
    pub(crate) fn methods(&self, steps: &[Spanned<Step>]) -> usize {
        let is_method = |step: &&Spanned<Step>| match &step.node {
            Step::Key(key) => METHODS.contains(&key.as_str()) && !self.is_quoted(step),
            Step::Index(_) => false,
        };
        steps.iter().rev().take_while(is_method).count()
    }

    /// Whether a step was written `["key"]`.
    fn is_quoted(&self, step: &Spanned<Step>) -> bool {
        let start = usize::try_from(step.span.start).unwrap_or(usize::MAX);
        self.source.get(start..).is_some_and(|rest| rest.starts_with('"'))
    }
}
