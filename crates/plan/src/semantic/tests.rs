//! Pairs of policies in the language, and the calls that get another effect.

use faramesh_call::json;

use super::*;

fn engine(source: &str) -> Engine {
    let environment = |_: &str| None;
    let options =
        faramesh_check::Options { dev: true, ..faramesh_check::Options::new("p.fms", &environment) };
    let stack = faramesh_check::check(source, &options).stack.unwrap();
    Engine::read(&faramesh_compile::compile_to_bytes(&stack).unwrap()).unwrap()
}

fn shown(old: &str, new: &str) -> Vec<String> {
    let found = semantic(&engine(old), &engine(new));
    let mut lines: Vec<String> = found
        .transitions
        .iter()
        .map(|kind| {
            let args = String::from_utf8(json::canonical(&kind.example.call.args)).unwrap();
            format!("{} → {}: {} {args}", kind.before.effect, kind.after.effect, kind.example.call.tool)
        })
        .collect();
    lines.extend(found.open.iter().map(|open| format!("open {}: {}", open.tools, open.why)));
    lines
}

#[test]
fn calls_with_another_effect_are_found() {
    for (old, new, expected) in [
        ("default deny\npermit t if x < 5", "default deny\npermit t if x < 5", &[][..]),
        // Other words for the same.
        ("default deny\npermit t if x < 5", "default deny\npermit t if not (x >= 5)", &[]),
        ("default deny\npermit a\npermit b", "default deny\npermit b\npermit a", &[]),
        (
            "default deny\npermit t if x < 500",
            "default deny\npermit t if x <= 500",
            &["deny → permit: t {\"x\":500}"],
        ),
        (
            "default deny\npermit t if x < 500",
            "default deny\npermit t if x < 250",
            &["permit → deny: t {\"x\":250}"],
        ),
        (
            "default deny\npermit t if x < 25\ndefer t if x < 500",
            "default deny\npermit t if x < 50\ndefer t if x < 600",
            &["defer → permit: t {\"x\":25}", "deny → defer: t {\"x\":500}"],
        ),
        ("default deny\ndefer s/*", "default deny\ndefer s/x\npermit s/*", &["defer → permit: s/example {}"]),
        (
            "default deny\npermit t if k matches \"^[a-c]$\"",
            "default deny\npermit t if k matches \"^[b-d]$\"",
            &["deny → permit: t {\"k\":\"d\"}", "permit → deny: t {\"k\":\"a\"}"],
        ),
        ("default deny\npermit t", "default permit\npermit t", &["deny → permit: example {}"]),
        (
            "default deny\ndeny! t if x > 5\npermit t",
            "default deny\ndeny t if x > 5\npermit t",
            &["deny → permit: t {}"],
        ),
        (
            "default deny\npermit t if x > 5 and a < b",
            "default deny\npermit t if x > 4 and a < b",
            &["open t: comparing `a` with `b` is outside of what can be decided"],
        ),
    ] {
        assert_eq!(shown(old, new), expected, "{old}\n---\n{new}");
    }
}

#[test]
fn a_new_agent_permits_what_was_denied() {
    let old = "agent \"a\" {\n  default deny\n  permit t\n}\n";
    let new = "agent \"a\" {\n  default deny\n  permit t\n}\nagent \"b\" {\n  default defer\n  permit u if x == 1\n}\n";
    assert_eq!(shown(old, new), ["deny → permit: u {\"x\":1}", "deny → defer: example {}"]);
}

#[test]
fn claims_are_proved_or_refuted() {
    use crate::claim::{Claim, Proof, prove};
    let policy = "agent \"a\" {\n  default deny\n  permit t if x < 5\n  defer t\n}\n";
    for (rule, every, effect, expected) in [
        ("permit t if x > 5", false, Effect::Permit, None),
        ("permit t if x > 4.5", false, Effect::Permit, Some("{\"x\":4.55}")),
        ("permit t", true, Effect::Defer, Some("{\"x\":1}")),
        ("permit t if x > 5", true, Effect::Defer, None),
        ("permit u", true, Effect::Deny, None),
    ] {
        let engine = engine(&format!("{policy}agent \"meant\" {{\n  default deny\n  {rule}\n}}\n"));
        let claim = Claim { agent: "a", meant: "meant", every, effect };
        match (prove(&engine, &claim), expected) {
            (Proof::Holds, None) => {}
            (Proof::Refuted(example, _), Some(expected)) => {
                let args = String::from_utf8(json::canonical(&example.call.args)).unwrap();
                assert_eq!(args, expected, "{rule}");
            }
            (proof, _) => panic!("{rule}: {proof:?}"),
        }
    }
}
