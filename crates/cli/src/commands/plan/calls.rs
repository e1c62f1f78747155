//! The part of a plan about calls: which kinds get another effect, each with an example.

use faramesh_call::Value;

use crate::commands::check::prove::example;
use crate::views::json::{list, text};
use crate::views::words;

/// Most examples of calls that are held more strictly than before.
const STRICTER: usize = 5;

/// Sections for people: what is permitted now, what waits now, what is denied now, what is open.
pub fn sections(value: &Value) -> Vec<String> {
    let of = |kind: &str| list(value, &["diff", "semantic", kind]);
    let mut sections = Vec::new();
    for (kind, title, most) in [
        ("newly_permitted", "Newly permitted calls:", usize::MAX),
        ("newly_deferred", "Calls that wait for a person now:", STRICTER),
        ("newly_denied", "Newly denied calls:", STRICTER),
    ] {
        let entries = of(kind);
        if entries.is_empty() {
            continue;
        }
        let mut lines: Vec<String> = entries.iter().take(most).map(line).collect();
        if entries.len() > most {
            lines.push(format!("  and {} more kinds", entries.len() - most));
        }
        sections.push(format!("{}\n{}", words::heading(title), lines.join("\n")));
    }
    let open = of("undecided");
    if !open.is_empty() {
        let line = |entry: &Value| {
            let (agent, tools) = (text(entry, &["agent"]), text(entry, &["tools"]));
            format!("  {agent}, {tools}: {}", text(entry, &["why"]))
        };
        let lines: Vec<String> = open.iter().map(line).collect();
        let title = words::heading("Not decided; there may be more calls with another effect:");
        sections.push(format!("{title}\n{}", lines.join("\n")));
    }
    sections
}

fn line(entry: &Value) -> String {
    let (from, to) = (text(entry, &["from"]), text(entry, &["to"]));
    let by = match text(entry, &["ref"]) {
        "" => "the default".to_owned(),
        place => place.to_owned(),
    };
    format!(
        "  {}: {from} → {}  {}\n      {}",
        text(entry, &["agent"]),
        words::effect(to),
        words::faint(&format!("by {by}")),
        example(entry)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_calls_are_shown_with_examples() {
        let value = faramesh_call::json::parse(
            br#"{"diff":{"semantic":{"newly_permitted":[{"agent":"bot","tools":"t","from":"defer","to":"permit","rule":"permit t",
            "ref":"p.fms:3","example":{"tool":"t","args":{"x":5},"hour":9}}],"newly_deferred":[],"newly_denied":[{"agent":"bot",
            "tools":"u","from":"permit","to":"deny","example":{"tool":"u","args":{}}}],
            "undecided":[{"agent":"bot","tools":"v","why":"comparing `a` with `b` is outside of what can be decided"}]}}}"#,
        )
        .unwrap();
        let text = anstream::adapter::strip_str(&sections(&value).join("\n")).to_string();
        let expected = "Newly permitted calls:\n  bot: defer → ✓ permit  by p.fms:3\n      t {\"x\":5}, hour 9\nNewly denied calls:\n  bot: permit → ✗ deny  by the default\n      u {}\nNot decided; there may be more calls with another effect:\n  bot, v: comparing `a` with `b` is outside of what can be decided";
        assert_eq!(text, expected);
        assert!(sections(&Value::Null).is_empty());
    }
}
