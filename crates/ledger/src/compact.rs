//! Retention: the bodies of old sealed segments go to an archive, and digests, manifest and what is still
//! needed stay. Everything is verified on the way, and the chain tells of every segment.
//!
//! INVARIANT order: archived and read back, what stays written, recorded, and only then removed. A
//! sudden end before the record is undone by the next open, one behind it is finished.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_dpr::{Draft, Kind, Record, RecordId, Resume};

use crate::archive::Archive;
use crate::carry::{self, Carry, MAX_KEPT_BYTES};
use crate::commit::locked;
use crate::compacted::{self, ArchivedSegment, Compacted, Compactions, Removal};
use crate::damage::{WalkError, io_error};
use crate::disk::{self, Disk, OpenMode};
use crate::durable;
use crate::ledger::Ledger;
use crate::manifest::{self, Manifest};
use crate::receipt::Unavailable;
use crate::sealer::{Sealer, now, write_once};
use crate::segment;
use crate::snapshot;
use crate::walk::{Item, Step, Walk};

/// Longest wait for the index to have the records that may be archived, and how often it is asked.
const INDEX_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for the record of a compaction.
const RECORD_WAIT: Duration = Duration::from_secs(30);

/// What is to be compacted.
#[derive(Clone, Copy)]
pub struct Compaction<'a> {
    /// Segments all of whose records were made before then.
    pub before: Timestamp,
    /// Only segments all of whose records have a number up to this: what a reader still has to read is
    /// not taken from it. `u64::MAX` for no bound.
    pub last_seq: u64,
    /// Where the bodies go.
    pub archive: &'a dyn Archive,
    /// Whether the caller's state needs a record when it is replayed; such records stay whole. Those of
    /// the ledger's own course (policy, lifecycle, grant, emergency, erasure) always do.
    pub needed: &'a dyn Fn(&Record) -> bool,
}

/// Why nothing more was compacted.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// A ledger in memory or in a database has no segments.
    #[error("the ledger is not in files: it has no segments that could be archived")]
    NoSegments,
    /// The ledger is not as it was written.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The archive did not take a body; nothing was removed.
    #[error("cannot archive {file} in {archive}: {error}")]
    Archive {
        /// The file's name.
        file: String,
        /// The archive.
        archive: String,
        /// What went wrong.
        error: io::Error,
    },
    /// The ledger's folder cannot be changed. The next open undoes or finishes what was begun.
    #[error("cannot compact {}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// More of a segment is still needed than may stay.
    #[error("more than {} MiB of segment {segment} is still needed", MAX_KEPT_BYTES >> 20)]
    Needed {
        /// The segment.
        segment: u64,
    },
    /// The compaction could not be recorded; the body stays.
    #[error("the compaction could not be recorded: {0}")]
    NotRecorded(Unavailable),
}

impl Ledger {
    /// The last own number of each agent when the ledger was opened, when records of agents are in an
    /// archive and were not replayed; else empty.
    #[must_use]
    pub fn carried_agents(&self) -> &[(Box<str>, u64)] {
        self.sealer.as_ref().map_or(&[], |sealer| &sealer.agents)
    }

    /// Compacts the oldest segments, one after the other, up to the first that must stay. Gives those
    /// that were compacted, also when a later one failed.
    ///
    /// # Errors
    /// Why it ended early. Nothing is lost: what has no record of its compaction has its body.
    pub fn compact(
        &self,
        wanted: &Compaction<'_>,
        done: &mut dyn FnMut(ArchivedSegment),
    ) -> Result<(), CompactError> {
        let Some(sealer) = &self.sealer else { return Err(CompactError::NoSegments) };
        self.wait_for_index();
        let mut compacted = locked(&sealer.compacted);
        let mut walk = Walk::whole(Arc::clone(&sealer.disk), &sealer.directory, true)?;
        walk.resumes = true;
        let (mut gathered, mut last_id) = (Gathered::default(), RecordId::default());
        while let Some(item) = walk.next_item()? {
            last_id = last_id.max(walk.last_id);
            for boundary in std::mem::take(&mut walk.boundaries) {
                let segment = std::mem::take(&mut gathered);
                last_id = last_id.max(segment.last_id);
                if boundary.manifest.last_seq > wanted.last_seq {
                    return Ok(());
                }
                if let Some(resume) = boundary.resume.filter(|_| boundary.manifest.records > 0) {
                    let manifest = Manifest { sealed_at: now(), ..boundary.manifest };
                    let compacting =
                        Compacting { ledger: self, sealer, wanted, is_sealed: boundary.is_sealed };
                    done(compacting.run(manifest, resume, last_id, segment, &mut compacted)?);
                }
            }
            let Item::Record(step) = item else { continue };
            if walk.archived.last().is_some_and(|archived| archived.segment == step.location.segment) {
                continue;
            }
            if step.record.time() >= wanted.before {
                return Ok(());
            }
            gathered.add(&step, wanted.needed)?;
        }
        Ok(())
    }
}

impl Ledger {
    /// The index tells where a record is, also when its body is archived. It is no reason not to archive.
    fn wait_for_index(&self) {
        if let Some(indexer) = &self.indexer {
            indexer.wait_for(self.last_seq(), INDEX_WAIT);
        }
    }
}

/// What is gathered of a segment while it is walked.
#[derive(Default)]
struct Gathered {
    digests: Vec<u8>,
    kept: Vec<(u64, Record)>,
    kept_bytes: usize,
    times: Option<(Timestamp, Timestamp)>,
    last_id: RecordId,
}

impl Gathered {
    fn add(&mut self, step: &Step, needed: &dyn Fn(&Record) -> bool) -> Result<(), CompactError> {
        let record = &step.record;
        self.digests.extend_from_slice(&step.hash);
        let (first, last) = self.times.get_or_insert((record.time(), record.time()));
        (*first, *last) = ((*first).min(record.time()), (*last).max(record.time()));
        self.last_id = self.last_id.max(record.id());
        if is_course(record) || needed(record) {
            self.kept_bytes = self.kept_bytes.saturating_add(record.bytes().len());
            if self.kept_bytes > MAX_KEPT_BYTES {
                return Err(CompactError::Needed { segment: step.location.segment });
            }
            self.kept.push((step.location.offset, record.clone()));
        }
        Ok(())
    }
}

/// Records of the ledger's own course: few, without a call's arguments, and what keys, policies and
/// earlier compactions are known by.
fn is_course(record: &Record) -> bool {
    match record.kind() {
        Kind::Policy | Kind::Grant | Kind::Emergency | Kind::Erasure => true,
        // A quiet daemon makes one every minute, as does one at whose door strangers knock, and their hashes say as
        // much; what a session is for matters to the state as long as the session does.
        Kind::Lifecycle => {
            let detail = record.detail();
            let event = detail.as_ref().and_then(|detail| detail.get("event")?.as_str());
            !matches!(event, Some("heartbeat" | "unknown_callers" | "purpose_declared" | "phase_entered"))
        }
        _ => false,
    }
}

/// The compaction of one segment.
struct Compacting<'a> {
    ledger: &'a Ledger,
    sealer: &'a Sealer,
    wanted: &'a Compaction<'a>,
    is_sealed: bool,
}

impl Compacting<'_> {
    fn run(
        &self,
        manifest: Manifest,
        resume: Resume,
        last_id: RecordId,
        gathered: Gathered,
        compacted: &mut crate::sealer::Compacted,
    ) -> Result<ArchivedSegment, CompactError> {
        let (disk, directory) = (self.sealer.disk.as_ref(), &self.sealer.directory);
        let number = manifest.segment;
        let body = directory.join(segment::file_name(number));
        let (first_time, last_time) = gathered.times.unwrap_or((Timestamp(0), Timestamp(0)));
        let archive = self.wanted.archive.location();
        let told = ArchivedSegment {
            segment: number,
            first_seq: manifest.first_seq,
            last_seq: manifest.last_seq,
            records: manifest.records,
            kept: u64::try_from(gathered.kept.len()).unwrap_or(u64::MAX),
            first_time,
            last_time,
            archive: archive.clone(),
            checked: true,
        };
        if !locked(&self.sealer.unremoved).contains(&number) {
            if !self.is_sealed {
                write_once(&manifest, disk, directory, &self.sealer.manifests).map_err(io_of(&body))?;
            }
            self.archive(&manifest)?;
            let Gathered { digests, kept, .. } = gathered;
            let carry = Carry { segment: number, resume, first_time, last_time, last_id, archive, kept };
            let bytes = carry.encode();
            durable::replace(disk, directory, &carry::digests_name(number), &digests)
                .and_then(|()| durable::replace(disk, directory, &carry::file_name(number), &bytes))
                .map_err(io_of(&body))?;
            let removal = Removal::new(&manifest, Carry::sha256(&bytes));
            let draft = Draft::event(Kind::Lifecycle, compacted::detail(&manifest, &removal, &carry.archive));
            let recorded = self.ledger.append_and_wait(draft, now(), RECORD_WAIT);
            recorded.map_err(CompactError::NotRecorded)?;
            locked(&self.sealer.unremoved).insert(number);
            compacted.told.tell(number, removal);
        }
        // They were made of all records; from here on fewer can be replayed.
        snapshot::remove_all(disk, directory).map_err(io_of(&body))?;
        compacted.count += 1;
        remove_body(disk, directory, number).map_err(io_of(&body))?;
        locked(&self.sealer.unremoved).remove(&number);
        Ok(told)
    }

    /// Has the archive take the body and its manifest.
    fn archive(&self, manifest: &Manifest) -> Result<(), CompactError> {
        let (disk, directory) = (self.sealer.disk.as_ref(), &self.sealer.directory);
        let names = [segment::file_name(manifest.segment), manifest::file_name(manifest.segment)];
        for (name, is_body) in names.into_iter().zip([true, false]) {
            let path = directory.join(&name);
            let file = disk::retry(|| disk.open(&path, OpenMode::Read)).map_err(io_of(&path))?;
            let length = disk::retry(|| file.length()).map_err(io_of(&path))?;
            let hashed = if is_body {
                // What was read of it a moment ago.
                Ok((manifest.file_sha256, manifest.bytes))
            } else {
                durable::sha256(file.as_ref(), length)
            };
            let (hash, length) = hashed.map_err(io_of(&path))?;
            self.wanted.archive.put(&name, file.as_ref(), length, &hash).map_err(|error| {
                CompactError::Archive { file: name, archive: self.wanted.archive.location(), error }
            })?;
        }
        Ok(())
    }
}

fn io_of(file: &Path) -> impl FnOnce(io::Error) -> CompactError + '_ {
    move |error| CompactError::Io { file: file.into(), error }
}

fn remove_body(disk: &dyn Disk, directory: &Path, number: u64) -> io::Result<()> {
    let path = directory.join(segment::file_name(number));
    match disk::retry(|| disk.remove(&path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    disk::retry(|| disk.sync_dir(directory))
}

/// Finishes or undoes the compactions that an earlier run began: a body that the chain tells to be
/// archived goes, and what was written for one that it does not tell of.
///
/// # Errors
/// The folder cannot be changed.
pub(crate) fn settle(disk: &dyn Disk, directory: &Path, compactions: &Compactions) -> Result<(), WalkError> {
    let names = disk::retry(|| disk.list(directory)).map_err(|error| io_error(directory, error))?;
    let mut left: Vec<u64> = names.iter().filter_map(|name| carry::number_of_left(name)).collect();
    left.sort_unstable();
    left.dedup();
    for number in left {
        let body = directory.join(segment::file_name(number));
        if !names.contains(&segment::file_name(number)) {
            continue;
        }
        let settled = match Compacted::load(disk, directory, number, 0) {
            Ok(Some(left)) if compactions.tells(number, &left.removal) => {
                snapshot::remove_all(disk, directory).and_then(|()| remove_body(disk, directory, number))
            }
            _ => undo(disk, directory, number),
        };
        settled.map_err(|error| io_error(&body, error))?;
    }
    Ok(())
}

fn undo(disk: &dyn Disk, directory: &Path, number: u64) -> io::Result<()> {
    for name in [carry::file_name(number), carry::digests_name(number)] {
        match disk::retry(|| disk.remove(&directory.join(&name))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    disk::retry(|| disk.sync_dir(directory))
}
