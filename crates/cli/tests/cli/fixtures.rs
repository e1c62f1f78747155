//! `faramesh test`: calls in order with a clock, what no case notices, and mistakes in fixtures.

use std::fs;

use faramesh_call::Value;

use crate::stack::{Stack, at, text};

const POLICY: &str = r#"agent "support-bot" {
  default deny
  rules {
    deny!  shell/* reason "no shell"
    permit refund if amount < 25
    defer  refund if amount < 500
    deny   refund reason "larger refunds are for people"
    permit verify
    permit lookup if history.contains(verify, within=10m)
    permit unused
  }
  rate_limit "refund": 2 per minute
}
"#;

const FIXTURE: &str = r#"{
  "fixture": "refunds",
  "agent_id": "support-bot",
  "begins": "2026-03-02T09:00:00Z",
  "cases": [
    {"name": "small", "tool": "refund", "args": {"amount": 5}, "expect": {"effect": "PERMIT"}},
    {"name": "large waits", "tool": "refund", "args": {"amount": 100}, "expect": {"effect": "DEFER", "code": "POLICY_DEFER", "rule_ref": "governance.fms:6"}},
    {"name": "too often", "tool": "refund", "args": {"amount": 5}, "expect": {"effect": "DENY", "code": "RATE_EXCEEDED"}},
    {"approve": "talked to the customer"},
    {"name": "approved", "wait": "1m", "tool": "refund", "args": {"amount": 100}, "expect": {"effect": "PERMIT"}},
    {"outcome": {"status": "ok"}},
    {"name": "huge", "tool": "refund", "args": {"amount": 900}, "expect": {"effect": "DENY", "message": "for people"}},
    {"name": "shell", "tool": "shell/run", "args": {}, "expect": {"effect": "DENY"}},
    {"name": "nobody verified", "tool": "lookup", "args": {}, "expect": {"effect": "DENY"}},
    {"name": "verified", "tool": "verify", "args": {}, "expect": {"effect": "PERMIT"}},
    {"name": "looks", "tool": "lookup", "args": {}, "expect": {"effect": "PERMIT"}},
    {"name": "too late", "wait": "11m", "tool": "lookup", "args": {}, "expect": {"effect": "DENY"}}
  ]
}
"#;

/// What a test that need not pass prints.
fn found(stack: &Stack, arguments: &[&str]) -> Value {
    let run = stack.run(&[arguments, &["--format", "json"]].concat());
    faramesh_call::json::parse(run.stdout.as_bytes()).unwrap_or_else(|_| panic!("{}", run.stderr))
}

#[test]
fn a_policy_is_tested_call_by_call() {
    let stack = Stack::with(POLICY);
    let none = stack.run(&["test"]);
    assert!(none.exit == 1 && none.stderr.contains("there is no fixture"), "{}", none.stderr);
    stack.write("tests/refunds.fmtest.json", FIXTURE);
    let passed = stack.run(&["test"]);
    assert_eq!(passed.exit, 0, "{}{}", passed.stdout, passed.stderr);
    assert!(
        passed.stdout.contains("✓ refunds, 12 cases") && passed.stdout.ends_with("12 passed, 0 failed\n")
    );

    let covered = stack.json(&["test", "--coverage"]);
    let uncovered = at(&covered, &["uncovered"]).as_list().unwrap();
    assert_eq!(uncovered.len(), 1, "{uncovered:?}");
    assert!(text(&uncovered[0], &["rule"]).contains("unused"));
    let mutated = stack.run(&["test", "--mutate", "--format", "json"]);
    assert_eq!(mutated.exit, 1, "{}", mutated.stderr);
    let mutated = faramesh_call::json::parse(mutated.stdout.as_bytes()).unwrap();
    let survivors: Vec<String> = at(&mutated, &["survivors"])
        .as_list()
        .unwrap()
        .iter()
        .map(|survivor| format!("{} {}", text(survivor, &["change"]), text(survivor, &["rule"])))
        .collect();
    // Without `deny!` the default denies the shell as well: no case tells them apart. No refund is at a bound.
    let expected = [
        "taken out deny! shell/* reason \"no shell\"",
        "`<` made `<=` permit refund if amount < 25",
        "`<` made `<=` defer refund if amount < 500",
        "taken out permit unused",
        "turned around permit unused",
    ];
    assert_eq!(survivors, expected);
    // A case at the bound notices it.
    let bound = r#"{"name": "at the bound", "wait": "1h", "tool": "refund", "args": {"amount": 25}, "expect": {"effect": "DEFER"}},
    {"name": "nobody verified""#;
    stack.write("tests/refunds.fmtest.json", &FIXTURE.replace("{\"name\": \"nobody verified\"", bound));
    let mutated = stack.run(&["test", "--mutate"]);
    assert!(
        !mutated.stdout.contains("amount < 25") && mutated.stdout.contains("amount < 500"),
        "{}",
        mutated.stdout
    );

    let mistaken = FIXTURE.replace(
        "\"amount\": 5}, \"expect\": {\"effect\": \"PERMIT\"}",
        "\"amount\": 5}, \"expect\": {\"effect\": \"DENY\"}",
    );
    stack.write("tests/refunds.fmtest.json", &mistaken);
    let failed = stack.run(&["test"]);
    assert_eq!(failed.exit, 1);
    assert!(failed.stdout.contains("effect: expected deny, found permit"), "{}", failed.stdout);
    let updated = stack.run(&["test", "--update"]);
    assert!(updated.exit == 0 && updated.stdout.contains("1 case updated"), "{}", updated.stdout);
    assert_eq!(stack.run(&["test"]).exit, 0);
    // A permit has a rule too, and no code.
    let named = FIXTURE.replacen(
        r#"{"effect": "PERMIT"}"#,
        r#"{"effect": "PERMIT", "rule_ref": "governance.fms:5"}"#,
        1,
    );
    stack.write("tests/refunds.fmtest.json", &named);
    assert_eq!(stack.run(&["test"]).exit, 0);
    stack.write("tests/refunds.fmtest.json", &named.replace("fms:5", "fms:4"));
    let other = stack.run(&["test"]);
    assert!(
        other.stdout.contains("rule_ref: expected governance.fms:4, found governance.fms:5"),
        "{}",
        other.stdout
    );
    assert_eq!(stack.run(&["test", "--update"]).exit, 0);
    assert!(
        fs::read_to_string(stack.folder().join("tests/refunds.fmtest.json"))
            .unwrap()
            .contains("governance.fms:5")
    );

    // The first failure of the first fixture ends the run.
    stack.write("tests/a.fmtest.json", &mistaken.replace("\"refunds\"", "\"a\""));
    let ended = found(&stack, &["test", "--fail-fast"]);
    assert_eq!(at(&ended, &["fixtures"]).as_list().unwrap().len(), 1, "{ended:?}");
    // A step that cannot be taken is told by `--update` as well.
    stack.write(
        "tests/a.fmtest.json",
        r#"{"fixture":"a","agent_id":"support-bot","cases":[{"approve":"x"}]}"#,
    );
    let stuck = stack.run(&["test", "--update"]);
    assert!(stuck.exit == 1 && stuck.stderr.contains("no call waits"), "{}{}", stuck.stdout, stuck.stderr);

    let other = stack.run(&["test", "--fixture", "other"]);
    assert_eq!(other.exit, 1);
}

#[test]
fn a_rule_that_two_agents_share_is_covered_for_each() {
    let stack = Stack::with(
        "agent \"a\" { default deny\n rules { permit look } }\nagent \"b\" { default deny\n rules { permit look } }\n",
    );
    stack.write(
        "tests/x.fmtest.json",
        r#"{"fixture":"x","agent_id":"a","cases":[{"tool":"look","expect":{"effect":"permit"}}]}"#,
    );
    let covered = found(&stack, &["test", "--coverage"]);
    let uncovered = at(&covered, &["uncovered"]).as_list().unwrap();
    assert_eq!((uncovered.len(), text(&uncovered[0], &["agent"])), (1, "b"), "{uncovered:?}");
}

#[test]
fn rules_of_phases_are_changed_too() {
    let stack = Stack::with(
        "agent \"a\" {\n default deny\n rules { permit look permit act }\n phase \"first\" { permit look if n > 3 and n < 9 }\n}\n",
    );
    stack.write(
        "tests/x.fmtest.json",
        r#"{"fixture":"x","agent_id":"a","cases":[{"tool":"look","args":{"n":5},"session":"s","expect":{"effect":"permit"}}]}"#,
    );
    let mutated = found(&stack, &["test", "--mutate"]);
    let survivors: Vec<&str> =
        at(&mutated, &["survivors"]).as_list().unwrap().iter().map(|one| text(one, &["change"])).collect();
    for change in ["`and` made `or`", "`>` made `>=`", "`<` made `<=`", "without its condition"] {
        assert!(survivors.contains(&change), "{change}: {survivors:?}");
    }
}

#[test]
fn a_broken_policy_and_a_broken_fixture_are_told_apart() {
    let stack = Stack::with("agent \"a\" { rules { permit } }");
    stack.write("tests/x.fmtest.json", FIXTURE);
    assert_eq!(stack.run(&["test"]).exit, 2, "the policy");
    stack.write("governance.fms", POLICY);
    stack.write("tests/x.fmtest.json", r#"{"fixture":"x","cases":[{"tool":"a","expcet":{}}]}"#);
    let broken = stack.run(&["test"]);
    assert!(
        broken.exit == 1 && broken.stderr.contains("case 1: a case has no `expcet`"),
        "{}",
        broken.stderr
    );
    stack.write("tests/x.fmtest.json", "{");
    assert_eq!(stack.run(&["test"]).exit, 1);
    stack.write("tests/x.fmtest.json", r#"{"fixture":"x","agent_id":"nobody","cases":[{"tool":"a","expect":{"effect":"deny","code":"AGENT_UNKNOWN"}},{"approve":"x"}]}"#);
    let unknown = stack.run(&["test", "--format", "json"]);
    let value = faramesh_call::json::parse(unknown.stdout.as_bytes()).unwrap();
    assert_eq!(at(&value, &["failed"]), &Value::from(1_u64), "an answer that nothing waits for: {value:?}");
}

#[test]
fn recorded_calls_become_a_fixture() {
    let mut stack = Stack::with(&POLICY.replace("rate_limit \"refund\": 2 per minute", ""));
    let socket = stack.dev(&[]);
    let govern = |tool: &str, args: &str| crate::stack::govern(&socket, tool, args);
    let small = govern("refund", r#"{"amount":5}"#);
    let id = text(&small, &["action_id"]);
    crate::stack::ask(
        &socket,
        "outcome",
        &format!(r#"{{"action_id":"{id}","status":"ok","duration_ms":1,"cost":0.5}}"#),
    );
    let deferred = govern("refund", r#"{"amount":100}"#);
    let approval = text(&deferred, &["approval_id"]).to_owned();
    assert_eq!(stack.run(&["approvals", "approve", &approval, "--reason", "fine"]).exit, 0);
    assert_eq!(text(&govern("refund", r#"{"amount":100}"#), &["effect"]), "PERMIT");
    assert_eq!(text(&govern("shell/run", "{}"), &["effect"]), "DENY");

    let run = stack.run(&["test", "record", "--out", "tests/today.fmtest.json"]);
    assert_eq!(run.exit, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("recorded: 6 cases in tests/today.fmtest.json"), "{}", run.stdout);
    let played = stack.run(&["test", "--fixture", "today"]);
    assert_eq!(played.exit, 0, "{}{}", played.stdout, played.stderr);
    let fixture = fs::read_to_string(stack.folder().join("tests/today.fmtest.json")).unwrap();
    assert!(
        fixture.contains(r#"{"approve":"fine","at":""#) && fixture.contains(r#""cost":0.5"#),
        "{fixture}"
    );

    let again = stack.run(&["test", "record", "--out", "tests/today.fmtest.json"]);
    assert!(again.exit == 1 && again.stderr.contains("exists"), "nothing is overwritten: {}", again.stderr);
    let name = stack.run(&["test", "record", "--out", "tests/today.json"]);
    assert!(name.exit != 0 && name.stderr.contains(".fmtest.json"), "{}", name.stderr);
    let none = stack.run(&["test", "record", "--agent", "nobody", "--out", "tests/none.fmtest.json"]);
    assert!(none.exit == 1 && none.stderr.contains("no call was recorded"), "{}", none.stderr);
}
