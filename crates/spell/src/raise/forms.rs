//! Statements that have a form of their own in FPL, as lists and maps.

use faramesh_syntax::ast::{Item, Span, Spanned, Value};

use super::Raise;
use crate::lower::trust_key;
use crate::names::Mode;
use crate::tree::{Data, Entry, Node, is_json_number};

fn text(key: &str, value: &Spanned<String>) -> Entry {
    Entry::new(key, Node::text(value.node.clone(), value.span), value.span)
}

impl Raise<'_> {
    pub(super) fn import(&mut self, item: &Spanned<Item>) -> Option<Node> {
        let Item::Import { path, alias } = &item.node else { return None };
        Some(match alias {
            None => Node::text(path.node.clone(), item.span),
            Some(alias) => Node::map(vec![text("path", path), text("as", alias)], item.span),
        })
    }

    pub(super) fn use_pack(&mut self, item: &Spanned<Item>) -> Option<Node> {
        let Item::Use { alias, overrides } = &item.node else { return None };
        let Some(body) = overrides else { return Some(Node::text(alias.node.clone(), item.span)) };
        let mut entries = Vec::new();
        for given in &body.items {
            match &given.node {
                Item::Setting { key, value } => self.variable(&mut entries, key, value, given.span),
                _ => self.cannot(given.span, "only variables can be given to a pack", "write `name = value`"),
            }
        }
        let vars = Entry::new("vars", Node::map(entries, item.span), item.span);
        Some(Node::map(vec![text("pack", alias), vars], item.span))
    }

    pub(super) fn vars(&mut self, items: &[&Spanned<Item>], span: Span) -> Option<Node> {
        let mut entries = Vec::new();
        for item in items {
            let Item::Var { name, value } = &item.node else { continue };
            self.variable(&mut entries, name, value, item.span);
        }
        Some(Node::map(entries, span))
    }

    fn variable(
        &mut self,
        entries: &mut Vec<Entry>,
        name: &Spanned<String>,
        value: &Spanned<Value>,
        span: Span,
    ) {
        if entries.iter().any(|entry| entry.key.node == name.node) {
            self.cannot(
                span,
                format!("the variable `{}` is declared twice", name.node),
                "rename one of the two",
            );
            return;
        }
        // A variable that is given a bare word is a mistake, which another spelling must not hide.
        let value = self.clause_value(value, Mode::Literal);
        let mut entry = Entry::new(&name.node, value, span);
        entry.key.span = name.span;
        entries.push(entry);
    }

    pub(super) fn rate_limit(&mut self, item: &Spanned<Item>) -> Option<Node> {
        let Item::RateLimit { pattern, count, period, options } = &item.node else { return None };
        if !is_json_number(&count.node) || !count.node.bytes().all(|byte| byte.is_ascii_digit()) {
            self.cannot(
                count.span,
                format!("`{}` is no whole number", count.node),
                "write a number such as `10`",
            );
        }
        let limit = Entry::new("limit", Node::number(count.node.clone(), count.span), count.span);
        let mut entries = vec![text("pattern", pattern), limit, text("window", period)];
        for (name, value) in options {
            let value = self.value(value, Mode::Text);
            if entries.iter().any(|entry| entry.key.node == name.node) {
                self.cannot(name.span, format!("`{}` is written twice", name.node), "keep one of the two");
            }
            let mut entry = Entry::new(&name.node, value, name.span);
            entry.key.span = name.span;
            entries.push(entry);
        }
        Some(Node::map(entries, item.span))
    }

    pub(super) fn redaction(&mut self, item: &Spanned<Item>) -> Option<Node> {
        let Item::Redact { tool, target, paths, seal, by } = &item.node else { return None };
        let span = paths.first().map_or(item.span, |path| path.span);
        let fields = paths.iter().map(|path| Node::text(path.node.clone(), path.span)).collect();
        let mut entries = vec![text("tool", tool), Entry::new("paths", Node::list(fields, span), span)];
        if target.node != "args" {
            entries.push(text("target", target));
        }
        if *seal {
            let end = Span { start: item.span.end, end: item.span.end };
            entries.push(Entry::new("seal", Node::new(Data::Bool(true), end), end));
        }
        entries.extend(by.iter().map(|by| text("seal_by", by)));
        Some(Node::map(entries, item.span))
    }

    pub(super) fn requirement(&mut self, item: &Spanned<Item>) -> Option<Node> {
        let Item::Require { condition, argument } = &item.node else { return None };
        Some(match argument {
            None => Node::text(condition.node.clone(), item.span),
            Some(argument) => Node::form(vec![text(&condition.node, argument)], item.span),
        })
    }

    pub(super) fn trust_keys(&mut self, items: &[&Spanned<Item>], span: Span) -> Node {
        let mut nodes = Vec::new();
        for item in items {
            match &item.node {
                Item::TrustKey { owner, algorithm, key } => {
                    let written = format!("{} {}:{}", owner.node, algorithm.node, key.node);
                    if trust_key(&written, item.span).is_none() {
                        let help = "write the owner without blanks at its ends";
                        self.cannot(item.span, "this key cannot be written on one line", help);
                    }
                    nodes.push(Node::text(written, item.span));
                }
                Item::Setting { value, .. } => match &value.node {
                    Value::List(values) => {
                        nodes.extend(values.iter().map(|value| self.value(value, Mode::Words)))
                    }
                    _ => nodes.push(self.value(value, Mode::Words)),
                },
                _ => {}
            }
        }
        Node::list(nodes, span)
    }

    pub(super) fn manifest(&mut self, items: &[&Spanned<Item>], span: Span) -> Node {
        let mut orchestrators = Vec::new();
        let mut grants = Vec::new();
        for item in items {
            match &item.node {
                Item::ManifestOrchestrator { agent, undeclared } => {
                    let mut entries = vec![text("agent", agent)];
                    entries.extend(undeclared.iter().map(|word| text("undeclared", word)));
                    orchestrators.push(Node::map(entries, item.span));
                }
                Item::ManifestGrant { from, to, max, approval } => {
                    let mut entries = vec![text("from", from), text("to", to)];
                    if let Some(max) = max {
                        if !is_json_number(&max.node) {
                            self.cannot(
                                max.span,
                                format!("`{}` is no whole number", max.node),
                                "write it without zeros before it",
                            );
                        }
                        entries.push(Entry::new("max", Node::number(max.node.clone(), max.span), max.span));
                    }
                    if *approval {
                        let end = Span { start: item.span.end, end: item.span.end };
                        entries.push(Entry::new("approval", Node::new(Data::Bool(true), end), end));
                    }
                    grants.push(Node::map(entries, item.span));
                }
                _ => {}
            }
        }
        let lists = [("orchestrators", orchestrators), ("grants", grants)];
        let lists = lists.into_iter().filter(|(_, nodes)| !nodes.is_empty());
        Node::map(lists.map(|(key, nodes)| Entry::new(key, Node::list(nodes, span), span)).collect(), span)
    }
}
