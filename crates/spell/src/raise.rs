//! The typed view to a tree in canonical form: the keys, their order, and how values are written. The
//! tree keeps the places of what it was made from, by which comments find their lines.
//!
//! What a tree cannot hold, such as a key that stands twice, is reported and never dropped silently.

mod forms;
mod rule;
mod value;

use faramesh_check::definitions::{Definition, Label, Shape};
use faramesh_syntax::Diagnostic;
use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned, Value};

use crate::codes;
use crate::names::{self, Form, Mode, Owner, form, key};
use crate::tree::{Entry, Node, join};

/// The tree of a policy, or why there is none.
pub(crate) fn raise(body: &Body, schema: Option<&str>, source: &str) -> Result<Node, Vec<Diagnostic>> {
    let mut raise = Raise { source, diagnostics: Vec::new() };
    let length = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let mut entries = raise.body(&body.items, Owner::FILE);
    if let Some(schema) = schema {
        let span = Span::default();
        entries.insert(0, Entry::new("$schema", Node::text(schema, span), span));
    }
    let root = Node::map(entries, Span { start: 0, end: length });
    if raise.diagnostics.is_empty() { Ok(root) } else { Err(raise.diagnostics) }
}

struct Raise<'s> {
    /// What the body was read from.
    source: &'s str,
    diagnostics: Vec<Diagnostic>,
}

impl Raise<'_> {
    fn cannot(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(codes::CANNOT_CARRY, span, message).with_help(help));
    }

    /// The entries of a block: one for each keyword, in the order in which they first stand there.
    fn body(&mut self, items: &[Spanned<Item>], owner: Owner) -> Vec<Entry> {
        let mut groups: Vec<(&str, Vec<&Spanned<Item>>)> = Vec::new();
        for item in items {
            let word = section(owner, &item.node);
            match groups.iter_mut().find(|(known, _)| *known == word) {
                Some((_, group)) => group.push(item),
                None => groups.push((word, vec![item])),
            }
        }
        groups.into_iter().filter_map(|(word, group)| self.group(word, &group, owner)).collect()
    }

    fn group(&mut self, word: &str, items: &[&Spanned<Item>], owner: Owner) -> Option<Entry> {
        let span = items.iter().map(|item| item.span).reduce(join)?;
        let first = items.first()?;
        let value = match &first.node {
            Item::Setting { key, value } if word != "keys" || owner.keyword != "trust" => {
                if let Some(second) = items.get(1) {
                    self.cannot(
                        second.span,
                        format!("`{}` is written twice", key.node),
                        "keep one of the two",
                    );
                    return None;
                }
                return Some(self.setting(key, value, owner, span));
            }
            Item::Block { .. } => self.blocks(word, items, owner)?,
            Item::Rules(_) | Item::Rule(_) => self.rules(items, span),
            Item::Var { .. } => self.vars(items, span)?,
            Item::Import { .. } => self.list(items, span, Self::import),
            Item::Use { .. } => self.list(items, span, Self::use_pack),
            Item::RateLimit { .. } => self.list(items, span, Self::rate_limit),
            Item::Redact { .. } => self.list(items, span, Self::redaction),
            Item::Require { .. } => self.list(items, span, Self::requirement),
            Item::TrustKey { .. } | Item::Setting { .. } => self.trust_keys(items, span),
            Item::ManifestOrchestrator { .. } | Item::ManifestGrant { .. } => self.manifest(items, span),
        };
        if items.iter().any(|item| std::mem::discriminant(&item.node) != std::mem::discriminant(&first.node))
            && !matches!(word, "rules" | "manifest" | "keys")
        {
            self.cannot(
                span,
                format!("`{word}` is written in two ways"),
                "write it in one way, as a block or as a key",
            );
            return None;
        }
        Some(Entry::new(key(word), value, span))
    }

    fn setting(&mut self, name: &Name, value: &Spanned<Value>, owner: Owner, span: Span) -> Entry {
        let kind = owner.find(&name.node).and_then(|definition| match definition.shape {
            Shape::Setting { kind, .. } => Some(kind),
            _ => None,
        });
        let mode = kind.map_or(Mode::Literal, names::mode);
        let value = self.value(value, mode);
        let mut entry = Entry::new(&name.node, value, span);
        entry.key.span = name.span;
        entry
    }

    fn list(
        &mut self,
        items: &[&Spanned<Item>],
        span: Span,
        write: fn(&mut Self, &Spanned<Item>) -> Option<Node>,
    ) -> Node {
        let nodes = items.iter().filter_map(|item| write(self, item)).collect();
        Node::list(nodes, span)
    }

    fn blocks(&mut self, word: &str, items: &[&Spanned<Item>], owner: Owner) -> Option<Node> {
        let span = items.iter().map(|item| item.span).reduce(join)?;
        let definition = owner.find(word);
        let label = match definition.map(|definition| definition.shape) {
            Some(Shape::Block { label, .. }) => label,
            _ => {
                let message =
                    format!("there is no block `{word}` here, so it has no form in another spelling");
                self.cannot(span, message, "see what `faramesh check` says about it");
                return None;
            }
        };
        let definition = definition?;
        let blocks: Vec<Block<'_>> = items.iter().filter_map(|item| Block::of(item)).collect();
        if let Some(extra) =
            blocks.iter().find_map(|block| block.labels.get(usize::from(label != Label::None)))
        {
            self.cannot(extra.span, format!("`{word}` has no name `{}`", extra.node), "remove it");
            return None;
        }
        let names: std::collections::BTreeSet<&str> =
            blocks.iter().filter_map(|block| block.labels.first()).map(|label| label.node.as_str()).collect();
        if label != Label::None && form(word) == Form::Map && names.len() == blocks.len() {
            let entries = blocks.iter().map(|block| self.named(block, definition)).collect();
            return Some(Node::map(entries, span));
        }
        if let (Label::None, [block]) = (label, blocks.as_slice()) {
            let entries = self.body(&block.body.items, Owner::of(definition));
            return Some(Node::map(entries, block.span));
        }
        let nodes = blocks.iter().map(|block| self.element(block, definition)).collect();
        Some(Node::list(nodes, span))
    }

    fn named(&mut self, block: &Block<'_>, definition: &'static Definition) -> Entry {
        let body = self.body(&block.body.items, Owner::of(definition));
        let label = block.labels.first().map_or("", |label| &label.node);
        Entry::new(label, Node::map(body, block.span), block.span)
    }

    fn element(&mut self, block: &Block<'_>, definition: &'static Definition) -> Node {
        let mut entries = self.body(&block.body.items, Owner::of(definition));
        if let Some(label) = block.labels.first() {
            if let Some(id) = entries.iter().find(|entry| entry.key.node == "id") {
                let message = format!("`{}` has a name and an `id`", definition.keyword);
                self.cannot(id.span(), message, "keep one of the two");
            }
            entries.insert(0, Entry::new("id", Node::text(label.node.clone(), label.span), label.span));
        } else if let Some(at) = entries.iter().position(|entry| entry.key.node == "id") {
            // An `id` among the keys is the name of the block.
            let id = entries.remove(at);
            entries.insert(0, id);
        }
        Node::map(entries, block.span)
    }
}

struct Block<'b> {
    labels: &'b [Spanned<String>],
    body: &'b Body,
    span: Span,
}

impl<'b> Block<'b> {
    fn of(item: &'b Spanned<Item>) -> Option<Self> {
        match &item.node {
            Item::Block { labels, body, .. } => Some(Self { labels, body, span: item.span }),
            _ => None,
        }
    }
}

/// The keyword under which a statement stands.
fn section(owner: Owner, item: &Item) -> &str {
    match item {
        Item::Import { .. } => "import",
        Item::Use { .. } => "use",
        Item::Setting { key, .. } => &key.node,
        Item::Var { .. } => "var",
        Item::Block { keyword, .. } => &keyword.node,
        Item::Rules(_) | Item::Rule(_) => "rules",
        Item::RateLimit { .. } => "rate_limit",
        Item::Redact { .. } => "redact",
        Item::TrustKey { .. } if owner.keyword == "trust" => "keys",
        Item::TrustKey { .. } => "key",
        Item::Require { .. } => "require",
        Item::ManifestOrchestrator { .. } | Item::ManifestGrant { .. } => "manifest",
    }
}
