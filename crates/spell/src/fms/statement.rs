//! The text of one statement.

use faramesh_syntax::ast::{Clause, Effect, Expr, Item, Rule, Spanned, Value};
use faramesh_syntax::{parse, quote, render_expr_of};

use crate::names::is_identifier;

pub(super) fn statement(item: &Item, owner: &str, source: &str) -> String {
    match item {
        Item::Import { path, alias: None } => format!("import {}", quote(&path.node)),
        Item::Import { path, alias: Some(alias) } => {
            format!("import {} as {}", quote(&path.node), alias.node)
        }
        Item::Use { alias, .. } => format!("use {}", alias.node),
        Item::Setting { key, value } => {
            let is_bare = key.node == "default"
                || owner == "budget" && matches!(key.node.as_str(), "on_exceed" | "window");
            match &value.node {
                Value::String(text) if is_bare && is_identifier(text) => format!("{} = {text}", key.node),
                value => format!("{} = {}", key.node, written(value, source)),
            }
        }
        Item::Var { name, value } => format!("var {} = {}", name.node, written(&value.node, source)),
        Item::Rule(rule) => self::rule(rule, source),
        Item::RateLimit { pattern, count, period, options } => {
            let mut text = format!(
                "rate_limit {}: {} per {}",
                quote(&pattern.node),
                count.node,
                period_text(&period.node)
            );
            for (name, value) in options {
                text.push_str(&format!(" {} = {}", name.node, written(&value.node, source)));
            }
            text
        }
        Item::Redact { tool, target, paths, seal, by } => {
            let paths: Vec<String> = paths.iter().map(|path| quote(&path.node)).collect();
            let seal = if *seal { " seal" } else { "" };
            let by = by.as_ref().map(|by| format!(" by {}", quote(&by.node))).unwrap_or_default();
            format!("redact {} {}: [{}]{seal}{by}", pattern(&tool.node), target.node, paths.join(", "))
        }
        Item::TrustKey { owner, algorithm, key } => {
            format!("key {} {}:{}", quote(&owner.node), algorithm.node, key.node)
        }
        Item::Require { condition, argument: None } => format!("require {}", quote(&condition.node)),
        Item::Require { condition, argument: Some(argument) } => {
            format!("require {} {}", condition.node, quote(&argument.node))
        }
        Item::ManifestOrchestrator { agent, undeclared } => {
            let undeclared = undeclared.as_ref().map(|word| format!(" undeclared {}", word.node));
            format!("manifest orchestrator {}{}", quote(&agent.node), undeclared.unwrap_or_default())
        }
        Item::ManifestGrant { from, to, max, approval } => {
            let max = max.as_ref().map(|max| format!(" max {}", max.node)).unwrap_or_default();
            let approval = if *approval { " approval" } else { "" };
            format!("manifest grant {} to {}{max}{approval}", quote(&from.node), quote(&to.node))
        }
        Item::Block { .. } | Item::Rules(_) => String::new(),
    }
}

pub(super) fn rule(rule: &Rule, source: &str) -> String {
    let effect = match rule.effect.node {
        Effect::Permit => "permit",
        Effect::Defer => "defer",
        Effect::Deny => "deny",
        Effect::DenyAlways => "deny!",
    };
    let mut text = format!("{effect} {}", pattern(&rule.pattern.node));
    if let Some(condition) = &rule.condition {
        text.push_str(&format!(" if {}", render_expr_of(&condition.node, source)));
    }
    for clause in &rule.clauses {
        text.push(' ');
        text.push_str(&clause_text(&clause.node, source));
    }
    text
}

fn clause_text(clause: &Clause, source: &str) -> String {
    let value = written(&clause.value.node, source);
    match &clause.key {
        None => format!("{} {value}", clause.keyword.node),
        Some(Spanned { node, .. }) if is_identifier(node) => {
            format!("{} {node}={value}", clause.keyword.node)
        }
        Some(Spanned { node, .. }) => format!("{} {}={value}", clause.keyword.node, quote(node)),
    }
}

fn period_text(period: &str) -> String {
    let is_bare = is_identifier(period)
        || crate::lower::literal(period).is_some_and(|value| matches!(value, Value::Duration(_)));
    if is_bare { period.to_owned() } else { quote(period) }
}

/// A tool pattern, without quotes where FPL reads it so.
fn pattern(text: &str) -> String {
    let is_bare = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/*".contains(&byte));
    let reads = || {
        let parsed = parse(&format!("permit {text}"));
        let rule = parsed.ast().items.first().map(|item| &item.node);
        !parsed.has_errors() && matches!(rule, Some(Item::Rule(rule)) if rule.pattern.node == text)
    };
    if is_bare && !text.is_empty() && reads() { text.to_owned() } else { quote(text) }
}

fn written(value: &Value, source: &str) -> String {
    render_expr_of(&Expr::Value(value.clone()), source)
}
