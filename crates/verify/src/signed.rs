//! The history of a ledger's keys and checkpoints, followed record by record. The first key is trusted
//! because the chain announces it (or because the caller pins one); every later one, and every
//! change of the way of signing, counts from the checkpoint on by which the key in force signed it.
//!
//! INVARIANT one successor: a key is replaced only by a checkpoint of its own that covers the record
//! which announces the next. INVARIANT covered: while signing is announced, a minute of records
//! that no checkpoint covers is a break, so that checkpoints cannot be taken away unseen.

mod saved;

use faramesh_call::Timestamp;
use faramesh_dpr::{Hash, Record};

use crate::announcement::{Announcement, SigningMode};
use crate::checkpoint::{Checkpoint, hex, origin};
use crate::key::PublicKey;
use crate::merkle::{Frontier, leaf};
use crate::note::Note;
use crate::summary::{KeySummary, Summary};
use crate::verifier::Break;

/// Most keys that a ledger may have had.
const MAX_KEYS: usize = 4_096;
/// How long, by the records' own times and within one epoch, records may go without a checkpoint.
const MAX_UNCOVERED_MS: u64 = 60_000;

/// Records without a checkpoint, within one epoch.
#[derive(Debug, Clone, Copy)]
struct Gap {
    epoch: u64,
    seq: u64,
    since: Timestamp,
}

/// The state of tree, keys and checkpoints after the records and checkpoints that were fed.
#[derive(Debug, Clone, Default)]
pub struct Signed {
    frontier: Frontier,
    /// The hash of the first record.
    first: Hash,
    head: Hash,
    /// The run of the last record; 0 while its body is elsewhere.
    epoch: u64,
    instance: Box<str>,
    origin: String,
    keys: Vec<KeySummary>,
    mode: Option<SigningMode>,
    pending: Option<(u64, Announcement)>,
    checkpoints: u64,
    last: Option<(u64, Timestamp)>,
    gap: Option<Gap>,
    /// The first record of a gap that lasted too long, and how long it did.
    too_long: Option<(u64, u64)>,
}

impl Signed {
    /// Takes the next record, whose place the chain has checked.
    ///
    /// # Errors
    /// It announces a key that it must not.
    pub fn record(&mut self, record: &Record, hash: &Hash) -> Result<(), Break> {
        self.record_leaf(record, hash, leaf(hash))
    }

    /// [`Signed::record`] for a caller that has the record's leaf.
    ///
    /// # Errors
    /// As [`Signed::record`].
    pub fn record_leaf(&mut self, record: &Record, hash: &Hash, leaf: Hash) -> Result<(), Break> {
        self.push(hash, leaf);
        let seq = self.frontier.size();
        if self.origin.is_empty() {
            self.origin = origin(&record.stack(), &self.first);
        }
        if self.epoch != record.epoch() {
            self.epoch = record.epoch();
            self.instance = record.instance().into();
        }
        if let Some(announced) = Announcement::of(record) {
            self.announce(seq, announced)?;
        }
        self.follow_gap(seq, record);
        Ok(())
    }

    /// Takes the hash of a record whose body is elsewhere.
    pub fn digest(&mut self, hash: &Hash) {
        self.push(hash, leaf(hash));
        self.epoch = 0;
    }

    /// Takes the hash of the next record of the run in progress, for the ledger that wrote it and knows
    /// that it announces nothing.
    pub fn follow(&mut self, hash: &Hash) {
        self.push(hash, leaf(hash));
    }

    fn push(&mut self, hash: &Hash, leaf: Hash) {
        if self.frontier.size() == 0 {
            self.first = *hash;
        }
        self.frontier.append_leaf(leaf);
        self.head = *hash;
    }

    fn announce(&mut self, seq: u64, announced: Result<Announcement, String>) -> Result<(), Break> {
        let wrong = |expected: String, found: String| Err(Break::new(seq, "detail", expected, found));
        let announced = match announced {
            Ok(announced) => announced,
            Err(found) => return wrong("the announcement of a signing key".to_owned(), found),
        };
        if announced.key.name() != self.origin {
            return wrong(format!("a key named {}", self.origin), announced.key.to_string());
        }
        if let Some((pending, _)) = &self.pending {
            let expected =
                format!("a checkpoint of record {pending}, which announces another change, before");
            return wrong(expected, announced.key.to_string());
        }
        if self.keys.len() >= MAX_KEYS {
            return wrong(format!("at most {MAX_KEYS} keys"), announced.key.to_string());
        }
        let current = self.key();
        let expected = current.filter(|current| **current != announced.key);
        if announced.replaces.as_ref() != expected {
            let text = |key: Option<&PublicKey>| key.map_or("nothing".to_owned(), ToString::to_string);
            return wrong(
                format!("a key that replaces {}", text(expected)),
                format!("one that replaces {}", text(announced.replaces.as_ref())),
            );
        }
        if current.is_some() {
            self.pending = Some((seq, announced));
        } else {
            self.enforce(seq, announced);
        }
        Ok(())
    }

    /// From here on the announced key and way of signing are in force.
    fn enforce(&mut self, seq: u64, announced: Announcement) {
        self.mode = Some(announced.mode);
        if self.key() != Some(&announced.key) {
            let key = announced.key;
            self.keys.push(KeySummary { key, announced: seq, checkpoints: 0, first: 0, last: 0 });
        }
    }

    fn follow_gap(&mut self, seq: u64, record: &Record) {
        if self.mode.is_none_or(|mode| mode == SigningMode::Off) {
            self.gap = None;
            return;
        }
        let start = Gap { epoch: record.epoch(), seq, since: record.time() };
        let gap = *self.gap.get_or_insert(start);
        if gap.epoch != record.epoch() {
            self.gap = Some(start);
            return;
        }
        let lasted = record.time().since_ms(gap.since);
        if lasted > MAX_UNCOVERED_MS && self.too_long.is_none_or(|(_, longest)| lasted > longest) {
            self.too_long = Some((gap.seq, lasted));
        }
    }

    /// Takes the next checkpoint; the records that it covers must have been fed, and no more.
    ///
    /// # Errors
    /// It is not one of this ledger as it stands, or the key in force did not sign it.
    pub fn checkpoint(&mut self, note: &Note) -> Result<Checkpoint, Break> {
        let size = self.frontier.size();
        let checkpoint = match Checkpoint::parse(&note.text) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                return Err(Break::new(size, "checkpoint", "the text of a checkpoint", error.to_string()));
            }
        };
        self.check_state(&checkpoint)?;
        self.check_signature(&checkpoint, note)?;
        self.accept(&checkpoint);
        Ok(checkpoint)
    }

    /// Takes a checkpoint that the key in force signed, for the ledger that made it: of these records,
    /// or of fewer that were fed before.
    pub fn accept(&mut self, checkpoint: &Checkpoint) {
        let covered = self.covered();
        if let Some(key) = self.keys.last_mut() {
            key.checkpoints += 1;
            if checkpoint.size > covered {
                key.last = checkpoint.size;
                if key.first == 0 {
                    key.first = covered + 1;
                }
            }
        }
        self.checkpoints += 1;
        self.last = Some((checkpoint.size, checkpoint.time));
        (self.gap, self.too_long) = (None, None);
        if let Some((seq, announced)) = self.pending.take_if(|(seq, _)| *seq <= checkpoint.size) {
            self.enforce(seq, announced);
        }
    }

    fn check_state(&self, checkpoint: &Checkpoint) -> Result<(), Break> {
        let size = self.frontier.size();
        let seq = checkpoint.size;
        if checkpoint.size > size {
            let expected = format!("at most {size}, the number of records");
            // The first record that is missing.
            return Err(Break::new(size + 1, "checkpoint.size", expected, seq.to_string()));
        }
        let pairs = [
            ("checkpoint.size", size.to_string(), checkpoint.size.to_string()),
            ("checkpoint.origin", self.origin.clone(), checkpoint.origin.clone()),
            ("checkpoint.root", hex(&self.frontier.root()), hex(&checkpoint.root)),
            ("checkpoint.head", hex(&self.head), hex(&checkpoint.head)),
        ];
        let names = [
            ("checkpoint.epoch", self.epoch.to_string(), checkpoint.epoch.to_string()),
            ("checkpoint.instance", self.instance.to_string(), checkpoint.instance.clone()),
        ];
        // Of a record whose body is elsewhere these are not known.
        let names = names.into_iter().filter(|_| self.epoch > 0);
        match pairs.into_iter().chain(names).find(|(_, expected, found)| expected != found) {
            Some((field, expected, found)) => Err(Break::new(seq, field, expected, found)),
            None => Ok(()),
        }
    }

    fn check_signature(&self, checkpoint: &Checkpoint, note: &Note) -> Result<(), Break> {
        let wrong = |expected: String, found: String| {
            Err(Break::new(checkpoint.size, "checkpoint.signature", expected, found))
        };
        let Some(key) = self.key() else {
            return wrong("a key that a record announces".to_owned(), "a checkpoint before any".to_owned());
        };
        match note.verify(key) {
            Ok(_) => Ok(()),
            Err(crate::SignatureError::Absent) => {
                let ids = note.signatures.iter().map(|signature| {
                    format!("{} ({:08x})", signature.name, u32::from_be_bytes(signature.key_id))
                });
                let found = format!("signatures by {}", ids.collect::<Vec<_>>().join(", "));
                wrong(format!("a signature by {key}"), found)
            }
            Err(error) => wrong(format!("a signature by {key}"), error.to_string()),
        }
    }

    /// The key in force.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        self.keys.last().map(|last| &last.key)
    }

    /// The way of signing in force.
    #[must_use]
    pub fn mode(&self) -> Option<SigningMode> {
        self.mode
    }

    /// The change that the key in force has still to sign, and the number of its record.
    #[must_use]
    pub fn pending(&self) -> Option<(u64, &Announcement)> {
        self.pending.as_ref().map(|(seq, announced)| (*seq, announced))
    }

    /// How many records the last checkpoint covers; 0 before the first.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.last.map_or(0, |(size, _)| size)
    }

    /// How many records there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The name of the ledger; empty before the first record.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The checkpoint of all records so far.
    #[must_use]
    pub fn state(&self, time: Timestamp) -> Checkpoint {
        Checkpoint {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
            instance: self.instance.to_string(),
            epoch: self.epoch,
            time,
            head: self.head,
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
            mode: self.mode,
            keys: self.keys.clone(),
            checkpoints: self.checkpoints,
            covered: self.covered(),
            last: self.last.map(|(_, time)| time),
            pending: self.pending.as_ref().map(|(seq, _)| *seq),
        }
    }

    /// The end: what was found, unless checkpoints are missing or `pin` is no key of this ledger.
    /// A pinned key must have been in force, and must have signed: then every record before its last
    /// checkpoint is believed because of it, and what comes after because it signed its successor.
    ///
    /// # Errors
    /// Records are without a checkpoint for longer than they may be, or the pin does not hold.
    pub fn finish(&self, pin: Option<&PublicKey>) -> Result<Summary, Break> {
        if let Some((seq, lasted)) = self.too_long {
            let expected = format!("a checkpoint within {} s of the record", MAX_UNCOVERED_MS / 1_000);
            let found = format!("none, and records of {} s behind it", lasted / 1_000);
            return Err(Break::new(seq, "checkpoint", expected, found));
        }
        if let Some(pin) = pin {
            let held = self.keys.iter().find(|held| held.key == *pin);
            let signed = held.is_some_and(|held| held.checkpoints > 0);
            if !signed {
                let (seq, found) = match (held, self.key()) {
                    (Some(held), _) => (held.announced, "no checkpoint that it signed".to_owned()),
                    (None, Some(key)) => (self.size(), format!("{key} in force")),
                    (None, None) => (self.size(), "no key".to_owned()),
                };
                return Err(Break::new(seq, "checkpoint.signature", format!("the pinned key {pin}"), found));
            }
        }
        Ok(self.summary())
    }
}
