//! The policy before is put in force again, by one command, and that is in the record like any policy.

use std::path::PathBuf;

use faramesh_call::Value;

use crate::stack::{POLICY, Stack, at, govern, text};

fn apply(stack: &Stack, policy: &str) -> PathBuf {
    stack.write("governance.fms", policy);
    let run = stack.run(&["apply"]);
    assert_eq!(run.exit, 0, "{}{}", run.stdout, run.stderr);
    PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]))
}

#[test]
fn the_policy_before_is_put_in_force_again() {
    let stack = Stack::with(POLICY);
    let down = stack.run(&["rollback"]);
    assert!(down.exit == 1 && down.stderr.contains("no daemon of this stack runs"), "{}", down.stderr);
    let socket = apply(&stack, POLICY);
    let only = stack.run(&["rollback"]);
    assert!(only.exit == 1 && only.stderr.contains("no earlier policy"), "{}", only.stderr);
    let strict = POLICY.replace("permit docs/search", "deny docs/search reason \"closed\"");
    apply(&stack, &strict);
    apply(&stack, &strict);
    let search = || text(&govern(&socket, "docs/search", "{}"), &["effect"]).to_owned();
    assert_eq!(search(), "DENY");

    let back = stack.run(&["rollback"]);
    assert_eq!(back.exit, 0, "{}{}", back.stdout, back.stderr);
    assert!(back.stdout.contains("✓ rolled back: v1"), "{}", back.stdout);
    assert!(
        back.stderr.contains("docs/search") && back.stderr.contains("still says the newer policy"),
        "{}",
        back.stderr
    );
    assert_eq!(search(), "PERMIT");
    let listed = stack.json(&["rollback", "--list"]);
    let policies = at(&listed, &["policies"]).as_list().unwrap();
    assert_eq!(policies.len(), 3, "{policies:?}");
    assert_eq!(text(&policies[0], &["policy_hash"]), text(&policies[2], &["policy_hash"]));
    let in_force: Vec<bool> =
        policies.iter().map(|policy| at(policy, &["in_force"]).as_bool() == Some(true)).collect();
    assert_eq!(in_force, [false, false, true]);

    assert_eq!(stack.run(&["rollback", "--to", "v2"]).exit, 0);
    assert_eq!(search(), "DENY");
    let same = stack.run(&["rollback", "--to", "v2"]);
    assert!(same.exit == 1 && same.stderr.contains("is the policy in force"), "{}", same.stderr);
    let unknown = stack.run(&["rollback", "--to", "v9"]);
    assert!(
        unknown.exit == 1 && unknown.stderr.contains("hint: `faramesh rollback --list`"),
        "{}",
        unknown.stderr
    );
    assert_eq!(stack.run(&["rollback", "--to", "v"]).exit, 1);
    let records = stack.run(&["audit", "ls", "--kind", "policy", "--format", "jsonl"]);
    assert!(records.stdout.lines().count() >= 4, "{}", records.stdout);
    let verified = stack.json(&["audit", "verify"]);
    assert_eq!(at(&verified, &["valid"]), &Value::Bool(true));
}
