//! One key per person, each in a file of its own in a folder for its owner alone. A file's name is made
//! from the person under a key of the folder, so a listing names nobody.
//!
//! The end of a key: its bytes are written over and synced, its file becomes a mark, and the mark goes
//! when the erasure is recorded. Whatever happens in between, a second try comes to the same end.
//! INVARIANT bounded: so many keys are held in memory; others are read again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::envelope::{KeyId, SubjectKey};

/// Keys held in memory.
const MAX_HELD: usize = 10_000;
/// Keys of a process that has no folder; a ledger in memory forgets as well.
const MAX_IN_MEMORY: usize = 100_000;
/// The key that names are made with.
const NAMES_FILE: &str = "names.key";
/// What the file of an ended key ends with.
const ENDED: &str = "erased";
/// Bytes of a key's file: its id and the key.
const FILE_BYTES: usize = 48;

/// Why a key cannot be had. It names a file, and nobody.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {error}", file.display())]
pub struct KeysError {
    file: PathBuf,
    error: io::Error,
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// The id of the key that is gone.
    pub key: KeyId,
}

/// The keys of a stack.
#[derive(Debug)]
pub struct Keys {
    /// Without one, keys end with the process.
    folder: Option<PathBuf>,
    names: Zeroizing<[u8; 32]>,
    /// By name. Held while a key is made or ended, so that a person has one.
    held: Mutex<BTreeMap<String, SubjectKey>>,
}

impl Keys {
    /// The keys in a folder, which is made for its owner alone.
    ///
    /// # Errors
    /// The file system refuses, or a file is not what it was.
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let told = |error| KeysError { file: folder.to_owned(), error };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(told)?;
        let path = folder.join(NAMES_FILE);
        let names = match read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let names = random::<32>().map_err(told)?;
                write(folder, &path, &*names).map_err(told)?;
                names
            }
            Err(error) => return Err(KeysError { file: path, error }),
        };
        Ok(Self { folder: Some(folder.to_owned()), names, held: Mutex::default() })
    }

    /// Keys that end with the process, for a ledger that does.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn in_memory() -> io::Result<Self> {
        Ok(Self { folder: None, names: random()?, held: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, SubjectKey>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, subject: &str) -> String {
        let mut block = [0_u8; 64];
        if let Some(front) = block.first_chunk_mut::<32>() {
            *front = *self.names;
        }
        let mut mac: Hmac<Sha256> = KeyInit::new(&block.into());
        mac.update(subject.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key of a person, made when there is none. When this comes back well, the key survives a
    /// power cut.
    ///
    /// # Errors
    /// The file system refuses, or the system gives no randomness.
    pub fn of(&self, subject: &str) -> Result<SubjectKey, KeysError> {
        let name = self.name(subject);
        let mut held = self.held();
        if let Some(key) = held.get(&name) {
            return Ok(key.clone());
        }
        let key = match &self.folder {
            Some(folder) => stored(folder, &name)?,
            None => fresh().map_err(|error| KeysError { file: PathBuf::from("memory"), error })?,
        };
        let most = if self.folder.is_some() { MAX_HELD } else { MAX_IN_MEMORY };
        if held.len() >= most {
            held.pop_first();
        }
        held.insert(name, key.clone());
        Ok(key)
    }

    /// Ends the key of a person, for good: when this comes back well no value sealed with it opens any
    /// more. `None` when the person has none. Call [`Keys::forget`] when the erasure is recorded.
    ///
    /// # Errors
    /// The file system refuses; the key may be there or gone, and a second try ends it.
    pub fn erase(&self, subject: &str) -> Result<Option<Erased>, KeysError> {
        let name = self.name(subject);
        let mut held = self.held();
        let in_memory = held.remove(&name);
        let Some(folder) = &self.folder else { return Ok(in_memory.map(|key| Erased { key: key.id })) };
        let path = folder.join(&name);
        let mark = path.with_extension(ENDED);
        let told = |file: &Path| {
            let file = file.to_owned();
            move |error| KeysError { file, error }
        };
        match end(folder, &path, &mark) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(told(&path)(error)),
        }
        match read::<FILE_BYTES>(&mark) {
            Ok(bytes) => Ok(id_of(&bytes).map(|key| Erased { key })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(told(&mark)(error)),
        }
    }

    /// Removes the mark of an erasure that is recorded.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn forget(&self, subject: &str) -> Result<(), KeysError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mark = folder.join(self.name(subject)).with_extension(ENDED);
        let removed = fs::remove_file(&mark).and_then(|()| fs::File::open(folder)?.sync_all());
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(KeysError { file: mark, error }),
            _ => Ok(()),
        }
    }

    /// Every key that there is.
    ///
    /// # Errors
    /// The folder or a key cannot be read.
    pub(crate) fn all(folder: &Path) -> Result<Vec<SubjectKey>, KeysError> {
        let told = |error| KeysError { file: folder.to_owned(), error };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(told)?,
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(told)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.len() != 32 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                continue;
            }
            match read(&path) {
                Ok(bytes) => keys.extend(key_of(&bytes)),
                // Ended while the folder was read.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(KeysError { file: path, error }),
            }
        }
        Ok(keys)
    }
}

/// The key in a file, made when there is none.
fn stored(folder: &Path, name: &str) -> Result<SubjectKey, KeysError> {
    let path = folder.join(name);
    let told = |error| KeysError { file: path.clone(), error };
    match read(&path) {
        Ok(bytes) => {
            if let Some(key) = key_of(&bytes) {
                return Ok(key);
            }
            // An erasure was cut short behind its last write: it is brought to its end.
            end(folder, &path, &path.with_extension(ENDED)).map_err(told)?;
            new(folder, &path).map_err(told)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => new(folder, &path).map_err(told),
        Err(error) => Err(told(error)),
    }
}

fn new(folder: &Path, path: &Path) -> io::Result<SubjectKey> {
    let key = fresh()?;
    let mut bytes = Zeroizing::new([0; FILE_BYTES]);
    let (id, secret) = bytes.split_at_mut(16);
    id.copy_from_slice(&key.id.0);
    secret.copy_from_slice(&*key.key);
    write(folder, path, &*bytes)?;
    Ok(key)
}

fn fresh() -> io::Result<SubjectKey> {
    Ok(SubjectKey { id: KeyId(*random::<16>()?), key: random()? })
}

fn id_of(bytes: &[u8; FILE_BYTES]) -> Option<KeyId> {
    bytes.first_chunk().map(|id| KeyId(*id))
}

/// A key's bytes; `None` when they were written over.
fn key_of(bytes: &[u8; FILE_BYTES]) -> Option<SubjectKey> {
    let key = Zeroizing::new(*bytes.last_chunk::<32>()?);
    (*key != [0; 32]).then_some(SubjectKey { id: id_of(bytes)?, key })
}

fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

fn read<const N: usize>(path: &Path) -> io::Result<[u8; N]> {
    let mut file = fs::File::open(path)?;
    let mut bytes = [0; N];
    let damaged = || io::Error::new(ErrorKind::InvalidData, format!("it does not have {N} bytes"));
    file.read_exact(&mut bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => damaged(),
        _ => error,
    })?;
    if file.read(&mut [0; 1])? != 0 {
        return Err(damaged());
    }
    Ok(bytes)
}

/// Gives a file its name when it is whole and synced.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    fs::File::open(folder)?.sync_all()
}

/// Writes over a key, and makes its file the mark of its end.
fn end(folder: &Path, path: &Path, mark: &Path) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.seek(io::SeekFrom::Start(16))?;
    file.write_all(&[0; 32])?;
    file.sync_all()?;
    fs::rename(path, mark)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use faramesh_call::Value;

    use super::*;
    use crate::opener::{Opened, Opener};

    #[test]
    fn a_person_has_one_key_until_it_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("subjects");
        let keys = Keys::open(&folder).unwrap();
        let ann = keys.of("ann").unwrap();
        assert_eq!(keys.of("ann").unwrap().id(), ann.id());
        assert_ne!(keys.of("bob").unwrap().id(), ann.id());
        let sealed = ann.seal(&Value::from("4242"), "c").unwrap();
        drop(keys);
        let keys = Keys::open(&folder).unwrap();
        assert_eq!(keys.of("ann").unwrap().id(), ann.id(), "kept over a restart");
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert!(!entry.file_name().to_str().unwrap().contains("ann"));
        }
        let open = || Opener::open(&folder).unwrap().text(&sealed, "c");
        assert_eq!(open(), Opened::Value(Value::from("4242")));
        assert_eq!(keys.erase("nobody").unwrap(), None);
        assert_eq!(keys.erase("ann").unwrap(), Some(Erased { key: ann.id() }));
        assert_eq!(open(), Opened::Gone);
        // Until it is recorded, a second try says the same.
        assert_eq!(Keys::open(&folder).unwrap().erase("ann").unwrap(), Some(Erased { key: ann.id() }));
        keys.forget("ann").unwrap();
        keys.forget("ann").unwrap();
        assert_eq!(keys.erase("ann").unwrap(), None);
        let again = keys.of("ann").unwrap();
        assert_ne!(again.id(), ann.id(), "who comes back is somebody new");
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let bytes = fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(32).any(|window| window == *ann.key), "the key is gone");
        }
    }

    #[test]
    fn damage_makes_no_second_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        keys.of("zoe-1").unwrap();
        let name = keys.name("zoe-1");
        for bytes in [&b"short"[..], &[7; 49]] {
            fs::write(folder.path().join(&name), bytes).unwrap();
            let error = Keys::open(folder.path()).unwrap().of("zoe-1").unwrap_err().to_string();
            assert!(!error.contains("zoe-1"), "{error}");
        }
        // An erasure that ended between its write and the new name.
        fs::write(folder.path().join(&name), [0; 48]).unwrap();
        Keys::open(folder.path()).unwrap().of("zoe-1").unwrap();
        assert!(folder.path().join(&name).with_extension(ENDED).exists());
        fs::write(folder.path().join(NAMES_FILE), b"short").unwrap();
        assert!(Keys::open(folder.path()).is_err());
    }
}
