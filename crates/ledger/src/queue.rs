//! The side of the ledger that takes records: under one lock a draft gets its place in the chain, its
//! bytes and its place on disk. No I/O here, so that records go on being taken during a sync.
//!
//! INVARIANT room: a record that was taken has its place in the active or in a prepared segment, so
//! a full disk refuses records and never has to take one back.
//! INVARIANT admitted: a record that would not verify is refused here.

use std::collections::VecDeque;

use faramesh_call::{Effect, Timestamp};
use faramesh_dpr::{Chain, Draft, Hash, Position, RecordId};

use crate::frame::{self, HEADER_BYTES, MAX_FRAME_BYTES};
use crate::ids::Ids;
use crate::prepare::Prepared;
use crate::receipt::{Appended, Completion, Unavailable};
use crate::segment::{self, Header};

/// Most records that may wait for a sync. The place of a frame in its batch must fit 16 bits.
const MAX_PENDING: usize = 65_536;
/// Most bytes that may wait for a sync.
const MAX_PENDING_BYTES: usize = 64 << 20;
/// A buffer that grew beyond this is not kept for the next batch.
const MAX_SPARE_BYTES: usize = 4 << 20;

/// A record that waits for its sync.
pub(crate) struct Entry {
    pub id: RecordId,
    pub seq: u64,
    pub hash: Hash,
    /// Where its frame lies: which run, from which byte, how long the record is.
    pub run: usize,
    pub start: usize,
    pub length: usize,
    pub completion: Option<Completion>,
}

/// Frames that go to one segment, one behind the other.
#[derive(Default)]
pub(crate) struct Run {
    /// The segment that begins with this run, when it is not the active one.
    pub segment: Option<Next>,
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// A prepared segment with the header that makes it part of the ledger.
pub(crate) struct Next {
    pub number: u64,
    pub prepared: Prepared,
    pub header: Vec<u8>,
}

/// Records that one sync will keep.
#[derive(Default)]
pub(crate) struct Batch {
    pub runs: Vec<Run>,
    pub entries: Vec<Entry>,
    bytes: usize,
}

impl Batch {
    /// Empties the batch and keeps its buffers.
    pub(crate) fn clear(&mut self) {
        self.runs.truncate(1);
        for run in &mut self.runs {
            run.segment = None;
            run.bytes.clear();
            run.bytes.shrink_to(MAX_SPARE_BYTES);
        }
        self.entries.clear();
        self.entries.shrink_to(MAX_PENDING / 8);
        self.bytes = 0;
    }

    /// The bytes of an entry's record.
    pub(crate) fn record(&self, entry: &Entry) -> &[u8] {
        let start = entry.start.saturating_add(HEADER_BYTES);
        let bytes = self.runs.get(entry.run).map(|run| run.bytes.as_slice());
        bytes.and_then(|bytes| bytes.get(start..start + entry.length)).unwrap_or_default()
    }
}

/// Where the next frame goes, and what is prepared behind it.
#[derive(Default)]
pub(crate) struct Room {
    /// The number of the segment that the last frame went to.
    pub number: u64,
    pub offset: u64,
    pub end: u64,
    pub prepared: VecDeque<Prepared>,
    pub reserve: Option<Prepared>,
    /// A segment was filled since the ledger was opened.
    pub rotated: bool,
    /// Frames go to the reserve: only what denies or tells is taken.
    pub on_reserve: bool,
}

impl Room {
    /// Whether another segment should be prepared before it is needed. A ledger that has filled a
    /// segment since it was opened may be a busy one, so from then on one always stands ready.
    pub(crate) fn is_low(&self) -> bool {
        self.prepared.is_empty() && (self.rotated || self.end.saturating_sub(self.offset) < self.end / 2)
    }
}

/// The taking side of a ledger.
pub(crate) struct Queue {
    pub stack: Box<str>,
    pub instance: Box<str>,
    pub epoch: u64,
    pub chain: Chain,
    pub ids: Ids,
    pub room: Room,
    pub batch: Batch,
    pub spare: Batch,
    /// Somebody writes a batch, and will look at the queue again before this is cleared.
    pub committing: bool,
    /// The committer is to take over.
    pub handed: bool,
    pub stopping: bool,
    /// Somebody waits until nobody commits.
    pub draining: bool,
    /// Why nothing is taken any more.
    pub refusal: Option<Unavailable>,
}

/// What became of a draft.
pub(crate) enum Placed {
    Done(Appended),
    /// A segment with room for this many bytes must be prepared first.
    NoRoom(Completion, u64),
    Refused(Completion, Unavailable),
}

impl Queue {
    /// A queue behind `chain`, in a new epoch.
    pub(crate) fn new(stack: &str, instance: &str, chain: Chain, ids: Ids, room: Room) -> Self {
        Self {
            stack: stack.into(),
            instance: instance.into(),
            epoch: chain.epoch() + 1,
            chain,
            ids,
            room,
            batch: Batch::default(),
            spare: Batch::default(),
            committing: false,
            handed: false,
            stopping: false,
            draining: false,
            refusal: None,
        }
    }

    /// Takes a draft into the chain and the batch.
    pub(crate) fn place(&mut self, draft: &Draft<'_>, now: Timestamp, completion: Completion) -> Placed {
        let room_for_one = Self::has_room(&self.batch);
        let admitted = match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None if !room_for_one => Err(Unavailable::Full),
            None => self.chain.admit(draft).map_err(|broken| Unavailable::Refused(Box::new(broken))),
        };
        if let Err(refusal) = admitted {
            return Placed::Refused(completion, refusal);
        }
        if self.room.on_reserve && draft.effect == Some(Effect::Permit) {
            return Placed::NoRoom(completion, 0);
        }
        let Some(id) = self.ids.next(now) else {
            return Placed::Refused(completion, Unavailable::NoRandomness);
        };
        let (seq, prev) = (self.chain.seq() + 1, self.chain.hash());
        if self.batch.runs.is_empty() {
            self.batch.runs.push(Run::default());
        }
        let run = self.batch.runs.len() - 1;
        let Some(last) = self.batch.runs.last_mut() else {
            return Placed::Refused(completion, Unavailable::Full);
        };
        if last.bytes.is_empty() && last.segment.is_none() {
            last.offset = self.room.offset;
        }
        let start = last.bytes.len();
        last.bytes.resize(start + HEADER_BYTES, 0);
        let (stack, instance, epoch) = (&*self.stack, &*self.instance, self.epoch);
        let position = Position { stack, instance, epoch, seq, time: now, id, prev };
        let hash = draft.seal(&position, &mut last.bytes);
        let length = last.bytes.len() - start - HEADER_BYTES;
        if frame::frame_bytes(length) > MAX_FRAME_BYTES {
            last.bytes.truncate(start);
            return Placed::Refused(completion, Unavailable::TooLarge { bytes: length });
        }
        let place = u16::try_from(self.batch.entries.len()).unwrap_or(u16::MAX);
        frame::finish(&mut last.bytes, start, seq, draft.kind, place);
        let mut entry = Entry { id, seq, hash, run, start, length, completion: None };
        let size = frame::frame_bytes(length);
        if let Err(needed) = self.settle(&mut entry, size, prev) {
            return Placed::NoRoom(completion, needed);
        }
        entry.completion = Some(completion);
        self.batch.bytes += size;
        self.batch.entries.push(entry);
        self.chain.sealed(draft, self.epoch, hash);
        Placed::Done(Appended { id, seq })
    }

    fn has_room(batch: &Batch) -> bool {
        batch.entries.len() < MAX_PENDING && batch.bytes < MAX_PENDING_BYTES
    }

    /// Gives the last frame its place on disk, in the next segment when this one is full; without
    /// one, takes the frame back and says how much room it needs.
    fn settle(&mut self, entry: &mut Entry, size: usize, prev: Hash) -> Result<(), u64> {
        let size_on_disk = u64::try_from(size).unwrap_or(u64::MAX);
        if self.room.offset.saturating_add(size_on_disk) <= self.room.end {
            self.room.offset += size_on_disk;
            return Ok(());
        }
        let frame = self.batch.runs.last_mut().map(|run| run.bytes.split_off(entry.start));
        let needed = segment::HEADER_BYTES.saturating_add(size_on_disk);
        let large_enough = |prepared: &Prepared| prepared.capacity >= needed;
        let Some(index) = self.room.prepared.iter().position(large_enough) else {
            return Err(needed);
        };
        let Some(prepared) = self.room.prepared.remove(index) else { return Err(needed) };
        self.room.number += 1;
        self.room.rotated = true;
        let header = Header {
            number: self.room.number,
            capacity: prepared.capacity,
            epoch: self.epoch,
            first_seq: entry.seq,
            prev,
            stack: self.stack.clone(),
            instance: self.instance.clone(),
        };
        self.room.offset = segment::HEADER_BYTES + size_on_disk;
        self.room.end = prepared.capacity;
        let next = Next { number: self.room.number, header: header.encode(), prepared };
        let offset = segment::HEADER_BYTES;
        self.batch.runs.push(Run { segment: Some(next), offset, bytes: frame.unwrap_or_default() });
        (entry.run, entry.start) = (self.batch.runs.len() - 1, 0);
        Ok(())
    }

    /// The waiting records, for whoever commits them.
    pub(crate) fn take(&mut self) -> Batch {
        let spare = std::mem::take(&mut self.spare);
        std::mem::replace(&mut self.batch, spare)
    }
}
