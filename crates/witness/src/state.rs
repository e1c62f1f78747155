//! What a witness remembers of each ledger: the last tree that it cosigned, one file each, and which ledgers it
//! has cosigned for, so that a file that is gone is missed.
//!
//! INVARIANT durable: a tree is remembered on disk before this says that it is, and a file is whole or
//! absent. INVARIANT one process: the folder is locked while it is in use.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faramesh_dpr::Hash;
use sha2::{Digest, Sha256};

use crate::request::size;

const SUFFIX: &str = ".tree";
/// A file has the origin, a size and a root.
const MAX_FILE_BYTES: u64 = 4_096;
/// The origins of all ledgers, a line each.
const KNOWN: &str = "known";
const MAX_KNOWN_BYTES: u64 = 16 << 20;

/// A tree that was cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub size: u64,
    pub root: Hash,
}

/// The memory of a witness.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
    seen: HashMap<String, Seen>,
    _lock: File,
}

/// Why the memory cannot be used. A witness that is not sure what it has seen cosigns nothing.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has it.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A file is not as it was written.
    #[error("{} is damaged: restore it; a witness that forgot what it saw must not begin anew", .0.display())]
    Damaged(PathBuf),
    /// The file system refuses.
    #[error("cannot use {}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

fn io_error(file: &Path) -> impl FnOnce(io::Error) -> StateError + '_ {
    move |error| StateError::Io { file: file.into(), error }
}

impl Memory {
    pub(crate) fn open(folder: &Path) -> Result<Self, StateError> {
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let lock_path = folder.join("lock");
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let lock = lock.map_err(io_error(&lock_path))?;
        lock.try_lock().map_err(|_| StateError::InUse(folder.into()))?;
        let mut seen = HashMap::new();
        for entry in fs::read_dir(folder).map_err(io_error(folder))? {
            let path = entry.map_err(io_error(folder))?.path();
            let is_tree =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(SUFFIX));
            if is_tree {
                let (origin, tree) = read(&path)?;
                seen.insert(origin, tree);
            }
        }
        let known = text_of(&folder.join(KNOWN), MAX_KNOWN_BYTES);
        let known = match known {
            Err(StateError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => String::new(),
            known => known?,
        };
        // What it cosigned and does not know any more, it must not cosign anew.
        if let Some(missing) = known.lines().find(|origin| !seen.contains_key(*origin)) {
            return Err(StateError::Damaged(folder.join(file_name(missing))));
        }
        let memory = Self { folder: folder.into(), seen, _lock: lock };
        if known.lines().count() != memory.seen.len() {
            memory.list()?;
        }
        Ok(memory)
    }

    /// Lists the ledgers.
    fn list(&self) -> Result<(), StateError> {
        let mut origins: Vec<&str> = self.seen.keys().map(String::as_str).collect();
        origins.sort_unstable();
        let text: String = origins.iter().map(|origin| format!("{origin}\n")).collect();
        write_whole(&self.folder, &self.folder.join(KNOWN), &text)
    }

    /// The last tree of a ledger; that without records when none was cosigned.
    pub(crate) fn seen(&self, origin: &str) -> Option<Seen> {
        self.seen.get(origin).copied()
    }

    /// Remembers a tree, durably.
    pub(crate) fn remember(&mut self, origin: &str, tree: Seen) -> Result<(), StateError> {
        write_whole(&self.folder, &self.folder.join(file_name(origin)), &written(origin, &tree))?;
        if self.seen.insert(origin.to_owned(), tree).is_none() {
            self.list()?;
        }
        Ok(())
    }
}

/// Replaces a file of a folder, so that it is the old one or the new one, and the new one when this returns.
fn write_whole(folder: &Path, path: &Path, text: &str) -> Result<(), StateError> {
    let beside = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    let done =
        options.write(true).create(true).truncate(true).mode(0o600).open(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, path)?;
            File::open(folder)?.sync_all()
        });
    done.map_err(io_error(path))
}

/// The text of a file that is not longer than it may be.
fn text_of(path: &Path, most: u64) -> Result<String, StateError> {
    if fs::metadata(path).map_err(io_error(path))?.len() > most {
        return Err(StateError::Damaged(path.into()));
    }
    fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => StateError::Damaged(path.into()),
        _ => io_error(path)(error),
    })
}

/// Origins have slashes and are of any length; a digest is neither.
fn file_name(origin: &str) -> String {
    let digest = Sha256::digest(origin.as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}{SUFFIX}")
}

fn written(origin: &str, tree: &Seen) -> String {
    format!("{origin}\n{}\n{}\n", tree.size, STANDARD.encode(tree.root))
}

fn read(path: &Path) -> Result<(String, Seen), StateError> {
    let damaged = || StateError::Damaged(path.into());
    let text = text_of(path, MAX_FILE_BYTES)?;
    let lines: Vec<&str> = text.split('\n').collect();
    let [origin, count, root, ""] = lines.as_slice() else { return Err(damaged()) };
    let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok()).ok_or_else(damaged)?;
    let tree = Seen { size: size(count).ok_or_else(damaged)?, root };
    let name = path.file_name().and_then(|name| name.to_str());
    if name != Some(&*file_name(origin)) {
        return Err(damaged());
    }
    Ok(((*origin).to_owned(), tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_remembered_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Seen { size: 7, root: [3; 32] };
        let mut memory = Memory::open(folder.path()).unwrap();
        assert_eq!(memory.seen("a/b"), None);
        memory.remember("a/b", Seen { size: 5, root: [1; 32] }).unwrap();
        memory.remember("a/b", tree).unwrap();
        assert!(matches!(Memory::open(folder.path()), Err(StateError::InUse(_))));
        drop(memory);
        // What a process left that ended while it wrote is no memory.
        fs::write(folder.path().join("x.tmp"), "a/b\n9\n").unwrap();
        assert_eq!(Memory::open(folder.path()).unwrap().seen("a/b"), Some(tree));
    }

    #[test]
    fn a_memory_that_is_gone_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Seen { size: 7, root: [3; 32] };
        let mut memory = Memory::open(folder.path()).unwrap();
        memory.remember("a/b", tree).unwrap();
        memory.remember("c", tree).unwrap();
        drop(memory);
        // A process that ended before it listed the ledger.
        fs::write(folder.path().join(KNOWN), "c\n").unwrap();
        assert_eq!(Memory::open(folder.path()).unwrap().seen("a/b"), Some(tree));
        fs::remove_file(folder.path().join(file_name("a/b"))).unwrap();
        let error = Memory::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("must not begin anew"), "{error}");
    }

    #[test]
    fn a_damaged_memory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Memory::open(folder.path()).unwrap().remember("a/b", Seen { size: 7, root: [3; 32] }).unwrap();
        let path = folder.path().join(file_name("a/b"));
        let whole = fs::read_to_string(&path).unwrap();
        for text in [whole.replace('7', "8x"), whole.replace("a/b", "a/c"), "x".repeat(5_000), String::new()]
        {
            fs::write(&path, text).unwrap();
            assert!(matches!(Memory::open(folder.path()), Err(StateError::Damaged(_))));
        }
    }
}
