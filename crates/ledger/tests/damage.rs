//! Files that were changed behind the ledger's back: an incomplete tail is cut and told, anything
//! else is found, named and never repaired away.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_ledger::{
    Commit, Damage, Disk, Ledger, OpenError, Opened, Options, Report, WalkError, verify_on,
};
use faramesh_testkit::{ForgetfulDisk, Seed, decision, policy};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);
/// Bytes of a frame before its record.
const FRAME_HEADER: usize = 24;

fn folder() -> PathBuf {
    PathBuf::from("/ledger")
}

fn options(disk: &ForgetfulDisk) -> Options {
    Options {
        segment_bytes: 12 << 10,
        first_segment_bytes: 10 << 10,
        reserve_bytes: 0,
        index: false,
        disk: Arc::new(disk.clone()),
        ..Options::new(folder(), "payments", "host-1")
    }
}

/// A ledger of 40 records in several segments; the last six are two batches of three.
fn ledger() -> ForgetfulDisk {
    let disk = ForgetfulDisk::new();
    let (ledger, _) = Ledger::open(options(&disk), NOW, &mut |_| {}).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    for agent_seq in 1..=38 {
        let draft = decision("support", agent_seq);
        ledger.append(draft, NOW, Box::new(|result| assert!(result.is_ok()))).unwrap();
        if agent_seq < 33 || agent_seq % 3 == 2 {
            ledger.commit(Commit::Inline);
        }
    }
    ledger.close();
    drop(ledger);
    disk
}

fn segments(disk: &ForgetfulDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let mut names = disk.list(&folder()).unwrap();
    names.retain(|name| name.ends_with(".wal"));
    names.sort();
    let with_contents = |name: String| {
        let path = folder().join(name);
        let contents = disk.contents(&path).unwrap();
        (path, contents)
    };
    names.into_iter().map(with_contents).collect()
}

fn reopen(disk: &ForgetfulDisk) -> Result<(Opened, Vec<u64>), OpenError> {
    let mut seqs = Vec::new();
    let opened = Ledger::open(options(disk), NOW, &mut |record| seqs.push(record.seq()))?.1;
    Ok((opened, seqs))
}

fn check(disk: &ForgetfulDisk) -> Result<Report, Damage> {
    let report = verify_on(Arc::new(disk.clone()), &folder(), &mut |_| {});
    report.map_err(|error| match error {
        WalkError::Damage(damage) => *damage,
        WalkError::Io { file, error } => panic!("{}: {error}", file.display()),
    })
}

fn end_of(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// Where the frames of a segment begin.
fn frames(file: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut start = 512;
    while file[start] != 0 {
        starts.push(start);
        start = padded_end(file, start);
    }
    starts
}

/// Behind the frame's record.
fn frame_end(file: &[u8], start: usize) -> usize {
    let length = u32::from_le_bytes(file[start + 8..start + 12].try_into().unwrap());
    start + FRAME_HEADER + usize::try_from(length).unwrap()
}

fn padded_end(file: &[u8], start: usize) -> usize {
    frame_end(file, start).next_multiple_of(8)
}

#[test]
fn a_tail_torn_anywhere_is_cut_and_told() {
    let original = ledger();
    let (file, good) = segments(&original).pop().unwrap();
    let starts = frames(&good);
    let last = &starts[starts.len() - 3..];
    for at in last[0] + 1..end_of(&good) {
        for shorter in [true, false] {
            let mut torn = good.clone();
            torn.truncate(at);
            if !shorter {
                torn.resize(good.len(), 0);
            }
            let disk = original.fork();
            disk.overwrite(&file, &torn);
            let what = format!("byte {at}, shorter {shorter}");
            // A frame whose padding alone is gone is whole.
            let whole = 37 + last.iter().filter(|start| frame_end(&good, **start) <= at).count();
            let clean = last.iter().any(|start| {
                *start == at || (frame_end(&good, *start)..=padded_end(&good, *start)).contains(&at)
            });
            if at % 16 == 0 {
                assert_eq!(check(&disk).unwrap().incomplete_bytes > 0, !clean, "{what}");
            }
            let (opened, seqs) = reopen(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(opened.cut.is_some(), !clean, "{what}");
            assert_eq!(seqs.len() - 1, whole, "{what}");
            let report = check(&disk).unwrap();
            assert_eq!((report.incomplete_bytes, report.epochs), (0, 2), "{what}");
            assert_eq!(report.cuts.len(), usize::from(!clean), "{what}");
            if let Some(cut) = opened.cut {
                let from = usize::try_from(cut.offset).unwrap();
                assert_eq!(disk.contents(&cut.saved_as).unwrap(), torn[from..end_of(&torn)], "{what}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_reported() {
    let disk = ledger();
    let files = segments(&disk);
    assert!(files.len() > 3);
    let mut seed = Seed(7);
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 100_000 } else { 2_000 };
    for round in 0..rounds {
        // Every second flip is in the last segment's records, which recovery could take for a tail.
        let last = files.len() - 1;
        let file = if round % 2 == 0 {
            usize::try_from(seed.below(u64::try_from(files.len()).unwrap())).unwrap()
        } else {
            last
        };
        let (path, good) = &files[file];
        let bound = if round % 2 == 0 { good.len() } else { end_of(good) };
        let bit = seed.below(u64::try_from(bound * 8).unwrap());
        let byte = usize::try_from(bit / 8).unwrap();
        let mut bytes = good.clone();
        bytes[byte] ^= 1 << (bit % 8);
        disk.overwrite(path, &bytes);
        let what = format!("bit {} of byte {byte} of {}", bit % 8, path.display());
        let damage = check(&disk).map(|report| panic!("{what}: {report:?}")).unwrap_err();
        // Found where it is: in the frame of that byte, or in the header.
        let place = usize::try_from(damage.offset).unwrap();
        assert!(damage.file == *path && place <= byte, "{what}: {damage}");
        let refused = reopen(&disk);
        assert!(matches!(refused, Err(OpenError::Damage(_))), "{what}: {refused:?}");
        assert_eq!(disk.contents(path).unwrap(), bytes, "{what}: a refused file was changed");
        disk.overwrite(path, good);
    }
    assert_eq!(check(&disk).unwrap().records, 40);
}

#[test]
fn missing_swapped_and_foreign_segments_are_reported() {
    let disk = ledger();
    let files = segments(&disk);
    let damage_of = |changes: &[(usize, Option<&[u8]>)]| {
        let disk = disk.fork();
        for (index, bytes) in changes {
            match bytes {
                Some(bytes) => disk.overwrite(&files[*index].0, bytes),
                None => disk.remove(&files[*index].0).unwrap(),
            }
        }
        let damage = check(&disk).unwrap_err();
        assert!(matches!(reopen(&disk), Err(OpenError::Damage(_))));
        (damage.file, damage.offset, damage.field, damage.found)
    };
    let bytes = |index: usize| Some(files[index].1.as_slice());
    let at = |index: usize, field: &str, found: &str| {
        (files[index].0.clone(), 0, field.to_owned(), found.to_owned())
    };
    assert_eq!(damage_of(&[(1, bytes(2)), (2, bytes(1))]), at(1, "segment", "3"));
    assert_eq!(damage_of(&[(0, None)]), at(0, "segment", "nothing"));
    assert_eq!(damage_of(&[(1, None)]), at(1, "segment", "nothing"));
    let theirs = segments(&ledger());
    let foreign = damage_of(&[(1, Some(&theirs[1].1))]);
    assert_eq!((foreign.0, foreign.2.as_str()), (files[1].0.clone(), "prev"));
    let shorter = &files[1].1[..files[1].1.len() - 8];
    assert_eq!(damage_of(&[(1, Some(shorter))]).2, "segment");
}

/// Swaps, drops and splices frames, with right checksums.
#[test]
fn rearranged_records_are_reported() {
    let disk = ledger();
    let (file, good) = segments(&disk).swap_remove(1);
    let starts = frames(&good);
    let count = starts.len();
    let check_order = |order: &[usize]| {
        let mut bytes = good[..starts[0]].to_vec();
        for index in order {
            bytes.extend_from_slice(&good[starts[*index]..padded_end(&good, starts[*index])]);
        }
        bytes.resize(good.len(), 0);
        let disk = disk.fork();
        disk.overwrite(&file, &bytes);
        check(&disk)
    };
    let all: Vec<usize> = (0..count).collect();
    assert_eq!(check_order(&all).unwrap().records, 40);
    let mut swapped = all.clone();
    swapped.swap(3, 4);
    assert_eq!(check_order(&swapped).unwrap_err().field, "seq");
    for drop in 0..count {
        let mut dropped = all.clone();
        dropped.remove(drop);
        assert!(check_order(&dropped).is_err(), "record {drop} dropped");
    }
    let mut doubled = all;
    doubled.insert(4, 3);
    doubled.truncate(count);
    assert_eq!(check_order(&doubled).unwrap_err().field, "seq");
}
