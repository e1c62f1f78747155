//! What leaves the ledger, and what can never be read again: sinks in `status`, sealed fields in
//! `audit show`, and erasures with a daemon and without.

use std::fs;
use std::time::{Duration, Instant};

use crate::stack::{Stack, ask, at, text};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
provider "archive" { type = "file-sink" path = "audit/records.jsonl" }
agent "support-bot" {
  default deny
  rules { permit crm/* }
  redact crm/update args: ["email"] seal
}
"#;

fn update(socket: &std::path::Path, email: &str, who: &str) -> String {
    let params = format!(
        r#"{{"agent_id":"support-bot","tool":"crm/update","args":{{"email":"{email}"}},"principal":{{"id":"{who}"}}}}"#
    );
    text(&ask(socket, "govern", &params), &["action_id"]).to_owned()
}

#[test]
fn records_are_copied_and_persons_are_forgotten() {
    let stack = Stack::with(POLICY);
    let applied = stack.json(&["apply"]);
    let socket = std::path::PathBuf::from(text(&applied, &["socket"]));
    let socket = if socket.as_os_str().is_empty() {
        text(&stack.json(&["status"]), &["daemon", "socket"]).into()
    } else {
        socket
    };
    let (ann, bob) =
        (update(&socket, "ann@example.com", "u-ann"), update(&socket, "bob@example.com", "u-bob"));

    let until = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = stack.json(&["status"]);
        let sink = at(&status, &["ledger", "sinks"]).as_list().unwrap()[0].clone();
        if at(&sink, &["lag"]).as_i64() == Some(0) {
            break sink;
        }
        assert!(Instant::now() < until, "{sink:?}");
    };
    assert_eq!((text(&status, &["name"]), text(&status, &["status"])), ("archive", "HEALTHY"));
    let shown = stack.run(&["status"]).stdout;
    assert!(shown.contains("archive to ") && shown.contains("nothing waits, last delivery"), "{shown}");
    let copied = fs::read_to_string(stack.folder().join("audit/records.jsonl")).unwrap();
    assert!(copied.contains(&ann) && copied.contains("sealed:1:") && !copied.contains("ann@"), "{copied}");

    let sealed = stack.run(&["audit", "show", &ann]);
    assert!(sealed.stdout.contains("sealed:1:") && !sealed.stdout.contains("ann@"), "{}", sealed.stdout);
    let listed = stack.run(&["audit", "ls"]).stdout;
    assert!(listed.contains("email=[") && !listed.contains("sealed:1:"), "{listed}");
    let opened = stack.run(&["audit", "show", &ann, "--unseal"]);
    assert!(opened.stdout.contains("ann@example.com"), "{}", opened.stdout);

    let erased = stack.json(&["audit", "erase", "--subject", "u-ann", "--reason", "request 17"]);
    assert_eq!(text(&erased, &["key"]).len(), 32);
    let closed = stack.run(&["audit", "show", &ann, "--unseal"]);
    assert!(closed.exit == 0 && !closed.stdout.contains("ann@"), "{}", closed.stdout);
    assert!(closed.stderr.contains("1 sealed field cannot be opened"), "{}", closed.stderr);
    let again = stack.run(&["audit", "erase", "--subject", "u-ann", "--reason", "request 17"]);
    assert!(again.exit != 0 && again.stderr.contains("there is no key of this subject"), "{}", again.stderr);

    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    assert!(stack.run(&["audit", "show", &bob, "--unseal"]).stdout.contains("bob@example.com"));
    let offline = stack.run(&["audit", "erase", "--subject", "u-bob", "--reason", "request 18"]);
    assert!(offline.exit == 0 && offline.stdout.contains("cannot be read any more"), "{}", offline.stderr);
    assert!(!stack.run(&["audit", "show", &bob, "--unseal"]).stdout.contains("bob@"));
    let erasures = stack.run(&["audit", "ls", "--format", "jsonl"]).stdout;
    assert_eq!(erasures.lines().filter(|line| line.contains(r#""kind":"erasure""#)).count(), 2);
    let verified = stack.json(&["audit", "verify"]);
    assert_eq!(at(&verified, &["valid"]).as_bool(), Some(true));
    assert!(!erasures.contains("u-ann") && !erasures.contains("u-bob"));
}

#[test]
fn nothing_to_erase_is_said() {
    let stack = Stack::with(POLICY);
    let run = stack.run(&["audit", "erase", "--subject", "u", "--reason", "r"]);
    assert!(run.exit != 0 && run.stderr.contains("no policy was ever put in force here"), "{}", run.stderr);
}
