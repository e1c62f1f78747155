//! The Decision Provenance Record `dpr/1`: its fields, its one canonical form, the hash chain and
//! the check of that chain. Stands between the verdict and the ledger: a gate fills a [`Draft`],
//! the ledger seals it, and every verifier reads it back as a [`Record`].
//!
//! INVARIANT whole: every field is under the hash, and the stored bytes are the record.
//! Leaves out files, clocks and randomness: position, time and id are arguments.

mod beside;
mod canonical;
mod chain;
mod commitment;
mod draft;
mod fields;
mod hex;
mod id;
mod kind;
mod members;
mod quick;
mod record;
mod scan;
mod time;

pub use beside::{Running, hash_of_blocks};
pub use canonical::{Canonical, CanonicalError, CanonicalErrorKind};
pub use chain::{Broken, Chain, MAX_AGENTS, Resume};
pub use commitment::CommitmentKey;
pub use draft::{Draft, Identity, Position, RuleRef};
pub use hex::{hash_of, read_hash, write_hash};
pub use id::RecordId;
pub use kind::Kind;
pub use members::{RecordError, RecordErrorKind};
pub use record::Record;

/// The version that every record of this form carries.
pub const VERSION: &str = "dpr/1";

/// The SHA-256 of a record's canonical bytes.
pub type Hash = [u8; 32];

/// What the first record of a ledger links to.
pub const GENESIS: Hash = [0; 32];
