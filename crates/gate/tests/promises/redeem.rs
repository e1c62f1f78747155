//! Clients that run the tool as soon as a poll says "approved": the poll is the retry, and counts once.

use std::sync::Arc;
use std::sync::mpsc::channel;

use faramesh_call::{Effect, Tier, Timestamp};
use faramesh_gate::{Lifecycle, PollStatus};
use faramesh_ledger::{Filter, Ledger, Options, RealDisk};
use faramesh_testkit::{Fault, FaultyDisk, Operation, Times};

use crate::stack::{
    SUPPORT, Setup, WAIT, answer, ask, call, gate, in_memory, peer, program, records, redeem, token,
};

fn deferred(gate: &faramesh_gate::Gate) -> String {
    token(&ask(gate, call("support", "mail/send", r#"{"to":"x"}"#)))
}

#[test]
fn approved_is_said_once_and_is_recorded_before() {
    let gate = in_memory(SUPPORT);
    let first = deferred(&gate);
    assert_eq!(redeem(&gate, 1000, "support", &first).word(), "pending");
    answer(&gate, &first, true);
    let (sender, receiver) = channel();
    let before = records(&gate).len();
    let ledger = Arc::clone(gate.ledger());
    // What the ledger holds at the moment when the client is told.
    let tell = move |status| sender.send((status, ledger.query(&Filter::default()).unwrap().len())).unwrap();
    gate.redeem(Tier::Sdk, &peer(1000), Some("support"), &first, Box::new(tell));
    gate.commit(true);
    let (told, held): (PollStatus, usize) = receiver.recv_timeout(WAIT).unwrap();
    assert_eq!((told.word(), held), ("approved", before + 1));
    let all = records(&gate);
    assert_eq!(all.len(), before + 1);
    let record = all.last().unwrap();
    assert_eq!(record.effect(), Some(Effect::Permit));
    assert_eq!(record.approval_id().as_deref(), Some(&*first));
    assert_eq!(record.tool().as_deref(), Some("mail/send"));
    assert_eq!(redeem(&gate, 1000, "support", &first).word(), "expired");
    let again = ask(&gate, call("support", "mail/send", r#"{"to":"x"}"#));
    assert_eq!(again.effect(), Effect::Defer, "the retry was used by the poll");
}

#[test]
fn of_many_polls_at_once_one_is_told() {
    let gate = in_memory(SUPPORT);
    for round in 0..20 {
        let first = token(&ask(&gate, call("support", "mail/send", &format!("{{\"n\":{round}}}"))));
        answer(&gate, &first, true);
        let told: usize = std::thread::scope(|scope| {
            let poll =
                || (0..20).filter(|_| redeem(&gate, 1000, "support", &first).word() == "approved").count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(poll)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(told, 1);
    }
}

#[test]
fn only_the_one_who_asked_is_told() {
    let gate = in_memory(SUPPORT);
    let first = deferred(&gate);
    answer(&gate, &first, true);
    assert_eq!(redeem(&gate, 1001, "support", &first).word(), "expired", "another user");
    assert_eq!(gate.poll(&peer(1001), &first).word(), "unknown");
    assert_eq!(redeem(&gate, 1000, "other", &first).word(), "expired", "another agent");
    assert_eq!(redeem(&gate, 1000, "support", "apr-0").word(), "expired", "no such token");
    assert_eq!(redeem(&gate, 1000, "support", &first).word(), "approved", "nothing of that used it up");
}

#[test]
fn it_counts_only_under_the_policy_that_deferred() {
    let gate = in_memory(SUPPORT);
    let first = deferred(&gate);
    answer(&gate, &first, true);
    gate.put_in_force(program(&SUPPORT.replace("permit kb/*", "permit kb/search")), "test").unwrap();
    assert_eq!(redeem(&gate, 1000, "support", &first).word(), "expired");
    assert_eq!(
        ask(&gate, call("support", "mail/send", r#"{"to":"x"}"#)).effect(),
        Effect::Permit,
        "a call may"
    );
}

#[test]
fn a_denial_and_a_drain_are_no_permits() {
    let gate = in_memory(SUPPORT);
    let first = deferred(&gate);
    answer(&gate, &first, false);
    let told = redeem(&gate, 1000, "support", &first);
    assert_eq!((told.word(), told.reason.as_deref()), ("denied", Some("looked at it")));
    let second = token(&ask(&gate, call("support", "mail/send", "{}")));
    answer(&gate, &second, true);
    gate.advance(Lifecycle::Draining);
    assert_eq!(redeem(&gate, 1000, "support", &second).word(), "pending");
}

#[test]
fn a_permit_that_cannot_be_recorded_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |nth: u64| {
        let folder = folder.path().join(nth.to_string());
        let disk = FaultyDisk::new(Arc::new(RealDisk), Operation::Sync, nth, Fault::Io, Times::Once);
        let options = Options {
            index: false,
            reserve_bytes: 0,
            disk: Arc::new(disk.clone()),
            ..Options::new(folder, "stack", "host")
        };
        let (ledger, _) = Ledger::open(options, Timestamp(1), &mut |_| {}).unwrap();
        let gate = gate(&program(SUPPORT), ledger, Setup::default());
        let first = deferred(&gate);
        answer(&gate, &first, true);
        let before = disk.seen();
        (before, redeem(&gate, 1000, "support", &first).word())
    };
    let (before, word) = run(0);
    assert_eq!(word, "approved");
    assert_eq!(run(before + 1).1, "expired");
}

#[test]
fn what_a_limit_weighs_must_be_asked_again() {
    for limit in [
        "rate_limit \"mail/*\": 5 per minute",
        "budget daily { max $5 cost = price }",
        "session { max_calls = 5 }",
        "model_policy { deny = [\"cheap-*\"] }",
        "egress { allow = [\"mail.example\"] }",
    ] {
        let gate = in_memory(&format!(
            "runtime {{ allow_self_declared_identity = true }}\nagent \"support\" {{ default deny\ndefer mail/send\n{limit} }}"
        ));
        let args = r#"{"to":"x","price":1,"host":"mail.example"}"#;
        let first = token(&ask(&gate, call("support", "mail/send", args)));
        answer(&gate, &first, true);
        assert_eq!(redeem(&gate, 1000, "support", &first).word(), "expired", "{limit}");
        let again = ask(&gate, call("support", "mail/send", args));
        assert_eq!(again.effect(), Effect::Permit, "the poll took nothing: {limit}");
    }
}
