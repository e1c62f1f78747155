//! Failing disks: whichever operation fails, however, no caller is told that a record is kept which
//! is not there when the ledger is opened again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use faramesh_call::{Effect, Timestamp};
use faramesh_dpr::{Hash, Record};
use faramesh_ledger::{Commit, Disk, Ledger, OpenError, Options, RealDisk, Receipt, Unavailable, verify_on};
use faramesh_testkit::{Fault, FaultyDisk, ForgetfulDisk, Operation, Seed, Times, decision, policy};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);

fn options(directory: &Path, disk: Arc<dyn Disk>) -> Options {
    Options {
        segment_bytes: 20 << 10,
        first_segment_bytes: 10 << 10,
        reserve_bytes: 0,
        index: false,
        disk,
        ..Options::new(directory, "payments", "host-1")
    }
}

/// 100 records, some one by one, some in batches; the receipts that callers got.
fn script(ledger: &Ledger) -> Vec<Receipt> {
    let (sender, receiver) = channel();
    let (mut appended, mut agent_seq) = (0, 0);
    for round in 0..28 {
        for _ in 0..=(round % 7) {
            if appended == 100 {
                break;
            }
            let draft = if appended == 0 {
                policy()
            } else {
                agent_seq += 1;
                decision("support", agent_seq)
            };
            appended += 1;
            let sender = sender.clone();
            let _ = ledger.append(draft, NOW, Box::new(move |result| sender.send(result).unwrap()));
        }
        ledger.commit(if round % 2 == 0 { Commit::Inline } else { Commit::Handover });
    }
    ledger.close();
    let results: Vec<Result<Receipt, Unavailable>> =
        (0..appended).map(|_| receiver.recv_timeout(WAIT).unwrap()).collect();
    assert!(receiver.try_recv().is_err(), "a completion ran twice");
    results.into_iter().flatten().collect()
}

fn reopen(directory: &Path, disk: Arc<dyn Disk>) -> Result<BTreeMap<u64, Hash>, OpenError> {
    let mut records = BTreeMap::new();
    let mut keep = |record: &Record| assert!(records.insert(record.seq(), record.hash()).is_none());
    let (ledger, _) = Ledger::open(options(directory, disk), NOW, &mut keep)?;
    drop(ledger);
    Ok(records)
}

fn assert_kept(receipts: &[Receipt], records: &BTreeMap<u64, Hash>, what: &str) {
    for receipt in receipts {
        assert_eq!(records.get(&receipt.seq()), Some(&receipt.hash()), "{what}: record {}", receipt.seq());
    }
}

/// Runs the script with one planned fault, and opens the folder again on a good disk.
fn run(operation: Operation, nth: u64, fault: Fault, times: Times) -> (u64, usize) {
    let disk = ForgetfulDisk::new();
    let faulty = FaultyDisk::new(Arc::new(disk.clone()), operation, nth, fault, times);
    let directory = PathBuf::from("/ledger");
    let what = format!("{operation:?} {nth} {fault:?} {times:?}");
    let receipts = match Ledger::open(options(&directory, Arc::new(faulty.clone())), NOW, &mut |_| {}) {
        Ok((ledger, _)) => {
            let receipts = script(&ledger);
            let poisoned = ledger.append_and_wait(decision("x", 1), NOW, WAIT).unwrap_err();
            assert!(!ledger.is_healthy(), "{what}: {poisoned}");
            receipts
        }
        Err(error) => {
            assert!(!matches!(error, OpenError::Damage(_)), "{what}: {error}");
            Vec::new()
        }
    };
    // What a sync covered stays whatever happens to the power now.
    disk.power_cut(&mut Seed(nth));
    let records =
        reopen(&directory, Arc::new(disk.clone())).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_kept(&receipts, &records, &what);
    let report = verify_on(Arc::new(disk), &directory, &mut |_| {}).unwrap();
    assert_eq!(report.records, u64::try_from(records.len()).unwrap(), "{what}");
    (faulty.seen(), receipts.len())
}

#[test]
fn every_operation_that_fails() {
    for operation in [Operation::Write, Operation::Sync, Operation::Open, Operation::Rename] {
        let (count, kept) = run(operation, 0, Fault::Io, Times::Once);
        assert_eq!(kept, 100);
        assert!(count >= if operation == Operation::Rename { 5 } else { 8 }, "{operation:?}: {count}");
        for fault in [Fault::Io, Fault::Full, Fault::Interrupted, Fault::Short] {
            for times in [Times::Once, Times::Forever] {
                let mut lost = 0;
                for nth in 1..=count {
                    let (_, kept) = run(operation, nth, fault, times);
                    let harmless = times == Times::Once
                        && (fault == Fault::Interrupted
                            || (fault, operation) == (Fault::Short, Operation::Write));
                    assert!(!harmless || kept == 100, "{operation:?} {nth} {fault:?}: {kept} kept");
                    lost += 100 - kept;
                }
                let must_hurt = times == Times::Forever && fault != Fault::Short;
                assert!(!must_hurt || lost > 0, "{operation:?} {fault:?} for ever and nothing was lost");
            }
        }
    }
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 20_000 } else { 300 };
    let mut cuts = 0;
    for round in 0..rounds {
        let mut seed = Seed(round);
        let disk = ForgetfulDisk::new();
        let directory = PathBuf::from("/ledger");
        let mut kept: Vec<Receipt> = Vec::new();
        let mut agent_seq = 0;
        for life in 0..3 {
            // The power goes while the n-th write or sync is made.
            let operation = if seed.coin() { Operation::Write } else { Operation::Sync };
            let faulty = FaultyDisk::new(
                Arc::new(disk.clone()),
                operation,
                1 + seed.below(30),
                if seed.coin() { Fault::Io } else { Fault::Short },
                Times::Forever,
            );
            let mut records = BTreeMap::new();
            let mut keep = |record: &Record| assert!(records.insert(record.seq(), record.hash()).is_none());
            let opened = Ledger::open(options(&directory, Arc::new(faulty)), NOW, &mut keep);
            let (ledger, opened) = match opened {
                Ok(opened) => opened,
                Err(OpenError::Damage(damage)) => panic!("round {round}, life {life}: {damage}"),
                Err(_) => {
                    disk.power_cut(&mut seed);
                    continue;
                }
            };
            cuts += usize::from(opened.cut.is_some());
            assert_kept(&kept, &records, &format!("round {round}, life {life}"));
            let (sender, receiver) = channel();
            for step in 0..40 {
                let draft =
                    if records.len() + step < 2 { policy() } else { decision("support", agent_seq + 1) };
                agent_seq += 1;
                let sender = sender.clone();
                let done = Box::new(move |result| drop(sender.send(result)));
                if ledger.append(draft, NOW, done).is_err() {
                    break;
                }
                if seed.below(4) == 0 {
                    ledger.commit(Commit::Inline);
                }
            }
            ledger.commit(Commit::Inline);
            disk.power_cut(&mut seed);
            drop(ledger);
            drop(sender);
            kept.extend(receiver.iter().flatten());
        }
        let records =
            reopen(&directory, Arc::new(disk)).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_kept(&kept, &records, &format!("round {round}"));
    }
    assert!(cuts > 20, "the cuts were too gentle to test anything: {cuts}");
}

#[test]
fn a_full_disk_denies_permits_and_keeps_denials() {
    let disk = ForgetfulDisk::new();
    let directory = PathBuf::from("/ledger");
    let full = FaultyDisk::new(Arc::new(disk), Operation::Write, 0, Fault::Full, Times::Forever);
    let options = Options { reserve_bytes: 40 << 10, ..options(&directory, Arc::new(full.clone())) };
    let (ledger, _) = Ledger::open(options, NOW, &mut |_| {}).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    // The reserve is made when the ledger has rested for a moment.
    let reserve = directory.join("reserve.tmp");
    let made = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        full.list(&directory).unwrap().contains(&"reserve.tmp".to_owned())
            && reserve_is_whole(&full, &reserve)
    });
    assert!(made, "no reserve was made");
    std::thread::sleep(Duration::from_millis(100));
    full.fill_up(true);
    let mut agent_seq = 0;
    let mut permit = |ledger: &Ledger| {
        agent_seq += 1;
        ledger.append_and_wait(decision("support", agent_seq), NOW, WAIT)
    };
    let refused = (0..100).find_map(|_| permit(&ledger).err());
    assert_eq!(refused, Some(Unavailable::DiskFull));
    assert!(ledger.is_healthy());
    for deny_seq in 1..10 {
        let deny = faramesh_dpr::Draft { effect: Some(Effect::Deny), ..decision("billing", deny_seq) };
        ledger.append_and_wait(deny, NOW, WAIT).unwrap();
        assert_eq!(permit(&ledger), Err(Unavailable::DiskFull));
    }
    assert!(ledger.status().disk_full);
    full.fill_up(false);
    std::thread::sleep(Duration::from_millis(300));
    permit(&ledger).unwrap();
    assert!(!ledger.status().disk_full);
    ledger.close();
    verify_on(Arc::new(full), &directory, &mut |_| {}).unwrap();
}

fn reserve_is_whole(disk: &FaultyDisk, path: &Path) -> bool {
    let file = disk.open(path, faramesh_ledger::OpenMode::Read);
    file.is_ok_and(|file| file.length().is_ok_and(|length| length == 40 << 10))
}

#[test]
fn a_panicking_completion_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(options(folder.path(), Arc::new(RealDisk)), NOW, &mut |_| {}).unwrap();
    ledger.append(policy(), NOW, Box::new(|_| panic!("on purpose"))).unwrap();
    ledger.append_and_wait(decision("support", 1), NOW, WAIT).unwrap();
    assert_eq!(ledger.status().last_seq, 3);
}
