//! Keeps batches: one request for each, which comes back after its commit. The chain's lock keeps a
//! second process away while this one is connected; the key of `batches` fences whoever comes back late.
//!
//! INVARIANT resolved: after any failure the last batch of the chain is read, under the lock of the
//! chain, before anything else is written or acknowledged. Then it is this writer's, and the records up
//! to it are kept; or it is the one before, and nothing happened; or somebody else's, and this writer
//! never writes again.

use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_dpr::Hash;
use faramesh_ledger::{Backend, KeepError, Waiting};
use tokio_postgres::Statement;

use crate::address::Address;
use crate::error::{PostgresError, told};
use crate::link::{Failed, Link, REQUEST_LIMIT, Session};
use crate::rows::{Columns, INSERT, moment, portion};

/// How long a reconnected writer waits for the lock of its own lost session.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(25);
/// Months whose partitions are made ahead, the current one included.
const MONTHS: i32 = 3;
/// After this long in a month the ones behind it are looked after again.
const PARTITIONS_FOR_MS: u64 = 24 * 3_600_000;

/// How far a chain is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub epoch: u64,
    pub seq: u64,
    pub hash: Hash,
}

/// The writer of one chain.
pub(crate) struct Writer {
    address: Address,
    stack: String,
    instance: String,
    /// The last record that is known to be kept.
    head: Head,
    link: Option<Link>,
    statement: Option<Statement>,
    /// The session before this one, which may still hold the lock.
    before: Option<Session>,
    /// Times whose partitions are known to be there: from the first up to, not with, the second.
    ready: (u64, u64),
    /// Why nothing is written any more.
    lost: Option<String>,
}

impl Writer {
    /// A writer behind `head`, on a connection that holds the chain's lock.
    pub(crate) fn new(address: Address, stack: &str, instance: &str, head: Head, link: Link) -> Self {
        let before = Some(link.session.clone());
        let (stack, instance) = (stack.to_owned(), instance.to_owned());
        let (link, ready) = (Some(link), (0, 0));
        Self { address, stack, instance, head, link, statement: None, before, ready, lost: None }
    }

    /// Connects again, takes the lock again, and finds out how far the chain is.
    fn reconnect(&mut self, records: &[Waiting<'_>]) -> Result<(), KeepError> {
        let away = |error: PostgresError| KeepError::Unreachable(error.to_string());
        let mut link = Link::connect(&self.address).map_err(away)?;
        let mut locked = link.lock(&self.stack, &self.instance).map_err(away)?;
        if !locked && let Some(before) = &self.before {
            link.end(before).map_err(away)?;
        }
        let began = Instant::now();
        while !locked && began.elapsed() < LOCK_PATIENCE {
            std::thread::sleep(LOCK_PAUSE);
            locked = link.lock(&self.stack, &self.instance).map_err(away)?;
        }
        let found = head(&mut link, &self.stack, &self.instance).map_err(away)?;
        self.resolve(found, records)?;
        if !locked {
            return Err(KeepError::Unreachable("another session holds the lock of this ledger".to_owned()));
        }
        self.before = Some(link.session.clone());
        (self.link, self.statement) = (Some(link), None);
        Ok(())
    }

    /// What the chain's end in the database means for this writer.
    fn resolve(&mut self, found: Option<Head>, records: &[Waiting<'_>]) -> Result<(), KeepError> {
        let found = found.unwrap_or(Head { epoch: 0, seq: 0, hash: faramesh_dpr::GENESIS });
        if (found.seq, found.hash) == (self.head.seq, self.head.hash) {
            return Ok(());
        }
        if records.iter().any(|record| (record.seq, record.hash) == (found.seq, found.hash)) {
            self.head = found;
            return Ok(());
        }
        Err(KeepError::Lost(if found.seq < self.head.seq {
            format!(
                "record {} was acknowledged, and the database ends at record {}: it was set back",
                self.head.seq, found.seq
            )
        } else {
            format!("another process took over this ledger: record {} of epoch {}", found.seq, found.epoch)
        }))
    }

    /// Makes the partitions of a batch, and those that will be needed next.
    fn prepare(&mut self, columns: &Columns<'_>) -> Result<(), Failed> {
        let (Some(first), Some(last)) = (columns.first, columns.last) else { return Ok(()) };
        if first.0 >= self.ready.0 && last.0 < self.ready.1 {
            return Ok(());
        }
        let Some(link) = &mut self.link else { return Ok(()) };
        for time in [first, last] {
            partitions(link, time)?;
        }
        self.ready = (first.0, first.0.saturating_add(PARTITIONS_FOR_MS).max(last.0.saturating_add(1)));
        Ok(())
    }

    fn insert(&mut self, records: &[Waiting<'_>]) -> Result<(), KeepError> {
        let Some(columns) = Columns::of(records) else {
            return Err(KeepError::Lost("a record that was placed is none".to_owned()));
        };
        let away = |failed: Failed| KeepError::Unreachable(failed.reason);
        self.prepare(&columns).map_err(away)?;
        let Some(link) = &mut self.link else {
            return Err(KeepError::Unreachable("it is not connected".to_owned()));
        };
        let (stack, instance, known) = (&self.stack, &self.instance, self.statement.take());
        let inserted = link.run(REQUEST_LIMIT, async |client| {
            let told = |error: tokio_postgres::Error| Failed::new(told(&error));
            let statement = match known {
                Some(statement) => statement,
                None => client.prepare(INSERT).await.map_err(told)?,
            };
            let rows = columns.insert(client, &statement, stack, instance).await.map_err(told)?;
            Ok((statement, rows))
        });
        let (statement, rows) = inserted.map_err(away)?;
        self.statement = Some(statement);
        if usize::try_from(rows) != Ok(records.len()) {
            // A rule or trigger of somebody's that swallows rows.
            return Err(KeepError::Lost(format!("{rows} of {} records were written", records.len())));
        }
        if let Some(last) = records.last() {
            self.head = Head { epoch: columns.epoch, seq: last.seq, hash: last.hash };
        }
        Ok(())
    }

    fn keep_all(&mut self, records: &[Waiting<'_>]) -> Result<(), KeepError> {
        if self.link.is_none() {
            self.reconnect(records)?;
        }
        let kept = records.partition_point(|record| record.seq <= self.head.seq);
        let mut rest = records.get(kept..).unwrap_or_default();
        while !rest.is_empty() {
            let (portion, behind) = rest.split_at(portion(rest).min(rest.len()));
            self.insert(portion)?;
            rest = behind;
        }
        Ok(())
    }
}

impl Backend for Writer {
    fn keep(&mut self, records: &[Waiting<'_>]) -> Result<(), KeepError> {
        if let Some(reason) = &self.lost {
            return Err(KeepError::Lost(reason.clone()));
        }
        let kept = self.keep_all(records);
        match &kept {
            Ok(()) => {}
            // Whatever it was, nobody knows what the server did: the next attempt begins with that.
            Err(KeepError::Unreachable(_)) => self.link = None,
            Err(KeepError::Lost(reason)) => (self.link, self.lost) = (None, Some(reason.clone())),
        }
        kept
    }
}

/// Makes the partitions from a time on.
pub(crate) fn partitions(link: &mut Link, time: Timestamp) -> Result<(), Failed> {
    let query = "SELECT faramesh.make_partitions($1, $2)";
    link.run(REQUEST_LIMIT, async |client| {
        let made = client.query_one(query, &[&moment(time), &MONTHS]).await;
        made.map(|_| ()).map_err(|error| Failed::new(told(&error)))
    })
}

/// The end of a chain, as its last commit says; `None` when it has none.
pub(crate) fn head(link: &mut Link, stack: &str, instance: &str) -> Result<Option<Head>, PostgresError> {
    let query = "SELECT epoch, last_seq, head FROM faramesh.batches WHERE stack = $1 AND instance = $2 \
                 ORDER BY first_seq DESC LIMIT 1";
    let row = link.row(query, &[&stack, &instance])?;
    let Some(row) = row else { return Ok(None) };
    let number = |column: &str| u64::try_from(row.try_get::<_, i64>(column).unwrap_or(0)).unwrap_or(0);
    let hash = row.try_get::<_, &[u8]>("head").ok().and_then(|head| Hash::try_from(head).ok());
    let hash = hash.ok_or_else(|| link.unreachable("the end of the chain in faramesh.batches is no hash"))?;
    Ok(Some(Head { epoch: number("epoch"), seq: number("last_seq"), hash }))
}
