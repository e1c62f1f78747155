//! Promise 2: whatever goes wrong is a denial.

use faramesh_call::Effect;
use faramesh_decide::{Input, Verdict, decide};
use faramesh_gate::Lifecycle;

use crate::stack::{SUPPORT, Setup, ask, call, code, gate, memory, not_ready, program, records, wire};

fn panics_on_one_tool<'a>(input: &Input<'a>) -> Verdict<'a> {
    assert!(&*input.call.tool != "kb/panic", "on purpose");
    decide(input)
}

#[test]
fn a_panic_is_a_denial_and_the_gate_goes_on() {
    let setup = Setup { decider: Some(panics_on_one_tool), ..Setup::default() };
    let gate = gate(&program(SUPPORT), memory(), setup);
    for _ in 0..3 {
        let before = gate.state();
        let reply = ask(&gate, call("support", "kb/panic", "{}"));
        assert_eq!((reply.effect(), code(&reply)), (Effect::Deny, "INTERNAL_ERROR"));
        assert_eq!(gate.state(), before, "a call that failed changes nothing");
        assert_eq!(ask(&gate, call("support", "kb/search", "{}")).effect(), Effect::Permit);
    }
    let decided = records(&gate).iter().filter(|record| record.agent().is_some()).count();
    assert_eq!(decided, 3);
}

#[test]
fn panics_in_many_threads_are_denials_too() {
    let setup = Setup { decider: Some(panics_on_one_tool), ..Setup::default() };
    let gate = gate(&program(SUPPORT), memory(), setup);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let gate = &gate;
            scope.spawn(move || {
                for number in 0..50 {
                    let (tool, expected) = match (thread + number) % 2 {
                        0 => ("kb/panic", "INTERNAL_ERROR"),
                        _ => ("kb/search", "PERMIT"),
                    };
                    assert_eq!(code(&ask(gate, call("support", tool, "{}"))), expected);
                }
            });
        }
    });
}

#[test]
fn nothing_is_decided_before_ready_and_after_draining() {
    let gate = not_ready(&program(SUPPORT), memory(), Setup::default());
    gate.put_in_force(program(SUPPORT), "test").unwrap();
    let tell = |expected: &str| {
        let reply = ask(&gate, call("support", "kb/search", "{}"));
        assert_eq!(code(&reply), expected, "{:?}", gate.lifecycle());
        if expected != "PERMIT" {
            let wire = wire(&reply);
            let seconds = wire.get("resolution").unwrap().get("retry_after_seconds").unwrap();
            assert!((1..=60).contains(&seconds.as_i64().unwrap()));
        }
    };
    tell("DAEMON_NOT_READY");
    gate.advance(Lifecycle::Initializing);
    tell("DAEMON_NOT_READY");
    gate.advance(Lifecycle::Ready);
    tell("PERMIT");
    gate.advance(Lifecycle::Draining);
    tell("DAEMON_NOT_READY");
    gate.advance(Lifecycle::Ready);
    tell("DAEMON_NOT_READY");
    gate.advance(Lifecycle::Halt);
    tell("DAEMON_NOT_READY");
}

#[test]
fn an_unknown_or_unproved_agent_is_denied_and_recorded() {
    let attested = r#"
identity "host" { type = "unix" }
agent "support" {
  default deny
  attest { uid = 1 }
  rules { permit kb/* }
}
"#;
    for (source, agent, expected) in [
        (SUPPORT, "nobody", "AGENT_UNKNOWN"),
        (attested, "support", "IDENTITY_UNVERIFIED"),
        (attested, "nobody", "AGENT_UNKNOWN"),
    ] {
        let gate = crate::stack::in_memory(source);
        let reply = ask(&gate, call(agent, "kb/search", "{}"));
        assert_eq!((reply.effect(), code(&reply)), (Effect::Deny, expected));
        let record = crate::stack::record_of(&gate, &reply);
        assert_eq!((record.effect(), record.agent()), (Some(Effect::Deny), None));
        assert_eq!(record.code().unwrap(), expected);
    }
}
