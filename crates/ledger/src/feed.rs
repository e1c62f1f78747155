//! Kept records in order, from behind a cursor and while the ledger goes on: what sinks copy from.
//! A feed never sees a record before it is kept, and never takes a lock that a decision waits for
//! longer than it takes to read a number.
//!
//! Leaves out where a cursor is remembered. INVARIANT order: records come once each and without a
//! gap, except that a ledger in memory forgets its oldest.

use std::path::Path;
use std::sync::Arc;

use faramesh_dpr::{GENESIS, Record, hash_of};

use crate::commit::locked;
use crate::disk::RealDisk;
use crate::filter::Filter;
use crate::index::Cursor;
use crate::ledger::{Ledger, Source};
use crate::reader::{ReadError, fits};
use crate::walk::{Item, Location, Walk};

/// Most records that are fetched at once from a ledger that is kept elsewhere.
const MAX_SHELF_RECORDS: usize = 256;

impl Cursor {
    /// In front of the first record.
    pub const START: Self = Self { seq: 0, location: Location { segment: 0, offset: 0 }, hash: GENESIS };
}

/// A kept record, and the cursor behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Where a feed goes on that has read this record.
    pub cursor: Cursor,
    /// The record's bytes.
    pub record: Arc<[u8]>,
}

/// Reads kept records in order.
pub struct Feed {
    at: Cursor,
    /// The files, opened at the cursor.
    walk: Option<Walk>,
}

impl Feed {
    /// A feed of the records behind `cursor`; `None` when the ledger does not hold the record that
    /// the cursor names: it belongs to another ledger, or to a later state of this one.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn behind(ledger: &Ledger, cursor: Cursor) -> Result<Option<Self>, ReadError> {
        let known = cursor.seq == 0 || cursor.seq <= ledger.last_seq() && holds(ledger, &cursor)?;
        Ok(known.then_some(Self { at: cursor, walk: None }))
    }

    /// The cursor behind the last record that was read.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.at
    }

    /// The next kept records: at most `records`, and none behind the one that makes it `bytes`.
    ///
    /// # Errors
    /// The ledger could not be read, or is not as it was written. A later call tries again.
    pub fn read(&mut self, ledger: &Ledger, records: usize, bytes: usize) -> Result<Vec<Fed>, ReadError> {
        let kept = ledger.last_seq();
        let mut batch = Batch { found: Vec::new(), room: records, bytes: 0, most: bytes };
        if self.at.seq < kept {
            match &ledger.source {
                Source::Directory(directory) => self.read_files(directory, kept, &mut batch)?,
                Source::Shelf { shelf, .. } => {
                    let (after_seq, limit) = (Some(self.at.seq), Some(records.min(MAX_SHELF_RECORDS)));
                    for record in shelf.query(&Filter { after_seq, limit, ..Filter::default() })? {
                        let (seq, hash) = (record.seq(), record.hash());
                        // What the database has and this process was not told of yet comes next time.
                        let cursor = Cursor { seq, hash, location: Location::default() };
                        if seq > kept || !batch.add(cursor, record.bytes()) {
                            break;
                        }
                    }
                }
                Source::Memory(memory) => {
                    for (seq, record) in memory.behind(self.at.seq, records) {
                        let cursor = Cursor { seq, hash: hash_of(&record), location: Location::default() };
                        if !batch.add(cursor, &record) {
                            break;
                        }
                    }
                }
            }
        }
        if let Some(last) = batch.found.last() {
            self.at = last.cursor;
        }
        Ok(batch.found)
    }

    fn read_files(&mut self, directory: &Path, kept: u64, batch: &mut Batch) -> Result<(), ReadError> {
        let cursor = (self.at.seq > 0).then_some(self.at);
        let mut walk = match self.walk.take() {
            Some(mut walk) => {
                walk.refresh();
                walk
            }
            None => match cursor.filter(|cursor| !fits(directory, cursor)) {
                Some(cursor) => found(directory, &cursor)?.unwrap_or(Walk::behind(disk(), directory, None)?),
                None => Walk::behind(disk(), directory, cursor)?,
            },
        };
        let mut seq = self.at.seq;
        while seq < kept {
            let step = match walk.step() {
                Ok(Some(step)) => step,
                // What was read before the trouble goes out first.
                Err(_) if !batch.found.is_empty() => return Ok(()),
                Err(error) => return Err(error),
                Ok(None) => return Ok(()),
            };
            seq = step.record.seq();
            let cursor = Cursor { seq, hash: step.hash, location: step.location };
            if !batch.add(cursor, step.record.bytes()) {
                break;
            }
        }
        self.walk = Some(walk);
        Ok(())
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Feed").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Ledger {
    /// The number of the last kept record.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        locked(&self.shared.kept).seq
    }

    /// The cursor behind the last kept record. It does not say where that record lies, so a feed
    /// from it looks for the place once.
    #[must_use]
    pub fn kept_cursor(&self) -> Cursor {
        let kept = *locked(&self.shared.kept);
        Cursor { seq: kept.seq, hash: kept.hash, location: Location::default() }
    }
}

/// What one read has found.
struct Batch {
    found: Vec<Fed>,
    room: usize,
    bytes: usize,
    most: usize,
}

impl Batch {
    /// Takes a record; false when it was the last one that fits.
    fn add(&mut self, cursor: Cursor, record: &Arc<[u8]>) -> bool {
        self.bytes = self.bytes.saturating_add(record.len());
        self.found.push(Fed { cursor, record: Arc::clone(record) });
        self.found.len() < self.room && self.bytes < self.most
    }
}

fn disk() -> Arc<RealDisk> {
    Arc::new(RealDisk)
}

/// Whether the ledger holds the record that a cursor names.
fn holds(ledger: &Ledger, cursor: &Cursor) -> Result<bool, ReadError> {
    if let Source::Directory(directory) = &ledger.source {
        return Ok(fits(directory, cursor) || found(directory, cursor)?.is_some());
    }
    let filter = Filter { after_seq: Some(cursor.seq - 1), limit: Some(1), ..Filter::default() };
    let found = ledger.query(&filter)?;
    let same = |record: &Record| record.seq() == cursor.seq && record.hash() == cursor.hash;
    // A ledger in memory forgets, and lives as long as the cursors into it.
    Ok(found.first().is_none_or(|record| record.seq() > cursor.seq || same(record)))
}

/// Walks all files up to a cursor's record; `None` when it is not there.
fn found(directory: &Path, cursor: &Cursor) -> Result<Option<Walk>, ReadError> {
    let mut walk = Walk::behind(disk(), directory, None)?;
    while let Some(item) = walk.next_item()? {
        let (seq, hash) = match item {
            Item::Record(step) => (step.record.seq(), step.hash),
            Item::Digest { seq, hash } => (seq, hash),
        };
        if seq >= cursor.seq {
            return Ok((seq == cursor.seq && hash == cursor.hash).then_some(walk));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use faramesh_call::{Timestamp, Value};
    use faramesh_dpr::{Draft, Kind};

    use super::*;
    use crate::open::Options;

    fn append(ledger: &Ledger, count: usize) {
        for number in 0..count {
            let detail = Value::from(format!("{number} {}", "x".repeat(200)));
            let draft = Draft::event(Kind::Lifecycle, detail);
            ledger
                .append_and_wait(draft, Timestamp(u64::try_from(number).unwrap()), Duration::from_secs(5))
                .unwrap();
        }
    }

    fn seqs(batch: &[Fed]) -> Vec<u64> {
        batch.iter().map(|fed| fed.cursor.seq).collect()
    }

    fn open(folder: &Path) -> Ledger {
        let options = Options {
            segment_bytes: 8_192,
            first_segment_bytes: 8_192,
            reserve_bytes: 0,
            index: false,
            ..Options::new(folder, "stack", "instance")
        };
        Ledger::open(options, Timestamp(1), &mut |_| {}).unwrap().0
    }

    #[test]
    fn every_record_comes_once_over_many_segments_and_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::START;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let ledger = open(folder.path());
            let mut feed = Feed::behind(&ledger, cursor).unwrap().unwrap();
            for _ in 0..30 {
                append(&ledger, 7);
                seen.extend(seqs(&feed.read(&ledger, 5, 1 << 20).unwrap()));
            }
            // What it has not read is there for a feed from its cursor.
            cursor = feed.cursor();
        }
        let ledger = open(folder.path());
        assert!(ledger.status().segment > 10, "{:?}", ledger.status());
        let mut feed = Feed::behind(&ledger, cursor).unwrap().unwrap();
        loop {
            let batch = feed.read(&ledger, 64, 1 << 20).unwrap();
            if batch.is_empty() {
                break;
            }
            seen.extend(seqs(&batch));
        }
        assert_eq!(seen, (1..=ledger.last_seq()).collect::<Vec<_>>());
        assert_eq!(feed.cursor().hash, ledger.kept_cursor().hash);
    }

    #[test]
    fn a_cursor_without_a_place_is_looked_for_and_a_strange_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path());
        append(&ledger, 60);
        let now = ledger.kept_cursor();
        append(&ledger, 2);
        let mut feed = Feed::behind(&ledger, now).unwrap().unwrap();
        assert_eq!(seqs(&feed.read(&ledger, 10, 1 << 20).unwrap()), [now.seq + 1, now.seq + 2]);
        let strange = Cursor { hash: [7; 32], ..now };
        assert!(Feed::behind(&ledger, strange).unwrap().is_none());
        let later = Cursor { seq: now.seq + 10, ..now };
        assert!(Feed::behind(&ledger, later).unwrap().is_none());
    }

    #[test]
    fn batches_are_bounded_by_bytes() {
        let ledger = Ledger::memory("stack", "instance", 4);
        append(&ledger, 3);
        let mut feed = Feed::behind(&ledger, Cursor::START).unwrap().unwrap();
        assert_eq!(feed.read(&ledger, 10, 1).unwrap().len(), 1);
        assert_eq!(feed.read(&ledger, 10, 1 << 20).unwrap().len(), 2);
        assert!(feed.read(&ledger, 10, 1 << 20).unwrap().is_empty());
        append(&ledger, 6);
        assert_eq!(seqs(&feed.read(&ledger, 10, 1 << 20).unwrap()), [6, 7, 8, 9], "two were forgotten");
    }
}
