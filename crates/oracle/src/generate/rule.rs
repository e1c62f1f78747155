//! Rules: an effect, a pattern, and mostly a condition or clauses.

use faramesh_syntax::quote;

use super::choices::Choices;
use super::condition::condition;
use super::pools::{COMMON_PATTERNS, HOST_GLOBS, METHOD_GLOBS, PATH_GLOBS, PATTERNS, TEXT_GLOBS};

/// One rule on one line.
pub fn rule(choices: &mut Choices<'_>) -> String {
    let effect = choices.weighted(&[
        (7, "permit"),
        (1, "allow"),
        (5, "deny"),
        (1, "block"),
        (5, "defer"),
        (1, "deny!"),
    ]);
    let pattern = if choices.percent(65) { choices.pick(COMMON_PATTERNS) } else { choices.pick(PATTERNS) };
    let conditional =
        choices.weighted(&[(1, (false, false)), (11, (true, false)), (4, (false, true)), (4, (true, true))]);
    let mut parts = vec![effect.to_owned(), pattern.to_owned()];
    if conditional.0 {
        let depth = choices.below(4);
        parts.push(format!("{} {}", choices.pick(&["if", "if", "when"]), condition(choices, depth)));
    }
    if conditional.1 {
        clauses(choices, &mut parts);
    }
    if choices.percent(15) {
        parts.push("reason \"because\"".to_owned());
    }
    if choices.percent(10) {
        parts.push("notify: \"#ops\"".to_owned());
    }
    if choices.percent(10) {
        parts.push("explain false".to_owned());
    }
    parts.join(" ")
}

fn clauses(choices: &mut Choices<'_>, parts: &mut Vec<String>) {
    let first = choices.below(6);
    for step in 0..=choices.below(2) {
        let clause = match (first + step * (1 + choices.below(4))) % 6 {
            0 => format!("host {}", one_or_more(choices, HOST_GLOBS)),
            1 => format!("method {}", one_or_more(choices, METHOD_GLOBS)),
            2 => format!("path {}", one_or_more(choices, PATH_GLOBS)),
            3 => format!("port {}", choices.pick(&["443", "[80, 443]", "80"])),
            4 => format!("query page={}", one_or_more(choices, TEXT_GLOBS)),
            _ => {
                let name = choices.pick(&["X-Team", "x-team", "X-Env"]);
                format!("header {name}={}", one_or_more(choices, TEXT_GLOBS))
            }
        };
        parts.push(clause);
    }
}

fn one_or_more(choices: &mut Choices<'_>, pool: &[&str]) -> String {
    match choices.below(4) {
        0 => {
            let items: Vec<String> = (0..2).map(|_| quote(choices.pick(pool))).collect();
            format!("[{}]", items.join(", "))
        }
        1 if choices.percent(30) => choices.pick(&["team", "globs"]).to_owned(),
        _ => quote(choices.pick(pool)),
    }
}
