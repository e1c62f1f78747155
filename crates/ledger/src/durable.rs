//! Small files that are replaced whole: written beside, synced, renamed, and the folder synced, so that
//! a sudden end finds the old one, the new one, or a temporary one that the next open removes.

use std::io::{self, ErrorKind};
use std::path::Path;

use faramesh_dpr::{Hash, Running};

use crate::disk::{self, Disk, DiskFile, OpenMode};

const SUFFIX: &str = ".new.tmp";
const READ_BYTES: usize = 1 << 20;

/// Whether a file's name is one that [`replace`] gives on its way.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// Puts a file in place; when this returns well, it survives a power cut.
pub(crate) fn replace(disk: &dyn Disk, directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = directory.join(format!("{name}{SUFFIX}"));
    let file = disk::retry(|| disk.open(&beside, OpenMode::Create))?;
    let written = disk::write_all_at(file.as_ref(), bytes, 0)
        .and_then(|()| disk::retry(|| file.sync()))
        .and_then(|()| disk::retry(|| disk.rename(&beside, &directory.join(name))));
    if let Err(error) = written {
        // What is left in the way is removed now, or when the ledger is opened again.
        let _ = disk.remove(&beside);
        return Err(error);
    }
    disk::retry(|| disk.sync_dir(directory))
}

/// The whole of a file of at most `most` bytes; `None` when there is none.
pub(crate) fn read(disk: &dyn Disk, path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match disk::retry(|| disk.open(path, OpenMode::Read)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(disk::retry(|| file.length())?).unwrap_or(usize::MAX);
    if length > most {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("it has more than {most} bytes")));
    }
    let mut bytes = vec![0; length];
    let read = disk::read_full_at(file.as_ref(), &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// SHA-256 of a file's first `length` bytes, and how many there were.
pub(crate) fn sha256(file: &dyn DiskFile, length: u64) -> io::Result<(Hash, u64)> {
    sha256_behind(Running::default(), file, length)
}

/// [`sha256`] of a file whose first bytes were hashed already.
pub(crate) fn sha256_behind(mut hash: Running, file: &dyn DiskFile, length: u64) -> io::Result<(Hash, u64)> {
    let mut chunk = vec![0; READ_BYTES];
    let mut place = hash.length();
    while place < length {
        let wanted = usize::try_from(length - place).unwrap_or(READ_BYTES).min(READ_BYTES);
        let read = disk::read_full_at(file, chunk.get_mut(..wanted).unwrap_or_default(), place)?;
        if read == 0 {
            break;
        }
        hash.update(chunk.get(..read).unwrap_or_default());
        place = place.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Ok((hash.finish(), place))
}
