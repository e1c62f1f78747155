//! Blocks: one map, a list of them, or a map of them by name.

use faramesh_check::definitions::{Definition, Label, Shape};
use faramesh_syntax::ast::{Item, Name, Span, Spanned};

use super::{Items, Lower, from_key, is_value};
use crate::names::{Owner, key};
use crate::tree::{Data, Entry, Node};

/// Keys of a list's element that hold the name of the block.
const LABELS: &[&str] = &["id", "name"];

impl Lower<'_> {
    /// Every block under the key of `entry`.
    pub(super) fn blocks(&mut self, entry: &Entry, definition: &'static Definition, items: &mut Items) {
        let Shape::Block { label, .. } = definition.shape else { return };
        match &entry.value.data {
            Data::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let span = from_key(entry, index, element.span);
                    self.element(element, span, definition, label, items);
                }
            }
            Data::Map(entries) if label != Label::None && is_by_name(entries, definition) => {
                for (index, named) in entries.iter().enumerate() {
                    let keyword = keyword(definition, named.key.span);
                    let span = from_key(entry, index, named.span());
                    self.block(keyword, Some(&named.key), &named.value, definition, span, items);
                }
            }
            Data::Map(_) if label != Label::None => {
                self.element(&entry.value, entry.span(), definition, label, items);
            }
            Data::Map(_) => {
                let keyword = keyword(definition, entry.key.span);
                self.block(keyword, None, &entry.value, definition, entry.span(), items);
            }
            _ => {
                let what = format!("`{}`", entry.key.node);
                let _: Option<()> =
                    self.wrong(&entry.value, &what, "a map or a list of maps", &example(definition));
            }
        }
    }

    /// A block that stands in a list, its name among its keys.
    fn element(
        &mut self,
        element: &Node,
        span: Span,
        definition: &'static Definition,
        label: Label,
        items: &mut Items,
    ) {
        let what = format!("each of `{}`", key(definition.keyword));
        let Some(entries) = self.map(element, &what, &example(definition)) else { return };
        let named = if label == Label::None { None } else { label_of(entries, definition) };
        let name = match named {
            None => None,
            Some(entry) => {
                let what = format!("the name of `{}`", definition.keyword);
                let Some(text) = self.text(&entry.value, &what, "write a text") else { return };
                Some((entry.key.clone(), text))
            }
        };
        let place =
            name.as_ref().map(|(_, text)| text.span).or_else(|| entries.first().map(|first| first.key.span));
        let keyword = keyword(definition, place.unwrap_or(element.span));
        let owner = Owner::of(definition);
        let body = self.body(element, owner, name.as_ref().map(|(key, _)| key));
        let labels = name.into_iter().map(|(_, text)| text).collect();
        items.push(Spanned { node: Item::Block { keyword, labels, body }, span });
    }

    fn block(
        &mut self,
        keyword: Name,
        label: Option<&Name>,
        node: &Node,
        definition: &'static Definition,
        span: Span,
        items: &mut Items,
    ) {
        let body = self.body(node, Owner::of(definition), None);
        let labels = label.into_iter().cloned().collect();
        items.push(Spanned { node: Item::Block { keyword, labels, body }, span });
    }
}

fn keyword(definition: &Definition, span: Span) -> Name {
    Spanned { node: definition.keyword.to_owned(), span }
}

/// Whether a map holds blocks by their names, and is not one block itself.
fn is_by_name(entries: &[Entry], definition: &'static Definition) -> bool {
    let owner = Owner::of(definition);
    // A name may be that of a key, as in `budgets: {daily: {max: 5}}`; the value then tells.
    let is_member = |entry: &Entry| match owner.find_key(&entry.key.node).map(|found| found.shape) {
        Some(Shape::Setting { .. }) => is_value(&entry.value),
        Some(_) => true,
        None => false,
    };
    !entries.is_empty()
        && entries.iter().all(|entry| matches!(entry.value.data, Data::Map(_)))
        && (owner.open || !entries.iter().all(is_member))
}

/// The entry with the name of the block. Blocks with keys of any name have it under `id` only.
fn label_of<'n>(entries: &'n [Entry], definition: &'static Definition) -> Option<&'n Entry> {
    let owner = Owner::of(definition);
    let labels = if owner.open { LABELS.get(..1).unwrap_or_default() } else { LABELS };
    let mut labels = labels.iter().filter(|label| **label == "id" || owner.find(label).is_none());
    labels.find_map(|label| entries.iter().find(|entry| entry.key.node == *label))
}

fn example(definition: &Definition) -> String {
    let key = key(definition.keyword);
    match definition.shape {
        Shape::Block { label: Label::None, .. } => format!("write `{key}:` and its keys below, indented"),
        _ => format!("write `{key}:` and below `- id: name` and its keys"),
    }
}
