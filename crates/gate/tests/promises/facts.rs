//! What conditions read of the past: sums and counts of a session, what the agent did before, and what a
//! session is for.

use std::sync::mpsc::channel;

use faramesh_call::{Call, Code, Value, json};
use faramesh_gate::{Declaration, Gate, Outcome, OutcomeStatus, Reply, Said};
use faramesh_state::State;

use crate::clock::{NOON, back, clocked, forward, replayed, set};
use crate::stack::{Setup, WAIT, ask, call, code, gate, memory, on_disk, peer, program};

const HOUR: u64 = 3_600_000;

fn policy(rules: &str) -> String {
    format!(
        "runtime {{ allow_self_declared_identity = true }}
         agent \"a\" {{ default deny rules {{ {rules} permit other deny never }} }}"
    )
}

fn fresh(rules: &str) -> std::sync::Arc<Gate> {
    set(NOON);
    clocked(&program(&policy(rules)), memory(), State::default())
}

fn pay(gate: &Gate, session: &str, args: &str) -> Reply {
    ask(gate, Call { session: Some(session.into()), ..call("a", "pay", args) })
}

fn paid(gate: &Gate, session: &str, args: &str) -> &'static str {
    code(&pay(gate, session, args))
}

#[test]
fn a_sessions_calls_are_counted() {
    let rules = "permit pay if session.calls < 3";
    let gate = fresh(rules);
    for tool in ["other", "never", "never"] {
        ask(&gate, Call { session: Some("s".into()), ..call("a", tool, "{}") });
    }
    assert_eq!(paid(&gate, "s", "{}"), "PERMIT", "what was denied does not count");
    assert_eq!(paid(&gate, "s", "{}"), "PERMIT");
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY");
    assert_eq!(paid(&gate, "t", "{}"), "PERMIT", "another session");
    assert_eq!(replayed(&gate, &program(&policy(rules))), 7, "decided again from their records alone");
}

#[test]
fn calls_of_a_tool_are_counted_in_a_window() {
    let rules = "permit pay if session.count(pay, window=1h) < 2";
    let gate = fresh(rules);
    assert_eq!(paid(&gate, "s", "{}"), "PERMIT");
    forward(HOUR / 2);
    assert_eq!(paid(&gate, "s", "{}"), "PERMIT");
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY");
    back(HOUR);
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY", "a clock that goes back opens no window");
    forward(HOUR);
    forward(HOUR / 2 + HOUR / 32);
    assert_eq!(paid(&gate, "s", "{}"), "PERMIT", "the first is older than the window");
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY");
    assert_eq!(replayed(&gate, &program(&policy(rules))), 6);
}

#[test]
fn a_field_is_added_up() {
    let rules = "permit pay if session.sum(pay.amount, window=1h) < 100 and amount < 1000";
    let gate = fresh(rules);
    assert_eq!(paid(&gate, "s", r#"{"amount":60.5}"#), "PERMIT");
    assert_eq!(paid(&gate, "s", r#"{"amount":-60}"#), "PERMIT", "what is below zero adds nothing");
    assert_eq!(paid(&gate, "s", r#"{"amount":39.5}"#), "PERMIT");
    assert_eq!(paid(&gate, "s", r#"{"amount":0.01}"#), "POLICY_DENY", "100 is not below 100");
    assert_eq!(paid(&gate, "t", r#"{"amount":99}"#), "PERMIT");
    forward(HOUR + HOUR / 32);
    assert_eq!(paid(&gate, "s", r#"{"amount":1}"#), "PERMIT");
    assert_eq!(replayed(&gate, &program(&policy(rules))), 6);
}

#[test]
fn what_is_no_number_counts_as_more_than_anything() {
    let gate = fresh("permit pay if session.sum(pay.amount) < 100");
    assert_eq!(paid(&gate, "s", r#"{"amount":"1"}"#), "PERMIT", "nothing was summed before it");
    assert_eq!(paid(&gate, "s", r#"{"amount":1}"#), "POLICY_DENY");
}

#[test]
fn a_failed_call_still_counts_and_its_cost_does_not() {
    let gate =
        fresh("permit pay if session.count(pay) < 2 and session.cost < 5 and session.sum(pay.amount) < 9");
    let first = pay(&gate, "s", r#"{"amount":5}"#);
    let outcome = |reply: &Reply, status, cost: Option<&str>| Outcome {
        action_id: reply.action_id.clone(),
        agent: Some("a".into()),
        status,
        duration_ms: 1,
        cost: cost.map(|cost| json::parse(cost.as_bytes()).unwrap()),
        usage: None,
        error: None,
    };
    gate.outcome(&peer(1000), &outcome(&first, OutcomeStatus::Error, None)).unwrap();
    let second = pay(&gate, "s", r#"{"amount":5}"#);
    assert_eq!(code(&second), "PERMIT");
    assert_eq!(
        paid(&gate, "s", r#"{"amount":0}"#),
        "POLICY_DENY",
        "a report of failure makes room for nothing"
    );
    let gate = fresh("permit pay if session.cost < 5");
    let first = pay(&gate, "s", "{}");
    gate.outcome(&peer(1000), &outcome(&first, OutcomeStatus::Ok, Some("5.5"))).unwrap();
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY", "what a call cost is what its outcome says");
}

#[test]
fn history_is_the_agents_own_over_sessions() {
    let rules = "permit verify permit pay if history.contains(verify, within=10m)";
    let gate = fresh(rules);
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY");
    assert_eq!(code(&ask(&gate, call("a", "verify", "{}"))), "PERMIT");
    assert_eq!(paid(&gate, "s", "{}"), "PERMIT");
    forward(600_000 + 600_000 / 32);
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY");
    assert_eq!(replayed(&gate, &program(&policy(rules))), 4);
    let ever = fresh("permit verify permit pay if history.contains(verify)");
    assert_eq!(code(&ask(&ever, call("a", "verify", "{}"))), "PERMIT");
    forward(400 * 24 * HOUR);
    assert_eq!(paid(&ever, "s", "{}"), "PERMIT");
}

fn declare(gate: &Gate, session: &str, purpose: &str) -> Result<(), Code> {
    let (sender, receiver) = channel();
    let declaration = Declaration {
        agent: Some("a".into()),
        session: Some(session.into()),
        said: Said::Purpose(purpose.into()),
    };
    let told = Box::new(move |result: Result<(), (Code, String)>| sender.send(result).unwrap());
    gate.declare(&peer(1000), declaration, told);
    gate.commit(true);
    receiver.recv_timeout(WAIT).unwrap().map_err(|(code, _)| code)
}

#[test]
fn a_session_is_for_one_purpose() {
    let rules = "permit pay if purpose(\"payment\")";
    let gate = fresh(rules);
    assert_eq!(paid(&gate, "s", "{}"), "POLICY_DENY");
    declare(&gate, "s", "payment").unwrap();
    declare(&gate, "s", "payment").unwrap();
    declare(&gate, "t", "support").unwrap();
    assert_eq!((paid(&gate, "s", "{}"), paid(&gate, "t", "{}")), ("PERMIT", "POLICY_DENY"));
    assert_eq!(declare(&gate, "t", "payment"), Err(Code::CallInvalid), "it does not change");
    assert_eq!(declare(&gate, "u", " "), Err(Code::CallInvalid));
    assert_eq!(paid(&gate, "t", "{}"), "POLICY_DENY");
    assert_eq!(replayed(&gate, &program(&policy(rules))), 4);
}

#[test]
fn a_restart_remembers_the_past() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "permit verify
        permit pay if session.count(pay, window=1h) < 2 and session.sum(pay.amount) < 100
          and history.contains(verify) and purpose(\"payment\")";
    let source = program(&policy(rules));
    let (ledger, state) = on_disk(folder.path());
    let first = gate(&source, ledger, Setup { state, ..Setup::default() });
    declare(&first, "s", "payment").unwrap();
    assert_eq!(code(&ask(&first, call("a", "verify", "{}"))), "PERMIT");
    assert_eq!(paid(&first, "s", r#"{"amount":60}"#), "PERMIT");
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(known, state);
    let again = gate(&source, ledger, Setup { state, ..Setup::default() });
    assert_eq!(paid(&again, "s", r#"{"amount":40}"#), "PERMIT");
    assert_eq!(paid(&again, "s", r#"{"amount":1}"#), "POLICY_DENY");
}

#[test]
fn a_denial_names_no_value_of_the_past_as_absent() {
    let gate = fresh("permit pay if session.calls < 0");
    let wire = crate::stack::wire(&pay(&gate, "s", "{}"));
    assert_eq!(wire.get("next").and_then(Value::as_str), None);
    assert!(!wire.get("human_message").and_then(Value::as_str).unwrap().contains("wrong type"));
}
