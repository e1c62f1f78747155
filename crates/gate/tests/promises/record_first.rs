//! Promise 1: no client ever sees a permit whose record is not durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;

use faramesh_call::{Effect, Timestamp};
use faramesh_gate::{Gate, Operator, Reply};
use faramesh_ledger::{Disk, Ledger, Options, verify_on};
use faramesh_state::State;
use faramesh_testkit::{Fault, FaultyDisk, ForgetfulDisk, Operation, Seed, Times};

use crate::stack::{SUPPORT, Setup, WAIT, ask, call, code, gate, peer, program, token, wire};

const CALLS: usize = 60;

fn options(disk: Arc<dyn Disk>) -> Options {
    Options {
        segment_bytes: 64 << 10,
        first_segment_bytes: 16 << 10,
        reserve_bytes: 0,
        index: false,
        disk,
        ..Options::new(PathBuf::from("/ledger"), "stack", "host")
    }
}

/// What clients were told: the action ids of permits, and the approvals that count.
#[derive(Default)]
struct Told {
    permits: Vec<String>,
    approved: Vec<String>,
    refused: usize,
}

/// Sixty calls, some one by one, some in batches, with approvals in between.
fn script(gate: &Gate) -> Told {
    let mut told = Told::default();
    let mut asked = 0;
    let mut round = 0;
    while asked < CALLS {
        let (sender, receiver) = channel();
        let batch = 1 + round % 4;
        for _ in 0..batch {
            let (tool, args) = match asked % 5 {
                0 | 1 => ("kb/search", r#"{"q":"refunds"}"#.to_owned()),
                2 => ("stripe/payouts", "{}".to_owned()),
                // A deferred call, and later the same again.
                _ => ("stripe/refund", format!("{{\"amount\":{}}}", 500 + asked / 20)),
            };
            asked += 1;
            let sender = sender.clone();
            let call = call("support", tool, &args);
            gate.ask(&peer(1000), call, Box::new(move |reply| sender.send(reply).unwrap()));
        }
        gate.commit(batch == 1);
        for _ in 0..batch {
            let reply = receiver.recv_timeout(WAIT).unwrap();
            match reply.effect() {
                Effect::Permit => told.permits.push(reply.action_id.to_string()),
                Effect::Defer => {
                    let token = token(&reply);
                    if gate.answer(Operator { peer: &peer(0) }, &token, true, "fine").is_ok() {
                        told.approved.push(token);
                    }
                }
                Effect::Deny => told.refused += usize::from(code(&reply) == "LEDGER_UNAVAILABLE"),
            }
        }
        round += 1;
    }
    told
}

/// Runs the script with one planned fault and looks at what a good disk holds afterwards.
fn run(operation: Operation, nth: u64, fault: Fault, times: Times) -> (u64, Told) {
    let disk = ForgetfulDisk::new();
    let counted = FaultyDisk::new(Arc::new(disk.clone()), operation, nth, fault, times);
    let what = format!("{operation:?} {nth} {fault:?} {times:?}");
    let Ok((ledger, _)) = Ledger::open(options(Arc::new(counted.clone())), Timestamp(1), &mut |_| {}) else {
        return (counted.seen(), Told::default());
    };
    let program = program(SUPPORT);
    let gate = crate::stack::not_ready(&program, ledger, Setup::default());
    let mut told = Told::default();
    if gate.put_in_force(Arc::clone(&program), "test").is_ok() {
        gate.advance(faramesh_gate::Lifecycle::Ready);
        told = script(&gate);
        if !gate.ledger().is_healthy() {
            assert_poisoned(&gate, &what);
        }
    }
    gate.ledger().close();
    drop(gate);
    disk.power_cut(&mut Seed(nth));
    let (mut ids, mut state) = (Vec::new(), State::default());
    let reopened = Ledger::open(options(Arc::new(disk.clone())), Timestamp(2), &mut |record| {
        ids.extend((record.effect() == Some(Effect::Permit)).then(|| record.id().to_string()));
        state.replay(record);
    });
    drop(reopened.unwrap_or_else(|error| panic!("{what}: {error}")));
    for permit in &told.permits {
        assert!(ids.contains(permit), "{what}: a client was told {permit}, which is not in the ledger");
    }
    for token in &told.approved {
        let approval = state.approval(token).unwrap_or_else(|| panic!("{what}: {token} is lost"));
        assert!(approval.resolution.is_some(), "{what}: the answer to {token} is lost");
    }
    verify_on(Arc::new(disk), &PathBuf::from("/ledger"), &mut |_| {}).unwrap();
    (counted.seen(), told)
}

/// A ledger that failed once takes nothing more: every call is denied, whatever the policy says.
fn assert_poisoned(gate: &Gate, what: &str) {
    for tool in ["kb/search", "stripe/refund", "stripe/payouts"] {
        let reply = ask(gate, call("support", tool, "{}"));
        assert_eq!((reply.effect(), code(&reply)), (Effect::Deny, "LEDGER_UNAVAILABLE"), "{what}");
        let wire = wire(&reply);
        let resolution = wire.get("resolution").unwrap();
        assert_eq!(resolution.get("type").unwrap().as_str(), Some("retry_after"));
        assert!(resolution.get("retry_after_seconds").unwrap().as_i64().unwrap() >= 1);
        assert_eq!(wire.get("retryable").unwrap().as_bool(), Some(true));
    }
}

#[test]
fn no_permit_without_a_durable_record_whatever_fails() {
    for operation in [Operation::Write, Operation::Sync] {
        let (count, told) = run(operation, 0, Fault::Io, Times::Once);
        assert!(count >= 20, "{operation:?}: only {count}");
        assert_eq!(told.refused, 0);
        assert!(told.permits.len() >= 24, "{} permits", told.permits.len());
        for (fault, times) in
            [(Fault::Io, Times::Once), (Fault::Io, Times::Forever), (Fault::Short, Times::Once)]
        {
            let mut refused = 0;
            for nth in 1..=count {
                refused += run(operation, nth, fault, times).1.refused;
            }
            assert!(refused > 0 || fault == Fault::Short, "{operation:?} {fault:?}: nothing was refused");
        }
    }
}

#[test]
fn the_record_is_there_when_the_permit_is_told() {
    let gate = gate(&program(SUPPORT), crate::stack::memory(), Setup::default());
    for _ in 0..200 {
        let (sender, receiver) = channel();
        let ledger = Arc::clone(gate.ledger());
        let tell = move |reply: Reply| {
            sender.send((ledger.get(&reply.action_id).unwrap().len(), reply)).unwrap();
        };
        let permitted = call("support", "kb/search", "{}");
        gate.ask(&peer(1000), permitted, Box::new(tell));
        gate.commit(true);
        let (found, reply) = receiver.recv_timeout(WAIT).unwrap();
        assert_eq!((found, reply.effect()), (1, Effect::Permit));
    }
}
