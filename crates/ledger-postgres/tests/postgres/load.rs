//! A ledger under load, and what it had acknowledged held against the table.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_dpr::Hash;
use faramesh_ledger::{Commit, Filter, Ledger, Opened, Receipt, Unavailable};
use faramesh_ledger_postgres::{Fleet, PostgresError, Reader, open, verify};
use faramesh_testkit::{decision, policy};

use crate::server::Server;

pub const NOW: Timestamp = Timestamp(1_795_166_999_999);
pub const WAIT: Duration = Duration::from_secs(60);
pub const STACK: &str = "payments";

/// Opens a chain, whose first record after the epoch's is a policy.
pub fn opened(server: &Server, instance: &str) -> (Ledger, Opened) {
    let (mut records, mut nothing) = (0, true);
    let found = open(server.address(), STACK, instance, NOW, &mut |record| {
        records += 1;
        nothing &= record.policy().is_none();
    });
    let (ledger, opened) = found.unwrap();
    assert_eq!(records, opened.records);
    if nothing {
        ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    }
    (ledger, opened)
}

pub fn write(ledger: &Ledger, agent: &str, agent_seq: u64) -> Result<Receipt, Unavailable> {
    ledger.append_and_wait(decision(agent, agent_seq), NOW, WAIT)
}

pub fn checked(server: &Server) -> Result<Fleet, PostgresError> {
    verify(&server.address(), STACK, &mut |_| {})
}

/// What was acknowledged, by number.
pub type Acknowledged = Arc<Mutex<BTreeMap<u64, Hash>>>;

/// Appends as fast as at most 256 waiting records allow, until it is stopped. Gives how many were
/// refused.
pub fn load(ledger: &Ledger, agent: &str, acknowledged: &Acknowledged, stop: &AtomicBool) -> u64 {
    let (sender, receiver) = channel();
    let (mut agent_seq, mut waiting, mut refused) = (0, 0, 0);
    while !stop.load(Ordering::Acquire) || waiting > 0 {
        while waiting < 256 && !stop.load(Ordering::Acquire) {
            let (sender, acknowledged) = (sender.clone(), Arc::clone(acknowledged));
            agent_seq += 1;
            waiting += 1;
            let completion = Box::new(move |result: Result<Receipt, Unavailable>| {
                if let Ok(receipt) = &result {
                    let before = acknowledged.lock().unwrap().insert(receipt.seq(), receipt.hash());
                    assert_eq!(before, None, "acknowledged twice");
                }
                let _ = sender.send(result.is_ok());
            });
            if ledger.append(decision(agent, agent_seq), NOW, completion).is_err() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        ledger.commit(Commit::Handover);
        if let Ok(kept) = receiver.recv_timeout(WAIT) {
            waiting -= 1;
            refused += u64::from(!kept);
        } else {
            panic!("a record was never answered for");
        }
    }
    refused
}

/// Every acknowledged record is in the table, once, as it was acknowledged, and the chain verifies.
pub fn nothing_is_lost(server: &Server, instance: &str, acknowledged: &Acknowledged) -> u64 {
    let fleet = checked(server).unwrap();
    let (_, report) = fleet.chains.iter().find(|(name, _)| name == instance).unwrap();
    let mut stored = BTreeMap::new();
    let reader = Reader::new(server.address(), STACK, Some(instance));
    reader
        .each(&Filter::default(), &mut |record| {
            assert_eq!(stored.insert(record.seq(), record.hash()), None, "stored twice");
        })
        .unwrap();
    // The server may still have committed what a killed writer had sent.
    assert!(u64::try_from(stored.len()).unwrap() >= report.records);
    let acknowledged = acknowledged.lock().unwrap();
    for (seq, hash) in acknowledged.iter() {
        assert_eq!(stored.get(seq), Some(hash), "record {seq} was acknowledged");
    }
    u64::try_from(acknowledged.len()).unwrap()
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < WAIT, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
