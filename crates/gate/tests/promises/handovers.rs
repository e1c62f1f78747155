//! Agents hand on authority and start others: never more than the policy lets them, cut down at every
//! link, charged where the policy says, ended with whoever handed it on.

use std::sync::Arc;
use std::sync::mpsc::channel;

use faramesh_call::call::{DELEGATE_TOOL, SPAWN_TOOL};
use faramesh_call::{Action, Call, Value};
use faramesh_gate::{Gate, Operator, Outcome, OutcomeStatus, Reply};
use faramesh_state::{Standing, State};

use crate::clock::{NOON, clocked, forward, replayed, set};
use crate::stack::{
    Setup, WAIT, answer, ask, call, code, gate, in_memory, memory, message, on_disk, peer, program,
    record_of, token, wire,
};

const HOUR: u64 = 3_600_000;

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "lead" {
  default deny
  rules { permit review }
  budget daily { max $1  cost = cost  tools ["web/*"] }
  budget other { max_calls 1 }
  spawn { allow = ["worker"]  max_concurrent = 2 }
  delegate worker { scope = ["web/*", "file/write if size < 10"]  ttl = 1h  inherits = ["budget.daily"] }
  delegate merger { scope = ["merge"]  ttl = 5m  ceiling = defer }
}
agent "worker" {
  default deny
  rules { permit web/*  permit file/*  permit look }
  delegate helper { ttl = 2h }
}
agent "helper" { default deny rules { permit web/fetch } }
agent "merger" { default deny rules { permit merge  deny! burn } }
agent "alone" { default permit }
"#;

fn hand(gate: &Gate, from: &str, args: &str, under: Option<&str>) -> Reply {
    let delegation = under.map(Into::into);
    ask(gate, Call { action: Action::Delegate, delegation, ..call(from, DELEGATE_TOOL, args) })
}

pub fn handed(gate: &Gate, from: &str, args: &str, under: Option<&str>) -> String {
    let reply = hand(gate, from, args, under);
    assert_eq!(code(&reply), "PERMIT", "{}", message(&reply));
    let wire = wire(&reply);
    assert!(wire.get("expires_at").is_some());
    wire.get("delegation").and_then(Value::as_str).unwrap().to_owned()
}

fn make(gate: &Gate, agent: &str, tool: &str, args: &str, under: &str) -> Reply {
    ask(gate, Call { delegation: Some(under.into()), ..call(agent, tool, args) })
}

fn made(gate: &Gate, agent: &str, tool: &str, args: &str, under: &str) -> &'static str {
    code(&make(gate, agent, tool, args, under))
}

fn clocked_gate() -> Arc<Gate> {
    set(NOON);
    clocked(&program(POLICY), memory(), State::default())
}

#[test]
fn a_call_is_cut_down_to_what_was_handed_on() {
    let gate = clocked_gate();
    let token = handed(&gate, "lead", r#"{"to":"worker"}"#, None);
    let reply = make(&gate, "worker", "web/get", r#"{"cost":0.1}"#, &token);
    assert_eq!(code(&reply), "PERMIT");
    let record = record_of(&gate, &reply);
    let chain = record.field("delegation").unwrap();
    let link = &chain.as_list().unwrap()[0];
    assert_eq!(link.get("from").and_then(Value::as_str), Some("lead"));
    assert_eq!(link.get("delegation").and_then(Value::as_str), Some(&*token));
    assert_eq!(made(&gate, "worker", "file/write", r#"{"size":9}"#, &token), "PERMIT");
    assert_eq!(made(&gate, "worker", "file/write", r#"{"size":10}"#, &token), "DELEGATION_DENIED");
    assert_eq!(made(&gate, "worker", "look", "{}", &token), "DELEGATION_DENIED");
    assert_eq!(made(&gate, "helper", "web/fetch", "{}", &token), "DELEGATION_DENIED", "it is the worker's");
    assert_eq!(made(&gate, "worker", "web/get", "{}", "dlg-0"), "DELEGATION_DENIED");
    assert_eq!(code(&ask(&gate, call("worker", "look", "{}"))), "PERMIT", "its own authority is its own");
    let narrow = handed(&gate, "lead", r#"{"to":"worker","scope":["web/get"],"ttl_seconds":60}"#, None);
    assert_eq!(made(&gate, "worker", "web/put", r#"{"cost":0.1}"#, &narrow), "DELEGATION_DENIED");
    forward(60_000);
    assert_eq!(made(&gate, "worker", "web/get", r#"{"cost":0.1}"#, &narrow), "DELEGATION_DENIED", "it ended");
    forward(HOUR);
    assert_eq!(made(&gate, "worker", "web/get", r#"{"cost":0.1}"#, &token), "DELEGATION_DENIED");
    assert!(replayed(&gate, &program(POLICY)) >= 10, "decided again from their records alone");
}

#[test]
fn only_what_the_policy_lets_an_agent_hand_on() {
    let gate = in_memory(POLICY);
    for (from, args, says) in [
        ("lead", r#"{"to":"helper"}"#, "may not hand on to `helper`"),
        ("alone", r#"{"to":"worker"}"#, "may not hand on to `worker`"),
        ("lead", "{}", "names an agent as `to`"),
        ("lead", r#"{"to":"worker","scope":[]}"#, "1 to 100 tool patterns"),
        ("lead", r#"{"to":"worker","scope":"web/*"}"#, "1 to 100 tool patterns"),
    ] {
        let reply = hand(&gate, from, args, None);
        assert_eq!(code(&reply), "DELEGATION_DENIED");
        assert!(message(&reply).contains(says), "{}", message(&reply));
    }
}

#[test]
fn a_ceiling_makes_a_permit_wait() {
    let gate = in_memory(POLICY);
    let under = handed(&gate, "lead", r#"{"to":"merger"}"#, None);
    let deferred = make(&gate, "merger", "merge", "{}", &under);
    assert_eq!(code(&deferred), "POLICY_DEFER");
    answer(&gate, &token(&deferred), true);
    assert_eq!(made(&gate, "merger", "merge", "{}", &under), "PERMIT");
    assert_eq!(code(&ask(&gate, call("merger", "merge", "{}"))), "PERMIT");
}

#[test]
fn every_link_of_a_chain_counts() {
    let gate = clocked_gate();
    let first = handed(&gate, "lead", r#"{"to":"worker","scope":["web/fetch"]}"#, None);
    let second = handed(&gate, "worker", r#"{"to":"helper"}"#, Some(&first));
    assert_eq!(made(&gate, "helper", "web/fetch", r#"{"cost":0.4}"#, &second), "PERMIT");
    let record = record_of(&gate, &make(&gate, "helper", "web/fetch", r#"{"cost":0.4}"#, &second));
    assert_eq!(record.field("delegation").unwrap().as_list().unwrap().len(), 2);
    let third = make(&gate, "helper", "web/fetch", r#"{"cost":0.4}"#, &second);
    assert_eq!(code(&third), "BUDGET_EXCEEDED", "the first giver pays");
    assert!(message(&third).contains("`daily`"), "{}", message(&third));
    forward(HOUR);
    assert_eq!(
        made(&gate, "helper", "web/fetch", r#"{"cost":0.1}"#, &second),
        "DELEGATION_DENIED",
        "the first ended"
    );
    assert!(replayed(&gate, &program(POLICY)) == 4);
}

#[test]
fn what_is_inherited_is_charged_to_the_giver_and_settled_there() {
    let gate = in_memory(POLICY);
    let under = handed(&gate, "lead", r#"{"to":"worker"}"#, None);
    let spent = |gate: &Gate| {
        let budgets = gate.budgets();
        budgets.iter().find(|budget| &*budget.agent == "lead" && &*budget.id == "daily").unwrap().spent_micros
    };
    let reply = make(&gate, "worker", "web/get", r#"{"cost":0.3}"#, &under);
    assert_eq!((code(&reply), spent(&gate)), ("PERMIT", 300_000));
    let outcome = Outcome {
        action_id: reply.action_id.clone(),
        agent: Some("worker".into()),
        status: OutcomeStatus::Error,
        duration_ms: 1,
        cost: None,
        usage: None,
        error: None,
    };
    gate.outcome(&peer(1000), &outcome).unwrap();
    assert_eq!(spent(&gate), 0, "a call that failed is given back");
    assert_eq!(
        made(&gate, "worker", "file/write", r#"{"size":1}"#, &under),
        "PERMIT",
        "`other` is not inherited"
    );
    assert_eq!(made(&gate, "worker", "file/write", r#"{"size":1}"#, &under), "PERMIT");
}

fn take_back(gate: &Gate, agent: &str, token: &str) -> bool {
    let (sender, receiver) = channel();
    let told = Box::new(move |result: Result<(), _>| sender.send(result.is_ok()).unwrap());
    gate.take_back(&peer(1000), Some(agent), token, told);
    gate.commit(true);
    receiver.recv_timeout(WAIT).unwrap()
}

#[test]
fn it_is_taken_back_by_the_giver_an_operator_or_the_givers_end() {
    let gate = in_memory(POLICY);
    let tokens: Vec<String> = (0..3).map(|_| handed(&gate, "lead", r#"{"to":"worker"}"#, None)).collect();
    let works = |token: &str| made(&gate, "worker", "file/write", r#"{"size":1}"#, token);
    assert!(!take_back(&gate, "worker", &tokens[0]), "it is not the worker's to take back");
    assert!(take_back(&gate, "lead", &tokens[0]));
    assert!(!take_back(&gate, "lead", &tokens[0]));
    gate.revoke(Operator { peer: &peer(0) }, &tokens[1], "not any more").unwrap();
    assert!(gate.revoke(Operator { peer: &peer(0) }, &tokens[1], "again").is_err());
    assert_eq!(
        (works(&tokens[0]), works(&tokens[1]), works(&tokens[2])),
        ("DELEGATION_DENIED", "DELEGATION_DENIED", "PERMIT")
    );
    assert_eq!(gate.delegations().len(), 1);
    gate.control(Operator { peer: &peer(0) }, "lead", Standing::Killed, "stop").unwrap();
    assert_eq!(works(&tokens[2]), "DELEGATION_DENIED");
}

fn start(gate: &Gate, agent: &str, what: &str) -> Reply {
    let args = format!("{{\"agent\":\"{what}\"}}");
    ask(gate, Call { action: Action::Spawn, ..call(agent, SPAWN_TOOL, &args) })
}

#[test]
fn an_agent_starts_so_many_others_at_a_time() {
    let gate = in_memory(POLICY);
    let first = start(&gate, "lead", "worker");
    assert_eq!((code(&first), code(&start(&gate, "lead", "worker"))), ("PERMIT", "PERMIT"));
    let over = start(&gate, "lead", "worker");
    assert_eq!(code(&over), "SPAWN_DENIED");
    assert!(message(&over).contains("2 started agents at a time"), "{}", message(&over));
    assert_eq!(code(&start(&gate, "lead", "helper")), "SPAWN_DENIED");
    assert_eq!(code(&start(&gate, "alone", "worker")), "SPAWN_DENIED");
    let ended = |agent: &str| Outcome {
        action_id: first.action_id.clone(),
        agent: Some(agent.into()),
        status: OutcomeStatus::Ok,
        duration_ms: 1,
        cost: None,
        usage: None,
        error: None,
    };
    gate.outcome(&peer(1000), &ended("alone")).unwrap();
    assert_eq!(
        code(&start(&gate, "lead", "worker")),
        "SPAWN_DENIED",
        "only who started it says that it ended"
    );
    gate.outcome(&peer(1000), &ended("lead")).unwrap();
    assert_eq!(code(&start(&gate, "lead", "worker")), "PERMIT");
    let tool = Call { action: Action::Spawn, ..call("lead", "shell/run", r#"{"agent":"worker"}"#) };
    assert_ne!(code(&ask(&gate, tool)), "PERMIT", "a word does not get around the rules");
}

#[test]
fn a_manifest_bounds_the_work_that_is_handed_out() {
    let source = format!(
        "{POLICY}\nmanifest orchestrator lead undeclared deny
         manifest grant lead to worker max 2\nmanifest grant lead to merger max 5 approval"
    );
    let gate = in_memory(&source);
    let first = handed(&gate, "lead", r#"{"to":"worker"}"#, None);
    handed(&gate, "lead", r#"{"to":"worker"}"#, None);
    let over = hand(&gate, "lead", r#"{"to":"worker"}"#, None);
    assert_eq!(code(&over), "DELEGATION_DENIED");
    assert!(message(&over).contains("2 pieces of work"), "{}", message(&over));
    assert!(take_back(&gate, "lead", &first));
    handed(&gate, "lead", r#"{"to":"worker"}"#, None);
    let waits = hand(&gate, "lead", r#"{"to":"merger"}"#, None);
    assert_eq!(code(&waits), "POLICY_DEFER");
    answer(&gate, &token(&waits), true);
    handed(&gate, "lead", r#"{"to":"merger"}"#, None);
    let undeclared = in_memory(&source.replace("manifest grant lead to worker max 2", ""));
    assert_eq!(code(&hand(&undeclared, "lead", r#"{"to":"worker"}"#, None)), "DELEGATION_DENIED");
    let asked = source
        .replace("manifest grant lead to worker max 2", "")
        .replace("undeclared deny", "undeclared defer");
    let asked = in_memory(&asked);
    assert_eq!(code(&hand(&asked, "lead", r#"{"to":"worker"}"#, None)), "POLICY_DEFER");
}

#[test]
fn a_restart_remembers_what_was_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let first = gate(&program(POLICY), ledger, Setup { state, ..Setup::default() });
    let kept = handed(&first, "lead", r#"{"to":"worker"}"#, None);
    let gone = handed(&first, "lead", r#"{"to":"worker"}"#, None);
    assert!(take_back(&first, "lead", &gone));
    assert_eq!(code(&start(&first, "lead", "worker")), "PERMIT");
    assert_eq!(made(&first, "worker", "web/get", r#"{"cost":0.9}"#, &kept), "PERMIT");
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(known, state);
    let again = gate(&program(POLICY), ledger, Setup { state, ..Setup::default() });
    assert_eq!(made(&again, "worker", "web/get", r#"{"cost":0.2}"#, &kept), "BUDGET_EXCEEDED");
    assert_eq!(made(&again, "worker", "file/write", r#"{"size":1}"#, &kept), "PERMIT");
    assert_eq!(made(&again, "worker", "file/write", r#"{"size":1}"#, &gone), "DELEGATION_DENIED");
    assert_eq!(code(&start(&again, "lead", "worker")), "PERMIT");
    assert_eq!(code(&start(&again, "lead", "worker")), "SPAWN_DENIED");
}
