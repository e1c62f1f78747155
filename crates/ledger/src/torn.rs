//! Whether bytes that are no frame are an incomplete tail, which a crash leaves, or damage, which
//! must never be cut away. A crash leaves *holes*: sectors of the last batch that never arrived and
//! still hold the zeros of the prepared file. Damage changes bytes that did arrive.
//!
//! INVARIANT no acknowledged record is cut: a batch behind the hole proves that the hole's batch
//! was synced, and then it is damage.

use crate::frame::{self, Decoded, Frame, HEADER_BYTES};

/// The least that a disk writes at once.
const SECTOR_BYTES: u64 = 512;

/// What the end of a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Only zeros.
    Unused,
    /// A batch that was being written: this many bytes of it.
    Incomplete(usize),
    Damage(&'static str),
}

/// Judges the bytes from the end of the last good frame, at `offset` of the file, to the file's end.
/// `expected_seq` is the seq that the next frame must have.
pub(crate) fn judge(tail: &[u8], offset: u64, expected_seq: u64) -> Judgement {
    let Some(last) = tail.iter().rposition(|byte| *byte != 0) else { return Judgement::Unused };
    let used = last + 1;
    if tail.iter().map(|byte| byte.count_ones()).sum::<u32>() == 1 {
        return Judgement::Damage("a bit is set in the unused part");
    }
    if let Some(damage) = flipped_header(tail) {
        return Judgement::Damage(damage);
    }
    if !has_hole(tail, used, offset) {
        return Judgement::Damage("a frame is complete but not as it was written");
    }
    if later_batch(tail, expected_seq) {
        return Judgement::Damage("a frame is not as it was written, and later ones follow");
    }
    Judgement::Incomplete(used)
}

/// Whether one flipped bit in the header is all that keeps the frame from being good.
fn flipped_header(tail: &[u8]) -> Option<&'static str> {
    let end = frame::MAX_FRAME_BYTES.min(tail.len());
    let mut copy = tail.get(..end).unwrap_or_default().to_vec();
    for bit in 0..HEADER_BYTES * 8 {
        let mask = 1_u8 << (bit % 8);
        if let Some(byte) = copy.get_mut(bit / 8) {
            *byte ^= mask;
        }
        if let Decoded::Frame(_) = frame::decode(&copy) {
            return Some("a bit of a frame's header has changed");
        }
        if let Some(byte) = copy.get_mut(bit / 8) {
            *byte ^= mask;
        }
    }
    None
}

/// Whether a part of the first frame never arrived. A record is text that ends in a brace, and no
/// sector of a frame is all zero, so a zero where neither can be is a hole.
fn has_hole(tail: &[u8], used: usize, offset: u64) -> bool {
    if used < HEADER_BYTES {
        return true;
    }
    let size = match frame::decode(tail) {
        Decoded::Short(size) => size,
        _ => frame::length_of(tail).map_or(HEADER_BYTES, |length| HEADER_BYTES + length),
    };
    // Padding is zero in a complete frame too, so only what the record covers counts.
    let covered = frame::length_of(tail).map_or(size, |length| HEADER_BYTES + length);
    if used < covered {
        return true;
    }
    let mut start = 0;
    while start < covered {
        let place = offset.saturating_add(u64::try_from(start).unwrap_or(u64::MAX));
        let to_boundary = usize::try_from(SECTOR_BYTES - place % SECTOR_BYTES).unwrap_or(512);
        let end = start.saturating_add(to_boundary).min(covered);
        if tail.get(start..end).is_some_and(|sector| sector.iter().all(|byte| *byte == 0)) {
            return true;
        }
        start = end;
    }
    false
}

/// Whether a good frame of a batch that began after `expected_seq` follows.
fn later_batch(tail: &[u8], expected_seq: u64) -> bool {
    let mut place = 8;
    while let Some(rest) = tail.get(place..).filter(|rest| rest.len() >= HEADER_BYTES) {
        let step = match frame::decode(rest) {
            Decoded::Frame(Frame { seq, batch_place, record, .. }) => {
                if seq.saturating_sub(u64::from(batch_place)) > expected_seq {
                    return true;
                }
                frame::frame_bytes(record.len())
            }
            _ => 8,
        };
        place = place.saturating_add(step);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_dpr::Kind;

    /// Frames of about 700 bytes, three to a batch, from seq 10 on.
    fn frames(count: u64) -> (Vec<u8>, Vec<usize>) {
        let (mut out, mut starts) = (Vec::new(), Vec::new());
        for index in 0..count {
            starts.push(out.len());
            let start = out.len();
            out.resize(start + HEADER_BYTES, 0);
            out.extend_from_slice(format!("{{\"a\":\"{}\"}}", "x".repeat(690 + starts.len())).as_bytes());
            frame::finish(&mut out, start, 10 + index, Kind::Decision, u16::try_from(index % 3).unwrap());
        }
        (out, starts)
    }

    fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.resize(bytes.len() + 5_000, 0);
        bytes
    }

    #[test]
    fn zeros_are_unused() {
        assert_eq!(judge(&[0; 4_096], 512, 1), Judgement::Unused);
        assert_eq!(judge(&[], 512, 1), Judgement::Unused);
    }

    #[test]
    fn a_tail_cut_anywhere_is_incomplete() {
        let (bytes, _) = frames(1);
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for length in 1..end {
            assert!(
                matches!(judge(&bytes[..length], 512, 10), Judgement::Incomplete(_)),
                "file ends after {length}"
            );
            let zeroed = padded(bytes[..length].to_vec());
            assert!(matches!(judge(&zeroed, 512, 10), Judgement::Incomplete(_)), "zeros after {length}");
        }
    }

    #[test]
    fn a_missing_sector_is_incomplete_only_within_the_last_batch() {
        let (bytes, starts) = frames(3);
        for sector in 0..bytes.len() / 512 {
            let mut holed = padded(bytes.clone());
            holed[sector * 512..(sector + 1) * 512].fill(0);
            // As recovery does: behind the frames that are good.
            let first_bad =
                starts.iter().position(|start| !matches!(frame::decode(&holed[*start..]), Decoded::Frame(_)));
            let Some(first_bad) = first_bad else { continue };
            let tail = &holed[starts[first_bad]..];
            let offset = 512 + u64::try_from(starts[first_bad]).unwrap();
            let judgement = judge(tail, offset, 10 + u64::try_from(first_bad).unwrap());
            assert!(matches!(judgement, Judgement::Incomplete(_)), "sector {sector}: {judgement:?}");
        }
        let (bytes, _) = frames(4);
        let mut holed = padded(bytes);
        holed[512..1_024].fill(0);
        assert!(matches!(judge(&holed, 512, 10), Judgement::Damage(_)));
    }

    #[test]
    fn every_flipped_bit_is_damage() {
        for count in [1, 2, 4] {
            let (bytes, starts) = frames(count);
            let good = padded(bytes);
            for bit in (0..starts.get(1).map_or(900, |start| start * 8)).chain([good.len() * 8 - 9]) {
                let mut flipped = good.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                if matches!(frame::decode(&flipped), Decoded::Frame(_)) {
                    continue;
                }
                let judgement = judge(&flipped, 512, 10);
                assert!(matches!(judgement, Judgement::Damage(_)), "bit {bit} of {count}: {judgement:?}");
            }
        }
        let mut padding = vec![0; 9_000];
        padding[4_321] = 16;
        assert!(matches!(judge(&padding, 512, 10), Judgement::Damage(_)));
    }
}
