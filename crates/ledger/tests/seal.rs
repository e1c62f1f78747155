//! Sealed segments and their manifests: made while records go on or at the next open, compared with the
//! records ever after, and never in the way of a record.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_ledger::{Disk, Ledger, OpenError, Options, RealDisk, WalkError, verify_on};
use faramesh_testkit::{Fault, FaultyDisk, ForgetfulDisk, Operation, Seed, Times, decision, policy};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);
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

fn open(disk: Arc<dyn Disk>) -> Result<Ledger, OpenError> {
    Ledger::open(options(Path::new(FOLDER), disk), NOW, &mut |_| {}).map(|(ledger, _)| ledger)
}

/// A ledger of some segments, closed before any of them may have a manifest.
fn filled(disk: &ForgetfulDisk) -> u64 {
    let ledger = open(Arc::new(disk.clone())).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    for number in 1..=60 {
        ledger.append_and_wait(decision("support", number), NOW, WAIT).unwrap();
    }
    let segments = ledger.status().segment;
    assert!(segments > 3, "{segments}");
    segments
}

fn manifest(number: u64) -> PathBuf {
    Path::new(FOLDER).join(format!("{number:08}.manifest"))
}

fn sealed(disk: &ForgetfulDisk) -> Vec<String> {
    let mut names = disk.list(Path::new(FOLDER)).unwrap();
    names.retain(|name| name.ends_with(".manifest"));
    names.sort();
    names
}

fn damage(result: Result<Ledger, OpenError>) -> String {
    match result {
        Err(OpenError::Damage(damage)) => damage.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn segments_are_sealed_while_records_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), Arc::new(RealDisk));
    let (ledger, _) = Ledger::open(options, NOW, &mut |_| {}).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    let began = Instant::now();
    let mut agent_seq = 0;
    while !folder.path().join("00000003.manifest").exists() {
        agent_seq += 1;
        ledger.append_and_wait(decision("support", agent_seq), NOW, WAIT).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        assert!(began.elapsed() < WAIT, "no manifest was made");
    }
    let line = std::fs::read_to_string(folder.path().join("00000001.manifest")).unwrap();
    assert!(line.contains(r#""first_seq":1,"#) && line.contains(r#""v":"manifest/1""#), "{line}");
    let active = ledger.status().segment;
    assert!(!folder.path().join(format!("{active:08}.manifest")).exists());
    drop(ledger);
    verify_on(Arc::new(RealDisk), folder.path(), &mut |_| {}).unwrap();
}

#[test]
fn what_has_no_manifest_gets_one_at_the_next_open() {
    let disk = ForgetfulDisk::new();
    let segments = filled(&disk);
    for name in sealed(&disk) {
        disk.remove(&Path::new(FOLDER).join(name)).unwrap();
    }
    verify_on(Arc::new(disk.clone()), Path::new(FOLDER), &mut |_| {}).unwrap();
    drop(open(Arc::new(disk.clone())).unwrap());
    assert_eq!(u64::try_from(sealed(&disk).len()).unwrap(), segments - 1);
    let before: Vec<_> = (1..segments).map(|number| disk.contents(&manifest(number)).unwrap()).collect();
    drop(open(Arc::new(disk.clone())).unwrap());
    let after: Vec<_> = (1..segments).map(|number| disk.contents(&manifest(number)).unwrap()).collect();
    assert_eq!(before, after, "a manifest is made once");
}

#[test]
fn a_changed_manifest_refuses_the_start_and_is_named() {
    let disk = ForgetfulDisk::new();
    filled(&disk);
    drop(open(Arc::new(disk.clone())).unwrap());
    let good = String::from_utf8(disk.contents(&manifest(2)).unwrap()).unwrap();
    let (_, rest) = good.split_once(r#""records":"#).unwrap();
    let (records, _) = rest.split_once(',').unwrap();
    let other = good.replace(&format!(r#""records":{records},"#), r#""records":7777,"#);
    for (bytes, field) in [
        (other.as_str(), "manifest.records"),
        ("", "manifest"),
        (&good[..40], "manifest"),
        ("{}\n", "manifest"),
    ] {
        let disk = disk.fork();
        disk.overwrite(&manifest(2), bytes.as_bytes());
        let told = damage(open(Arc::new(disk.clone())));
        assert!(told.contains("00000002.manifest") && told.contains(&format!("`{field}`")), "{told}");
        let verified = verify_on(Arc::new(disk), Path::new(FOLDER), &mut |_| {});
        assert!(matches!(verified, Err(WalkError::Damage(_))), "{verified:?}");
    }
    // The manifest of another segment is no better.
    disk.overwrite(&manifest(2), &disk.contents(&manifest(1)).unwrap());
    assert!(damage(open(Arc::new(disk))).contains("manifest.segment"));
}

#[test]
fn the_newest_segments_cannot_be_taken_away() {
    let disk = ForgetfulDisk::new();
    let segments = filled(&disk);
    drop(open(Arc::new(disk.clone())).unwrap());
    disk.remove(&Path::new(FOLDER).join(format!("{segments:08}.wal"))).unwrap();
    let told = damage(open(Arc::new(disk)));
    assert!(told.contains(&format!("{segments:08}.wal")) && told.contains("nothing"), "{told}");
}

#[test]
fn whatever_fails_while_segments_are_sealed_nothing_is_lost() {
    let base = ForgetfulDisk::new();
    let segments = filled(&base);
    for name in sealed(&base) {
        base.remove(&Path::new(FOLDER).join(name)).unwrap();
    }
    for operation in [Operation::Write, Operation::Sync, Operation::Open, Operation::Rename] {
        for nth in 1..40 {
            let disk = base.fork();
            let faulty = FaultyDisk::new(Arc::new(disk.clone()), operation, nth, Fault::Io, Times::Forever);
            // Opening may fail for other reasons; damage is none of them.
            if let Err(OpenError::Damage(damage)) = open(Arc::new(faulty)) {
                panic!("{operation:?} {nth}: {damage}");
            }
            disk.power_cut(&mut Seed(nth));
            drop(open(Arc::new(disk.clone())).unwrap());
            let names = disk.list(Path::new(FOLDER)).unwrap();
            assert!(names.iter().all(|name| !name.ends_with(".new.tmp")), "{operation:?} {nth}: {names:?}");
            assert!(u64::try_from(sealed(&disk).len()).unwrap() >= segments - 1, "{operation:?} {nth}");
            let report = verify_on(Arc::new(disk), Path::new(FOLDER), &mut |_| {}).unwrap();
            assert!(report.records > 61, "{operation:?} {nth}: {}", report.records);
        }
    }
}
