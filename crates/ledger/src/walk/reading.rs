//! Frames out of one segment's file: a buffer that moves on, and the bytes behind the last frame.

use std::io;

use faramesh_dpr::{Hash, hash_of};

use super::{Open, READ_BYTES};
use crate::disk;
use crate::durable;
use crate::frame::{self, Decoded, Fault};

pub(super) enum Found {
    Frame { offset: u64, seq: u64, start: usize, length: usize },
    Other(Option<Fault>),
}

impl Open {
    /// Where in the file the next frame begins.
    pub(super) fn offset(&self) -> u64 {
        self.base.saturating_add(u64::try_from(self.at).unwrap_or(u64::MAX))
    }

    /// The hash of the record in the frame that [`Open::next`] gave; beside it, that of the file goes on.
    pub(super) fn hash(&mut self, start: usize, length: usize, of_file: bool) -> Hash {
        let record = self.buffer.get(start..start.saturating_add(length)).unwrap_or_default();
        if !of_file {
            return hash_of(record);
        }
        let frame = self.buffer.get(start.saturating_sub(frame::HEADER_BYTES)..self.at).unwrap_or_default();
        self.hashed.update_beside(frame, record)
    }

    /// The hash of the whole file, and how many bytes it has.
    pub(super) fn file_sha256(&self, length: u64) -> io::Result<(Hash, u64)> {
        let offset = self.offset();
        if self.hashed.length() != offset || offset > length {
            return durable::sha256(self.file.as_ref(), length);
        }
        durable::sha256_behind(self.hashed.clone(), self.file.as_ref(), length)
    }

    pub(super) fn next(&mut self) -> io::Result<Found> {
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
    pub(super) fn read(&mut self, needed: usize) -> io::Result<bool> {
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
    pub(super) fn forget(&mut self) {
        (self.base, self.at) = (self.offset(), 0);
        self.buffer.clear();
    }

    /// The file from the next frame on; empty when it holds only zeros, without holding them.
    pub(super) fn tail(&self, length: u64) -> io::Result<Vec<u8>> {
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
