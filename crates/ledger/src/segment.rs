//! A segment file: 512 bytes that say which segment of which ledger it is and what stands before it,
//! then frames, then zeros up to its capacity. Sealed segments are never written again.

use faramesh_dpr::Hash;

/// Bytes before the first frame.
pub(crate) const HEADER_BYTES: u64 = 512;
const HEADER_LENGTH: usize = 512;
/// Longest name of a stack or an instance, in bytes.
pub const MAX_NAME_BYTES: usize = 200;
const MAGIC: &[u8; 8] = b"FRMSEG01";

/// What a segment says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub number: u64,
    /// The file's length.
    pub capacity: u64,
    /// The epoch that began it.
    pub epoch: u64,
    /// The seq of its first record.
    pub first_seq: u64,
    /// The hash of the record before its first.
    pub prev: Hash,
    pub stack: Box<str>,
    pub instance: Box<str>,
}

/// The name of a segment's file.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:08}.wal")
}

/// The number of a segment by its file name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal")?;
    let number = digits.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

impl Header {
    /// The first 512 bytes of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LENGTH);
        out.extend_from_slice(MAGIC);
        for number in [self.number, self.capacity, self.epoch, self.first_seq] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.prev);
        for name in [&self.stack, &self.instance] {
            out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
        }
        out.resize(HEADER_LENGTH - 4, 0);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads a header; `None` unless every byte is as it was written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (front, checksum) = bytes.first_chunk::<HEADER_LENGTH>()?.split_last_chunk::<4>()?;
        if crc32c::crc32c(front) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let rest = front.strip_prefix(MAGIC)?;
        let (number, rest) = take_number(rest)?;
        let (capacity, rest) = take_number(rest)?;
        let (epoch, rest) = take_number(rest)?;
        let (first_seq, rest) = take_number(rest)?;
        let (prev, rest) = rest.split_first_chunk::<32>()?;
        let (stack, rest) = take_name(rest)?;
        let (instance, _) = take_name(rest)?;
        Some(Self { number, capacity, epoch, first_seq, prev: *prev, stack, instance })
    }
}

fn take_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn take_name(bytes: &[u8]) -> Option<(Box<str>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((std::str::from_utf8(name).ok()?.into(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_and_every_flipped_bit_is_seen() {
        let name: Box<str> = "n".repeat(MAX_NAME_BYTES).into();
        let header = Header {
            number: 7,
            capacity: 1 << 26,
            epoch: 3,
            first_seq: 99,
            prev: [5; 32],
            stack: name.clone(),
            instance: name,
        };
        let good = header.encode();
        assert_eq!(good.len(), 512);
        assert_eq!(Header::decode(&good), Some(header));
        for bit in 0..512 * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes), None, "bit {bit}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(number_of(&file_name(12)), Some(12));
        assert_eq!(number_of("123456789.wal"), Some(123_456_789));
        for name in ["1.wal", "00000001.wal.tmp", "lock", "0000000x.wal", "-0000001.wal"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
