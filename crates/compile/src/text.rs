//! A rule as text, in one canonical form. Its digest names the rule in approvals and records, so it
//! holds everything that the rule means: where a variable is named, its value follows at the end.

use faramesh_check::stack::{Clause, Rule};
use faramesh_syntax::quote;

/// `defer stripe/refund if amount < limit notify "#refunds" [limit = $500]`
pub(crate) fn rule_text(rule: &Rule) -> String {
    let mut parts = vec![rule.effect.as_str().to_owned(), pattern(&rule.pattern)];
    if let Some(condition) = &rule.condition {
        parts.push(format!("if {}", condition.text));
    }
    let mut clauses: Vec<&Clause> = rule.clauses.iter().collect();
    clauses.sort_by(|left, right| left.kind.cmp(&right.kind));
    parts.extend(clauses.into_iter().map(|clause| clause.text.clone()));
    match rule.notify.as_slice() {
        [] => {}
        [only] => parts.push(format!("notify {}", quote(only))),
        several => {
            let several: Vec<String> = several.iter().map(|target| quote(target)).collect();
            parts.push(format!("notify [{}]", several.join(", ")));
        }
    }
    if let Some(reason) = &rule.reason {
        parts.push(format!("reason {}", quote(reason)));
    }
    if !rule.explain {
        parts.push("explain false".to_owned());
    }
    if rule.reeval {
        parts.push("reeval true".to_owned());
    }
    if rule.approvals_required != 1 {
        parts.push(format!("approvals_required {}", rule.approvals_required));
    }
    if !rule.resolved.is_empty() {
        let values: Vec<String> =
            rule.resolved.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        parts.push(format!("[{}]", values.join(", ")));
    }
    parts.join(" ")
}

fn pattern(pattern: &str) -> String {
    let bare = pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/*".contains(&byte));
    if bare { pattern.to_owned() } else { quote(pattern) }
}
