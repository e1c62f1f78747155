//! What signs checkpoints: the local key today, a key management service behind the same seam. The
//! ledger never sees a private key.

use std::fmt;
use std::sync::Arc;

use faramesh_verify::{Algorithm, KeyError, PublicKey, SigningMode};

/// A key that signs. Both methods return within a few seconds: a signer with a network behind it
/// brings its own timeouts.
pub trait Signer: Send + Sync + fmt::Debug {
    /// What it signs with, and the bytes of its public key.
    fn public_key(&self) -> (Algorithm, Vec<u8>);

    /// Signs the text of a note.
    ///
    /// # Errors
    /// The key cannot be used now; the ledger tries again later.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// The public key of a signer under the name of a ledger.
pub(crate) fn named(signer: &dyn Signer, origin: &str) -> Result<PublicKey, KeyError> {
    let (algorithm, bytes) = signer.public_key();
    PublicKey::new(origin, algorithm, &bytes)
}

/// Why a signer did not sign. The text is shown to operators, so it must never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignError(pub String);

/// How a ledger is signed.
#[derive(Debug, Clone, Default)]
pub struct Signing {
    /// When checkpoints are made; `None` goes on as the ledger was signed before, at first at
    /// checkpoints.
    pub mode: Option<SigningMode>,
    /// Keys that can sign. Which one does, the ledger's own records say; for a new ledger it is the first.
    pub signers: Vec<Arc<dyn Signer>>,
    /// A key that is to replace the one in force when the ledger is opened; the one in force must be
    /// among the signers, to sign the change.
    pub successor: Option<Arc<dyn Signer>>,
}

/// Why a ledger cannot be signed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// None of the keys at hand is the one in force.
    #[error(
        "the ledger is signed by {expected}, and that private key is not here; restore it, or begin a \
         new ledger in another `wal_dir`"
    )]
    OtherKey {
        /// The key in force.
        expected: Box<PublicKey>,
    },
    /// There is no key at all.
    #[error("no key to sign the ledger with")]
    NoKey,
    /// A key whose public half is none.
    #[error("the public key of the signer cannot be used: {0}")]
    Key(#[from] KeyError),
    /// A change of the key or of `signing` that the key in force could not sign.
    #[error("the key in force must sign the change that record {seq} announces: {reason}")]
    Change {
        /// The number of the record.
        seq: u64,
        /// What failed.
        reason: String,
    },
    /// Every reply must be signed, and nothing can be.
    #[error("`signing = \"strict\"` and no checkpoint can be made: {reason}")]
    Strict {
        /// What failed.
        reason: String,
    },
}
