//! The tables: made by many at once, refused when newer, and written by a role that may do little.

use faramesh_ledger::{LocalKeys, Signing};
use faramesh_ledger_postgres::{Address, PostgresError, open, open_signed, verify};

use crate::load::{NOW, STACK, WAIT, opened, write};
use crate::server::Server;

#[test]
fn daemons_that_start_at_once_make_the_tables_once() {
    let Some(server) = Server::start() else { return };
    std::thread::scope(|scope| {
        for instance in 0..12 {
            let server = &server;
            scope.spawn(move || {
                let (ledger, opened) = opened(server, &format!("host-{instance}"));
                assert_eq!(opened.epoch, 1);
                write(&ledger, "agent", 1).unwrap();
            });
        }
    });
    assert_eq!(server.sql("SELECT string_agg(version::text, ',') FROM faramesh.schema_version"), "1,2");
    for name in ["0001.sql", "0002.sql"] {
        let path = format!("{}/src/migrations/{name}", env!("CARGO_MANIFEST_DIR"));
        let migration = std::fs::read_to_string(path).unwrap();
        server.sql(&format!("BEGIN; {migration}; COMMIT"));
    }
    assert_eq!(verify(&server.address(), STACK, &mut |_| {}).unwrap().total().records, 36);
}

#[test]
fn newer_tables_are_left_alone_and_missing_ones_are_not_made_by_a_reader() {
    let Some(server) = Server::start() else { return };
    let missing = verify(&server.address(), STACK, &mut |_| {}).unwrap_err();
    assert!(matches!(missing, PostgresError::NotMigrated { .. }), "{missing}");
    opened(&server, "host-1");
    server.sql("INSERT INTO faramesh.schema_version VALUES (99)");
    let newer = open(server.address(), STACK, "host-1", NOW, &mut |_| {}).unwrap_err();
    assert!(matches!(newer, PostgresError::Newer { found: 99, known: 2 }), "{newer}");
}

#[test]
fn a_daemon_needs_no_more_than_insert_and_select() {
    let Some(server) = Server::start() else { return };
    server.sql("CREATE ROLE daemon LOGIN");
    let url = format!("postgres://daemon@127.0.0.1:{}/postgres", server.port);
    let address = || Address::parse(&url).unwrap();
    let early = open(address(), STACK, "host-1", NOW, &mut |_| {}).unwrap_err();
    assert!(matches!(early, PostgresError::NotMigrated { .. }), "{early}");
    opened(&server, "host-0");
    server.sql(
        "GRANT USAGE ON SCHEMA faramesh TO daemon; \
         GRANT SELECT ON faramesh.schema_version, faramesh.records, faramesh.batches, faramesh.checkpoints \
         TO daemon; \
         GRANT INSERT ON faramesh.records, faramesh.batches, faramesh.checkpoints TO daemon; \
         GRANT EXECUTE ON FUNCTION faramesh.make_partitions(timestamptz, integer) TO daemon",
    );
    let folder = tempfile::tempdir().unwrap();
    let keys = LocalKeys::open(folder.path(), true).unwrap();
    let signing = Signing { signers: keys.signers(), ..Signing::default() };
    let (ledger, _) = open_signed(address(), STACK, "host-1", Some(signing), NOW, &mut |_| {}).unwrap();
    let later = faramesh_call::Timestamp(NOW.0 + 300 * 24 * 3_600_000);
    ledger.append_and_wait(faramesh_testkit::policy(), later, WAIT).unwrap();
    drop(ledger);
    let fleet = verify(&address(), STACK, &mut |_| {}).unwrap();
    let signed = fleet.chains.iter().map(|(_, report)| report.signatures.covered).collect::<Vec<_>>();
    assert_eq!(signed, [0, fleet.chains[1].1.records]);
    for sql in [
        "DELETE FROM faramesh.records",
        "UPDATE faramesh.records SET epoch = 9",
        "TRUNCATE faramesh.batches",
        "DELETE FROM faramesh.checkpoints",
        "UPDATE faramesh.checkpoints SET note = ''",
        "DROP TABLE faramesh.records_2026_11",
        "DELETE FROM faramesh.records_2026_11",
    ] {
        let refused = server.try_sql("daemon", sql).unwrap_err();
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{refused}");
    }
}
