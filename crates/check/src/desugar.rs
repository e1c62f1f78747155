//! A rule's clauses and condition as one condition in the few forms that a program knows: globs become
//! regular expressions, alternatives become sets, constants beside the builtin `path` take the form of
//! normalised paths. The compiler and the analyses read rules through here, so they cannot differ.

use faramesh_call::path::normalise;
use faramesh_program::image::{Comparison, Constant, Path, Root, Scalar, Step};

use crate::stack::{Clause, ClauseKind, Expression, Operand, Rule};
use crate::{globs, paths};

/// The condition under which a rule matches; `None` when it always does.
#[must_use]
pub fn rule_condition(rule: &Rule) -> Option<Expression> {
    // Clauses are cheap and select, so they come first; `and` gives the same in any order.
    let mut clauses: Vec<_> = rule.clauses.iter().collect();
    clauses.sort_by(|left, right| left.kind.cmp(&right.kind));
    let mut parts: Vec<Expression> = clauses.into_iter().map(clause).collect();
    match rule.condition.as_ref().map(|condition| &condition.expression) {
        Some(Expression::All(terms)) => parts.extend(terms.iter().map(expression)),
        Some(condition) => parts.push(expression(condition)),
        None => {}
    }
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Expression::All(parts)),
    }
}

/// One expression; checking bounds the recursion.
fn expression(written: &Expression) -> Expression {
    match written {
        Expression::Not(inner) => Expression::Not(Box::new(expression(inner))),
        Expression::All(parts) => Expression::All(parts.iter().map(expression).collect()),
        Expression::Any(parts) => Expression::Any(parts.iter().map(expression).collect()),
        Expression::Compare {
            comparison: comparison @ (Comparison::Equal | Comparison::NotEqual),
            left,
            right,
        } => Expression::Compare {
            comparison: *comparison,
            left: beside(left, right),
            right: beside(right, left),
        },
        Expression::In { item, list } => is_in(item, list),
        Expression::StartsWith { text, affix } => starts_with(text, affix),
        Expression::Within { path, folder } => {
            Expression::Within { path: path.clone(), folder: beside(folder, path) }
        }
        other => other.clone(),
    }
}

fn is_in(item: &Operand, list: &Operand) -> Expression {
    // A constant among reads has its own form beside the normalised path, and another beside the rest.
    if paths::text_of(item).is_some()
        && let Operand::List(items) = list
        && let (beside, rest) = items.iter().cloned().partition::<Vec<_>, _>(paths::is_normalised)
        && !beside.is_empty()
    {
        let comparison = Comparison::Equal;
        let equals = |path| expression(&Expression::Compare { comparison, left: item.clone(), right: path });
        let mut parts: Vec<Expression> = beside.into_iter().map(equals).collect();
        if !rest.is_empty() {
            parts.push(is_in(item, &Operand::List(rest)));
        }
        return Expression::Any(parts);
    }
    Expression::In { item: item.clone(), list: beside(list, item) }
}

fn starts_with(text: &Operand, affix: &Operand) -> Expression {
    if paths::is_normalised(text)
        && let Some(prefix) = paths::text_of(affix)
    {
        // No normalised path begins with `./`, and those that it means are all in that folder.
        if paths::is_current_folder(prefix) {
            return Expression::Within { path: text.clone(), folder: paths::constant(".".to_owned()) };
        }
        return Expression::StartsWith { text: text.clone(), affix: paths::constant(paths::prefix(prefix)) };
    }
    Expression::StartsWith { text: text.clone(), affix: affix.clone() }
}

/// An operand; a constant in the form of normalised paths if `other` is one.
fn beside(operand: &Operand, other: &Operand) -> Operand {
    if paths::is_normalised(other) { paths::normalised(operand) } else { operand.clone() }
}

/// A clause; its values are alternatives.
fn clause(clause: &Clause) -> Expression {
    let path = place(&clause.kind);
    let texts: Vec<&str> = clause
        .values
        .iter()
        .filter_map(|value| match value {
            Scalar::String(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if texts.contains(&"*") {
        return Expression::Has(path);
    }
    let subject = Operand::Path(path);
    if clause.kind == ClauseKind::Port {
        return one_of(subject, clause.values.clone());
    }
    // The case of letters counts for nothing here, in the same way with a `*` and without.
    let folds = matches!(clause.kind, ClauseKind::Host | ClauseKind::Method);
    let subject = if folds { Operand::Lower(Box::new(subject)) } else { subject };
    let (globs, exact): (Vec<&str>, Vec<&str>) =
        texts.into_iter().partition(|text| is_glob(&clause.kind, text));
    let mut alternatives = Vec::with_capacity(globs.len() + 1);
    if !exact.is_empty() {
        let values = exact.into_iter().flat_map(|text| spellings(&clause.kind, text));
        alternatives.push(one_of(subject.clone(), values.map(Scalar::String).collect()));
    }
    for glob in globs {
        let regex = match clause.kind {
            ClauseKind::Host => globs::host(&glob.to_lowercase()),
            ClauseKind::Method => globs::method(&glob.to_lowercase()),
            ClauseKind::Path => globs::path(&normalise(glob)),
            _ => globs::text(glob),
        };
        alternatives.push(Expression::Matches { text: subject.clone(), regex });
    }
    match (alternatives.len(), alternatives.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            alternatives.extend(last);
            Expression::Any(alternatives)
        }
    }
}

fn one_of(item: Operand, mut values: Vec<Scalar>) -> Expression {
    if let [_] = values.as_slice()
        && let Some(value) = values.pop()
    {
        let right = Operand::Constant(Constant::Scalar(value));
        return Expression::Compare { comparison: Comparison::Equal, left: item, right };
    }
    Expression::In { item, list: Operand::Constant(Constant::List(values)) }
}
fn place(kind: &ClauseKind) -> Path {
    let (root, text, key) = match kind {
        ClauseKind::Host => (Root::Host, "host", None),
        ClauseKind::Port => (Root::Port, "port", None),
        ClauseKind::Method => (Root::Method, "method", None),
        ClauseKind::Path => (Root::Path, "path", None),
        ClauseKind::Query(key) => (Root::Query, "query", Some(key)),
        ClauseKind::Header(key) => (Root::Headers, "headers", Some(key)),
    };
    let text = key.map_or_else(|| text.to_owned(), |key| format!("{text}.{key}"));
    Path { root, steps: key.map(|key| Step::Key(key.clone())).into_iter().collect(), text }
}

/// Whether a value needs a regular expression. A text that begins with `@` would be a domain in a comparison.
fn is_glob(kind: &ClauseKind, text: &str) -> bool {
    let is_text = matches!(kind, ClauseKind::Query(_) | ClauseKind::Header(_));
    text.contains('*') || is_text && text.starts_with('@')
}

/// Every form in which a call may write the same thing.
fn spellings(kind: &ClauseKind, text: &str) -> Vec<String> {
    match kind {
        ClauseKind::Host => {
            let host = text.to_lowercase();
            vec![format!("{host}."), host]
        }
        ClauseKind::Method => vec![text.to_lowercase()],
        ClauseKind::Path => {
            let path = normalise(text).trim_end_matches('/').to_owned();
            if path.is_empty() { vec!["/".to_owned()] } else { vec![format!("{path}/"), path] }
        }
        _ => vec![text.to_owned()],
    }
}
