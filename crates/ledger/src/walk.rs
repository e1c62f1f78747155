//! Every record of a folder, in order and verified: segment headers, frames, canonical bytes, chain,
//! and the zeros behind the last frame. Recovery, `audit verify` and readers all walk this way; they
//! differ in what they do with the end.
//!
//! INVARIANT bounded: a buffer of one read and one frame; of an incomplete tail at most the rest of
//! its segment is held.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_dpr::{Chain, Hash, Record};

use crate::damage::{WalkError, damage, hex, io_error, record_damage};
use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::frame::{self, Decoded, Fault};
use crate::index::Cursor;
use crate::segment::{self, Header};
use crate::torn::{self, Judgement};

const READ_BYTES: usize = 1 << 20;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Location {
    /// The number of the segment.
    pub segment: u64,
    /// The byte of the segment's file that its frame begins at.
    pub offset: u64,
}

/// One record of the walk.
#[derive(Debug)]
pub(crate) struct Step {
    pub location: Location,
    pub record: Record,
    pub hash: Hash,
}

/// Where the walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub segment: u64,
    /// Behind the last good frame.
    pub offset: u64,
    /// The capacity that the segment's header promises.
    pub capacity: u64,
    pub file_length: u64,
    /// Bytes of a batch that was being written.
    pub incomplete: usize,
}

struct Open {
    header: Header,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    length: u64,
    /// Bytes of the file from `base` on.
    buffer: Vec<u8>,
    base: u64,
    /// Where in the buffer the next frame begins.
    at: usize,
}

pub(crate) struct Walk {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    waiting: VecDeque<u64>,
    current: Option<Open>,
    pub chain: Chain,
    pub segments: u64,
    /// A writer may be at work: an incomplete tail is looked at again.
    live: bool,
    end: Option<End>,
}

/// How often, and how long apart, a tail that a live writer may be at is read again.
const LIVE_LOOKS: u32 = 4;
const LIVE_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

pub(crate) fn segments_of(disk: &dyn Disk, directory: &Path) -> Result<Vec<u64>, WalkError> {
    let names = disk::retry(|| disk.list(directory));
    let names = names.map_err(|error| WalkError::Io { file: directory.into(), error })?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

impl Walk {
    pub(crate) fn new(disk: Arc<dyn Disk>, directory: &Path, live: bool) -> Result<Self, WalkError> {
        let waiting = VecDeque::from(segments_of(disk.as_ref(), directory)?);
        let (directory, chain) = (directory.to_path_buf(), Chain::genesis());
        Ok(Self { disk, directory, waiting, current: None, chain, segments: 0, live, end: None })
    }

    /// A walk of a folder that a writer may be at, from behind `cursor`, or from the beginning.
    pub(crate) fn behind(
        disk: Arc<dyn Disk>,
        directory: &Path,
        cursor: Option<Cursor>,
    ) -> Result<Self, WalkError> {
        let mut walk = Self::new(disk, directory, true)?;
        if let Some(cursor) = cursor {
            walk.waiting.retain(|number| *number >= cursor.location.segment);
            walk.chain = Chain::anywhere();
            walk.segments = cursor.location.segment.saturating_sub(1);
            if let Some(number) = walk.waiting.pop_front() {
                let mut open = walk.open(number)?;
                open.base = cursor.location.offset;
                walk.current = Some(open);
                // The cursor's own record, so that the chain is followed from it.
                walk.step()?;
            }
        }
        Ok(walk)
    }

    /// Where the walk ended; `None` while it goes on, or when there is no segment.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Has what was read ahead read anew: a writer may have written there since.
    pub(crate) fn refresh(&mut self) {
        if let Some(open) = &mut self.current {
            open.forget();
        }
    }

    fn next_seq(&self) -> u64 {
        self.chain.seq().saturating_add(1)
    }

    /// The next record; `None` at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Step>, WalkError> {
        loop {
            if self.end.is_some() {
                return Ok(None);
            }
            let Some(mut open) = self.current.take() else {
                let Some(number) = self.waiting.pop_front() else { return Ok(None) };
                self.current = Some(self.open(number)?);
                continue;
            };
            let found = open.next().map_err(|error| io_error(&open.path, error))?;
            match found {
                Found::Frame { offset, seq, start, length } => {
                    let step = self.check(&open, offset, seq, start, length)?;
                    self.current = Some(open);
                    return Ok(Some(step));
                }
                Found::Other(fault) => self.finish(open, fault)?,
            }
        }
    }

    fn open(&mut self, number: u64) -> Result<Open, WalkError> {
        let path = self.directory.join(segment::file_name(number));
        let expected = self.segments.saturating_add(1);
        if number != expected {
            let missing = self.directory.join(segment::file_name(expected));
            return Err(damage(&missing, 0, self.next_seq(), "segment", "the file", "nothing"));
        }
        let file = disk::retry(|| self.disk.open(&path, OpenMode::Read));
        let file = file.map_err(|error| io_error(&path, error))?;
        let length = disk::retry(|| file.length()).map_err(|error| io_error(&path, error))?;
        let mut head = [0; 512];
        disk::read_full_at(file.as_ref(), &mut head, 0).map_err(|error| io_error(&path, error))?;
        let Some(header) = Header::decode(&head) else {
            let (expected, found) = ("the header of a segment", "something else");
            return Err(damage(&path, 0, self.next_seq(), "segment", expected, found));
        };
        self.check_header(&path, &header, number, length)?;
        self.segments = number;
        let base = segment::HEADER_BYTES;
        Ok(Open { header, file, path, length, buffer: Vec::new(), base, at: 0 })
    }

    fn check_header(&self, path: &Path, header: &Header, number: u64, length: u64) -> Result<(), WalkError> {
        let wrong = |field: &str, expected: String, found: String| {
            Err(damage(path, 0, self.next_seq(), field, &expected, &found))
        };
        if header.number != number {
            return wrong("segment", number.to_string(), header.number.to_string());
        }
        // A walk that begins in the middle knows nothing of what stands before.
        let known = number == 1 || self.chain.seq() > 0;
        if known && header.first_seq != self.next_seq() {
            return wrong("seq", self.next_seq().to_string(), header.first_seq.to_string());
        }
        if known && header.prev != self.chain.hash() {
            return wrong("prev", hex(&self.chain.hash()), hex(&header.prev));
        }
        if length > header.capacity {
            return wrong("segment", format!("{} bytes", header.capacity), format!("{length} bytes"));
        }
        Ok(())
    }

    fn check(
        &mut self,
        open: &Open,
        offset: u64,
        seq: u64,
        start: usize,
        length: usize,
    ) -> Result<Step, WalkError> {
        let bytes = open.buffer.get(start..start + length).unwrap_or_default();
        let record = Record::parse(bytes).map_err(|error| record_damage(&open.path, offset, seq, &error))?;
        if record.seq() != seq {
            let (expected, found) = (seq.to_string(), record.seq().to_string());
            return Err(damage(&open.path, offset, seq, "seq", &expected, &found));
        }
        let hash = self.chain.feed(&record).map_err(|broken| {
            damage(&open.path, offset, seq, broken.field, &broken.expected, &broken.found)
        })?;
        let location = Location { segment: open.header.number, offset };
        Ok(Step { location, record, hash })
    }

    /// No frame stands at the place: the end of a segment, the end of the ledger, or damage.
    fn finish(&mut self, mut open: Open, fault: Option<Fault>) -> Result<(), WalkError> {
        let offset = open.offset();
        let mut looks = 0;
        let (judgement, length) = loop {
            let length = disk::retry(|| open.file.length()).map_err(|error| io_error(&open.path, error))?;
            let tail = open.tail(length).map_err(|error| io_error(&open.path, error))?;
            let judgement = torn::judge(&tail, offset, self.next_seq());
            let writer_may_be_here = self.live && self.waiting.is_empty();
            if judgement == Judgement::Unused || !writer_may_be_here || looks >= LIVE_LOOKS {
                break (judgement, length);
            }
            if matches!(frame::decode(&tail), Decoded::Frame(_)) {
                // The frame was being written a moment ago and is whole now.
                open.forget();
                self.current = Some(open);
                return Ok(());
            }
            looks += 1;
            std::thread::sleep(LIVE_PAUSE);
        };
        if self.live && self.waiting.is_empty() && self.follow(open.header.number)? {
            // The writer went on to another segment: read here once more, now that it is sealed.
            open.forget();
            self.current = Some(open);
            return Ok(());
        }
        let is_last = self.waiting.is_empty();
        let wrong = |field, expected: &str, found: &str| {
            Err(damage(&open.path, offset, self.next_seq(), field, expected, found))
        };
        match judgement {
            Judgement::Damage(found) => {
                let found = fault.map_or_else(|| found.to_owned(), |fault| format!("{fault} ({found})"));
                wrong("frame", "a frame or zeros", &found)
            }
            Judgement::Incomplete(_) if !is_last => {
                wrong("frame", "a whole frame, because another segment follows", "an incomplete one")
            }
            _ if !is_last && length != open.header.capacity => {
                wrong("segment", &format!("{} bytes", open.header.capacity), &format!("{length} bytes"))
            }
            _ if !is_last => Ok(()),
            Judgement::Unused | Judgement::Incomplete(_) => {
                let incomplete = if let Judgement::Incomplete(bytes) = judgement { bytes } else { 0 };
                let (segment, capacity) = (open.header.number, open.header.capacity);
                self.end = Some(End { segment, offset, capacity, file_length: length, incomplete });
                Ok(())
            }
        }
    }

    /// Whether segments behind `number` have appeared.
    fn follow(&mut self, number: u64) -> Result<bool, WalkError> {
        let all = segments_of(self.disk.as_ref(), &self.directory)?;
        self.waiting.extend(all.into_iter().filter(|other| *other > number));
        Ok(!self.waiting.is_empty())
    }
}

enum Found {
    Frame { offset: u64, seq: u64, start: usize, length: usize },
    Other(Option<Fault>),
}

impl Open {
    /// Where in the file the next frame begins.
    fn offset(&self) -> u64 {
        self.base.saturating_add(u64::try_from(self.at).unwrap_or(u64::MAX))
    }

    fn next(&mut self) -> io::Result<Found> {
        loop {
            let offset = self.offset();
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            match frame::decode(rest) {
                Decoded::Frame(frame) => {
                    let (start, length) = (self.at + frame::HEADER_BYTES, frame.record.len());
                    self.at += frame::frame_bytes(length);
                    return Ok(Found::Frame { offset, seq: frame.seq, start, length });
                }
                Decoded::Zero => return Ok(Found::Other(None)),
                Decoded::Bad(fault) => return Ok(Found::Other(Some(fault))),
                Decoded::Short(needed) => {
                    let whole = self.read(needed)?;
                    let missing = needed.saturating_sub(self.buffer.len());
                    if !whole && missing < 8 {
                        // A file that ends within the padding of a frame holds all of its record.
                        self.buffer.resize(needed, 0);
                    } else if !whole {
                        return Ok(Found::Other(None));
                    }
                }
            }
        }
    }

    /// Moves the buffer on to the next frame; false when the file has no `needed` bytes there.
    fn read(&mut self, needed: usize) -> io::Result<bool> {
        let offset = self.offset();
        self.buffer.drain(..self.at.min(self.buffer.len()));
        (self.base, self.at) = (offset, 0);
        let have = self.buffer.len();
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = needed.max(READ_BYTES).min(left).max(have);
        self.buffer.resize(wanted, 0);
        let place = offset.saturating_add(u64::try_from(have).unwrap_or(u64::MAX));
        let rest = self.buffer.get_mut(have..).unwrap_or_default();
        let read = disk::read_full_at(self.file.as_ref(), rest, place)?;
        self.buffer.truncate(have + read);
        Ok(self.buffer.len() >= needed)
    }

    /// Drops what was read, so that the file is read anew.
    fn forget(&mut self) {
        (self.base, self.at) = (self.offset(), 0);
        self.buffer.clear();
    }

    /// The file from the next frame on; empty when it holds only zeros, without holding them.
    fn tail(&self, length: u64) -> io::Result<Vec<u8>> {
        let mut tail: Vec<u8> = Vec::new();
        let mut zeros = 0_usize;
        let mut chunk = vec![0; READ_BYTES];
        let mut place = self.offset();
        while place < length {
            let read = disk::read_full_at(self.file.as_ref(), &mut chunk, place)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            place = place.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if is_zero(bytes) {
                zeros += read;
                continue;
            }
            tail.resize(tail.len() + std::mem::take(&mut zeros), 0);
            tail.extend_from_slice(bytes);
        }
        Ok(tail)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    // In portions, because a search that may stop at each byte is many times slower.
    bytes.chunks(4_096).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}
