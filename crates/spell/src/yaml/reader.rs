//! Events of the YAML parser to a tree. Recursion is replaced by a stack, which counts the depth.
//!
//! INVARIANT no guessing: anchors, aliases, tags, merge keys, further documents, keys that are no texts
//! and scalars that readers disagree about are errors; so an alias can never multiply its anchor.

use std::collections::HashMap;

use faramesh_syntax::ast::{Name, Span, Spanned};
use faramesh_syntax::{Diagnostic, limits};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as ParserSpan};

use super::plain::plain;
use crate::codes;
use crate::reading::{Reading, Repeated, too_deep};
use crate::tree::{Data, Entry, Node, Style, join};

/// Reads any text: its tree unless it is no YAML, its comments, and what is wrong with it.
pub(crate) fn read(source: &str) -> Reading {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut builder = Builder {
        source,
        offsets: offsets(source, source.len() - text.len()),
        open: Vec::new(),
        root: None,
        documents: 0,
        scalars: Vec::new(),
        diagnostics: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        let going = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => {
                builder.no_yaml(&error);
                false
            }
        };
        if !going {
            builder.root = None;
            break;
        }
    }
    let comments = super::comments::find(source, &builder.scalars);
    let mut root = builder.root;
    if let Some(root) = &mut root {
        super::comments::extend(root, source, &comments);
    }
    Reading { root, comments, diagnostics: builder.diagnostics }
}

/// The byte at which each character begins; nothing if all of them are single bytes after `skipped`.
fn offsets(source: &str, skipped: usize) -> Offsets {
    let text = source.get(skipped..).unwrap_or_default();
    let table = if text.is_ascii() {
        Vec::new()
    } else {
        let ends = std::iter::once(text.len());
        let starts = text.char_indices().map(|(at, _)| at).chain(ends);
        starts.map(|at| u32::try_from(at + skipped).unwrap_or(u32::MAX)).collect()
    };
    let base = u32::try_from(skipped).unwrap_or(0);
    Offsets { table, base, length: u32::try_from(source.len()).unwrap_or(u32::MAX) }
}

struct Offsets {
    table: Vec<u32>,
    base: u32,
    length: u32,
}

impl Offsets {
    /// The byte of a character.
    fn byte(&self, character: usize) -> u32 {
        if self.table.is_empty() {
            let at = u32::try_from(character).unwrap_or(u32::MAX);
            return self.base.saturating_add(at).min(self.length);
        }
        self.table.get(character).copied().unwrap_or(self.length)
    }
}

/// A map or list that has begun.
enum Open {
    Map { start: u32, entries: Vec<Entry>, key: Option<Key>, seen: HashMap<String, Span> },
    List { start: u32, items: Vec<Node> },
}

/// A key that waits for its value.
struct Key {
    name: Name,
    /// Whether its value is left out because the key was refused.
    refused: bool,
}

struct Builder<'s> {
    source: &'s str,
    offsets: Offsets,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    scalars: Vec<Span>,
    diagnostics: Vec<Diagnostic>,
}

impl Builder<'_> {
    /// Takes one event; whether to go on.
    fn event(&mut self, event: Event<'_>, place: ParserSpan) -> bool {
        let span =
            Span { start: self.offsets.byte(place.start.index()), end: self.offsets.byte(place.end.index()) };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let help =
                        "a policy is one document: remove the `---` and what belongs to something else";
                    self.refuse(span, "a second document begins here", help);
                    return false;
                }
            }
            Event::Alias(_) => self.alias(span),
            Event::Scalar(value, style, anchor, tag) => {
                self.decorations(anchor, tag.is_some(), span);
                self.scalar(&value, style, span);
            }
            Event::SequenceStart(anchor, tag) => {
                self.decorations(anchor, tag.is_some(), span);
                self.open.push(Open::List { start: span.start, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                self.decorations(anchor, tag.is_some(), span);
                let seen = HashMap::new();
                self.open.push(Open::Map { start: span.start, entries: Vec::new(), key: None, seen });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        if self.open.len() > usize::try_from(limits::NESTING).unwrap_or(usize::MAX) {
            self.diagnostics.push(too_deep(span));
            return false;
        }
        self.diagnostics.len() <= limits::DIAGNOSTICS
    }

    fn refuse(&mut self, span: Span, message: &str, help: &str) {
        self.diagnostics.push(Diagnostic::error(codes::REFUSED_YAML, span, message).with_help(help));
    }

    fn alias(&mut self, span: Span) {
        self.refuse(span, "aliases (`*name`) are not used in policies", "write the value itself");
        self.value(Node::new(Data::Null, span));
    }

    fn decorations(&mut self, anchor: usize, tagged: bool, span: Span) {
        if anchor > 0 {
            self.refuse(span, "anchors (`&name`) are not used in policies", "remove the `&name`");
        }
        if tagged {
            let help = "remove the tag; put a text in quotes where it looks like a number";
            self.refuse(span, "tags (`!name`) are not used in policies", help);
        }
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, span: Span) {
        let (whole, inner) = self.extent(style, span);
        if whole.end > whole.start {
            self.scalars.push(whole);
        }
        let text = |style| Data::Text(value.to_owned(), style);
        let data = match style {
            ScalarStyle::Plain if value.is_empty() => Data::Null,
            ScalarStyle::Plain if self.wants_key() && plain_key(value) => text(Style::Plain),
            ScalarStyle::Plain => match plain(value) {
                Ok(data) => data,
                Err(trap) => {
                    let found =
                        Diagnostic::error(codes::AMBIGUOUS_SCALAR, inner, trap.message).with_help(trap.help);
                    self.diagnostics.push(match trap.replacement {
                        Some(text) => found.with_fix(inner, &text, format!("write `{text}`")),
                        None => found.with_fix(inner, format!("\"{value}\""), "put it in quotes"),
                    });
                    text(Style::Plain)
                }
            },
            ScalarStyle::SingleQuoted => text(Style::Single),
            ScalarStyle::DoubleQuoted => text(Style::Double),
            ScalarStyle::Literal | ScalarStyle::Folded => text(Style::Block),
        };
        self.value(Node::new(data, inner));
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: None, .. }))
    }

    /// The place of a scalar with its quotes, and without.
    fn extent(&self, style: ScalarStyle, span: Span) -> (Span, Span) {
        let quote = match style {
            ScalarStyle::SingleQuoted => b'\'',
            ScalarStyle::DoubleQuoted => b'"',
            _ => return (span, span),
        };
        let start = usize::try_from(span.start).unwrap_or(usize::MAX);
        let bytes = self.source.as_bytes();
        // An anchor or tag may stand before the quote, which was reported.
        let Some(open) = bytes.iter().skip(start).position(|&byte| byte == quote).map(|at| start + at) else {
            return (span, span);
        };
        let mut at = open + 1;
        while let Some(&byte) = bytes.get(at) {
            let doubled = quote == b'\'' && bytes.get(at + 1) == Some(&b'\'');
            match byte {
                b'\\' if quote == b'"' => at += 2,
                _ if byte == quote && doubled => at += 2,
                _ if byte == quote => break,
                _ => at += 1,
            }
        }
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).min(self.offsets.length);
        (Span { start: span.start, end: offset(at + 1) }, Span { start: offset(open + 1), end: offset(at) })
    }

    /// Takes a finished value, or a key.
    fn value(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { key: waiting @ None, seen, .. }) => {
                let (name, refusal) = key_of(node);
                let repeated =
                    if refusal.is_none() { seen.insert(name.node.clone(), name.span) } else { None };
                *waiting = Some(Key { refused: refusal.is_some() || repeated.is_some(), name: name.clone() });
                self.diagnostics.extend(refusal);
                self.diagnostics.extend(repeated.map(|first| Repeated { name: &name, first }.diagnostic()));
            }
            Some(Open::Map { entries, key, .. }) => {
                if let Some(key) = key.take().filter(|key| !key.refused) {
                    entries.push(Entry { key: key.name, value: node });
                }
            }
        }
    }

    fn close(&mut self, span: Span) {
        let node = match self.open.pop() {
            Some(Open::Map { start, entries, .. }) => {
                let end = entries.last().map_or(span.end, |last| last.span().end);
                let whole = Span { start, end: self.closing(end, span) };
                Node::map(entries, whole)
            }
            Some(Open::List { start, items }) => {
                let end = items.last().map_or(span.end, |last| last.span.end);
                let whole = Span { start, end: self.closing(end, span) };
                Node::list(items, whole)
            }
            None => return,
        };
        self.value(node);
    }

    /// Where a map or list ends: at its bracket, or with what stands in it last.
    fn closing(&self, last: u32, event: Span) -> u32 {
        if event.end > event.start { join(Span { start: last, end: last }, event).end } else { last }
    }

    fn no_yaml(&mut self, error: &ScanError) {
        let start = self.offsets.byte(error.marker().index());
        let at = usize::try_from(start).unwrap_or(usize::MAX);
        let width = self.source.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let end = start.saturating_add(u32::try_from(width).unwrap_or(0));
        let info = error.info();
        if info.contains("unknown anchor") {
            return self.alias(Span { start, end });
        }
        let rest = usize::try_from(start).ok().and_then(|start| self.source.get(start..)).unwrap_or_default();
        let help = match rest.chars().next() {
            Some('\t') => "indent with spaces: YAML takes no tabs there",
            Some(':') => "put a text that has `: ` in it in quotes",
            Some('*' | '&' | '!' | '@' | '`' | '%' | '>' | '|' | '{' | '[' | ',') => {
                "put a text that begins with such a sign in quotes"
            }
            _ => "compare the indentation, quotes and brackets of this line and the one before",
        };
        let message = format!("this is no YAML: {}", info.replace('`', "'"));
        self.diagnostics
            .push(Diagnostic::error(codes::NOT_YAML, Span { start, end }, message).with_help(help));
    }
}

/// Whether a key without quotes is a text although its like is refused as a value: `on` names a key of `alert`.
fn plain_key(value: &str) -> bool {
    value != "<<"
        && value.starts_with(|first: char| first.is_ascii_alphabetic())
        && !matches!(value, "true" | "false" | "null")
}

/// The name of a key, and why it is none.
fn key_of(node: Node) -> (Name, Option<Diagnostic>) {
    let span = node.span;
    let name = |node: String| Spanned { node, span };
    let (text, what) = match node.data {
        Data::Text(text, Style::Plain) if text == "<<" => {
            let found =
                Diagnostic::error(codes::REFUSED_YAML, span, "merge keys (`<<`) are not used in policies")
                    .with_help("write the keys themselves");
            return (name(text), Some(found));
        }
        Data::Text(text, _) => return (name(text), None),
        Data::Number(text) => (text, "a number"),
        Data::Bool(value) => (value.to_string(), "`true` or `false`"),
        Data::Null => ("null".to_owned(), "nothing"),
        Data::Map(_) => (String::new(), "a map"),
        Data::List(_) => (String::new(), "a list"),
    };
    let found =
        Diagnostic::error(codes::KEY_NOT_TEXT, span, format!("a key is a text, and this one is {what}"));
    let found = if text.is_empty() {
        found.with_help("write a name before the `:`")
    } else {
        let quoted = format!("\"{text}\"");
        found.with_help(format!("write `{quoted}` for a key of that name")).with_fix(
            span,
            quoted,
            "put it in quotes",
        )
    };
    (name(text), Some(found))
}
