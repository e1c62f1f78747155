//! The typed view without its places: what two texts have in common when they mean the same.

use crate::ast::{Body, Clause, Expr, Item, Name, Rule, Span, Spanned, Value};

/// The same tree with every span zero, so that `==` compares what is written and not where.
pub fn without_spans(body: &Body) -> Body {
    let mut body = body.clone();
    strip_body(&mut body);
    body
}

fn strip_body(body: &mut Body) {
    strip_all(&mut body.items, strip_item);
}

fn strip<T>(spanned: &mut Spanned<T>, inner: impl FnOnce(&mut T)) {
    spanned.span = Span::default();
    inner(&mut spanned.node);
}

fn strip_all<T>(all: &mut [Spanned<T>], inner: impl Fn(&mut T)) {
    all.iter_mut().for_each(|one| strip(one, &inner));
}

fn strip_text<T>(text: &mut Spanned<T>) {
    text.span = Span::default();
}

fn strip_option<T>(text: &mut Option<Spanned<T>>) {
    text.iter_mut().for_each(strip_text);
}

fn strip_named(named: &mut [(Name, Spanned<Value>)]) {
    for (name, value) in named {
        strip_text(name);
        strip(value, strip_value);
    }
}

fn strip_item(item: &mut Item) {
    match item {
        Item::Import { path, alias } => {
            strip_text(path);
            strip_option(alias);
        }
        Item::Use { alias, overrides } => {
            strip_text(alias);
            overrides.iter_mut().for_each(strip_body);
        }
        Item::Setting { key: name, value } | Item::Var { name, value } => {
            strip_text(name);
            strip(value, strip_value);
        }
        Item::Block { keyword, labels, body } => {
            strip_text(keyword);
            labels.iter_mut().for_each(strip_text);
            strip_body(body);
        }
        Item::Rules(rules) => strip_all(rules, strip_rule),
        Item::Rule(rule) => strip_rule(rule),
        Item::RateLimit { pattern, count, period, options } => {
            [pattern, count, period].into_iter().for_each(strip_text);
            strip_named(options);
        }
        Item::Redact { tool, target, paths, seal: _, by } => {
            strip_text(tool);
            strip_text(target);
            paths.iter_mut().chain(by).for_each(strip_text);
        }
        Item::TrustKey { owner, algorithm, key } => [owner, algorithm, key].into_iter().for_each(strip_text),
        Item::Require { condition, argument } => {
            strip_text(condition);
            strip_option(argument);
        }
        Item::ManifestOrchestrator { agent, undeclared } => {
            strip_text(agent);
            strip_option(undeclared);
        }
        Item::ManifestGrant { from, to, max, approval: _ } => {
            strip_text(from);
            strip_text(to);
            strip_option(max);
        }
    }
}

fn strip_rule(rule: &mut Rule) {
    strip_text(&mut rule.effect);
    strip_text(&mut rule.pattern);
    rule.condition.iter_mut().for_each(|condition| strip(condition, strip_expr));
    strip_all(&mut rule.clauses, strip_clause);
}

fn strip_clause(clause: &mut Clause) {
    strip_text(&mut clause.keyword);
    strip_option(&mut clause.key);
    strip(&mut clause.value, strip_value);
}

fn strip_value(value: &mut Value) {
    match value {
        Value::List(elements) => strip_all(elements, strip_value),
        Value::Expr(expr) => strip_expr(expr),
        _ => {}
    }
}

fn strip_expr(expr: &mut Expr) {
    match expr {
        Expr::Value(value) => strip_value(value),
        Expr::Path { root, steps } => {
            strip_text(root);
            steps.iter_mut().for_each(strip_text);
        }
        Expr::List(elements) => strip_all(elements, strip_expr),
        Expr::Not(inner) => strip(inner, strip_expr),
        Expr::And(left, right) | Expr::Or(left, right) => {
            strip(left, strip_expr);
            strip(right, strip_expr);
        }
        Expr::Binary { op, left, right } => {
            strip_text(op);
            strip(left, strip_expr);
            strip(right, strip_expr);
        }
        Expr::Method { receiver, name, args } => {
            strip(receiver, strip_expr);
            strip_text(name);
            strip_all(args, strip_expr);
        }
        Expr::Call { function, args, named } => {
            strip_text(function);
            strip_all(args, strip_expr);
            strip_named(named);
        }
        Expr::Tool { .. } => {}
    }
}
