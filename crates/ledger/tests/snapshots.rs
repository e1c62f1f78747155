//! Snapshots of the state: a start from one comes to what a start over every record comes to, whatever was
//! done to it or to the disk meanwhile, and damage in what it did not read is found behind it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_dpr::{Hash, Record, hash_of};
use faramesh_ledger::{
    Compaction, DEFAULT_ARCHIVE, Disk, Fold, FolderArchive, Ledger, LocalKeys, OpenError, Opened, Options,
    RealDisk, Signing, verify_on,
};
use faramesh_testkit::{Fault, FaultyDisk, ForgetfulDisk, Operation, Seed, Times, decision, policy};

const WAIT: Duration = Duration::from_secs(60);
const NOW: Timestamp = Timestamp(1_795_166_999_999);
/// Longest wait for a step that may never be taken.
const PATIENCE: Duration = Duration::from_millis(500);
const DAY: u64 = 86_400_000;
const FOLDER: &str = "/ledger";

/// A state that differs as soon as one record is left out, comes twice, or comes in another place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Digest {
    hash: Hash,
    records: u64,
    /// Which release folds.
    release: u8,
    /// How many were replayed by this one, which no snapshot keeps.
    replayed: u64,
}

impl Fold for Digest {
    fn fresh(&self) -> Box<dyn Fold> {
        Box::new(Self { release: self.release, ..Self::default() })
    }

    fn replay(&mut self, record: &Record) {
        self.hash = hash_of(&[self.hash, record.hash()].concat());
        self.records += 1;
        self.replayed += 1;
    }

    fn save(&self) -> Vec<u8> {
        [&[self.release][..], &self.hash, &self.records.to_le_bytes()].concat()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let Some(bytes) = bytes.strip_prefix(&[self.release]) else { return false };
        let Some((hash, rest)) = bytes.split_first_chunk() else { return false };
        let Ok(records) = rest.try_into() else { return false };
        *self =
            Self { release: self.release, hash: *hash, records: u64::from_le_bytes(records), replayed: 0 };
        true
    }

    fn clear(&mut self) {
        *self = Self { release: self.release, ..Self::default() };
    }
}

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

/// An opened ledger, its state, what opening told, and the alarm.
struct Open {
    ledger: Ledger,
    state: Digest,
    opened: Opened,
    alarm: Receiver<String>,
}

fn open_with(options: Options) -> Result<Open, OpenError> {
    open_as(options, 0)
}

fn open_as(options: Options, release: u8) -> Result<Open, OpenError> {
    let (sender, alarm) = channel();
    let mut state = Digest { release, ..Digest::default() };
    let told = Box::new(move |damage: &str| sender.send(damage.to_owned()).unwrap());
    let (ledger, opened) = Ledger::open_folded(options, NOW, &mut state, told)?;
    Ok(Open { ledger, state, opened, alarm })
}

fn open(disk: &ForgetfulDisk) -> Result<Open, OpenError> {
    open_with(options(Path::new(FOLDER), Arc::new(disk.clone())))
}

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn snapshots(disk: &dyn Disk, directory: &Path) -> Vec<String> {
    let mut names = disk.list(directory).unwrap();
    names.retain(|name| name.ends_with(".state"));
    names.sort();
    names
}

fn of(disk: &ForgetfulDisk) -> Vec<String> {
    snapshots(disk, Path::new(FOLDER))
}

/// What a verification says of the snapshots of a folder, which is as it was written otherwise.
fn odd(disk: Arc<dyn Disk>, directory: &Path) -> Vec<String> {
    let report = verify_on(disk, directory, &mut |_| {}).unwrap();
    report.snapshots.iter().map(|odd| format!("{}: {}", odd.file, odd.why)).collect()
}

/// Waits until the sealed records were read again.
fn checked(open: &Open) {
    let began = Instant::now();
    while open.ledger.status().unchecked > 0 {
        assert!(open.ledger.is_healthy(), "{:?}", open.ledger.status().refusal);
        assert!(began.elapsed() < WAIT, "the records were not read");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until there is a snapshot of the last sealed segment, and the records before were read.
fn settled(open: &Open, disk: &dyn Disk, directory: &Path) {
    checked(open);
    let began = Instant::now();
    let wanted = format!("{:08}.state", open.ledger.status().segment - 1);
    while !snapshots(disk, directory).contains(&wanted) {
        assert!(began.elapsed() < WAIT, "{wanted} was not made: {:?}", snapshots(disk, directory));
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn append(ledger: &Ledger, numbers: std::ops::RangeInclusive<u64>, day: u64) {
    for number in numbers {
        ledger.append_and_wait(decision("support", number), Timestamp(NOW.0 + day * DAY), WAIT).unwrap();
    }
}

/// What every record of a folder comes to, and how many there are: read by a start that knows no snapshots.
fn whole(disk: &ForgetfulDisk) -> Digest {
    let copy = disk.fork();
    let mut state = Digest::default();
    let options = options(Path::new(FOLDER), Arc::new(copy));
    drop(Ledger::open(options, NOW, &mut |record| state.replay(record)).unwrap());
    state
}

/// A ledger of some segments with snapshots, closed.
fn filled() -> ForgetfulDisk {
    let disk = ForgetfulDisk::new();
    let opened = open(&disk).unwrap();
    opened.ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    append(&opened.ledger, 1..=48, 0);
    settled(&opened, &disk, Path::new(FOLDER));
    append(&opened.ledger, 49..=60, 0);
    settled(&opened, &disk, Path::new(FOLDER));
    assert!(opened.ledger.status().segment > 4);
    opened.ledger.close();
    disk
}

/// The state of a start is what all records come to. The first record of the start's own epoch differs from
/// that of another start by its id, so both are told of the same folder.
fn assert_whole(disk: &ForgetfulDisk, open: &Open, what: &str) {
    open.ledger.close();
    let copy = disk.fork();
    let mut expected = Digest::default();
    let last = open.ledger.status().last_seq;
    let options = options(Path::new(FOLDER), Arc::new(copy));
    let mut replay = |record: &Record| {
        if record.seq() <= last {
            expected.replay(record);
        }
    };
    drop(Ledger::open(options, NOW, &mut replay).unwrap());
    assert_eq!((open.state.hash, open.state.records), (expected.hash, expected.records), "{what}");
}

#[test]
fn a_start_replays_only_what_is_behind_the_newest_snapshot() {
    let disk = filled();
    assert_eq!(of(&disk).len(), 2, "the newest, and the one before");
    let opened = open(&disk).unwrap();
    let newest = opened.opened.snapshot.unwrap();
    assert_eq!(of(&disk).last().unwrap(), &format!("{newest:08}.state"));
    assert!(opened.state.replayed < 15 && opened.state.records > 61, "{:?}", opened.state);
    assert_eq!(opened.opened.warnings, Vec::<String>::new());
    checked(&opened);
    assert_whole(&disk, &opened, "from the newest");
    drop(opened);
    // The one before serves when the newest is not there.
    disk.remove(&file(&format!("{newest:08}.state"))).unwrap();
    let opened = open(&disk).unwrap();
    assert_eq!(opened.opened.snapshot, Some(newest - 1));
    assert_whole(&disk, &opened, "from the one before");
    drop(opened);
    assert_eq!(odd(Arc::new(disk), Path::new(FOLDER)), Vec::<String>::new());
}

#[test]
fn a_start_from_any_snapshot_comes_to_the_same() {
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 300 } else { 12 };
    for round in 0..rounds {
        let mut seed = Seed(round);
        let disk = ForgetfulDisk::new();
        let (mut number, mut starts) = (0, 0);
        for life in 0..6 {
            let opened = open(&disk).unwrap();
            let what = format!("round {round}, life {life}, from {:?}", opened.opened.snapshot);
            starts += u64::from(opened.opened.snapshot.is_some());
            // The other start adds a first record of its own.
            assert_eq!(opened.state.records + 1, whole(&disk).records, "{what}");
            if life == 0 {
                opened.ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
            }
            let count = seed.below(40);
            append(&opened.ledger, number + 1..=number + count, 0);
            number += count;
            if seed.coin() && opened.ledger.status().segment > 1 {
                settled(&opened, &disk, Path::new(FOLDER));
            }
            if seed.coin() {
                opened.ledger.close();
            }
            assert!(opened.ledger.is_healthy() || opened.alarm.try_recv().is_err(), "{what}");
            drop(opened);
            if seed.coin() {
                disk.power_cut(&mut seed);
            }
        }
        let last = open(&disk).unwrap();
        checked(&last);
        assert_whole(&disk, &last, &format!("round {round}"));
        assert!(round > 0 || starts > 0);
    }
}

#[test]
fn whatever_was_done_to_a_snapshot_it_is_not_believed() {
    let base = filled();
    let (older, newest) = (of(&base)[0].clone(), of(&base)[1].clone());
    base.remove(&file(&older)).unwrap();
    let good = base.contents(&file(&newest)).unwrap();
    let mut seed = Seed(7);
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 20_000 } else { 150 };
    for round in 0..rounds {
        let disk = base.fork();
        let mut bytes = good.clone();
        match round % 3 {
            0 => bytes.truncate(usize::try_from(seed.below(u64::try_from(good.len()).unwrap())).unwrap()),
            1 => bytes.push(b'x'),
            _ => {
                let bit = usize::try_from(seed.below(u64::try_from(good.len() * 8).unwrap())).unwrap();
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
        disk.overwrite(&file(&newest), &bytes);
        let opened = open(&disk).unwrap();
        assert_eq!(opened.opened.snapshot, None, "round {round}");
        let told = opened.opened.warnings.join("\n");
        assert!(told.contains(&newest) && told.contains("was not used"), "{told}");
        assert_eq!(opened.state.replayed, opened.state.records);
        assert_whole(&disk, &opened, &format!("round {round}"));
    }
    let disk = base.fork();
    disk.overwrite(&file(&newest), &good[..good.len() - 1]);
    let found = odd(Arc::new(disk), Path::new(FOLDER));
    assert_eq!(found, [format!("{newest}: its digest is wrong")]);
    // Nor is one of another ledger, or of another segment.
    let other = filled();
    for (name, bytes) in
        [(newest.as_str(), other.contents(&file(&newest)).unwrap()), ("00000002.state", good.clone())]
    {
        let disk = base.fork();
        disk.remove(&file(&newest)).unwrap();
        disk.overwrite(&file(name), &bytes);
        let found = odd(Arc::new(disk.clone()), Path::new(FOLDER));
        assert!(found.len() == 1 && found[0].starts_with(name), "{found:?}");
        let opened = open(&disk).unwrap();
        assert_eq!(opened.opened.snapshot, None, "{name}");
        assert_whole(&disk, &opened, name);
    }
}

#[test]
fn another_release_begins_anew() {
    let disk = filled();
    let opened = open_as(options(Path::new(FOLDER), Arc::new(disk.clone())), 1).unwrap();
    assert_eq!(opened.opened.snapshot, None);
    assert!(opened.opened.warnings.join("\n").contains("another release made it"), "{:?}", opened.opened);
    // Also when the segment is another one by the time that a snapshot is made.
    append(&opened.ledger, 61..=80, 0);
    settled(&opened, &disk, Path::new(FOLDER));
    drop(opened);
    let opened = open_as(options(Path::new(FOLDER), Arc::new(disk.clone())), 1).unwrap();
    assert!(opened.opened.snapshot.is_some(), "{:?}", opened.opened);
    checked(&opened);
    assert_whole(&disk, &opened, "of another release");
}

/// A snapshot with another state and the digest that fits it.
fn forged(good: &[u8]) -> Vec<u8> {
    let end = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut body = good[end..].to_vec();
    *body.last_mut().unwrap() ^= 1;
    let digest = |bytes: &[u8]| {
        let mut text = Vec::new();
        faramesh_dpr::write_hash(&hash_of(bytes), &mut text);
        String::from_utf8(text).unwrap()
    };
    let front = String::from_utf8(good[..end].to_vec()).unwrap();
    let front = front.replace(&digest(&good[end..]), &digest(&body));
    [front.into_bytes(), body].concat()
}

#[test]
fn a_forged_snapshot_of_a_ledger_that_nobody_signs_is_found_behind_the_start() {
    let disk = filled();
    let newest = of(&disk)[1].clone();
    disk.overwrite(&file(&newest), &forged(&disk.contents(&file(&newest)).unwrap()));
    let opened = open(&disk).unwrap();
    assert!(opened.opened.snapshot.is_some());
    let told = opened.alarm.recv_timeout(WAIT).unwrap();
    assert!(told.contains(&newest) && told.contains("`state`"), "{told}");
    let refused = opened.ledger.append_and_wait(decision("support", 1_000), NOW, WAIT).unwrap_err();
    assert!(
        !opened.ledger.is_healthy() && refused.to_string().contains("the ledger is damaged"),
        "{refused}"
    );
    drop(opened);
    // It is put aside, so the next start reads every record and is well.
    let opened = open(&disk).unwrap();
    assert_eq!(opened.opened.snapshot, None);
    assert!(disk.contents(&file(&format!("{newest}-differs"))).is_some());
    assert_whole(&disk, &opened, "behind a forged one");
}

#[test]
fn damage_that_a_start_did_not_read_is_found_behind_it_and_refuses_the_next() {
    let base = filled();
    let mut seed = Seed(11);
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 5_000 } else { 40 };
    for round in 0..rounds {
        let disk = base.fork();
        let number = 1 + seed.below(3);
        let path = file(&format!("{number:08}.wal"));
        let mut bytes = disk.contents(&path).unwrap();
        let bit = usize::try_from(seed.below(u64::try_from(bytes.len() * 8).unwrap())).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk.overwrite(&path, &bytes);
        let what = format!("round {round}, segment {number}, bit {bit}");
        let refused = |disk: &ForgetfulDisk| match open(disk) {
            Err(OpenError::Damage(damage)) => damage.to_string(),
            Err(error) => panic!("{what}: {error}"),
            Ok(opened) => panic!("{what}: {:?}", opened.opened),
        };
        let opened = open(&disk).unwrap();
        assert!(opened.opened.snapshot.is_some(), "{what}");
        let told = opened.alarm.recv_timeout(WAIT).unwrap();
        assert!(!opened.ledger.is_healthy(), "{what}");
        assert!(opened.ledger.append_and_wait(decision("support", 1_000), NOW, WAIT).is_err(), "{what}");
        opened.ledger.close();
        drop(opened);
        assert!(told.contains(&format!("{number:08}")), "{what}: {told}");
        assert_eq!(told, refused(&disk), "{what}");
    }
}

#[test]
fn what_is_missing_or_of_another_length_refuses_the_start_at_once() {
    let base = filled();
    let longer = |disk: &ForgetfulDisk| {
        let mut bytes = disk.contents(&file("00000002.wal")).unwrap();
        bytes.push(0);
        disk.overwrite(&file("00000002.wal"), &bytes);
    };
    let other = |disk: &ForgetfulDisk| {
        let first = disk.contents(&file("00000001.manifest")).unwrap();
        disk.overwrite(&file("00000002.manifest"), &first);
    };
    let gone = |disk: &ForgetfulDisk| disk.remove(&file("00000002.wal")).unwrap();
    type Change<'a> = (&'a str, &'a dyn Fn(&ForgetfulDisk));
    let changes: [Change<'_>; 3] = [("longer", &longer), ("other", &other), ("gone", &gone)];
    for (what, change) in changes {
        let disk = base.fork();
        change(&disk);
        match open(&disk) {
            Err(OpenError::Damage(damage)) => assert!(damage.to_string().contains("0000000"), "{damage}"),
            other => panic!("{what}: {:?}", other.map(|opened| opened.opened)),
        }
    }
    // A manifest that is only lost is made again.
    base.remove(&file("00000002.manifest")).unwrap();
    let opened = open(&base).unwrap();
    assert_eq!(opened.opened.snapshot, None);
    assert_whole(&base, &opened, "without a manifest");
}

#[test]
fn whatever_fails_while_snapshots_are_made_nothing_is_lost() {
    let base = filled();
    for name in of(&base) {
        base.remove(&file(&name)).unwrap();
    }
    for operation in
        [Operation::Write, Operation::Sync, Operation::Open, Operation::Rename, Operation::Remove]
    {
        for nth in 1..30 {
            let disk = base.fork();
            let faulty = FaultyDisk::new(Arc::new(disk.clone()), operation, nth, Fault::Io, Times::Forever);
            let what = format!("{operation:?} {nth}");
            match open_with(options(Path::new(FOLDER), Arc::new(faulty.clone()))) {
                Err(OpenError::Damage(damage)) => panic!("{what}: {damage}"),
                Err(_) => {}
                Ok(opened) => {
                    let _ = opened.ledger.append_and_wait(decision("support", 1_000), NOW, WAIT);
                    // Time for the thread to come to the failing step, unless it comes to none.
                    let began = Instant::now();
                    while faulty.seen() < nth && of(&disk).is_empty() && began.elapsed() < PATIENCE {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    assert!(opened.alarm.try_recv().is_err(), "{what}");
                }
            }
            disk.power_cut(&mut Seed(nth));
            let opened = open(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            let names = disk.list(Path::new(FOLDER)).unwrap();
            assert!(names.iter().all(|name| !name.ends_with(".new.tmp")), "{what}: {names:?}");
            checked(&opened);
            assert_whole(&disk, &opened, &what);
        }
    }
}

#[test]
fn a_signed_ledger_believes_what_its_own_key_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    let signed = || {
        let signers = LocalKeys::open(directory, true).unwrap().signers();
        let signing = Some(Signing { signers, ..Signing::default() });
        open_with(Options { signing, ..options(directory, Arc::new(RealDisk)) }).unwrap()
    };
    let opened = signed();
    opened.ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    append(&opened.ledger, 1..=30, 0);
    settled(&opened, &RealDisk, directory);
    drop(opened);
    let opened = signed();
    let newest = opened.opened.snapshot.unwrap();
    settled(&opened, &RealDisk, directory);
    append(&opened.ledger, 31..=60, 0);
    settled(&opened, &RealDisk, directory);
    drop(opened);
    assert_eq!(odd(Arc::new(RealDisk), directory), Vec::<String>::new());
    let opened = signed();
    assert!(opened.opened.snapshot.unwrap() > newest, "snapshots are made while records go on");
    settled(&opened, &RealDisk, directory);
    drop(opened);
    for name in snapshots(&RealDisk, directory) {
        let path = directory.join(name);
        std::fs::write(&path, forged(&std::fs::read(&path).unwrap())).unwrap();
    }
    let found = odd(Arc::new(RealDisk), directory);
    assert!(found.len() == 2 && found[0].contains("the key in force did not sign it"), "{found:?}");
    let opened = signed();
    assert_eq!(opened.opened.snapshot, None);
    let told = opened.opened.warnings.join("\n");
    assert!(told.contains("no key of this daemon signed it"), "{told}");
    settled(&opened, &RealDisk, directory);
    assert!(opened.alarm.try_recv().is_err());
}

#[test]
fn a_compaction_takes_snapshots_away_and_others_are_made_of_what_stays() {
    let disk = ForgetfulDisk::new();
    let opened = open(&disk).unwrap();
    opened.ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    append(&opened.ledger, 1..=40, 0);
    append(&opened.ledger, 41..=80, 100);
    settled(&opened, &disk, Path::new(FOLDER));
    let before = of(&disk);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let archive = FolderArchive::of_ledger(shared, Path::new(FOLDER), DEFAULT_ARCHIVE);
    let mut done = 0;
    let wanted = Compaction {
        before: Timestamp(NOW.0 + 50 * DAY),
        last_seq: u64::MAX,
        archive: &archive,
        needed: &|_| false,
    };
    let old = disk.contents(&file(before.last().unwrap())).unwrap();
    opened.ledger.compact(&wanted, &mut |_| done += 1).unwrap();
    assert!(done >= 2, "{done}");
    let began = Instant::now();
    while disk.contents(&file(before.last().unwrap())).is_none_or(|bytes| bytes == old) {
        assert!(began.elapsed() < WAIT, "no other snapshot was made: {:?}", of(&disk));
        std::thread::sleep(Duration::from_millis(1));
    }
    opened.ledger.close();
    drop(opened);
    let opened = open(&disk).unwrap();
    assert!(opened.opened.snapshot.is_some(), "{:?}", opened.opened.warnings);
    assert_eq!(opened.ledger.carried_agents(), [(Box::from("support"), 80)]);
    checked(&opened);
    assert!(opened.alarm.try_recv().is_err());
    assert_whole(&disk, &opened, "over compacted segments");
}
