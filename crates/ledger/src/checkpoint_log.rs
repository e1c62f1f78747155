//! `checkpoints.log`: entries `checkpoint <bytes of the note>`, a line feed, the note, a line feed, one
//! behind the other. Reading tells an entry that was being written from one that was changed.
//!
//! INVARIANT append only: an entry is written behind the last whole one, and the same bytes again
//! until they are synced, so that nothing of a failed attempt is left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_verify::{Checkpoint, MAX_NOTE_BYTES, Note};

use crate::disk::{self, Disk, DiskFile, OpenMode};

/// The name of the file in the folder of a ledger.
pub(crate) const FILE_NAME: &str = "checkpoints.log";
const WORD: &[u8] = b"checkpoint ";
/// `checkpoint `, five digits and a line feed.
const MAX_HEAD_BYTES: usize = WORD.len() + 6;
/// Most bytes of an entry.
const MAX_ENTRY_BYTES: usize = MAX_HEAD_BYTES + MAX_NOTE_BYTES + 1;
const READ_BYTES: usize = 256 << 10;

/// The bytes of an entry.
fn entry(note: &Note) -> Vec<u8> {
    let note = note.write();
    format!("checkpoint {}\n{note}\n", note.len()).into_bytes()
}

/// One entry as it was read.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The byte of the file that it begins at.
    pub offset: u64,
    pub note: Note,
    /// How many records the note says it covers.
    pub size: u64,
}

/// What stands behind the last whole entry.
#[derive(Debug)]
pub(crate) enum Found {
    Entry(Entry),
    End,
    /// An entry that was being written, and its bytes.
    Incomplete(u64),
    /// Not what this ledger wrote.
    Damage(String),
}

/// Reads entries in order, up to the length that the file had when it was opened.
pub(crate) struct LogReader {
    pub path: PathBuf,
    file: Option<Arc<dyn DiskFile>>,
    length: u64,
    buffer: Vec<u8>,
    /// The byte of the file that the buffer begins at.
    base: u64,
    at: usize,
}

impl LogReader {
    /// Opens the log of a folder; one that is not there is empty.
    pub(crate) fn open(disk: &dyn Disk, directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE_NAME);
        let file = match disk::retry(|| disk.open(&path, OpenMode::Read)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let length = file.as_ref().map_or(Ok(0), |file| disk::retry(|| file.length()))?;
        Ok(Self { path, file, length, buffer: Vec::new(), base: 0, at: 0 })
    }

    /// Where the next entry begins.
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(wide(self.at))
    }

    /// Begins at another place; false when the file ends before it. While nothing was read.
    pub(crate) fn skip_to(&mut self, offset: u64) -> bool {
        self.base = offset;
        offset <= self.length
    }

    pub(crate) fn next(&mut self) -> io::Result<Found> {
        self.fill()?;
        let (offset, left) = (self.offset(), self.length.saturating_sub(self.offset()));
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(Found::End);
        }
        match decode(rest) {
            Ok((note, size, length)) => {
                self.at += length;
                Ok(Found::Entry(Entry { offset, note, size }))
            }
            Err(None) => Ok(Found::Incomplete(left)),
            Err(Some(what)) => {
                // Sectors that never arrived read as zeros; an entry that was kept has none.
                let torn = left <= wide(MAX_ENTRY_BYTES) && rest.contains(&0);
                Ok(if torn { Found::Incomplete(left) } else { Found::Damage(what) })
            }
        }
    }

    /// Holds at least one whole entry, as far as the file goes.
    fn fill(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        if self.buffer.len().saturating_sub(self.at) >= MAX_ENTRY_BYTES {
            return Ok(());
        }
        self.buffer.drain(..self.at.min(self.buffer.len()));
        self.base = self.base.saturating_add(wide(std::mem::take(&mut self.at)));
        let have = self.buffer.len();
        let place = self.base.saturating_add(wide(have));
        let left = usize::try_from(self.length.saturating_sub(place)).unwrap_or(usize::MAX);
        self.buffer.resize(have + READ_BYTES.min(left), 0);
        let rest = self.buffer.get_mut(have..).unwrap_or_default();
        let read = disk::read_full_at(file.as_ref(), rest, place)?;
        self.buffer.truncate(have + read);
        Ok(())
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The first entry of `bytes`: its note, the size in it, its length. `Err(None)` when it is longer than
/// the bytes, else what is wrong.
fn decode(bytes: &[u8]) -> Result<(Note, u64, usize), Option<String>> {
    let wrong = |what: &str| Err(Some(what.to_owned()));
    let head = bytes.get(..bytes.len().min(MAX_HEAD_BYTES)).unwrap_or_default();
    let known = head.len().min(WORD.len());
    if head.get(..known) != WORD.get(..known) {
        return wrong("something else");
    }
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() < MAX_HEAD_BYTES { Err(None) } else { wrong("an entry of unknown length") };
    };
    let digits =
        head.get(WORD.len()..end).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
    let length = digits.parse::<usize>().ok().filter(|length| length.to_string() == digits);
    let Some(length) = length.filter(|length| *length <= MAX_NOTE_BYTES) else {
        return wrong("an entry of unknown length");
    };
    let start = end + 1;
    let Some(whole) = bytes.get(start..start + length + 1) else { return Err(None) };
    let Some((b'\n', note)) = whole.split_last() else { return wrong("an entry without its end") };
    let note = Note::parse(note).map_err(|error| Some(error.to_string()))?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| Some(error.to_string()))?;
    Ok((note, checkpoint.size, start + length + 1))
}

/// Appends entries.
#[derive(Debug)]
pub(crate) struct LogWriter {
    file: Arc<dyn DiskFile>,
    end: u64,
    /// An entry that was to be written and is perhaps not kept.
    unkept: Option<(Checkpoint, Vec<u8>)>,
}

impl LogWriter {
    /// Opens the log to write behind `end`; whatever stands there is cut.
    pub(crate) fn open(disk: &dyn Disk, directory: &Path, end: u64) -> io::Result<Self> {
        let path = directory.join(FILE_NAME);
        let file = disk::retry(|| disk.open(&path, OpenMode::Lock))?;
        if disk::retry(|| file.length())? != end {
            disk::retry(|| file.set_length(end))?;
        }
        disk::retry(|| file.sync())?;
        disk::retry(|| disk.sync_dir(directory))?;
        Ok(Self { file, end, unkept: None })
    }

    /// Writes what an earlier attempt left unkept, and says what it was once it is kept.
    pub(crate) fn settle(&mut self) -> io::Result<Option<Checkpoint>> {
        let Some((_, bytes)) = &self.unkept else { return Ok(None) };
        disk::write_all_at(self.file.as_ref(), bytes, self.end)?;
        disk::retry(|| self.file.sync())?;
        self.end = self.end.saturating_add(wide(bytes.len()));
        Ok(self.unkept.take().map(|(checkpoint, _)| checkpoint))
    }

    /// Sets what [`LogWriter::settle`] appends next.
    pub(crate) fn append(&mut self, checkpoint: Checkpoint, note: &Note) {
        self.unkept = Some((checkpoint, entry(note)));
    }
}
