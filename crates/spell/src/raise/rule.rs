//! Rules as maps, their parts in the order of FPL.

use faramesh_syntax::ast::{Effect, Item, Rule, Span, Spanned};
use faramesh_syntax::render_expr_of;

use super::Raise;
use crate::lower::is_keyed;
use crate::names::clause_mode;
use crate::tree::{Data, Entry, Node, join};

impl Raise<'_> {
    /// Every rule of these statements, as one list.
    pub(super) fn rules(&mut self, items: &[&Spanned<Item>], span: Span) -> Node {
        let mut nodes = Vec::new();
        for item in items {
            match &item.node {
                Item::Rules(rules) => nodes.extend(rules.iter().map(|rule| self.rule(&rule.node, rule.span))),
                Item::Rule(rule) => nodes.push(self.rule(rule, item.span)),
                _ => {}
            }
        }
        Node::list(nodes, span)
    }

    fn rule(&mut self, rule: &Rule, span: Span) -> Node {
        let at = |span| move |text: &str| Node::text(text, span);
        let effect = match rule.effect.node {
            Effect::Permit => "permit",
            Effect::Defer => "defer",
            Effect::Deny => "deny",
            Effect::DenyAlways => "deny!",
        };
        let mut entries = vec![
            Entry::new("effect", at(rule.effect.span)(effect), rule.effect.span),
            Entry::new("tool", at(rule.pattern.span)(&rule.pattern.node), rule.pattern.span),
        ];
        if let Some(condition) = &rule.condition {
            let text = render_expr_of(&condition.node, self.source);
            entries.push(Entry::new("if", at(condition.span)(&text), condition.span));
        }
        for clause in &rule.clauses {
            let keyword = clause.node.keyword.node.as_str();
            let value = self.clause_value(&clause.node.value, clause_mode(keyword));
            let Some(key) = &clause.node.key else {
                self.clause(&mut entries, keyword, value, clause.span);
                continue;
            };
            let entry = Entry::new(&key.node, value, clause.span);
            if let Some(Data::Map(inner)) = value_of(&mut entries, keyword).map(|node| &mut node.data) {
                if inner.iter().any(|other| other.key.node == key.node) {
                    self.twice(&format!("{keyword} {}", key.node), clause.span);
                }
                inner.push(entry);
            } else {
                entries.push(Entry::new(keyword, Node::map(vec![entry], clause.span), clause.span));
            }
        }
        Node::map(entries, span)
    }

    fn clause(&mut self, entries: &mut Vec<Entry>, keyword: &str, value: Node, span: Span) {
        let Some(before) = value_of(entries, keyword) else {
            entries.push(Entry::new(keyword, value, span));
            return;
        };
        if keyword != "notify" || is_keyed(keyword) {
            return self.twice(keyword, span);
        }
        before.span = join(before.span, span);
        let more = match value.data {
            Data::List(places) => places,
            _ => vec![value],
        };
        match &mut before.data {
            Data::List(places) => places.extend(more),
            _ => {
                let first = Node { span, ..before.clone() };
                before.data = Data::List(std::iter::once(first).chain(more).collect());
                before.flow = false;
            }
        }
    }

    fn twice(&mut self, what: &str, span: Span) {
        self.cannot(
            span,
            format!("`{what}` is written twice"),
            "keep one of the two, or write a list of values",
        );
    }
}

fn value_of<'e>(entries: &'e mut [Entry], keyword: &str) -> Option<&'e mut Node> {
    entries.iter_mut().find(|entry| entry.key.node == keyword).map(|entry| &mut entry.value)
}
