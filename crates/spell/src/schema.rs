//! The JSON Schema of a policy in YAML or JSON, made from the definitions of the language. Editors use it;
//! `check` does not, and says more.
//!
//! Draft 7, which every editor knows. It accepts whatever is read without an error and refuses typical
//! mistakes; conditions are texts to it.

mod forms;
mod values;

use std::collections::BTreeSet;

use faramesh_check::definitions::{Definition, Label, Shape};

use crate::json;
use crate::names::{Form, Owner, form, key, other_keys};
use crate::tree::{Data, Entry, Node};
use faramesh_syntax::ast::Span;

/// The text of the schema.
#[must_use]
pub fn schema() -> String {
    let mut schema = Schema { known: BTreeSet::new(), definitions: Vec::new() };
    let mut members = schema.block(Owner::FILE, "the policy of a stack");
    let editors = ("$schema", described(typed("string"), "the address of this schema, for editors"));
    if let Data::Map(entries) = &mut members.data
        && let Some(Entry { value: Node { data: Data::Map(properties), .. }, .. }) =
            entries.iter_mut().find(|entry| entry.key.node == "properties")
    {
        properties.insert(0, entry(editors.0, editors.1));
    }
    let mut definitions = schema.definitions;
    definitions.extend(values::definitions());
    definitions.extend(forms::definitions());
    definitions.sort_by(|one, other| one.key.node.cmp(&other.key.node));
    let mut entries = vec![
        entry("$schema", text("http://json-schema.org/draft-07/schema#")),
        entry("title", text("Faramesh policy")),
    ];
    if let Data::Map(members) = members.data {
        entries.extend(members);
    }
    entries.push(entry("definitions", Node::map(definitions, Span::default())));
    json::write(&Node::map(entries, Span::default()))
}

struct Schema {
    /// Keywords of blocks that are defined.
    known: BTreeSet<&'static str>,
    definitions: Vec<Entry>,
}

impl Schema {
    /// An object with the members of a block.
    fn block(&mut self, owner: Owner, summary: &str) -> Node {
        let mut properties = Vec::new();
        let mut others = Vec::new();
        for definition in owner.definitions() {
            let value = self.member(owner, definition);
            let key = key(definition.keyword);
            for other in other_keys(definition.keyword) {
                if owner.find(other).is_none_or(|found| found.keyword == definition.keyword) {
                    others.push(entry(other, described(value.clone(), &format!("the same as `{key}`"))));
                }
            }
            if !properties.iter().any(|known: &Entry| known.key.node == key) {
                properties.push(entry(key, described(value, &summary_of(definition))));
            }
        }
        properties.extend(others);
        let further =
            if owner.open { reference("value") } else { Node::new(Data::Bool(false), Span::default()) };
        object([
            ("description", text(summary)),
            ("type", text("object")),
            ("properties", Node::map(properties, Span::default())),
            ("additionalProperties", further),
        ])
    }

    fn member(&mut self, owner: Owner, definition: &'static Definition) -> Node {
        match definition.shape {
            Shape::Setting { .. } if owner.keyword == "trust" && definition.keyword == "keys" => {
                self.statement("key")
            }
            Shape::Setting { kind, .. } => values::kind(kind),
            Shape::Statement(_) => self.statement(definition.keyword),
            Shape::Block { label, .. } => {
                self.define(definition, label);
                reference(&under(definition.keyword))
            }
        }
    }

    /// Refers to the form of a statement.
    fn statement(&mut self, keyword: &'static str) -> Node {
        if self.known.insert(keyword) {
            self.definitions.push(entry(&under(keyword), forms::statement(keyword)));
        }
        reference(&under(keyword))
    }

    /// Defines a block under its keyword, once, and what stands under its key.
    fn define(&mut self, definition: &'static Definition, label: Label) {
        if !self.known.insert(definition.keyword) {
            return;
        }
        let owner = Owner::of(definition);
        let mut block = self.block(owner, definition.summary);
        if label != Label::None
            && let Data::Map(entries) = &mut block.data
            && let Some(Entry { value: Node { data: Data::Map(properties), .. }, .. }) =
                entries.iter_mut().find(|entry| entry.key.node == "properties")
        {
            let name = described(
                typed("string"),
                &format!("the name of the {}", definition.keyword.replace('_', " ")),
            );
            for key in if owner.open { &["id"][..] } else { &["id", "name"][..] } {
                properties.retain(|entry| entry.key.node != *key);
                properties.insert(0, entry(key, name.clone()));
            }
        }
        self.definitions.push(entry(definition.keyword, block));
        self.definitions.push(entry(&under(definition.keyword), blocks(definition, label)));
    }
}

/// The name of what stands under the key of a keyword.
fn under(keyword: &str) -> String {
    format!("under_{}", key(keyword))
}

/// What stands under the key of blocks.
fn blocks(definition: &Definition, label: Label) -> Node {
    let block = reference(definition.keyword);
    let by_name = object([("type", text("object")), ("additionalProperties", block.clone())]);
    let (items, alone) = match label {
        Label::None => (block.clone(), block),
        Label::Optional => (block.clone(), any([block, by_name])),
        Label::Required => {
            let named = any([required(&["id"]), required(&["name"])]);
            let element = object([("allOf", list([block, named]))]);
            let alone =
                if form(definition.keyword) == Form::Map { by_name } else { any([element.clone(), by_name]) };
            (element, alone)
        }
    };
    object([("if", typed("array")), ("then", object([("items", items)])), ("else", alone)])
}

fn summary_of(definition: &Definition) -> String {
    match definition.shape {
        Shape::Setting { default: Some(default), .. } => {
            format!("{}; {} by default", definition.summary, default.trim_matches('"'))
        }
        _ => definition.summary.to_owned(),
    }
}

fn entry(key: &str, value: Node) -> Entry {
    Entry::new(key, value, Span::default())
}

fn text(text: &str) -> Node {
    Node::text(text, Span::default())
}

fn list(items: impl IntoIterator<Item = Node>) -> Node {
    Node::list(items.into_iter().collect(), Span::default())
}

fn object<'k>(entries: impl IntoIterator<Item = (&'k str, Node)>) -> Node {
    let entries: Vec<Entry> = entries.into_iter().map(|(key, value)| entry(key, value)).collect();
    let is_flat = |node: &Node| match &node.data {
        Data::List(items) => items.iter().all(Node::is_scalar),
        _ => node.is_scalar(),
    };
    let is_short = entries.len() == 1 && entries.iter().all(|entry| is_flat(&entry.value));
    Node { flow: is_short, ..Node::map(entries, Span::default()) }
}

fn typed(kind: &str) -> Node {
    object([("type", text(kind))])
}

fn reference(name: &str) -> Node {
    object([("$ref", text(&format!("#/definitions/{name}")))])
}

fn any(schemas: impl IntoIterator<Item = Node>) -> Node {
    object([("anyOf", list(schemas))])
}

fn array_of(items: Node) -> Node {
    object([("type", text("array")), ("items", items)])
}

fn one_or_more(item: Node) -> Node {
    any([item.clone(), array_of(item)])
}

fn required(keys: &[&str]) -> Node {
    object([("required", list(keys.iter().map(|key| text(key))))])
}

fn pattern(pattern: &str) -> Node {
    object([("type", text("string")), ("pattern", text(pattern))])
}

/// A schema with a description. Beside a reference, draft 7 takes nothing, so that is wrapped.
fn described(schema: Node, description: &str) -> Node {
    let description = entry("description", text(description));
    match schema.data {
        Data::Map(mut entries) if !entries.iter().any(|entry| entry.key.node == "$ref") => {
            entries.retain(|entry| entry.key.node != "description");
            entries.insert(0, description);
            Node::map(entries, Span::default())
        }
        data => {
            let wrapped = entry("allOf", list([Node { flow: true, ..Node::new(data, Span::default()) }]));
            Node::map(vec![description, wrapped], Span::default())
        }
    }
}
