//! Sessions end when their bounds say so, a day's calls are counted, and only allowed models and hosts are used.

use std::sync::Arc;

use faramesh_call::{Action, Call, Value};
use faramesh_gate::{Gate, Reply};
use faramesh_state::State;

use crate::clock::{NOON, back, clocked, forward, replayed, set};
use crate::stack::{ask, call, code, in_memory, memory, message, program, record_of, wire};

const HOUR: u64 = 3_600_000;

fn policy(blocks: &str) -> String {
    format!(
        r#"
runtime {{ allow_self_declared_identity = true }}
agent "a" {{
  default deny
  rules {{
    permit look
    deny   shell/run
  }}
  {blocks}
}}
"#
    )
}

fn gate(blocks: &str) -> Arc<Gate> {
    set(NOON);
    clocked(&program(&policy(blocks)), memory(), State::default())
}

fn look(gate: &Gate, session: &str) -> Reply {
    ask(gate, Call { session: Some(session.into()), ..call("a", "look", "{}") })
}

fn resolution(reply: &Reply) -> String {
    let wire = wire(reply);
    wire.get("resolution").unwrap().get("type").and_then(Value::as_str).unwrap().to_owned()
}

#[test]
fn a_session_may_make_so_many_calls() {
    let gate = gate("session { max_calls 2 }");
    for _ in 0..3 {
        let denied = ask(&gate, Call { session: Some("s".into()), ..call("a", "shell/run", "{}") });
        assert_eq!(code(&denied), "POLICY_DENY", "what is denied does not count");
    }
    assert_eq!(code(&look(&gate, "s")), "PERMIT");
    assert_eq!(code(&look(&gate, "s")), "PERMIT");
    let over = look(&gate, "s");
    assert_eq!((code(&over), &*resolution(&over)), ("SESSION_EXPIRED", "operator"));
    assert!(message(&over).contains("may make 2 calls"), "{}", message(&over));
    assert_eq!(code(&look(&gate, "other")), "PERMIT");
    assert_eq!(replayed(&gate, &program(&policy("session { max_calls 2 }"))), 7);
}

#[test]
fn a_session_lasts_and_pauses_so_long() {
    let gate = gate("session { max_duration 2h idle_timeout 1h }");
    assert_eq!(code(&look(&gate, "s")), "PERMIT");
    forward(HOUR);
    assert_eq!(code(&look(&gate, "s")), "PERMIT");
    forward(HOUR);
    assert_eq!(code(&look(&gate, "s")), "PERMIT", "to the millisecond");
    forward(1);
    assert_eq!(code(&look(&gate, "s")), "SESSION_EXPIRED");
    assert_eq!(code(&look(&gate, "pauses")), "PERMIT");
    forward(HOUR + 1);
    assert!(message(&look(&gate, "pauses")).contains("paused longer"));
    assert_eq!(code(&look(&gate, "pauses")), "SESSION_EXPIRED", "it does not come back");
}

#[test]
fn a_caller_without_a_session_is_in_that_of_its_process() {
    let gate = gate("session { max_calls 1 }");
    let first = ask(&gate, call("a", "look", "{}"));
    assert_eq!(code(&first), "PERMIT");
    assert_eq!(record_of(&gate, &first).session().as_deref(), Some("process:1"));
    assert_eq!(code(&look(&gate, "")), "SESSION_EXPIRED", "an empty name is none");
    let unlimited = in_memory(&policy(""));
    let reply = ask(&unlimited, call("a", "look", "{}"));
    assert_eq!(record_of(&unlimited, &reply).session(), None, "nothing is made up where nothing counts");
}

#[test]
fn a_day_has_so_many_calls() {
    let gate = gate("ambient { max_calls_per_day 2 }");
    assert_eq!(code(&look(&gate, "s")), "PERMIT");
    assert_eq!(code(&look(&gate, "t")), "PERMIT", "in any session");
    let over = look(&gate, "u");
    assert_eq!((code(&over), &*resolution(&over)), ("AMBIENT_EXCEEDED", "budget_reset"));
    assert!(message(&over).contains("`max_calls_per_day` has room for 2 calls"), "{}", message(&over));
    forward(12 * HOUR);
    assert_eq!(code(&look(&gate, "u")), "PERMIT");
    back(HOUR);
    assert_eq!(code(&look(&gate, "u")), "PERMIT");
    assert_eq!(code(&look(&gate, "u")), "AMBIENT_EXCEEDED");
    let gate = self::gate("ambient { max_calls_per_day 1 on_exceed defer }");
    assert_eq!(code(&look(&gate, "s")), "PERMIT");
    assert_eq!(code(&look(&gate, "s")), "POLICY_DEFER");
}

#[test]
fn only_allowed_models_are_used() {
    let gate = gate("model_policy { allow = [\"gpt-5*\", \"claude-*\"] deny = [\"gpt-5-pro\"] }");
    let with = |model: Option<&str>, action| {
        let call = Call { model: model.map(Box::from), action, ..call("a", "look", "{}") };
        code(&ask(&gate, call))
    };
    for (model, action, expected) in [
        (Some("gpt-5-mini"), Action::ModelCall, "PERMIT"),
        (Some("claude-opus"), Action::ToolCall, "PERMIT"),
        (Some("gpt-5-pro"), Action::ModelCall, "MODEL_DENIED"),
        (Some("gpt-5-pro"), Action::ToolCall, "MODEL_DENIED"),
        (Some("llama"), Action::ModelCall, "MODEL_DENIED"),
        (None, Action::ModelCall, "MODEL_DENIED"),
        (None, Action::ToolCall, "PERMIT"),
    ] {
        assert_eq!(with(model, action), expected, "{model:?}");
    }
}

#[test]
fn only_allowed_hosts_are_reached() {
    let gate = gate(
        "egress { allow = [\"*.example.com\", \"10.0.0.0/8\"] deny = [\"internal.example.com\"] }
         budget daily { max_calls 2 }",
    );
    let to = |args: &str| ask(&gate, call("a", "look", args));
    for args in [
        "{\"host\":\"internal.example.com\"}",
        "{\"host\":\"INTERNAL.example.com.\"}",
        "{\"url\":\"https://evil.com/api.example.com\"}",
        "{\"host\":\"api.example.com\",\"url\":\"https://evil.com/\"}",
        "{\"host\":[\"api.example.com\"]}",
        "{\"url\":\"http://192.168.0.1/\"}",
    ] {
        assert_eq!(code(&to(args)), "EGRESS_DENIED", "{args}");
    }
    let meter = |gate: &Gate| gate.state().limits().of("a").is_none();
    assert!(meter(&gate), "what is denied spends nothing");
    assert_eq!(code(&to("{\"url\":\"https://api.example.com/x\"}")), "PERMIT");
    assert_eq!(code(&to("{\"host\":\"10.9.8.7\"}")), "PERMIT");
    assert_eq!(code(&to("{}")), "BUDGET_EXCEEDED", "a call that goes nowhere is not judged");
}
