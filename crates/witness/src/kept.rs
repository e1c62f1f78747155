//! What witnesses said last of a ledger, beside its segments: `witnessed-NAME.note` is the last checkpoint with
//! the ledger's signature and the witness's, `witnessed-NAME.pub` the witness's key. For whoever has the folder
//! and no network, and for bundles.
//!
//! INVARIANT whole: each file is the old one or the new one. Leaves out whether what is there can be believed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use faramesh_verify::{Checkpoint, MAX_NOTE_BYTES, Note, PublicKey};

use crate::asking::Cosigned;

const PREFIX: &str = "witnessed-";
/// Most witnesses that are read of a folder: a bundle has room for no more.
pub const MAX_WITNESSES: usize = 63;
const MAX_KEY_BYTES: u64 = 2_048;

/// A checkpoint that a witness cosigned, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its file.
    pub file: PathBuf,
    /// The witness's key.
    pub key: PublicKey,
    /// The records that the checkpoint covers.
    pub size: u64,
    /// The checkpoint with both signatures, which nobody has checked.
    pub note: Note,
}

/// The file of a witness's last cosignature.
fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => safe.push(char::from(byte)),
            // Two names are never one file.
            other => safe.push_str(&format!("_{other:02x}")),
        }
    }
    format!("{PREFIX}{safe}.note")
}

/// Whether a file of this name is one of those that are kept here.
#[must_use]
pub fn is_kept(name: &str) -> bool {
    name.starts_with(PREFIX) && [".note", ".pub", ".tmp"].iter().any(|end| name.ends_with(end))
}

/// How many records the cosignature covers that the witness called `name` gave last; 0 without one that
/// reads.
#[must_use]
pub fn kept_size(directory: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(directory.join(file_name(name))).unwrap_or_default();
    text.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

/// Keeps what the witness called `name` cosigned.
///
/// # Errors
/// The folder cannot be written.
pub fn keep(directory: &Path, name: &str, key: &PublicKey, cosigned: &Cosigned) -> io::Result<()> {
    let note = directory.join(file_name(name));
    let public = note.with_extension("pub");
    let text = format!("{key}\n");
    if fs::read_to_string(&public).ok().as_ref() != Some(&text) {
        // A note that is there is of another key; it goes first, so that the two always fit together.
        match fs::remove_file(&note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => File::open(directory)?.sync_all()?,
        }
        write(&public, &text)?;
    }
    write(&note, &cosigned.note.write())?;
    File::open(directory)?.sync_all()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// What is kept in a ledger's folder, in the order of the files' names.
///
/// # Errors
/// The folder cannot be read, or a file in it is not what is kept here.
pub fn kept(directory: &Path) -> io::Result<Vec<Kept>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(".note")) {
            files.push(directory.join(name));
        }
    }
    files.sort_unstable();
    files.truncate(MAX_WITNESSES);
    let most = u64::try_from(MAX_NOTE_BYTES).unwrap_or(u64::MAX);
    let mut all = Vec::new();
    for file in files {
        let public = file.with_extension("pub");
        let key = match read(&public, MAX_KEY_BYTES) {
            // A folder that an earlier version wrote.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            key => key?,
        };
        let key: PublicKey = key.trim_end().parse().map_err(|error| unfit(&public, &error))?;
        let note = Note::parse(read(&file, most)?.as_bytes()).map_err(|error| unfit(&file, &error))?;
        let size = Checkpoint::parse(&note.text).map_err(|error| unfit(&file, &error))?.size;
        all.push(Kept { file, key, size, note });
    }
    Ok(all)
}

fn read(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn unfit(path: &Path, error: &dyn std::error::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{file_name, is_kept};

    #[test]
    fn each_witness_has_a_file_of_its_own() {
        assert_eq!(file_name("w-1"), "witnessed-w-1.note");
        let names = ["a.b", "a_b", "a/b", "a_2eb", "ab"];
        let files: std::collections::BTreeSet<String> = names.iter().map(|name| file_name(name)).collect();
        assert_eq!(files.len(), names.len(), "{files:?}");
        assert!(files.iter().all(|file| !file.contains('/') && is_kept(file)));
    }
}
