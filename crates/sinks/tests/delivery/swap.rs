//! Policies that change what sinks there are, daemons that stop and start, and folders that are not
//! what they were.

use std::fs;
use std::path::Path;
use std::time::Duration;

use faramesh_dpr::Record;
use faramesh_ledger::Ledger;
use faramesh_sinks::{Destination, From, Pace, Sinks, State};

use crate::server::{Answer, Server};
use crate::setting::{
    KEY, PACE, append, assert_at_least_once, assert_complete, file, open, sinks, status_when, webhook,
};

/// Numbers of the records in a file and in those set aside before it.
fn seqs(path: &Path) -> Vec<u64> {
    let older = (1..).map(|number| format!("{}.{number}", path.display()));
    let mut bytes: Vec<u8> = older.map_while(|path| fs::read(path).ok()).flatten().collect();
    bytes.extend(fs::read(path).unwrap());
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Record::parse(line).unwrap().seq()).collect()
}

#[test]
fn a_change_of_everything_but_the_name_loses_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let (first, second) = (Server::start(KEY, &[]), Server::start(KEY, &[]));
    let sinks = sinks(&ledger, folder.path());
    append(&ledger, 20);
    sinks.configure(vec![webhook("siem", &first)]);
    first.wait_for(ledger.last_seq());
    let change = ledger.last_seq();
    sinks.configure(vec![webhook("siem", &second)]);
    append(&ledger, 20);
    second.wait_for(ledger.last_seq());
    assert_complete(&first.taken(), change);
    assert_eq!(second.taken(), (change + 1..=ledger.last_seq()).collect::<Vec<_>>());
    // Gone, and back with what came meanwhile.
    sinks.configure(Vec::new());
    append(&ledger, 20);
    sinks.configure(vec![webhook("siem", &second), webhook("other", &first)]);
    second.wait_for(ledger.last_seq());
    first.wait_for(ledger.last_seq());
    assert_eq!(second.taken(), (change + 1..=ledger.last_seq()).collect::<Vec<_>>());
    assert_eq!(first.taken().len() as u64, change + ledger.last_seq(), "a new name begins at the beginning");
}

#[test]
fn a_change_in_the_middle_of_a_delivery_sends_its_records_again() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 20);
    let hanging = Server::start(KEY, &[Answer::Hang(Duration::from_secs(60))]);
    let server = Server::start(KEY, &[]);
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &hanging)]);
    while hanging.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    sinks.configure(Vec::new());
    sinks.configure(vec![webhook("siem", &server)]);
    server.wait_for(ledger.last_seq());
    assert_complete(&server.taken(), ledger.last_seq());
}

#[test]
fn what_is_left_is_delivered_at_the_end_and_the_rest_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out").join("records.jsonl");
    for _ in 0..5 {
        let ledger = open(folder.path());
        let sinks = sinks(&ledger, folder.path());
        let mut config = file("archive", &path);
        // So long that only the end delivers.
        config.limits.wait = Duration::from_secs(3_600);
        config.limits.records = 10_000;
        sinks.configure(vec![config]);
        append(&ledger, 60);
        assert!(sinks.stop(Duration::from_secs(5)));
        assert_complete(&seqs(&path), ledger.last_seq());
    }
    assert!(fs::metadata(folder.path().join("out").join("records.jsonl.1")).is_ok());
}

#[test]
fn a_sink_can_begin_now() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 20);
    let sinks = sinks(&ledger, folder.path());
    let path = folder.path().join("records.jsonl");
    let mut config = file("archive", &path);
    config.from = From::Now;
    let before = ledger.last_seq();
    sinks.prepare(std::slice::from_ref(&config)).unwrap();
    append(&ledger, 5);
    sinks.configure(vec![config]);
    status_when(&sinks, "archive", |status| status.delivered == 5);
    assert_eq!(seqs(&path), (before + 1..=before + 5).collect::<Vec<_>>());
}

#[test]
fn a_cursor_that_does_not_fit_sends_everything_again() {
    for damage in ["", "{\"v\":\"sink-cursor/1\"}", "other ledger"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(KEY, &[]);
        {
            let ledger = open(folder.path());
            append(&ledger, 20);
            let sinks = sinks(&ledger, folder.path());
            sinks.configure(vec![webhook("siem", &server)]);
            server.wait_for(ledger.last_seq());
            assert!(sinks.stop(Duration::from_secs(5)));
        }
        if damage == "other ledger" {
            fs::remove_dir_all(folder.path().join("wal")).unwrap();
        } else {
            fs::write(folder.path().join("sinks").join("siem.cursor"), damage).unwrap();
        }
        let again = Server::start(KEY, &[]);
        let ledger = open(folder.path());
        append(&ledger, 40);
        let sinks = sinks(&ledger, folder.path());
        sinks.configure(vec![webhook("siem", &again)]);
        again.wait_for(ledger.last_seq());
        assert_complete(&again.taken(), ledger.last_seq());
        let status = status_when(&sinks, "siem", |status| status.lag == 0);
        assert!(status.note.is_some_and(|note| note.contains("cursor")));
    }
}

#[test]
fn a_ledger_in_memory_says_what_it_forgot() {
    let ledger = std::sync::Arc::new(Ledger::memory("stack", "instance", 50));
    let server = Server::start(KEY, &[Answer::Hang(Duration::from_secs(60))]);
    let sinks = Sinks::new(&ledger, None, Pace { first: Duration::from_millis(300), ..PACE });
    sinks.configure(vec![webhook("siem", &server)]);
    append(&ledger, 10);
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    append(&ledger, 200);
    server.wait_for(ledger.last_seq());
    let status = status_when(&sinks, "siem", |status| status.lag == 0);
    assert!(status.note.unwrap().contains("dropped"), "the gap is told");
    // With room enough nothing is lost.
    append(&ledger, 10);
    server.wait_for(ledger.last_seq());
}

#[test]
fn a_sink_that_cannot_be_used_is_down_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let server = Server::start(KEY, &[]);
    let sinks = sinks(&ledger, folder.path());
    let mut broken = webhook("broken", &server);
    let why = "TOKEN is not set".to_owned();
    broken.destination = Destination::Unusable { kind: "webhook-sink", why };
    sinks.configure(vec![broken, webhook("siem", &server)]);
    server.wait_for(ledger.last_seq());
    let status = status_when(&sinks, "broken", |status| status.state == State::Down);
    assert!(status.last_error.unwrap().0.contains("TOKEN is not set"));
    sinks.configure(vec![webhook("broken", &server)]);
    let status = status_when(&sinks, "broken", |status| status.lag == 0 && status.state == State::Healthy);
    assert_eq!(status.last_error, None);
    assert_at_least_once(&server.taken(), ledger.last_seq());
}
