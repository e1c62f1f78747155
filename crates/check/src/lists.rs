//! Settings that take one text or a list: texts, tool patterns, and names of things declared elsewhere.
//! Where the order has no meaning the list is sorted, so that it changes no byte of a program.

use faramesh_syntax::ast::{Span, Spanned, Value};
use faramesh_syntax::limits;

use crate::checker::Checker;
use crate::codes;
use crate::references::Referred;

impl Checker<'_> {
    /// The texts of a setting in their order; empty ones are reported and left out.
    pub fn texts(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Vec<Spanned<String>>> {
        let value = value?;
        let items = match &value.node {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let mut texts = Vec::with_capacity(items.len().min(limits::LIST_ELEMENTS));
        for item in items {
            let Some(text) = self.text(Some(item)) else { continue };
            if text.node.trim().is_empty() || text.node.chars().any(char::is_control) {
                let message =
                    format!("`{key}` has an element that is empty or has characters that cannot be seen");
                self.say(codes::WRONG_VALUE, text.span, message, "write its value, or remove it");
                continue;
            }
            texts.push(text);
        }
        Some(texts)
    }

    /// Tool patterns, sorted.
    pub fn patterns(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Vec<String>> {
        let texts = self.texts(key, value)?;
        for text in &texts {
            self.pattern(text);
        }
        Some(sorted(texts))
    }

    /// Texts whose order has no meaning.
    pub fn set(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Vec<String>> {
        self.texts(key, value).map(sorted)
    }

    /// Names of agents of the stack, each with its place.
    pub fn agent_names(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Vec<Spanned<String>>> {
        let names = self.texts(key, value)?;
        for name in &names {
            self.refer(Referred::Agent, &name.node, name.span);
        }
        Some(names)
    }

    /// Reports a key whose list has nothing in it.
    pub fn filled<T>(&mut self, key: &str, span: Span, list: &[T]) {
        if list.is_empty() {
            let message = format!("`{key}` is empty, so this has no effect");
            self.say(
                codes::WRONG_VALUE,
                span,
                message,
                format!("write at least one element, or remove `{key}`"),
            );
        }
    }
}

/// Without places, in order, each once.
pub(crate) fn sorted(texts: Vec<Spanned<String>>) -> Vec<String> {
    let mut texts: Vec<String> = texts.into_iter().map(|text| text.node).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
