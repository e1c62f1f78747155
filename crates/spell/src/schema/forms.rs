//! Rules, and statements that have a form of their own.

use faramesh_check::definitions::CLAUSES;

use super::{any, array_of, described, entry, list, object, one_or_more, reference, required, text, typed};
use crate::lower::{
    CONDITION, EFFECT, EFFECTS, GRANT, IMPORT, MANIFEST, ORCHESTRATOR, RATE_LIMIT, REDACTION, REQUIREMENT,
    TOOL, TRUST_KEY, USE, is_keyed,
};
use crate::tree::{Data, Entry, Node};
use faramesh_syntax::ast::Span;

/// The schema of what stands under the key of a statement.
pub(super) fn statement(keyword: &str) -> Node {
    let texts = || one_or_more(typed("string"));
    match keyword {
        "rules" => array_of(reference("rule")),
        "var" => variables(),
        "import" => {
            one_or_more(any([typed("string"), form(IMPORT, &["path"], &[typed("string"), typed("string")])]))
        }
        "use" => {
            let pack = form(USE, &["pack"], &[typed("string"), variables()]);
            let given = object([
                ("type", text("object")),
                ("additionalProperties", any([variables(), typed("null")])),
            ]);
            any([typed("string"), given, array_of(any([typed("string"), pack]))])
        }
        "rate_limit" => {
            let parts = [typed("string"), whole(), typed("string"), reference("value"), reference("value")];
            one_or_more(form(RATE_LIMIT, &["pattern", "limit", "window"], &parts))
        }
        "redact" => {
            let parts = [typed("string"), texts(), typed("string"), typed("boolean"), typed("string")];
            one_or_more(form(REDACTION, &["tool", "paths"], &parts))
        }
        "key" => {
            let parts = [typed("string"), typed("string")];
            one_or_more(any([typed("string"), form(TRUST_KEY, &["owner", "key"], &parts)]))
        }
        "require" => one_or_more(any([typed("string"), form(REQUIREMENT, &["called"], &[typed("string")])])),
        "manifest" => {
            let orchestrator = form(ORCHESTRATOR, &["agent"], &[typed("string"), typed("string")]);
            let parts = [typed("string"), typed("string"), whole(), typed("boolean")];
            let grants = one_or_more(form(GRANT, &["from", "to"], &parts));
            form(MANIFEST, &[], &[one_or_more(any([typed("string"), orchestrator])), grants])
        }
        _ => reference("value"),
    }
}

fn whole() -> Node {
    object([("type", text("integer")), ("minimum", Node::number("0", Span::default()))])
}

fn variables() -> Node {
    object([("type", text("object")), ("additionalProperties", reference("value"))])
}

/// An object with these parts; each of `needed` may stand under any of the keys that mean it.
fn form(parts: &[&[&str]], needed: &[&str], schemas: &[Node]) -> Node {
    let mut properties = Vec::new();
    for (keys, schema) in parts.iter().zip(schemas) {
        properties.extend(keys.iter().map(|key| entry(key, schema.clone())));
    }
    let mut entries = vec![
        ("type", text("object")),
        ("properties", Node::map(properties, Span::default())),
        ("additionalProperties", Node::new(Data::Bool(false), Span::default())),
    ];
    let alternatives = |key: &&str| {
        let keys = parts.iter().find(|keys| keys.contains(key)).copied().unwrap_or_default();
        match keys {
            [key] => required(&[key]),
            keys => any(keys.iter().map(|key| required(&[key]))),
        }
    };
    if !needed.is_empty() {
        entries.push(("allOf", list(needed.iter().map(alternatives))));
    }
    object(entries)
}

/// Definitions that others refer to.
pub(super) fn definitions() -> Vec<Entry> {
    let effects = object([("enum", list(EFFECTS.iter().map(|(word, _)| text(word))))]);
    let condition = any([typed("string"), typed("boolean")]);
    let mut properties = Vec::new();
    for (keys, schema, what) in [
        (EFFECT, effects, "what happens on a match; `deny!` comes before every other rule"),
        (TOOL, typed("string"), "the tool, or a pattern such as `stripe/*`"),
        (CONDITION, condition, "when the rule matches, such as `amount < $500`"),
    ] {
        properties.extend(keys.iter().map(|key| entry(key, described(schema.clone(), what))));
    }
    for word in CLAUSES {
        properties.push(entry(word.name, described(clause(word.name), word.summary)));
    }
    let tool = any(TOOL.iter().map(|key| required(&[key])));
    let rule = object([
        ("description", text("what happens to a call of a tool; the first rule that matches counts")),
        ("type", text("object")),
        ("properties", Node::map(properties, Span::default())),
        ("additionalProperties", Node::new(Data::Bool(false), Span::default())),
        ("allOf", list([required(EFFECT), tool])),
    ]);
    vec![entry("rule", rule)]
}

fn clause(keyword: &str) -> Node {
    match keyword {
        "reason" => reference("text"),
        "notify" => one_or_more(reference("text")),
        "explain" | "reeval" => typed("boolean"),
        "approvals_required" => whole(),
        "port" => one_or_more(any([typed("integer"), reference("form")])),
        _ if is_keyed(keyword) => variables(),
        _ => one_or_more(reference("text")),
    }
}
