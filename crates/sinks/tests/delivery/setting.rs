//! Ledgers of small segments, and sinks that do not wait long.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faramesh_call::{Timestamp, Value};
use faramesh_dpr::{Draft, Kind};
use faramesh_ledger::{Ledger, Options};
use faramesh_sinks::{
    Address, Config, Destination, From, Limits, Pace, Secret, SigningSecret, Sinks, Status,
};

use crate::server::{Server, base64};

pub const KEY: &[u8] = b"CANARY-KEY-of-32-bytes-00000000!";

pub const PACE: Pace = Pace {
    first: Duration::from_millis(20),
    most: Duration::from_millis(200),
    slow: Duration::from_millis(300),
    look: Duration::from_millis(5),
};

pub fn open(folder: &Path) -> Arc<Ledger> {
    let options = Options {
        segment_bytes: 16_384,
        first_segment_bytes: 8_192,
        reserve_bytes: 0,
        index: false,
        ..Options::new(folder.join("wal"), "stack", "instance")
    };
    Arc::new(Ledger::open(options, Timestamp(1), &mut |_| {}).unwrap().0)
}

pub fn append(ledger: &Ledger, count: usize) {
    for number in 0..count {
        let draft = Draft::event(Kind::Lifecycle, Value::from(format!("{number} {}", "x".repeat(100))));
        ledger.append_and_wait(draft, Timestamp(2), Duration::from_secs(5)).unwrap();
    }
}

pub fn sinks(ledger: &Arc<Ledger>, folder: &Path) -> Sinks {
    Sinks::new(ledger, Some(folder.join("sinks")), PACE)
}

pub fn limits(records: usize) -> Limits {
    Limits { records, bytes: 1 << 20, wait: Duration::from_millis(10) }
}

pub fn webhook(name: &str, server: &Server) -> Config {
    let secret = format!("whsec_{}", base64(KEY));
    Config {
        name: name.to_owned(),
        destination: Destination::Webhook {
            address: Address::parse(&server.url()).unwrap(),
            secret: SigningSecret::parse(&secret).unwrap(),
            token: Some(Secret::new("CANARY-TOKEN")),
            timeout: Duration::from_millis(400),
            authorities: None,
        },
        from: From::Beginning,
        limits: limits(50),
    }
}

pub fn file(name: &str, path: &Path) -> Config {
    Config {
        name: name.to_owned(),
        destination: Destination::File { path: path.to_owned(), max_bytes: 20_000, apart_from: Vec::new() },
        from: From::Beginning,
        limits: limits(20),
    }
}

/// The status of a sink when something is so; panics when it never is.
pub fn status_when(sinks: &Sinks, name: &str, so: impl Fn(&Status) -> bool) -> Status {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let status = sinks.status().into_iter().find(|status| status.name == name);
        match status {
            Some(status) if so(&status) => return status,
            other => assert!(Instant::now() < until, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Every number once and in order.
pub fn assert_complete(seqs: &[u64], last: u64) {
    assert_eq!(seqs, (1..=last).collect::<Vec<_>>());
}

/// Every number, in order but for what came again.
pub fn assert_at_least_once(seqs: &[u64], last: u64) {
    let mut next = 1;
    for seq in seqs {
        assert!(*seq <= next, "record {next} was skipped: {seqs:?}");
        next = next.max(seq + 1);
    }
    assert_eq!(next, last + 1, "not all came");
}
