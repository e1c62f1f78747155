//! Old records in an archive, with the real command: compacted with a daemon and without, verified with
//! and without the bodies, and an approval that goes on across it all.

use std::time::{Duration, Instant};

use crate::stack::{Stack, WAIT, ask, at, govern, text};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true wal_retention = 30d }
agent "support-bot" {
  default deny
  rules { defer stripe/* permit crm/* }
}
"#;

/// More than the first segment holds.
fn fill(socket: &std::path::Path) -> String {
    let note = "x".repeat(600_000);
    let mut first = String::new();
    for number in 0..16 {
        let params = format!(
            r#"{{"agent_id":"support-bot","tool":"crm/update","args":{{"n":{number},"note":"{note}"}}}}"#
        );
        let reply = ask(socket, "govern", &params);
        if number == 0 {
            first = text(&reply, &["action_id"]).to_owned();
        }
    }
    first
}

#[test]
fn old_records_are_archived_and_everything_goes_on() {
    let stack = Stack::with(POLICY);
    stack.json(&["apply"]);
    let socket = std::path::PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]));
    let deferred = govern(&socket, "stripe/refund", r#"{"amount":700}"#);
    let approval = text(&deferred, &["approval_id"]).to_owned();
    assert!(approval.starts_with("apr-"), "{deferred:?}");
    let first = fill(&socket);
    let none = stack.run(&["audit", "compact", "--older-than", "90d"]);
    assert!(none.exit == 0 && none.stdout.contains("nothing to archive"), "{} {}", none.stdout, none.stderr);
    std::thread::sleep(Duration::from_millis(1_100));
    // What the index does not know yet is not found in an archive.
    let began = Instant::now();
    while at(&stack.json(&["status"]), &["ledger", "index_lag"]).as_i64() != Some(0) {
        assert!(began.elapsed() < WAIT, "the index does not come up");
        std::thread::sleep(Duration::from_millis(100));
    }

    let compacted = stack.json(&["audit", "compact", "--older-than", "1s"]);
    let segments = at(&compacted, &["segments"]).as_list().unwrap();
    assert_eq!(segments.len(), 1, "{compacted:?}");
    assert!(stack.folder().join("faramesh-wal/archive/00000001.wal").exists());
    assert!(!stack.folder().join("faramesh-wal/00000001.wal").exists());

    let shown = stack.run(&["audit", "show", &first]);
    assert!(shown.exit != 0 && shown.stderr.contains("`00000001.wal` in archive"), "{}", shown.stderr);
    let archive = stack.folder().join("faramesh-wal/archive");
    let read = stack.run(&["audit", "show", &first, "--ledger", &archive.to_string_lossy()]);
    assert!(read.exit == 0 && read.stdout.contains("crm/update"), "{}", read.stderr);
    let listed = stack.run(&["audit", "ls"]);
    assert!(listed.stderr.contains("are archived in archive"), "{}", listed.stderr);

    let hashes = stack.json(&["audit", "verify"]);
    assert_eq!(at(&hashes, &["valid"]).as_bool(), Some(true), "{hashes:?}");
    assert_eq!(at(&hashes, &["archived", "checked"]).as_bool(), Some(false));
    assert!(at(&hashes, &["archived", "records"]).as_i64() > Some(10), "{hashes:?}");
    let bodies = stack.json(&["audit", "verify", "--include-archived"]);
    assert_eq!(at(&bodies, &["archived", "checked"]).as_bool(), Some(true), "{bodies:?}");
    let bundle = |name: &str, arguments: &[&str]| {
        let exported = stack.run(&[&["audit", "export", "--out", name], arguments].concat());
        assert_eq!(exported.exit, 0, "{}", exported.stderr);
        let told = stack.json(&["audit", "verify-bundle", name]);
        assert_eq!(at(&told, &["valid"]).as_bool(), Some(true), "{told:?}");
        let count = |member| at(&told, &[member]).as_i64().unwrap();
        (count("records"), count("archived"), count("size"))
    };
    let (records, archived, size) = bundle("hashes.bundle", &[]);
    assert!(archived > 10 && records + archived == size, "{records} {archived} {size}");
    let (records, archived, size) = bundle("bodies.bundle", &["--include-archived"]);
    assert_eq!((records, archived), (size, 0));
    let (picked, ..) = bundle("picked.bundle", &["--tool", "crm/*", "--include-archived"]);
    let (left, ..) = bundle("left.bundle", &["--tool", "crm/*"]);
    assert!(picked > 16 && left < picked, "{picked} {left}");

    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let offline = stack.run(&["audit", "compact", "--older-than", "1s"]);
    assert!(offline.exit == 0 && offline.stdout.contains("nothing to archive"), "{}", offline.stderr);
    stack.json(&["apply"]);
    let pending = stack.run(&["approvals", "list"]).stdout;
    assert!(pending.contains(&approval), "the approval was forgotten: {pending}");
    let socket = std::path::PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]));
    let again = govern(&socket, "stripe/refund", r#"{"amount":700}"#);
    assert_eq!(text(&again, &["approval_id"]), approval, "it is bound to this call: {again:?}");

    let body = archive.join("00000001.wal");
    let mut bytes = std::fs::read(&body).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&body, bytes).unwrap();
    assert_eq!(stack.run(&["audit", "verify"]).exit, 0);
    let broken = stack.run(&["audit", "verify", "--include-archived"]);
    assert!(broken.exit == 1 && broken.stdout.contains("archive/00000001.wal"), "{}", broken.stdout);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
}
