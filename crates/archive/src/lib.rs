//! Archives by their locations: `s3://bucket/prefix`, or a folder, which may be relative to the folder
//! of the ledger. What goes there, and when, the ledger says.
//!
//! Leaves out other clouds: they speak S3 too, or are mounted as a folder.

mod s3;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_ledger::{Archive, Archives, FolderArchive, RealDisk};

pub use s3::{Account, S3Archive};

const SCHEME: &str = "s3://";

/// Why a location is none.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// It is empty.
    #[error("the archive has no place: name a folder or `s3://bucket/prefix`")]
    Empty,
    /// A scheme that is not known.
    #[error("`{0}` is no archive: name a folder or `s3://bucket/prefix`")]
    Unknown(String),
    /// An S3 location that cannot be used.
    #[error("`{location}`: {why}")]
    S3 {
        /// The location.
        location: String,
        /// What is missing or wrong, and where to set it.
        why: String,
    },
}

/// The archive at a location. `ledger` is the ledger's folder; `environment` gives variables, for the
/// account of an S3-compatible store.
///
/// # Errors
/// The location is none, or what it needs is not set.
pub fn open(
    location: &str,
    ledger: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<dyn Archive>, LocationError> {
    if location.trim().is_empty() {
        return Err(LocationError::Empty);
    }
    if let Some(rest) = location.strip_prefix(SCHEME) {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let account = Account::of(environment);
        let archive = account.and_then(|account| S3Archive::new(&account, bucket, prefix));
        return match archive {
            Ok(archive) => Ok(Arc::new(archive)),
            Err(why) => Err(LocationError::S3 { location: location.to_owned(), why }),
        };
    }
    if location.contains("://") {
        return Err(LocationError::Unknown(location.to_owned()));
    }
    Ok(Arc::new(FolderArchive::of_ledger(Arc::new(RealDisk), ledger, location)))
}

/// The archives that the records of a ledger name, or one that is to be read in place of all.
#[derive(Debug)]
pub struct Known {
    ledger: PathBuf,
    instead: Option<String>,
}

impl Known {
    /// The archives of the ledger in a folder; `instead` is where all of them are now, when they were
    /// moved.
    #[must_use]
    pub fn new(ledger: &Path, instead: Option<String>) -> Self {
        Self { ledger: ledger.to_path_buf(), instead }
    }
}

impl Archives for Known {
    fn at(&self, location: &str) -> io::Result<Arc<dyn Archive>> {
        let location = self.instead.as_deref().unwrap_or(location);
        open(location, &self.ledger, &|name| std::env::var(name).ok()).map_err(io::Error::other)
    }
}
