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
fn with_strict_signing_a_permit_waits_for_its_checkpoint() {
    let Some(server) = Server::start() else { return };
    let strict = policy(&server, "host-1").replace("runtime {", "runtime {\n  signing = \"strict\"");
    let stack = Stack::with(&strict);
    let socket = PathBuf::from(text(&stack.json(&["apply"]), &["socket"]));
    for amount in 1..4 {
        let permitted = govern(&socket, "stripe/refund", &format!(r#"{{"amount":{amount}}}"#));
        assert_eq!(text(&permitted, &["effect"]), "PERMIT");
        let signed = server
            .sql("SELECT max(size) >= (SELECT max(seq) FROM faramesh.records) FROM faramesh.checkpoints");
        assert_eq!(signed, "t");
    }
    server.sql("ALTER TABLE faramesh.checkpoints RENAME TO hidden");
    let denied = govern(&socket, "stripe/refund", r#"{"amount":80}"#);
    assert_eq!((text(&denied, &["effect"]), text(&denied, &["code"])), ("DENY", "LEDGER_UNAVAILABLE"));
    server.sql("ALTER TABLE faramesh.hidden RENAME TO checkpoints");
    let began = Instant::now();
    while text(&govern(&socket, "stripe/refund", r#"{"amount":80}"#), &["effect"]) != "PERMIT" {
        assert!(began.elapsed() < WAIT, "the daemon does not come back");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    assert_eq!(stack.run(&["audit", "verify"]).exit, 0);
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

    // Each chain is signed by its daemon, and a bundle of one needs no database.
    for (chain, stack) in chains.iter().zip([&stack, &second]) {
        let name = text(chain, &["instance"]);
        let signing = |member: &str| at(chain, &["signing", member]).as_i64();
        assert_eq!(signing("covered"), at(chain, &["records"]).as_i64(), "{chain:?}");
        assert!(text(chain, &["signing", "mode"]) == "checkpoint" && signing("checkpoints") > Some(0));
        let key = stack.folder().join("faramesh-wal/signing.pub");
        let key = key.to_str().unwrap();
        assert_eq!(stack.run(&["audit", "verify", "--public-key", key]).exit, 0);
        for filter in [&[][..], &["--kind", "lifecycle"]] {
            let file = format!("{name}-{}.bundle", filter.len());
            let exported =
                stack.run(&[&["audit", "export", "--instance", name, "--out", &file], filter].concat());
            assert_eq!(exported.exit, 0, "{}", exported.stderr);
            let told = stack.json(&["audit", "verify-bundle", &file, "--public-key", key]);
            assert_eq!(at(&told, &["valid"]).as_bool(), Some(true), "{told:?}");
            assert_eq!(at(&told, &["size"]).as_i64(), at(chain, &["records"]).as_i64());
        }
    }
    // Another key, signed over by the one before; whoever trusts that goes on.
    let pin = second.folder().join("before.pub");
    std::fs::copy(second.folder().join("faramesh-wal/signing.pub"), &pin).unwrap();
    let rotated = second.json(&["audit", "rotate-key"]);
    assert_ne!(text(&rotated, &["key"]), text(&rotated, &["replaced"]));
    second.json(&["apply"]);
    let refused = second.run(&["audit", "rotate-key"]);
    assert!(refused.exit != 0 && refused.stderr.contains("stop the daemon first"), "{}", refused.stderr);
    assert_eq!(second.run(&["apply", "--stop"]).exit, 0);
    assert_eq!(second.run(&["audit", "verify", "--public-key", pin.to_str().unwrap()]).exit, 0);

    let which = stack.run(&["audit", "export", "--out", "both.bundle"]);
    assert!(which.exit == 2 && which.stderr.contains("host-1, host-2"), "{}", which.stderr);
    assert!(stack.run(&["audit", "verify"]).stdout.contains("on 2 of 2 chains"));

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
