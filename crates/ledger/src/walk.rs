//! Every record of a folder, in order and verified: segment headers, frames, canonical bytes, chain,
//! and the zeros behind the last frame. Recovery, `audit verify` and readers all walk this way; they
//! differ in what they do with the end.
//!
//! INVARIANT bounded: a buffer of one read and one frame; of an incomplete tail at most the rest of
//! its segment is held.

mod absent;
mod ending;
mod reading;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_dpr::{Chain, Hash, Record, RecordId, Resume, Running};

use faramesh_verify::leaf;

use crate::archive::Archives;
use crate::compacted::{self, ArchivedSegment, Compacted, Compactions};
use crate::damage::{WalkError, damage, hex, io_error, record_damage};
use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::index::Cursor;
use crate::manifest::{Manifest, Tally};
use crate::sealed;
use crate::segment::{self, Header};
use crate::snapshot::Snapshot;
use reading::Found;

/// What is read at once: small enough to stay near the processor until it was looked at.
const READ_BYTES: usize = 256 << 10;

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
    /// The hash as a leaf of trees; of whoever compares no manifests there is none.
    pub leaf: Option<Hash>,
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

/// The end of a sealed segment.
#[derive(Debug)]
pub(crate) struct Boundary {
    /// What the segment holds, as it was found.
    pub manifest: Manifest,
    /// Whether its manifest is in the folder.
    pub is_sealed: bool,
    /// The chain behind it, when that is wanted.
    pub resume: Option<Resume>,
    /// The compactions that the chain tells of up to it, when the chain is wanted.
    pub compactions: Compactions,
    /// The digest over the manifests up to it.
    pub sealed: Hash,
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
    tally: Tally,
    /// The hash of the file up to the next frame, when its manifest is compared.
    hashed: Running,
    /// What the segment left, when its body is read from an archive.
    left: Option<Compacted>,
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
    /// Segments are compared with their manifests, and their ends told in `boundaries`.
    seals: bool,
    /// The ends that the walk has come by, for whoever takes them out.
    pub boundaries: Vec<Boundary>,
    /// Boundaries tell of the chain behind them.
    pub resumes: bool,
    /// The segment behind which the walk ends, when it is not to go on to the last.
    pub until: Option<u64>,
    /// The digest over the manifests of the segments that the walk came by.
    sealed: Hash,
    compacted: Option<Compacted>,
    pub compactions: Compactions,
    /// Compacted segments that the walk has come by, when it compares them.
    pub archived: Vec<ArchivedSegment>,
    /// Where bodies that are not in the folder are read, if they are.
    pub archives: Option<Arc<dyn Archives>>,
    /// The largest id of records that were passed over.
    pub last_id: RecordId,
}

/// What the walk comes by.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack, while a folder is walked")]
pub(crate) enum Item {
    Record(Step),
    /// A record whose body is in an archive.
    Digest {
        seq: u64,
        hash: Hash,
    },
}

/// The body of a compacted segment in an archive: its place, the file there, and what the segment left.
type Body = (PathBuf, Arc<dyn DiskFile>, Compacted);

/// How often, and how long apart, a tail that a live writer may be at is read again.
const LIVE_LOOKS: u32 = 4;
const LIVE_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

pub(crate) fn segments_of(disk: &dyn Disk, directory: &Path) -> Result<Vec<u64>, WalkError> {
    let names = disk::retry(|| disk.list(directory));
    let names = names.map_err(|error| WalkError::Io { file: directory.into(), error })?;
    let bodies = names.iter().filter_map(|name| segment::number_of(name));
    let mut numbers: Vec<u64> = bodies.chain(compacted::numbers(&names)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

impl Walk {
    pub(crate) fn new(disk: Arc<dyn Disk>, directory: &Path, live: bool) -> Result<Self, WalkError> {
        let waiting = VecDeque::from(segments_of(disk.as_ref(), directory)?);
        Ok(Self {
            disk,
            directory: directory.to_path_buf(),
            waiting,
            current: None,
            chain: Chain::genesis(),
            segments: 0,
            live,
            end: None,
            seals: false,
            boundaries: Vec::new(),
            resumes: false,
            until: None,
            sealed: sealed::NOTHING,
            compacted: None,
            compactions: Compactions::default(),
            archived: Vec::new(),
            archives: None,
            last_id: RecordId::default(),
        })
    }

    /// A walk from the beginning that also compares every sealed segment with its manifest.
    pub(crate) fn whole(disk: Arc<dyn Disk>, directory: &Path, live: bool) -> Result<Self, WalkError> {
        Ok(Self { seals: true, ..Self::new(disk, directory, live)? })
    }

    /// A walk of one segment, behind which another stands, for its manifest.
    pub(crate) fn sealed(disk: Arc<dyn Disk>, directory: &Path, number: u64) -> Result<Self, WalkError> {
        let mut walk = Self::whole(disk, directory, false)?;
        walk.waiting.retain(|other| *other >= number && *other <= number + 1);
        walk.segments = number.saturating_sub(1);
        if number > 1 {
            walk.chain = Chain::anywhere();
        }
        Ok(walk)
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
                match walk.open(number)? {
                    Some(mut open) => {
                        open.base = cursor.location.offset;
                        walk.current = Some(open);
                        // The cursor's own record, so that the chain is followed from it.
                        walk.step()?;
                    }
                    // Compacted meanwhile: what it left and is behind the cursor comes again.
                    None => while walk.step()?.is_some_and(|step| step.record.seq() < cursor.seq) {},
                }
            }
        }
        Ok(walk)
    }

    /// A walk on from behind a sealed segment, that knows of it what a walk from the beginning would.
    pub(crate) fn resumed(
        disk: Arc<dyn Disk>,
        directory: &Path,
        from: &Snapshot,
        live: bool,
    ) -> Result<Self, WalkError> {
        let mut walk = Self::whole(disk, directory, live)?;
        walk.waiting.retain(|number| *number > from.segment);
        walk.segments = from.segment;
        walk.chain = Chain::resumed(&from.resume);
        walk.compactions = from.compactions.clone();
        walk.sealed = from.sealed;
        walk.last_id = from.last_id;
        Ok(walk)
    }

    /// The last segment that has another behind it; 0 for none. While the walk has not begun.
    pub(crate) fn last_sealed_waiting(&self) -> u64 {
        self.waiting.iter().rev().nth(1).copied().unwrap_or(0)
    }

    fn is_far_enough(&self) -> bool {
        let between = self.current.is_none() && self.compacted.is_none();
        between && self.until.is_some_and(|until| self.segments >= until)
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

    /// The next record that is in the folder; `None` at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Step>, WalkError> {
        loop {
            match self.next_item()? {
                Some(Item::Record(step)) => return Ok(Some(step)),
                Some(Item::Digest { .. }) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next record, in the folder or not; `None` at the end.
    pub(crate) fn next_item(&mut self) -> Result<Option<Item>, WalkError> {
        loop {
            if self.end.is_some() || self.is_far_enough() {
                return Ok(None);
            }
            if let Some(item) = self.left() {
                return Ok(Some(item));
            }
            let Some(mut open) = self.current.take() else {
                let Some(number) = self.waiting.pop_front() else { return self.no_more() };
                self.current = self.open(number)?;
                continue;
            };
            let found = open.next().map_err(|error| io_error(&open.path, error))?;
            match found {
                Found::Frame { offset, seq, start, length } => {
                    let hash = open.hash(start, length, self.seals);
                    let mut step = self.check(&open, (offset, seq), (start, length), hash)?;
                    if self.seals {
                        let leaf = leaf(&hash);
                        open.tally.add_leaf(leaf, step.record.time());
                        step.leaf = Some(leaf);
                        self.compactions.record(&step.record);
                    }
                    self.current = Some(open);
                    return Ok(Some(Item::Record(step)));
                }
                Found::Other(fault) => self.finish(open, fault)?,
            }
        }
    }

    /// Opens a segment; `None` when it is compacted and its body is not to be read.
    fn open(&mut self, number: u64) -> Result<Option<Open>, WalkError> {
        let path = self.directory.join(segment::file_name(number));
        let expected = self.segments.saturating_add(1);
        if number != expected {
            let missing = self.directory.join(segment::file_name(expected));
            return Err(damage(&missing, 0, self.next_seq(), "segment", "the file", "nothing"));
        }
        let (path, file, left) = match disk::retry(|| self.disk.open(&path, OpenMode::Read)) {
            Ok(file) => (path, file, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.absent(number, &path)? {
                Some((path, file, left)) => (path, file, Some(left)),
                None => return Ok(None),
            },
            Err(error) => return Err(io_error(&path, error)),
        };
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
        let (tally, mut hashed) = (Tally::default(), Running::default());
        hashed.update(&head);
        Ok(Some(Open { header, file, path, length, buffer: Vec::new(), base, at: 0, tally, hashed, left }))
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
        (offset, seq): (u64, u64),
        (start, length): (usize, usize),
        hash: Hash,
    ) -> Result<Step, WalkError> {
        let bytes = open.buffer.get(start..start + length).unwrap_or_default();
        let record = Record::parse(bytes).map_err(|error| record_damage(&open.path, offset, seq, &error))?;
        if record.seq() != seq {
            let (expected, found) = (seq.to_string(), record.seq().to_string());
            return Err(damage(&open.path, offset, seq, "seq", &expected, &found));
        }
        let hash = self.chain.feed_hashed(&record, hash).map_err(|broken| {
            damage(&open.path, offset, seq, broken.field, &broken.expected, &broken.found)
        })?;
        let digest = open.left.as_ref().map(|left| left.digest(seq.saturating_sub(open.header.first_seq)));
        if let Some(digest) = digest.filter(|digest| *digest != Some(hash)) {
            let expected = digest.map_or_else(|| "no record".to_owned(), |digest| hex(&digest));
            return Err(damage(&open.path, offset, seq, "digest", &expected, &hex(&hash)));
        }
        let location = Location { segment: open.header.number, offset };
        Ok(Step { location, record, hash, leaf: None })
    }
}
