//! What may stand in a condition, and what may follow the tool of a rule.

use faramesh_check::definitions::{CLAUSES, FUNCTIONS, METHODS, NAMES, Status};
use lsp_types::CompletionItemKind;

use super::{Offers, values};
use crate::cursor::Cursor;
use crate::document::Document;
use crate::outline::Kind;
use crate::words;

/// Parts of builtins that are no fields.
const PARTS: &[(&str, &[&str])] = &[("time", &["hour", "weekday", "now"]), ("session", &["id"])];

/// `if` and the clauses.
pub(super) fn tail(offers: &mut Offers, with_if: bool) {
    if with_if {
        let meaning = words::operator("if").unwrap_or_default();
        offers.add("if", CompletionItemKind::KEYWORD).explained("if amount < 500", meaning, Status::Enforced);
    }
    for clause in CLAUSES {
        let offer = offers.add(clause.name, CompletionItemKind::KEYWORD);
        offer.explained(clause.form, clause.summary, clause.status);
        let snippet = match clause.name {
            "reason" | "notify" | "host" | "path" => format!("{} \"$0\"", clause.name),
            name => format!("{name} $0"),
        };
        offer.snippet = Some(snippet);
    }
}

/// What may follow a value.
pub(super) fn operators(offers: &mut Offers) {
    for operator in words::OFFERED_OPERATORS {
        let offer = offers.add(*operator, CompletionItemKind::OPERATOR);
        let first = operator.split(' ').next_back().unwrap_or(operator);
        let meaning = words::operator(first).unwrap_or_default();
        offer.explained("operator", meaning, Status::Enforced);
    }
}

/// A value; the ones that `left` can have come first.
pub(super) fn operand(document: &Document, cursor: &Cursor, left: Option<&str>, offers: &mut Offers) {
    if let Some(left) = left {
        values::of_builtin(document, cursor, left, offers);
    }
    if cursor.in_string {
        return;
    }
    variables(document, cursor, offers);
    let outline = document.outline();
    let arguments = outline.paths.iter().filter_map(|path| path.first());
    let arguments = arguments.filter(|name| NAMES.iter().all(|builtin| builtin.name != name.as_str()));
    offers.names(arguments.cloned(), CompletionItemKind::FIELD, "argument");
    for name in NAMES {
        offers.add(name.name, CompletionItemKind::CONSTANT).explained(name.form, name.summary, name.status);
    }
    for function in FUNCTIONS {
        let offer = offers.add(function.name, CompletionItemKind::FUNCTION);
        offer.explained(function.form, function.summary, function.status);
        if function.form.contains(&format!("{}(", function.name)) {
            offer.snippet = Some(format!("{}($0)", function.name));
        }
    }
    for word in ["not", "true", "false", "null"] {
        let _ = offers.add(word, CompletionItemKind::KEYWORD);
    }
}

/// The variables that the cursor sees, with their values.
pub(super) fn variables(document: &Document, cursor: &Cursor, offers: &mut Offers) {
    for kind in [Kind::Variable, Kind::Selector] {
        for variable in document.outline().visible(kind, cursor.offset) {
            let value = variable.value.map_or("selector", |value| document.slice(value));
            offers.add(variable.name.clone(), CompletionItemKind::VARIABLE).detail = Some(value.to_owned());
        }
    }
}

/// What follows a dot.
pub(super) fn member(document: &Document, cursor: &Cursor, path: &[String], offers: &mut Offers) {
    let root = path.first().map_or("", String::as_str);
    let is_root = path.len() == 1;
    if is_root && root == "vars" {
        return variables(document, cursor, offers);
    }
    let parts = PARTS.iter().find(|(of, _)| is_root && *of == root).map_or(&[][..], |(_, parts)| parts);
    offers.names(parts.iter().map(|part| (*part).to_owned()), CompletionItemKind::FIELD, root);
    for function in FUNCTIONS.iter().filter(|_| is_root) {
        let Some(("", name)) = function.name.split_once(root) else {
            continue;
        };
        let Some(name) = name.strip_prefix('.') else { continue };
        let offer = offers.add(name, CompletionItemKind::FUNCTION);
        offer.explained(function.form, function.summary, function.status);
        if function.form.contains(&format!("{name}(")) {
            offer.snippet = Some(format!("{name}($0)"));
        }
    }
    if is_root && matches!(root, "time" | "history") {
        return;
    }
    let others = document.outline().paths.iter().filter_map(|other| {
        let rest = other.strip_prefix(path)?;
        rest.first().filter(|name| METHODS.iter().all(|method| method.name != name.as_str())).cloned()
    });
    offers.names(others, CompletionItemKind::FIELD, "argument");
    for method in METHODS {
        let offer = offers.add(method.name, CompletionItemKind::METHOD);
        offer.explained(method.form, method.summary, method.status);
        if method.form.contains(&format!("{}(", method.name)) {
            offer.snippet = Some(format!("{}(\"$0\")", method.name));
        }
    }
}
