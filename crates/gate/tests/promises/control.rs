//! What an operator does about an agent binds every later call, is recorded, and survives a restart.

use faramesh_call::{Call, Value};
use faramesh_dpr::Kind;
use faramesh_gate::{ControlError, Gate, Operator};
use faramesh_state::{Standing, Status};

use crate::clock::{NOON, clocked, set};
use crate::stack::{
    SUPPORT, Setup, answer, ask, call, code, gate, in_memory, memory, message, on_disk, peer, program,
    record_of, records, redeem, token, wire,
};

fn control(gate: &Gate, agent: &str, standing: Standing, reason: &str) -> Result<(), ControlError> {
    gate.control(Operator { peer: &peer(0) }, agent, standing, reason).map(|_| ())
}

fn read(gate: &Gate) -> &'static str {
    code(&ask(gate, call("support", "kb/read", "{}")))
}

#[test]
fn a_killed_agent_is_denied_until_it_is_resumed() {
    let gate = in_memory(SUPPORT);
    assert_eq!(read(&gate), "PERMIT");
    control(&gate, "support", Standing::Killed, "it paid twice").unwrap();
    let denied = ask(&gate, call("support", "kb/read", "{}"));
    assert_eq!(code(&denied), "AGENT_KILLED");
    assert!(message(&denied).contains("it paid twice"), "{}", message(&denied));
    let resolution = wire(&denied);
    let kind = resolution.get("resolution").and_then(|found| found.get("type")).and_then(Value::as_str);
    assert_eq!(kind, Some("operator"));
    assert_eq!(code(&ask(&gate, call("other", "kb/read", "{}"))), "POLICY_DENY", "others go on");
    control(&gate, "support", Standing::Running, "mended").unwrap();
    assert_eq!(read(&gate), "PERMIT");
    let kept = records(&gate);
    let emergencies: Vec<_> = kept.iter().filter(|record| record.kind() == Kind::Emergency).collect();
    assert_eq!(emergencies.len(), 2);
    assert_eq!(emergencies[0].agent().as_deref(), Some("support"));
    assert_eq!(emergencies[0].reason().as_deref(), Some("it paid twice"));
}

#[test]
fn approvals_end_with_a_killed_agent() {
    let gate = in_memory(SUPPORT);
    let large = || call("support", "stripe/refund", r#"{"amount":900}"#);
    let approved = token(&ask(&gate, large()));
    answer(&gate, &approved, true);
    let waiting = token(&ask(&gate, call("support", "mail/send", "{}")));
    let others = token(&ask(&gate, call("other", "stripe/refund", "{}")));
    control(&gate, "support", Standing::Killed, "stop").unwrap();
    for id in [&approved, &waiting] {
        let poll = gate.poll(&peer(1000), id);
        assert_eq!(poll.status, Some(Status::Denied));
        assert!(poll.reason.unwrap().contains("killed: stop"));
    }
    assert_eq!(gate.poll(&peer(1000), &others).status, Some(Status::Pending));
    control(&gate, "support", Standing::Running, "go on").unwrap();
    assert_eq!(
        code(&ask(&gate, large())),
        "APPROVAL_DENIED",
        "what was approved before is not permitted after"
    );
}

#[test]
fn an_isolated_agent_is_decided_in_shadow_and_runs_nothing() {
    let gate = gate(&program(SUPPORT), memory(), Setup::default());
    let waiting = token(&ask(&gate, call("support", "mail/send", "{}")));
    answer(&gate, &waiting, true);
    control(&gate, "support", Standing::Isolated, "odd calls").unwrap();
    let before = gate.state();
    for (tool, effect, shadow) in [
        ("kb/read", "permit", "POLICY_PERMIT"),
        ("mail/send", "permit", "APPROVED"),
        ("x", "deny", "POLICY_DENY"),
    ] {
        let denied = ask(&gate, call("support", tool, "{}"));
        assert_eq!(code(&denied), "AGENT_ISOLATED");
        let inputs = record_of(&gate, &denied).field("inputs").unwrap();
        let read = |key: &str| inputs.get("shadow").and_then(|found| found.get(key)).and_then(Value::as_str);
        assert_eq!((read("effect"), read("code")), (Some(effect), Some(shadow)), "{tool}");
    }
    let after = gate.state();
    assert_eq!(before.approvals(), after.approvals(), "no approval is used or asked for");
    assert_eq!(redeem(&gate, 1000, "support", &waiting).status, Some(Status::Denied));
    control(&gate, "support", Standing::Quiesced, "calmer").unwrap();
    assert_eq!(read(&gate), "AGENT_QUIESCED");
    assert_eq!(redeem(&gate, 1000, "support", &waiting).status, Some(Status::Denied));
}

#[test]
fn what_cannot_be_done_is_told() {
    let gate = in_memory(SUPPORT);
    assert_eq!(control(&gate, "nobody", Standing::Killed, "x"), Err(ControlError::Unknown("nobody".into())));
    assert_eq!(control(&gate, "support", Standing::Killed, " "), Err(ControlError::Reason));
    let running = Err(ControlError::Already { agent: "support".into(), standing: "running" });
    assert_eq!(control(&gate, "support", Standing::Running, "x"), running);
}

#[test]
fn sessions_end_with_a_killed_agent() {
    set(NOON);
    let source = "runtime { allow_self_declared_identity = true }
        agent \"a\" { default permit session { max_duration = 8h } }";
    let gate = clocked(&program(source), memory(), faramesh_state::State::default());
    let in_session = |id: &str| code(&ask(&gate, Call { session: Some(id.into()), ..call("a", "t", "{}") }));
    assert_eq!(in_session("old"), "PERMIT");
    control(&gate, "a", Standing::Killed, "stop").unwrap();
    control(&gate, "a", Standing::Running, "go on").unwrap();
    assert_eq!((in_session("old"), in_session("new")), ("SESSION_EXPIRED", "PERMIT"));
}

#[test]
fn a_restart_forgets_nothing_that_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let standing = |state: &faramesh_state::State, agent: &str| state.control(agent).cloned();
    let (ledger, state) = on_disk(folder.path());
    let first = gate(&program(SUPPORT), ledger, Setup { state, ..Setup::default() });
    control(&first, "support", Standing::Killed, "stop").unwrap();
    control(&first, "support", Standing::Quiesced, "calmer").unwrap();
    control(&first, "other", Standing::Isolated, "odd").unwrap();
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(standing(&state, "support"), standing(&known, "support"));
    assert!(standing(&state, "support").unwrap().killed_at.is_some());
    let again = gate(&program(SUPPORT), ledger, Setup { state, ..Setup::default() });
    assert_eq!(read(&again), "AGENT_QUIESCED");
    assert_eq!(code(&ask(&again, call("other", "stripe/refund", "{}"))), "AGENT_ISOLATED");
}
