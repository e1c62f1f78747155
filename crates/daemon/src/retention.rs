//! How long records stay in the ledger's folder: by the policy's `wal_retention`, once an hour, and when
//! an operator asks. Bodies go to the archive that was named, else to the one that `FARAMESH_ARCHIVE`
//! names, else to a folder inside the ledger's own: nothing is ever deleted.
//!
//! INVARIANT nobody is robbed: what a sink has not delivered, and what the state is folded from, stays.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use faramesh_call::{Object, Timestamp, Value, object};
use faramesh_gate::Gate;
use faramesh_ledger::{ArchivedSegment, Compaction, DEFAULT_ARCHIVE, Ledger};
use faramesh_program::Program;
use faramesh_state::State;

use crate::running::Facts;
use crate::start::now;

/// The variable that names the archive.
const ARCHIVE_VARIABLE: &str = "FARAMESH_ARCHIVE";
/// How long after the start, and how often, it is looked whether records are too old.
const FIRST_AFTER: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(3_600);

/// What became of a compaction.
#[derive(Debug, Default)]
pub struct Compacted {
    /// The segments whose bodies are in the archive now.
    pub segments: Vec<ArchivedSegment>,
    /// Why it ended early; nothing is lost then.
    pub error: Option<String>,
}

impl Compacted {
    /// The outcome as operators are told it.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let segments = self.segments.iter().map(|segment| {
            object! {
                "segment" => segment.segment,
                "first_seq" => segment.first_seq,
                "last_seq" => segment.last_seq,
                "records" => segment.records,
                "kept" => segment.kept,
                "first" => segment.first_time.to_string(),
                "last" => segment.last_time.to_string(),
                "archive" => segment.archive.as_str(),
            }
        });
        object! { "segments" => segments.collect::<Value>(), "error" => self.error.clone() }
    }
}

/// Compacts a ledger in a folder. `last_seq` is how far every reader is.
pub(crate) fn compact(
    ledger: &Ledger,
    folder: &Path,
    state: &State,
    before: Timestamp,
    last_seq: u64,
    archive: Option<&str>,
) -> Compacted {
    let environment = |name: &str| std::env::var(name).ok();
    let known = environment(ARCHIVE_VARIABLE).filter(|location| !location.is_empty());
    let location = archive.map(str::to_owned).or(known).unwrap_or_else(|| DEFAULT_ARCHIVE.to_owned());
    let mut compacted = Compacted::default();
    let archive = match faramesh_archive::open(&location, folder, &environment) {
        Ok(archive) => archive,
        Err(error) => return Compacted { error: Some(error.to_string()), ..compacted },
    };
    let now = now();
    let needed = |record: &_| state.needs(record, now);
    let wanted = Compaction { before, last_seq, archive: archive.as_ref(), needed: &needed };
    let ended = ledger.compact(&wanted, &mut |segment| compacted.segments.push(segment));
    compacted.error = ended.err().map(|error| error.to_string());
    compacted
}

/// [`compact`] for a running daemon.
pub(crate) fn of_daemon(gate: &Gate, facts: &Facts, before: Timestamp, archive: Option<&str>) -> Compacted {
    let ledger = gate.ledger();
    let Some(folder) = ledger.status().directory else {
        let error = "the ledger is not in files: it has no segments that could be archived".to_owned();
        return Compacted { error: Some(error), ..Compacted::default() };
    };
    let delivered = facts.sinks.status().into_iter().map(|sink| sink.delivered_seq).min();
    compact(ledger, &folder, &gate.state(), before, delivered.unwrap_or(u64::MAX), archive)
}

/// The point before which records are older than the policy has them stay.
fn horizon(program: &Program) -> Timestamp {
    Timestamp(now().0.saturating_sub(program.runtime.wal_retention_ms))
}

/// The thread that keeps the policy's `wal_retention`.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    stopping: Mutex<bool>,
    stopped: Condvar,
    error: Mutex<Option<String>>,
}

impl Retention {
    /// Starts the thread, when the ledger is in files. It ends when it is told to stop; in the middle
    /// of a segment, when the ledger closes.
    pub(crate) fn start(gate: &Arc<Gate>, facts: &Arc<Facts>) {
        if gate.ledger().status().directory.is_none() {
            return;
        }
        let (gate, of_thread) = (Arc::downgrade(gate), Arc::downgrade(facts));
        let spawned = std::thread::Builder::new().name("retention".to_owned()).spawn(move || {
            let mut pause = FIRST_AFTER;
            while let Some(facts) = of_thread.upgrade()
                && !facts.retention.pause(pause)
                && let Some(gate) = gate.upgrade()
            {
                pause = EVERY;
                let compacted = of_daemon(&gate, &facts, horizon(&gate.program()), None);
                facts.retention.note(compacted.error);
            }
        });
        if let Err(error) = spawned {
            facts.retention.note(Some(error.to_string()));
        }
    }

    fn pause(&self, duration: Duration) -> bool {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.stopped.wait_timeout_while(stopping, duration, |stopping| !*stopping);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn stop(&self) {
        *self.stopping.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.notify_all();
    }

    fn note(&self, error: Option<String>) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// Why old records could not be archived, when that failed last.
    pub(crate) fn error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
