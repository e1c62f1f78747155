//! Rows that somebody with every right on the database changes: `verify` names the table, the record
//! and the field, and no daemon comes up on such a ledger.

use faramesh_ledger_postgres::{PostgresError, open};

use crate::load::{NOW, STACK, checked, opened, write};
use crate::server::Server;

#[test]
fn every_change_is_named_and_refuses_the_start() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    for agent_seq in 1..=20 {
        write(&ledger, "agent", agent_seq).unwrap();
    }
    drop(ledger);
    server.sql(
        "CREATE TABLE r AS SELECT * FROM faramesh.records; CREATE TABLE b AS SELECT * FROM faramesh.batches",
    );
    let records = "UPDATE faramesh.records SET";
    let swap = "UPDATE faramesh.records a SET record = o.record, hash = o.hash, id = o.id FROM r o \
                WHERE a.seq IN (7, 8) AND o.seq = 15 - a.seq";
    let swap_whole = "UPDATE faramesh.records a SET seq = 100 + seq WHERE seq IN (7, 8); \
                      UPDATE faramesh.records a SET seq = 115 - seq WHERE seq > 100";
    let cases = [
        (format!("{records} record = set_byte(record, 60, 255) WHERE seq = 9"), "faramesh.records", 9, ""),
        (
            format!(
                "{records} record = convert_to(replace(convert_from(record, 'UTF8'), '\"agent\":\"agent\"', \
                 '\"agent\":\"other\"'), 'UTF8') WHERE seq = 9"
            ),
            "faramesh.records", 9, "hash",
        ),
        (
            format!(
                "{records} agent = 'other', record = convert_to(replace(convert_from(record, 'UTF8'), \
                 '\"agent\":\"agent\"', '\"agent\":\"other\"'), 'UTF8') WHERE seq = 9; \
                 {records} hash = sha256(record) WHERE seq = 9"
            ),
            "faramesh.records", 10, "prev",
        ),
        (format!("{records} agent = 'other' WHERE seq = 9"), "faramesh.records", 9, "agent"),
        (format!("{records} effect = NULL WHERE seq = 9"), "faramesh.records", 9, "effect"),
        (format!("{records} time = time + interval '1 ms' WHERE seq = 9"), "faramesh.records", 9, "time"),
        (format!("{records} instance = 'host-2' WHERE seq = 9"), "faramesh.records", 10, "seq"),
        ("DELETE FROM faramesh.records WHERE seq = 9".to_owned(), "faramesh.records", 10, "seq"),
        ("DELETE FROM faramesh.records WHERE seq >= 21".to_owned(), "faramesh.records", 21, "seq"),
        ("DELETE FROM faramesh.records".to_owned(), "faramesh.records", 1, "seq"),
        (swap.to_owned(), "faramesh.records", 7, "seq"),
        (swap_whole.to_owned(), "faramesh.records", 7, "seq"),
        (
            "INSERT INTO faramesh.records SELECT stack, instance, epoch, seq, time + interval '1 ms', id, hash, \
             kind, effect, agent, tool, session, rule, approval, record FROM r WHERE seq = 9".to_owned(),
            "faramesh.records", 9, "time",
        ),
        ("DELETE FROM faramesh.batches WHERE first_seq = 9".to_owned(), "faramesh.batches", 10, "first_seq"),
        ("DELETE FROM faramesh.batches WHERE last_seq = 22".to_owned(), "faramesh.batches", 22, "last_seq"),
        ("UPDATE faramesh.batches SET head = sha256('x') WHERE last_seq = 22".to_owned(), "faramesh.batches", 22, "head"),
    ];
    for (sql, table, seq, field) in cases {
        server.sql(&sql);
        let Err(PostgresError::Damage(damage)) = checked(&server) else { panic!("not noticed: {sql}") };
        let named = (damage.table, damage.instance.as_str(), damage.seq);
        assert_eq!(named, (table, "host-1", seq), "{sql}: {damage}");
        assert!(field.is_empty() || damage.field == field, "{sql}: {damage}");
        let opening = open(server.address(), STACK, "host-1", NOW, &mut |_| {}).unwrap_err();
        assert!(matches!(opening, PostgresError::Damage(_)), "{sql}: {opening}");
        server.sql(
            "TRUNCATE faramesh.records; TRUNCATE faramesh.batches; \
             INSERT INTO faramesh.records SELECT * FROM r; INSERT INTO faramesh.batches SELECT * FROM b",
        );
        assert_eq!(checked(&server).unwrap().total().records, 22);
    }
}
