//! Only one process writes a chain: a second is told so, and one that comes back late never commits.

use faramesh_ledger::Unavailable;
use faramesh_ledger_postgres::{PostgresError, open};

use crate::load::{NOW, STACK, checked, eventually, opened, write};
use crate::server::Server;

#[test]
fn a_second_writer_is_refused_while_the_first_is_there() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let second = open(server.address(), STACK, "host-1", NOW, &mut |_| {}).unwrap_err();
    assert!(matches!(second, PostgresError::Locked { .. }), "{second}");
    write(&ledger, "agent", 1).unwrap();
    drop(ledger);
    let (_, opened) = opened(&server, "host-1");
    assert_eq!(opened.epoch, 2);
}

#[test]
fn a_writer_whose_chain_was_taken_over_never_commits_again() {
    let Some(server) = Server::start() else { return };
    let (stale, _) = opened(&server, "host-1");
    write(&stale, "agent", 1).unwrap();
    assert_eq!(server.end_connections(), 1);
    let (next, after) = opened(&server, "host-1");
    assert_eq!(after.epoch, 2);
    let refusal = write(&stale, "agent", 2).unwrap_err();
    assert!(
        matches!(&refusal, Unavailable::Poisoned { reason } if reason.contains("took over")),
        "{refusal}"
    );
    assert!(!stale.is_healthy());
    // Also not when the one that took over is gone.
    write(&next, "agent", 2).unwrap();
    drop(next);
    assert!(write(&stale, "agent", 3).is_err());
    drop(stale);
    let total = checked(&server).unwrap().total();
    assert_eq!((total.records, total.epochs), (5, 2));
}

#[test]
fn a_chain_cannot_be_continued_twice_from_one_record() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    write(&ledger, "agent", 1).unwrap();
    // What a writer without the lock would do that read the chain before the last record was written.
    let again = "INSERT INTO faramesh.batches SELECT stack, instance, first_seq, last_seq, epoch + 1, prev, \
                 sha256('other') FROM faramesh.batches ORDER BY first_seq DESC LIMIT 1";
    let error = server.try_sql("postgres", again).unwrap_err();
    assert!(error.contains("batches_pkey"), "{error}");
}

#[test]
fn a_database_that_was_set_back_is_noticed() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    for agent_seq in 1..=5 {
        write(&ledger, "agent", agent_seq).unwrap();
    }
    server
        .sql("DELETE FROM faramesh.records WHERE seq > 4; DELETE FROM faramesh.batches WHERE first_seq > 4");
    server.end_connections();
    eventually("the writer refuses", || write(&ledger, "agent", 99).is_err());
    let refusal = write(&ledger, "agent", 100).unwrap_err();
    assert!(matches!(&refusal, Unavailable::Poisoned { reason } if reason.contains("set back")), "{refusal}");
    assert_eq!(checked(&server).unwrap().total().records, 4);
}
