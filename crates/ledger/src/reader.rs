//! Reading a ledger from its folder, with or without a daemon that writes it. The index finds records
//! fast; what it lacks, or all when there is none, is read from the segments.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_dpr::{Hash, Record, hash_of};
use faramesh_verify::Note;

use crate::archive::Archives;
use crate::checkpoint_log::{self, Found, LogReader};
use crate::compacted::{self, ArchivedSegment};
use crate::damage::{WalkError, damage, io_error};
use crate::disk::{self, Disk, OpenMode, RealDisk};
use crate::filter::Filter;
use crate::frame::{self, Decoded};
use crate::index::{Cursor, Index};
use crate::segment;
use crate::walk::{Item, Location, Walk};

/// Why a ledger could not be read.
pub type ReadError = WalkError;

/// Reads the ledger in one folder.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Reader {
    /// Opens the ledger in a folder; a daemon may be writing it.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, ReadError> {
        let directory = directory.into();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        disk.list(&directory).map_err(|error| WalkError::Io { file: directory.clone(), error })?;
        Ok(Self { directory, disk })
    }

    /// Every record, oldest first, each verified against the one before.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn records(&self) -> Result<Records, ReadError> {
        let walk = Walk::new(Arc::clone(&self.disk), &self.directory, true)?;
        Ok(Records { walk, failed: false })
    }

    /// Every record, oldest first, each verified against the one before; of those whose bodies are in an
    /// archive the hash, or the body when archives are given.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn whole(&self, archives: Option<Arc<dyn Archives>>) -> Result<Whole, ReadError> {
        let mut walk = Walk::new(Arc::clone(&self.disk), &self.directory, true)?;
        walk.archives = archives;
        Ok(Whole { walk, failed: false })
    }

    /// The hash of every record, oldest first, those included whose bodies are in an archive.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn hashes(&self) -> Result<Hashes, ReadError> {
        Ok(Hashes { walk: Walk::behind(Arc::clone(&self.disk), &self.directory, None)? })
    }

    /// Every signed checkpoint, oldest first, as it is stored: signatures are not checked here.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn checkpoints(&self) -> Result<Checkpoints, ReadError> {
        let path = self.directory.join(checkpoint_log::FILE_NAME);
        let log = LogReader::open(self.disk.as_ref(), &self.directory);
        Ok(Checkpoints { log: log.map_err(|error| io_error(&path, error))?, last: 0, failed: false })
    }

    /// The records that a filter lets through, in its order.
    ///
    /// # Errors
    /// The files cannot be read or are damaged.
    pub fn query(&self, filter: &Filter) -> Result<Vec<Record>, ReadError> {
        match self.indexed(filter) {
            Some((cursor, proposed)) => {
                let recent = self.scan(filter, Some(cursor))?;
                Ok(join(filter, proposed, recent))
            }
            None => self.scan(filter, None),
        }
    }

    /// The records that an id names: a record's id, the beginning of one, an action's id, or an
    /// approval's id, which several records can carry.
    ///
    /// # Errors
    /// The files cannot be read or are damaged.
    pub fn get(&self, id: &str) -> Result<Vec<Record>, ReadError> {
        self.query(&Filter::by_id(id))
    }

    /// What the index knows of the filter; `None` when there is no index that fits the segments.
    fn indexed(&self, filter: &Filter) -> Option<(Cursor, Vec<Record>)> {
        let index = Index::open_to_read(&self.directory).ok()?;
        let cursor = index.cursor().ok()?.filter(|cursor| fits(&self.directory, cursor))?;
        let (live, kept) = self.kept(filter).ok()?;
        let proposed = index.propose(filter, live).ok()?;
        let mut records = Vec::with_capacity(proposed.len());
        for location in proposed {
            // Anything but the record that was proposed means that the index is wrong.
            let record = read_one(self.disk.as_ref(), &self.directory, location).ok()??;
            if !filter.matches(&record) {
                return None;
            }
            records.push(record);
        }
        if filter.newest_first {
            records.extend(kept.into_iter().rev());
        } else {
            records.splice(0..0, kept);
        }
        Some((cursor, records))
    }

    /// The first segment that has its body, and what stayed of those before and matches, oldest first.
    fn kept(&self, filter: &Filter) -> Result<(u64, Vec<Record>), ReadError> {
        let compacted = compacted::list(self.disk.as_ref(), &self.directory)?;
        let live = compacted.last().map_or(0, |(archived, _)| archived.segment + 1);
        let kept = compacted.into_iter().flat_map(|(_, kept)| kept).map(|(_, record)| record);
        Ok((live, kept.filter(|record| filter.matches(record)).collect()))
    }

    /// The segments whose bodies are in an archive, oldest first.
    ///
    /// # Errors
    /// What they left cannot be read.
    pub fn archived(&self) -> Result<Vec<ArchivedSegment>, ReadError> {
        let compacted = compacted::list(self.disk.as_ref(), &self.directory)?;
        Ok(compacted.into_iter().map(|(archived, _)| archived).collect())
    }

    /// The archived segment whose body has the record that an id names; `None` when there is none, or
    /// when the index does not know the record.
    ///
    /// # Errors
    /// As [`Reader::archived`].
    pub fn archived_with(&self, id: &str) -> Result<Option<ArchivedSegment>, ReadError> {
        let archived = self.archived()?;
        let proposed = Index::open_to_read(&self.directory).and_then(|index| {
            let filter = Filter { limit: Some(1), ..Filter::by_id(id) };
            index.propose(&filter, 0)
        });
        let Some(location) = proposed.unwrap_or_default().first().copied() else { return Ok(None) };
        Ok(archived.into_iter().find(|archived| archived.segment == location.segment))
    }

    /// Matching records from the segments, from behind `cursor` or from the beginning, in the
    /// filter's order and within its limit.
    fn scan(&self, filter: &Filter, cursor: Option<Cursor>) -> Result<Vec<Record>, ReadError> {
        let mut walk = Walk::behind(Arc::clone(&self.disk), &self.directory, cursor)?;
        let mut found = std::collections::VecDeque::new();
        let limit = filter.limit.unwrap_or(usize::MAX);
        while let Some(step) = walk.step()? {
            if !filter.matches(&step.record) {
                continue;
            }
            if found.len() >= limit {
                if !filter.newest_first {
                    break;
                }
                found.pop_front();
            }
            if limit > 0 {
                found.push_back(step.record);
            }
        }
        Ok(if filter.newest_first { found.into_iter().rev().collect() } else { found.into() })
    }
}

/// What the index had and what came behind it, in the filter's order.
fn join(filter: &Filter, indexed: Vec<Record>, recent: Vec<Record>) -> Vec<Record> {
    let limit = filter.limit.unwrap_or(usize::MAX);
    let (first, second) = if filter.newest_first { (recent, indexed) } else { (indexed, recent) };
    first.into_iter().chain(second).take(limit).collect()
}

/// Whether an index's last record stands where it says.
pub(crate) fn fits(directory: &Path, cursor: &Cursor) -> bool {
    let record = read_one(&RealDisk, directory, cursor.location);
    record.is_ok_and(|record| {
        record.is_some_and(|record| record.seq() == cursor.seq && hash_of(record.bytes()) == cursor.hash)
    })
}

/// The record at a place; `None` when no good frame stands there.
fn read_one(disk: &dyn Disk, directory: &Path, location: Location) -> io::Result<Option<Record>> {
    let path = directory.join(segment::file_name(location.segment));
    let file = disk::retry(|| disk.open(&path, OpenMode::Read))?;
    let mut buffer = vec![0; 4_096];
    loop {
        let read = disk::read_full_at(file.as_ref(), &mut buffer, location.offset)?;
        let short = read < buffer.len();
        match frame::decode(buffer.get(..read).unwrap_or_default()) {
            Decoded::Frame(frame) => return Ok(Record::parse(frame.record).ok()),
            Decoded::Short(needed) if !short && needed <= frame::MAX_FRAME_BYTES => buffer.resize(needed, 0),
            _ => return Ok(None),
        }
    }
}

/// The records of a folder, one by one. Ends after the first error.
pub struct Records {
    walk: Walk,
    failed: bool,
}

impl Iterator for Records {
    type Item = Result<(Location, Record), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.walk.step();
        self.failed = step.is_err();
        step.map(|step| step.map(|step| (step.location, step.record))).transpose()
    }
}

/// A record of a folder, or the hash of one whose body is in an archive.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack, while a folder is read")]
pub enum Held {
    /// The record.
    Record(Record),
    /// Its number and hash.
    Digest(u64, Hash),
}

/// The records of a folder, with hashes for those that are archived. Ends after the first error.
pub struct Whole {
    walk: Walk,
    failed: bool,
}

impl Iterator for Whole {
    type Item = Result<Held, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.walk.next_item();
        self.failed = item.is_err();
        let held = |item| match item {
            Item::Record(step) => Held::Record(step.record),
            Item::Digest { seq, hash } => Held::Digest(seq, hash),
        };
        item.map(|item| item.map(held)).transpose()
    }
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Whole(..)")
    }
}

/// The hashes of a folder's records, which a writer may be adding to.
pub struct Hashes {
    walk: Walk,
}

impl Hashes {
    /// Hands over the next hashes, `count` at most; how many there were.
    ///
    /// # Errors
    /// The files cannot be read or are damaged.
    pub fn take(&mut self, count: u64, each: &mut dyn FnMut(&Hash)) -> Result<u64, ReadError> {
        self.walk.refresh();
        for taken in 0..count {
            match self.walk.next_item()? {
                Some(Item::Record(step)) => each(&step.hash),
                Some(Item::Digest { hash, .. }) => each(&hash),
                None => return Ok(taken),
            }
        }
        Ok(count)
    }
}

impl std::fmt::Debug for Hashes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Hashes(..)")
    }
}

/// The checkpoints of a folder, one by one. Ends after the first error, and before an entry that is being
/// written.
pub struct Checkpoints {
    log: LogReader,
    last: u64,
    failed: bool,
}

impl Iterator for Checkpoints {
    /// How many records it covers, and the note.
    type Item = Result<(u64, Note), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let offset = self.log.offset();
        let found = self.log.next().map_err(|error| io_error(&self.log.path, error));
        let found = match found {
            Ok(Found::Entry(entry)) => {
                self.last = entry.size;
                return Some(Ok((entry.size, entry.note)));
            }
            Ok(Found::End | Found::Incomplete(_)) => return None,
            Ok(Found::Damage(what)) => {
                Err(damage(&self.log.path, offset, self.last, "checkpoint", "a checkpoint", &what))
            }
            Err(error) => Err(error),
        };
        self.failed = true;
        Some(found)
    }
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Checkpoints(..)")
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Records(..)")
    }
}
