//! A retry of a call gets the decision that there is; another call under its id gets none.

use std::sync::mpsc::channel;

use faramesh_call::Call;
use faramesh_gate::{Gate, Operator, Peer, Reply};
use faramesh_state::{Standing, State};

use crate::clock::{NOON, clocked, forward, set};
use crate::stack::{
    SUPPORT, Setup, WAIT, answer, ask, asked, call, code, gate, in_memory, memory, message, on_disk, peer,
    program, record_of, records, token,
};

const LIMITED: &str = r#"
runtime { allow_self_declared_identity = true }
agent "support" {
  default deny
  rules { permit pay  defer wire }
  budget daily { max_calls 2 }
}
"#;

fn retry(id: &str, tool: &str, args: &str) -> Call {
    Call { call_id: Some(id.into()), ..call("support", tool, args) }
}

fn from(gate: &Gate, pid: u32, call: Call) -> Reply {
    asked(gate, &Peer::new(1000, pid, None), call).recv_timeout(WAIT).unwrap()
}

#[test]
fn a_retry_gets_the_same_permit_and_spends_nothing() {
    let gate = in_memory(LIMITED);
    let first = ask(&gate, retry("c1", "pay", r#"{"amount":1}"#));
    let kept = records(&gate).len();
    for _ in 0..5 {
        let again = ask(&gate, retry("c1", "pay", r#"{"amount":1}"#));
        assert_eq!((code(&again), &again.action_id), ("PERMIT", &first.action_id));
        assert_eq!((&again.call_id, &again.policy_version), (&first.call_id, &first.policy_version));
    }
    assert_eq!(records(&gate).len(), kept, "one call, one record");
    assert_eq!(code(&ask(&gate, retry("c2", "pay", r#"{"amount":1}"#))), "PERMIT", "another call");
    assert_eq!(code(&ask(&gate, retry("c3", "pay", r#"{"amount":1}"#))), "BUDGET_EXCEEDED");
    assert_eq!(code(&ask(&gate, retry("c1", "pay", r#"{"amount":1}"#))), "PERMIT", "it was permitted");
}

#[test]
fn another_call_under_the_same_id_is_denied_and_recorded() {
    let gate = in_memory(LIMITED);
    assert_eq!(code(&ask(&gate, retry("c1", "pay", r#"{"amount":1}"#))), "PERMIT");
    for (tool, args) in [("pay", r#"{"amount":2}"#), ("wire", r#"{"amount":1}"#)] {
        let denied = ask(&gate, retry("c1", tool, args));
        assert_eq!(code(&denied), "CALL_INVALID");
        assert!(message(&denied).contains("another call had the id `c1`"), "{}", message(&denied));
        let record = record_of(&gate, &denied);
        assert_eq!(record.call_id().as_deref(), Some("c1"));
        assert!(
            record.args().is_none_or(|args| args == faramesh_call::Value::Null),
            "what nobody decided is not kept"
        );
    }
    assert_eq!(code(&ask(&gate, retry("c1", "pay", r#"{"amount":1}"#))), "PERMIT", "the first one stands");
}

#[test]
fn ids_are_those_of_a_session_or_a_process() {
    let gate = in_memory(LIMITED);
    let first = from(&gate, 7, retry("c1", "pay", "{}"));
    assert_ne!(from(&gate, 8, retry("c1", "pay", "{}")).action_id, first.action_id);
    assert_eq!(from(&gate, 7, retry("c1", "pay", "{}")).action_id, first.action_id);
    let in_session = |pid| from(&gate, pid, Call { session: Some("s".into()), ..retry("c9", "wire", "{}") });
    let deferred = in_session(7);
    answer(&gate, &token(&deferred), true);
    let permitted = in_session(8);
    assert_eq!(code(&permitted), "BUDGET_EXCEEDED", "a session's id counts from any process, decided anew");
}

#[test]
fn what_was_not_permitted_is_decided_again() {
    let gate = in_memory(SUPPORT);
    let refund = || retry("c1", "stripe/refund", r#"{"amount":900}"#);
    let deferred = ask(&gate, refund());
    assert_eq!(code(&deferred), "POLICY_DEFER");
    answer(&gate, &token(&deferred), true);
    let permitted = ask(&gate, refund());
    assert_eq!(code(&permitted), "PERMIT");
    assert_eq!(
        ask(&gate, refund()).action_id,
        permitted.action_id,
        "an approval is used once, its permit repeated"
    );
}

#[test]
fn a_retry_is_known_for_five_minutes() {
    set(NOON);
    let gate = clocked(&program(LIMITED), memory(), State::default());
    let first = ask(&gate, retry("c1", "pay", "{}"));
    forward(300_000);
    assert_eq!(ask(&gate, retry("c1", "pay", "{}")).action_id, first.action_id);
    forward(1);
    assert_ne!(ask(&gate, retry("c1", "pay", "{}")).action_id, first.action_id);
}

#[test]
fn a_stopped_agents_permit_is_not_repeated() {
    let gate = in_memory(LIMITED);
    assert_eq!(code(&ask(&gate, retry("c1", "pay", "{}"))), "PERMIT");
    gate.control(Operator { peer: &peer(0) }, "support", Standing::Quiesced, "enough").unwrap();
    assert_eq!(code(&ask(&gate, retry("c1", "pay", "{}"))), "AGENT_QUIESCED");
}

#[test]
fn retries_that_come_before_the_record_is_durable_wait_for_it() {
    let gate = in_memory(LIMITED);
    let (sender, replies) = channel();
    for _ in 0..100 {
        let sender = sender.clone();
        let respond = Box::new(move |reply| sender.send(reply).unwrap());
        gate.ask(&peer(1000), retry("c1", "pay", "{}"), respond);
    }
    gate.commit(true);
    let replies: Vec<Reply> = (0..100).map(|_| replies.recv_timeout(WAIT).unwrap()).collect();
    assert!(replies.iter().all(|reply| code(reply) == "PERMIT" && reply.action_id == replies[0].action_id));
}

#[test]
fn a_restart_knows_what_was_permitted() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let first = gate(&program(LIMITED), ledger, Setup { state, ..Setup::default() });
    let permitted = ask(&first, retry("c1", "pay", "{}"));
    let in_session = || Call { session: Some("s".into()), ..retry("c2", "pay", "{}") };
    let other = ask(&first, in_session());
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(known.recent(), state.recent());
    let again = gate(&program(LIMITED), ledger, Setup { state, ..Setup::default() });
    for (call, was) in [(retry("c1", "pay", "{}"), &permitted), (in_session(), &other)] {
        for _ in 0..2 {
            let reply = ask(&again, call.clone());
            assert_eq!((code(&reply), &reply.action_id), ("PERMIT", &was.action_id));
            assert_eq!(reply.policy_version, was.policy_version);
        }
    }
    assert_eq!(code(&ask(&again, retry("c1", "pay", "[1]"))), "CALL_INVALID");
}
