//! Records as rows: how a batch is written in one request, and how a row is held against the record
//! that it carries.
//!
//! INVARIANT the bytes are the record: every other column is derived from them, and a row whose
//! columns say something else is damage.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use faramesh_call::Timestamp;
use faramesh_dpr::{Hash, Record};
use faramesh_ledger::Waiting;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::error::TableDamage;

/// The table of the records.
pub(crate) const RECORDS: &str = "faramesh.records";
/// The table of the commits.
pub(crate) const BATCHES: &str = "faramesh.batches";

/// The columns that [`read`] takes, in its order.
pub(crate) const COLUMNS: &str = "stack, instance, epoch, seq, time, id, hash, kind, effect, agent, tool, \
    session, rule, approval, record";

/// Most rows of one commit, and most bytes of its records unless one alone is larger.
const MAX_ROWS: usize = 2_048;
const MAX_BYTES: usize = 4 << 20;

/// One request is one transaction: the batch's row and the records' rows, or none of them.
pub(crate) const INSERT: &str = "
WITH batch AS (
    INSERT INTO faramesh.batches (stack, instance, epoch, first_seq, last_seq, prev, head)
    VALUES ($1, $2, $3, $4, $5, $6, $7))
INSERT INTO faramesh.records (stack, instance, epoch, seq, time, id, hash, kind, effect, agent, tool,
    session, rule, approval, record)
SELECT $1, $2, $3, r.* FROM unnest($8::bigint[], $9::timestamptz[], $10::text[], $11::bytea[], $12::text[],
    $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[])
    AS r (seq, time, id, hash, kind, effect, agent, tool, session, rule, approval, record)";

/// How many of the records go into the next commit.
pub(crate) fn portion(records: &[Waiting<'_>]) -> usize {
    let mut bytes = 0_usize;
    let fits = |record: &&Waiting<'_>| {
        bytes = bytes.saturating_add(record.bytes.len());
        bytes <= MAX_BYTES
    };
    records.iter().take(MAX_ROWS).take_while(fits).count().max(1)
}

pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A record's time as the database keeps it.
pub(crate) fn moment(time: Timestamp) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(time.0)).unwrap_or(UNIX_EPOCH)
}

/// The columns of a batch.
#[derive(Default)]
pub(crate) struct Columns<'a> {
    seq: Vec<i64>,
    time: Vec<SystemTime>,
    id: Vec<String>,
    hash: Vec<&'a [u8]>,
    kind: Vec<&'static str>,
    effect: Vec<Option<&'static str>>,
    /// Agent, tool, session, rule, approval.
    words: [Vec<Option<String>>; 5],
    record: Vec<&'a [u8]>,
    pub epoch: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    prev: Hash,
    head: Hash,
}

impl<'a> Columns<'a> {
    /// The columns of records; `None` when one of them is no record, which the queue never places.
    pub(crate) fn of(records: &'a [Waiting<'_>]) -> Option<Self> {
        let mut columns = Self::default();
        for waiting in records {
            let record = Record::parse(waiting.bytes).ok()?;
            if columns.seq.is_empty() {
                (columns.prev, columns.epoch) = (record.prev(), record.epoch());
            }
            columns.head = waiting.hash;
            columns.first = Some(columns.first.map_or(record.time(), |first| first.min(record.time())));
            columns.last = Some(columns.last.map_or(record.time(), |last| last.max(record.time())));
            columns.seq.push(stored(waiting.seq));
            columns.time.push(moment(record.time()));
            columns.id.push(record.id().to_string());
            columns.hash.push(&waiting.hash);
            columns.kind.push(record.kind().as_str());
            columns.effect.push(record.effect().map(faramesh_call::Effect::as_str));
            for (column, word) in columns.words.iter_mut().zip(words(&record)) {
                column.push(word);
            }
            columns.record.push(waiting.bytes);
        }
        Some(columns)
    }

    /// Writes them in one request, which comes back well after the commit.
    pub(crate) async fn insert(
        &self,
        client: &Client,
        statement: &Statement,
        stack: &str,
        instance: &str,
    ) -> Result<u64, tokio_postgres::Error> {
        let (first, last) = (self.seq.first().copied().unwrap_or(0), self.seq.last().copied().unwrap_or(0));
        let (prev, head): (&[u8], &[u8]) = (&self.prev, &self.head);
        let [agent, tool, session, rule, approval] = &self.words;
        let epoch = stored(self.epoch);
        let params: [&(dyn ToSql + Sync); 19] = [
            &stack,
            &instance,
            &epoch,
            &first,
            &last,
            &prev,
            &head,
            &self.seq,
            &self.time,
            &self.id,
            &self.hash,
            &self.kind,
            &self.effect,
            agent,
            tool,
            session,
            rule,
            approval,
            &self.record,
        ];
        client.execute(statement, &params).await
    }
}

fn words(record: &Record) -> [Option<String>; 5] {
    // A text of Postgres cannot hold the character 0; a word with one is only in the record.
    [
        record.agent().map(std::borrow::Cow::into_owned),
        record.tool().map(std::borrow::Cow::into_owned),
        record.session().map(std::borrow::Cow::into_owned),
        record.rule_ref(),
        record.approval_id(),
    ]
    .map(|word| word.filter(|word| !word.contains('\0')))
}

/// The record of a row and its hash, after every column was held against it.
pub(crate) fn read(row: &Row, instance: &str) -> Result<(Record, Hash), Box<TableDamage>> {
    let seq = u64::try_from(row.try_get::<_, i64>("seq").unwrap_or(0)).unwrap_or(0);
    let damage = |field: &str, expected: String, found: String| {
        let (instance, field) = (instance.to_owned(), field.to_owned());
        Box::new(TableDamage { table: RECORDS, instance, seq, field, expected, found })
    };
    let bytes: &[u8] = row.try_get("record").unwrap_or_default();
    let record = Record::parse(bytes).map_err(|error| {
        let field = error.field.as_deref().unwrap_or("record").to_owned();
        damage(&field, "a record of dpr/1".to_owned(), error.to_string())
    })?;
    let hash = record.hash();
    if row.try_get::<_, &[u8]>("hash").ok() != Some(&hash) {
        return Err(damage("hash", "the hash of the record".to_owned(), "another".to_owned()));
    }
    let time = row.try_get::<_, SystemTime>("time").ok();
    if time != Some(moment(record.time())) {
        let found = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let found = found.map_or_else(|| "before 1970".to_owned(), |time| format!("{} ms", time.as_millis()));
        return Err(damage("time", record.time().to_string(), found));
    }
    for (column, expected) in [("epoch", record.epoch()), ("seq", record.seq())] {
        let found: i64 = row.try_get(column).unwrap_or(0);
        if found != stored(expected) {
            return Err(damage(column, expected.to_string(), found.to_string()));
        }
    }
    let [agent, tool, session, rule, approval] = words(&record);
    let texts = [
        ("stack", Some(record.stack().into_owned())),
        ("instance", Some(record.instance().into_owned())),
        ("id", Some(record.id().to_string())),
        ("kind", Some(record.kind().as_str().to_owned())),
        ("effect", record.effect().map(|effect| effect.as_str().to_owned())),
        ("agent", agent),
        ("tool", tool),
        ("session", session),
        ("rule", rule),
        ("approval", approval),
    ];
    for (column, expected) in texts {
        let found: Option<&str> = row.try_get(column).unwrap_or(None);
        if found != expected.as_deref() {
            let shown =
                |word: Option<&str>| word.map_or_else(|| "nothing".to_owned(), |word| format!("`{word}`"));
            return Err(damage(column, shown(expected.as_deref()), shown(found)));
        }
    }
    Ok((record, hash))
}
