//! What a key, a clause or a comparison may have as its value.

use faramesh_check::definitions::{Kind as Takes, Shape};
use faramesh_syntax::quote;
use lsp_types::CompletionItemKind;

use super::{Offers, conditions, effects};
use crate::cursor::Cursor;
use crate::document::Document;
use crate::outline::{Kind, named_by};
use crate::words;

/// Values of builtins that have few.
const BUILTIN_VALUES: &[(&str, &[&str])] = &[
    ("action", &["tool_call", "model_call", "delegate", "spawn", "completion"]),
    ("time.weekday", &["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    ("method", METHODS),
];

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What an alert can be about.
const EVENTS: &[&str] = &[
    "deny",
    "defer",
    "permit",
    "approved",
    "budget_warning",
    "budget_exceeded",
    "rate_exceeded",
    "chain_broken",
];

/// Tool patterns that stand elsewhere in the document.
pub(super) fn patterns(document: &Document, offers: &mut Offers) {
    for pattern in &document.outline().patterns {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/*".contains(&byte);
        let written = if pattern.bytes().all(plain) { pattern.clone() } else { quote(pattern) };
        offers.add(written, CompletionItemKind::VALUE).detail = Some("tool".to_owned());
    }
    offers.add("*", CompletionItemKind::VALUE).detail = Some("every tool".to_owned());
}

/// The names of what is declared.
pub(super) fn declared(document: &Document, cursor: &Cursor, kind: Kind, offers: &mut Offers) {
    for declaration in document.outline().visible(kind, cursor.offset) {
        let line = document.slice(declaration.span).lines().next().unwrap_or_default();
        offers.add(declaration.name.clone(), CompletionItemKind::REFERENCE).detail = Some(line.to_owned());
    }
}

fn declared_as_text(document: &Document, cursor: &Cursor, kind: Kind, prefix: &str, offers: &mut Offers) {
    for declaration in document.outline().visible(kind, cursor.offset) {
        let name = quote(&format!("{prefix}{}", declaration.name));
        offers.add(name, CompletionItemKind::REFERENCE).detail = Some("declared in this file".to_owned());
    }
}

/// Values of a key.
pub(super) fn of_key(document: &Document, cursor: &Cursor, key: &str, in_list: bool, offers: &mut Offers) {
    let block = cursor.around.keyword().unwrap_or_default();
    for kind in named_by(block, key) {
        let prefix = if *kind == Kind::Budget { "budget." } else { "" };
        declared_as_text(document, cursor, *kind, prefix, offers);
    }
    match (block, key) {
        (_, "tools") | ("credential" | "delegate", "scope") => patterns(document, offers),
        ("alert", "on") => texts(EVENTS, offers),
        ("phase", "next") => texts(&["enforce"], offers),
        ("identity", "type") => texts(&["unix"], offers),
        ("budget", "cost") => {
            let paths = document.outline().paths.iter().filter_map(|path| path.first());
            offers.names(paths.cloned(), CompletionItemKind::FIELD, "argument");
        }
        _ => {}
    }
    let Some(Shape::Setting { kind, default }) = cursor.around.find(key).map(|found| found.shape) else {
        return;
    };
    match kind {
        Takes::Choice(_) if key == "default" && !in_list => effects_without_bang(offers),
        Takes::Choice(words) | Takes::DurationOr(words) => {
            let bare = default.is_some_and(|default| !default.starts_with('"'));
            for word in words {
                let written = if bare && !cursor.in_string { (*word).to_owned() } else { quote(word) };
                let _ = offers.add(written, CompletionItemKind::ENUM_MEMBER);
            }
        }
        Takes::Bool => {
            for word in ["true", "false"] {
                let _ = offers.add(word, CompletionItemKind::KEYWORD);
            }
        }
        Takes::Text if !in_list && !cursor.in_string => {
            let offer = offers.add("env(\"…\")", CompletionItemKind::FUNCTION);
            offer.detail = Some("an environment variable, read when the policy is compiled".to_owned());
            offer.snippet = Some("env(\"$0\")".to_owned());
        }
        _ => {}
    }
}

fn effects_without_bang(offers: &mut Offers) {
    effects(offers);
    offers.offers.retain(|offer| !offer.label.ends_with('!'));
}

fn texts(words: &[&str], offers: &mut Offers) {
    for word in words {
        let _ = offers.add(quote(word), CompletionItemKind::ENUM_MEMBER);
    }
}

/// Values of a clause.
pub(super) fn of_clause(document: &Document, cursor: &Cursor, clause: &str, offers: &mut Offers) {
    match clause {
        "reason" | "notify" => {}
        "explain" | "reeval" => {
            for word in ["true", "false"] {
                let _ = offers.add(word, CompletionItemKind::KEYWORD);
            }
        }
        _ => {
            if clause == "method" {
                texts(METHODS, offers);
            }
            if !cursor.in_string {
                conditions::variables(document, cursor, offers);
            }
        }
    }
}

/// Values that the builtin `name` is compared with.
pub(super) fn of_builtin(document: &Document, cursor: &Cursor, name: &str, offers: &mut Offers) {
    match name {
        "agent" => declared_as_text(document, cursor, Kind::Agent, "", offers),
        "tool" => {
            let patterns = &document.outline().patterns;
            let tools = patterns.iter().filter(|pattern| !pattern.contains('*'));
            offers.names(tools.map(|tool| quote(tool)), CompletionItemKind::VALUE, "tool");
        }
        _ => {
            let values = BUILTIN_VALUES.iter().find(|(of, _)| *of == name);
            texts(values.map_or(&[], |(_, values)| values), offers);
        }
    }
}

/// The words that a completion gate takes, for hover.
pub(crate) fn is_requirement(word: &str) -> bool {
    words::REQUIREMENTS.contains(&word)
}
