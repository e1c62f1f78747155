//! The typed view to an outline: a walk over statements and conditions. Blocks and conditions are as deep as
//! the parser lets them be, which bounds the recursion.

use faramesh_check::definitions::{self, NAMES};
use faramesh_syntax::ast::{Body, Clause, Expr, Item, Name, Rule, Span, Spanned, Step, Value};

use super::{AGENTS, Declaration, Kind, Outline, READ, Reference, named_by};

impl Outline {
    pub(super) fn body(&mut self, body: &Body, block: &str, scope: usize) {
        for item in &body.items {
            self.item(item, block, scope);
        }
    }

    fn item(&mut self, item: &Spanned<Item>, block: &str, scope: usize) {
        let span = item.span;
        match &item.node {
            Item::Import { path, alias } => {
                let (name, name_span) = match alias {
                    Some(alias) => (alias.node.clone(), alias.span),
                    None => (last_segment(&path.node).to_owned(), path.span),
                };
                self.declare(Kind::Import, name, name_span, span, None, scope);
            }
            Item::Use { alias, overrides } => {
                self.refer(&[Kind::Import], alias, scope);
                if let Some(overrides) = overrides {
                    self.body(overrides, "use", scope);
                }
            }
            Item::Var { name, value } => {
                let at = Some(value.span);
                self.declare(Kind::Variable, name.node.clone(), name.span, span, at, scope);
                self.value(value, scope);
            }
            Item::Setting { key, value } => self.setting(block, key, value, scope),
            Item::Block { keyword, labels, body } => self.block(keyword, labels, body, span, scope),
            Item::Rules(rules) => rules.iter().for_each(|rule| self.rule(&rule.node, scope)),
            Item::Rule(rule) => self.rule(rule, scope),
            Item::RateLimit { pattern, .. } => self.patterns.push(pattern.node.clone()),
            Item::Redact { tool, .. } => self.patterns.push(tool.node.clone()),
            Item::Require { argument, .. } => {
                self.patterns.extend(argument.iter().map(|argument| argument.node.clone()));
            }
            Item::ManifestOrchestrator { agent, .. } => self.refer(AGENTS, agent, scope),
            Item::ManifestGrant { from, to, .. } => {
                self.refer(AGENTS, from, scope);
                self.refer(AGENTS, to, scope);
            }
            Item::TrustKey { .. } => {}
        }
    }

    fn block(&mut self, keyword: &Name, labels: &[Spanned<String>], body: &Body, span: Span, scope: usize) {
        let kind = match keyword.node.as_str() {
            "agent" => Some(Kind::Agent),
            "provider" => Some(Kind::Provider),
            "phase" => Some(Kind::Phase),
            "budget" => Some(Kind::Budget),
            "selector" => Some(Kind::Selector),
            _ => None,
        };
        if let (Some(kind), Some(label)) = (kind, labels.first()) {
            self.declare(kind, label.node.clone(), label.span, span, None, scope);
        } else if let (Some(Kind::Budget), Some(id)) = (kind, text_of(body, "id")) {
            self.declare(Kind::Budget, id.node, id.span, span, None, scope);
        }
        if keyword.node == "delegate" {
            labels.iter().for_each(|label| self.refer(AGENTS, label, scope));
        }
        let inner = if matches!(keyword.node.as_str(), "agent" | "pack") {
            self.scopes.push((span, Some(scope)));
            self.scopes.len() - 1
        } else {
            scope
        };
        self.body(body, &keyword.node, inner);
    }

    fn setting(&mut self, block: &str, key: &Name, value: &Spanned<Value>, scope: usize) {
        let kinds = named_by(block, &key.node);
        let each = match &value.node {
            Value::List(elements) => elements.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for one in each {
            if let Value::String(text) | Value::Word(text) = &one.node {
                if kinds.is_empty() {
                    if matches!(key.node.as_str(), "tools" | "scope" | "max_scope") {
                        self.patterns.push(text.clone());
                    }
                } else {
                    let text =
                        text.strip_prefix("budget.").filter(|_| kinds == [Kind::Budget]).unwrap_or(text);
                    self.refer(kinds, &Spanned { node: text.to_owned(), span: one.span }, scope);
                }
            }
        }
        if let (Value::Word(word), "cost") = (&value.node, key.node.as_str()) {
            self.paths.push(vec![word.clone()]);
            self.refer(READ, &Spanned { node: word.clone(), span: value.span }, scope);
        }
        self.value(value, scope);
    }

    /// Expressions inside of a value.
    fn value(&mut self, value: &Spanned<Value>, scope: usize) {
        match &value.node {
            Value::Expr(expr) => self.expr(expr, scope),
            Value::List(elements) => elements.iter().for_each(|element| self.value(element, scope)),
            _ => {}
        }
    }

    fn rule(&mut self, rule: &Rule, scope: usize) {
        self.patterns.push(rule.pattern.node.clone());
        if let Some(condition) = &rule.condition {
            self.expr(&condition.node, scope);
        }
        for clause in &rule.clauses {
            self.clause(&clause.node, scope);
        }
    }

    fn clause(&mut self, clause: &Clause, scope: usize) {
        let each = match &clause.value.node {
            Value::List(elements) => elements.as_slice(),
            _ => std::slice::from_ref(&clause.value),
        };
        for one in each {
            if let Value::Word(word) = &one.node {
                self.refer(READ, &Spanned { node: word.clone(), span: one.span }, scope);
            }
        }
    }

    fn expr(&mut self, expr: &Expr, scope: usize) {
        match expr {
            Expr::Value(_) => {}
            Expr::Tool { pattern, .. } => self.patterns.push(pattern.clone()),
            Expr::Path { root, steps } => self.path(root, steps, scope),
            Expr::List(elements) => elements.iter().for_each(|one| self.expr(&one.node, scope)),
            Expr::Not(inner) => self.expr(&inner.node, scope),
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.expr(&left.node, scope);
                self.expr(&right.node, scope);
            }
            Expr::Binary { left, right, .. } => {
                self.expr(&left.node, scope);
                self.expr(&right.node, scope);
                self.agent_compared(left, right, scope);
                self.agent_compared(right, left, scope);
            }
            Expr::Method { receiver, args, .. } => {
                self.expr(&receiver.node, scope);
                args.iter().for_each(|one| self.expr(&one.node, scope));
            }
            Expr::Call { args, .. } => args.iter().for_each(|one| self.expr(&one.node, scope)),
        }
    }

    fn path(&mut self, root: &Name, steps: &[Spanned<Step>], scope: usize) {
        let first = steps.first();
        if let ("vars", Some(Spanned { node: Step::Key(name), span })) = (root.node.as_str(), first) {
            self.refer(&[Kind::Variable], &Spanned { node: name.clone(), span: *span }, scope);
            return;
        }
        let keys = steps.iter().map_while(|step| match &step.node {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        });
        self.paths.push(std::iter::once(root.node.clone()).chain(keys).collect());
        if definitions::word(NAMES, &root.node).is_none() {
            self.refer(READ, root, scope);
        }
    }

    /// `agent == "x"` and `agent in ["x"]` name agents.
    fn agent_compared(&mut self, side: &Spanned<Expr>, other: &Spanned<Expr>, scope: usize) {
        let is_agent =
            matches!(&side.node, Expr::Path { root, steps } if root.node == "agent" && steps.is_empty());
        let Expr::Value(value) = &other.node else { return };
        if !is_agent {
            return;
        }
        match value {
            Value::String(name) => {
                self.refer(AGENTS, &Spanned { node: name.clone(), span: other.span }, scope)
            }
            Value::List(elements) => {
                for element in elements {
                    if let Value::String(name) = &element.node {
                        self.refer(AGENTS, &Spanned { node: name.clone(), span: element.span }, scope);
                    }
                }
            }
            _ => {}
        }
    }

    fn declare(
        &mut self,
        kind: Kind,
        name: String,
        name_span: Span,
        span: Span,
        value: Option<Span>,
        scope: usize,
    ) {
        self.named.entry(name.clone()).or_default().push(self.declarations.len());
        self.declarations.push(Declaration { kind, name, name_span, span, value, scope });
    }

    fn refer(&mut self, kinds: &'static [Kind], name: &Spanned<String>, scope: usize) {
        self.references.push(Reference { kinds, name: name.node.clone(), span: name.span, scope });
    }
}

/// The text of a key in a block.
fn text_of(body: &Body, key: &str) -> Option<Spanned<String>> {
    body.items.iter().find_map(|item| match &item.node {
        Item::Setting { key: found, value } if found.node == key => match &value.node {
            Value::String(text) | Value::Word(text) => Some(Spanned { node: text.clone(), span: value.span }),
            _ => None,
        },
        _ => None,
    })
}

/// `stripe` of `host/registry/policies/stripe@1.3.0`.
fn last_segment(path: &str) -> &str {
    let path = path.split_once('@').map_or(path, |(path, _)| path);
    path.rsplit('/').next().unwrap_or(path)
}
