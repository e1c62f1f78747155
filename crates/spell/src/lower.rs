//! A tree to the typed view that `check` reads, with every place in the YAML or JSON source. What cannot
//! be read is reported and left out, as the parser of FPL does.
//!
//! It leaves out whether values fit their keys: that is for `check`, in one way for all spellings.

mod block;
mod forms;
mod fragment;
mod respan;
mod rule;
mod value;

pub(crate) use forms::{
    GRANT, IMPORT, MANIFEST, ORCHESTRATOR, RATE_LIMIT, REDACTION, REQUIREMENT, TRUST_KEY, USE, trust_key,
};
pub(crate) use rule::{CONDITION, EFFECT, EFFECTS, TOOL, is_keyed};
pub(crate) use value::literal;

use faramesh_check::definitions::{Shape, one_of};
use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned};
use faramesh_syntax::{Diagnostic, codes as syntax_codes, limits, nearest};

use crate::codes;
use crate::names::{self, Mode, Owner, is_identifier};
use crate::tree::{Data, Entry, Node, Style};

/// A tree that was read.
pub(crate) struct Lowered {
    pub body: Body,
    /// The value of `$schema`, which is for editors.
    pub schema: Option<String>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a whole policy.
pub(crate) fn lower(source: &str, root: &Node) -> Lowered {
    let mut lower = Lower { source, schema: None, rules: 0, diagnostics: Vec::new() };
    let body = lower.body(root, Owner::FILE, None);
    Lowered { body, schema: lower.schema, diagnostics: lower.diagnostics }
}

type Items = Vec<Spanned<Item>>;

struct Lower<'s> {
    source: &'s str,
    schema: Option<String>,
    /// How many rules there are so far.
    rules: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Lower<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < limits::DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports what stands at `node` in place of `expected`.
    fn wrong<T>(&mut self, node: &Node, what: &str, expected: &str, help: &str) -> Option<T> {
        let message = if matches!(node.data, Data::Null) {
            format!("{what} has no value")
        } else {
            format!("{what} is {expected}, and this is {}", node.kind())
        };
        self.report(Diagnostic::error(codes::WRONG_SHAPE, node.span, message).with_help(help));
        None
    }

    /// The entries of a map.
    fn map<'n>(&mut self, node: &'n Node, what: &str, help: &str) -> Option<&'n [Entry]> {
        match &node.data {
            Data::Map(entries) => Some(entries),
            _ => self.wrong(node, what, "a map", help),
        }
    }

    /// The statements of a block; `label` is the key that was read as its name.
    fn body(&mut self, node: &Node, owner: Owner, label: Option<&Name>) -> Body {
        let what =
            if owner.keyword.is_empty() { "a policy".to_owned() } else { format!("`{}`", owner.keyword) };
        let mut items = Vec::new();
        for entry in self.map(node, &what, "write its keys, each with its value").unwrap_or_default() {
            if label.is_none_or(|label| label.span != entry.key.span) {
                self.entry(entry, owner, &mut items);
            }
        }
        Body { items }
    }

    fn entry(&mut self, entry: &Entry, owner: Owner, items: &mut Items) {
        let key = &entry.key;
        if owner.keyword.is_empty() && key.node == "$schema" {
            match &entry.value.data {
                Data::Text(text, _) => self.schema = Some(text.clone()),
                _ => self
                    .wrong(&entry.value, "`$schema`", "a text", "write the address of the schema")
                    .unwrap_or_default(),
            }
            return;
        }
        if owner.keyword == "trust" && matches!(key.node.as_str(), "key" | "keys") {
            return self.trust_keys(entry, items);
        }
        let Some(definition) = owner.find_key(&key.node) else {
            // A key that does not exist is `check`'s to report, as in FPL, if it can stand in FPL at all.
            if is_identifier(&key.node) && is_value(&entry.value) {
                return self.setting(key, &key.node, &entry.value, entry.span(), Mode::Literal, items);
            }
            return self.unknown_key(key, owner.keys(), &place(owner));
        };
        match definition.shape {
            Shape::Setting { kind, .. } => {
                let mode = names::mode(kind);
                self.setting(key, definition.keyword, &entry.value, entry.span(), mode, items);
            }
            Shape::Block { .. } => self.blocks(entry, definition, items),
            Shape::Statement(_) => self.statement(entry, definition.keyword, items),
        }
    }

    fn setting(
        &mut self,
        key: &Name,
        keyword: &str,
        value: &Node,
        span: Span,
        mode: Mode,
        items: &mut Items,
    ) {
        let key = Spanned { node: keyword.to_owned(), span: key.span };
        if let Some(value) = self.value(value, mode, &format!("`{keyword}`")) {
            items.push(Spanned { node: Item::Setting { key, value }, span });
        }
    }

    /// A key that does not exist, with what may have been meant.
    fn unknown_key<'k>(&mut self, key: &Name, known: impl Iterator<Item = &'k str> + Clone, place: &str) {
        let message = format!("there is no key `{}` in {place}", key.node);
        let found = Diagnostic::error(codes::UNKNOWN_FORM, key.span, message);
        self.report(match nearest(&key.node, known.clone()) {
            Some(near) => found.with_help(format!("did you mean `{near}`?")).with_fix(
                key.span,
                near,
                format!("write `{near}`"),
            ),
            None => {
                let known: Vec<&str> = known.collect();
                found.with_help(format!("{place} takes {}", one_of(&known)))
            }
        });
    }

    /// A text, as it is.
    fn text(&mut self, node: &Node, what: &str, help: &str) -> Option<Spanned<String>> {
        match &node.data {
            Data::Text(text, _) if text.len() > limits::STRING_BYTES => self.too_long(node.span),
            Data::Text(text, _) => Some(Spanned { node: text.clone(), span: node.span }),
            _ => self.wrong(node, what, "a text", help),
        }
    }

    fn too_long<T>(&mut self, span: Span) -> Option<T> {
        let message = format!("this text is longer than {} KiB", limits::STRING_BYTES / 1024);
        self.report(Diagnostic::error(syntax_codes::STRING_TOO_LONG, span, message).with_help("shorten it"));
        None
    }

    /// The elements of a list, or the one thing that stands in its place.
    fn elements<'n>(&mut self, node: &'n Node, what: &str, help: &str) -> Option<&'n [Node]> {
        match &node.data {
            Data::List(items) => Some(items),
            Data::Null => self.wrong(node, what, "a list", help),
            _ => Some(std::slice::from_ref(node)),
        }
    }

    /// What stands in the source for a text.
    fn slice(&self, span: Span) -> &str {
        let range = usize::try_from(span.start).unwrap_or(usize::MAX)
            ..usize::try_from(span.end).unwrap_or(usize::MAX);
        self.source.get(range).unwrap_or_default()
    }

    /// Where the characters of a text stand.
    fn places(&self, text: &str, style: Style, span: Span) -> crate::places::Places {
        crate::places::Places::new(self.slice(span), span.start, text, style)
    }
}

/// The place of an element; the first one's begins at the key of the list, so that what stands before the
/// key stands before the element.
fn from_key(entry: &Entry, index: usize, span: Span) -> Span {
    if index == 0 { Span { start: entry.key.span.start.min(span.start), end: span.end } } else { span }
}

/// Whether a node can be the value of a key that nothing is known about.
fn is_value(node: &Node) -> bool {
    match &node.data {
        Data::Map(entries) => {
            entries.iter().any(|entry| matches!(entry.key.node.as_str(), "env" | "text" | "var" | "expr"))
        }
        Data::List(items) => items.iter().all(is_value),
        _ => true,
    }
}

fn place(owner: Owner) -> String {
    if owner.keyword.is_empty() { "the policy".to_owned() } else { format!("`{}`", owner.keyword) }
}
