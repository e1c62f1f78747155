//! Compaction: old bodies go to an archive, the chain goes on over what stays, and neither a sudden end
//! nor a failing disk at any step loses a record.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_dpr::{Draft, Record};
use faramesh_ledger::{
    Archive, ArchivedSegment, Archives, CompactError, Compaction, Cursor, DEFAULT_ARCHIVE, Disk, Feed,
    Filter, FolderArchive, Ledger, LocalKeys, OpenError, Options, Reader, RealDisk, Report, Signing,
    WalkError, verify_archived,
};
use faramesh_testkit::{Fault, FaultyDisk, ForgetfulDisk, Operation, Seed, Times, decision, policy};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);
const DAY: u64 = 86_400_000;
const FOLDER: &str = "/ledger";

fn options(directory: &Path, disk: Arc<dyn Disk>) -> Options {
    Options {
        segment_bytes: 16 << 10,
        first_segment_bytes: 8 << 10,
        reserve_bytes: 0,
        index: false,
        disk,
        ..Options::new(directory, "payments", "host-1")
    }
}

/// A ledger that is opened at a day, counted from the first.
fn open_at(directory: &Path, disk: Arc<dyn Disk>, day: u64) -> Result<(Ledger, Vec<u64>), OpenError> {
    let mut replayed = Vec::new();
    let now = Timestamp(NOW.0 + day * DAY);
    let opened = Ledger::open(options(directory, disk), now, &mut |record| replayed.push(record.seq()));
    opened.map(|(ledger, _)| (ledger, replayed))
}

fn append(ledger: &Ledger, draft: Draft<'_>, day: u64) -> u64 {
    ledger.append_and_wait(draft, Timestamp(NOW.0 + day * DAY), WAIT).unwrap().seq()
}

/// Forty records on day 0, forty on day 100.
fn fill(ledger: &Ledger) {
    append(ledger, policy(), 0);
    for number in 1..=40 {
        append(ledger, decision("support", number), 0);
    }
    for number in 41..=80 {
        append(ledger, decision("support", number), 100);
    }
}

fn archive(directory: &Path, disk: &Arc<dyn Disk>) -> FolderArchive {
    FolderArchive::of_ledger(Arc::clone(disk), directory, DEFAULT_ARCHIVE)
}

fn compact(
    ledger: &Ledger,
    archive: &dyn Archive,
    before_day: u64,
) -> (Vec<ArchivedSegment>, Result<(), CompactError>) {
    let before = Timestamp(NOW.0 + before_day * DAY);
    let mut done = Vec::new();
    let wanted = Compaction { before, last_seq: u64::MAX, archive, needed: &|_| false };
    let result = ledger.compact(&wanted, &mut |segment| done.push(segment));
    (done, result)
}

#[derive(Debug)]
struct Folders(Arc<dyn Disk>, PathBuf);

impl Archives for Folders {
    fn at(&self, location: &str) -> io::Result<Arc<dyn Archive>> {
        Ok(Arc::new(FolderArchive::of_ledger(Arc::clone(&self.0), &self.1, location)))
    }
}

fn verify(disk: &Arc<dyn Disk>, directory: &Path, with_bodies: bool) -> Result<Report, WalkError> {
    let archives: Arc<dyn Archives> = Arc::new(Folders(Arc::clone(disk), directory.to_path_buf()));
    verify_archived(Arc::clone(disk), directory, None, with_bodies.then_some(archives), &mut |_| {})
}

/// A compacted ledger in memory, closed.
fn compacted() -> ForgetfulDisk {
    let disk = ForgetfulDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let directory = Path::new(FOLDER);
    let (ledger, _) = open_at(directory, Arc::clone(&shared), 0).unwrap();
    fill(&ledger);
    let (done, result) = compact(&ledger, &archive(directory, &shared), 50);
    result.unwrap();
    assert!(done.len() >= 2, "{done:?}");
    disk
}

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

#[test]
fn the_chain_goes_on_over_what_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, disk): (_, Arc<dyn Disk>) = (folder.path(), Arc::new(RealDisk));
    let (ledger, _) = open_at(directory, Arc::clone(&disk), 0).unwrap();
    fill(&ledger);
    let before = verify(&disk, directory, false).unwrap();
    let (done, result) = compact(&ledger, &archive(directory, &disk), 50);
    result.unwrap();
    assert!(done.len() >= 2 && done[0].kept >= 2, "{done:?}");
    for segment in &done {
        assert!(segment.last_time < Timestamp(NOW.0 + DAY));
        assert!(!directory.join(format!("{:08}.wal", segment.segment)).exists());
        assert!(directory.join(format!("archive/{:08}.wal", segment.segment)).exists());
    }
    let (again, result) = compact(&ledger, &archive(directory, &disk), 50);
    result.unwrap();
    assert!(again.is_empty(), "{again:?}");
    append(&ledger, decision("support", 81), 100);
    drop(ledger);

    let report = verify(&disk, directory, false).unwrap();
    assert_eq!(report.records, before.records + u64::try_from(done.len()).unwrap() + 1);
    assert_eq!(report.archived.len(), done.len());
    assert!(report.archived.iter().all(|segment| !segment.checked));
    let whole = verify(&disk, directory, true).unwrap();
    assert!(whole.archived.iter().all(|segment| segment.checked));
    assert_eq!((whole.records, whole.last_hash), (report.records, report.last_hash));
    assert_eq!(whole.agents["support"], 81);

    let (ledger, replayed) = open_at(directory, Arc::clone(&disk), 100).unwrap();
    assert_eq!(replayed[..2], [1, 2], "the first records are needed");
    assert!(!replayed.contains(&5) && replayed.contains(&report.records));
    let refused = ledger.append_and_wait(decision("support", 7), NOW, WAIT);
    assert!(refused.is_err(), "the numbers of agents go on");
    append(&ledger, decision("support", 82), 100);
}

#[test]
fn readers_and_feeds_see_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, disk): (_, Arc<dyn Disk>) = (folder.path(), Arc::new(RealDisk));
    let indexed = Options { index: true, ..options(directory, Arc::clone(&disk)) };
    let (ledger, _) = Ledger::open(indexed, NOW, &mut |_| {}).unwrap();
    fill(&ledger);
    let wait_for_index = || {
        for _ in 0..2_000 {
            if ledger.status().index_lag == Some(0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the index lags");
    };
    wait_for_index();
    let reader = Reader::open(directory).unwrap();
    let old = reader.query(&Filter { after_seq: Some(4), limit: Some(1), ..Filter::default() }).unwrap();
    let mut feed = Feed::behind(&ledger, Cursor::START).unwrap().unwrap();
    let early = feed.read(&ledger, 10, 1 << 20).unwrap().last().unwrap().cursor;
    let (done, result) = compact(&ledger, &archive(directory, &disk), 50);
    result.unwrap();
    wait_for_index();
    let first_live = done.last().unwrap().last_seq + 1;
    for index in [true, false] {
        if !index {
            drop(std::fs::remove_file(directory.join("index.sqlite")));
        }
        let all = reader.query(&Filter::default()).unwrap();
        assert_eq!(all[..2].iter().map(Record::seq).collect::<Vec<_>>(), [1, 2], "index {index}");
        assert_eq!(all.iter().filter(|record| record.seq() >= first_live).count(), all.len() - 2);
        let newest = Filter { newest_first: true, limit: Some(3), ..Filter::default() };
        assert_eq!(reader.query(&newest).unwrap()[0].seq(), ledger.last_seq());
        let oldest = Filter { limit: Some(3), ..Filter::default() };
        let oldest: Vec<u64> = reader.query(&oldest).unwrap().iter().map(Record::seq).collect();
        assert_eq!(oldest, [1, 2, first_live], "index {index}");
        let id = old[0].id().to_string();
        assert!(reader.get(&id).unwrap().is_empty());
        let found = reader.archived_with(&id).unwrap();
        assert_eq!(found.map(|segment| segment.segment), index.then_some(1));
    }
    assert_eq!(reader.archived().unwrap().len(), done.len());
    // A cursor of a record whose body went is known, and what is left of it comes.
    let mut feed = Feed::behind(&ledger, early).unwrap().unwrap();
    assert_eq!(feed.read(&ledger, 1, 1 << 20).unwrap()[0].cursor.seq, first_live);
    let strange = Cursor { hash: [9; 32], ..early };
    assert!(Feed::behind(&ledger, strange).unwrap().is_none());
}

#[test]
fn what_is_needed_or_still_to_be_read_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, disk): (_, Arc<dyn Disk>) = (folder.path(), Arc::new(RealDisk));
    let (ledger, _) = open_at(directory, Arc::clone(&disk), 0).unwrap();
    fill(&ledger);
    let archive = archive(directory, &disk);
    let before = Timestamp(NOW.0 + 50 * DAY);
    let needed = |record: &Record| record.seq() == 6;
    let mut done = Vec::new();
    let wanted = Compaction { before, last_seq: 5, archive: &archive, needed: &needed };
    ledger.compact(&wanted, &mut |segment| done.push(segment)).unwrap();
    assert!(done.is_empty(), "a reader is not that far: {done:?}");
    let wanted = Compaction { last_seq: u64::MAX, ..wanted };
    ledger.compact(&wanted, &mut |segment| done.push(segment)).unwrap();
    assert_eq!(done[0].kept, 3);
    drop(ledger);
    let (_, replayed) = open_at(directory, disk, 100).unwrap();
    assert_eq!(replayed[..3], [1, 2, 6]);
}

#[test]
fn whatever_is_changed_is_named() {
    let base = compacted();
    let shared: Arc<dyn Disk> = Arc::new(base.clone());
    verify(&shared, Path::new(FOLDER), true).unwrap();
    let flip = |bytes: &mut Vec<u8>, place: usize| bytes[place] ^= 1;
    for name in ["00000001.digests", "00000001.carry", "00000001.manifest", "archive/00000001.wal"] {
        let good = base.contents(&file(name)).unwrap();
        for place in [0, 33, good.len() / 3, good.len() / 2, good.len() - 2] {
            let disk = base.fork();
            let mut bytes = good.clone();
            flip(&mut bytes, place);
            disk.overwrite(&file(name), &bytes);
            let shared: Arc<dyn Disk> = Arc::new(disk);
            let error = verify(&shared, Path::new(FOLDER), true).unwrap_err().to_string();
            assert!(error.contains("00000001."), "{name} {place}: {error}");
            let opened = open_at(Path::new(FOLDER), shared, 100);
            // Archived bodies are not looked at when a ledger is opened.
            assert_eq!(opened.is_ok(), name.starts_with("archive"), "{name} {place}");
        }
        let disk = base.fork();
        disk.remove(&file(name)).unwrap();
        let shared: Arc<dyn Disk> = Arc::new(disk);
        assert!(verify(&shared, Path::new(FOLDER), true).is_err(), "{name} is gone");
    }
}

#[test]
fn a_forged_compaction_is_seen() {
    // Somebody who changes a needed record, its digest, the root and the carry alike lacks the chain.
    let disk = compacted();
    let carry = String::from_utf8(disk.contents(&file("00000001.carry")).unwrap()).unwrap();
    let forged = carry.replace("\"support\",\"agent_seq\":", "\"support\",\"agent_seq\":1");
    assert_ne!(forged, carry);
    disk.overwrite(&file("00000001.carry"), forged.as_bytes());
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let error = verify(&shared, Path::new(FOLDER), false).unwrap_err().to_string();
    assert!(error.contains("00000001.carry") && error.contains("carry.sha256"), "{error}");
}

#[test]
fn an_archive_of_another_ledger_is_refused_and_nothing_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, disk): (_, Arc<dyn Disk>) = (folder.path(), Arc::new(RealDisk));
    let (ledger, _) = open_at(directory, Arc::clone(&disk), 0).unwrap();
    fill(&ledger);
    std::fs::create_dir(directory.join("archive")).unwrap();
    std::fs::write(directory.join("archive/00000001.wal"), "another").unwrap();
    let (done, result) = compact(&ledger, &archive(directory, &disk), 50);
    let error = result.unwrap_err().to_string();
    assert!(done.is_empty() && error.contains("another `00000001.wal` is there"), "{error}");
    drop(ledger);
    assert!(verify(&disk, directory, false).unwrap().archived.is_empty());
}

#[test]
fn signed_ledgers_are_compacted_too() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, disk): (_, Arc<dyn Disk>) = (folder.path(), Arc::new(RealDisk));
    let open = |day: u64| {
        let signers = LocalKeys::open(directory, true).unwrap().signers();
        let signing = Signing { mode: None, signers, successor: None };
        let options = Options { signing: Some(signing), ..options(directory, Arc::clone(&disk)) };
        Ledger::open(options, Timestamp(NOW.0 + day * DAY), &mut |_| {}).unwrap().0
    };
    let ledger = open(0);
    fill(&ledger);
    let (done, result) = compact(&ledger, &archive(directory, &disk), 50);
    result.unwrap();
    assert!(done.len() >= 2);
    drop(ledger);
    drop(open(100));
    for bodies in [false, true] {
        let report = verify(&disk, directory, bodies).unwrap();
        assert_eq!(report.signatures.keys.len(), 1, "{bodies}");
    }
}

/// Fails everything from the n-th operation of a kind on, while a ledger is compacted.
fn run(operation: Operation, nth: u64) -> bool {
    let disk = ForgetfulDisk::new();
    let directory = Path::new(FOLDER);
    let (ledger, _) = open_at(directory, Arc::new(disk.clone()), 0).unwrap();
    fill(&ledger);
    let receipts = ledger.last_seq();
    drop(ledger);
    let faulty = FaultyDisk::new(Arc::new(disk.clone()), operation, nth, Fault::Io, Times::Forever);
    let shared: Arc<dyn Disk> = Arc::new(faulty);
    let what = format!("{operation:?} {nth}");
    let whole = match open_at(directory, Arc::clone(&shared), 100) {
        Ok((ledger, _)) => compact(&ledger, &archive(directory, &shared), 50).1.is_ok(),
        Err(OpenError::Damage(damage)) => panic!("{what}: {damage}"),
        Err(_) => false,
    };
    disk.power_cut(&mut Seed(nth));
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (ledger, _) =
        open_at(directory, Arc::clone(&shared), 100).unwrap_or_else(|error| panic!("{what}: {error}"));
    // What was begun is finished or undone.
    let names = disk.list(directory).unwrap();
    for name in names.iter().filter_map(|name| name.strip_suffix(".wal")) {
        assert!(!names.contains(&format!("{name}.carry")), "{what}: {names:?}");
        assert!(!names.contains(&format!("{name}.digests")), "{what}: {names:?}");
    }
    let report = verify(&shared, directory, true).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(report.records > receipts, "{what}");
    compact(&ledger, &archive(directory, &shared), 50).1.unwrap();
    let report = verify(&shared, directory, true).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(report.archived.len() >= 2, "{what}");
    assert_eq!(report.agents["support"], 80, "{what}");
    whole
}

#[test]
fn whatever_fails_while_it_is_compacted_nothing_is_lost() {
    for operation in
        [Operation::Write, Operation::Sync, Operation::Open, Operation::Rename, Operation::Remove]
    {
        let mut nth = 1;
        while !run(operation, nth) {
            nth += 1;
            assert!(nth < 500, "{operation:?}: it never comes to its end");
        }
        assert!(
            nth > if operation == Operation::Remove { 1 } else { 4 },
            "{operation:?}: only {nth} operations"
        );
    }
}

#[test]
fn a_busy_ledger_is_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, disk): (_, Arc<dyn Disk>) = (folder.path(), Arc::new(RealDisk));
    let (ledger, _) = open_at(directory, Arc::clone(&disk), 0).unwrap();
    fill(&ledger);
    let stop = AtomicBool::new(false);
    let mut done = Vec::new();
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            let mut agent_seq = 80;
            while !stop.load(Ordering::Relaxed) {
                agent_seq += 1;
                append(&ledger, decision("support", agent_seq), 100);
            }
            agent_seq
        });
        let reading = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                verify(&disk, directory, false).unwrap();
                Reader::open(directory).unwrap().query(&Filter::default()).unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(100));
        let (segments, result) = compact(&ledger, &archive(directory, &disk), 50);
        done = segments;
        std::thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::Relaxed);
        reading.join().unwrap();
        assert!(busy.join().unwrap() > 90);
        result.unwrap();
    });
    assert!(done.len() >= 2);
    drop(ledger);
    assert_eq!(verify(&disk, directory, true).unwrap().archived.len(), done.len());
}

#[test]
fn a_ledger_in_memory_is_not_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let ledger = Ledger::memory("stack", "instance", 10);
    let result = compact(&ledger, &archive(folder.path(), &disk), 50).1;
    assert!(matches!(result, Err(CompactError::NoSegments)));
}
