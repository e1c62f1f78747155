//! What an operator can have done while no daemon runs: the end of a person's key, with its record. It
//! takes the ledger's lock, so it never happens beside a daemon, and opens the ledger as a start does.

use std::path::Path;
use std::time::Duration;

use faramesh_gate::{EraseError, erasure};
use faramesh_ledger::{KeyFileError, OpenError};
use faramesh_ledger_postgres::PostgresError;
use faramesh_program::{LoadError, load};
use faramesh_seal::{Keys, KeysError};

use crate::database::DatabaseError;
use crate::layout::Layout;
use crate::start::{now, open_kept, stack_name};

/// Longest wait for the record.
const RECORD_WAIT: Duration = Duration::from_secs(30);

/// Why an erasure without a daemon did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// There is no policy that says where the ledger is.
    #[error("no policy was ever put in force here, so nothing is sealed: {0}")]
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
    let bytes = std::fs::read(layout.policy()).map_err(OfflineError::NoPolicy)?;
    let program = load(&bytes)?;
    let folder = layout.resolve(&program.runtime.wal_dir);
    if subject.trim().is_empty() || reason.trim().is_empty() {
        return Err(EraseError::Text.into());
    }
    let stack = stack_name(&program, &layout);
    let ledger = open_kept::<OfflineError>(&program, &folder, &stack, &mut |_| {})?;
    let keys = Keys::open(&layout.subjects())?;
    let erased = keys.erase(subject)?.ok_or(EraseError::Unknown)?;
    let recorded = ledger.append_and_wait(erasure(erased.key, reason, by), now(), RECORD_WAIT);
    recorded.map_err(|_| EraseError::NotRecorded)?;
    keys.forget(subject)?;
    ledger.close();
    Ok(erased.key.to_string())
}
