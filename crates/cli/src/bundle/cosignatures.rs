//! The cosignatures that witnesses gave to checkpoints of the ledger that is exported. They stand in files beside
//! it and are held against the checkpoints on the way; in the bundle each is where its checkpoint is.

use std::path::Path;

use faramesh_verify::{Note, PublicKey};
use faramesh_witness::Kept;

use crate::exit::Exit;
use crate::failure::Failure;

/// What is kept of witnesses, and what of it was found in the ledger.
#[derive(Debug, Default)]
pub struct Cosignatures {
    kept: Vec<Kept>,
    /// The checkpoints of `kept`, as the ledger has them.
    found: Vec<(u64, Note)>,
}

impl Cosignatures {
    /// Reads what is kept beside a ledger. Before its checkpoints are read, so that none is ahead of them.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let kept = faramesh_witness::kept(folder).map_err(|error| {
            Failure::new(format!("cannot read what a witness cosigned: {}", crate::failure::plain(&error)))
        })?;
        Ok(Self { kept, found: Vec::new() })
    }

    /// Takes a checkpoint of the ledger.
    ///
    /// # Errors
    /// A cosignature of it does not fit.
    pub fn checkpoint(&mut self, size: u64, note: &Note) -> Result<(), Failure> {
        for kept in self.kept.iter().filter(|kept| kept.note.text == note.text) {
            kept.note.verify(&kept.key).map_err(|error| {
                let file = kept.file.display();
                Failure::with(Exit::Broken, format!("{file}: the cosignature of {}: {error}", kept.key))
            })?;
            if self.found.last().is_none_or(|(_, last)| last != note) {
                self.found.push((size, note.clone()));
            }
        }
        Ok(())
    }

    /// The end of the checkpoints.
    ///
    /// # Errors
    /// A witness cosigned what the ledger does not have.
    pub fn finish(&self) -> Result<(), Failure> {
        let known = |kept: &Kept| self.found.iter().any(|(_, note)| note.text == kept.note.text);
        match self.kept.iter().find(|kept| !known(kept)) {
            None => Ok(()),
            Some(kept) => Err(Failure::with(
                Exit::Broken,
                format!(
                    "{} cosigned a checkpoint of {} records that the ledger does not have",
                    kept.key.name(),
                    kept.size
                ),
            )
            .hint(format!("it is in {}: the ledger is older than it, or another one", kept.file.display()))),
        }
    }

    /// The checkpoints that are cosigned, with what they cover.
    pub fn checkpoints(&self) -> &[(u64, Note)] {
        &self.found
    }

    /// The witnesses that cosigned one of these checkpoints, each once.
    pub fn witnesses<'a>(&self, among: impl Iterator<Item = &'a Note> + Clone) -> Vec<PublicKey> {
        let mut keys: Vec<PublicKey> = Vec::new();
        for kept in &self.kept {
            if !keys.contains(&kept.key) && among.clone().any(|note| note.text == kept.note.text) {
                keys.push(kept.key.clone());
            }
        }
        keys
    }

    /// A checkpoint with its cosignatures.
    pub fn added_to(&self, note: &Note) -> Note {
        let mut note = note.clone();
        for kept in self.kept.iter().filter(|kept| kept.note.text == note.text) {
            if let Some(signature) = kept.note.by(&kept.key).filter(|_| note.by(&kept.key).is_none()) {
                note.signatures.push(signature.clone());
            }
        }
        note
    }
}
