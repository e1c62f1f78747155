//! How far each sink is, in one small file each: `NAME.cursor` in a folder for its owner alone. A
//! cursor is replaced whole and synced, so a sudden end finds the old one or the new one.
//!
//! INVARIANT never ahead: what is written here was delivered before.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use faramesh_call::{Value, json, object};
use faramesh_ledger::{Cursor, Location};
use sha2::{Digest, Sha256};

use crate::config::{Config, From};

const VERSION: &str = "sink-cursor/1";
/// Largest file that can be a cursor, in bytes.
const MAX_BYTES: u64 = 4_096;
/// Longest name that is a file's name as it is.
const MAX_PLAIN_NAME: usize = 64;

/// What a file of a cursor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing: the sink is new.
    Nothing,
    /// How far the sink is.
    Cursor(Cursor),
    /// Something that is no cursor.
    Damaged,
}

/// Where cursors are kept; without a folder they end with the process, as the ledger does.
#[derive(Debug, Clone)]
pub(crate) struct Cursors {
    folder: Option<PathBuf>,
    /// By sink; used without a folder.
    in_memory: Arc<Mutex<BTreeMap<String, Cursor>>>,
}

impl Cursors {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, in_memory: Arc::default() }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{}.cursor", file_name(name))))
    }

    /// The cursor of a sink.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(crate) fn load(&self, name: &str) -> io::Result<Kept> {
        let Some(path) = self.path(name) else {
            let cursors = self.in_memory.lock().unwrap_or_else(PoisonError::into_inner);
            return Ok(cursors.get(name).map_or(Kept::Nothing, |cursor| Kept::Cursor(*cursor)));
        };
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::Nothing),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(decode(&bytes).map_or(Kept::Damaged, Kept::Cursor))
    }

    /// Keeps the cursor of a sink; it survives a power cut when this comes back well.
    ///
    /// # Errors
    /// As the file system says; the cursor is then the old one or the new one.
    pub(crate) fn store(&self, name: &str, cursor: &Cursor) -> io::Result<()> {
        let (Some(folder), Some(path)) = (&self.folder, self.path(name)) else {
            let mut cursors = self.in_memory.lock().unwrap_or_else(PoisonError::into_inner);
            cursors.insert(name.to_owned(), *cursor);
            return Ok(());
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let beside = path.with_extension("cursor.new");
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&encode(cursor))?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        fs::File::open::<&Path>(folder)?.sync_all()
    }
}

/// A file's name for a sink's, which may have any characters: its own when that is plain.
fn file_name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if name.len() <= MAX_PLAIN_NAME && name.bytes().all(is_plain) {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    // A plain name has no `~`, so the two never meet.
    format!("~{}", hex(digest.get(..16).unwrap_or_default()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn encode(cursor: &Cursor) -> Vec<u8> {
    let object = object! {
        "v" => VERSION,
        "seq" => cursor.seq,
        "hash" => hex(&cursor.hash),
        "segment" => cursor.location.segment,
        "offset" => cursor.location.offset,
    };
    let mut bytes = json::canonical(&Value::Object(object));
    bytes.push(b'\n');
    bytes
}

fn decode(bytes: &[u8]) -> Option<Cursor> {
    let value = json::parse(bytes).ok()?;
    let number = |key: &str| u64::try_from(value.get(key)?.as_i64()?).ok();
    if value.get("v")?.as_str()? != VERSION {
        return None;
    }
    let location = Location { segment: number("segment")?, offset: number("offset")? };
    Some(Cursor { seq: number("seq")?, hash: unhex(value.get("hash")?.as_str()?)?, location })
}

/// The number up to which each of these sinks has all records, by the cursors in a folder: the smallest.
/// `None` when there is no sink that has begun or is to begin at the first record.
///
/// # Errors
/// A cursor is there and cannot be read.
pub fn delivered(folder: &Path, configs: &[Config]) -> io::Result<Option<u64>> {
    let cursors = Cursors::new(Some(folder.to_path_buf()));
    let mut least = None;
    for config in configs {
        let seq = match cursors.load(&config.name)? {
            Kept::Cursor(cursor) => cursor.seq,
            Kept::Nothing if config.from == From::Now => continue,
            Kept::Nothing | Kept::Damaged => 0,
        };
        least = Some(least.map_or(seq, |least: u64| least.min(seq)));
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn cursors_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let cursors = Cursors::new(Some(folder.path().join("sinks")));
        for (name, seq) in [("siem", 7), ("../etc/passwd", 8), ("ein Name", 9), (&*"x".repeat(128), 10)] {
            assert_eq!(cursors.load(name).unwrap(), Kept::Nothing);
            let cursor = Cursor { seq, hash: [5; 32], location: Location { segment: 3, offset: 512 } };
            cursors.store(name, &cursor).unwrap();
            assert_eq!(cursors.load(name).unwrap(), Kept::Cursor(cursor));
        }
        let files: Vec<_> = fs::read_dir(folder.path().join("sinks")).unwrap().flatten().collect();
        assert_eq!(files.len(), 4, "every name has a file of its own, in the folder");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let cursors = Cursors::new(Some(folder.path().into()));
        cursors.store("a", &Cursor::START).unwrap();
        for text in ["", "{}", "{\"v\":\"sink-cursor/2\"}", "nothing"] {
            fs::write(folder.path().join("a.cursor"), text).unwrap();
            assert_eq!(cursors.load("a").unwrap(), Kept::Damaged, "{text}");
        }
        assert_eq!(Cursors::new(None).load("a").unwrap(), Kept::Nothing);
    }
}
