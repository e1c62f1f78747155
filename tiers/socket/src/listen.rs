//! Taking a socket path: a stale file is replaced, a live one never.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Longest path that the kernel takes for a socket, in bytes.
const MAX_PATH_BYTES: usize = 107;

/// A bound socket whose file goes away with it.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file that was bound.
    file: Option<(u64, u64)>,
}

/// Why a socket path cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody answers there.
    #[error("another daemon answers at {}", .0.display())]
    Live(PathBuf),
    /// A file that is no socket.
    #[error("{} exists and is no socket", .0.display())]
    NotASocket(PathBuf),
    /// Longer than the kernel takes.
    #[error("the socket path {} is longer than {MAX_PATH_BYTES} bytes", .0.display())]
    TooLong(PathBuf),
    /// The named group does not exist.
    #[error("there is no group `{0}`")]
    Group(String),
    /// The file system refused.
    #[error("cannot open the socket {}: {error}", path.display())]
    Io {
        /// Which socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Listener {
    /// Binds `path`, for its owner alone, or for the members of `group` too.
    ///
    /// # Errors
    /// The path is taken, not a socket, too long, or refused by the file system.
    pub fn bind(path: &Path, group: Option<&str>) -> Result<Self, ListenError> {
        if path.as_os_str().len() > MAX_PATH_BYTES {
            return Err(ListenError::TooLong(path.to_owned()));
        }
        let refused = |error| ListenError::Io { path: path.to_owned(), error };
        // Between the look at a stale file and the binding nobody else may bind.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = std::fs::File::open(folder.unwrap_or(Path::new("."))).map_err(refused)?;
        folder.lock().map_err(refused)?;
        remove_stale(path)?;
        let listener = UnixListener::bind(path).map_err(refused)?;
        let bound = Self { listener, path: path.to_owned(), file: file_at(path) };
        let mode = match group {
            Some(group) => {
                let id = group_id(group).ok_or_else(|| ListenError::Group(group.to_owned()))?;
                std::os::unix::fs::chown(path, None, Some(id)).map_err(refused)?;
                0o660
            }
            None => 0o600,
        };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(refused)?;
        Ok(bound)
    }

    /// Sees to it that `path` can be bound: a stale socket file is removed.
    ///
    /// # Errors
    /// Somebody answers there, or it is no socket.
    pub fn vacate(path: &Path) -> Result<(), ListenError> {
        remove_stale(path)
    }

    /// Where it is bound.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The listening socket.
    #[must_use]
    pub fn socket(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The file may be gone with its folder already, or be another daemon's by now.
        if self.file.is_some() && file_at(&self.path) == self.file {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

fn remove_stale(path: &Path) -> Result<(), ListenError> {
    use std::os::unix::fs::FileTypeExt;
    let refused = |error| ListenError::Io { path: path.to_owned(), error };
    let file_type = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
    };
    if !file_type.is_socket() {
        return Err(ListenError::NotASocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(refused)
        }
        // Whatever else happens, somebody may be there: a full queue is alive too.
        _ => Err(ListenError::Live(path.to_owned())),
    }
}

/// The id of a group: a number, or a name in `/etc/group`.
fn group_id(group: &str) -> Option<u32> {
    if let Ok(id) = group.parse() {
        return Some(id);
    }
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_is_replaced_and_live_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        // A socket file without anybody behind it.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let bound = Listener::bind(&path, None).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Listener::bind(&path, None), Err(ListenError::Live(_))));
        drop(bound);
        assert!(!path.exists());
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(Listener::bind(&path, None), Err(ListenError::NotASocket(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        // A file that somebody else put in its place stays.
        let taken = folder.path().join("taken.sock");
        let first = Listener::bind(&taken, None).unwrap();
        std::fs::remove_file(&taken).unwrap();
        let second = Listener::bind(&taken, None).unwrap();
        drop(first);
        UnixStream::connect(&taken).unwrap();
        drop(second);
        let long = folder.path().join("x".repeat(120));
        assert!(matches!(Listener::bind(&long, None), Err(ListenError::TooLong(_))));
        let other = folder.path().join("other.sock");
        assert!(matches!(Listener::bind(&other, Some("no-such-group")), Err(ListenError::Group(_))));
        assert!(!other.exists(), "a socket that could not be protected is not left behind");
    }

    #[test]
    fn of_many_who_find_a_stale_socket_one_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = folder.path().join(format!("{round}.sock"));
            drop(UnixListener::bind(&path).unwrap());
            let bound: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Listener::bind(&path, None))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(bound.iter().filter(|bound| bound.is_ok()).count(), 1, "{bound:?}");
            UnixStream::connect(&path).unwrap();
        }
    }
}
