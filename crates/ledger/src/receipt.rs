//! The proof that a record is kept, and the reasons why one could not be.
//!
//! INVARIANT record first: a [`Receipt`] has no public constructor. Only the commit of this crate
//! makes one, after the sync that covers the record (or, in memory, after it is stored), and a
//! permit reply cannot be built without one.

use std::fmt;

use faramesh_dpr::{Broken, Hash, RecordId};

/// The record it names is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    id: RecordId,
    seq: u64,
    epoch: u64,
    hash: Hash,
}

impl Receipt {
    /// For the commit, once the record is kept.
    pub(crate) fn new(id: RecordId, seq: u64, epoch: u64, hash: Hash) -> Self {
        Self { id, seq, epoch, hash }
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// The record's number in the ledger.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The run of the daemon that wrote it.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The record's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

/// A record that has its place in the chain and is not yet kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The record's id.
    pub id: RecordId,
    /// The record's number in the ledger.
    pub seq: u64,
}

/// Called once, when it is known whether the record is kept.
pub type Completion = Box<dyn FnOnce(Result<Receipt, Unavailable>) + Send>;

/// Why a record is not kept. Every one of them means that the call is denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// A write or sync failed; nothing is recorded until a restart has verified the files.
    #[error("the ledger stopped after a failed write: {reason}")]
    Poisoned {
        /// What failed.
        reason: Box<str>,
    },
    /// What keeps the ledger is out of reach. Records go on being refused until it is back, which is
    /// found out without a restart; a record that had its place already is kept then.
    #[error("the ledger is out of reach: {reason}")]
    Unreachable {
        /// What the network or the database says.
        reason: Box<str>,
    },
    /// Sealed records that were read again behind READY are not as they were written; nothing is recorded
    /// until a restart has verified the files.
    #[error("the ledger is damaged: {reason}")]
    Damaged {
        /// File, byte and record.
        reason: Box<str>,
    },
    /// Too many records wait for the disk.
    #[error("too many records wait for the disk")]
    Full,
    /// There is no space for another segment; tried again as records come.
    #[error("no space is left for the ledger")]
    DiskFull,
    /// Another segment could not be prepared; tried again as records come.
    #[error("another segment could not be prepared: {reason}")]
    NoSegment {
        /// What failed.
        reason: Box<str>,
    },
    /// The record is larger than a frame may be.
    #[error("the record has {bytes} bytes, more than a frame may hold")]
    TooLarge {
        /// The record's size.
        bytes: usize,
    },
    /// The record would break the chain.
    #[error("the record was refused: {0}")]
    Refused(Box<Broken>),
    /// The system gave no randomness for an id.
    #[error("the system gave no randomness")]
    NoRandomness,
    /// The record is kept, but every reply must be signed and this one cannot be; tried again by itself.
    #[error("the record could not be signed: {reason}")]
    Unsigned {
        /// What failed.
        reason: Box<str>,
    },
    /// The ledger is closed.
    #[error("the ledger is closed")]
    Closed,
    /// The record was not kept within the time that the caller waits; it may be later.
    #[error("the ledger did not answer in time")]
    Timeout,
}

impl Unavailable {
    pub(crate) fn poisoned(reason: impl fmt::Display) -> Self {
        Self::Poisoned { reason: reason.to_string().into() }
    }
}
