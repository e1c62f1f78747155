//! Lost connections, a server that crashes and comes back, a writer that is killed: nothing that was
//! acknowledged is lost, nothing is stored twice.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use faramesh_ledger::{Commit, Receipt, Unavailable};
use faramesh_ledger_postgres::{Address, open};
use faramesh_testkit::{decision, policy};

use crate::load::{
    Acknowledged, NOW, STACK, WAIT, checked, eventually, load, nothing_is_lost, opened, write,
};
use crate::server::Server;

const URL: &str = "FARAMESH_POSTGRES_KILL_TEST_URL";

#[test]
fn a_crashed_server_refuses_and_recovers_without_a_restart() {
    let Some(mut server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let acknowledged = Acknowledged::default();
    for round in 0..3 {
        let stop = AtomicBool::new(false);
        let refused = std::thread::scope(|scope| {
            let agent = format!("agent-{round}");
            let loading = scope.spawn(|| load(&ledger, &{ agent }, &acknowledged, &stop));
            let before = acknowledged.lock().unwrap().len();
            eventually("records are kept", || acknowledged.lock().unwrap().len() > before + 500);
            server.stop_at_once();
            eventually("the ledger refuses", || !ledger.is_healthy());
            let asked = Instant::now();
            let refusal = ledger.append_and_wait(decision("late", 1), NOW, WAIT).unwrap_err();
            assert!(matches!(refusal, Unavailable::Unreachable { .. }), "{refusal}");
            assert!(asked.elapsed() < Duration::from_millis(500));
            server.run();
            eventually("the ledger takes records again", || ledger.is_healthy());
            let before = acknowledged.lock().unwrap().len();
            eventually("records are kept again", || acknowledged.lock().unwrap().len() > before + 500);
            stop.store(true, Ordering::Release);
            loading.join().unwrap()
        });
        assert!(refused > 0);
        nothing_is_lost(&server, "host-1", &acknowledged);
    }
    drop(ledger);
    let (_, opened) = opened(&server, "host-1");
    assert_eq!(opened.epoch, 2);
}

#[test]
fn connections_that_end_during_commits_lose_and_double_nothing() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let acknowledged = Acknowledged::default();
    let stop = AtomicBool::new(false);
    let refused = std::thread::scope(|scope| {
        let loading = scope.spawn(|| load(&ledger, "agent", &acknowledged, &stop));
        let mut ended = 0;
        for round in 0..60 {
            std::thread::sleep(Duration::from_millis(20 + round % 7 * 15));
            ended += server.end_connections();
        }
        assert!(ended >= 30, "only {ended} connections were ended");
        stop.store(true, Ordering::Release);
        loading.join().unwrap()
    });
    // A connection is made again before anybody is told no.
    assert_eq!(refused, 0);
    assert!(nothing_is_lost(&server, "host-1", &acknowledged) > 1_000);
}

#[test]
fn closing_while_the_server_is_away_ends() {
    let Some(mut server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let kept = write(&ledger, "agent", 1).unwrap();
    server.stop_at_once();
    let refusal = write(&ledger, "agent", 2).unwrap_err();
    assert!(matches!(refusal, Unavailable::Unreachable { .. }), "{refusal}");
    let began = Instant::now();
    drop(ledger);
    assert!(began.elapsed() < Duration::from_secs(20));
    server.run();
    let report = checked(&server).unwrap().total();
    assert_eq!(report.last_hash, kept.hash());
}

/// Not a test by itself: the process that [`a_killed_writer_loses_nothing`] kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let (mut last, mut has_policy) = (0, false);
    let address = Address::parse(&url).unwrap();
    let (ledger, _) = open(address, STACK, "host-1", NOW, &mut |record| {
        last = record.agent_seq().unwrap_or(last);
        has_policy |= record.policy().is_some();
    })
    .unwrap();
    if !has_policy {
        ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    }
    for agent_seq in last + 1.. {
        let told = Box::new(move |result: Result<Receipt, Unavailable>| {
            let receipt = result.unwrap();
            let mut hash = Vec::new();
            faramesh_dpr::write_hash(&receipt.hash(), &mut hash);
            // A pipe takes a short line whole, so the parent never reads half a number.
            let line = format!("kept {} {}\n", receipt.seq(), String::from_utf8_lossy(&hash));
            std::io::stdout().write_all(line.as_bytes()).unwrap();
        });
        if ledger.append(decision("agent", agent_seq), NOW, told).is_err() {
            return;
        }
        ledger.commit(Commit::Handover);
        if agent_seq % 64 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_killed_writer_loses_nothing() {
    let Some(server) = Server::start() else { return };
    let acknowledged = Acknowledged::default();
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "loss::child_that_writes_until_it_is_killed", "--nocapture"])
            .env(URL, server.url())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let before = acknowledged.lock().unwrap().len();
        let reader = std::thread::spawn({
            let acknowledged = Arc::clone(&acknowledged);
            move || {
                for line in output.lines().map_while(Result::ok) {
                    // The test harness writes without a line's end before the first of them.
                    let Some((_, kept)) = line.split_once("kept ") else { continue };
                    let (seq, hash) = kept.split_once(' ').unwrap();
                    let hash = faramesh_dpr::read_hash(hash.as_bytes()).unwrap();
                    acknowledged.lock().unwrap().insert(seq.parse().unwrap(), hash);
                }
            }
        });
        eventually("the child writes", || acknowledged.lock().unwrap().len() > before + 100);
        std::thread::sleep(Duration::from_millis(round * 23 % 90));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        nothing_is_lost(&server, "host-1", &acknowledged);
    }
    let (_, opened) = opened(&server, "host-1");
    assert_eq!(opened.epoch, 9);
}
