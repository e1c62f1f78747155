//! Group commit: whoever finds nobody committing writes what waits, syncs once and answers everybody;
//! what arrives meanwhile goes to the committer's thread as one batch.
//!
//! INVARIANT record first: completions get a receipt after [`Store::keep`] came back well, never
//! before. INVARIANT poison: after a failed write or sync nothing is taken any more;
//! only a backend that is out of reach is tried again (`retry`).
//! INVARIANT order: completions run in seq order, outside the lock that appends take.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use faramesh_call::Effect;
use faramesh_dpr::{GENESIS, Hash};

use crate::backend::KeepError;
use crate::checkpointer::Checkpointer;
use crate::follow::Tail;
use crate::prepare::{Pace, Preparer};
use crate::queue::{Batch, Queue};
use crate::receipt::{Receipt, Unavailable};
use crate::store::Store;

/// How a commit is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// On this thread when nobody commits: the fastest way for a client that is alone.
    Inline,
    /// On the committer's thread: for a caller that has other work meanwhile.
    Handover,
}

/// How far the ledger is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub seq: u64,
    pub hash: Hash,
    /// The number of the active segment; 0 in memory.
    pub segment: u64,
    /// Where the next frame goes in it.
    pub offset: u64,
    /// Bytes of all records kept by this process.
    pub bytes: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { seq: 0, hash: GENESIS, segment: 0, offset: 0, bytes: 0 }
    }
}

/// What the threads of one ledger share.
pub(crate) struct Shared {
    pub queue: Mutex<Queue>,
    /// Wakes the committer. Told only when there is work for it: a client that is alone never wakes
    /// another thread.
    pub work: Condvar,
    /// Told when nobody commits any more, while somebody waits for that.
    pub idle: Condvar,
    pub store: Mutex<Store>,
    /// Whether the store is a backend elsewhere.
    pub remote: bool,
    pub kept: Mutex<Kept>,
    pub healthy: AtomicBool,
    pub tail: Tail,
    pub preparer: Option<Preparer>,
    /// Signs what is kept; set when the ledger was opened to be signed.
    pub checkpointer: OnceLock<Checkpointer>,
    /// Set to wake the preparing thread.
    pub prepare_wanted: (Mutex<bool>, Condvar),
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(queue: Queue, store: Store, preparer: Option<Preparer>) -> Self {
        let chain = &queue.chain;
        let (segment, offset) = (queue.room.number, queue.room.offset);
        let kept = Kept { seq: chain.seq(), hash: chain.hash(), segment, offset, bytes: 0 };
        Self {
            queue: Mutex::new(queue),
            work: Condvar::new(),
            idle: Condvar::new(),
            remote: matches!(store, Store::Remote(_)),
            store: Mutex::new(store),
            kept: Mutex::new(kept),
            healthy: AtomicBool::new(true),
            tail: Tail::default(),
            preparer,
            checkpointer: OnceLock::new(),
            prepare_wanted: (Mutex::new(false), Condvar::new()),
        }
    }

    /// Takes nothing more.
    pub(crate) fn refuse(&self, reason: &Unavailable) {
        self.healthy.store(false, Ordering::Release);
        if let Ok(mut queue) = self.queue() {
            queue.refusal.get_or_insert_with(|| reason.clone());
        }
    }

    /// Takes nothing more, and ends the threads.
    pub(crate) fn stop(&self) {
        self.refuse(&Unavailable::Closed);
        if let Ok(mut queue) = self.queue() {
            queue.stopping = true;
        }
        self.work.notify_all();
        *locked(&self.prepare_wanted.0) = true;
        self.prepare_wanted.1.notify_all();
    }

    /// The queue, unless a thread panicked while it changed it.
    pub(crate) fn queue(&self) -> Result<MutexGuard<'_, Queue>, Unavailable> {
        self.queue.lock().map_err(|_| {
            self.healthy.store(false, Ordering::Release);
            Unavailable::poisoned("a thread failed while it took a record")
        })
    }

    pub(crate) fn commit(&self, mode: Commit) {
        let Ok(mut queue) = self.queue() else { return };
        if queue.committing || queue.batch.entries.is_empty() {
            return;
        }
        queue.committing = true;
        // A backend elsewhere may keep its caller waiting, which must not be the thread of a tier.
        if mode == Commit::Handover || (self.remote && !queue.stopping) {
            queue.handed = true;
            drop(queue);
            self.work.notify_one();
            return;
        }
        let batch = queue.take();
        drop(queue);
        let batch = self.write(batch);
        let Ok(mut queue) = self.queue() else { return };
        queue.spare = batch;
        if queue.batch.entries.is_empty() {
            queue.committing = false;
            if queue.draining {
                self.idle.notify_all();
            }
        } else {
            queue.handed = true;
            drop(queue);
            self.work.notify_one();
        }
    }

    /// The committer's thread.
    pub(crate) fn commit_loop(&self) {
        let Ok(mut queue) = self.queue() else { return };
        loop {
            while !queue.handed {
                if queue.stopping && !queue.committing {
                    return;
                }
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            queue.handed = false;
            while !queue.batch.entries.is_empty() {
                let batch = queue.take();
                drop(queue);
                let batch = self.write(batch);
                let Ok(again) = self.queue() else { return };
                queue = again;
                queue.spare = batch;
            }
            queue.committing = false;
            self.idle.notify_all();
        }
    }

    /// Keeps a batch and answers for it; gives its buffers back.
    fn write(&self, mut batch: Batch) -> Batch {
        let mut result = locked(&self.store).keep(&mut batch);
        if let Err(KeepError::Unreachable(reason)) = result {
            result = self.keep_trying(&mut batch, reason);
        }
        match result {
            Ok(()) => self.answer(&mut batch),
            Err(error) => self.poison(&mut batch, &error.to_string()),
        }
        if self.prepare_is_wanted() {
            *locked(&self.prepare_wanted.0) = true;
            self.prepare_wanted.1.notify_one();
        }
        batch.clear();
        batch
    }

    fn prepare_is_wanted(&self) -> bool {
        self.preparer.is_some() && self.queue().is_ok_and(|queue| queue.room.is_low())
    }

    fn answer(&self, batch: &mut Batch) {
        let Ok(epoch) = self.queue().map(|queue| queue.epoch) else { return };
        self.advance(batch);
        let hashes = batch.entries.iter().map(|entry| &entry.hash);
        let signed = self.checkpointer.get().map_or(Ok(()), |checkpointer| checkpointer.kept(hashes));
        for entry in &mut batch.entries {
            let receipt = Receipt::new(entry.id, entry.seq, epoch, entry.hash);
            let receipt = signed.clone().map(|()| receipt);
            if let Some(completion) = entry.completion.take() {
                // A completion or waker that panics must not stop the answers of others.
                let _ = catch_unwind(AssertUnwindSafe(|| completion(receipt)));
            }
        }
        if self.tail.is_followed() {
            let records: Vec<Arc<[u8]>> =
                batch.entries.iter().map(|entry| Arc::from(batch.record(entry))).collect();
            let _ = catch_unwind(AssertUnwindSafe(|| self.tail.publish(&records)));
        }
    }

    fn advance(&self, batch: &Batch) {
        let mut kept = locked(&self.kept);
        if let Some(last) = batch.entries.last() {
            (kept.seq, kept.hash) = (last.seq, last.hash);
        }
        for (index, run) in batch.runs.iter().enumerate() {
            if index > 0 {
                kept.segment += 1;
            }
            let bytes = u64::try_from(run.bytes.len()).unwrap_or(0);
            if bytes > 0 {
                kept.offset = run.offset + bytes;
            }
            kept.bytes += bytes;
        }
    }

    /// Ends the ledger: what was to be kept and what waits behind it is refused.
    fn poison(&self, batch: &mut Batch, reason: &str) {
        self.healthy.store(false, Ordering::Release);
        let refusal = Unavailable::poisoned(reason);
        let mut waiting = Batch::default();
        if let Ok(mut queue) = self.queue() {
            queue.refusal = Some(refusal.clone());
            waiting = queue.take();
        }
        for entry in batch.entries.iter_mut().chain(&mut waiting.entries) {
            if let Some(completion) = entry.completion.take() {
                let _ = catch_unwind(AssertUnwindSafe(|| completion(Err(refusal.clone()))));
            }
        }
    }

    /// Prepares a segment with room for `needed` bytes; while the disk is full, what does not permit
    /// goes to the reserve. The caller tries to append again when this comes back well.
    pub(crate) fn make_room(&self, needed: u64, effect: Option<Effect>) -> Result<(), Unavailable> {
        let Some(preparer) = &self.preparer else { return Err(Unavailable::Full) };
        let mut attempts = preparer.attempts();
        {
            let mut queue = self.queue()?;
            // Another thread may have made room while this one waited for the lock.
            let ready = queue.room.prepared.iter().any(|prepared| prepared.capacity >= needed);
            if ready {
                queue.room.on_reserve = false;
                return Ok(());
            }
        }
        match preparer.prepare(&mut attempts, needed, Pace::Urgent) {
            Ok(prepared) => {
                let mut queue = self.queue()?;
                queue.room.prepared.push_back(prepared);
                queue.room.on_reserve = false;
                Ok(())
            }
            Err(reason) if effect == Some(Effect::Permit) => Err(reason),
            Err(reason) => {
                let reserve = self.queue()?.room.reserve.take();
                let Some(reserve) = reserve.filter(|reserve| reserve.capacity >= needed) else {
                    return Err(reason);
                };
                let reserve = preparer.take_reserve(&mut attempts, reserve)?;
                let mut queue = self.queue()?;
                queue.room.prepared.push_back(reserve);
                queue.room.on_reserve = true;
                Ok(())
            }
        }
    }

    /// Whether the next segment is further than the one that is being filled, which was filled to `start` when the next
    /// was begun, by as much again as half.
    fn has_time(&self, number: u64, start: u64, done: u64, all: u64) -> bool {
        let Ok(queue) = self.queue() else { return false };
        let room = &queue.room;
        let wide = |number: u64| u128::from(number);
        let (used, left) = (room.offset.saturating_sub(start), room.end.saturating_sub(start));
        !queue.stopping && room.number == number && wide(done) * wide(left) * 2 > wide(all) * wide(used) * 3
    }

    /// The preparing thread: the reserve, and the next segment before it is needed.
    pub(crate) fn prepare_loop(&self) {
        let Some(preparer) = &self.preparer else { return };
        loop {
            let wanted = locked(&self.prepare_wanted.0);
            let waited = self.prepare_wanted.1.wait_timeout_while(wanted, REST, |wanted| !*wanted);
            let (mut wanted, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            *wanted = false;
            drop(wanted);
            let Ok(queue) = self.queue() else { return };
            let (stopping, low) = (queue.stopping, queue.room.is_low());
            let lacks_reserve = queue.room.reserve.is_none() && !queue.room.on_reserve;
            let (number, start) = (queue.room.number, queue.room.offset);
            drop(queue);
            if stopping {
                return;
            }
            if low {
                let mut attempts = preparer.attempts();
                let has_time = |done: u64, all: u64| self.has_time(number, start, done, all);
                let prepared = preparer.prepare(&mut attempts, 0, Pace::Steady(&has_time));
                if let (Ok(prepared), Ok(mut queue)) = (prepared, self.queue()) {
                    queue.room.prepared.push_back(prepared);
                    queue.room.on_reserve = false;
                }
            } else if lacks_reserve && timeout.timed_out() {
                let reserve = preparer.reserve();
                if let (Some(reserve), Ok(mut queue)) = (reserve, self.queue()) {
                    queue.room.reserve = Some(reserve);
                }
            }
        }
    }

    /// Waits until nothing waits and nobody commits, at most until `deadline`.
    pub(crate) fn drain(&self, deadline: Instant) {
        self.commit(Commit::Handover);
        let Ok(mut queue) = self.queue() else { return };
        queue.draining = true;
        while queue.committing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = match self.idle.wait_timeout(queue, left) {
                Ok((queue, _)) => queue,
                Err(_) => return,
            };
        }
    }
}

/// How long the preparing thread rests before it looks whether the reserve is there.
const REST: Duration = Duration::from_millis(500);
