//! Rollouts last as long as the policy says, whatever restarts; stages show a session its tools, forwards.

use std::sync::Arc;
use std::sync::mpsc::channel;

use faramesh_call::{Call, Code};
use faramesh_gate::{Declaration, Gate, Reply, Said};
use faramesh_state::State;

use crate::clock::{NOON, back, clocked, forward, replayed, set};
use crate::stack::{
    Setup, WAIT, answer, ask, call, code, gate, memory, message, on_disk, peer, program, token,
};

const HOUR: u64 = 3_600_000;

const ROLLOUT: &str = r#"
runtime { allow_self_declared_identity = true }
agent "a" {
  default deny
  rules { deny! promote if target == "nowhere"  defer promote  permit sync }
  phase "canary" {
    duration = 48h
    next = "wide"
    tools = ["promote"]
    rules { permit promote if target == "canary" }
  }
  phase "wide" { duration = 24h  next = "enforce"  tools = ["promote"]  default defer  permit promote if target == "half" }
}
"#;

fn promote(gate: &Gate, target: &str) -> &'static str {
    code(&ask(gate, call("a", "promote", &format!("{{\"target\":\"{target}\"}}"))))
}

#[test]
fn a_rollout_decides_its_tools_until_it_ends() {
    set(NOON);
    let policy = program(ROLLOUT);
    let gate = clocked(&policy, memory(), State::default());
    assert_eq!(promote(&gate, "canary"), "PERMIT");
    assert_eq!(promote(&gate, "nowhere"), "POLICY_DENY");
    assert_eq!(promote(&gate, "everybody"), "POLICY_DENY", "in place of the agent's own `defer`");
    assert_eq!(code(&ask(&gate, call("a", "sync", "{}"))), "PERMIT", "other tools are as ever");
    forward(48 * HOUR - 1);
    assert_eq!(promote(&gate, "canary"), "PERMIT");
    forward(1);
    assert_eq!(promote(&gate, "canary"), "POLICY_DEFER", "the next phase");
    assert_eq!(promote(&gate, "half"), "PERMIT");
    forward(24 * HOUR);
    let ended = ask(&gate, call("a", "promote", r#"{"target":"half"}"#));
    assert_eq!(code(&ended), "PHASE_DENIED");
    assert!(message(&ended).contains("the rollout `wide` has ended"), "{}", message(&ended));
    assert_eq!(promote(&gate, "nowhere"), "POLICY_DENY", "`deny!` is first, always");
    back(20 * HOUR);
    assert_eq!(promote(&gate, "half"), "PERMIT", "it lasts by the clock");
    assert!(replayed(&gate, &policy) >= 9, "decided again from their records alone");
}

#[test]
fn a_rollout_goes_on_under_a_new_policy_and_after_a_restart() {
    set(NOON);
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let first = clocked(&program(ROLLOUT), ledger, state);
    assert_eq!(promote(&first, "canary"), "PERMIT");
    forward(40 * HOUR);
    first.put_in_force(program(&ROLLOUT.replace("permit sync", "deny sync")), "test").unwrap();
    forward(8 * HOUR);
    assert_eq!(promote(&first, "canary"), "POLICY_DEFER");
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(known.rollouts(), state.rollouts());
    let again = clocked(&program(ROLLOUT), ledger, state);
    assert_eq!(promote(&again, "half"), "PERMIT");
    again
        .put_in_force(
            program("runtime { allow_self_declared_identity = true } agent \"a\" { default deny }"),
            "x",
        )
        .unwrap();
    again.put_in_force(program(ROLLOUT), "test").unwrap();
    assert_eq!(promote(&again, "canary"), "PERMIT", "one that was taken out begins anew");
}

const STAGES: &str = r#"
runtime { allow_self_declared_identity = true }
agent "m" {
  default deny
  rules { permit intake/*  permit draft/write  defer court/file  deny! intake/burn }
  phase "intake" { rules { permit intake/*  permit draft/look } }
  phase "drafting" { default defer  tools = ["draft/*"]  permit draft/write if words < 100 }
  phase "filing" { permit court/file  permit intake/read }
}
"#;

fn enter(gate: &Gate, session: &str, phase: &str) -> Result<(), (Code, String)> {
    let (sender, receiver) = channel();
    let declaration = Declaration {
        agent: Some("m".into()),
        session: Some(session.into()),
        said: Said::Stage(phase.into()),
    };
    gate.declare(&peer(1000), declaration, Box::new(move |result| sender.send(result).unwrap()));
    gate.commit(true);
    receiver.recv_timeout(WAIT).unwrap()
}

fn make(gate: &Gate, session: &str, tool: &str, args: &str) -> Reply {
    ask(gate, Call { session: Some(session.into()), ..call("m", tool, args) })
}

fn made(gate: &Gate, tool: &str) -> &'static str {
    code(&make(gate, "s", tool, r#"{"words":5}"#))
}

#[test]
fn a_session_sees_the_tools_of_its_stage() {
    let policy = program(STAGES);
    let gate = gate(&policy, memory(), Setup::default());
    assert_eq!(made(&gate, "intake/read"), "PERMIT", "a session begins in the first");
    assert_eq!(made(&gate, "draft/look"), "POLICY_DENY", "a stage loosens nothing");
    assert_eq!(made(&gate, "intake/burn"), "POLICY_DENY");
    let hidden = make(&gate, "s", "draft/write", "{}");
    assert_eq!(code(&hidden), "PHASE_DENIED");
    assert!(message(&hidden).contains("not shown in the phase `intake`"), "{}", message(&hidden));
    enter(&gate, "s", "drafting").unwrap();
    assert_eq!(made(&gate, "draft/write"), "PERMIT");
    let longer = make(&gate, "s", "draft/write", r#"{"words":500}"#);
    assert_eq!(code(&longer), "POLICY_DEFER", "the stricter of both counts");
    assert_eq!(made(&gate, "intake/read"), "PHASE_DENIED");
    assert_eq!(code(&make(&gate, "t", "draft/write", "{}")), "PHASE_DENIED", "another session");
    assert!(enter(&gate, "s", "intake").unwrap_err().1.contains("forwards"));
    enter(&gate, "s", "drafting").unwrap();
    assert!(enter(&gate, "s", "nowhere").unwrap_err().1.contains("intake, drafting, filing"));
    enter(&gate, "s", "filing").unwrap();
    let filed = make(&gate, "s", "court/file", "{}");
    answer(&gate, &token(&filed), true);
    assert_eq!(code(&make(&gate, "s", "court/file", "{}")), "PERMIT");
    assert!(replayed(&gate, &policy) >= 7);
}

#[test]
fn a_restart_remembers_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let policy: Arc<_> = program(STAGES);
    let first = gate(&policy, ledger, Setup { state, ..Setup::default() });
    enter(&first, "s", "drafting").unwrap();
    let known = first.state();
    first.ledger().close();
    drop(first);
    let (ledger, state) = on_disk(folder.path());
    assert_eq!(known, state);
    let again = gate(&policy, ledger, Setup { state, ..Setup::default() });
    assert_eq!((made(&again, "draft/write"), made(&again, "intake/read")), ("PERMIT", "PHASE_DENIED"));
}
