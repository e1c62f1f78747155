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
fn a_field_is_sealed_for_the_person_whom_an_argument_names() {
    let stack = Stack::with(&POLICY.replace(
        "[\"email\"] seal",
        "[\"customer.email\", \"notes[].text\"] seal by \"customer.id\"\n  redact crm/update args: [\"agent\"] seal",
    ));
    stack.json(&["apply"]);
    let socket = std::path::PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]));
    let update = |id: &str, email: &str| {
        let args = format!(
            r#"{{"agent":"desk 4","customer":{{"id":{id},"email":"{email}"}},"notes":[{{"text":"likes {email}"}}]}}"#
        );
        let params = format!(
            r#"{{"agent_id":"support-bot","tool":"crm/update","args":{args},"principal":{{"id":"u-clerk"}}}}"#
        );
        let reply = ask(&socket, "govern", &params);
        assert_eq!(text(&reply, &["effect"]), "PERMIT", "{reply:?}");
        text(&reply, &["action_id"]).to_owned()
    };
    let (ann, bob) = (update("\"c-1\"", "ann@example.com"), update("27", "bob@example.com"));
    // Nobody could ever have it erased: it is not kept.
    let (none, list) = (update("null", "no@example.com"), update("[\"c-1\"]", "list@example.com"));
    let shown = |id: &str| stack.run(&["audit", "show", id, "--unseal"]).stdout;
    for (id, email) in [(&ann, "ann@"), (&bob, "bob@")] {
        assert!(shown(id).matches(email).count() == 2 && shown(id).contains("desk 4"), "{}", shown(id));
        assert!(!stack.run(&["audit", "show", id]).stdout.contains(email));
    }
    for (id, email) in [(&none, "no@"), (&list, "list@")] {
        assert!(!shown(id).contains(email) && shown(id).contains("desk 4"), "{}", shown(id));
    }
    // Each has a key, and the clerk: the end of one leaves the others'.
    stack.json(&["audit", "erase", "--subject", "c-1", "--reason", "request 9"]);
    assert!(!shown(&ann).contains("ann@") && shown(&ann).contains("desk 4"), "{}", shown(&ann));
    assert_eq!(shown(&bob).matches("bob@").count(), 2);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let erased = stack.run(&["audit", "erase", "--subject", "27", "--reason", "request 10"]);
    assert_eq!(erased.exit, 0, "{}", erased.stderr);
    assert!(!shown(&bob).contains("bob@"));
    stack.json(&["audit", "erase", "--subject", "u-clerk", "--reason", "request 11"]);
    assert!(!shown(&bob).contains("desk 4"));

    // Hashes, chain and signatures are as before, in the folder and in what an auditor is handed.
    assert_eq!(at(&stack.json(&["audit", "verify"]), &["valid"]).as_bool(), Some(true));
    assert_eq!(stack.run(&["audit", "export", "--out", "x.bundle"]).exit, 0);
    let told = stack.json(&["audit", "verify-bundle", "x.bundle"]);
    assert_eq!(at(&told, &["valid"]).as_bool(), Some(true));
    let bundle = fs::read_to_string(stack.folder().join("x.bundle")).unwrap();
    assert!(bundle.contains("sealed:1:") && !bundle.contains("example.com\""), "plain in a bundle");
}

#[test]
fn nothing_to_erase_is_said() {
    let stack = Stack::with(POLICY);
    let run = stack.run(&["audit", "erase", "--subject", "u", "--reason", "r"]);
    assert!(run.exit != 0 && run.stderr.contains("no policy was ever put in force here"), "{}", run.stderr);
}
