//! A plan that was kept in a file is applied as it was looked at, or not at all.

use std::fs;

use crate::stack::{POLICY, Stack, govern, text};

fn strict() -> String {
    POLICY.replace("permit docs/search", "deny docs/search reason \"closed\"")
}

#[test]
fn a_kept_plan_is_applied_as_it_was_looked_at() {
    let stack = Stack::with(POLICY);
    let first = stack.run(&["plan", "--out", "first.plan"]);
    assert_eq!(first.exit, 0, "{}{}", first.stdout, first.stderr);
    assert!(first.stderr.contains("apply first.plan"), "{}", first.stderr);
    // What the file says by now does not count: the plan does.
    stack.write("governance.fms", &strict());
    let applied = stack.run(&["apply", "first.plan"]);
    assert_eq!(applied.exit, 0, "{}{}", applied.stdout, applied.stderr);
    let socket = text(&stack.json(&["status"]), &["daemon", "socket"]).to_owned();
    let search = || text(&govern(socket.as_ref(), "docs/search", "{}"), &["effect"]).to_owned();
    assert_eq!(search(), "PERMIT");

    assert_eq!(stack.run(&["plan", "--out", "second.plan"]).exit, 0);
    assert_eq!(stack.run(&["apply", "second.plan"]).exit, 0);
    assert_eq!(search(), "DENY");
    let again = stack.run(&["apply", "second.plan"]);
    assert_eq!(again.exit, 0, "what is in force already is no error: {}{}", again.stdout, again.stderr);
}

#[test]
fn a_plan_that_was_overtaken_is_refused() {
    let stack = Stack::with(POLICY);
    assert_eq!(stack.run(&["apply"]).exit, 0);
    stack.write("governance.fms", &strict());
    assert_eq!(stack.run(&["plan", "--out", "mine.plan"]).exit, 0);
    stack.write("governance.fms", &POLICY.replace("docs/search", "docs/find"));
    assert_eq!(stack.run(&["apply"]).exit, 0);
    let overtaken = stack.run(&["apply", "mine.plan"]);
    assert_eq!(overtaken.exit, 1);
    assert!(
        overtaken.stderr.contains("the plan was made when")
            && overtaken.stderr.contains("plan --out FILE` makes another"),
        "{}",
        overtaken.stderr
    );
    // The same while no daemon runs: the policy that its next start would load is compared.
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    assert_eq!(stack.run(&["apply", "mine.plan"]).exit, 1);
}

#[test]
fn what_is_no_plan_is_refused_and_nothing_starts() {
    let stack = Stack::with(POLICY);
    assert_eq!(stack.run(&["plan", "--out", "good.plan"]).exit, 0);
    let good = fs::read_to_string(stack.folder().join("good.plan")).unwrap();
    let middle = good.len() / 2;
    let digit = if &good[middle..=middle] == "0" { "1" } else { "0" };
    let flipped = format!("{}{digit}{}", &good[..middle], &good[middle + 1..]);
    for (name, content) in [
        ("cut.plan", &good[..middle]),
        ("flipped.plan", &flipped),
        ("policy.plan", POLICY),
        ("other.plan", r#"{"kind":"something"}"#),
        ("empty.plan", ""),
    ] {
        stack.write(name, content);
        let run = stack.run(&["apply", name]);
        assert_eq!(run.exit, 1, "{name}");
        assert!(run.stderr.contains(&format!("`{name}` is no plan")), "{name}: {}", run.stderr);
    }
    let missing = stack.run(&["apply", "missing.plan"]);
    assert!(missing.exit == 1 && missing.stderr.contains("missing.plan"), "{}", missing.stderr);
    assert_eq!(stack.run(&["plan", "--out", "no/such/folder/x.plan"]).exit, 1);
    assert_ne!(stack.run(&["apply", "good.plan", "--stop"]).exit, 0);
}
