//! The checkpoints of a folder followed beside its records, as recovery and verification do: each is
//! checked when exactly the records that it covers have been seen.
//!
//! INVARIANT named: whatever does not fit is told with file, byte and record, as damage of the
//! records is.

use std::io;
use std::path::{Path, PathBuf};

use faramesh_dpr::Hash;
use faramesh_verify::{Break, Note, PublicKey, Signed, Summary, leaf};

use crate::checkpoint_log::{Entry, Found, LogReader};
use crate::damage::{WalkError, damage, io_error};
use crate::disk::Disk;
use crate::segment;
use crate::walk::Step;

/// Follows the checkpoints of one walk.
pub(crate) struct Follow {
    reader: LogReader,
    directory: PathBuf,
    next: Option<Entry>,
    last: Option<Note>,
    incomplete: u64,
    pub signed: Signed,
}

/// Where the checkpoints end.
#[derive(Debug)]
pub(crate) struct CheckpointEnd {
    pub signed: Signed,
    /// Behind the last whole entry.
    pub offset: u64,
    /// Bytes of an entry that was being written.
    pub incomplete: u64,
}

impl Follow {
    /// Opens the checkpoints of a folder, before its records are walked: those that a writer adds
    /// meanwhile are not looked at.
    pub(crate) fn open(disk: &dyn Disk, directory: &Path) -> Result<Self, WalkError> {
        let reader = LogReader::open(disk, directory);
        let path = directory.join(crate::checkpoint_log::FILE_NAME);
        let reader = reader.map_err(|error| io_error(&path, error))?;
        let signed = Signed::default();
        let mut follow =
            Self { reader, directory: directory.into(), next: None, last: None, incomplete: 0, signed };
        follow.advance()?;
        Ok(follow)
    }

    /// Goes on with the checkpoints from a place on, behind records of which is known what stands there.
    pub(crate) fn resumed(
        disk: &dyn Disk,
        directory: &Path,
        signed: Signed,
        offset: u64,
    ) -> Result<Self, WalkError> {
        let reader = LogReader::open(disk, directory);
        let path = directory.join(crate::checkpoint_log::FILE_NAME);
        let mut reader = reader.map_err(|error| io_error(&path, error))?;
        if !reader.skip_to(offset) {
            let seq = signed.size();
            return Err(damage(&path, offset, seq, "checkpoint", "at least as many bytes", "fewer"));
        }
        let mut follow =
            Self { reader, directory: directory.into(), next: None, last: None, incomplete: 0, signed };
        follow.advance()?;
        Ok(follow)
    }

    /// Where the first checkpoint begins that covers more records than there were so far.
    pub(crate) fn place(&self) -> u64 {
        self.next.as_ref().map_or_else(|| self.reader.offset(), |next| next.offset)
    }

    fn advance(&mut self) -> Result<(), WalkError> {
        let offset = self.reader.offset();
        let found = self.reader.next().map_err(|error: io::Error| io_error(&self.reader.path, error))?;
        self.next = None;
        match found {
            Found::Entry(entry) => self.next = Some(entry),
            Found::End => {}
            Found::Incomplete(bytes) => self.incomplete = bytes,
            Found::Damage(what) => {
                let seq = self.signed.size();
                return Err(damage(&self.reader.path, offset, seq, "checkpoint", "a checkpoint", &what));
            }
        }
        Ok(())
    }

    /// Takes a record of the walk, and the checkpoints that end with it.
    pub(crate) fn record(&mut self, step: &Step) -> Result<(), WalkError> {
        let leaf = step.leaf.unwrap_or_else(|| leaf(&step.hash));
        if let Err(broken) = self.signed.record_leaf(&step.record, &step.hash, leaf) {
            let file = self.directory.join(segment::file_name(step.location.segment));
            return Err(told(&file, step.location.offset, &broken));
        }
        self.check_due()
    }

    /// Takes the hash of a record whose body is in an archive, and the checkpoints that end with it.
    pub(crate) fn digest(&mut self, hash: &Hash) -> Result<(), WalkError> {
        self.signed.digest(hash);
        self.check_due()
    }

    fn check_due(&mut self) -> Result<(), WalkError> {
        while self.next.as_ref().is_some_and(|next| next.size <= self.signed.size()) {
            self.check()?;
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), WalkError> {
        let Some(entry) = self.next.take() else { return Ok(()) };
        if self.last.as_ref() == Some(&entry.note) {
            let (seq, expected) = (self.signed.size(), "another checkpoint");
            return Err(damage(
                &self.reader.path,
                entry.offset,
                seq,
                "checkpoint",
                expected,
                "the last one again",
            ));
        }
        match self.signed.checkpoint(&entry.note) {
            Ok(_) => {
                self.last = Some(entry.note);
                self.advance()
            }
            Err(broken) => Err(told(&self.reader.path, entry.offset, &broken)),
        }
    }

    /// The end of a check: what was found, and the bytes of a checkpoint that was being written.
    pub(crate) fn finish(self, pin: Option<&PublicKey>) -> Result<(Summary, u64), WalkError> {
        let path = self.reader.path.clone();
        let end = self.end()?;
        let summary = end.signed.finish(pin).map_err(|broken| told(&path, end.offset, &broken))?;
        Ok((summary, end.incomplete))
    }

    /// The end of the records.
    pub(crate) fn end(mut self) -> Result<CheckpointEnd, WalkError> {
        // A checkpoint that is left covers records that are not there.
        self.check()?;
        let (offset, incomplete) = (self.reader.offset(), self.incomplete);
        Ok(CheckpointEnd { signed: self.signed, offset, incomplete })
    }
}

fn told(file: &Path, offset: u64, broken: &Break) -> WalkError {
    damage(file, offset, broken.seq, &broken.field, &broken.expected, &broken.found)
}
