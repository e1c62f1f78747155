//! What can be wrong with a folder of segments, as recovery and verification tell it: the file, the
//! byte, the record, and what was expected there.

use std::io;
use std::path::{Path, PathBuf};

use faramesh_dpr::{Hash, RecordError};

/// Recorded history is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}, byte {offset}, record {seq}: `{field}` is {found}, expected {expected}", file.display())]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// The byte of the file.
    pub offset: u64,
    /// The number of the record that stands there or should.
    pub seq: u64,
    /// The part that is wrong: a member of the record, or `frame`, `segment`, `unused`.
    pub field: String,
    /// What would be right.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Why a folder could not be walked.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The file system failed.
    #[error("cannot read {}: {error}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// History is damaged.
    #[error(transparent)]
    Damage(Box<Damage>),
}

pub(crate) fn hex(hash: &Hash) -> String {
    let mut out = Vec::with_capacity(64);
    faramesh_dpr::write_hash(hash, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

pub(crate) fn io_error(file: &Path, error: io::Error) -> WalkError {
    WalkError::Io { file: file.into(), error }
}

pub(crate) fn damage(
    file: &Path,
    offset: u64,
    seq: u64,
    field: &str,
    expected: &str,
    found: &str,
) -> WalkError {
    WalkError::Damage(Box::new(Damage {
        file: file.into(),
        offset,
        seq,
        field: field.into(),
        expected: expected.into(),
        found: found.into(),
    }))
}

pub(crate) fn record_damage(file: &Path, offset: u64, seq: u64, error: &RecordError) -> WalkError {
    let field = error.field.as_deref().unwrap_or("record");
    damage(file, offset, seq, field, "a record of dpr/1", &error.to_string())
}
