//! The thread that keeps the index up with the segments. It reads what the commit has kept and may
//! lag: decisions never wait for it, and readers take what it lacks from the segments.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::background::Ending;
use crate::commit::{Shared, locked};
use crate::disk::RealDisk;
use crate::index::{Cursor, Index};
use crate::reader;
use crate::walk::{Step, Walk};

/// Records of one transaction.
const BATCH_RECORDS: usize = 1_000;
/// How long the thread sleeps when there is nothing to do.
const IDLE_PAUSE: Duration = Duration::from_millis(200);
/// While the ledger grows, the thread sleeps so many times as long as it works.
const BUSY_REST: u32 = 9;
/// How long whoever waits for the index sleeps between two looks.
const WAIT_PAUSE: Duration = Duration::from_millis(10);

/// The indexing thread of a ledger.
pub(crate) struct IndexerHandle {
    state: Arc<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    indexed: AtomicU64,
    ending: Ending,
    /// Whether somebody waits for it.
    awaited: AtomicBool,
}

impl IndexerHandle {
    pub(crate) fn start(directory: &Path, shared: Arc<Shared>) -> Self {
        let state = Arc::new(State::default());
        let indexer = Indexer { directory: directory.into(), shared, state: Arc::clone(&state) };
        // Without the thread there is only no index; readers use the segments.
        let thread = std::thread::Builder::new().name("ledger-index".to_owned()).spawn(move || indexer.run());
        Self { state, thread: Mutex::new(thread.ok()) }
    }

    /// The number of the last record that the index has.
    pub(crate) fn indexed(&self) -> u64 {
        self.state.indexed.load(Ordering::Acquire)
    }

    /// Waits until the index has a record, so long at most. Meanwhile the thread makes way for nobody.
    pub(crate) fn wait_for(&self, seq: u64, most: Duration) {
        if self.indexed() >= seq {
            return;
        }
        let until = Instant::now() + most;
        self.state.awaited.store(true, Ordering::Release);
        self.state.ending.look();
        self.state.ending.hurry(true);
        while self.indexed() < seq && Instant::now() < until {
            std::thread::sleep(WAIT_PAUSE);
        }
        self.state.awaited.store(false, Ordering::Release);
        self.state.ending.hurry(false);
    }

    pub(crate) fn stop(&self) {
        self.state.ending.tell();
        if let Some(thread) = locked(&self.thread).take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

struct Indexer {
    directory: PathBuf,
    shared: Arc<Shared>,
    state: Arc<State>,
}

impl Indexer {
    fn run(&self) {
        self.state.ending.make_way();
        let mut rebuilt = false;
        while !self.pause(Duration::ZERO) {
            let ended = self.follow();
            if ended.is_ok() || self.pause(IDLE_PAUSE) {
                return;
            }
            // A broken index is made anew; one that breaks again is tried more and more seldom.
            Index::remove(&self.directory);
            if rebuilt && self.pause(Duration::from_secs(30)) {
                return;
            }
            rebuilt = true;
        }
    }

    /// Waits; true when the thread is to end.
    fn pause(&self, duration: Duration) -> bool {
        self.state.ending.pause(duration)
    }

    /// Waits likewise, unless somebody waits for the index.
    fn rest(&self, duration: Duration) -> bool {
        self.state.ending.pause_unless(duration, || self.state.awaited.load(Ordering::Acquire))
    }

    /// Keeps the index up until the ledger ends.
    fn follow(&self) -> Result<(), Box<dyn std::error::Error>> {
        let mut index = Index::open(&self.directory)?;
        let mut cursor = index.cursor()?;
        if let Some(found) = &cursor
            && !reader::fits(&self.directory, found)
        {
            drop(index);
            Index::remove(&self.directory);
            index = Index::open(&self.directory)?;
            cursor = None;
        }
        loop {
            let kept = locked(&self.shared.kept).seq;
            let indexed = cursor.map_or(0, |cursor| cursor.seq);
            self.state.indexed.store(indexed, Ordering::Release);
            if indexed >= kept {
                if self.pause(IDLE_PAUSE) {
                    return Ok(());
                }
                continue;
            }
            cursor = self.catch_up(&mut index, cursor)?;
            // A daemon that stops does not wait for an index that lags; the next start goes on.
            if self.pause(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// Adds what is kept; comes back when there is no more, or when the thread is to end.
    fn catch_up(
        &self,
        index: &mut Index,
        cursor: Option<Cursor>,
    ) -> Result<Option<Cursor>, Box<dyn std::error::Error>> {
        let mut walk = Walk::behind(Arc::new(RealDisk), &self.directory, cursor)?;
        let mut cursor = cursor;
        loop {
            let started = Instant::now();
            let kept = locked(&self.shared.kept).seq;
            let mut steps: Vec<Step> = Vec::new();
            while steps.len() < BATCH_RECORDS
                && cursor.map_or(0, |cursor| cursor.seq) + u64::try_from(steps.len())? < kept
                && let Some(step) = walk.step()?
            {
                steps.push(step);
            }
            let Some(last) = steps.last() else { return Ok(cursor) };
            let last = Cursor { seq: last.record.seq(), location: last.location, hash: last.hash };
            index.add(&steps)?;
            cursor = Some(last);
            self.state.indexed.store(last.seq, Ordering::Release);
            let grew = locked(&self.shared.kept).seq > kept;
            let rest = if grew { started.elapsed() * BUSY_REST } else { Duration::ZERO };
            if self.rest(rest) {
                return Ok(cursor);
            }
        }
    }
}
