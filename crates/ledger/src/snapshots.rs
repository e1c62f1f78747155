//! The thread behind a start from a snapshot, and before the next: first it reads the sealed segments that
//! the start did not, as a start without a snapshot would; then it makes a snapshot of each segment that is
//! sealed, of the one before and the records of that segment.
//!
//! INVARIANT held against: until the records were read, nothing that was derived from them is kept on. When
//! they are not as they were written, or the snapshot is not what they come to, the ledger takes no more
//! records. INVARIANT never in the way: snapshots are made in the time that decisions leave, and what cannot be
//! written is tried again later.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::background::Ending;
use crate::commit::{Shared, locked};
use crate::damage::{WalkError, damage, io_error};
use crate::disk::{self, Disk};
use crate::fold::Fold;
use crate::manifest::Manifest;
use crate::open::Reading;
use crate::receipt::Unavailable;
use crate::sealed;
use crate::sealer::{Compacted, Sealer};
use crate::signatures::Follow;
use crate::snapshot::{self, Snapshot};
use crate::voucher::Voucher;
use crate::walk::{Item, Walk};

/// How often the thread looks whether a segment was sealed.
const PAUSE: Duration = Duration::from_millis(250);
/// How long it rests after a failure, and after many: to make one again may mean to read every record.
const REST: Duration = Duration::from_secs(30);
const MAX_REST: Duration = Duration::from_secs(3_600);
/// How often files that cannot be read are tried again before that counts as damage.
const ATTEMPTS: u32 = 3;

/// Called when sealed records turn out not to be as they were written.
pub type Alarm = Box<dyn FnOnce(&str) + Send>;

/// What a start gives its thread.
pub(crate) struct Basis {
    /// The snapshot that it went on from.
    pub from: Option<Snapshot>,
    /// The one that it came by.
    pub made: Option<Snapshot>,
}

/// The thread of a ledger that makes snapshots.
pub(crate) struct Snapshots {
    ending: Arc<Ending>,
    thread: Mutex<Option<JoinHandle<()>>>,
    unchecked: Arc<AtomicU64>,
}

impl Snapshots {
    pub(crate) fn start(
        sealer: &Sealer,
        shared: Arc<Shared>,
        fold: Box<dyn Fold>,
        voucher: Voucher,
        basis: Basis,
        alarm: Alarm,
    ) -> Self {
        let ending: Arc<Ending> = Arc::default();
        let unchecked = Arc::new(AtomicU64::new(basis.from.as_ref().map_or(0, |from| from.resume.seq)));
        let work = Work {
            disk: Arc::clone(&sealer.disk),
            directory: sealer.directory.clone(),
            compacted: Arc::clone(&sealer.compacted),
            shared: Arc::clone(&shared),
            fold,
            voucher,
            ending: Arc::clone(&ending),
            unchecked: Arc::clone(&unchecked),
        };
        let must_check = basis.from.is_some();
        let spawned =
            std::thread::Builder::new().name("ledger-state".to_owned()).spawn(move || work.run(basis, alarm));
        if let Err(error) = &spawned
            && must_check
        {
            // What was not read must be read.
            shared.refuse(&Unavailable::poisoned(error));
        }
        Self { ending, thread: Mutex::new(spawned.ok()), unchecked }
    }

    /// Records before the start's snapshot that have not been read again yet.
    pub(crate) fn unchecked(&self) -> u64 {
        self.unchecked.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&self) {
        self.ending.tell();
        if let Some(thread) = locked(&self.thread).take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Why a reading came to no end.
enum Ended {
    /// The ledger closes.
    Stopped,
    Failed(WalkError),
}

impl From<WalkError> for Ended {
    fn from(error: WalkError) -> Self {
        Self::Failed(error)
    }
}

struct Work {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    compacted: Arc<Mutex<Compacted>>,
    shared: Arc<Shared>,
    /// A state of no records.
    fold: Box<dyn Fold>,
    voucher: Voucher,
    ending: Arc<Ending>,
    unchecked: Arc<AtomicU64>,
}

impl Work {
    fn run(&self, basis: Basis, alarm: Alarm) {
        let Basis { from, made } = basis;
        let mut newest = from.as_ref().map_or(0, |from| from.segment);
        if let Some(from) = from {
            // At the usual priority: on a machine without an idle moment it must come to its end as well.
            let checked = catch_unwind(AssertUnwindSafe(|| self.recheck(&from)));
            match checked.unwrap_or_else(|_| Err(self.failed(&from))) {
                Ok(()) => self.unchecked.store(0, Ordering::Release),
                Err(Ended::Stopped) => return,
                Err(Ended::Failed(error)) => {
                    let reason = error.to_string();
                    self.shared.refuse(&Unavailable::Damaged { reason: reason.as_str().into() });
                    // The next start reads everything, and does not get to READY.
                    let _ = snapshot::remove_all(self.disk.as_ref(), &self.directory);
                    return alarm(&reason);
                }
            }
        }
        self.ending.make_way();
        let mut made = made;
        let (mut compactions, mut rest) = (0, REST);
        let mut pause = Duration::ZERO;
        while !self.pause(pause) {
            pause = PAUSE;
            // Held while one is made: a compaction changes what the records come to.
            let Some(compacted) = self.alone() else { return };
            if compacted.count != compactions {
                (made, newest, compactions) = (None, 0, compacted.count);
            }
            let last = locked(&self.shared.kept).segment.saturating_sub(1);
            if last <= newest || !self.may_be_made(last) {
                continue;
            }
            let written = match made.take().filter(|made| made.segment == last) {
                Some(made) => Ok(Some(made)),
                None => self.make(last),
            };
            let written = match written {
                // A state that has grown so large seldom shrinks: the next start reads every record.
                Ok(Some(snapshot)) if !snapshot.fits() => return,
                Ok(snapshot) => snapshot.map_or(Ok(()), |snapshot| {
                    snapshot::write(self.disk.as_ref(), &self.directory, &snapshot, &self.voucher)
                }),
                Err(Ended::Stopped) => return,
                // Told by whoever opens or verifies the ledger.
                Err(Ended::Failed(error)) => Err(error.to_string()),
            };
            match written {
                Ok(()) => (newest, rest) = (last, REST),
                Err(_) => (pause, rest) = (rest, rest.saturating_mul(2).min(MAX_REST)),
            }
        }
    }

    /// Waits until nobody compacts; `None` when the thread is to end, which is not held up by a long compaction.
    fn alone(&self) -> Option<MutexGuard<'_, Compacted>> {
        loop {
            match self.compacted.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if self.pause(PAUSE) => return None,
                Err(TryLockError::WouldBlock) => {}
            }
        }
    }

    /// Waits; true when the thread is to end.
    fn pause(&self, duration: Duration) -> bool {
        self.ending.pause(duration)
    }

    fn is_stopped(&self) -> bool {
        self.ending.is_told()
    }

    /// Whether a segment has its manifest, and no checkpoint of its records can still be on its way to the
    /// file: a snapshot names the place of the first one of later records.
    fn may_be_made(&self, number: u64) -> bool {
        let manifest = Manifest::read(self.disk.as_ref(), &self.directory, number, 0);
        let Ok(Some(manifest)) = manifest else { return false };
        let signing = self.shared.checkpointer.get();
        signing.is_none_or(|signing| signing.status().size > manifest.last_seq)
    }

    /// Reads from the beginning, or on from a snapshot that the state was loaded from, to the end of a segment.
    /// `None` when its body is in an archive.
    fn read(
        &self,
        from: Option<Snapshot>,
        mut fold: Box<dyn Fold>,
        until: u64,
    ) -> Result<Option<(Snapshot, Walk)>, Ended> {
        let (disk, directory) = (self.disk.as_ref(), &self.directory);
        let mut reading = match from {
            Some(from) => {
                let follow = Follow::resumed(disk, directory, from.signed.clone(), from.log_offset)?;
                let walk = Walk::resumed(Arc::clone(&self.disk), directory, &from, false)?;
                Reading { walk, follow, last_id: from.last_id }
            }
            None => {
                let follow = Follow::open(disk, directory)?;
                let walk = Walk::whole(Arc::clone(&self.disk), directory, false)?;
                Reading { walk, follow, last_id: faramesh_dpr::RecordId::default() }
            }
        };
        (reading.walk.until, reading.walk.resumes) = (Some(until), true);
        while let Some(item) = reading.walk.next_item()? {
            if self.is_stopped() {
                return Err(Ended::Stopped);
            }
            reading.walk.boundaries.clear();
            match item {
                Item::Digest { hash, .. } => reading.follow.digest(&hash)?,
                Item::Record(step) => {
                    reading.follow.record(&step)?;
                    reading.last_id = reading.last_id.max(step.record.id());
                    fold.replay(&step.record);
                }
            }
        }
        let boundary = reading.walk.boundaries.pop().filter(|passed| passed.manifest.segment == until);
        let snapshot = boundary.and_then(|boundary| reading.snapshot(boundary, fold.save()));
        Ok(snapshot.map(|snapshot| (snapshot, reading.walk)))
    }

    /// Reads what the start did not, and holds its snapshot against it.
    fn recheck(&self, from: &Snapshot) -> Result<(), Ended> {
        let mut attempt = 1;
        loop {
            match self.recheck_once(from) {
                Err(Ended::Failed(WalkError::Io { .. })) if attempt < ATTEMPTS => attempt += 1,
                ended => return ended,
            }
            if self.pause(PAUSE) {
                return Err(Ended::Stopped);
            }
        }
    }

    fn recheck_once(&self, from: &Snapshot) -> Result<(), Ended> {
        let compacted = self.alone().ok_or(Ended::Stopped)?;
        let file = self.directory.join(snapshot::file_name(from.segment));
        let found = self.read(None, self.fold.fresh(), from.segment)?;
        let Some((found, walk)) = found else {
            // Its segment went to the archive after the start; a snapshot is none of archived records.
            return self.gone(&compacted, &file, from);
        };
        walk.compactions.check_within(&self.directory, &compacted.told)?;
        let differs = from.differs(&found).filter(|_| compacted.count == 0);
        let Some(part) = differs else { return Ok(()) };
        // It stays for whoever wants to know, and no start takes it again.
        let aside = self.directory.join(format!("{:08}.state-differs", from.segment));
        let _ = disk::retry(|| self.disk.rename(&file, &aside));
        let (expected, told) = ("what the records come to", "another");
        Err(Ended::Failed(damage(&file, 0, from.resume.seq, part, expected, told)))
    }

    /// What is told of records that nobody could read to their end.
    fn failed(&self, from: &Snapshot) -> Ended {
        let file = self.directory.join(snapshot::file_name(from.segment));
        let (expected, found) = ("what the records come to", "a failure while they were read");
        Ended::Failed(damage(&file, 0, from.resume.seq, "state", expected, found))
    }

    fn gone(&self, compacted: &Compacted, file: &Path, from: &Snapshot) -> Result<(), Ended> {
        if compacted.count > 0 {
            return Ok(());
        }
        let (expected, found) = ("the body of its segment", "nothing");
        Err(Ended::Failed(damage(file, 0, from.resume.seq, "segment", expected, found)))
    }

    /// A snapshot of a segment: of the newest one that holds and the records behind it.
    fn make(&self, number: u64) -> Result<Option<Snapshot>, Ended> {
        let (disk, directory) = (self.disk.as_ref(), &self.directory);
        let names = disk::retry(|| disk.list(directory)).map_err(|error| io_error(directory, error))?;
        for known in snapshot::numbers(&names).into_iter().filter(|known| *known < number) {
            let Some(Ok(mut from)) = snapshot::read(disk, directory, known, &self.voucher) else { continue };
            let looked = sealed::look(disk, directory, &names, known);
            let mut fold = self.fold.fresh();
            if looked.is_ok_and(|sealed| sealed.digest == from.sealed) && fold.load(&from.take_state()) {
                return Ok(self.read(Some(from), fold, number)?.map(|(snapshot, _)| snapshot));
            }
        }
        Ok(self.read(None, self.fold.fresh(), number)?.map(|(snapshot, _)| snapshot))
    }
}
