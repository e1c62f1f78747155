//! Variables: which there are in one agent, and what they stand for. An agent's variable hides the
//! file's of the same name.

use std::collections::{BTreeMap, BTreeSet};

use faramesh_call::Number;
use faramesh_program::image::{Constant, Scalar};
use faramesh_syntax::ast::{Item, Name, Span, Spanned, Value};
use faramesh_syntax::quote;

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, NAMES};
use crate::values::size_bytes;

/// A constant, and how it would be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    pub constant: Constant,
    pub text: String,
}

/// The variables that one agent sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    variables: BTreeMap<String, Written>,
    selectors: BTreeSet<String>,
}

impl Scope {
    pub fn get(&self, name: &str) -> Option<&Written> {
        self.variables.get(name)
    }

    /// Whether a selector has this name.
    pub fn is_selector(&self, name: &str) -> bool {
        self.selectors.contains(name)
    }

    /// Gives variables that are declared other values.
    pub fn override_with(&mut self, values: &BTreeMap<String, Written>) {
        for (name, written) in values {
            if let Some(variable) = self.variables.get_mut(name) {
                variable.clone_from(written);
            }
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

impl Checker<'_> {
    /// The variables of `outer` and those that `items` declare.
    pub fn scope<'b>(&mut self, outer: &Scope, items: impl Iterator<Item = &'b Spanned<Item>>) -> Scope {
        let mut scope = outer.clone();
        let mut declared: BTreeMap<&str, Span> = BTreeMap::new();
        for item in items {
            if let Item::Block { keyword, labels, .. } = &item.node
                && keyword.node == "selector"
                && let Some(label) = labels.first()
            {
                scope.selectors.insert(label.node.clone());
            }
            let Item::Var { name, value } = &item.node else { continue };
            if let Some(first) = declared.insert(&name.node, name.span) {
                self.report(
                    codes::DUPLICATE_VARIABLE
                        .at(name.span, format!("the variable `{}` is declared twice", name.node))
                        .with_help("rename one of the two")
                        .with_label(first, "the first one"),
                );
                continue;
            }
            self.variable(&mut scope, name, value);
        }
        scope
    }

    fn variable(&mut self, scope: &mut Scope, name: &Name, value: &Spanned<Value>) {
        if definitions::word(NAMES, &name.node).is_some() {
            let message =
                format!("`{}` is a builtin name, so a variable of that name is never read", name.node);
            self.say(
                codes::RESERVED_NAME,
                name.span,
                message,
                format!("rename it, for example to `my_{}`", name.node),
            );
            return;
        }
        if let Value::Word(word) = &value.node {
            let message = format!("`{word}` is no constant");
            self.say(codes::WRONG_VALUE, value.span, message, format!("write it in quotes: `\"{word}\"`"));
            return;
        }
        if let Some(written) = self.constant(value) {
            scope.variables.insert(name.node.clone(), written);
        }
    }

    /// A constant of the source.
    pub fn constant(&mut self, value: &Spanned<Value>) -> Option<Written> {
        let Value::List(items) = &value.node else {
            let (scalar, text) = self.scalar(value)?;
            return Some(Written { constant: Constant::Scalar(scalar), text });
        };
        let mut scalars = Vec::with_capacity(items.len());
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let (scalar, text) = self.scalar(item)?;
            scalars.push(scalar);
            texts.push(text);
        }
        Some(Written { constant: Constant::List(scalars), text: format!("[{}]", texts.join(", ")) })
    }

    fn scalar(&mut self, value: &Spanned<Value>) -> Option<(Scalar, String)> {
        let (what, help) = match &value.node {
            Value::Null => return Some((Scalar::Null, "null".to_owned())),
            Value::Bool(value) => return Some((Scalar::Bool(*value), value.to_string())),
            Value::String(text) => return Some((Scalar::String(text.clone()), quote(text))),
            Value::Number(text) => {
                let number = self.number(text, value.span)?;
                return Some((Scalar::Number(number.clone()), number));
            }
            Value::Money(text) => {
                let number = self.number(text, value.span)?;
                let written = match number.strip_prefix('-') {
                    Some(positive) => format!("-${positive}"),
                    None => format!("${number}"),
                };
                return Some((Scalar::Number(number), written));
            }
            Value::Size(text) => {
                let bytes = size_bytes(text).map(|bytes| bytes.to_string());
                if let Some(bytes) = bytes {
                    return Some((Scalar::Number(bytes), text.clone()));
                }
                (format!("`{text}` is no whole number of bytes"), "write a size such as `10mb`".to_owned())
            }
            Value::Env { name, default } => {
                let text = self.environment(name, default.as_deref(), value.span)?;
                let written = quote(&text);
                return Some((Scalar::String(text), written));
            }
            Value::Duration(text) => (
                format!("a rule cannot tell in which unit an argument counts the duration `{text}`"),
                "write the number in the argument's unit".to_owned(),
            ),
            Value::List(_) => (
                "a list cannot stand in a list".to_owned(),
                "write the elements of both in one list".to_owned(),
            ),
            Value::Word(word) => {
                (format!("`{word}` is no constant"), format!("write it in quotes: `\"{word}\"`"))
            }
            Value::Expr(_) => {
                ("this is no constant".to_owned(), "write a number, a text or a list of them".to_owned())
            }
        };
        self.say(codes::WRONG_VALUE, value.span, what, help);
        None
    }

    /// A number in its shortest exact form.
    pub fn number(&mut self, text: &str, span: Span) -> Option<String> {
        match Number::parse(text) {
            Ok(number) => Some(number.to_string()),
            Err(error) => {
                self.say(
                    codes::BAD_NUMBER,
                    span,
                    format!("`{text}`: {error}"),
                    "write a number such as `500` or `0.25`",
                );
                None
            }
        }
    }
}
