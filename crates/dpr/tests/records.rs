//! Sealed drafts come back as they were, and no changed byte goes unseen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use faramesh_call::{Action, Code, Effect, Object, Tier, Timestamp, Value};
use faramesh_dpr::{
    Canonical, Chain, Draft, GENESIS, Hash, Identity, Kind, Position, Record, RecordErrorKind, RecordId,
    RuleRef,
};
use proptest::prelude::*;

const POLICY: Hash = [7; 32];

fn position(seq: u64, epoch: u64, prev: Hash) -> Position<'static> {
    let time = Timestamp(1_795_166_999_999 + seq);
    let id = RecordId::new(time.0, u128::from(seq));
    Position { stack: "payments", instance: "host-1", epoch, seq, time, id, prev }
}

fn seal(draft: &Draft<'_>, seq: u64, epoch: u64, prev: Hash) -> Record {
    let mut out = Vec::new();
    let hash = draft.seal(&position(seq, epoch, prev), &mut out);
    let record = Record::parse(out).unwrap();
    assert_eq!(record.hash(), hash);
    record
}

fn full() -> Draft<'static> {
    let object = |key: &'static str, value: &str| -> Canonical {
        [(key, Value::from(value))].into_iter().collect::<Object>().into()
    };
    Draft {
        kind: Kind::Decision,
        agent: Some("support \"bot\"".into()),
        agent_seq: Some(4),
        identity: Some(Identity {
            method: "unix".into(),
            subject: "uid:1000".into(),
            expires_at: Some(Timestamp(1_795_166_999_999)),
            claims_hash: Some("ab".into()),
        }),
        tier: Some(Tier::Sdk),
        enforcement: vec!["sdk".into(), "os".into()],
        session: Some("s-1".into()),
        call_id: Some("c-1".into()),
        request_id: Some("r-1".into()),
        parent: Some("dpr-x".into()),
        delegation: Some(Value::List(vec!["a".into()]).into()),
        tool: Some("stripe/refund".into()),
        action: Some(Action::ToolCall),
        args: Some(object("note", "line\nbreak €")),
        redacted: vec!["card.number".into()],
        args_commitment: Some("00ff".into()),
        effect: Some(Effect::Defer),
        enforced: Some(true),
        code: Some(Code::PolicyDefer),
        reason: Some("above the limit".into()),
        rule: Some(RuleRef { reference: "governance.fms:12".into(), digest: "d1".into() }),
        policy: Some(POLICY),
        trace: Some(Value::List(vec!["rules".into()]).into()),
        inputs: Some(object("clock", "x")),
        changes: Some(object("tokens", "1")),
        approval: Some(object("id", "apr-1")),
        credential: Some(object("lease", "l-1")),
        cost: Some(object("usd", "0.001")),
        dev: true,
        detail: Some(object("more", "x")),
    }
}

#[test]
fn every_member_comes_back() {
    let record = seal(&full(), 9, 3, [1; 32]);
    assert_eq!((record.seq(), record.epoch(), record.prev(), record.kind()), (9, 3, [1; 32], Kind::Decision));
    assert_eq!((record.stack().as_ref(), record.instance().as_ref()), ("payments", "host-1"));
    assert_eq!(record.agent().as_deref(), Some("support \"bot\""));
    assert_eq!(record.tool().as_deref(), Some("stripe/refund"));
    assert_eq!((record.effect(), record.enforced(), record.dev()), (Some(Effect::Defer), Some(true), true));
    assert_eq!(record.code().as_deref(), Some("POLICY_DEFER"));
    assert_eq!(record.rule_ref().as_deref(), Some("governance.fms:12"));
    assert_eq!(record.policy(), Some(POLICY));
    assert_eq!(record.approval_id().as_deref(), Some("apr-1"));
    assert_eq!(record.args().unwrap().get("note").unwrap().as_str(), Some("line\nbreak €"));
    assert_eq!(record.time().to_string(), "2026-11-20T09:30:00.008Z");
    // 38 members: no field of the draft was forgotten.
    let tree = faramesh_call::json::parse(record.bytes()).unwrap();
    assert_eq!(tree.as_object().unwrap().len(), 38);
    assert_eq!(faramesh_call::json::canonical(&tree), record.bytes().as_ref());
}

#[test]
fn absent_members_are_left_out() {
    let record = seal(&Draft::event(Kind::Lifecycle, Value::from("started")), 1, 1, GENESIS);
    let text = String::from_utf8(record.bytes().to_vec()).unwrap();
    let zeros = "0".repeat(64);
    assert_eq!(
        text,
        format!(
            r#"{{"detail":"started","epoch":1,"id":"dpr-01M7W4N5E00000000000000001","instance":"host-1","kind":"lifecycle","prev":"{zeros}","seq":1,"stack":"payments","time":"2026-11-20T09:30:00.000Z","v":"dpr/1"}}"#
        )
    );
}

#[test]
fn wrong_members_are_named() {
    let good = String::from_utf8(seal(&full(), 9, 3, [1; 32]).bytes().to_vec()).unwrap();
    for (from, to, field) in [
        ("\"epoch\":3,", "", "epoch"),
        ("\"v\":\"dpr/1\"", "\"v\":\"dpr/2\"", "v"),
        ("\"effect\":\"defer\",", "", "effect"),
        ("\"effect\":\"defer\"", "\"effect\":\"allow\"", "effect"),
        ("\"seq\":9", "\"seq\":\"9\"", "seq"),
        ("\"seq\":9", "\"seq\":9.5", "seq"),
        ("\"kind\":\"decision\"", "\"kind\":\"decisions\"", "kind"),
        ("\"id\":\"dpr-0", "\"id\":\"dpr-U", "id"),
        ("sha256:07", "sha257:07", "policy"),
        ("\"action\":", "\"action2\":", "action2"),
        ("\"trace\":[", "\"trace\":3,\"x\":[", "trace"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Record::parse(good.replacen(from, to, 1).into_bytes()).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{from} -> {to}: {error}");
    }
    let swapped = good.replacen("\"action\":\"tool_call\",", "", 1).replacen(
        "\"agent_seq\":4",
        "\"agent_seq\":4,\"action\":\"tool_call\"",
        1,
    );
    assert!(matches!(
        Record::parse(swapped.into_bytes()).unwrap_err().kind,
        RecordErrorKind::Wrong { field: "action", expected: "in canonical order" }
    ));
    let spaced = good.replacen(',', ", ", 1);
    assert!(matches!(Record::parse(spaced.into_bytes()).unwrap_err().kind, RecordErrorKind::Canonical(_)));
}

fn chain_of(count: u64) -> Vec<Record> {
    let policy = Draft { kind: Kind::Policy, policy: Some(POLICY), ..Draft::default() };
    let mut records = vec![seal(&policy, 1, 1, GENESIS)];
    for seq in 2..=count {
        let prev = records.last().unwrap().hash();
        let draft = Draft { agent_seq: Some(seq), ..full() };
        // The epoch changes once on the way.
        records.push(seal(&draft, seq, if seq > count / 2 { 2 } else { 1 }, prev));
    }
    records
}

fn first_break(records: &[Record]) -> Option<(&'static str, u64)> {
    let mut chain = Chain::genesis();
    records.iter().find_map(|record| chain.feed(record).err()).map(|broken| (broken.field, broken.seq))
}

#[test]
fn breaks_of_the_chain_are_named() {
    let records = chain_of(10);
    assert_eq!(first_break(&records), None);
    let mut dropped = records.clone();
    dropped.remove(4);
    assert_eq!(first_break(&dropped), Some(("seq", 6)));
    let mut swapped = records.clone();
    swapped.swap(3, 4);
    assert_eq!(first_break(&swapped), Some(("seq", 5)));
    assert_eq!(first_break(&records[1..]), Some(("seq", 2)));
    let replace = |at: usize, draft: &Draft<'_>, epoch: u64| {
        let mut changed = records.clone();
        changed[at] = seal(draft, u64::try_from(at).unwrap() + 1, epoch, records[at - 1].hash());
        first_break(&changed)
    };
    // A record of other content is found by the one after it.
    assert_eq!(replace(4, &Draft { reason: None, agent_seq: Some(5), ..full() }, 1), Some(("prev", 6)));
    assert_eq!(replace(4, &Draft { agent_seq: Some(4), ..full() }, 1), Some(("agent_seq", 5)));
    let other_policy = Draft { agent_seq: Some(5), policy: Some([8; 32]), ..full() };
    assert_eq!(replace(4, &other_policy, 1), Some(("policy", 5)));
    assert_eq!(replace(4, &Draft { agent_seq: Some(5), ..full() }, 3), Some(("epoch", 5)));
    let first = seal(&full(), 1, 1, GENESIS);
    assert_eq!(first_break(&[first]), Some(("policy", 1)));
    let mut chain = Chain::anywhere();
    assert!(records[4..].iter().all(|record| chain.feed(record).is_ok()));
}

#[test]
fn what_is_admitted_is_what_verifies() {
    let mut chain = Chain::genesis();
    assert_eq!(chain.admit(&full()).unwrap_err().field, "policy");
    let policy = Draft { kind: Kind::Policy, policy: Some(POLICY), ..Draft::default() };
    chain.admit(&policy).unwrap();
    chain.sealed(&policy, 1, [1; 32]);
    chain.admit(&full()).unwrap();
    chain.sealed(&full(), 1, [2; 32]);
    assert_eq!(chain.admit(&full()).unwrap_err().field, "agent_seq");
    assert_eq!(chain.admit(&Draft { effect: None, ..full() }).unwrap_err().field, "effect");
    assert_eq!((chain.seq(), chain.hash(), chain.policy()), (2, [2; 32], Some(POLICY)));
}

fn text() -> impl Strategy<Value = Box<str>> {
    "\\PC{0,12}|[\\x00-\\x7f]{0,8}".prop_map(|text: String| text.into())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (any::<i64>(), -40_i16..40)
            .prop_map(|(mantissa, power)| faramesh_call::Number::new(mantissa, power).into()),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::vec((text(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_draft_comes_back(agent in text(), tool in text(), args in value(), detail in value(), seq in 1_u64..) {
        let draft = Draft {
            agent: Some((&*agent).into()),
            tool: Some((&*tool).into()),
            args: Some(Canonical::from(&args)),
            detail: Some(Canonical::from(&detail)),
            ..full()
        };
        let mut bytes = Vec::new();
        draft.seal(&position(seq.min(1 << 40), 1, GENESIS), &mut bytes);
        let record = Record::parse(bytes.clone()).unwrap();
        prop_assert_eq!(record.agent().unwrap(), &*agent);
        prop_assert_eq!(record.tool().unwrap(), &*tool);
        prop_assert_eq!(record.args(), Some(args.clone()));
        prop_assert_eq!(record.detail(), Some(detail));
        prop_assert!(Canonical::checked(faramesh_call::json::canonical(&args)).is_ok());
        let tree = faramesh_call::json::parse(&bytes).unwrap();
        prop_assert_eq!(faramesh_call::json::canonical(&tree), bytes);
    }

    #[test]
    fn any_changed_byte_is_seen(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let records = chain_of(6);
        let victim = 1 + at.index(records.len() - 2);
        let mut bytes = records[victim].bytes().to_vec();
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        let mut chain = Chain::genesis();
        let mut seen = false;
        for (index, record) in records.iter().enumerate() {
            let record = if index == victim { Record::parse(bytes.clone()) } else { Ok(record.clone()) };
            seen |= record.is_err() || record.is_ok_and(|record| chain.feed(&record).is_err());
        }
        prop_assert!(seen, "byte {place} of record {victim} changed and nobody saw it");
    }

    #[test]
    fn a_scan_accepts_exactly_what_writing_gives(text in "[\\[\\]{}\",:0-9eE+.\\\\ntrufals -]{0,24}") {
        let canonical = faramesh_call::json::parse(text.as_bytes())
            .is_ok_and(|value| faramesh_call::json::canonical(&value) == text.as_bytes());
        prop_assert_eq!(Canonical::checked(text.clone().into_bytes()).is_ok(), canonical, "{}", text);
    }
}
