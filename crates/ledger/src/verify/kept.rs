//! The snapshots of a folder, held against the records that are verified anyway. The caller's state in them is
//! not: each start holds it against the records.

use std::collections::BTreeMap;
use std::path::Path;

use faramesh_dpr::RecordId;
use faramesh_verify::{Signed, SigningMode};

use crate::damage::{WalkError, io_error};
use crate::disk::{self, Disk};
use crate::snapshot::{self, Snapshot, Unvouched};
use crate::walk::Boundary;

/// Most snapshots that are looked at; a ledger keeps two.
const MAX_SNAPSHOTS: usize = 8;

/// A snapshot that is not what the records come to. No start goes on from it, or not for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddSnapshot {
    /// Its file.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// The snapshots that the walk has not come by.
#[derive(Default)]
pub(super) struct Kept {
    snapshots: BTreeMap<u64, Unvouched>,
    odd: Vec<OddSnapshot>,
}

impl Kept {
    pub(super) fn read(disk: &dyn Disk, directory: &Path) -> Result<Self, WalkError> {
        let names = disk::retry(|| disk.list(directory)).map_err(|error| io_error(directory, error))?;
        let mut kept = Self::default();
        for number in snapshot::numbers(&names).into_iter().take(MAX_SNAPSHOTS) {
            match snapshot::read_unvouched(disk, directory, number) {
                // A daemon at work may have taken it away.
                None => {}
                Some(Ok(unvouched)) => {
                    kept.snapshots.insert(number, unvouched);
                }
                Some(Err(why)) => kept.tell(number, why),
            }
        }
        Ok(kept)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
    }

    fn tell(&mut self, number: u64, why: String) {
        self.odd.push(OddSnapshot { file: snapshot::file_name(number), why });
    }

    /// Takes the end of a sealed segment, and what stands there.
    pub(super) fn pass(&mut self, boundary: Boundary, last_id: RecordId, (place, signed): (u64, &Signed)) {
        let number = boundary.manifest.segment;
        let Some(kept) = self.snapshots.remove(&number) else { return };
        let signs = signed.mode().is_some_and(|mode| mode != SigningMode::Off);
        if signs && !signed.key().is_some_and(|key| kept.is_signed_by(key)) {
            return self.tell(number, "the key in force did not sign it".to_owned());
        }
        let Some(resume) = boundary.resume else { return };
        let (sealed, compactions) = (boundary.sealed, boundary.compactions);
        let found =
            Snapshot::new(number, resume, last_id, sealed, (place, signed.clone()), compactions, Vec::new());
        if let Some(part) = kept.snapshot.differs_but_in_state(&found) {
            self.tell(number, format!("its `{part}` is not what the records come to"));
        }
    }

    /// What is wrong with any.
    pub(super) fn finish(self) -> Vec<OddSnapshot> {
        self.odd
    }
}
