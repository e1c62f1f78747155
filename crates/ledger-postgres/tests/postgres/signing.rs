//! Chains that their daemons sign: checkpoints are made, kept, verified and followed over restarts; what
//! somebody with every right on the database takes away together with the commits is missed.

use std::time::{Duration, Instant};

use faramesh_ledger::{Ledger, LocalKeys, OpenError, Opened, Signing, SigningError};
use faramesh_ledger_postgres::{PostgresError, each, open_signed, verify_pinned};
use faramesh_testkit::policy;
use faramesh_verify::{PublicKey, SigningMode};

use crate::load::{NOW, STACK, WAIT, checked, write};
use crate::server::Server;

/// A daemon's key, in a folder of its own.
struct Daemon {
    folder: tempfile::TempDir,
    instance: &'static str,
}

impl Daemon {
    fn new(instance: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), instance }
    }

    fn open(&self, server: &Server, mode: SigningMode, replaces: bool) -> Result<Ledger, PostgresError> {
        let mut keys = LocalKeys::open(self.folder.path(), true).unwrap();
        let successor = replaces.then(|| keys.make_successor().unwrap());
        let signing = Signing { mode: Some(mode), signers: keys.signers(), successor };
        let mut is_new = true;
        let opened = open_signed(server.address(), STACK, self.instance, Some(signing), NOW, &mut |record| {
            is_new &= record.policy().is_none();
        });
        let (ledger, Opened { .. }) = opened?;
        keys.settle(&ledger.status().checkpoint.unwrap().key).unwrap();
        if is_new {
            ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
        }
        Ok(ledger)
    }

    fn key(&self) -> PublicKey {
        std::fs::read_to_string(self.folder.path().join("signing.pub")).unwrap().trim().parse().unwrap()
    }
}

fn covered(ledger: &Ledger) -> u64 {
    ledger.status().checkpoint.unwrap().size
}

#[test]
fn every_chain_is_signed_and_verified_with_its_own_key() {
    let Some(server) = Server::start() else { return };
    let daemons = [Daemon::new("host-1"), Daemon::new("host-2")];
    for run in 0..2 {
        for daemon in &daemons {
            // The second run of the second daemon has another key.
            let replaces = run == 1 && daemon.instance == "host-2";
            let ledger = daemon.open(&server, SigningMode::Checkpoint, replaces).unwrap();
            for agent_seq in 1..=10 {
                write(&ledger, "agent", run * 1_000 + agent_seq).unwrap();
            }
            let began = Instant::now();
            while covered(&ledger) < ledger.status().last_seq {
                assert!(began.elapsed() < WAIT, "{:?}", ledger.status());
                std::thread::sleep(Duration::from_millis(50));
            }
            write(&ledger, "agent", run * 1_000 + 100).unwrap();
            // What was written last is signed when the ledger is closed.
        }
    }
    let fleet = checked(&server).unwrap();
    for ((instance, report), keys) in fleet.chains.iter().zip([1, 2]) {
        let found = &report.signatures;
        assert_eq!((found.covered, found.keys.len()), (report.records, keys), "{instance}: {found:?}");
        assert!(found.checkpoints >= 4 && found.origin.starts_with("faramesh.dev/ledger/payments/"));
    }
    let pinned = |key: &PublicKey| verify_pinned(&server.address(), STACK, Some(key), &mut |_| {});
    for daemon in &daemons {
        assert_eq!(pinned(&daemon.key()).unwrap().chains.len(), 2);
    }
    let stranger = Daemon::new("host-9");
    let other = Server::start().unwrap();
    drop(stranger.open(&other, SigningMode::Checkpoint, false).unwrap());
    let Err(PostgresError::Damage(damage)) = pinned(&stranger.key()) else { panic!("a stranger's key") };
    assert_eq!(damage.field, "checkpoint.signature");
    // Handed over record by record, with the checkpoints between them.
    let (mut records, mut notes) = (0, 0);
    each(&server.address(), STACK, "host-1", &mut |_, behind| {
        (records, notes) = (records + 1, notes + behind.len());
        true
    })
    .unwrap();
    let first = &fleet.chains[0].1;
    assert_eq!((records, u64::try_from(notes).unwrap()), (first.records, first.signatures.checkpoints));
}

#[test]
fn with_strict_every_permit_waits_for_its_signature() {
    let Some(mut server) = Server::start() else { return };
    let daemon = Daemon::new("host-1");
    let ledger = daemon.open(&server, SigningMode::Strict, false).unwrap();
    for agent_seq in 1..=5 {
        let receipt = write(&ledger, "agent", agent_seq).unwrap();
        assert!(covered(&ledger) >= receipt.seq());
    }
    // A connection that is lost is made again, that of the signer too.
    server.end_connections();
    let began = Instant::now();
    while write(&ledger, "agent", 6 + u64::try_from(began.elapsed().as_millis()).unwrap()).is_err() {
        assert!(began.elapsed() < WAIT, "{:?}", ledger.status());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(covered(&ledger), ledger.status().last_seq);
    // A table of checkpoints that cannot be written: nothing is permitted any more.
    server.sql("ALTER TABLE faramesh.checkpoints RENAME TO hidden");
    let refused = write(&ledger, "agent", 100_000_000).unwrap_err();
    assert!(refused.to_string().contains("checkpoint"), "{refused}");
    server.sql("ALTER TABLE faramesh.hidden RENAME TO checkpoints");
    let (began, mut agent_seq) = (Instant::now(), 100_000_001);
    while write(&ledger, "agent", agent_seq).is_err() {
        agent_seq += 1;
        assert!(began.elapsed() < WAIT, "{:?}", ledger.status());
        std::thread::sleep(Duration::from_millis(100));
    }
    server.stop_at_once();
    server.run();
    drop(ledger);
    let report = &checked(&server).unwrap().chains[0].1;
    assert_eq!(report.signatures.mode, Some(SigningMode::Strict));
    assert_eq!(report.signatures.covered, report.records);
}

#[test]
fn what_is_taken_away_with_its_commits_is_missed_and_what_is_forged_is_named() {
    let Some(server) = Server::start() else { return };
    let daemon = Daemon::new("host-1");
    let ledger = daemon.open(&server, SigningMode::Checkpoint, false).unwrap();
    for agent_seq in 1..=20 {
        write(&ledger, "agent", agent_seq).unwrap();
    }
    drop(ledger);
    let whole = checked(&server).unwrap().total();
    assert_eq!(whole.records, 23);
    for table in ["records", "batches"] {
        server.sql(&format!("CREATE TABLE saved_{table} AS SELECT * FROM faramesh.{table}"));
    }
    server.sql("CREATE TABLE saved AS SELECT stack, instance, size, hash, note FROM faramesh.checkpoints");
    let change = |from: &str, to: &str| {
        format!("UPDATE faramesh.checkpoints SET note = replace(note, '{from}', '{to}') WHERE size = 23")
    };
    let cases = [
        // The newest records with their commits: without signatures nothing would show it.
        (
            "DELETE FROM faramesh.records WHERE seq > 20; DELETE FROM faramesh.batches WHERE last_seq > 20"
                .to_owned(),
            21,
            "checkpoint.size",
        ),
        (change("instance host-1", "instance host-2"), 23, "checkpoint.instance"),
        (change("epoch 1", "epoch 2"), 23, "checkpoint.epoch"),
        (change("time 20", "time 21"), 23, "checkpoint.signature"),
        (change("payments", "invoices"), 23, "checkpoint.origin"),
        ("UPDATE faramesh.checkpoints SET note = 'nothing' WHERE size = 23".to_owned(), 23, "checkpoint"),
        ("UPDATE faramesh.checkpoints SET size = 22 WHERE size = 23".to_owned(), 23, "checkpoint.size"),
        ("UPDATE faramesh.checkpoints SET size = 0 WHERE size = 23".to_owned(), 23, "size"),
        ("UPDATE faramesh.checkpoints SET size = 24 WHERE size = 23".to_owned(), 23, "size"),
    ];
    for (sql, seq, field) in cases {
        server.sql(&sql);
        let Err(PostgresError::Damage(damage)) = checked(&server) else { panic!("not noticed: {sql}") };
        let named = (damage.table, damage.instance.as_str(), damage.seq, damage.field.as_str());
        assert_eq!(named, ("faramesh.checkpoints", "host-1", seq, field), "{sql}: {damage}");
        let refused = daemon.open(&server, SigningMode::Checkpoint, false).unwrap_err();
        assert!(matches!(refused, PostgresError::Damage(_)), "{sql}: {refused}");
        server.sql(
            "TRUNCATE faramesh.records, faramesh.batches, faramesh.checkpoints; \
             INSERT INTO faramesh.records SELECT * FROM saved_records; \
             INSERT INTO faramesh.batches SELECT * FROM saved_batches; \
             INSERT INTO faramesh.checkpoints (stack, instance, size, hash, note) SELECT * FROM saved",
        );
        assert_eq!(checked(&server).unwrap().total(), whole);
    }
    // Without the private key the chain cannot go on as if it were signed.
    let stranger = Daemon::new("host-1");
    let refused = stranger.open(&server, SigningMode::Checkpoint, false).unwrap_err();
    assert!(
        matches!(refused, PostgresError::Ledger(OpenError::Signing(SigningError::OtherKey { .. }))),
        "{refused}"
    );
}
