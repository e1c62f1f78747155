//! The thread that gives every sealed segment its manifest. It looks for itself how far the ledger is,
//! so that a commit that goes on to another segment does nothing for it.
//!
//! INVARIANT never in the way: it takes the time that decisions leave, and what fails is tried again
//! later, at the latest when the ledger is opened anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use faramesh_call::Timestamp;

use crate::background::Ending;
use crate::commit::{Shared, locked};
use crate::compacted::Compactions;
use crate::disk::Disk;
use crate::manifest::Manifest;
use crate::walk::Walk;

/// How often the thread looks whether a segment was sealed, and its rest after a failure.
const PAUSE: Duration = Duration::from_millis(250);

/// The sealing thread of a ledger.
pub(crate) struct Sealer {
    pub disk: Arc<dyn Disk>,
    pub directory: PathBuf,
    ending: Arc<Ending>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held while segments are compacted: by one at a time, and while nobody reads them for a snapshot.
    pub compacted: Arc<Mutex<Compacted>>,
    /// Held while a manifest is written: two writers of one file take each other's away.
    pub manifests: Arc<Mutex<()>>,
    /// Segments whose compaction is recorded and whose bodies could not be removed.
    pub unremoved: Mutex<BTreeSet<u64>>,
    /// The last own number of each agent, when records of agents were not replayed.
    pub agents: Vec<(Box<str>, u64)>,
}

/// What was compacted.
#[derive(Debug, Default)]
pub(crate) struct Compacted {
    /// All that the chain tells.
    pub told: Compactions,
    /// Segments whose bodies went since the ledger was opened.
    pub count: u64,
}

/// The time, in milliseconds since 1970.
pub(crate) fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

impl Sealer {
    /// Starts the thread; segments before `next` have their manifests.
    pub(crate) fn start(
        disk: Arc<dyn Disk>,
        directory: &Path,
        shared: Arc<Shared>,
        next: u64,
        agents: Vec<(Box<str>, u64)>,
        told: Compactions,
    ) -> Self {
        let ending: Arc<Ending> = Arc::default();
        let manifests: Arc<Mutex<()>> = Arc::default();
        let written = Arc::clone(&manifests);
        let work = Work { disk: Arc::clone(&disk), directory: directory.into(), shared, manifests: written };
        let end = Arc::clone(&ending);
        // Without the thread, manifests are made when the ledger is opened again.
        let thread =
            std::thread::Builder::new().name("ledger-seal".to_owned()).spawn(move || work.run(&end, next));
        let thread = Mutex::new(thread.ok());
        let compacted = Arc::new(Mutex::new(Compacted { told, count: 0 }));
        let unremoved = Mutex::default();
        Self { disk, directory: directory.into(), ending, thread, compacted, manifests, unremoved, agents }
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

struct Work {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    shared: Arc<Shared>,
    manifests: Arc<Mutex<()>>,
}

impl Work {
    fn run(&self, ending: &Ending, first: u64) {
        ending.make_way();
        let mut next = first;
        while !ending.pause(PAUSE) {
            while next < locked(&self.shared.kept).segment && !ending.is_told() {
                if !seal(&self.disk, &self.directory, next, &self.manifests) {
                    break;
                }
                next += 1;
            }
        }
    }
}

/// Gives a sealed segment its manifest, unless it has one. False when that failed: damage is told by
/// whoever opens or verifies the ledger.
fn seal(disk: &Arc<dyn Disk>, directory: &Path, number: u64, manifests: &Mutex<()>) -> bool {
    if matches!(Manifest::read(disk.as_ref(), directory, number, 0), Ok(Some(_))) {
        return true;
    }
    let Ok(mut walk) = Walk::sealed(Arc::clone(disk), directory, number) else { return false };
    while walk.boundaries.is_empty() {
        match walk.step() {
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    let Some(mut boundary) = walk.boundaries.pop() else { return false };
    boundary.manifest.sealed_at = now();
    write_once(&boundary.manifest, disk.as_ref(), directory, manifests).is_ok()
}

/// Writes a manifest, unless the segment got one meanwhile.
pub(crate) fn write_once(
    manifest: &Manifest,
    disk: &dyn Disk,
    directory: &Path,
    manifests: &Mutex<()>,
) -> std::io::Result<()> {
    let _alone = locked(manifests);
    match Manifest::read(disk, directory, manifest.segment, 0) {
        Ok(Some(_)) => Ok(()),
        _ => manifest.write(disk, directory),
    }
}
