//! The local key of a ledger: Ed25519, PKCS#8 in PEM, a file beside the segments that its owner alone
//! can read. Made when a ledger is opened for the first time.
//!
//! INVARIANT secret: the private key leaves this module only into its own file; nothing here shows
//! it in an error or a debug print. INVARIANT whole: a key file gets its name when it is synced.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer as _, SigningKey};
use faramesh_verify::{Algorithm, PublicKey};

use crate::signer::{SignError, Signer};

/// The private key in force.
const KEY_FILE: &str = "signing.key";
/// A private key that is to replace it.
const NEXT_FILE: &str = "signing.key.next";
/// The public key in force, as text.
const PUBLIC_FILE: &str = "signing.pub";
/// A PEM file with one Ed25519 key has about 120 bytes.
const MAX_FILE_BYTES: u64 = 4_096;

/// A private key in memory.
pub struct LocalKey(SigningKey);

impl fmt::Debug for LocalKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LocalKey")
    }
}

impl Signer for LocalKey {
    fn public_key(&self) -> (Algorithm, Vec<u8>) {
        (Algorithm::Ed25519, self.0.verifying_key().to_bytes().to_vec())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0
            .try_sign(message)
            .map(|signature| signature.to_bytes().to_vec())
            .map_err(|_| SignError("the local key does not sign".to_owned()))
    }
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others can read or write it.
    #[error("{} has mode {mode:04o}; a private key must be readable by its owner alone: `chmod 600` it, or replace the key when others may have read it", file.display())]
    Mode {
        /// The file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not a key.
    #[error("{} is not an Ed25519 private key (PKCS#8 in PEM); restore it", .0.display())]
    NotAKey(PathBuf),
    /// It is gone, though the ledger was signed with it.
    #[error("{} is missing and the ledger is signed; restore it, or begin a new ledger in another `wal_dir`", .0.display())]
    Missing(PathBuf),
    /// The file system, or the system's randomness, failed.
    #[error("cannot use {}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

fn io_error(file: &Path) -> impl FnOnce(io::Error) -> KeyFileError + '_ {
    move |error| KeyFileError::Io { file: file.into(), error }
}

/// The key files of a ledger's folder.
#[derive(Debug, Clone)]
pub struct LocalKeys {
    directory: PathBuf,
    current: Option<Arc<LocalKey>>,
    next: Option<Arc<LocalKey>>,
    /// Held while the key is changed, so that no two processes do it at once.
    change: Option<Arc<File>>,
}

impl LocalKeys {
    /// Reads the keys in a folder. With `create`, makes one when there is none and the ledger has no
    /// checkpoints yet.
    ///
    /// # Errors
    /// A file is readable by others, is no key, or is missing.
    pub fn open(directory: &Path, create: bool) -> Result<Self, KeyFileError> {
        let path = directory.join(KEY_FILE);
        let mut current = read(&path)?;
        if current.is_none() && create {
            let checkpoints = directory.join(crate::checkpoint_log::FILE_NAME);
            if fs::metadata(checkpoints).is_ok_and(|metadata| metadata.len() > 0) {
                return Err(KeyFileError::Missing(path));
            }
            current = Some(make_first(directory, &path)?);
        }
        let next = read(&directory.join(NEXT_FILE))?.map(Arc::new);
        Ok(Self { directory: directory.into(), current: current.map(Arc::new), next, change: None })
    }

    /// The keys at hand, the one in force first unless a change was interrupted.
    #[must_use]
    pub fn signers(&self) -> Vec<Arc<dyn Signer>> {
        let signer = |key: &Arc<LocalKey>| -> Arc<dyn Signer> { key.clone() };
        self.current.iter().chain(&self.next).map(signer).collect()
    }

    /// Makes a key that is to replace the one in force; an earlier one that never came into force is
    /// forgotten.
    ///
    /// # Errors
    /// It cannot be made or kept, or another process changes the key.
    pub fn make_successor(&mut self) -> Result<Arc<dyn Signer>, KeyFileError> {
        let path = self.directory.join(KEY_FILE);
        let file = File::open(&path).map_err(io_error(&path))?;
        file.try_lock().map_err(|error| io_error(&path)(error.into()))?;
        self.change = Some(Arc::new(file));
        let key = Arc::new(make(&self.directory, &self.directory.join(NEXT_FILE))?);
        self.next = Some(key.clone());
        Ok(key)
    }

    /// Names the files after the key in force, once a ledger was opened: completes a change, and
    /// writes the public key beside the private one.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn settle(&mut self, in_force: &PublicKey) -> Result<(), KeyFileError> {
        let is_in_force = |key: &Arc<LocalKey>| key.public_key().1 == in_force.bytes();
        if let Some(next) = self.next.take_if(|next| is_in_force(next)) {
            let (from, to) = (self.directory.join(NEXT_FILE), self.directory.join(KEY_FILE));
            fs::rename(&from, &to).map_err(io_error(&from))?;
            sync(&self.directory)?;
            self.current = Some(next);
        }
        let path = self.directory.join(PUBLIC_FILE);
        let text = format!("{in_force}\n");
        if fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return Ok(());
        }
        write(&self.directory, &path, text.as_bytes())
    }
}

fn read(path: &Path) -> Result<Option<LocalKey>, KeyFileError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path)(error)),
    };
    let metadata = file.metadata().map_err(io_error(path))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Mode { file: path.into(), mode });
    }
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(KeyFileError::NotAKey(path.into()));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io_error(path))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyFileError::NotAKey(path.into()))?;
    // What the parser says may quote the file, so only that it failed is told.
    let key = SigningKey::from_pkcs8_pem(text).map_err(|_| KeyFileError::NotAKey(path.into()))?;
    Ok(Some(LocalKey(key)))
}

/// The first key of a folder; when another process made one meanwhile, that one.
fn make_first(directory: &Path, path: &Path) -> Result<LocalKey, KeyFileError> {
    let beside = directory.join(format!("signing.tmp-{}", std::process::id()));
    let made = make(directory, &beside)?;
    // Unlike a rename, a link never takes the place of a key that is there.
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside).map_err(io_error(&beside))?;
    match linked {
        Ok(()) => sync(directory).map(|()| made),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| KeyFileError::Missing(path.into()))
        }
        Err(error) => Err(io_error(path)(error)),
    }
}

fn make(directory: &Path, path: &Path) -> Result<LocalKey, KeyFileError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| io_error(path)(io::Error::other(error)))?;
    // Without the public key inside: the first version of PKCS#8, which every tool reads.
    let pem = KeypairBytes { secret_key: secret, public_key: None }.to_pkcs8_pem(LineEnding::LF);
    let pem = pem.map_err(|_| io_error(path)(io::Error::other("the key cannot be encoded")))?;
    write(directory, path, pem.as_bytes())?;
    Ok(LocalKey(SigningKey::from_bytes(&secret)))
}

fn write(directory: &Path, path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let beside = directory.join(format!("signing.tmp-new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    let done =
        options.write(true).create(true).truncate(true).mode(0o600).open(&beside).and_then(|mut file| {
            // A file that was left here keeps its old mode otherwise.
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)
        });
    done.map_err(io_error(path))?;
    sync(directory)
}

fn sync(directory: &Path) -> Result<(), KeyFileError> {
    File::open(directory).and_then(|folder| folder.sync_all()).map_err(io_error(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = LocalKeys::open(folder.path(), true).unwrap().signers()[0].public_key();
        assert_eq!(LocalKeys::open(folder.path(), true).unwrap().signers()[0].public_key(), first);
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = LocalKeys::open(folder.path(), true).unwrap_err().to_string();
        assert!(error.contains("mode 0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn rubbish_is_no_key_and_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        for text in ["", "SECRET", "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n"] {
            write(folder.path(), &path, text.as_bytes()).unwrap();
            let error = LocalKeys::open(folder.path(), true).unwrap_err();
            assert!(matches!(error, KeyFileError::NotAKey(_)), "{error}");
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
        }
    }

    #[test]
    fn a_lost_key_is_not_replaced_silently() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(crate::checkpoint_log::FILE_NAME), b"checkpoint").unwrap();
        let error = LocalKeys::open(folder.path(), true).unwrap_err();
        assert!(matches!(error, KeyFileError::Missing(_)), "{error}");
        assert!(LocalKeys::open(folder.path(), false).unwrap().signers().is_empty());
    }

    #[test]
    fn a_successor_takes_the_name_when_it_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = LocalKeys::open(folder.path(), true).unwrap();
        let public = |signer: &Arc<dyn Signer>| {
            PublicKey::new("ledger", Algorithm::Ed25519, &signer.public_key().1).unwrap()
        };
        let first = public(&keys.signers()[0]);
        let mut rival = LocalKeys::open(folder.path(), true).unwrap();
        let second = public(&keys.make_successor().unwrap());
        assert!(rival.make_successor().is_err(), "one at a time");
        keys.settle(&first).unwrap();
        let again = LocalKeys::open(folder.path(), true).unwrap();
        assert_eq!(again.signers().iter().map(public).collect::<Vec<_>>(), [first, second.clone()]);
        keys.settle(&second).unwrap();
        let again = LocalKeys::open(folder.path(), true).unwrap();
        let left: Vec<PublicKey> = again.signers().iter().map(public).collect();
        assert_eq!(left, std::slice::from_ref(&second));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
        let written = fs::read_to_string(folder.path().join(PUBLIC_FILE)).unwrap();
        assert_eq!(written.trim_end().parse(), Ok(second));
    }

    #[test]
    fn openssl_reads_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let signer = LocalKeys::open(folder.path(), true).unwrap().signers().remove(0);
        let path = folder.path().join(KEY_FILE);
        let command = std::process::Command::new("openssl")
            .args(["pkey", "-pubout", "-outform", "DER", "-in"])
            .arg(&path)
            .output();
        let Ok(output) = command else {
            println!("skipped: no openssl");
            return;
        };
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.ends_with(&signer.public_key().1));
        assert!(!format!("{signer:?}").contains('['));
    }
}
