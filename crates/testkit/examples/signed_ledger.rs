//! Fills a folder with a signed ledger of two agents, two runs and a change of key in between, for tests
//! of what reads ledgers: `signed_ledger DIR RECORDS [rotate|compact]`. With `rotate` another change of key is the
//! last that happens, with `compact` the bodies of all but the last segment go to `DIR/archive`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a tool of the tests stops where it cannot go on")]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_ledger::{
    Commit, Compaction, DEFAULT_ARCHIVE, FolderArchive, Ledger, LocalKeys, Options, RealDisk, Signing,
};
use faramesh_testkit::{decision, policy};

const NOW: Timestamp = Timestamp(1_795_788_000_000);
const WAIT: Duration = Duration::from_secs(20);
/// Records on their way at a time.
const OUTSTANDING: u64 = 512;

fn run(folder: &Path, numbers: std::ops::Range<u64>, replace_key: bool, segment_bytes: u64, compacts: bool) {
    let mut keys = LocalKeys::open(folder, true).unwrap();
    let successor = replace_key.then(|| keys.make_successor().unwrap());
    let signing = Signing { signers: keys.signers(), successor, ..Signing::default() };
    let options = Options {
        signing: Some(signing),
        reserve_bytes: 0,
        index: false,
        segment_bytes,
        first_segment_bytes: segment_bytes,
        ..Options::new(folder, "books & more", "host-1")
    };
    let (ledger, ..) = Ledger::open(options, NOW, &mut |_| {}).unwrap();
    let at = |number: u64| NOW.plus_ms(number / 10);
    ledger.append_and_wait(policy(), at(numbers.start), WAIT).unwrap();
    let (kept, done) = sync_channel(usize::try_from(OUTSTANDING).unwrap() * 2);
    let mut outstanding = 0;
    for number in numbers {
        let kept = kept.clone();
        let agent = if number % 100 == 0 { "rare" } else { "support" };
        let completion = Box::new(move |result: Result<_, _>| drop(kept.send(result.map(drop))));
        ledger.append(decision(agent, number), at(number), completion).unwrap();
        outstanding += 1;
        if number % 64 == 0 {
            ledger.commit(Commit::Handover);
        }
        if outstanding == OUTSTANDING {
            done.recv_timeout(WAIT).unwrap().unwrap();
            outstanding -= 1;
        }
    }
    ledger.commit(Commit::Handover);
    for _ in 0..outstanding {
        done.recv_timeout(WAIT).unwrap().unwrap();
    }
    if compacts {
        let archive = FolderArchive::of_ledger(Arc::new(RealDisk), folder, DEFAULT_ARCHIVE);
        let before = NOW.plus_ms(1 << 40);
        let wanted = Compaction { before, last_seq: u64::MAX, archive: &archive, needed: &|_| false };
        ledger.compact(&wanted, &mut |_| {}).unwrap();
    }
    ledger.close();
    keys.settle(&ledger.status().checkpoint.unwrap().key).unwrap();
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), Some(records)) = (arguments.next(), arguments.next()) else {
        panic!("usage: signed_ledger DIR RECORDS");
    };
    let records: u64 = records.to_str().unwrap().parse().unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let how = arguments.next().unwrap_or_default();
    let compacts = how == "compact";
    let segment_bytes = if compacts { 64 << 10 } else { 8 << 20 };
    run(Path::new(&folder), 1..records / 2, false, segment_bytes, false);
    run(Path::new(&folder), records / 2..records + 1, true, segment_bytes, compacts);
    if how == "rotate" {
        run(Path::new(&folder), records + 1..records + 1, true, segment_bytes, false);
    }
}
