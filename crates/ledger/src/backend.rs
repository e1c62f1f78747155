//! The seam for ledgers that are kept neither in files nor in memory: a [`Backend`] keeps batches, a
//! [`Shelf`] reads what was kept. Chain, ids, completions and receipts stay here.
//!
//! INVARIANT record first: [`Backend::keep`] comes back well only when every record of the batch is
//! durable; only then does the commit of this crate make receipts.
//! Leaves out how checkpoints are made: a checkpointer is fed by the commit, whatever the backend.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use faramesh_call::Timestamp;
use faramesh_dpr::{Chain, Hash, Record, RecordId};

use crate::begin_signing::Begin;
use crate::commit::Shared;
use crate::filter::Filter;
use crate::ids::Ids;
use crate::keeping::{Log, Signatures};
use crate::ledger::{Ledger, Source};
use crate::open::{OpenError, Opened};
use crate::queue::{Batch, Entry, Queue, Room};
use crate::reader::ReadError;
use crate::store::Store;

/// A record that is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its canonical bytes.
    pub bytes: &'a [u8],
}

/// Why a batch is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Not now: the same batch is tried again until it is kept. The backend finds out by itself what
    /// became of an attempt whose end it did not see.
    #[error("{0}")]
    Unreachable(String),
    /// Never: the ledger takes nothing more until it is opened again.
    #[error("{0}")]
    Lost(String),
}

impl From<io::Error> for KeepError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// The writing side of a ledger that is kept elsewhere. Only the committer's thread calls it.
pub trait Backend: Send {
    /// Keeps records that follow those kept before, in order. When an attempt failed as
    /// [`KeepError::Unreachable`], the next call brings the same records, some of which may be kept.
    ///
    /// # Errors
    /// Not every record is known to be durable.
    fn keep(&mut self, records: &[Waiting<'_>]) -> Result<(), KeepError>;
}

/// The reading side of a ledger that is kept elsewhere.
pub trait Shelf: Send + Sync {
    /// The records that a filter lets through, in its order.
    ///
    /// # Errors
    /// They cannot be read, or are damaged.
    fn query(&self, filter: &Filter) -> Result<Vec<Record>, ReadError>;
}

/// A verified ledger that is kept elsewhere and can be gone on with.
pub struct Foundation {
    /// What keeps it, as `status` names it: `postgres`.
    pub name: &'static str,
    /// Where it is, for people; never a secret.
    pub place: String,
    /// The stack.
    pub stack: String,
    /// This daemon process.
    pub instance: String,
    /// The chain behind its last record.
    pub chain: Chain,
    /// The greatest id in it.
    pub last_id: RecordId,
    /// What an operator should know.
    pub warnings: Vec<String>,
    /// Keeps what comes.
    pub backend: Box<dyn Backend>,
    /// Reads what was kept.
    pub shelf: Arc<dyn Shelf>,
    /// How it is signed; not at all without.
    pub signatures: Option<Signatures>,
}

impl fmt::Debug for Foundation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Foundation").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Ledger {
    /// A ledger behind a foundation, in a new epoch whose first record is kept when this returns;
    /// `replay` is called with it.
    ///
    /// # Errors
    /// The epoch's first record could not be kept.
    pub fn on(
        foundation: Foundation,
        now: Timestamp,
        replay: &mut dyn FnMut(&Record),
    ) -> Result<(Self, Opened), OpenError> {
        let Foundation { name, place, stack, instance, chain, last_id, warnings, .. } = foundation;
        let Foundation { backend, shelf, mut signatures, .. } = foundation;
        let room = Room { end: u64::MAX, ..Room::default() };
        let queue = Queue::new(&stack, &instance, chain, Ids::after(last_id), room);
        let shared = Arc::new(Shared::new(queue, Store::Remote(backend), None));
        let source = Source::Shelf { name, place, shelf };
        let ledger = Self {
            shared,
            source,
            threads: Mutex::default(),
            indexer: None,
            sealer: None,
            snapshots: None,
            _lock: None,
        };
        ledger.spawn("ledger-commit", Shared::commit_loop);
        ledger.begin_epoch(now, None, &mut |record| {
            if let Some(signatures) = &mut signatures {
                // The ledger's own first record announces no key.
                let _ = signatures.signed.record(record, &record.hash());
            }
            replay(record);
        })?;
        if let Some(Signatures { signing, signed, notes }) = signatures {
            let log = || Ok(Log::Elsewhere { notes, unkept: None });
            Begin { signing: &signing, now }.run(&ledger, signed, log, replay)?;
        }
        let status = ledger.status();
        let (records, epoch, last_hash) = (status.records, status.epoch, status.last_hash);
        Ok((ledger, Opened { records, cut: None, epoch, last_hash, snapshot: None, warnings }))
    }
}

/// The records of a batch, as a backend takes them.
pub(crate) fn waiting(batch: &Batch) -> Vec<Waiting<'_>> {
    let waiting = |entry: &Entry| Waiting { seq: entry.seq, hash: entry.hash, bytes: batch.record(entry) };
    batch.entries.iter().map(waiting).collect()
}
