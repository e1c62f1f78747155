//! Checkpoints that somebody else kept - a witness, an auditor, last month's export - held against a ledger:
//! it must have begun exactly so. A folder that was put back to an older state, or whose newest records and
//! checkpoints were cut off together, verifies by itself and fails here.
//!
//! INVARIANT covered: the ledger still has a checkpoint of its own of at least as many records, so that
//! checkpoints cannot be taken away either.

use std::path::{Path, PathBuf};

use faramesh_verify::{Checkpoint, Note, Signed, Summary};

use crate::checkpoint_log;
use crate::damage::{WalkError, damage, hex};

/// A checkpoint that a ledger must contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Where it was found, as breaks are told.
    pub file: PathBuf,
    /// The checkpoint.
    pub note: Note,
}

/// The expected checkpoints that were not reached yet, the smallest last.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    due: Vec<(Checkpoint, Expected)>,
    most: Option<(u64, PathBuf)>,
}

impl Expectations {
    /// # Errors
    /// One is no checkpoint.
    pub(crate) fn new(expected: &[Expected]) -> Result<Self, WalkError> {
        let mut due = Vec::with_capacity(expected.len());
        for one in expected {
            let checkpoint = Checkpoint::parse(&one.note.text).map_err(|error| {
                damage(&one.file, 0, 0, "checkpoint", "the text of a checkpoint", &error.to_string())
            })?;
            due.push((checkpoint, one.clone()));
        }
        due.sort_by_key(|(checkpoint, _)| std::cmp::Reverse(checkpoint.size));
        let most = due.first().map(|(checkpoint, one)| (checkpoint.size, one.file.clone()));
        Ok(Self { due, most })
    }

    /// Takes the state behind the next record.
    ///
    /// # Errors
    /// A checkpoint of so many records is of others.
    pub(crate) fn record(&mut self, signed: &Signed) -> Result<(), WalkError> {
        while let Some((checkpoint, one)) = self.due.pop_if(|(due, _)| due.size <= signed.size()) {
            let held = signed.state(checkpoint.time);
            let pairs = [
                ("checkpoint.origin", held.origin, checkpoint.origin),
                ("checkpoint.root", hex(&held.root), hex(&checkpoint.root)),
                ("checkpoint.head", hex(&held.head), hex(&checkpoint.head)),
            ];
            for (field, expected, found) in pairs {
                if expected != found {
                    return Err(damage(&one.file, 0, checkpoint.size, field, &expected, &found));
                }
            }
            let keys = signed.summary().keys;
            if !keys.iter().any(|held| one.note.verify(&held.key).is_ok()) {
                let (expected, found) = ("a signature by a key of this ledger", "none that is valid");
                return Err(damage(&one.file, 0, checkpoint.size, "checkpoint.signature", expected, found));
            }
        }
        Ok(())
    }

    /// The end of the records.
    ///
    /// # Errors
    /// An expected checkpoint covers more than there is, or than the ledger's own checkpoints do.
    pub(crate) fn finish(&self, directory: &Path, found: &Summary) -> Result<(), WalkError> {
        let Some((size, file)) = &self.most else { return Ok(()) };
        let name = file.display();
        if found.size < *size {
            let seq = found.size + 1;
            let (expected, is) = (format!("at least {size} records, as {name} has them"), found.size);
            return Err(damage(file, 0, seq, "checkpoint.size", &expected, &is.to_string()));
        }
        if found.covered < *size {
            let log = directory.join(checkpoint_log::FILE_NAME);
            let expected = format!("a checkpoint of at least {size} records, as {name} is");
            let covered = format!("checkpoints of {}", found.covered);
            return Err(damage(&log, 0, *size, "checkpoint", &expected, &covered));
        }
        Ok(())
    }
}
