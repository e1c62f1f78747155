//! One chain of the table, walked from its first record and verified: columns, canonical bytes, links,
//! numbers, and the commits that `batches` tells of. Opening and `audit verify` walk this way.
//!
//! INVARIANT bounded: rows are streamed, and a few are held at a time.

use std::pin::pin;

use faramesh_dpr::{Chain, Hash, Record};
use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use crate::error::{PostgresError, TableDamage, told};
use crate::link::ROW_LIMIT;
use crate::rows::{BATCHES, COLUMNS, RECORDS, read};

/// Receives every record in order, with its hash.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&Record, Hash);

/// Why a walk ended early.
pub(crate) enum Stopped {
    Damage(Box<TableDamage>),
    Failed(String),
}

impl Stopped {
    pub(crate) fn at(self, place: &str) -> PostgresError {
        match self {
            Self::Damage(damage) => PostgresError::Damage(damage),
            Self::Failed(reason) => PostgresError::Unreachable { place: place.to_owned(), reason },
        }
    }
}

/// Walks one chain in one snapshot and gives its end.
pub(crate) async fn walk(
    client: &Client,
    stack: &str,
    instance: &str,
    take: Take<'_>,
) -> Result<Chain, Stopped> {
    let mut chain = Chain::genesis();
    let query = format!(
        "SELECT {COLUMNS} FROM {RECORDS} WHERE stack = $1 AND instance = $2 ORDER BY epoch, seq, time"
    );
    rows(client, &query, &[&stack, &instance], &mut |row| {
        let (record, hash) = read(&row, instance).map_err(Stopped::Damage)?;
        chain.feed_hashed(&record, hash).map_err(|broken| {
            Stopped::Damage(Box::new(TableDamage {
                table: RECORDS,
                instance: instance.to_owned(),
                seq: broken.seq,
                field: broken.field.to_owned(),
                expected: broken.expected,
                found: broken.found,
            }))
        })?;
        take(&record, hash);
        Ok(())
    })
    .await?;
    commits(client, stack, instance, &chain).await?;
    Ok(chain)
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
