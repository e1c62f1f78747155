//! Keys of checkpoints: one replaces another, and whoever trusts the first can check what the second signed.

use std::fs;

use crate::stack::{POLICY, Stack, at, text};

/// The text of the key in force.
fn key(stack: &Stack) -> String {
    fs::read_to_string(stack.folder().join("faramesh-wal/signing.pub")).unwrap().trim().to_owned()
}

#[test]
fn a_key_is_rotated_and_the_first_one_still_vouches() {
    let stack = Stack::with(POLICY);
    assert_eq!(stack.run(&["apply"]).exit, 0);
    let busy = stack.run(&["audit", "rotate-key"]);
    assert!(busy.exit == 1 && busy.stderr.contains("hint: stop the daemon first"), "{}", busy.stderr);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let first = key(&stack);
    stack.write("first.pub", &format!("{first}\n"));

    let rotated = stack.json(&["audit", "rotate-key"]);
    let second = key(&stack);
    assert_ne!(first, second);
    assert_eq!(text(&rotated, &["replaced"]), first);
    assert_eq!(text(&rotated, &["key"]), second);
    assert!(at(&rotated, &["record"]).as_i64().unwrap() > 1);
    stack.write("second.pub", &second);

    // The daemon signs with the new key from now on.
    assert_eq!(stack.run(&["apply"]).exit, 0);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    for known in ["first.pub", "second.pub"] {
        let verified = stack.run(&["audit", "verify", "--public-key", known]);
        assert_eq!(verified.exit, 0, "{known}: {}{}", verified.stdout, verified.stderr);
    }
    let people = stack.run(&["audit", "rotate-key"]);
    assert!(people.exit == 0 && people.stdout.contains("the old key signed the change"), "{}", people.stdout);
    assert_eq!(stack.run(&["audit", "verify", "--public-key", "first.pub"]).exit, 0);
}

#[test]
fn a_key_that_never_signed_is_told_and_so_is_what_is_no_key() {
    let (stack, other) = (Stack::with(POLICY), Stack::with(POLICY));
    for each in [&stack, &other] {
        assert_eq!(each.run(&["apply"]).exit, 0);
        assert_eq!(each.run(&["apply", "--stop"]).exit, 0);
    }
    stack.write("theirs.pub", &key(&other));
    stack.write("rubbish.pub", "not a key\n");
    let theirs = stack.run(&["audit", "verify", "--public-key", "theirs.pub"]);
    assert_ne!(theirs.exit, 0, "{}", theirs.stdout);
    assert!(format!("{}{}", theirs.stdout, theirs.stderr).contains(&key(&other)), "{}", theirs.stdout);
    let rubbish = stack.run(&["audit", "verify", "--public-key", "rubbish.pub"]);
    assert!(rubbish.exit != 0 && rubbish.stderr.contains("rubbish.pub"), "{}", rubbish.stderr);

    // Without its private key a ledger's key cannot be replaced, and nothing is written.
    let wal = stack.folder().join("faramesh-wal");
    let records = stack.run(&["audit", "ls", "--format", "jsonl"]).stdout;
    fs::rename(wal.join("signing.key"), stack.folder().join("kept.key")).unwrap();
    let lost = stack.run(&["audit", "rotate-key"]);
    assert_eq!(lost.exit, 1, "{}{}", lost.stdout, lost.stderr);
    assert_eq!(stack.run(&["audit", "ls", "--format", "jsonl"]).stdout, records);
}
