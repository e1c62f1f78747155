//! Statements about effects.

use faramesh_call::{Effect, json};
use faramesh_prove::Answer;

use crate::world::World;

const REFUNDS: &str = "default deny
deny!  shell/*
permit stripe/refund if amount < 25
defer  stripe/refund if amount < 500
deny   stripe/refund
permit stripe/charge if amount <= 500 and currency in [\"usd\", \"eur\"]
permit *_search
permit files/read if within(path, \"./docs\")
";

/// Tools, condition, effect, and the arguments of the example, or nothing for a proof.
const STATEMENTS: &[(&str, &str, Effect, Option<&str>)] = &[
    ("stripe/refund", "amount > 500", Effect::Permit, None),
    ("stripe/refund", "amount >= 24.99", Effect::Permit, Some("{\"amount\":24.99}")),
    ("stripe/refund", "amount > 500", Effect::Defer, None),
    ("stripe/refund", "amount == \"lots\"", Effect::Permit, None),
    ("stripe/refund", "amount == \"lots\"", Effect::Defer, Some("{\"amount\":\"lots\"}")),
    ("stripe/*", "amount > 500", Effect::Permit, None),
    ("stripe/*", "amount > 499", Effect::Permit, Some("{\"amount\":500,\"currency\":\"usd\"}")),
    ("shell/*", "true", Effect::Permit, None),
    ("*", "tool contains \"search\" and tool contains \"/\"", Effect::Permit, None),
    ("files/*", "path contains \"..\"", Effect::Permit, Some("{\"path\":\"docs/a..\"}")),
    ("files/*", "path.starts_with(\"../\")", Effect::Permit, None),
];

#[test]
fn statements_are_proved_or_refuted() {
    for (tools, condition, effect, expected) in STATEMENTS {
        let world = World::new(REFUNDS);
        let asked = World::new(&format!("default deny\npermit {tools} if {condition}\n"));
        let condition_tree = asked.policy.rules[0].condition.as_ref();
        match (world.with_effect(tools, condition_tree, *effect), expected) {
            (Answer::Nothing, None) => {}
            (Answer::Found(example), Some(expected)) => {
                let args = String::from_utf8(json::canonical(&example.call.args)).unwrap();
                assert_eq!(args, *expected, "{tools} {condition}");
                assert_eq!(asked.decide(&example).0, Effect::Permit, "{tools} {condition}");
            }
            (answer, _) => panic!("{effect} {tools} {condition}: {answer:?}"),
        }
    }
}
