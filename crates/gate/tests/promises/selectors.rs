//! What selectors gave decides, is in the record, and a value that is not there does what the policy says.

use std::sync::Arc;

use faramesh_call::{Call, Timestamp, Value, json};
use faramesh_decide::{Fetched, Reading, Selected};
use faramesh_gate::Gate;
use faramesh_program::Program;
use faramesh_state::State;

use crate::clock::{NOON, clocked, replayed, set};
use crate::handovers::handed;
use crate::stack::{ask, call, code, memory, message, program, record_of};

const POLICY: &str = r#"runtime { allow_self_declared_identity = true }
agent "a" {
  default deny
  selector "risk"   { source = "https://risk.example.com/now" on_unavailable = deny on_timeout = defer }
  selector "market" { source = "https://market.example.com/open" }
  rules {
    permit pay if amount < 10 or risk.score < 50 and risk.desk == "open"
    deny   sell if market == false reason "the market is closed"
    permit sell
    permit buy if market == true
  }
}"#;

fn select(gate: &Gate, program: &Program, values: &[(&str, Reading)]) {
    let agent = program.agent("a").unwrap();
    let readings =
        values.iter().map(|(name, reading)| (Fetched::by(agent.selector(name).unwrap()), reading.clone()));
    gate.select(Arc::new(readings.collect::<Selected>()));
}

fn value(text: &str) -> Reading {
    Reading::Value { value: json::parse(text.as_bytes()).unwrap(), at: Timestamp(NOON) }
}

#[test]
fn values_decide_and_are_recorded() {
    set(NOON);
    let policy = program(POLICY);
    let gate = clocked(&policy, memory(), State::default());
    let pay = || call("a", "pay", r#"{"amount":20}"#);
    let low = value(r#"{"score":10,"desk":"open","note":"not looked at"}"#);
    select(&gate, &policy, &[("risk", low), ("market", value("true"))]);
    let permitted = ask(&gate, pay());
    assert_eq!(code(&permitted), "PERMIT");
    let kept = record_of(&gate, &permitted).field("inputs").unwrap().get("selectors").cloned().unwrap();
    let at = Timestamp(NOON).to_string();
    let expected =
        format!(r#"{{"risk.desk":{{"at":"{at}","value":"open"}},"risk.score":{{"at":"{at}","value":10}}}}"#);
    assert_eq!(kept, json::parse(expected.as_bytes()).unwrap(), "what was looked at, and no more");
    assert_eq!(code(&ask(&gate, call("a", "buy", "{}"))), "PERMIT");

    select(&gate, &policy, &[("risk", value(r#"{"score":90,"desk":"open"}"#)), ("market", value("false"))]);
    assert_eq!(code(&ask(&gate, pay())), "POLICY_DENY");
    let sold = ask(&gate, call("a", "sell", "{}"));
    assert_eq!(message(&sold), "the market is closed");
    assert_eq!(replayed(&gate, &policy), 4, "decided again from their records alone");
}

#[test]
fn without_a_value_the_policy_says_what_becomes_of_the_call() {
    set(NOON);
    let policy = program(POLICY);
    let gate = clocked(&policy, memory(), State::default());
    let pay = || call("a", "pay", r#"{"amount":20}"#);
    // Nothing was fetched yet.
    let refused = ask(&gate, pay());
    assert_eq!(code(&refused), "POLICY_DENY");
    assert_eq!(
        message(&refused),
        "the value of selector `risk` cannot be had, and governance.fms:7 reads it"
    );
    // What decides without the value is decided without it.
    assert_eq!(code(&ask(&gate, call("a", "pay", r#"{"amount":5}"#))), "PERMIT");
    // `unknown`: no permit, and a denial that would look at it applies.
    assert_eq!(code(&ask(&gate, call("a", "buy", "{}"))), "POLICY_DENY");
    let sold = ask(&gate, call("a", "sell", "{}"));
    assert_eq!(message(&sold), "the market is closed (the value of selector `market` cannot be had)");

    select(&gate, &policy, &[("risk", Reading::Late), ("market", Reading::Late)]);
    let late = ask(&gate, pay());
    assert_eq!(code(&late), "POLICY_DEFER");
    let kept = record_of(&gate, &late).field("inputs").unwrap().get("selectors").cloned().unwrap();
    assert_eq!(kept.get("risk.score").unwrap().get("missing").and_then(Value::as_str), Some("late"));
    // A member that is not there cannot be had either.
    select(&gate, &policy, &[("risk", value(r#"{"score":10}"#))]);
    assert_eq!(code(&ask(&gate, pay())), "POLICY_DENY");
    assert_eq!(
        replayed(&gate, &policy),
        5,
        "all but the deferred one, decided again from their records alone"
    );
}

#[test]
fn a_condition_on_what_is_handed_on_reads_the_selectors_of_its_giver() {
    set(NOON);
    let policy = program(
        r#"runtime { allow_self_declared_identity = true }
agent "a" {
  default deny
  selector "open" { source = "https://giver.example.com/open" }
  delegate "b" { scope = ["pay if open == true"] }
  rules { permit pay }
}
agent "b" {
  default deny
  selector "open" { source = "https://worker.example.com/open" }
  rules { permit pay }
}"#,
    );
    let gate = clocked(&policy, memory(), State::default());
    let token = handed(&gate, "a", r#"{"to":"b"}"#, None);
    let pay = || Call { delegation: Some(token.as_str().into()), ..call("b", "pay", "{}") };
    let of = |agent: &str| Fetched::by(policy.agent(agent).unwrap().selector("open").unwrap());
    let both = |giver: &str, worker: &str| {
        let readings = [(of("a"), value(giver)), (of("b"), value(worker))];
        gate.select(Arc::new(readings.into_iter().collect::<Selected>()));
    };
    both("true", "false");
    let permitted = ask(&gate, pay());
    assert_eq!(code(&permitted), "PERMIT");
    let kept = record_of(&gate, &permitted).field("inputs").unwrap().get("selectors").cloned().unwrap();
    assert!(kept.get("a: open").is_some(), "{kept:?}");
    both("false", "true");
    assert_eq!(code(&ask(&gate, pay())), "DELEGATION_DENIED");
}
