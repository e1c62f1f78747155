//! What depends on the options or needs a source too large for a table: identity, environment, bounds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use faramesh_check::{Checked, Options, check, codes};

fn checked(source: &str, strict_env: bool, dev: bool) -> Checked {
    let environment = |name: &str| match name {
        "TEAM" => Some("payments".to_owned()),
        "LONG" => Some("x".repeat(100_000)),
        _ => None,
    };
    check(source, &Options { strict_env, dev, ..Options::new("governance.fms", &environment) })
}

fn names(checked: &Checked) -> Vec<&'static str> {
    let name = |code| codes::ALL.iter().find(|known| known.code == code).map_or("syntax", |known| known.name);
    checked.diagnostics.iter().map(|found| name(found.code)).collect()
}

#[test]
fn a_stack_that_enforces_must_know_who_calls() {
    let of = |head: &str, dev: bool| names(&checked(&format!("{head}\ndefault deny\npermit a"), false, dev));
    assert_eq!(of("", false), ["no-identity"]);
    assert!(of("", true).is_empty());
    assert!(of("runtime { mode = audit }", false).is_empty());
    assert!(of("runtime { allow_self_declared_identity = true }", false).is_empty());
    assert!(of("identity \"host\" { type = \"unix\" }", false).is_empty());
    assert_eq!(
        of("identity \"host\" { type = \"spiffe\" trust_domain = \"corp.example.com\" }", false),
        ["not-enforced"]
    );
    let help = checked("permit a", false, false)
        .diagnostics
        .into_iter()
        .find_map(|found| (found.code == codes::NO_IDENTITY.code).then_some(found.help));
    let help = help.unwrap().unwrap();
    assert!(help.contains("identity") && help.contains("allow_self_declared_identity"), "{help}");
}

#[test]
fn environment() {
    let of = |value: &str, strict: bool| {
        let source = format!("default deny\npermit a if team == {value}");
        names(&checked(&source, strict, true))
    };
    assert!(of("env(\"TEAM\")", true).is_empty());
    assert!(of("env(\"OTHER\", \"x\")", false).is_empty());
    assert_eq!(of("env(\"OTHER\", \"x\")", true), ["environment-unset"]);
    assert_eq!(of("env(\"OTHER\")", false), ["environment-unset"]);
    assert_eq!(of("env(\"LONG\")", false), ["wrong-value"]);
    let stack = checked("runtime { stack_id = env(\"TEAM\") }\npermit a", true, true).stack.unwrap();
    assert_eq!(stack.runtime.stack_id.as_deref(), Some("payments"));
    assert_eq!(names(&checked("runtime { mode = env(\"TEAM\") }\npermit a", true, true))[0], "wrong-value");
}

#[test]
fn conditions_have_a_greatest_height() {
    let of = |nots: usize| {
        names(&checked(&format!("default deny\npermit a if {} b", "not ".repeat(nots)), false, true))
    };
    assert!(of(110).is_empty());
    assert_eq!(of(125), ["condition-too-deep"]);
}

#[test]
fn an_analysis_that_is_bounded_says_so() {
    let rules: Vec<String> = (0..2_100).map(|number| format!("permit a{number}/*")).collect();
    let of = |rules: &[String]| names(&checked(&format!("default deny\n{}", rules.join("\n")), false, true));
    assert_eq!(of(&rules), ["analysis-bounded"]);
    assert!(of(rules.get(..500).unwrap()).is_empty());
}

#[test]
fn a_flood_of_messages_ends_with_a_count() {
    let source = "permit a if tool == 5\n".repeat(600) + "permit *";
    let checked = checked(&source, false, true);
    assert_eq!(checked.diagnostics.len(), 501);
    let last = checked.diagnostics.iter().find(|found| found.code == codes::MESSAGES_BOUNDED.code).unwrap();
    assert!(last.message.starts_with("100 more messages"), "{}", last.message);
}

#[test]
fn messages_of_the_syntax_come_first() {
    let found = names(&checked("permit a if tool == 5\npermit b if (", false, true));
    assert_eq!(found, ["syntax", "type-mismatch"]);
}

#[test]
fn any_text_is_checked_without_a_panic() {
    let source = include_str!("messages.txt");
    for (at, _) in source.char_indices().step_by(7) {
        let (before, after) = source.split_at(at);
        for text in [before.get(before.len().saturating_sub(200)..), after.get(..200)].into_iter().flatten() {
            let _ = checked(text, false, false);
        }
    }
}
