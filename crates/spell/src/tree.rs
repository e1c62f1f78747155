//! What YAML and JSON have in common: maps, lists and scalars, each with its place in the source.
//!
//! INVARIANT exact: numbers stay as they are written; nothing becomes a float.
//! INVARIANT bounded: a tree that was read is at most [`limits::NESTING`] high, which bounds every
//! recursion over it.
//!
//! [`limits::NESTING`]: faramesh_syntax::limits::NESTING

use faramesh_syntax::ast::{Name, Span, Spanned};

/// A map, list or scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub data: Data,
    /// Where it stands; for a text, what is between its quotes.
    pub span: Span,
    /// Whether it is written on one line, in braces.
    pub flow: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Map(Vec<Entry>),
    List(Vec<Node>),
    Text(String, Style),
    /// A decimal number as JSON writes it.
    Number(String),
    Bool(bool),
    /// `null`; also nothing at all, which has an empty span.
    Null,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: Name,
    pub value: Node,
}

/// How a text is written, which decides where its characters stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is, but that a line break in it stands for a space.
    Plain,
    /// In single quotes, which are doubled inside.
    Single,
    /// In double quotes, with escapes.
    Double,
    /// An indented block.
    Block,
}

impl Node {
    pub fn new(data: Data, span: Span) -> Self {
        Self { data, span, flow: false }
    }

    pub fn text(value: impl Into<String>, span: Span) -> Self {
        Self::new(Data::Text(value.into(), Style::Plain), span)
    }

    pub fn number(value: impl Into<String>, span: Span) -> Self {
        Self::new(Data::Number(value.into()), span)
    }

    pub fn list(items: Vec<Self>, span: Span) -> Self {
        Self::new(Data::List(items), span)
    }

    pub fn map(entries: Vec<Entry>, span: Span) -> Self {
        Self::new(Data::Map(entries), span)
    }

    /// A map on one line, such as `{env: NAME}`.
    pub fn form(entries: Vec<Entry>, span: Span) -> Self {
        Self { data: Data::Map(entries), span, flow: true }
    }

    /// Whether nothing stands inside of it.
    pub fn is_scalar(&self) -> bool {
        !matches!(self.data, Data::Map(_) | Data::List(_))
    }

    /// What it is, for a message.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Map(_) => "a map",
            Data::List(_) => "a list",
            Data::Text(..) => "a text",
            Data::Number(_) => "a number",
            Data::Bool(_) => "`true` or `false`",
            Data::Null => "nothing",
        }
    }
}

impl Entry {
    /// An entry that is written for something at `span`.
    pub fn new(key: &str, value: Node, span: Span) -> Self {
        let key = Spanned { node: key.to_owned(), span: Span { start: span.start, end: span.start } };
        Self { key, value }
    }

    pub fn span(&self) -> Span {
        join(self.key.span, self.value.span)
    }
}

/// The smallest span that holds both.
pub(crate) fn join(one: Span, other: Span) -> Span {
    Span { start: one.start.min(other.start), end: one.end.max(other.end) }
}

/// Whether JSON writes a number like this.
pub(crate) fn is_json_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_json() {
        for text in ["0", "-1", "10.50", "1e3", "1E+3", "0.0e-7"] {
            assert!(is_json_number(text), "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "+1", "1e", "0x1", "1_000", "1e3.5", "--1"] {
            assert!(!is_json_number(text), "{text}");
        }
    }
}
