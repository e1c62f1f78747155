//! One chain of the table, walked from its first record and verified: columns, canonical bytes, links,
//! numbers, signed checkpoints, and the commits that `batches` tells of. Opening and `audit verify` walk this way.
//!
//! INVARIANT bounded: rows are streamed, and a few are held at a time.

use std::pin::pin;

use faramesh_dpr::{Chain, Hash, Record};
use faramesh_verify::{Break, Note, Signed};
use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use crate::address::Address;
use crate::error::{PostgresError, TableDamage, told};
use crate::link::{Link, ROW_LIMIT};
use crate::notes::CHECKPOINTS;
use crate::rows::{BATCHES, COLUMNS, RECORDS, read, stored};
use crate::schema;

/// Receives every record in order, with its hash and the checkpoints behind it.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&Record, Hash, Vec<Note>) -> Result<(), Stopped>;

/// Why a walk ended early.
pub(crate) enum Stopped {
    Damage(Box<TableDamage>),
    Failed(String),
    /// Whoever takes the records wants no more.
    Enough,
}

impl Stopped {
    pub(crate) fn at(self, place: &str) -> PostgresError {
        let reason = match self {
            Self::Damage(damage) => return PostgresError::Damage(damage),
            Self::Failed(reason) => reason,
            Self::Enough => "the reading was ended".to_owned(),
        };
        PostgresError::Unreachable { place: place.to_owned(), reason }
    }

    /// A break that a check of records or checkpoints found.
    pub(crate) fn of(table: &'static str, instance: &str, broken: Break) -> Self {
        let Break { seq, field, expected, found } = broken;
        Self::Damage(Box::new(TableDamage {
            table,
            instance: instance.to_owned(),
            seq,
            field,
            expected,
            found,
        }))
    }
}

/// The end of a chain.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub chain: Chain,
    /// Tree, keys and checkpoints.
    pub signed: Signed,
}

/// Walks one chain in one snapshot and gives its end.
pub(crate) async fn walk(
    client: &Client,
    stack: &str,
    instance: &str,
    take: Take<'_>,
) -> Result<Walked, Stopped> {
    let mut walked = Walked::default();
    // One by one, because nothing can be asked while a query's rows are streamed; where the chain has no
    // checkpoints nothing is looked up.
    let notes = format!(
        "CASE WHEN EXISTS (SELECT FROM {CHECKPOINTS} WHERE stack = $1 AND instance = $2) THEN \
         (SELECT array_agg(c.note ORDER BY c.number) FROM {CHECKPOINTS} c \
         WHERE c.stack = $1 AND c.instance = $2 AND c.size = r.seq) END AS notes"
    );
    let query = format!(
        "SELECT {COLUMNS}, {notes} FROM {RECORDS} r WHERE stack = $1 AND instance = $2 \
         ORDER BY epoch, seq, time"
    );
    rows(client, &query, &[&stack, &instance], &mut |row| {
        let (record, hash) = read(&row, instance).map_err(Stopped::Damage)?;
        let fed = walked.chain.feed_hashed(&record, hash).map_err(Break::from);
        fed.and_then(|_| walked.signed.record(&record, &hash))
            .map_err(|broken| Stopped::of(RECORDS, instance, broken))?;
        let texts: Vec<String> = row.try_get::<_, Option<_>>("notes").ok().flatten().unwrap_or_default();
        let mut notes = Vec::with_capacity(texts.len());
        for text in texts {
            notes.push(checkpoint(&mut walked.signed, instance, &text)?);
        }
        take(&record, hash, notes)
    })
    .await?;
    commits(client, stack, instance, &walked.chain).await?;
    checkpoints(client, stack, instance, &mut walked.signed).await?;
    Ok(walked)
}

/// Checks the checkpoint of exactly the records that were walked.
fn checkpoint(signed: &mut Signed, instance: &str, text: &str) -> Result<Note, Stopped> {
    let wrong = |broken| Stopped::of(CHECKPOINTS, instance, broken);
    let note = Note::parse(text.as_bytes()).map_err(|error| {
        wrong(Break {
            seq: signed.size(),
            field: "checkpoint".to_owned(),
            expected: "a signed note".to_owned(),
            found: error.to_string(),
        })
    })?;
    signed.checkpoint(&note).map_err(wrong)?;
    Ok(note)
}

/// A checkpoint that is left covers records that are not there, or none.
async fn checkpoints(
    client: &Client,
    stack: &str,
    instance: &str,
    signed: &mut Signed,
) -> Result<(), Stopped> {
    let query = format!(
        "SELECT size, note FROM {CHECKPOINTS} WHERE stack = $1 AND instance = $2 AND (size > $3 OR size < 1) \
         ORDER BY size, number LIMIT 1"
    );
    let end = stored(signed.size());
    let mut left = None;
    rows(client, &query, &[&stack, &instance, &end], &mut |row| {
        left = Some((row.try_get::<_, i64>(0).unwrap_or(0), row.try_get::<_, String>(1).unwrap_or_default()));
        Ok(())
    })
    .await?;
    let Some((size, text)) = left else { return Ok(()) };
    checkpoint(signed, instance, &text)?;
    // The note is one of these records, and its column says something else.
    let (expected, found) = (signed.size().to_string(), size.to_string());
    let broken = Break { seq: signed.size(), field: "size".to_owned(), expected, found };
    Err(Stopped::of(CHECKPOINTS, instance, broken))
}

/// Every record of one chain, verified on the way, with the checkpoints behind each; daemons may be writing it.
/// `take` says whether it wants more.
///
/// # Errors
/// [`PostgresError::Damage`] names the first place that is not as it was written; otherwise the
/// database could not be read.
pub fn each(
    address: &Address,
    stack: &str,
    instance: &str,
    take: &mut dyn FnMut(&Record, Vec<Note>) -> bool,
) -> Result<(), PostgresError> {
    let mut link = Link::connect(address)?;
    schema::check(&mut link)?;
    let walked = link.long(async |client| {
        snapshot(client, async |client| {
            let mut handed =
                |record: &Record, _, notes| if take(record, notes) { Ok(()) } else { Err(Stopped::Enough) };
            walk(client, stack, instance, &mut handed).await
        })
        .await
    });
    match walked {
        Ok(_) | Err(Stopped::Enough) => Ok(()),
        Err(stopped) => Err(stopped.at(&address.to_string())),
    }
}

/// Whether the commits lie one behind the other and end where the records do: rows that are missing at
/// the end show here.
async fn commits(client: &Client, stack: &str, instance: &str, chain: &Chain) -> Result<(), Stopped> {
    let mut last = (0_i64, faramesh_dpr::GENESIS.to_vec());
    let damage = |seq: i64, field: &str, expected: String, found: String| {
        let seq = u64::try_from(seq).unwrap_or(0);
        let (instance, field) = (instance.to_owned(), field.to_owned());
        Stopped::Damage(Box::new(TableDamage { table: BATCHES, instance, seq, field, expected, found }))
    };
    let query = format!(
        "SELECT first_seq, last_seq, prev, head FROM {BATCHES} WHERE stack = $1 AND instance = $2 \
         ORDER BY first_seq"
    );
    rows(client, &query, &[&stack, &instance], &mut |row| {
        let first: i64 = row.try_get("first_seq").unwrap_or(0);
        if first != last.0.saturating_add(1) {
            let expected = last.0.saturating_add(1).to_string();
            return Err(damage(first, "first_seq", expected, first.to_string()));
        }
        if row.try_get::<_, &[u8]>("prev").ok() != Some(&last.1) {
            let expected = "the head of the commit before".to_owned();
            return Err(damage(first, "prev", expected, "another hash".to_owned()));
        }
        last = (row.try_get("last_seq").unwrap_or(0), row.try_get("head").unwrap_or_default());
        Ok(())
    })
    .await?;
    let end = i64::try_from(chain.seq()).unwrap_or(i64::MAX);
    if last.0 != end {
        // The records end early when rows were taken from their end.
        let (expected, found) = (format!("record {}, which was committed", last.0), format!("record {end}"));
        let missing = last.0 > end;
        if missing {
            let seq = chain.seq().saturating_add(1);
            let (instance, field) = (instance.to_owned(), "seq".to_owned());
            let damage =
                TableDamage { table: RECORDS, instance, seq, field, expected, found: "nothing".into() };
            return Err(Stopped::Damage(Box::new(damage)));
        }
        return Err(damage(end, "last_seq", end.to_string(), found));
    }
    if last.1 != chain.hash() {
        let (expected, found) = ("the hash of the last record".to_owned(), "another hash".to_owned());
        return Err(damage(end, "head", expected, found));
    }
    Ok(())
}

/// Streams a query's rows; every wait for the next is bounded.
pub(crate) async fn rows(
    client: &Client,
    query: &str,
    params: &[&(dyn ToSql + Sync)],
    take: &mut dyn FnMut(Row) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let failed = |error: tokio_postgres::Error| Stopped::Failed(told(&error));
    let late = |_| Stopped::Failed("it does not answer in time".to_owned());
    let params = params.iter().copied();
    let begun = tokio::time::timeout(ROW_LIMIT, client.query_raw(query, params));
    let mut stream = pin!(begun.await.map_err(late)?.map_err(failed)?);
    while let Some(row) =
        tokio::time::timeout(ROW_LIMIT, stream.try_next()).await.map_err(late)?.map_err(failed)?
    {
        take(row)?;
    }
    Ok(())
}

/// Runs a long reading in one snapshot, without the limit that short requests have.
pub(crate) async fn snapshot<T>(
    client: &Client,
    work: impl AsyncFnOnce(&Client) -> Result<T, Stopped>,
) -> Result<T, Stopped> {
    let failed = |error: tokio_postgres::Error| Stopped::Failed(told(&error));
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0";
    client.batch_execute(begin).await.map_err(failed)?;
    let done = work(client).await?;
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(done)
}
