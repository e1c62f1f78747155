//! How a record lies in a segment. All numbers are little-endian; frames begin at multiples of 8.
//!
//! ```text
//! 0  magic "FRMF"   4  version 1   5  kind   6  place in its batch, u16
//! 8  length, u32   12  CRC-32C over everything else   16  seq, u64   24  the record, zeros to 8
//! ```
//!
//! The place in the batch tells recovery which frames shared one sync: those behind a hole were
//! never acknowledged when they belong to the batch that the hole is in.

use faramesh_dpr::Kind;

/// Bytes before the record.
pub(crate) const HEADER_BYTES: usize = 24;
/// Largest frame, header and padding included.
pub(crate) const MAX_FRAME_BYTES: usize = 2 << 20;
const MAGIC: [u8; 4] = *b"FRMF";
const VERSION: u8 = 1;

/// A frame whose CRC was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub seq: u64,
    pub kind: Kind,
    /// How many frames of the same sync stand before it.
    pub batch_place: u16,
    pub record: &'a [u8],
}

/// What stands at a place where a frame should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoded<'a> {
    Frame(Frame<'a>),
    /// The header is all zero: unused, or a hole.
    Zero,
    /// More bytes are needed: this many from the start of the frame.
    Short(usize),
    Bad(Fault),
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the frame does not begin with its magic number")]
    Magic,
    #[error("the frame's version, kind or length is not valid")]
    Header,
    #[error("the frame's checksum is wrong")]
    Checksum,
    #[error("the bytes between frames are not zero")]
    Padding,
}

/// A frame's size on disk for a record of `length` bytes.
pub(crate) fn frame_bytes(length: usize) -> usize {
    HEADER_BYTES.saturating_add(length).next_multiple_of(8)
}

/// Completes the frame whose record was appended to `out` behind [`HEADER_BYTES`] placeholder bytes
/// at `start`.
pub(crate) fn finish(out: &mut Vec<u8>, start: usize, seq: u64, kind: Kind, batch_place: u16) {
    let length = out.len().saturating_sub(start + HEADER_BYTES);
    out.resize(start + frame_bytes(length), 0);
    let frame = out.get_mut(start..).unwrap_or_default();
    let mut header = [0_u8; HEADER_BYTES];
    let [place_low, place_high] = batch_place.to_le_bytes();
    let length_bytes = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let parts: [&[u8]; 5] = [
        &MAGIC,
        &[VERSION, kind.number(), place_low, place_high],
        &length_bytes,
        &[0; 4],
        &seq.to_le_bytes(),
    ];
    for (byte, part) in header.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *part;
    }
    let record = frame.get(HEADER_BYTES..HEADER_BYTES + length).unwrap_or_default();
    let checksum = checksum(&header, record).to_le_bytes();
    for (byte, part) in header.iter_mut().skip(12).zip(checksum) {
        *byte = part;
    }
    if let Some(front) = frame.first_chunk_mut::<HEADER_BYTES>() {
        *front = header;
    }
}

/// Over the header, whose checksum must be zero or is taken as zero, and the record.
fn checksum(header: &[u8; HEADER_BYTES], record: &[u8]) -> u32 {
    let (front, back) = header.split_at(12);
    let checksum = crc32c::crc32c(front);
    let checksum = crc32c::crc32c_append(checksum, back.get(4..).unwrap_or_default());
    crc32c::crc32c_append(checksum, record)
}

fn number_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// The length of the record that a header promises, when the header is that of a frame.
pub(crate) fn length_of(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER_BYTES>().filter(|header| header.starts_with(&MAGIC))?;
    let length = usize::try_from(u32::from_le_bytes(number_at(header, 8))).ok()?;
    (frame_bytes(length) <= MAX_FRAME_BYTES).then_some(length)
}

/// Reads the frame that `bytes` begin with.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Decoded::Short(HEADER_BYTES);
    };
    if header.iter().all(|byte| *byte == 0) {
        return Decoded::Zero;
    }
    if !header.starts_with(&MAGIC) {
        return Decoded::Bad(Fault::Magic);
    }
    let [version, kind] = number_at::<2>(header, 4);
    let length = usize::try_from(u32::from_le_bytes(number_at(header, 8))).unwrap_or(usize::MAX);
    let size = frame_bytes(length);
    let Some(kind) = Kind::from_number(kind).filter(|_| version == VERSION && size <= MAX_FRAME_BYTES) else {
        return Decoded::Bad(Fault::Header);
    };
    let Some(record) = bytes.get(HEADER_BYTES..HEADER_BYTES + length) else {
        return Decoded::Short(size);
    };
    let Some(padding) = bytes.get(HEADER_BYTES + length..size) else {
        return Decoded::Short(size);
    };
    if checksum(header, record) != u32::from_le_bytes(number_at(header, 12)) {
        return Decoded::Bad(Fault::Checksum);
    }
    if padding.iter().any(|byte| *byte != 0) {
        return Decoded::Bad(Fault::Padding);
    }
    let batch_place = u16::from_le_bytes(number_at(header, 6));
    Decoded::Frame(Frame { seq: u64::from_le_bytes(number_at(header, 16)), kind, batch_place, record })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(record: &[u8], seq: u64) -> Vec<u8> {
        let mut out = vec![0; HEADER_BYTES];
        out.extend_from_slice(record);
        finish(&mut out, 0, seq, Kind::Policy, 3);
        out
    }

    #[test]
    fn what_was_framed_is_read() {
        for length in 0..40 {
            let record = vec![b'x'; length];
            let bytes = frame(&record, 77);
            assert_eq!(bytes.len() % 8, 0);
            let expected = Frame { seq: 77, kind: Kind::Policy, batch_place: 3, record: &record };
            assert_eq!(decode(&bytes), Decoded::Frame(expected));
            for short in 0..bytes.len() {
                assert!(matches!(decode(&bytes[..short]), Decoded::Short(_)), "{short} of {}", bytes.len());
            }
        }
        assert_eq!(decode(&[0; 64]), Decoded::Zero);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let good = frame(b"{\"a\":1}", 5);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(decode(&bytes), Decoded::Frame(_) | Decoded::Zero), "bit {bit}");
        }
    }
}
