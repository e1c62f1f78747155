//! Counters over a day: the customers that an agent touched, and the data that it moved.

use std::sync::Arc;

use faramesh_call::{Value, object};
use faramesh_gate::{Gate, Outcome, OutcomeStatus, Reply};
use faramesh_state::State;

use crate::clock::{NOON, clocked, forward, replayed, set};
use crate::stack::{ask, call, code, memory, message, peer, program, record_of};

const HOUR: u64 = 3_600_000;

fn policy(blocks: &str) -> String {
    format!(
        "runtime {{ allow_self_declared_identity = true }}
agent \"a\" {{ default deny rules {{ permit look }} {blocks} }}"
    )
}

fn gate(blocks: &str) -> Arc<Gate> {
    set(NOON);
    clocked(&program(&policy(blocks)), memory(), State::default())
}

fn look(gate: &Gate, args: &str) -> Reply {
    ask(gate, call("a", "look", args))
}

#[test]
fn a_day_has_so_many_customers_and_each_counts_once() {
    let blocks = "ambient { max_customers_per_day 3 }";
    let gate = gate(blocks);
    for args in [
        r#"{"customer_id":"ann@example.com"}"#,
        r#"{"customer_id":"ann@example.com","page":2}"#,
        r#"{"customers":["ann@example.com",17]}"#,
        r#"{"customer":17}"#,
        r#"{"customer":null}"#,
        "{}",
    ] {
        assert_eq!(code(&look(&gate, args)), "PERMIT", "{args}");
    }
    let over = look(&gate, r#"{"customers":["bob","eve"]}"#);
    assert_eq!(code(&over), "AMBIENT_EXCEEDED");
    assert_eq!(
        message(&over),
        "this call touches 2 customers that were not touched today, and `max_customers_per_day` has room for 1 of 3"
    );
    assert_eq!(code(&look(&gate, r#"{"customer":"bob"}"#)), "PERMIT", "what was denied does not count");
    assert_eq!(code(&look(&gate, r#"{"customer":"eve"}"#)), "AMBIENT_EXCEEDED");
    assert_eq!(code(&look(&gate, r#"{"customer":"ann@example.com"}"#)), "PERMIT");
    let odd = look(&gate, r#"{"customer":{"id":1}}"#);
    assert_eq!(code(&odd), "AMBIENT_EXCEEDED", "whom it touches, nobody can say");
    assert_eq!(replayed(&gate, &program(&policy(blocks))), 11);
    forward(12 * HOUR);
    assert_eq!(code(&look(&gate, r#"{"customer":"eve"}"#)), "PERMIT", "the next day");
}

#[test]
fn records_name_customers_by_what_tells_nothing() {
    let gate =
        gate("ambient { customer = patient.id max_customers_per_day 3 } redact look args: [\"patient.id\"]");
    let seen = look(&gate, r#"{"patient":{"id":"ann@example.com"}}"#);
    assert_eq!(code(&seen), "PERMIT");
    let record = record_of(&gate, &seen);
    assert!(!String::from_utf8_lossy(record.bytes()).contains("ann"), "{record:?}");
    let names = record.field("inputs").unwrap().get("customers").cloned().unwrap();
    let again = record_of(&gate, &look(&gate, r#"{"patient":{"id":"ann@example.com"}}"#));
    assert_eq!(again.field("inputs").unwrap().get("customers"), Some(&names), "the same for the same one");
    let other = record_of(&gate, &look(&gate, r#"{"patient":{"id":"bob@example.com"}}"#));
    assert_ne!(other.field("inputs").unwrap().get("customers"), Some(&names));
}

#[test]
fn a_day_has_so_many_bytes_there_and_back() {
    let blocks = "ambient { max_data_volume = 1kb on_exceed deny }";
    let gate = gate(blocks);
    let text = |length: usize| format!(r#"{{"text":"{}"}}"#, "x".repeat(length));
    let first = look(&gate, &text(389));
    assert_eq!(code(&first), "PERMIT");
    let outcome = |reply: &Reply, usage: Value, status| {
        let outcome = Outcome {
            action_id: reply.action_id.clone(),
            agent: Some("a".into()),
            status,
            duration_ms: 1,
            cost: Some(Value::from(5_i64)),
            usage: Some(usage),
            error: None,
        };
        gate.outcome(&peer(1000), &outcome).unwrap();
        gate.commit(true);
    };
    // 400 bytes there, 500 back.
    outcome(&first, Value::from(object! { "output_bytes" => 500_i64 }), OutcomeStatus::Error);
    let over = look(&gate, &text(150));
    assert_eq!(code(&over), "AMBIENT_EXCEEDED");
    assert!(message(&over).contains("moves 161 bytes"), "{}", message(&over));
    let limit = message(&over).rsplit(' ').nth(1).unwrap().parse::<u64>().unwrap();
    assert!(message(&over).contains(&format!("has {} of", limit - 900)), "{}", message(&over));
    let last = look(&gate, &text(80));
    assert_eq!(code(&last), "PERMIT");
    // What is no number of bytes counts for nothing more.
    outcome(&last, Value::from(object! { "output_bytes" => "many" }), OutcomeStatus::Ok);
    assert_eq!(replayed(&gate, &program(&policy(blocks))), 3);
}
