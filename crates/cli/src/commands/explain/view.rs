//! An explanation for people: what happened, the rules in the order in which they were tried, and
//! where the record stands.

use faramesh_call::{Value, json as exact};

use super::limits;
use crate::views::json::{at, list, number, text as member};
use crate::views::record::{cut, safe};
use crate::views::table::pairs;
use crate::views::{json, record, time, words};

/// The whole explanation.
pub fn text(value: &Value) -> String {
    let Some(record) = value.get("record") else { return String::new() };
    let mut sections = vec![headline(record), rules(value, record)];
    if let Some(args) = record.get("args").filter(|args| **args != Value::Null) {
        sections.push(section("Arguments, as they are recorded", &json::indented(args)));
    }
    if let Some(limits) = limits::text(record) {
        sections.push(section("Rates and budgets", &limits));
    }
    let steps = pairs(&steps(value, record));
    sections.push(section("Steps", &steps));
    let later: Vec<String> = list(value, &["approval"]).iter().map(record::line).collect();
    if !later.is_empty() {
        sections.push(section("The approval's other records", &later.join("\n")));
    }
    if let Some(note) = at(value, &["note"]).and_then(Value::as_str) {
        sections.push(words::faint(&format!("Note: {note}.")));
    }
    sections.join("\n\n")
}

fn section(title: &str, body: &str) -> String {
    format!("{}\n  {}", words::heading(title), body.replace('\n', "\n  "))
}

fn headline(record: &Value) -> String {
    let effect = words::effect(member(record, &["effect"]));
    let mut line = format!(
        "{effect} {} for {} at {}",
        safe(member(record, &["tool"])),
        safe(agent(record)),
        time::day_and_time(member(record, &["time"]))
    );
    let reason = safe(member(record, &["reason"]));
    let code = member(record, &["code"]);
    line.push_str(&if reason.is_empty() { format!("\n  {code}") } else { format!("\n  {code}: {reason}") });
    if at(record, &["enforced"]).and_then(Value::as_bool) == Some(false) {
        line.push_str("\n  audit mode: it was only recorded, and the call was permitted");
    }
    line
}

fn agent(record: &Value) -> &str {
    match member(record, &["agent"]) {
        "" => "nobody (the caller is no agent)",
        agent => agent,
    }
}

fn rules(value: &Value, record: &Value) -> String {
    let rules = list(value, &["rules"]);
    let width = rules.iter().map(|rule| member(rule, &["ref"]).chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = rules.iter().map(|tried| rule(tried, width)).collect();
    if at(record, &["rule"]).is_none() {
        let default = member(record, &["effect"]);
        lines.push(format!("✓ default  no rule matched: the agent's default is {default}"));
    }
    section("Rules that can match this tool, in order", &lines.join("\n"))
}

fn rule(rule: &Value, width: usize) -> String {
    let matched = member(rule, &["outcome"]) == "match";
    let word = if matched { words::good("match") } else { words::faint("· no   ") };
    let mut line = format!("{word}  {:width$}  {}", member(rule, &["ref"]), member(rule, &["text"]))
        .trim_end()
        .to_owned();
    let why = member(rule, &["why"]);
    let values: Vec<String> = at(rule, &["values"])
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|values| values.iter().map(|(path, value)| format!("{path} is {}", shown(value))))
        .collect();
    let detail = match (why.is_empty(), values.is_empty()) {
        (true, true) => return line,
        (true, false) => values.join(", "),
        (false, true) => why.to_owned(),
        (false, false) => format!("{why}: {}", values.join(", ")),
    };
    line.push_str(&format!("\n         {}", words::faint(&detail)));
    line
}

fn shown(value: &Value) -> String {
    let text = String::from_utf8_lossy(&exact::canonical(value)).into_owned();
    match value.as_str() {
        Some("absent") => "absent".to_owned(),
        _ => cut(&safe(&text), 60),
    }
}

fn steps(value: &Value, record: &Value) -> Vec<(&'static str, String)> {
    let place = member(record, &["rule", "ref"]);
    let verdict = if place.is_empty() { "default".to_owned() } else { place.to_owned() };
    let redacted: Vec<&str> = list(record, &["redacted"]).iter().filter_map(Value::as_str).collect();
    let protections: Vec<&str> = list(record, &["enforcement"]).iter().filter_map(Value::as_str).collect();
    let (method, subject) =
        (member(record, &["identity", "method"]), member(record, &["identity", "subject"]));
    let mut steps = vec![
        ("identity", format!("{method}: {}", safe(subject))),
        ("rules", format!("{} by {verdict}", member(record, &["code"]))),
        ("approval", approval(record)),
        ("redacted", if redacted.is_empty() { "nothing".to_owned() } else { redacted.join(", ") }),
        (
            "record",
            format!(
                "{}, number {} of run {}",
                member(value, &["id"]),
                number(value, &["chain", "seq"]),
                number(value, &["chain", "epoch"])
            ),
        ),
        ("its hash", member(value, &["chain", "hash"]).to_owned()),
        ("links to", member(value, &["chain", "prev"]).to_owned()),
        ("policy", member(record, &["policy"]).to_owned()),
        ("protections", protections.join(", ")),
        ("outcome", outcome(value, record)),
    ];
    if json::is_true(record, &["dev"]) {
        steps.push(("trial", "made by `faramesh dev`".to_owned()));
    }
    steps
}

fn approval(record: &Value) -> String {
    let (id, status) = (member(record, &["approval", "id"]), member(record, &["approval", "status"]));
    if id.is_empty() {
        return "none was needed".to_owned();
    }
    let by = member(record, &["approval", "by"]);
    let answer = if by.is_empty() {
        String::new()
    } else {
        format!(", answered by {by}: {}", safe(member(record, &["approval", "reason"])))
    };
    format!("{id} {status}{answer}")
}

fn outcome(value: &Value, record: &Value) -> String {
    match at(value, &["outcome"]).filter(|outcome| **outcome != Value::Null) {
        Some(outcome) => format!(
            "{} after {} ms {}",
            member(outcome, &["detail", "status"]),
            number(outcome, &["detail", "duration_ms"]),
            safe(member(outcome, &["detail", "error"]))
        )
        .trim_end()
        .to_owned(),
        None if member(record, &["effect"]) == "permit" => "the agent reported none".to_owned(),
        None => "the call did not run".to_owned(),
    }
}
