//! JSON text to a tree, strictly: no comments, no trailing commas, no second value.

use std::collections::HashMap;

use faramesh_syntax::ast::{Name, Span, Spanned};
use faramesh_syntax::{Diagnostic, limits};
use jsonc_parser::ast::{Object, ObjectPropName, StringLit, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::codes;
use crate::reading::{Reading, Repeated, too_deep};
use crate::tree::{Data, Entry, Node, Style};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads any text: its tree unless it is no JSON, and what is wrong with it.
pub(crate) fn read(source: &str) -> Reading {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut reader = Reader { skipped: source.len() - text.len(), diagnostics: Vec::new() };
    let root = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed.value.and_then(|value| reader.node(value, 0)),
        Err(error) => {
            let span = reader.span(error.range());
            reader.diagnostics.push(no_json(error.kind(), span));
            None
        }
    };
    Reading { root, comments: Vec::new(), diagnostics: reader.diagnostics }
}

struct Reader {
    skipped: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    fn span(&self, range: Range) -> Span {
        let offset = |at: usize| u32::try_from(at.saturating_add(self.skipped)).unwrap_or(u32::MAX);
        Span { start: offset(range.start), end: offset(range.end) }
    }

    /// What stands between the quotes.
    fn inner(&self, literal: &StringLit<'_>) -> Span {
        let Range { start, end } = literal.range();
        self.span(Range { start: start + 1, end: end.saturating_sub(1).max(start + 1) })
    }

    fn node(&mut self, value: Value<'_>, depth: u32) -> Option<Node> {
        let span = self.span(value.range());
        if depth >= limits::NESTING {
            self.diagnostics.push(too_deep(span));
            return None;
        }
        let data = match value {
            Value::StringLit(text) => {
                let inner = self.inner(&text);
                return Some(Node::new(Data::Text(text.value.into_owned(), Style::Double), inner));
            }
            Value::NumberLit(number) => Data::Number(number.value.to_owned()),
            Value::BooleanLit(value) => Data::Bool(value.value),
            Value::NullKeyword(_) => Data::Null,
            Value::Array(array) => {
                let items: Option<Vec<Node>> =
                    array.elements.into_iter().map(|item| self.node(item, depth + 1)).collect();
                Data::List(items?)
            }
            Value::Object(object) => Data::Map(self.entries(object, depth)?),
        };
        Some(Node::new(data, span))
    }

    fn entries(&mut self, object: Object<'_>, depth: u32) -> Option<Vec<Entry>> {
        let mut entries = Vec::with_capacity(object.properties.len());
        let mut seen = HashMap::new();
        for property in object.properties {
            let key: Name = match property.name {
                ObjectPropName::String(text) => {
                    let span = self.inner(&text);
                    Spanned { node: text.value.into_owned(), span }
                }
                ObjectPropName::Word(word) => {
                    Spanned { node: word.value.to_owned(), span: self.span(word.range()) }
                }
            };
            let value = self.node(property.value, depth + 1)?;
            match seen.insert(key.node.clone(), key.span) {
                Some(first) => self.diagnostics.push(Repeated { name: &key, first }.diagnostic()),
                None => entries.push(Entry { key, value }),
            }
        }
        Some(entries)
    }
}

fn no_json(kind: &ParseErrorKind, span: Span) -> Diagnostic {
    use ParseErrorKind as K;
    let (message, help) = match kind {
        K::NestingDepthExceeded => return too_deep(span),
        K::CommentsNotAllowed | K::UnterminatedCommentBlock => (
            "JSON has no comments".to_owned(),
            "remove it, or convert the policy with `faramesh fmt --to yaml` and comment it there",
        ),
        K::TrailingCommasNotAllowed => {
            ("JSON has no comma after the last element".to_owned(), "remove the comma")
        }
        K::SingleQuotedStringsNotAllowed => {
            ("texts are not written in single quotes".to_owned(), "use double quotes: `\"`")
        }
        K::MultipleRootJsonValues => (
            "something follows the end of the policy".to_owned(),
            "remove it, or the bracket that ends it too early",
        ),
        K::UnterminatedArray | K::UnterminatedObject => {
            ("this bracket is never closed".to_owned(), "close it, and every bracket inside of it")
        }
        K::ExpectedStringObjectProperty => {
            ("a key stands in double quotes".to_owned(), "write `\"key\": value`")
        }
        other => {
            let mut text = other.to_string().replace('`', "'");
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            (format!("this is no JSON: {text}"), "compare the brackets, commas and quotes around this place")
        }
    };
    Diagnostic::error(codes::NOT_JSON, span, message).with_help(help)
}
