//! What a policy says, apart from how: the form in which trees from different spellings are compared.
//!
//! Two trees with the same normal form compile to the same program: the order of statements of different
//! kinds, quotes around words, and where the name of a block stands carry no meaning.

use faramesh_check::definitions::{Definition, Label, Shape};
use faramesh_syntax::ast::{Body, Clause, Item, Name, Rule, Span, Spanned, Value};
use faramesh_syntax::without_spans;

use crate::lower::{literal, trust_key};
use crate::names::{Mode, Owner, mode};

/// The normal form of a policy, without places.
pub(crate) fn normal(body: &Body) -> Body {
    Body { items: items(without_spans(body).items, Owner::FILE) }
}

fn spanless<T>(node: T) -> Spanned<T> {
    Spanned { node, span: Span::default() }
}

fn items(written: Vec<Spanned<Item>>, owner: Owner) -> Vec<Spanned<Item>> {
    let mut rules: Vec<Spanned<Rule>> = Vec::new();
    let mut kept: Vec<Spanned<Item>> = Vec::new();
    for item in written {
        match item.node {
            Item::Rules(more) => rules.extend(more),
            Item::Rule(rule) => rules.push(spanless(rule)),
            Item::Block { keyword, labels, body } => kept.push(spanless(block(keyword, labels, body, owner))),
            Item::Setting { key, value } if owner.keyword == "trust" && key.node == "keys" => {
                kept.extend(keys(key, value));
            }
            Item::Setting { key, value } => {
                let value = setting(&key, value, owner);
                kept.push(spanless(Item::Setting { key, value }));
            }
            Item::RateLimit { pattern, count, period, options } => {
                let options =
                    options.into_iter().map(|(name, value)| (name, worded(value, Mode::Text))).collect();
                kept.push(spanless(Item::RateLimit { pattern, count, period, options }));
            }
            other => kept.push(spanless(other)),
        }
    }
    for rule in &mut rules {
        rule.node.clauses = std::mem::take(&mut rule.node.clauses).into_iter().flat_map(told).collect();
        rule.node.clauses.sort_by(|one, other| name(&one.node).cmp(name(&other.node)));
    }
    if !rules.is_empty() {
        kept.push(spanless(Item::Rules(rules)));
    }
    kept.sort_by_key(|item| rank(&item.node));
    kept
}

/// A clause for each of those who are told, if several are in one.
fn told(clause: Spanned<Clause>) -> Vec<Spanned<Clause>> {
    match clause.node.value.node {
        Value::List(places) if clause.node.keyword.node == "notify" => {
            let keyword = clause.node.keyword;
            let each = |value| spanless(Clause { keyword: keyword.clone(), key: None, value });
            places.into_iter().map(each).collect()
        }
        value => {
            let value = spanless(value);
            vec![spanless(Clause { value, ..clause.node })]
        }
    }
}

fn name(clause: &Clause) -> &str {
    &clause.keyword.node
}

/// Statements of one kind stay in their order.
fn rank(item: &Item) -> (u8, String) {
    let named = |rank, name: &Name| (rank, name.node.clone());
    match item {
        Item::Setting { key, .. } => named(0, key),
        Item::Block { keyword, .. } => named(1, keyword),
        Item::Import { .. } => (2, String::new()),
        Item::Use { .. } => (3, String::new()),
        Item::Var { .. } => (4, String::new()),
        Item::Rules(_) | Item::Rule(_) => (5, String::new()),
        Item::RateLimit { .. } => (6, String::new()),
        Item::Redact { .. } => (7, String::new()),
        Item::TrustKey { .. } => (8, String::new()),
        Item::Require { .. } => (9, String::new()),
        Item::ManifestOrchestrator { .. } => (10, String::new()),
        Item::ManifestGrant { .. } => (11, String::new()),
    }
}

fn block(keyword: Name, mut labels: Vec<Spanned<String>>, body: Body, owner: Owner) -> Item {
    let definition = owner.find(&keyword.node);
    let mut items = items(body.items, definition.map_or(Owner::UNKNOWN, Owner::of));
    if labels.is_empty() && definition.is_some_and(has_label) {
        let is_id = |item: &Spanned<Item>| {
            matches!(&item.node, Item::Setting { key, value }
            if key.node == "id" && matches!(value.node, Value::String(_)))
        };
        if let Some(at) = items.iter().position(is_id)
            && let Item::Setting { value: Spanned { node: Value::String(text), .. }, .. } =
                items.remove(at).node
        {
            labels.push(spanless(text));
        }
    }
    Item::Block { keyword, labels, body: Body { items } }
}

fn has_label(definition: &Definition) -> bool {
    matches!(definition.shape, Shape::Block { label, .. } if label != Label::None)
}

fn setting(key: &Name, value: Spanned<Value>, owner: Owner) -> Spanned<Value> {
    let kind = owner.find(&key.node).and_then(|definition| match definition.shape {
        Shape::Setting { kind, .. } => Some(kind),
        _ => None,
    });
    // What a pack is given may be the name of a variable.
    let is_variable = owner.keyword.is_empty() && kind.is_none();
    let mode = kind.map_or(Mode::Literal, mode);
    if is_variable { value } else { worded(value, mode) }
}

/// Bare words as texts, and texts that mean a duration as that.
fn worded(value: Spanned<Value>, mode: Mode) -> Spanned<Value> {
    let node = match value.node {
        Value::Word(word) if mode != Mode::Expression => worded(spanless(Value::String(word)), mode).node,
        Value::String(text) if mode == Mode::Measure => literal(&text).unwrap_or(Value::String(text)),
        Value::List(items) => Value::List(items.into_iter().map(|item| worded(item, mode)).collect()),
        other => other,
    };
    spanless(node)
}

fn keys(key: Name, value: Spanned<Value>) -> Vec<Spanned<Item>> {
    let values = match value.node {
        Value::List(values) => values,
        node => vec![spanless(node)],
    };
    let mut items = Vec::new();
    let mut others = Vec::new();
    for value in values {
        match &value.node {
            Value::String(text) => match trust_key(text, Span::default()) {
                Some(item) => items.push(spanless(item)),
                None => others.push(value),
            },
            _ => others.push(value),
        }
    }
    if !others.is_empty() {
        items.push(spanless(Item::Setting { key, value: spanless(Value::List(others)) }));
    }
    items
}
