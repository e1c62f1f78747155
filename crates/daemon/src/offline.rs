//! What an operator can have done while no daemon runs: the end of a person's key, with its record, and
//! old segments sent to the archive. It takes the ledger's lock, so it never happens beside a daemon, and
//! opens the ledger as a start does.

use std::path::Path;
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_gate::{EraseError, erasure};
use faramesh_ledger::{KeyFileError, OpenError};
use faramesh_ledger_postgres::PostgresError;
use faramesh_program::{LoadError, Program, load};
use faramesh_seal::{Keys, KeysError};
use faramesh_state::State;

use crate::database::DatabaseError;
use crate::layout::Layout;
use crate::retention::{self, Compacted};
use crate::sinks;
use crate::start::{Opening, now, open_kept, stack_name};

/// Longest wait for the record.
const RECORD_WAIT: Duration = Duration::from_secs(30);

/// Why work without a daemon did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// There is no policy that says where the ledger is.
    #[error("no policy was ever put in force here, so there is no ledger: {0}")]
    NoPolicy(std::io::Error),
    /// The policy in `.faramesh` cannot be loaded.
    #[error("{0}")]
    Program(#[from] LoadError),
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened: {0}")]
    Ledger(#[from] OpenError),
    /// The ledger's database cannot be found.
    #[error("{0}")]
    Database(#[from] DatabaseError),
    /// The ledger in the database cannot be opened.
    #[error("the ledger cannot be opened: {0}")]
    Postgres(#[from] PostgresError),
    /// The key that signs cannot be used.
    #[error("{0}")]
    Signing(#[from] KeyFileError),
    /// The keys of persons cannot be used.
    #[error("{0}")]
    Keys(#[from] KeysError),
    /// How far a sink is cannot be read.
    #[error("cannot read how far a sink is: {0}")]
    Sinks(std::io::Error),
    /// The erasure itself.
    #[error("{0}")]
    Erase(#[from] EraseError),
}

/// Ends the key of a person of the stack in `directory` and records it. Gives the id of the key.
///
/// # Errors
/// It did not come to its end; trying again is safe.
pub fn erase(directory: &Path, subject: &str, reason: &str, by: &str) -> Result<String, OfflineError> {
    let layout = Layout::new(directory);
    let (program, stack) = stack(&layout)?;
    let folder = layout.resolve(&program.runtime.wal_dir);
    if subject.trim().is_empty() || reason.trim().is_empty() {
        return Err(EraseError::Text.into());
    }
    let ledger = open_kept::<OfflineError>(&program, &folder, &stack, Opening::Replay(&mut |_| {}))?;
    let keys = Keys::open(&layout.subjects())?;
    let erased = keys.erase(subject)?.ok_or(EraseError::Unknown)?;
    let recorded = ledger.append_and_wait(erasure(erased.key, reason, by), now(), RECORD_WAIT);
    recorded.map_err(|_| EraseError::NotRecorded)?;
    keys.forget(subject)?;
    ledger.close();
    Ok(erased.key.to_string())
}

/// Sends segments all of whose records are older than `before` to the archive of that location, or to
/// the one that is usual.
///
/// # Errors
/// The ledger cannot be opened. What ended a compaction early is in its outcome.
pub fn compact(
    directory: &Path,
    before: Timestamp,
    archive: Option<&str>,
) -> Result<Compacted, OfflineError> {
    let layout = Layout::new(directory);
    let (program, stack) = stack(&layout)?;
    let declared = sinks::declared(&program, &layout);
    let delivered = faramesh_sinks::delivered(&layout.sinks(), &declared).map_err(OfflineError::Sinks)?;
    let folder = layout.resolve(&program.runtime.wal_dir);
    let mut state = State::default();
    let mut replay = |record: &_| state.replay(record);
    let ledger = open_kept::<OfflineError>(&program, &folder, &stack, Opening::Replay(&mut replay))?;
    state.resume_agents(ledger.carried_agents());
    let last_seq = delivered.unwrap_or(u64::MAX);
    let compacted = retention::compact(&ledger, &folder, &state, before, last_seq, archive);
    ledger.close();
    Ok(compacted)
}

/// The stack's policy and name.
fn stack(layout: &Layout) -> Result<(Program, String), OfflineError> {
    let bytes = std::fs::read(layout.policy()).map_err(OfflineError::NoPolicy)?;
    let program = load(&bytes)?;
    let stack = stack_name(&program, layout);
    Ok((program, stack))
}
