//! What a check of checkpoints found, for reports: which keys signed how much, and what is not signed.

use faramesh_call::Timestamp;
use faramesh_dpr::Hash;

use crate::announcement::SigningMode;
use crate::key::PublicKey;

/// What the signatures of a ledger say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// The name of the ledger; empty without records.
    pub origin: String,
    /// Records in the tree.
    pub size: u64,
    /// The root over all of them.
    pub root: Hash,
    /// When checkpoints are made, as the last announcement in force says; `None` before the first.
    pub mode: Option<SigningMode>,
    /// Every key that was ever in force, oldest first.
    pub keys: Vec<KeySummary>,
    /// Checkpoints, all with a valid signature.
    pub checkpoints: u64,
    /// Records that a checkpoint covers.
    pub covered: u64,
    /// When the last checkpoint was made.
    pub last: Option<Timestamp>,
    /// The number of the record that announces a change which the key in force has not signed yet.
    pub pending: Option<u64>,
}

impl Summary {
    /// Records that no checkpoint covers yet.
    #[must_use]
    pub fn uncovered(&self) -> u64 {
        self.size.saturating_sub(self.covered)
    }
}

/// What one key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// The key.
    pub key: PublicKey,
    /// The number of the record that announces it.
    pub announced: u64,
    /// Checkpoints that it signed.
    pub checkpoints: u64,
    /// The first record that one of its checkpoints was the first to cover; 0 when there is none.
    pub first: u64,
    /// The last record that its checkpoints cover; 0 when there is none.
    pub last: u64,
}
