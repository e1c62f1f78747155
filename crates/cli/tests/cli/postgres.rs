//! The real binary with its ledger in a real PostgreSQL: decisions, reading with and without the daemon,
//! a database that goes away and comes back, and a row that somebody changed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::stack::{POLICY, Stack, WAIT, at, govern, text};

fn policy(server: &Server, instance: &str) -> String {
    let settings = format!(
        "runtime {{\n  wal_backend = \"{}\"\n  stack_id = \"payments\"\n  instance_id = \"{instance}\"",
        server.url()
    );
    POLICY.replace("runtime {", &settings)
}

#[test]
fn a_stack_keeps_its_ledger_in_postgres() {
    let Some(mut server) = Server::start() else { return };
    let stack = Stack::with(&policy(&server, "host-1"));
    let applied = stack.json(&["apply"]);
    let socket = PathBuf::from(text(&applied, &["socket"]));
    let permitted = govern(&socket, "stripe/refund", r#"{"amount":80}"#);
    assert_eq!(text(&permitted, &["effect"]), "PERMIT");
    assert_eq!(text(&govern(&socket, "stripe/payouts", "{}"), &["effect"]), "DENY");

    let status = stack.json(&["status"]);
    assert_eq!(text(&status, &["daemon", "wal", "backend"]), "postgres");
    assert_eq!(text(&status, &["daemon", "wal", "place"]), server.url());
    assert!(stack.run(&["status"]).stdout.contains("postgres at postgres://postgres@127.0.0.1"));
    let listed = stack.run(&["audit", "ls", "--effect", "permit", "--format", "jsonl"]);
    let record = faramesh_call::json::parse(listed.stdout.as_bytes()).unwrap();
    assert_eq!((text(&record, &["tool"]), text(&record, &["instance"])), ("stripe/refund", "host-1"));
    assert_eq!(stack.run(&["explain", text(&record, &["id"])]).exit, 0);
    assert_eq!(stack.run(&["audit", "stats"]).exit, 0);

    server.stop_at_once();
    let denied = govern(&socket, "stripe/refund", r#"{"amount":80}"#);
    assert_eq!((text(&denied, &["effect"]), text(&denied, &["code"])), ("DENY", "LEDGER_UNAVAILABLE"));
    let status = stack.run(&["status"]);
    assert!(status.exit == 3 && status.stdout.contains("DEGRADED"), "{}", status.stdout);
    assert!(status.stdout.contains("the ledger is out of reach"), "{}", status.stdout);
    server.run();
    let began = Instant::now();
    while text(&govern(&socket, "stripe/refund", r#"{"amount":80}"#), &["effect"]) != "PERMIT" {
        assert!(began.elapsed() < WAIT, "the daemon does not come back");
        std::thread::sleep(Duration::from_millis(100));
    }

    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let second = Stack::with(&policy(&server, "host-2"));
    second.json(&["apply"]);
    assert_eq!(second.run(&["apply", "--stop"]).exit, 0);
    let verified = stack.json(&["audit", "verify"]);
    assert_eq!((at(&verified, &["valid"]).as_bool(), text(&verified, &["source"])), (Some(true), "postgres"));
    let chains = at(&verified, &["chains"]).as_list().unwrap();
    assert_eq!(
        chains.iter().map(|chain| text(chain, &["instance"])).collect::<Vec<_>>(),
        ["host-1", "host-2"]
    );

    server.sql("UPDATE faramesh.records SET agent = 'somebody' WHERE instance = 'host-1' AND seq = 4");
    let broken = stack.run(&["audit", "verify"]);
    assert_eq!(broken.exit, 1);
    for part in ["faramesh.records", "host-1", "agent", "somebody"] {
        assert!(broken.stdout.contains(part), "{}", broken.stdout);
    }
    let refused = stack.run(&["apply"]);
    assert_ne!(refused.exit, 0);
    assert!(refused.stderr.contains("table faramesh.records"), "{}", refused.stderr);
}
