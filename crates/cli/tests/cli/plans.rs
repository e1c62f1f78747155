//! A plan that was kept in a file is applied as it was looked at, or not at all.

use std::fs;
use std::path::PathBuf;

use crate::stack::{POLICY, Stack, at, govern, text};

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

#[test]
fn new_limits_are_counted_over_the_recorded_calls() {
    let stack = Stack::with(POLICY);
    assert_eq!(stack.run(&["apply"]).exit, 0);
    let socket = PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]));
    for _ in 0..5 {
        assert_eq!(text(&govern(&socket, "docs/search", "{}"), &["effect"]), "PERMIT");
    }
    let limited = |limit: &str| POLICY.replacen("default deny", &format!("default deny\n  {limit}"), 1);
    for (limit, denied, code) in [
        ("budget daily { max_calls 3 tools [\"docs/*\"] }", 2, "BUDGET_EXCEEDED"),
        ("budget daily { max $0.004 }", 1, "BUDGET_EXCEEDED"),
        ("rate_limit \"docs/*\": 1 per hour", 4, "RATE_EXCEEDED"),
        ("ambient { max_calls_per_day 4 }", 1, "AMBIENT_EXCEEDED"),
        ("session { max_calls 2 }", 3, "SESSION_EXPIRED"),
        ("budget daily { max_calls 9 }", 0, ""),
    ] {
        stack.write("governance.fms", &limited(limit));
        let plan = stack.json(&["plan"]);
        let replay = at(&plan, &["replay"]);
        let kinds = at(replay, &["transitions", "permit_to_deny"]).as_list().unwrap_or_default();
        let counts: Vec<_> =
            kinds.iter().map(|kind| (at(kind, &["count"]).as_i64().unwrap(), text(kind, &["ref"]))).collect();
        let expected = if denied == 0 { vec![] } else { vec![(denied, code)] };
        assert_eq!(counts, expected, "{limit}: {replay:?}");
        assert_eq!(at(replay, &["new_limits"]).as_i64(), Some(1), "{limit}");
        assert_eq!(at(replay, &["indeterminate"]).as_i64(), Some(0), "{limit}");
    }
    let shown = stack.run(&["plan"]);
    assert!(shown.stdout.contains("1 new limit counts from the beginning of the window"), "{}", shown.stdout);
}
