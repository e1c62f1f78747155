//! Where the bodies of compacted segments go, and how they come back. The ledger knows a folder; other
//! archives are made elsewhere and handed in.
//!
//! INVARIANT kept before removed: [`Archive::put`] comes back well only when the whole body lies in the
//! archive for good and was read back from it. INVARIANT nothing is overwritten.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_dpr::Hash;

use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::durable;

/// The folder inside the ledger's own that bodies go to when nothing else is said.
pub const DEFAULT_ARCHIVE: &str = "archive";
const COPY_BYTES: usize = 1 << 20;

/// A place for bodies of segments.
pub trait Archive: Send + Sync + fmt::Debug {
    /// Where that is, as records and people are told; no secrets.
    fn location(&self) -> String;

    /// Keeps a file of `length` bytes under a name, for good, and reads it back. The same file again is
    /// well.
    ///
    /// # Errors
    /// It is not kept, or another file has the name.
    fn put(&self, name: &str, body: &dyn DiskFile, length: u64, sha256: &Hash) -> io::Result<()>;

    /// Opens a kept file to read.
    ///
    /// # Errors
    /// There is none, or it cannot be reached.
    fn get(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
}

/// Finds archives by the locations that a ledger names.
pub trait Archives: Send + Sync + fmt::Debug {
    /// The archive at a location.
    ///
    /// # Errors
    /// It is of no known kind, or cannot be reached.
    fn at(&self, location: &str) -> io::Result<Arc<dyn Archive>>;
}

/// A folder as an archive. One folder is for one ledger.
#[derive(Debug, Clone)]
pub struct FolderArchive {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    location: String,
}

impl FolderArchive {
    /// The archive in a folder. `location` is what is told of it: absolute, or relative to the ledger.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, directory: &Path, location: &str) -> Self {
        Self { disk, directory: directory.into(), location: location.to_owned() }
    }

    /// The archive at a location that is a folder, seen from the folder of the ledger.
    #[must_use]
    pub fn of_ledger(disk: Arc<dyn Disk>, ledger: &Path, location: &str) -> Self {
        Self::new(disk, &ledger.join(location), location)
    }

    /// Whether the file is there with exactly these bytes; `None` when there is none.
    fn holds(&self, name: &str, length: u64, sha256: &Hash) -> io::Result<Option<bool>> {
        let file = match self.get(name) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if disk::retry(|| file.length())? != length {
            return Ok(Some(false));
        }
        Ok(Some(durable::sha256(file.as_ref(), length)? == (*sha256, length)))
    }
}

impl Archive for FolderArchive {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn put(&self, name: &str, body: &dyn DiskFile, length: u64, sha256: &Hash) -> io::Result<()> {
        let (disk, directory) = (self.disk.as_ref(), &self.directory);
        disk::retry(|| disk.create_dir(directory))?;
        match self.holds(name, length, sha256)? {
            Some(true) => {}
            Some(false) => return Err(taken(name)),
            None => {
                let beside = directory.join(format!("{name}.new.tmp"));
                let file = disk::retry(|| disk.open(&beside, OpenMode::Create))?;
                copy(body, file.as_ref(), length)?;
                disk::retry(|| file.sync())?;
                disk::retry(|| disk.rename(&beside, &directory.join(name)))?;
            }
        }
        // Also for a file that an earlier attempt named and perhaps did not come to keep.
        disk::retry(|| disk.sync_dir(directory))?;
        if let Some(parent) = directory.parent() {
            disk::retry(|| disk.sync_dir(parent))?;
        }
        match self.holds(name, length, sha256)? {
            Some(true) => Ok(()),
            _ => {
                Err(io::Error::new(ErrorKind::InvalidData, format!("`{name}` does not read back as written")))
            }
        }
    }

    fn get(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        disk::retry(|| self.disk.open(&self.directory.join(name), OpenMode::Read))
    }
}

/// The error of an archive that has another file under a name.
#[must_use]
pub fn taken(name: &str) -> io::Error {
    let message = format!("another `{name}` is there: an archive is for one ledger, name another place");
    io::Error::new(ErrorKind::AlreadyExists, message)
}

fn copy(from: &dyn DiskFile, to: &dyn DiskFile, length: u64) -> io::Result<()> {
    let mut chunk = vec![0; COPY_BYTES];
    let mut place = 0;
    while place < length {
        let wanted = usize::try_from(length - place).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        let read = disk::read_full_at(from, chunk.get_mut(..wanted).unwrap_or_default(), place)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        disk::write_all_at(to, chunk.get(..read).unwrap_or_default(), place)?;
        // In portions, so that a decision's sync never stands behind all of it.
        disk::retry(|| to.sync())?;
        place = place.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Ok(())
}
