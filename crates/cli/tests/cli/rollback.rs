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

/// Flips a byte in the compiled policy that the next start loads.
fn damage(stack: &Stack) {
    let file = stack.folder().join(".faramesh/policy.bin");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
}

#[test]
fn a_start_without_a_readable_policy_denies_all_or_keeps_the_last() {
    let stack = Stack::with(POLICY);
    apply(&stack, POLICY);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    damage(&stack);
    let refused = stack.run(&["daemon"]);
    assert!(refused.exit == 1 && refused.stderr.contains("checksum"), "{}", refused.stderr);

    std::fs::remove_file(stack.folder().join(".faramesh/policy.bin")).unwrap();
    let keeps = format!("system {{ on_policy_load_failure = \"keep_last\" }}\n{POLICY}");
    let socket = apply(&stack, &keeps);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    damage(&stack);
    let mut daemon = stack.spawn(&["daemon"]);
    let began = std::time::Instant::now();
    while stack.run(&["status"]).exit != 0 {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "it does not start");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(text(&govern(&socket, "docs/search", "{}"), &["effect"]), "PERMIT");
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let _ = daemon.wait();
}

#[test]
fn a_table_of_prices_is_shown_written_and_replaced() {
    let stack = Stack::with(POLICY);
    let bundled = stack.json(&["prices", "--model", "openai/gpt-5-mini"]);
    let models = at(&bundled, &["models"]).as_list().unwrap();
    assert_eq!(text(&models[0], &["model"]), "gpt-5-mini*");
    let unknown = stack.run(&["prices", "--model", "my-own"]);
    assert!(unknown.exit == 1 && unknown.stderr.contains("no price of `my-own`"), "{}", unknown.stderr);
    assert_eq!(stack.run(&["prices", "--out", "prices.json"]).exit, 0);
    assert_eq!(stack.run(&["prices", "--out", "prices.json"]).exit, 1, "nothing is written over");

    let named = format!("provider \"prices\" {{ type = \"price-table\" path = \"prices.json\" }}\n{POLICY}");
    apply(&stack, &named);
    let own = r#"{"prices":1,"models":[{"model":"my-*","input":1,"output":2}]}"#;
    stack.write("prices.json", own);
    let shown = stack.json(&["prices", "--model", "my-own"]);
    assert_eq!(at(&shown, &["models"]).as_list().unwrap().len(), 1);
    stack.write("prices.json", "{}");
    let refused = stack.run(&["apply"]);
    assert!(refused.exit == 1 && refused.stderr.contains("is no table of prices"), "{}", refused.stderr);
}
