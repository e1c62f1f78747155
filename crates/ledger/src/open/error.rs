//! Why a ledger could not be opened.

use std::io;
use std::path::PathBuf;

use crate::damage::{Damage, WalkError};
use crate::receipt::Unavailable;
use crate::segment::MAX_NAME_BYTES;
use crate::signer::SigningError;

/// Why a ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes this folder.
    #[error("another process writes the ledger in {}", .0.display())]
    Locked(PathBuf),
    /// The folder is the ledger of another stack.
    #[error("the ledger is that of stack `{found}`, not of `{expected}`")]
    OtherStack {
        /// The stack that opens it.
        expected: String,
        /// The stack whose it is.
        found: String,
    },
    /// A name is empty or longer than 200 bytes.
    #[error("the name of the {0} must have 1 to {MAX_NAME_BYTES} bytes")]
    Name(&'static str),
    /// Recorded history is not as it was written.
    #[error(transparent)]
    Damage(Box<Damage>),
    /// The file system failed.
    #[error("cannot open the ledger: {}: {error}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The ledger cannot be signed as asked.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The first record of the epoch could not be kept.
    #[error("cannot write to the ledger: {0}")]
    Write(Unavailable),
}

impl From<WalkError> for OpenError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Io { file, error } => Self::Io { file, error },
            WalkError::Damage(damage) => Self::Damage(damage),
        }
    }
}
