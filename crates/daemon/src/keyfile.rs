//! The key of a stack for commitments to arguments: 32 random bytes beside the ledger, mode 0600.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use faramesh_dpr::CommitmentKey;

const FILE_NAME: &str = "commitment.key";

/// Reads the key in `folder`, or makes one there.
///
/// # Errors
/// The file system refuses, or the file is not a key.
pub(crate) fn load_or_create(folder: &Path) -> io::Result<CommitmentKey> {
    let path = folder.join(FILE_NAME);
    let mut key = [0; 32];
    match fs::File::open(&path) {
        Ok(mut file) => {
            let wrong = || {
                io::Error::new(io::ErrorKind::InvalidData, format!("{} is not 32 bytes long", path.display()))
            };
            file.read_exact(&mut key).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => wrong(),
                _ => error,
            })?;
            if file.read(&mut [0; 1])? != 0 {
                return Err(wrong());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            // Half a key would stop every later start, so it gets its name when it is whole.
            let beside = folder.join(format!("{FILE_NAME}.new"));
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(&key)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            fs::File::open(folder)?.sync_all()?;
        }
        Err(error) => return Err(error),
    }
    Ok(CommitmentKey::new(&key))
}

/// A key that lives as long as the process.
///
/// # Errors
/// The system gives no randomness.
pub(crate) fn ephemeral() -> io::Result<CommitmentKey> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    Ok(CommitmentKey::new(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = load_or_create(folder.path()).unwrap().commit(b"{}");
        assert_eq!(load_or_create(folder.path()).unwrap().commit(b"{}"), first);
        fs::write(folder.path().join(FILE_NAME), b"short").unwrap();
        let error = load_or_create(folder.path()).unwrap_err().to_string();
        assert!(error.contains("not 32 bytes long"), "a damaged key is not replaced silently: {error}");
    }

    #[test]
    fn a_key_that_was_being_written_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!("{FILE_NAME}.new")), b"half").unwrap();
        load_or_create(folder.path()).unwrap();
    }
}
