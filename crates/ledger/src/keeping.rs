//! Where signed checkpoints are kept: behind the segments in `checkpoints.log`, or where a ledger that is
//! elsewhere keeps them ([`Notes`]).
//!
//! INVARIANT one at a time: a checkpoint that is perhaps not kept is kept, the same one again, before the next.

use std::path::Path;

use faramesh_verify::{Checkpoint, Note, Signed};

use crate::checkpoint_log::{self, LogWriter};
use crate::disk::Disk;
use crate::open::OpenError;
use crate::signer::Signing;

/// The checkpoints of a ledger that is kept elsewhere.
pub trait Notes: Send {
    /// Keeps a checkpoint of so many records for good, behind those before. The same one again is well: an
    /// attempt whose end was not seen is repeated.
    ///
    /// # Errors
    /// It is not known to be kept.
    fn keep(&mut self, size: u64, note: &str) -> Result<(), String>;
}

/// How a ledger that is kept elsewhere is signed.
pub struct Signatures {
    /// With what, and when.
    pub signing: Signing,
    /// Tree, keys and checkpoints so far.
    pub signed: Signed,
    /// Keeps checkpoints.
    pub notes: Box<dyn Notes>,
}

/// Keeps checkpoints.
pub(crate) enum Log {
    File(LogWriter),
    Elsewhere { notes: Box<dyn Notes>, unkept: Option<(Checkpoint, String)> },
}

impl Log {
    /// `checkpoints.log` of a folder, to be written behind `end`.
    pub(crate) fn of_folder(disk: &dyn Disk, directory: &Path, end: u64) -> Result<Self, OpenError> {
        let log = LogWriter::open(disk, directory, end);
        log.map(Self::File)
            .map_err(|error| OpenError::Io { file: directory.join(checkpoint_log::FILE_NAME), error })
    }

    /// Sets what [`Log::settle`] keeps next.
    pub(crate) fn append(&mut self, checkpoint: Checkpoint, note: &Note) {
        match self {
            Self::File(log) => log.append(checkpoint, note),
            Self::Elsewhere { unkept, .. } => *unkept = Some((checkpoint, note.write())),
        }
    }

    /// Keeps what is not kept yet, and says what it was.
    pub(crate) fn settle(&mut self) -> Result<Option<Checkpoint>, String> {
        match self {
            Self::File(log) => log.settle().map_err(|error| format!("cannot write checkpoints.log: {error}")),
            Self::Elsewhere { notes, unkept } => {
                let Some((checkpoint, note)) = unkept else { return Ok(None) };
                notes.keep(checkpoint.size, note)?;
                Ok(unkept.take().map(|(checkpoint, _)| checkpoint))
            }
        }
    }
}
