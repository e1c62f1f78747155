//! The ordinary life of a ledger: records are kept, read, found, verified, and go on after a restart.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faramesh_call::{Effect, Timestamp, Value};
use faramesh_dpr::{Draft, Kind, Record};
use faramesh_ledger::{
    Commit, Event, Filter, Ledger, OpenError, Opened, Options, Reader, Unavailable, verify, verify_memory,
};
use faramesh_testkit::{decision, policy};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);

fn options(directory: &Path) -> Options {
    Options {
        segment_bytes: 32 << 10,
        first_segment_bytes: 16 << 10,
        reserve_bytes: 0,
        ..Options::new(directory, "payments", "host-1")
    }
}

fn open(directory: &Path) -> (Ledger, Opened, Vec<Record>) {
    let mut replayed = Vec::new();
    let (ledger, opened) =
        Ledger::open(options(directory), NOW, &mut |record| replayed.push(record.clone())).unwrap();
    (ledger, opened, replayed)
}

fn fill(ledger: &Ledger, agent_seqs: std::ops::Range<u64>) {
    for agent_seq in agent_seqs {
        ledger.append_and_wait(decision("support", agent_seq), NOW.plus_ms(agent_seq), WAIT).unwrap();
    }
}

#[test]
fn kept_records_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, opened, replayed) = open(folder.path());
    assert_eq!((opened.records, opened.epoch, replayed.len()), (1, 1, 1));
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    fill(&ledger, 1..100);
    let status = ledger.status();
    assert_eq!((status.last_seq, status.epoch, status.backend), (101, 1, "sqlite"));
    assert!(status.segment > 2, "the segments are small, so there must be several: {status:?}");
    drop(ledger);
    let (ledger, opened, replayed) = open(folder.path());
    assert_eq!((opened.records, opened.epoch, opened.cut, opened.warnings), (102, 2, None, vec![]));
    let seqs: Vec<u64> = replayed.iter().map(Record::seq).collect();
    assert_eq!(seqs, (1..=102).collect::<Vec<u64>>());
    assert_eq!(replayed[101].prev(), status.last_hash);
    // The policy goes on, and so do the agent's own numbers.
    fill(&ledger, 100..103);
    let refused = ledger.append_and_wait(decision("support", 100), NOW, WAIT);
    assert!(matches!(refused, Err(Unavailable::Refused(_))), "{refused:?}");
    ledger.close();
    let report = verify(folder.path(), &mut |_| {}).unwrap();
    assert_eq!((report.records, report.epochs, report.incomplete_bytes), (105, 2, 0));
    assert_eq!(report.agents["support"], 102);
    assert_eq!(report.policies.values().sum::<u64>(), 102);
}

#[test]
fn a_folder_has_one_writer_and_one_stack() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, ..) = open(folder.path());
    let again = Ledger::open(options(folder.path()), NOW, &mut |_| {});
    assert!(matches!(again, Err(OpenError::Locked(_))));
    drop(ledger);
    let other = Options { stack: "hr".into(), ..options(folder.path()) };
    assert!(matches!(Ledger::open(other, NOW, &mut |_| {}), Err(OpenError::OtherStack { .. })));
    let unnamed = Options { instance: String::new(), ..options(folder.path()) };
    assert!(matches!(Ledger::open(unnamed, NOW, &mut |_| {}), Err(OpenError::Name("instance"))));
    for (path, mode) in [("00000001.wal", 0o600), ("lock", 0o600)] {
        let found = std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
}

#[test]
fn completions_run_in_order_and_once() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in [open(folder.path()).0, Ledger::memory("payments", "dev", 100_000)] {
        ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
        let (sender, receiver) = channel();
        let ledger = Arc::new(ledger);
        let counter = Arc::new(Mutex::new(0_u64));
        std::thread::scope(|scope| {
            for client in 0..8 {
                let (sender, ledger, counter) = (sender.clone(), Arc::clone(&ledger), Arc::clone(&counter));
                scope.spawn(move || {
                    for call in 0..200 {
                        let mut agent_seq = counter.lock().unwrap();
                        *agent_seq += 1;
                        let sender = sender.clone();
                        let done = Box::new(move |result| sender.send(result).unwrap());
                        ledger.append(decision("support", *agent_seq), NOW, done).unwrap();
                        drop(agent_seq);
                        let mode = if (client + call) % 3 == 0 { Commit::Inline } else { Commit::Handover };
                        ledger.commit(mode);
                    }
                });
            }
        });
        let receipts: Vec<_> = (0..1_600).map(|_| receiver.recv_timeout(WAIT).unwrap().unwrap()).collect();
        assert!(receipts.windows(2).all(|pair| pair[0].seq() + 1 == pair[1].seq()));
        assert!(receipts.windows(2).all(|pair| pair[0].id() < pair[1].id()));
        assert_eq!(ledger.status().last_hash, receipts[1_599].hash());
        ledger.close();
        assert!(receiver.try_recv().is_err());
        let refused = ledger.append_and_wait(decision("support", 5_000), NOW, WAIT);
        assert_eq!(refused, Err(Unavailable::Closed));
    }
    assert_eq!(verify(folder.path(), &mut |_| {}).unwrap().records, 1_602);
}

#[test]
fn memory_keeps_the_newest() {
    let ledger = Ledger::memory("payments", "dev", 50);
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    fill(&ledger, 1..100);
    let status = ledger.status();
    assert_eq!((status.backend, status.records, status.last_seq), ("memory", 50, 100));
    let all = ledger.query(&Filter::default()).unwrap();
    assert_eq!((all.len(), all[0].seq(), all[49].seq()), (50, 51, 100));
    let bytes = || all.iter().map(|record| record.bytes().clone());
    assert_eq!(verify_memory(bytes()).unwrap().records, 50);
    assert!(verify_memory(bytes().skip(1).chain(bytes().take(1))).is_err());
    let newest = ledger.query(&Filter { newest_first: true, limit: Some(2), ..Filter::default() }).unwrap();
    assert_eq!(newest.iter().map(Record::seq).collect::<Vec<_>>(), [100, 99]);
    assert_eq!(ledger.get(&all[7].id().to_string()).unwrap(), [all[7].clone()]);
}

#[test]
fn records_are_found_with_the_index_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, ..) = open(folder.path());
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    fill(&ledger, 1..60);
    let mut deny = decision("billing", 1);
    deny.effect = Some(Effect::Deny);
    deny.tool = Some("stripe/payout".into());
    let approval: faramesh_call::Object =
        [("id", Value::from("apr-7")), ("status", Value::from("pending"))].into_iter().collect();
    deny.approval = Some(approval.into());
    let denied = ledger.append_and_wait(deny, NOW.plus_ms(1_000), WAIT).unwrap();
    let limit = Instant::now() + WAIT;
    while ledger.status().index_lag != Some(0) {
        assert!(Instant::now() < limit, "the index does not come up");
        std::thread::sleep(Duration::from_millis(5));
    }
    let filters = [
        (Filter::default(), 62),
        (Filter { agent: Some("support".into()), ..Filter::default() }, 59),
        (Filter { agent: Some("nobody".into()), ..Filter::default() }, 0),
        (Filter { effect: Some(Effect::Deny), ..Filter::default() }, 1),
        (Filter { tool: Some("stripe/*".into()), ..Filter::default() }, 60),
        (Filter { tool: Some("*/payout".into()), ..Filter::default() }, 1),
        (Filter { kind: Some(Kind::Policy), ..Filter::default() }, 1),
        (Filter { rule: Some("governance.fms:12".into()), ..Filter::default() }, 60),
        (Filter { session: Some("sess-01J9Z3".into()), limit: Some(5), ..Filter::default() }, 5),
        (Filter { since: Some(NOW.plus_ms(50)), until: Some(NOW.plus_ms(60)), ..Filter::default() }, 10),
        (Filter { after_seq: Some(60), newest_first: true, ..Filter::default() }, 2),
        (
            Filter {
                agent: Some("support".into()),
                tool: Some("stripe/*".into()),
                until: Some(NOW.plus_ms(20)),
                limit: Some(3),
                newest_first: true,
                ..Filter::default()
            },
            3,
        ),
        (Filter { agent: Some("billing".into()), effect: Some(Effect::Permit), ..Filter::default() }, 0),
        (Filter { tool: Some("nothing/*".into()), ..Filter::default() }, 0),
        (Filter { since: Some(NOW.plus_ms(5_000)), ..Filter::default() }, 0),
        (Filter { kind: Some(Kind::Decision), since: Some(NOW.plus_ms(1_000)), ..Filter::default() }, 1),
        (Filter::by_id("apr-7"), 1),
        (Filter::by_id(&denied.id().to_string()), 1),
        (Filter::by_id(&denied.id().to_string().replace("dpr-", "act-")), 1),
        (Filter::by_id(&denied.id().to_string()[..8]), 62),
        (Filter::by_id("dpr-nonsense!"), 0),
        (Filter::by_id(""), 0),
    ];
    let check = |what: &str| {
        let reader = Reader::open(folder.path()).unwrap();
        let answers: Vec<Vec<Record>> =
            filters.iter().map(|(filter, _)| reader.query(filter).unwrap()).collect();
        for ((filter, expected), answer) in filters.iter().zip(&answers) {
            assert_eq!(answer.len(), *expected, "{what}: {filter:?}");
        }
        answers
    };
    let indexed = check("index and daemon");
    ledger.close();
    assert_eq!(check("index"), indexed);
    let database = rusqlite::Connection::open(folder.path().join("index.sqlite")).unwrap();
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    database.pragma_update(None, "user_version", version + 1).unwrap();
    drop(database);
    assert_eq!(check("index of another version"), indexed);
    std::fs::write(folder.path().join("index.sqlite"), b"not a database at all").unwrap();
    assert_eq!(check("broken index"), indexed);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("index.sqlite{suffix}")));
    }
    assert_eq!(check("no index"), indexed);
    let records = Reader::open(folder.path()).unwrap().records().unwrap();
    assert_eq!(records.map(|record| record.unwrap().1).collect::<Vec<_>>(), indexed[0]);
}

#[test]
fn followers_see_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, ..) = open(folder.path());
    let (woken, wakes) = channel();
    let follower = ledger.subscribe(10, Some(Box::new(move || woken.send(()).unwrap())));
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    wakes.recv_timeout(WAIT).unwrap();
    let Some(Event::Record(bytes)) = follower.next_within(WAIT) else { panic!("no record came") };
    assert_eq!(Record::parse(bytes).unwrap().kind(), Kind::Policy);
    fill(&ledger, 1..16);
    assert_eq!(follower.try_next(), Some(Event::Lagged(5)));
    let seqs = std::iter::from_fn(|| match follower.try_next() {
        Some(Event::Record(bytes)) => Some(Record::parse(bytes).unwrap().seq()),
        _ => None,
    });
    assert_eq!(seqs.collect::<Vec<_>>(), (8..=17).collect::<Vec<u64>>());
    ledger.close();
    assert_eq!(follower.try_next(), Some(Event::Closed));
}

#[test]
fn a_folder_that_is_written_can_be_read_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, ..) = open(folder.path());
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| fill(&ledger, 1..1_500));
        let mut last = 0;
        let mut rounds = 0;
        while !writer.is_finished() {
            let report = verify(folder.path(), &mut |_| {}).unwrap();
            assert!(report.records >= last);
            last = report.records;
            rounds += 1;
            let newest = Filter { newest_first: true, limit: Some(3), ..Filter::default() };
            let found = ledger.query(&newest).unwrap();
            assert!(found.len() >= usize::try_from(last.min(3)).unwrap());
            assert!(found.windows(2).all(|pair| pair[0].seq() == pair[1].seq() + 1));
        }
        assert!(rounds > 2, "the writer was too fast for the test");
    });
    assert_eq!(verify(folder.path(), &mut |_| {}).unwrap().records, 1_501);
}

#[test]
fn a_record_that_no_frame_holds_is_refused_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, ..) = open(folder.path());
    let big = Draft::event(Kind::Lifecycle, Value::from("x".repeat(2 << 20)));
    let refused = ledger.append_and_wait(big, NOW, WAIT);
    assert!(matches!(refused, Err(Unavailable::TooLarge { .. })), "{refused:?}");
    // Larger than a segment, but not than a frame: it gets a segment of its own size.
    let large = Draft::event(Kind::Lifecycle, Value::from("x".repeat(1 << 20)));
    ledger.append_and_wait(large, NOW, WAIT).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    drop(ledger);
    assert_eq!(open(folder.path()).1.records, 4);
}
