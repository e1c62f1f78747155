//! The ledger as the gate and the daemon hold it. The way of a record: [`Ledger::append`] gives it its
//! place in the chain, [`Ledger::commit`] keeps it, its completion gets the [`Receipt`] without which
//! no permit can be answered.
//!
//! Leaves out what records mean: states are folded by whoever replays them.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_dpr::{Chain, Draft, Hash, Record, RecordId};
use faramesh_verify::Note;

use crate::backend::Shelf;
use crate::checkpointer::{CheckpointStatus, Checkpointer};
use crate::commit::{Commit, Shared, locked};
use crate::filter::Filter;
use crate::follow::{Subscription, Waker};
use crate::ids::Ids;
use crate::indexer::IndexerHandle;
use crate::queue::{Placed, Queue, Room};
use crate::reader::{ReadError, Reader};
use crate::receipt::{Appended, Completion, Receipt, Unavailable};
use crate::sealer::Sealer;
use crate::snapshots::Snapshots;
use crate::store::{Memory, Store};

/// How often room is made for one record before it is refused.
const MAX_ROOM_ATTEMPTS: usize = 8;
/// How long closing waits for what is being written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The same, when the ledger takes nothing any more.
const CLOSE_TIMEOUT_AWAY: Duration = Duration::from_secs(5);
/// Records that a memory ledger keeps when nothing else is asked: older ones are dropped.
pub const DEFAULT_MEMORY_RECORDS: usize = 100_000;

/// A ledger that records are appended to.
pub struct Ledger {
    pub(crate) shared: Arc<Shared>,
    pub(crate) source: Source,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) indexer: Option<IndexerHandle>,
    pub(crate) sealer: Option<Sealer>,
    pub(crate) snapshots: Option<Snapshots>,
    /// The lock of the folder, held for as long as the ledger lives.
    pub(crate) _lock: Option<Arc<dyn crate::disk::DiskFile>>,
}

/// Where kept records are read.
pub(crate) enum Source {
    Directory(PathBuf),
    Memory(Arc<Memory>),
    Shelf { name: &'static str, place: String, shelf: Arc<dyn Shelf> },
}

/// How a ledger stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `sqlite` (segments and an index), `memory`, or the name of a backend elsewhere: `postgres`.
    pub backend: &'static str,
    /// The folder of the segments.
    pub directory: Option<PathBuf>,
    /// Where a backend elsewhere is, without secrets.
    pub place: Option<String>,
    /// Records that the ledger holds.
    pub records: u64,
    /// The number of the last kept record.
    pub last_seq: u64,
    /// This run's epoch.
    pub epoch: u64,
    /// The hash of the last kept record.
    pub last_hash: Hash,
    /// The number of the active segment; 0 in memory.
    pub segment: u64,
    /// Bytes in use of the active segment.
    pub segment_bytes: u64,
    /// Bytes of records that this process kept.
    pub bytes_written: u64,
    /// Records that wait for a sync.
    pub pending: usize,
    /// Whether records are taken.
    pub healthy: bool,
    /// Whether only denials are taken, because the disk is full.
    pub disk_full: bool,
    /// Why no records are taken.
    pub refusal: Option<String>,
    /// Records that the index does not have yet; `None` without an index.
    pub index_lag: Option<u64>,
    /// Records before the snapshot that the ledger was opened from, while they are still to be read.
    pub unchecked: u64,
    /// The checkpoints; `None` when none are made.
    pub checkpoint: Option<CheckpointStatus>,
}

impl Ledger {
    /// A ledger in memory, for `faramesh dev`: the same chain, and the newest `capacity` records to
    /// read; older ones are dropped. [`DEFAULT_MEMORY_RECORDS`] is a good capacity.
    #[must_use]
    pub fn memory(stack: &str, instance: &str, capacity: usize) -> Self {
        let memory = Arc::new(Memory::new(capacity));
        let room = Room { end: u64::MAX, ..Room::default() };
        let queue = Queue::new(stack, instance, Chain::genesis(), Ids::after(RecordId::default()), room);
        let shared = Arc::new(Shared::new(queue, Store::Memory(Arc::clone(&memory)), None));
        let source = Source::Memory(memory);
        let ledger = Self {
            shared,
            source,
            threads: Mutex::default(),
            indexer: None,
            sealer: None,
            snapshots: None,
            _lock: None,
        };
        ledger.spawn("ledger-commit", Shared::commit_loop);
        ledger
    }

    pub(crate) fn spawn(&self, name: &str, work: fn(&Shared)) {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&shared));
        match thread {
            Ok(thread) => locked(&self.threads).push(thread),
            // Without its threads the ledger would take records and never keep them.
            Err(error) => self.shared.refuse(&Unavailable::poisoned(error)),
        }
    }

    /// Gives a draft its place in the chain. It is kept by the next [`Ledger::commit`], which somebody
    /// must call; then `completion` is called once. No I/O, except when no segment is prepared.
    ///
    /// # Errors
    /// The record cannot be taken; `completion` was called with the same error.
    pub fn append(
        &self,
        draft: Draft<'_>,
        now: Timestamp,
        completion: Completion,
    ) -> Result<Appended, Unavailable> {
        let mut completion = completion;
        if let Some(reason) = self.shared.checkpointer.get().and_then(|made| made.refuses(draft.effect)) {
            completion(Err(reason.clone()));
            return Err(reason);
        }
        let mut refusal = Unavailable::Full;
        for _ in 0..MAX_ROOM_ATTEMPTS {
            let placed = match self.shared.queue() {
                Ok(mut queue) => queue.place(&draft, now, completion),
                Err(reason) => Placed::Refused(completion, reason),
            };
            let made = match placed {
                Placed::Done(appended) => return Ok(appended),
                Placed::Refused(back, reason) => {
                    completion = back;
                    Err(reason)
                }
                Placed::NoRoom(back, needed) => {
                    completion = back;
                    self.shared.make_room(needed, draft.effect)
                }
            };
            if let Err(reason) = made {
                refusal = reason;
                break;
            }
        }
        completion(Err(refusal.clone()));
        Err(refusal)
    }

    /// Keeps what was appended. When somebody commits already, they or the committer go on with it,
    /// so this never waits for another's sync.
    pub fn commit(&self, mode: Commit) {
        self.shared.commit(mode);
    }

    /// Appends one record and waits until it is kept.
    ///
    /// # Errors
    /// The record is not kept, or not within `timeout`; then it may still be later.
    pub fn append_and_wait(
        &self,
        draft: Draft<'_>,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Receipt, Unavailable> {
        let (sender, receiver) = sync_channel(1);
        let completion: Completion = Box::new(move |result| {
            // Nobody listens any more when the wait ran out.
            let _ = sender.try_send(result);
        });
        self.append(draft, now, completion)?;
        self.commit(Commit::Inline);
        receiver.recv_timeout(timeout).unwrap_or(Err(Unavailable::Timeout))
    }

    /// Whether records are taken.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::Acquire)
    }

    /// The epoch of this run.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.queue().map_or(0, |queue| queue.epoch)
    }

    /// How the ledger stands now.
    #[must_use]
    pub fn status(&self) -> Status {
        let kept = *locked(&self.shared.kept);
        let (mut epoch, mut pending, mut disk_full, mut refusal) = (0, 0, false, None);
        if let Ok(queue) = self.shared.queue() {
            (epoch, pending, disk_full) = (queue.epoch, queue.batch.entries.len(), queue.room.on_reserve);
            refusal = queue.refusal.as_ref().map(ToString::to_string);
        }
        let mut place = None;
        let (backend, directory, records) = match &self.source {
            Source::Directory(directory) => ("sqlite", Some(directory.clone()), kept.seq),
            Source::Shelf { name, place: address, .. } => {
                place = Some(address.clone());
                (*name, None, kept.seq)
            }
            Source::Memory(memory) => {
                ("memory", None, u64::try_from(memory.records().len()).unwrap_or(u64::MAX))
            }
        };
        Status {
            backend,
            directory,
            place,
            records,
            last_seq: kept.seq,
            epoch,
            last_hash: kept.hash,
            segment: kept.segment,
            segment_bytes: kept.offset,
            bytes_written: kept.bytes,
            pending,
            healthy: self.is_healthy(),
            disk_full,
            refusal,
            index_lag: self.indexer.as_ref().map(|indexer| kept.seq.saturating_sub(indexer.indexed())),
            unchecked: self.snapshots.as_ref().map_or(0, Snapshots::unchecked),
            checkpoint: self.shared.checkpointer.get().map(Checkpointer::status),
        }
    }

    /// The last checkpoint that this process made, and how many records it covers.
    #[must_use]
    pub fn last_checkpoint(&self) -> Option<(u64, Note)> {
        self.shared.checkpointer.get().and_then(Checkpointer::last)
    }

    /// Follows the ledger from the next kept record on. At most `capacity` records wait; a slower
    /// follower is told how many it lost. `waker` is called when something arrived.
    #[must_use]
    pub fn subscribe(&self, capacity: usize, waker: Option<Waker>) -> Subscription {
        self.shared.tail.subscribe(capacity, waker)
    }

    /// The records that a filter lets through.
    ///
    /// # Errors
    /// The files could not be read.
    pub fn query(&self, filter: &Filter) -> Result<Vec<Record>, ReadError> {
        match &self.source {
            Source::Directory(directory) => Reader::open(directory)?.query(filter),
            Source::Shelf { shelf, .. } => shelf.query(filter),
            Source::Memory(memory) => Ok(filter.select(memory.records().into_iter())),
        }
    }

    /// The records that an id, a prefix of one, or an approval's id names; see [`Reader::get`].
    ///
    /// # Errors
    /// The files could not be read.
    pub fn get(&self, id: &str) -> Result<Vec<Record>, ReadError> {
        self.query(&Filter::by_id(id))
    }

    /// The receipt of a record that is kept, and the record; `None` when it is not, or not yet.
    ///
    /// # Errors
    /// The files could not be read.
    pub fn receipt(&self, id: RecordId) -> Result<Option<(Receipt, Record)>, ReadError> {
        let kept = locked(&self.shared.kept).seq;
        let mut found = self.get(&id.to_string())?.into_iter().filter(|record| record.id() == id);
        Ok(found.find(|record| record.seq() <= kept).map(|record| {
            let receipt = Receipt::new(id, record.seq(), record.epoch(), record.hash());
            (receipt, record)
        }))
    }

    /// Keeps what waits, refuses what comes, ends the ledger's threads. A second call does nothing.
    pub fn close(&self) {
        let patience = if self.is_healthy() { CLOSE_TIMEOUT } else { CLOSE_TIMEOUT_AWAY };
        self.shared.drain(Instant::now() + patience);
        self.shared.stop();
        if let Some(checkpointer) = self.shared.checkpointer.get() {
            checkpointer.stop();
        }
        if let Some(indexer) = &self.indexer {
            indexer.stop();
        }
        if let Some(snapshots) = &self.snapshots {
            snapshots.stop();
        }
        if let Some(sealer) = &self.sealer {
            sealer.stop();
        }
        for thread in std::mem::take(&mut *locked(&self.threads)) {
            // The last holder of the ledger may be a completion that the committer runs.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        // What slipped in between the drain and the stop.
        self.shared.commit(Commit::Inline);
        if let Some(checkpointer) = self.shared.checkpointer.get() {
            checkpointer.finish();
        }
        self.shared.tail.close();
    }

    /// Signs what is kept from here on.
    pub(crate) fn begin_checkpoints(&self, checkpointer: Checkpointer) {
        if self.shared.checkpointer.set(checkpointer).is_ok() {
            self.spawn("ledger-sign", Shared::checkpoint_loop);
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ledger").field("status", &self.status()).finish()
    }
}
