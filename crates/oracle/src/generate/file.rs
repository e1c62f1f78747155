//! Whole policies: variables, defaults, redactions, one agent or several.

use faramesh_syntax::quote;

use super::choices::Choices;
use super::pools::{DOMAINS, NUMBERS, TEXTS};
use super::rule::rule;

/// The value of an environment variable, in every generated policy.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    (name == "TEAM").then(|| "blue".to_owned())
}

/// A policy of at most so many rules. Each rule stands on a line of its own, so that whoever checks the
/// policy can drop those that are refused.
#[must_use]
pub fn policy(choices: &mut Choices<'_>, rules: usize) -> String {
    let mut lines = Vec::new();
    if choices.percent(30) {
        let zone = choices.pick(&["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]);
        lines.push(format!("runtime {{ timezone = \"{zone}\" }}"));
    }
    variables(choices, "", &mut lines);
    match choices.below(3) {
        0 => agent(choices, "", rules, &mut lines),
        1 => named(choices, "first", rules, &mut lines),
        _ => {
            named(choices, "first", rules.div_ceil(2), &mut lines);
            named(choices, "second", rules.div_ceil(2), &mut lines);
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn variables(choices: &mut Choices<'_>, indent: &str, lines: &mut Vec<String>) {
    lines.push(format!("{indent}var limit = {}", choices.pick(NUMBERS)));
    lines.push(format!("{indent}var team = {}", quote(choices.pick(TEXTS))));
    lines.push(format!("{indent}var corp = {}", quote(choices.pick(DOMAINS))));
    let teams: Vec<String> = (0..3).map(|_| quote(choices.pick(TEXTS))).collect();
    lines.push(format!("{indent}var teams = [{}]", teams.join(", ")));
    lines.push(format!("{indent}var mixed = [{}, {}, null, true]", choices.pick(NUMBERS), teams.join(", ")));
    lines.push(format!("{indent}var globs = [\"re*\", \"blue\"]"));
    lines.push(format!("{indent}var enabled = {}", choices.pick(&["true", "false"])));
}

fn named(choices: &mut Choices<'_>, name: &str, rules: usize, lines: &mut Vec<String>) {
    lines.push(format!("agent \"{name}\" {{"));
    if choices.percent(20) {
        // Hides the file's.
        lines.push(format!("  var limit = {}", choices.pick(NUMBERS)));
    }
    agent(choices, "  ", rules, lines);
    lines.push("}".to_owned());
}

fn agent(choices: &mut Choices<'_>, indent: &str, rules: usize, lines: &mut Vec<String>) {
    let default = choices.weighted(&[(5, "deny"), (2, "permit"), (2, "defer"), (1, "")]);
    if !default.is_empty() {
        lines.push(format!("{indent}default {default}"));
    }
    let count = rules.div_ceil(2) + choices.below(rules.div_ceil(2) + 1);
    let in_block = choices.percent(70);
    if in_block {
        lines.push(format!("{indent}rules {{"));
    }
    for _ in 0..count {
        lines.push(format!("{indent}  {}", rule(choices)));
    }
    if in_block {
        lines.push(format!("{indent}}}"));
    }
    if choices.percent(20) {
        let fields = choices.pick(&["\"card.number\"", "\"note\", \"items[].name\"", "\"to\""]);
        lines.push(format!(
            "{indent}redact {} args: [{fields}]",
            choices.pick(&["refund", "stripe/*", "mail/*"])
        ));
    }
}
