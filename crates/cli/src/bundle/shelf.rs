//! Where the records of one ledger are read from, with the checkpoints between them: a folder, or one chain of a
//! stack in a database. Everything is verified on the way.

use std::path::Path;
use std::sync::Arc;

use faramesh_ledger::{Archives, Checkpoints, Held, Reader};
use faramesh_verify::Note;

use super::cosignatures::Cosignatures;
use crate::failure::Failure;
use crate::history::{Database, out_of_reach, unreadable};

/// Takes a record, or the hash of one, and the checkpoints behind it; says whether it wants more.
pub type Take<'a> = &'a mut dyn FnMut(Held, Vec<Note>) -> Result<bool, Failure>;

/// The records of one ledger.
pub trait Shelf {
    /// Hands over all of them, oldest first.
    ///
    /// # Errors
    /// They cannot be read, are not as they were written, or `take` failed.
    fn each(&self, take: Take<'_>) -> Result<(), Failure>;

    /// What witnesses cosigned.
    ///
    /// # Errors
    /// It cannot be read.
    fn cosignatures(&self) -> Result<Cosignatures, Failure>;
}

/// A ledger in files.
pub struct Folder<'a> {
    /// The folder.
    pub path: &'a Path,
    /// Where bodies are read that are not there; without it their hashes are handed over.
    pub archives: Option<Arc<dyn Archives>>,
}

impl Shelf for Folder<'_> {
    fn each(&self, take: Take<'_>) -> Result<(), Failure> {
        let reader = Reader::open(self.path).map_err(|error| unreadable(&error))?;
        // Opened before the records, so that none covers more than will be read.
        let mut checkpoints = Ahead::new(reader.checkpoints().map_err(|error| unreadable(&error))?)?;
        for held in reader.whole(self.archives.clone()).map_err(|error| unreadable(&error))? {
            let held = held.map_err(|error| unreadable(&error))?;
            let at = match &held {
                Held::Record(record) => record.seq(),
                Held::Digest(seq, _) => *seq,
            };
            let mut notes = Vec::new();
            while let Some(note) = checkpoints.next_if(at)? {
                notes.push(note);
            }
            if !take(held, notes)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn cosignatures(&self) -> Result<Cosignatures, Failure> {
        Cosignatures::read(self.path)
    }
}

/// The chain of one daemon in a database.
pub struct Chain<'a> {
    /// The stack's database.
    pub database: &'a Database,
    /// The daemon.
    pub instance: &'a str,
}

impl Shelf for Chain<'_> {
    fn each(&self, take: Take<'_>) -> Result<(), Failure> {
        let Database { address, stack } = self.database;
        let mut failed = None;
        let read = faramesh_ledger_postgres::each(address, stack, self.instance, &mut |record, notes| {
            take(Held::Record(record.clone()), notes).unwrap_or_else(|failure| {
                failed = Some(failure);
                false
            })
        });
        match failed {
            Some(failure) => Err(failure),
            None => read.map_err(|error| out_of_reach(&error)),
        }
    }

    fn cosignatures(&self) -> Result<Cosignatures, Failure> {
        Ok(Cosignatures::default())
    }
}

/// Checkpoints, the next of which is known before it is taken.
struct Ahead {
    checkpoints: Checkpoints,
    next: Option<(u64, Note)>,
}

impl Ahead {
    fn new(checkpoints: Checkpoints) -> Result<Self, Failure> {
        let mut ahead = Self { checkpoints, next: None };
        ahead.advance()?;
        Ok(ahead)
    }

    fn advance(&mut self) -> Result<(), Failure> {
        self.next = self.checkpoints.next().transpose().map_err(|error| unreadable(&error))?;
        Ok(())
    }

    /// The next one when it covers exactly `size` records.
    fn next_if(&mut self, size: u64) -> Result<Option<Note>, Failure> {
        let Some((_, note)) = self.next.take_if(|(covered, _)| *covered == size) else { return Ok(None) };
        self.advance()?;
        Ok(Some(note))
    }
}
