//! Rate limits hold, through restarts and clocks that jump, and say when there is room again.

use std::sync::Arc;

use faramesh_call::Value;
use faramesh_gate::{Gate, Reply};

use crate::clock::{NOON, back, clocked, forward, replayed, set};
use crate::stack::{answer, ask, call, code, memory, message, on_disk, program, token, wire};

const RATED: &str = r#"
runtime { allow_self_declared_identity = true }
agent "a" {
  default deny
  rules {
    permit stripe/*
    defer  mail/send
    deny   shell/run
  }
  rate_limit "stripe/*": 6 per minute burst 3
  rate_limit "stripe/refund": 2 per hour
  rate_limit "mail/send": 2 per day
  rate_limit "shell/run": 1 per day
}
agent "b" {
  default permit
  rate_limit "*": 1 per 500ms
}
"#;

fn gate() -> Arc<Gate> {
    set(NOON);
    clocked(&program(RATED), memory(), faramesh_state::State::default())
}

fn tool(gate: &Gate, tool: &str) -> Reply {
    ask(gate, call("a", tool, "{}"))
}

fn wait(reply: &Reply) -> i64 {
    let wire = wire(reply);
    let resolution = wire.get("resolution").unwrap();
    assert_eq!(resolution.get("type").and_then(Value::as_str), Some("retry_after"));
    resolution.get("retry_after_seconds").and_then(Value::as_i64).unwrap()
}

#[test]
fn a_burst_then_a_wait_that_is_long_enough_and_no_longer() {
    let gate = gate();
    for _ in 0..3 {
        assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT");
    }
    let denied = tool(&gate, "stripe/charge");
    assert_eq!((code(&denied), wait(&denied)), ("RATE_EXCEEDED", 10));
    assert!(message(&denied).contains("limited to 6 in a minute"), "{}", message(&denied));
    assert_eq!(wire(&denied).get("retryable").and_then(Value::as_bool), Some(true));
    forward(9_999);
    assert_eq!(code(&tool(&gate, "stripe/charge")), "RATE_EXCEEDED");
    forward(1);
    assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT");
    assert_eq!(code(&ask(&gate, call("b", "stripe/charge", "{}"))), "PERMIT", "agents share no bucket");
    assert_eq!(replayed(&gate, &program(RATED)), 7);
}

#[test]
fn every_bucket_counts_and_none_is_taken_from_in_vain() {
    let gate = gate();
    assert_eq!(code(&tool(&gate, "stripe/refund")), "PERMIT");
    assert_eq!(code(&tool(&gate, "stripe/refund")), "PERMIT");
    let denied = tool(&gate, "stripe/refund");
    assert_eq!((code(&denied), wait(&denied)), ("RATE_EXCEEDED", 1_800));
    assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT", "the wider bucket still has its third");
    assert_eq!(code(&tool(&gate, "stripe/charge")), "RATE_EXCEEDED");
}

#[test]
fn what_a_rule_denies_takes_nothing_and_what_waits_does() {
    let gate = gate();
    for _ in 0..3 {
        assert_eq!(code(&tool(&gate, "shell/run")), "POLICY_DENY");
    }
    let first = ask(&gate, call("a", "mail/send", "{\"n\":1}"));
    assert_eq!(code(&first), "POLICY_DEFER");
    assert_eq!(code(&ask(&gate, call("a", "mail/send", "{\"n\":2}"))), "POLICY_DEFER");
    answer(&gate, &token(&first), true);
    let retried = || ask(&gate, call("a", "mail/send", "{\"n\":1}"));
    assert_eq!(code(&retried()), "RATE_EXCEEDED", "an approval is no token");
    forward(12 * 3_600_000);
    assert_eq!(code(&retried()), "PERMIT", "and it was not used up");
}

#[test]
fn a_clock_that_goes_back_gives_no_tokens() {
    let gate = gate();
    for _ in 0..3 {
        assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT");
    }
    back(3_600_000);
    let denied = tool(&gate, "stripe/charge");
    assert_eq!((code(&denied), wait(&denied)), ("RATE_EXCEEDED", 3_610));
    forward(3_600_000);
    assert_eq!(code(&tool(&gate, "stripe/charge")), "RATE_EXCEEDED", "nothing came back twice");
    forward(10_000);
    assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT");
}

#[test]
fn a_restart_refills_nothing() {
    let folder = tempfile::tempdir().unwrap();
    set(NOON);
    let mut permits = 0;
    for _ in 0..6 {
        let (ledger, state) = on_disk(folder.path());
        let gate = clocked(&program(RATED), ledger, state);
        permits += usize::from(code(&tool(&gate, "stripe/charge")) == "PERMIT");
        let running = gate.state();
        gate.ledger().close();
        drop(gate);
        assert_eq!(on_disk(folder.path()).1, running, "the records give the same state");
    }
    assert_eq!(permits, 3);
}

#[test]
fn another_policy_goes_on_with_what_was_taken() {
    let gate = gate();
    for _ in 0..3 {
        assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT");
    }
    let wider = RATED.replace("6 per minute burst 3", "6 per minute burst 4");
    gate.put_in_force(program(&wider), "test").unwrap();
    assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT", "the one that the wider burst adds");
    assert_eq!(code(&tool(&gate, "stripe/charge")), "RATE_EXCEEDED");
    let narrower = RATED.replace("6 per minute burst 3", "6 per minute burst 1");
    gate.put_in_force(program(&narrower), "test").unwrap();
    forward(9_999);
    assert_eq!(code(&tool(&gate, "stripe/charge")), "RATE_EXCEEDED");
    forward(1);
    assert_eq!(code(&tool(&gate, "stripe/charge")), "PERMIT");
}
