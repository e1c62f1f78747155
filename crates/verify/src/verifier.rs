//! The whole check of a ledger's records and checkpoints, fed in order: canonical bytes, chain, tree,
//! keys and signatures. The first thing that does not fit ends it.
//!
//! INVARIANT streaming: nothing is kept of a record behind the next one but the chain's and the tree's
//! few numbers.

use std::sync::Arc;

use faramesh_dpr::{Broken, Chain, GENESIS, Hash, Record, RecordError};

use crate::checkpoint::{Checkpoint, hex};
use crate::key::PublicKey;
use crate::note::Note;
use crate::signed::Signed;
use crate::summary::Summary;

/// The first place where a ledger is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: `{field}` is {found}, expected {expected}")]
pub struct Break {
    /// The number of the record.
    pub seq: u64,
    /// A member of the record, or a part of the checkpoint: `checkpoint.root`.
    pub field: String,
    /// What would fit.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Break {
    pub(crate) fn new(seq: u64, field: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { seq, field: field.to_owned(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn of_record(seq: u64, error: &RecordError) -> Self {
        Self::new(seq, error.field.as_deref().unwrap_or("record"), "a record of dpr/1", error.to_string())
    }
}

impl From<Broken> for Break {
    fn from(broken: Broken) -> Self {
        Self::new(broken.seq, broken.field, broken.expected, broken.found)
    }
}

/// A check of a whole ledger, from its first record on.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    chain: Chain,
    signed: Signed,
    /// The hash of the last record whose body is elsewhere, until a record follows it.
    behind: Option<Hash>,
    pin: Option<PublicKey>,
}

impl Verifier {
    /// A check that also demands that this key signed the ledger.
    #[must_use]
    pub fn pinned(pin: PublicKey) -> Self {
        Self { pin: Some(pin), ..Self::default() }
    }

    /// Takes the bytes of the next record; gives it back as it was read.
    ///
    /// # Errors
    /// The bytes are no record, or not the next one.
    pub fn record(&mut self, bytes: impl Into<Arc<[u8]>>) -> Result<Record, Break> {
        let seq = self.signed.size() + 1;
        let record = Record::parse(bytes).map_err(|error| Break::of_record(seq, &error))?;
        if let Some(digest) = self.behind.take() {
            // The chain begins anew behind records whose bodies are elsewhere: only their hashes bind.
            for (field, expected, found) in [
                ("seq", seq.to_string(), record.seq().to_string()),
                ("prev", hex(&digest), hex(&record.prev())),
            ] {
                if expected != found {
                    return Err(Break::new(seq, field, expected, found));
                }
            }
            self.chain = Chain::anywhere();
        }
        let hash = self.chain.feed(&record)?;
        self.signed.record(&record, &hash)?;
        Ok(record)
    }

    /// Takes the hash of the next record, whose body is elsewhere (in an archive).
    pub fn digest(&mut self, hash: &Hash) {
        self.signed.digest(hash);
        self.behind = Some(*hash);
    }

    /// Takes a record that was kept while its neighbours are elsewhere, such as the announcement of a
    /// key: the tree vouches for it, the chain cannot.
    ///
    /// # Errors
    /// The bytes are no record, or one of another number.
    pub fn kept(&mut self, bytes: impl Into<Arc<[u8]>>) -> Result<Record, Break> {
        let seq = self.signed.size() + 1;
        let record = Record::parse(bytes).map_err(|error| Break::of_record(seq, &error))?;
        if record.seq() != seq {
            return Err(Break::new(seq, "seq", seq.to_string(), record.seq().to_string()));
        }
        let hash = record.hash();
        self.signed.record(&record, &hash)?;
        self.behind = Some(hash);
        Ok(record)
    }

    /// Takes the next checkpoint, once exactly the records that it covers were taken.
    ///
    /// # Errors
    /// It is not one of these records, or not signed by the key in force.
    pub fn checkpoint(&mut self, note: &Note) -> Result<Checkpoint, Break> {
        self.signed.checkpoint(note)
    }

    /// Tree, keys and checkpoints so far.
    #[must_use]
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// The hash of the last record; [`GENESIS`] before the first.
    #[must_use]
    pub fn head(&self) -> Hash {
        self.behind.unwrap_or_else(|| if self.signed.size() == 0 { GENESIS } else { self.chain.hash() })
    }

    /// The end of the records.
    ///
    /// # Errors
    /// Checkpoints are missing, or the pinned key did not sign.
    pub fn finish(&self) -> Result<Summary, Break> {
        self.signed.finish(self.pin.as_ref())
    }
}
