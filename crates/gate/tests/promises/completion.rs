//! A task is complete when everything that its gate requires holds.

use faramesh_call::call::COMPLETE_TOOL;
use faramesh_call::{Action, Call, Value, json};
use faramesh_gate::{Gate, Outcome, OutcomeStatus, Reply};

use crate::stack::{
    Setup, answer, ask, call, code, gate, in_memory, message, on_disk, peer, program, token, wire,
};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "a" {
  default deny
  rules { permit check/*  permit write/*  defer file }
  budget daily { max $10  tools ["write/*"]  on_exceed audit }
  completion_gate {
    require "no_pending_approvals"
    require "budget_under_limit"
    require "no_uncommitted_writes"
    require called "check/conflicts"
  }
}
agent "free" { default deny }
"#;

fn in_session(agent: &str, session: &str, tool: &str) -> Call {
    Call { session: Some(session.into()), ..call(agent, tool, "{}") }
}

fn complete(gate: &Gate, agent: &str, session: &str) -> Reply {
    ask(gate, Call { action: Action::Completion, ..in_session(agent, session, COMPLETE_TOOL) })
}

fn report(gate: &Gate, reply: &Reply, cost: &str) {
    let outcome = Outcome {
        action_id: reply.action_id.clone(),
        agent: Some("a".into()),
        status: OutcomeStatus::Ok,
        duration_ms: 1,
        cost: Some(json::parse(cost.as_bytes()).unwrap()),
        usage: None,
        error: None,
    };
    gate.outcome(&peer(1000), &outcome).unwrap();
}

fn resolution(reply: &Reply) -> Value {
    wire(reply).get("resolution").unwrap().clone()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let listed = value.get(key).and_then(Value::as_list).unwrap();
    listed.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_requirement_must_hold() {
    let gate = in_memory(POLICY);
    let blocked = complete(&gate, "a", "s");
    assert_eq!(code(&blocked), "COMPLETION_BLOCKED");
    assert_eq!(texts(&resolution(&blocked), "requirements"), ["called \"check/conflicts\""]);
    let checked = ask(&gate, in_session("a", "s", "check/conflicts"));
    let blocked = complete(&gate, "a", "s");
    assert_eq!(texts(&resolution(&blocked), "requirements"), ["no_uncommitted_writes"]);
    assert!(message(&blocked).contains("1 permitted call has no outcome yet"), "{}", message(&blocked));
    report(&gate, &checked, "0");
    assert_eq!(code(&complete(&gate, "a", "s")), "PERMIT");
    assert_eq!(code(&complete(&gate, "a", "other")), "COMPLETION_BLOCKED", "each session its own");

    let waiting = token(&ask(&gate, in_session("a", "s", "file")));
    let blocked = complete(&gate, "a", "s");
    let kind = resolution(&blocked);
    assert_eq!(kind.get("type").and_then(Value::as_str), Some("pending_approvals"));
    assert_eq!(texts(&kind, "approval_ids"), [waiting.as_str()]);
    answer(&gate, &waiting, false);
    assert_eq!(code(&complete(&gate, "a", "s")), "PERMIT");

    let written = ask(&gate, in_session("a", "s", "write/x"));
    report(&gate, &written, "11");
    let blocked = complete(&gate, "a", "s");
    assert_eq!(texts(&resolution(&blocked), "requirements"), ["budget_under_limit"]);
}

#[test]
fn without_a_gate_a_task_is_complete_and_a_tool_is_still_decided() {
    let gate = in_memory(POLICY);
    assert_eq!(code(&complete(&gate, "free", "s")), "PERMIT");
    let tool = Call { action: Action::Completion, ..in_session("free", "s", "shell/run") };
    assert_eq!(code(&ask(&gate, tool)), "POLICY_DENY", "a word does not get around the rules");
}

#[test]
fn a_restart_remembers_what_was_called() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let first = gate(&program(POLICY), ledger, Setup { state, ..Setup::default() });
    let checked = ask(&first, in_session("a", "s", "check/conflicts"));
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    let again = gate(&program(POLICY), ledger, Setup { state, ..Setup::default() });
    assert_eq!(texts(&resolution(&complete(&again, "a", "s")), "requirements"), ["no_uncommitted_writes"]);
    report(&again, &checked, "0");
    assert_eq!(code(&complete(&again, "a", "s")), "PERMIT");
}
