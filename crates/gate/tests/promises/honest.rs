//! Promises 5 and 11: records and replies say what was really enforced, and how the caller is known.

use faramesh_call::{Effect, Value};
use faramesh_dpr::Kind;

use crate::stack::{
    SUPPORT, Setup, answer, ask, call, code, gate, in_memory, memory, program, record_of, records, redeem,
    token, wire,
};

fn method(record: &faramesh_dpr::Record) -> Option<String> {
    record.field("identity")?.get("method").and_then(Value::as_str).map(str::to_owned)
}

#[test]
fn audit_mode_permits_and_records_what_it_would_have_done() {
    let gate = in_memory(&SUPPORT.replace("allow_self_declared_identity = true", "mode = \"audit\""));
    for (tool, args, effect, warning) in [
        ("kb/search", "{}", Effect::Permit, None),
        ("stripe/refund", "{\"amount\":900}", Effect::Defer, Some("POLICY_DEFER")),
        ("stripe/payouts", "{}", Effect::Deny, Some("POLICY_DENY")),
        ("unheard/of", "{}", Effect::Deny, Some("POLICY_DENY")),
    ] {
        let reply = ask(&gate, call("support", tool, args));
        assert_eq!(reply.effect(), Effect::Permit, "{tool}");
        let record = record_of(&gate, &reply);
        assert_eq!((record.effect(), record.enforced()), (Some(effect), Some(false)), "{tool}");
        let wire = wire(&reply);
        let warnings = wire.get("warnings").unwrap().as_list().unwrap().to_vec();
        let codes: Vec<_> = warnings.iter().filter_map(|warning| warning.get("code")?.as_str()).collect();
        assert_eq!(codes, warning.into_iter().collect::<Vec<_>>(), "{tool}");
        assert_eq!(wire.get("enforced").unwrap().as_bool(), Some(false), "{tool}: the reply says so too");
    }
}

#[test]
fn an_enforcing_reply_says_so() {
    let gate = in_memory(SUPPORT);
    let reply = ask(&gate, call("support", "kb/search", "{}"));
    assert_eq!(wire(&reply).get("enforced").unwrap().as_bool(), Some(true));
    assert_eq!(record_of(&gate, &reply).enforced(), Some(true));
}

#[test]
fn every_decision_says_that_the_caller_named_itself() {
    let gate = in_memory(SUPPORT);
    let first = token(&ask(&gate, call("support", "mail/send", "{}")));
    answer(&gate, &first, true);
    assert_eq!(redeem(&gate, 1000, "support", &first).word(), "approved");
    for (tool, expected) in
        [("kb/search", "PERMIT"), ("stripe/payouts", "POLICY_DENY"), ("mail/send", "POLICY_DEFER")]
    {
        assert_eq!(code(&ask(&gate, call("support", tool, "{}"))), expected);
    }
    let decisions: Vec<_> =
        records(&gate).into_iter().filter(|record| record.kind() == Kind::Decision).collect();
    assert_eq!(decisions.len(), 5);
    for record in decisions {
        assert_eq!(method(&record).as_deref(), Some("self-declared"));
        assert_eq!(record.field("enforcement").unwrap().as_list().map(<[_]>::len), Some(1));
        assert!(!record.dev());
    }
}

#[test]
fn under_dev_every_record_says_dev() {
    let attested =
        "identity \"host\" { type = \"unix\" }\nagent \"a\" {\n  default permit\n  attest { uid = 1 }\n}\n";
    let gate = gate(&program(attested), memory(), Setup { dev: true, ..Setup::default() });
    let reply = ask(&gate, call("a", "kb/search", "{}"));
    assert_eq!(reply.effect(), Effect::Permit);
    assert_eq!(method(&record_of(&gate, &reply)).as_deref(), Some("self-declared"));
    ask(&gate, call("nobody", "kb/search", "{}"));
    let ours: Vec<_> = records(&gate).into_iter().filter(|record| record.kind() != Kind::Lifecycle).collect();
    assert_eq!(ours.len(), 3);
    assert!(ours.iter().all(faramesh_dpr::Record::dev));
}

#[test]
fn an_attested_caller_is_recorded_as_such() {
    let attested = "identity \"host\" { type = \"unix\" }\nagent \"a\" {\n  default permit\n  attest { uid = 1000 }\n}\n";
    let gate = in_memory(attested);
    let reply = ask(&gate, call("a", "kb/search", "{}"));
    assert_eq!(reply.effect(), Effect::Permit);
    let record = record_of(&gate, &reply);
    assert_eq!(method(&record).as_deref(), Some("unix"));
    let subject = record.field("identity").unwrap();
    assert_eq!(subject.get("subject").unwrap().as_str(), Some("uid:1000 exe:/usr/bin/python3"));
}
