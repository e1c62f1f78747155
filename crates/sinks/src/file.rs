//! A file of JSON lines, for its owner alone: a batch is appended and synced, and a file that has grown
//! to its size is set aside as `NAME.1`, `NAME.2`, … No file that was set aside is touched again; who
//! collects them may remove them.
//!
//! INVARIANT whole lines: what a sudden end left of a line is cut before the next is written.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::sink::{Batch, Failure, Sink};

/// Longest incomplete line that is cut, in bytes: more than a record can have.
const MAX_TORN_BYTES: u64 = 4 << 20;

pub(crate) struct LineFile {
    path: PathBuf,
    max_bytes: u64,
    file: File,
    length: u64,
}

impl LineFile {
    /// Opens the file, or makes it and its folder.
    ///
    /// # Errors
    /// The place is no place for it, or the file system refuses.
    pub(crate) fn open(path: &Path, max_bytes: u64, apart_from: &[PathBuf]) -> Result<Self, Failure> {
        let refused = |error: io::Error| Failure::passing(said("open", path, &error));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        // Before the folder is made, so that none is made where none belongs.
        is_apart(path, existing(folder), apart_from)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
        is_apart(path, folder, apart_from)?;
        let (file, length) = open(path).map_err(refused)?;
        let mut opened = Self { path: path.to_owned(), max_bytes, file, length };
        opened.cut_incomplete_line()?;
        Ok(opened)
    }

    fn cut_incomplete_line(&mut self) -> Result<(), Failure> {
        let refused = |error: io::Error| Failure::passing(said("read", &self.path, &error));
        let from = self.length.saturating_sub(MAX_TORN_BYTES);
        let mut tail = vec![0; usize::try_from(self.length - from).unwrap_or(0)];
        self.file.read_exact_at(&mut tail, from).map_err(refused)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let torn = tail.get(whole..).unwrap_or_default();
        if torn.is_empty() {
            return Ok(());
        }
        // Only what this sink writes begins so: a file of somebody else is left as it is.
        if !torn.starts_with(b"{") || whole == 0 && from > 0 {
            let message = format!(
                "{} does not end with a line of JSON: it is not this sink's; write to another file",
                self.path.display()
            );
            return Err(Failure::lasting(message));
        }
        self.length -= u64::try_from(torn.len()).unwrap_or(0);
        self.file.set_len(self.length).and_then(|()| self.file.sync_all()).map_err(refused)
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.length > 0 && self.length.saturating_add(length(lines)) > self.max_bytes {
            self.rotate()?;
        } else if !is_same(&self.file, &self.path) {
            // Somebody moved it away: what they moved is theirs, and this goes to a new one.
            (self.file, self.length) = open(&self.path)?;
        }
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // The whole batch comes again; half of it now would be a broken line.
            self.file.set_len(self.length)?;
            return written;
        }
        self.length += length(lines);
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let mut name: OsString = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut last = 0;
        for entry in fs::read_dir(folder)? {
            let file = entry?.file_name();
            let number = file.to_str().zip(name.to_str()).and_then(|(file, name)| file.strip_prefix(name));
            last = last.max(number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0));
        }
        name.push((last + 1).to_string());
        fs::rename(&self.path, folder.join(name))?;
        (self.file, self.length) = open(&self.path)?;
        File::open(folder)?.sync_all()
    }
}

impl Sink for LineFile {
    fn deliver(&mut self, batch: &Batch) -> Result<(), Failure> {
        let written = self.append(&batch.to_lines());
        written.map_err(|error| Failure::passing(said("write", &self.path, &error)))
    }
}

/// The nearest folder above, itself included, that is there.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder)
}

/// # Errors
/// The folder is the daemon's own, or lies in one that is.
fn is_apart(path: &Path, folder: &Path, apart_from: &[PathBuf]) -> Result<(), Failure> {
    let place = folder.canonicalize().map_err(|error| Failure::passing(said("open", path, &error)))?;
    let own = apart_from.iter().filter_map(|own| own.canonicalize().ok()).find(|own| place.starts_with(own));
    let Some(own) = own else { return Ok(()) };
    Err(Failure::lasting(format!(
        "{} lies in {}, where the daemon keeps its own files: write it elsewhere",
        path.display(),
        own.display()
    )))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn said(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).append(true).create(true).mode(0o600).open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a file"));
    }
    if facts.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    // A new name survives a power cut only when its folder is synced.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok((file, facts.len()))
}

/// Whether the path still names this file.
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |facts: &fs::Metadata| (facts.dev(), facts.ino());
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    place(&open) == place(&named)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn batch(numbers: std::ops::RangeInclusive<u64>) -> Batch {
        let records = numbers.clone().map(|number| Arc::from(format!("{{\"n\":{number}}}").into_bytes()));
        Batch { records: records.collect(), first_seq: *numbers.start(), last_seq: *numbers.end() }
    }

    #[test]
    fn it_rotates_by_size_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit").join("records.jsonl");
        let mut sink = LineFile::open(&path, 40, &[]).unwrap();
        for first in (1..=20).step_by(2) {
            sink.deliver(&batch(first..=first + 1)).unwrap();
        }
        let mut all = String::new();
        for number in 1..=100 {
            let Ok(text) = fs::read_to_string(folder.path().join(format!("audit/records.jsonl.{number}")))
            else {
                break;
            };
            assert!(text.len() <= 40 && text.ends_with('\n'));
            all += &text;
        }
        all += &fs::read_to_string(&path).unwrap();
        let expected: String = (1..=20).map(|number| format!("{{\"n\":{number}}}\n")).collect();
        assert_eq!(all, expected);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_torn_line_is_cut_and_a_strange_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        fs::write(&path, "{\"n\":1}\n{\"n\":").unwrap();
        LineFile::open(&path, 1 << 20, &[]).unwrap().deliver(&batch(2..=2)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":2}\n");
        fs::write(&path, "a letter\nto somebody").unwrap();
        let failure = LineFile::open(&path, 1 << 20, &[]).map(|_| ()).unwrap_err();
        assert!(failure.message.contains("not this sink's"), "{failure:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a letter\nto somebody");
    }

    #[test]
    fn the_daemons_own_folders_are_no_place() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("wal");
        fs::create_dir(&own).unwrap();
        for path in ["wal/00000001.wal", "wal/deep/x.jsonl", "other/../wal/x.jsonl"] {
            fs::create_dir_all(folder.path().join("other")).unwrap();
            let opened = LineFile::open(&folder.path().join(path), 1 << 20, std::slice::from_ref(&own));
            assert!(opened.map(|_| ()).unwrap_err().message.contains("its own files"), "{path}");
        }
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let mut sink = LineFile::open(&path, 1 << 20, &[]).unwrap();
        sink.deliver(&batch(1..=1)).unwrap();
        fs::rename(&path, folder.path().join("taken")).unwrap();
        sink.deliver(&batch(2..=2)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":2}\n");
    }
}
