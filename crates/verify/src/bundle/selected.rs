//! Records that were picked from a ledger: each is proved to be in the tree of the newest checkpoint, and
//! every key from the first to the one that signed it is announced by a record that is in the bundle
//! too. Every earlier checkpoint is proved to be the beginning of the newest one.
//!
//! Leaves out what only the whole chain shows: that no record between two others is missing is not
//! claimed.

use faramesh_dpr::{Hash, Record};

use super::line::{Header, RecordLine};
use super::reader::{Wrong, wrong};
use crate::announcement::{Announcement, SigningMode};
use crate::checkpoint::Checkpoint;
use crate::key::{PublicKey, SignatureError};
use crate::note::Note;
use crate::proof::{verify_consistency, verify_inclusion};
use crate::summary::{KeySummary, Summary};
use crate::verifier::Break;

/// Most keys that a ledger may have had.
const MAX_KEYS: usize = 4_096;

#[derive(Debug)]
pub(super) struct Selected {
    origin: String,
    stack: String,
    /// The key that signed the newest checkpoint, as the header says; the records have to bear it out.
    signer: PublicKey,
    newest: Option<Checkpoint>,
    /// The number of the last record; 0 before the first.
    last: u64,
    /// What the last earlier checkpoint covers.
    covered: u64,
    checkpoints: u64,
    keys: Vec<KeySummary>,
    mode: Option<SigningMode>,
    pending: Option<(u64, Announcement)>,
}

impl Selected {
    pub(super) fn new(header: &Header, signer: PublicKey) -> Self {
        Self {
            origin: header.origin.clone(),
            stack: header.stack.clone(),
            signer,
            newest: None,
            last: 0,
            covered: 0,
            checkpoints: 0,
            keys: Vec::new(),
            mode: None,
            pending: None,
        }
    }

    pub(super) fn waits_for_checkpoint(&self) -> bool {
        self.newest.is_none()
    }

    /// The number of the last record, when there is one.
    pub(super) fn last(&self) -> Option<u64> {
        Some(self.last).filter(|last| *last > 0)
    }

    /// Takes a checkpoint; gives the records that it covers, and the key that signed it.
    pub(super) fn checkpoint(
        &mut self,
        note: &Note,
        consistency: Option<&[Hash]>,
    ) -> Result<(u64, PublicKey), Wrong> {
        let checkpoint = match Checkpoint::parse(&note.text) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                return wrong(self.last(), "checkpoint", "the text of a checkpoint", error.to_string());
            }
        };
        let (size, seq) = (checkpoint.size, Some(checkpoint.size));
        if checkpoint.origin != self.origin {
            return wrong(seq, "checkpoint.origin", self.origin.clone(), checkpoint.origin);
        }
        let signer = match (&self.newest, consistency) {
            (None, None) => {
                signed(note, &self.signer, size)?;
                self.newest = Some(checkpoint);
                self.signer.clone()
            }
            (Some(newest), Some(proof)) => {
                let root = &checkpoint.root;
                if size < self.last.max(self.covered + 1) || size > newest.size {
                    let least = self.last.max(self.covered + 1);
                    let expected = format!("{least} to {}", newest.size);
                    return wrong(seq, "checkpoint.size", expected, size.to_string());
                }
                if let Err(error) = verify_consistency(size, root, newest.size, &newest.root, proof) {
                    return wrong(
                        seq,
                        "consistency",
                        "a proof that the newest tree begins so",
                        error.to_string(),
                    );
                }
                let Some(key) = self.keys.last_mut() else {
                    return wrong(seq, "checkpoint.signature", "a key that a record announces", "none");
                };
                signed(note, &key.key, size)?;
                key.checkpoints += 1;
                let signer = key.key.clone();
                self.covered = size;
                if let Some((seq, announced)) = self.pending.take() {
                    self.enforce(seq, announced);
                }
                signer
            }
            (None, Some(_)) => return wrong(seq, "line", "the newest checkpoint first", "an earlier one"),
            (Some(_), None) => return wrong(seq, "line", "one newest checkpoint", "another"),
        };
        self.checkpoints += 1;
        Ok((size, signer))
    }

    /// Whether a record of this number may come next.
    pub(super) fn place(&self, at: u64) -> Result<(), Wrong> {
        let Some(newest) = &self.newest else {
            return wrong(Some(at), "line", "the newest checkpoint before records", "a record");
        };
        let least = self.last.max(self.covered) + 1;
        if at < least || at > newest.size {
            return wrong(Some(at), "at", format!("{least} to {}", newest.size), at.to_string());
        }
        Ok(())
    }

    pub(super) fn record(&mut self, line: &RecordLine<'_>) -> Result<Record, Wrong> {
        let at = line.at;
        let record = Record::parse(line.bytes).map_err(|error| Break::of_record(at, &error))?;
        if record.seq() != at {
            return wrong(Some(at), "seq", at.to_string(), record.seq().to_string());
        }
        if record.stack() != self.stack {
            return wrong(Some(at), "stack", self.stack.clone(), record.stack());
        }
        let (Some(newest), Some(proof)) = (&self.newest, &line.proof) else {
            return wrong(Some(at), "proof", "a proof", "nothing to prove");
        };
        if let Err(error) = verify_inclusion(&line.hash, at - 1, newest.size, proof, &newest.root) {
            return wrong(Some(at), "proof", "a proof that the record is in the tree", error.to_string());
        }
        if let Some(announced) = Announcement::of(&record) {
            self.announce(at, announced)?;
        }
        self.last = at;
        Ok(record)
    }

    fn announce(&mut self, seq: u64, announced: Result<Announcement, String>) -> Result<(), Wrong> {
        let wrong = |expected: &str, found: String| wrong(Some(seq), "detail", expected, found);
        let announced = match announced {
            Ok(announced) => announced,
            Err(found) => return wrong("the announcement of a signing key", found),
        };
        let current = self.keys.last().map(|last| &last.key);
        let expected = current.filter(|current| **current != announced.key);
        if announced.key.name() != self.origin
            || announced.replaces.as_ref() != expected
            || self.pending.is_some()
            || self.keys.len() >= MAX_KEYS
        {
            return wrong("a key that replaces the one in force", announced.key.to_string());
        }
        if current.is_some() {
            self.pending = Some((seq, announced));
        } else {
            self.enforce(seq, announced);
        }
        Ok(())
    }

    fn enforce(&mut self, seq: u64, announced: Announcement) {
        self.mode = Some(announced.mode);
        if self.keys.last().is_none_or(|last| last.key != announced.key) {
            let key = announced.key;
            self.keys.push(KeySummary { key, announced: seq, checkpoints: 0, first: 0, last: 0 });
        }
    }

    /// The end of the records.
    pub(super) fn finish(&self, pin: Option<&PublicKey>) -> Result<Summary, Wrong> {
        let Some(newest) = &self.newest else {
            return wrong(None, "checkpoint", "the newest checkpoint", "none");
        };
        let mut keys = self.keys.clone();
        // That it is the signer whom the header names is compared with the header's keys.
        if let Some(last) = keys.last_mut() {
            last.checkpoints += 1;
        }
        if let Some(pin) = pin.filter(|pin| !keys.iter().any(|held| held.key == **pin)) {
            let found = keys.last().map_or("no key".to_owned(), |last| last.key.to_string());
            return wrong(None, "checkpoint.signature", format!("the pinned key {pin}"), found);
        }
        Ok(Summary {
            origin: self.origin.clone(),
            size: newest.size,
            root: newest.root,
            mode: self.mode,
            keys,
            checkpoints: self.checkpoints,
            covered: newest.size,
            last: Some(newest.time),
            pending: self.pending.as_ref().map(|(seq, _)| *seq),
        })
    }
}

fn signed(note: &Note, key: &PublicKey, size: u64) -> Result<(), Wrong> {
    match note.verify(key) {
        Ok(_) => Ok(()),
        Err(SignatureError::Absent) => {
            wrong(Some(size), "checkpoint.signature", format!("a signature by {key}"), "none by this key")
        }
        Err(error) => {
            wrong(Some(size), "checkpoint.signature", format!("a signature by {key}"), error.to_string())
        }
    }
}
