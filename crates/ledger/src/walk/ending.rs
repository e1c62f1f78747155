//! The end of a segment on a walk: sealed and as its manifest says, or the end of the ledger, perhaps with
//! a writer at it, or damage.

use faramesh_call::Timestamp;

use super::{Boundary, End, LIVE_LOOKS, LIVE_PAUSE, Open, Walk, segments_of};
use crate::compacted::Compactions;
use crate::damage::{WalkError, damage, io_error};
use crate::disk;
use crate::frame::{self, Decoded, Fault};
use crate::manifest::{self, Manifest};
use crate::sealed;
use crate::segment;
use crate::torn::{self, Judgement};

impl Walk {
    /// Gives the sealed segments that the walk came by their manifests; tells of the last of them. What fails
    /// is no hindrance: they are made at the next open.
    pub(crate) fn give_manifests(&mut self, now: Timestamp) -> Option<Boundary> {
        let mut last = None;
        for mut boundary in self.boundaries.drain(..) {
            if !boundary.is_sealed {
                boundary.manifest.sealed_at = now;
                let _ = boundary.manifest.write(self.disk.as_ref(), &self.directory);
            }
            last = Some(boundary);
        }
        last
    }

    /// No frame stands at the place: the end of a segment, the end of the ledger, or damage.
    pub(super) fn finish(&mut self, mut open: Open, fault: Option<Fault>) -> Result<(), WalkError> {
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
        let sealed = self.last_sealed()?;
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
            _ if !is_last => self.seal(&open, length),
            _ if sealed >= open.header.number => {
                let missing = self.directory.join(segment::file_name(open.header.number + 1));
                Err(damage(&missing, 0, self.next_seq(), "segment", "the file", "nothing"))
            }
            Judgement::Unused | Judgement::Incomplete(_) => {
                self.compactions.check(&self.directory)?;
                let incomplete = if let Judgement::Incomplete(bytes) = judgement { bytes } else { 0 };
                let (segment, capacity) = (open.header.number, open.header.capacity);
                self.end = Some(End { segment, offset, capacity, file_length: length, incomplete });
                Ok(())
            }
        }
    }

    /// The end of a sealed segment: it must be as its manifest says.
    fn seal(&mut self, open: &Open, length: u64) -> Result<(), WalkError> {
        if !self.seals {
            return Ok(());
        }
        let (hash, bytes) = open.file_sha256(length).map_err(|error| io_error(&open.path, error))?;
        let manifest = open.tally.manifest(&open.header, self.chain.hash(), hash, bytes);
        let (disk, directory) = (self.disk.as_ref(), &self.directory);
        let known = Manifest::read(disk, directory, manifest.segment, manifest.last_seq)?;
        if let Some(known) = &known {
            known.compare(directory, &manifest)?;
        }
        self.sealed = sealed::with(&self.sealed, &manifest);
        let resume = if self.resumes { self.chain.resume() } else { None };
        let compactions = if self.resumes { self.compactions.clone() } else { Compactions::default() };
        let (is_sealed, sealed) = (known.is_some(), self.sealed);
        self.boundaries.push(Boundary { manifest, is_sealed, resume, compactions, sealed });
        Ok(())
    }

    /// The last segment that has a manifest, and so another behind it; 0 for none.
    fn last_sealed(&self) -> Result<u64, WalkError> {
        if !self.seals || !self.waiting.is_empty() {
            return Ok(0);
        }
        let names = disk::retry(|| self.disk.list(&self.directory));
        let names = names.map_err(|error| io_error(&self.directory, error))?;
        Ok(names.iter().filter_map(|name| manifest::number_of(name)).max().unwrap_or(0))
    }

    /// Whether segments behind `number` have appeared.
    fn follow(&mut self, number: u64) -> Result<bool, WalkError> {
        let all = segments_of(self.disk.as_ref(), &self.directory)?;
        self.waiting.extend(all.into_iter().filter(|other| *other > number));
        Ok(!self.waiting.is_empty())
    }
}
