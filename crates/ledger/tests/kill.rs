//! A process that is killed while it writes: whatever it had acknowledged is there afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_dpr::{Draft, Kind};
use faramesh_ledger::{Commit, Ledger, Options, verify};
use faramesh_testkit::{Seed, decision, policy};

const FOLDER: &str = "FARAMESH_KILL_TEST_FOLDER";
const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);

fn options(directory: &Path) -> Options {
    Options {
        segment_bytes: 256 << 10,
        first_segment_bytes: 64 << 10,
        reserve_bytes: 128 << 10,
        ..Options::new(directory, "payments", "host-1")
    }
}

/// Not a test by itself: the process that [`killed_at_random_nothing_acknowledged_is_lost`] kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (mut last_agent_seq, mut has_policy) = (0, false);
    let (ledger, _) = Ledger::open(options(Path::new(&folder)), NOW, &mut |record| {
        last_agent_seq = record.agent_seq().unwrap_or(last_agent_seq);
        has_policy |= record.kind() == Kind::Policy;
    })
    .unwrap();
    if !has_policy {
        ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    }
    let ledger = Arc::new(ledger);
    for agent_seq in last_agent_seq + 1.. {
        let acknowledge = Box::new(move |result: Result<faramesh_ledger::Receipt, _>| {
            // A pipe takes a short line whole, so the parent never reads half a number.
            writeln!(std::io::stdout(), "kept {}", result.unwrap().seq()).unwrap();
        });
        let draft = match agent_seq % 7 {
            0 => Draft { kind: Kind::Outcome, ..decision("support", agent_seq) },
            _ => decision("support", agent_seq),
        };
        ledger.append(draft, NOW, acknowledge).unwrap();
        ledger.commit(if agent_seq % 3 == 0 { Commit::Handover } else { Commit::Inline });
    }
}

#[test]
fn killed_at_random_nothing_acknowledged_is_lost() {
    let rounds = if std::env::var_os("FARAMESH_SOAK").is_some() { 3_000 } else { 30 };
    let folder = tempfile::tempdir().unwrap();
    let mut seed = Seed(11);
    let last_kept = Arc::new(AtomicU64::new(0));
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn({
            let last_kept = Arc::clone(&last_kept);
            move || {
                for line in output.lines().map_while(Result::ok) {
                    if let Some(seq) = line.rsplit("kept ").next().and_then(|seq| seq.parse().ok()) {
                        last_kept.fetch_max(seq, Ordering::SeqCst);
                    }
                }
            }
        });
        std::thread::sleep(Duration::from_millis(20 + seed.below(120)));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        let kept = last_kept.load(Ordering::SeqCst);
        let report =
            verify(folder.path(), &mut |_| {}).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(
            report.records >= kept,
            "round {round}: {kept} was acknowledged, {} are there",
            report.records
        );
    }
    let kept = last_kept.load(Ordering::SeqCst);
    assert!(kept > u64::try_from(rounds).unwrap() * 10, "the children did too little: {kept}");
    let (ledger, opened) = Ledger::open(options(folder.path()), NOW, &mut |_| {}).unwrap();
    assert!(opened.records > kept && ledger.is_healthy());
}
