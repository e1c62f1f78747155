//! The check of a whole ledger, offline: no daemon, no network, no trust in either. It reports what
//! it saw, or the first place that is not as it was written.

mod kept;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_dpr::{Broken, Chain, Hash, Kind, Record, RecordError, RecordId};
use faramesh_verify::{PublicKey, Summary};

use self::kept::Kept;
pub use self::kept::OddSnapshot;
use crate::archive::Archives;
use crate::compacted::ArchivedSegment;
use crate::damage::WalkError;
use crate::disk::{Disk, RealDisk};
use crate::expected::{Expectations, Expected};
use crate::signatures::Follow;
use crate::walk::{Item, Walk, segments_of};

/// Most agents and policies that are counted one by one.
const MAX_COUNTED: usize = 65_536;
/// Records between two calls of the progress function.
const PROGRESS_RECORDS: u64 = 16_384;

/// What a ledger that verifies holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records.
    pub records: u64,
    /// Runs of the daemon.
    pub epochs: u64,
    /// Segment files.
    pub segments: u64,
    /// When the first record was made.
    pub first: Option<Timestamp>,
    /// When the last record was made.
    pub last: Option<Timestamp>,
    /// The hash of the last record.
    pub last_hash: Hash,
    /// Decisions under each policy.
    pub policies: BTreeMap<Hash, u64>,
    /// Records of each agent.
    pub agents: BTreeMap<String, u64>,
    /// Records made by `faramesh dev`.
    pub dev: u64,
    /// Cuts that were made and recorded: the number of the record that tells of each.
    pub cuts: Vec<u64>,
    /// Bytes of a batch at the end that was being written: a daemon is at work, or one ended
    /// suddenly and has not been started again.
    pub incomplete_bytes: u64,
    /// Keys and checkpoints; empty for records that lie in memory.
    pub signatures: Summary,
    /// Bytes of a checkpoint at the end that was being written.
    pub incomplete_checkpoint_bytes: u64,
    /// Segments whose bodies are in an archive. Of those that were not read there, counts by agent and
    /// policy have only the records that stayed.
    pub archived: Vec<ArchivedSegment>,
    /// Pauses within a run that heartbeats should have filled, at most 64.
    pub silences: Vec<Silence>,
    /// Snapshots that are not what the records come to. They are derived, and no part of the ledger.
    pub snapshots: Vec<OddSnapshot>,
}

/// How long a daemon may record nothing before it records a heartbeat.
pub const HEARTBEAT: Duration = Duration::from_secs(60);
/// Most silences that are told one by one.
const MAX_SILENCES: usize = 64;

/// A pause of more than two heartbeats between two records of one run: the machine slept, its clock
/// was set, or somebody kept the daemon from recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The number of the record behind it.
    pub seq: u64,
    /// How long it was.
    pub lasted: Duration,
}

impl Report {
    /// Counts a record whose body is in an archive.
    fn pass(&mut self, hash: Hash) {
        (self.records, self.last_hash) = (self.records + 1, hash);
        // Nothing is known of its time, so the next pause is none that could be told.
        self.epochs = 0;
    }

    /// Counts a record that was verified and its hash.
    pub fn add(&mut self, record: &Record, hash: Hash) {
        self.records += 1;
        let last = self.last.filter(|_| self.epochs == record.epoch());
        let paused = last.map_or(0, |last| record.time().since_ms(last));
        let lasted = Duration::from_millis(paused);
        if lasted > HEARTBEAT.saturating_mul(2) && self.silences.len() < MAX_SILENCES {
            self.silences.push(Silence { seq: record.seq(), lasted });
        }
        self.epochs = record.epoch();
        self.first.get_or_insert(record.time());
        (self.last, self.last_hash) = (Some(record.time()), hash);
        self.dev += u64::from(record.dev());
        if let Some(policy) = record.policy().filter(|_| record.kind() == Kind::Decision) {
            count(&mut self.policies, &policy, |policy| *policy);
        }
        if let Some(agent) = record.agent() {
            count(&mut self.agents, agent.as_ref(), str::to_owned);
        }
        if record.kind() == Kind::Lifecycle {
            let cut = record.detail().is_some_and(|detail| detail.get("cut").is_some());
            self.cuts.extend(cut.then_some(record.seq()));
        }
    }
}

fn count<K, B>(counts: &mut BTreeMap<K, u64>, key: &B, own: impl FnOnce(&B) -> K)
where
    K: std::borrow::Borrow<B> + Ord,
    B: Ord + ?Sized,
{
    if let Some(count) = counts.get_mut(key) {
        *count += 1;
    } else if counts.len() < MAX_COUNTED {
        counts.insert(own(key), 1);
    }
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records checked.
    pub records: u64,
    /// The segment that is read.
    pub segment: u64,
    /// Segments that there are.
    pub segments: u64,
}

/// Checks the ledger in a folder, which a daemon may be writing. `progress` is called now and then.
///
/// # Errors
/// [`WalkError::Damage`] names the first place that is not as it was written; otherwise the files
/// could not be read.
pub fn verify(directory: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, WalkError> {
    verify_on(Arc::new(RealDisk), directory, progress)
}

/// [`verify`] on another disk.
///
/// # Errors
/// As [`verify`].
pub fn verify_on(
    disk: Arc<dyn Disk>,
    directory: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, WalkError> {
    verify_pinned(disk, directory, None, progress)
}

/// [`verify_on`] that also demands that `pin` is a key of this ledger and signed it.
///
/// # Errors
/// As [`verify`]; a pin that does not hold is damage as well.
pub fn verify_pinned(
    disk: Arc<dyn Disk>,
    directory: &Path,
    pin: Option<&PublicKey>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, WalkError> {
    verify_archived(disk, directory, pin, None, progress)
}

/// [`verify_pinned`] that also reads the bodies of compacted segments, when it is told where archives
/// are found, and checks each against its digest and manifest.
///
/// # Errors
/// As [`verify_pinned`]; a body that is not in its archive is damage as well.
pub fn verify_archived(
    disk: Arc<dyn Disk>,
    directory: &Path,
    pin: Option<&PublicKey>,
    archives: Option<Arc<dyn Archives>>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, WalkError> {
    verify_against(disk, directory, Demands { pin, archives, checkpoints: &[] }, progress)
}

/// What is demanded of a ledger besides that it is as it was written.
#[derive(Debug, Default)]
pub struct Demands<'a> {
    /// That this is a key of it, and signed it.
    pub pin: Option<&'a PublicKey>,
    /// That the bodies of compacted segments are here.
    pub archives: Option<Arc<dyn Archives>>,
    /// That it begins as these say. When a daemon is at work they must have been read before.
    pub checkpoints: &'a [Expected],
}

/// [`verify`] with demands.
///
/// # Errors
/// As [`verify`]; a demand that is not met is damage as well.
pub fn verify_against(
    disk: Arc<dyn Disk>,
    directory: &Path,
    demands: Demands<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, WalkError> {
    let Demands { pin, archives, checkpoints } = demands;
    let mut expected = Expectations::new(checkpoints)?;
    // Before the records, so that none of what is read of a ledger at work is ahead of them.
    let mut follow = Follow::open(disk.as_ref(), directory)?;
    let mut kept = Kept::read(disk.as_ref(), directory)?;
    let segments = u64::try_from(segments_of(disk.as_ref(), directory)?.len()).unwrap_or(u64::MAX);
    let mut walk = Walk::whole(disk, directory, true)?;
    (walk.archives, walk.resumes) = (archives, !kept.is_empty());
    let (mut report, mut last_id) = (Report::default(), RecordId::default());
    while let Some(item) = walk.next_item()? {
        for boundary in walk.boundaries.drain(..) {
            kept.pass(boundary, last_id.max(walk.last_id), (follow.place(), &follow.signed));
        }
        match item {
            Item::Record(step) => {
                last_id = last_id.max(step.record.id());
                follow.record(&step)?;
                report.add(&step.record, step.hash);
            }
            Item::Digest { hash, .. } => {
                follow.digest(&hash)?;
                report.pass(hash);
            }
        }
        expected.record(&follow.signed)?;
        if report.records.is_multiple_of(PROGRESS_RECORDS) {
            progress(Progress { records: report.records, segment: walk.segments, segments });
        }
    }
    // Behind the last item, when there is none in the segment that is written.
    for boundary in walk.boundaries.drain(..) {
        kept.pass(boundary, last_id.max(walk.last_id), (follow.place(), &follow.signed));
    }
    report.archived = std::mem::take(&mut walk.archived);
    report.snapshots = kept.finish();
    (report.epochs, report.segments) = (walk.chain.epoch(), walk.segments);
    let incomplete = walk.end().map_or(0, |end| end.incomplete);
    report.incomplete_bytes = u64::try_from(incomplete).unwrap_or(u64::MAX);
    (report.signatures, report.incomplete_checkpoint_bytes) = follow.finish(pin)?;
    expected.finish(directory, &report.signatures)?;
    Ok(report)
}

/// Why records that were fetched from a daemon do not verify.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// Bytes that are no record.
    #[error("record {place} of those fetched: {error}")]
    Record {
        /// Which of the fetched records, from 1.
        place: u64,
        /// What is wrong.
        error: RecordError,
    },
    /// A record that does not follow the one before.
    #[error(transparent)]
    Broken(Box<Broken>),
}

/// Checks records that lie in memory, oldest first, as a `faramesh dev` daemon gives them. The first
/// may be any: older ones are dropped there.
///
/// # Errors
/// The first record that is none or does not follow.
pub fn verify_memory<B: Into<Arc<[u8]>>>(
    records: impl IntoIterator<Item = B>,
) -> Result<Report, RecordsError> {
    let mut chain = Chain::anywhere();
    let mut report = Report::default();
    for bytes in records {
        let place = report.records + 1;
        let record = Record::parse(bytes).map_err(|error| RecordsError::Record { place, error })?;
        if record.seq() == 1 {
            chain = Chain::genesis();
        }
        let hash = chain.feed(&record).map_err(|broken| RecordsError::Broken(Box::new(broken)))?;
        report.add(&record, hash);
        report.epochs = chain.epoch();
    }
    Ok(report)
}
