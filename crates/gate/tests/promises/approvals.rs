//! Promise 7: an approval authorises one action once.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use faramesh_call::{Call, Effect};
use faramesh_gate::{ApprovalError, Gate, Operator};

use crate::stack::{
    SUPPORT, Setup, answer, ask, ask_as, call, code, gate, in_memory, memory, message, on_disk, peer,
    program, program_with, record_of, token,
};

fn refund() -> Call {
    call("support", "stripe/refund", r#"{"amount":8000,"note":"a"}"#)
}

fn approved(gate: &Gate) -> String {
    let token = token(&ask(gate, refund()));
    answer(gate, &token, true);
    token
}

#[test]
fn it_is_good_for_that_call_once() {
    let gate = in_memory(SUPPORT);
    let first = token(&ask(&gate, refund()));
    assert_eq!(token(&ask(&gate, refund())), first, "the same call waits once");
    answer(&gate, &first, true);
    let permitted = ask(&gate, refund());
    assert_eq!(permitted.effect(), Effect::Permit);
    let record = record_of(&gate, &permitted);
    let approval = record.approval().unwrap();
    assert_eq!(record.code().unwrap(), "APPROVED");
    assert_eq!(approval.get("by").unwrap().as_str(), Some("uid:0"), "the record names the operator");
    assert_eq!(approval.get("reason").unwrap().as_str(), Some("looked at it"));
    let second = ask(&gate, refund());
    assert_eq!(second.effect(), Effect::Defer, "used up");
    assert_ne!(token(&second), first);
}

#[test]
fn it_is_bound_to_agent_tool_and_arguments() {
    let gate = in_memory(SUPPORT);
    let first = approved(&gate);
    for other in [
        call("other", "stripe/refund", r#"{"amount":8000,"note":"a"}"#),
        call("support", "mail/send", r#"{"amount":8000,"note":"a"}"#),
        call("support", "stripe/refund", r#"{"amount":8001,"note":"a"}"#),
        call("support", "stripe/refund", r#"{"amount":8000,"note":"a","more":1}"#),
        call("support", "stripe/refund", r#"{"amount":8000}"#),
        call("support", "stripe/refund", r#"{"amount":"8000","note":"a"}"#),
    ] {
        let reply = ask(&gate, other.clone());
        assert_eq!(reply.effect(), Effect::Defer, "{other:?}");
        assert_ne!(token(&reply), first, "{other:?}");
    }
    // The same arguments, written otherwise.
    let reordered = call("support", "stripe/refund", r#"{"note":"a","amount":8e3}"#);
    assert_eq!(ask(&gate, reordered).effect(), Effect::Permit);
}

#[test]
fn it_is_bound_to_the_rule() {
    let gate = in_memory(SUPPORT);
    let first = approved(&gate);
    // Another reason is another rule.
    let changed = program(&SUPPORT.replace("large refunds wait", "refunds of that size wait"));
    gate.put_in_force(changed, "test").unwrap();
    let reply = ask(&gate, refund());
    assert_eq!(reply.effect(), Effect::Defer);
    assert_ne!(token(&reply), first);
}

#[test]
fn it_survives_a_swap_that_leaves_its_rule() {
    let gate = in_memory(SUPPORT);
    approved(&gate);
    let moved = format!("# moved down\n\n{}", SUPPORT.replace("permit kb/*", "permit kb/search"));
    gate.put_in_force(program(&moved), "test").unwrap();
    assert_eq!(ask(&gate, refund()).effect(), Effect::Permit);
}

#[test]
fn a_policy_that_denies_now_denies_what_was_approved() {
    let gate = in_memory(SUPPORT);
    approved(&gate);
    let stricter = SUPPORT.replace("permit kb/*", "deny stripe/refund reason \"closed\"");
    gate.put_in_force(program(&stricter), "test").unwrap();
    assert_eq!(code(&ask(&gate, refund())), "POLICY_DENY");
}

#[test]
fn one_approved_call_retried_a_thousand_times_at_once_is_permitted_once() {
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 1_000 } else { 20 };
    let gate = in_memory(SUPPORT);
    for round in 0..rounds {
        let args = format!("{{\"amount\":8000,\"round\":{round}}}");
        let deferred = || call("support", "stripe/refund", &args);
        answer(&gate, &token(&ask(&gate, deferred())), true);
        let (threads, each) = (20, 50);
        let start = Barrier::new(threads);
        let permits: usize = std::thread::scope(|scope| {
            let ask_many = || {
                start.wait();
                (0..each).filter(|_| ask(&gate, deferred()).effect() == Effect::Permit).count()
            };
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(ask_many)).collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).sum()
        });
        assert_eq!(permits, 1, "round {round}");
    }
}

#[test]
fn one_approval_answered_by_many_at_once_is_answered_once() {
    let gate = in_memory(SUPPORT);
    let token = token(&ask(&gate, refund()));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let answer_once = |thread: u32| {
            let (gate, token) = (&gate, &token);
            move || gate.answer(Operator { peer: &peer(thread) }, token, thread.is_multiple_of(2), "me")
        };
        let handles: Vec<_> = (0..16).map(|thread| scope.spawn(answer_once(thread))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(gate.state().approval(&token).unwrap().resolution, won[0].resolution);
    assert!(
        answers
            .iter()
            .filter(|answer| answer.is_err())
            .all(|answer| { matches!(answer, Err(ApprovalError::NotPending { .. })) })
    );
}

#[test]
fn the_requester_cannot_approve_but_may_deny() {
    let gate = in_memory(SUPPORT);
    let token = token(&ask(&gate, refund()));
    let same = peer(1000);
    let refused = gate.answer(Operator { peer: &same }, &token, true, "me").unwrap_err();
    assert_eq!(refused, ApprovalError::SamePerson("uid:1000".into()));
    assert_eq!(ask(&gate, refund()).effect(), Effect::Defer);
    gate.answer(Operator { peer: &same }, &token, false, "I changed my mind").unwrap();
    assert_eq!(code(&ask(&gate, refund())), "APPROVAL_DENIED");
}

#[test]
fn under_dev_there_is_nobody_else_to_approve() {
    let gate = gate(&program(SUPPORT), memory(), Setup { dev: true, ..Setup::default() });
    let token = token(&ask(&gate, refund()));
    gate.answer(Operator { peer: &peer(1000) }, &token, true, "me").unwrap();
    assert_eq!(ask(&gate, refund()).effect(), Effect::Permit);
}

#[test]
fn a_reason_is_mandatory() {
    let gate = in_memory(SUPPORT);
    let token = token(&ask(&gate, refund()));
    let operator = peer(0);
    for reason in ["", "  \n\t", &"x".repeat(1_025)] {
        for approve in [true, false] {
            let refused = gate.answer(Operator { peer: &operator }, &token, approve, reason);
            assert_eq!(refused, Err(ApprovalError::Reason), "{reason:?}");
        }
    }
    let unknown = gate.answer(Operator { peer: &operator }, "apr-0", true, "x");
    assert_eq!(unknown, Err(ApprovalError::Unknown("apr-0".into())));
    assert_eq!(ask(&gate, refund()).effect(), Effect::Defer);
}

#[test]
fn a_denial_comes_back_with_the_operators_reason() {
    let gate = in_memory(SUPPORT);
    let deferred = token(&ask(&gate, refund()));
    gate.answer(Operator { peer: &peer(0) }, &deferred, false, "not without the invoice").unwrap();
    for _ in 0..2 {
        let reply = ask(&gate, refund());
        assert_eq!((reply.effect(), code(&reply)), (Effect::Deny, "APPROVAL_DENIED"));
        assert_eq!(message(&reply), "not without the invoice");
    }
    assert_eq!(ask(&gate, call("support", "stripe/refund", r#"{"amount":9000}"#)).effect(), Effect::Defer);
    let polled = gate.poll(&peer(1000), &deferred);
    assert_eq!((polled.word(), polled.reason.as_deref()), ("denied", Some("not without the invoice")));
}

#[test]
fn it_expires() {
    for answered in [None, Some(true), Some(false)] {
        let short = program_with(SUPPORT, |image| image.runtime.approval_ttl_ms = 300);
        let gate = gate(&short, memory(), Setup::default());
        let first = token(&ask(&gate, refund()));
        if let Some(approved) = answered {
            answer(&gate, &first, approved);
        }
        std::thread::sleep(Duration::from_millis(320));
        let late = gate.answer(Operator { peer: &peer(0) }, &first, true, "late").unwrap_err();
        assert!(matches!(late, ApprovalError::NotPending { .. }), "{late:?}");
        let reply = ask(&gate, refund());
        assert_eq!(reply.effect(), Effect::Defer, "answered {answered:?}");
        assert_ne!(token(&reply), first);
        if answered != Some(false) {
            assert_eq!(gate.poll(&peer(1000), &first).word(), "expired");
        }
    }
}

#[test]
fn the_state_of_a_restart_is_the_state_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(&SUPPORT.replace("defer  mail/send", "defer mail/send reason \"\""));
    let mut tokens = Vec::new();
    for epoch in 0..3 {
        let (ledger, state) = on_disk(folder.path());
        let gate = gate(&program, ledger, Setup { state, ..Setup::default() });
        for number in 0..6 {
            let args = format!(
                "{{\"amount\":9{number}00.50,\"epoch\":{epoch},\"b\":1e2,\"a\":[-0.0,12345678901234567890]}}"
            );
            let mut deferred = call("support", "stripe/refund", &args);
            deferred.session = (number % 2 == 0).then(|| "session é".into());
            let first = token(&ask_as(&gate, 1000 + number, deferred.clone()));
            match number % 3 {
                0 => answer(&gate, &first, true),
                1 => answer(&gate, &first, false),
                _ => {}
            }
            if number == 0 {
                assert_eq!(ask_as(&gate, 1000, deferred).effect(), Effect::Permit);
            }
            tokens.push(first);
        }
        let large = format!("{{\"epoch\":{epoch},\"x\":\"{}\"}}", "y".repeat(20_000));
        ask(&gate, call("support", "mail/send", &large));
        let unnamed = token(&ask(&gate, call("support", "mail/send", "[1,null,\"\\u0000\"]")));
        answer(&gate, &unnamed, true);
        assert_eq!(crate::stack::redeem(&gate, 1000, "support", &unnamed).word(), "approved");
        ask(&gate, call("nobody", "mail/send", "{}"));
        let live = gate.state();
        assert_eq!(live.approvals().len(), (epoch + 1) * 8);
        drop(Arc::into_inner(gate).unwrap());
        let (ledger, folded) = on_disk(folder.path());
        assert_eq!(folded, live);
        drop(ledger);
    }
    let (ledger, state) = on_disk(folder.path());
    let gate = gate(&program, ledger, Setup { state, ..Setup::default() });
    let again = r#"{"amount":9300.50,"epoch":0,"b":1e2,"a":[-0.0,12345678901234567890]}"#;
    let answered = ask_as(&gate, 1003, call("support", "stripe/refund", again));
    assert_eq!(answered.effect(), Effect::Permit, "approved two restarts ago");
}
