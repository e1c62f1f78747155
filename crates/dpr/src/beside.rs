//! SHA-256 of two things at once, on one processor: each is a chain of steps that wait for one another, so a
//! second chain costs little beside the first. A verifier hashes every record twice, alone and as a part of
//! its file.

use sha2::block_api::compress256;

use crate::Hash;

const BLOCK: usize = 64;
/// What FIPS 180-4 begins with.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The hash of bytes that come in pieces.
#[derive(Debug, Clone)]
pub struct Running {
    state: [u32; 8],
    /// What does not fill a block yet.
    held: [u8; BLOCK],
    count: usize,
    length: u64,
}

impl Default for Running {
    fn default() -> Self {
        Self { state: INITIAL, held: [0; BLOCK], count: 0, length: 0 }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The last blocks: what is left, a bit, zeros, and the length in bits.
fn padded(rest: &[u8], length: u64) -> ([[u8; BLOCK]; 2], usize) {
    let mut bytes = [0; 2 * BLOCK];
    let (front, behind) = bytes.split_at_mut(rest.len().min(2 * BLOCK));
    front.copy_from_slice(rest);
    if let Some(first) = behind.first_mut() {
        *first = 0x80;
    }
    let blocks = if rest.len() + 9 > BLOCK { 2 } else { 1 };
    let bits = length.wrapping_mul(8).to_be_bytes();
    if let Some(place) = bytes.get_mut(blocks * BLOCK - 8..blocks * BLOCK) {
        place.copy_from_slice(&bits);
    }
    let mut last = [[0; BLOCK]; 2];
    for (block, bytes) in last.iter_mut().zip(bytes.as_chunks::<BLOCK>().0) {
        *block = *bytes;
    }
    (last, blocks)
}

fn written(state: [u32; 8]) -> Hash {
    let mut hash = [0; 32];
    for (four, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *four = word.to_be_bytes();
    }
    hash
}

/// SHA-256 of blocks that hold their own end: the mark, and the length in bits. For hashes that are short and
/// many: what puts longer ones into blocks costs more than they do.
#[must_use]
pub fn hash_of_blocks(blocks: &[[u8; BLOCK]]) -> Hash {
    let mut state = INITIAL;
    compress256(&mut state, blocks);
    written(state)
}

/// Goes on with both as long as there are blocks of both, and then with each alone.
fn compress_both(
    (one, blocks): (&mut [u32; 8], &[[u8; BLOCK]]),
    (other, beside): (&mut [u32; 8], &[[u8; BLOCK]]),
) {
    let both = blocks.len().min(beside.len());
    for (block, beside) in blocks.iter().zip(beside) {
        compress256(one, std::slice::from_ref(block));
        compress256(other, std::slice::from_ref(beside));
    }
    compress256(one, blocks.get(both..).unwrap_or_default());
    compress256(other, beside.get(both..).unwrap_or_default());
}

impl Running {
    /// How many bytes came.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (blocks, rest) = self.fill(bytes).as_chunks::<BLOCK>();
        compress256(&mut self.state, blocks);
        self.hold(rest);
    }

    /// Takes the next bytes, and gives the hash of a record beside them.
    #[must_use]
    pub fn update_beside(&mut self, bytes: &[u8], record: &[u8]) -> Hash {
        let (blocks, rest) = self.fill(bytes).as_chunks::<BLOCK>();
        let (of_record, record_rest) = record.as_chunks::<BLOCK>();
        let (last, count) = padded(record_rest, wide(record.len()));
        let (front, behind) = blocks.split_at(blocks.len().min(of_record.len()));
        let mut state = INITIAL;
        compress_both((&mut state, of_record), (&mut self.state, front));
        compress_both((&mut state, last.get(..count).unwrap_or_default()), (&mut self.state, behind));
        self.hold(rest);
        written(state)
    }

    /// Completes the block that was begun; gives the bytes behind it.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        self.length = self.length.wrapping_add(wide(bytes.len()));
        if self.count == 0 {
            return bytes;
        }
        let (front, behind) = bytes.split_at(bytes.len().min(BLOCK - self.count));
        if let Some(place) = self.held.get_mut(self.count..self.count + front.len()) {
            place.copy_from_slice(front);
        }
        self.count += front.len();
        if self.count == BLOCK {
            compress256(&mut self.state, std::slice::from_ref(&self.held));
            self.count = 0;
        }
        behind
    }

    /// Keeps what does not fill a block. There is nothing of that when the block that was begun is not complete.
    fn hold(&mut self, rest: &[u8]) {
        if let Some(place) = self.held.get_mut(self.count..self.count + rest.len()) {
            place.copy_from_slice(rest);
        }
        self.count += rest.len();
    }

    /// The hash of all that came.
    #[must_use]
    pub fn finish(mut self) -> Hash {
        let (last, count) = padded(self.held.get(..self.count).unwrap_or_default(), self.length);
        compress256(&mut self.state, last.get(..count).unwrap_or_default());
        written(self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash_of;

    #[test]
    fn pieces_of_every_length_come_to_the_hash_of_the_whole() {
        let bytes: Vec<u8> =
            (0..2_000_u32).map(|number| u8::try_from(number * 7 % 251).unwrap_or(0)).collect();
        for length in (0..200).chain([511, 512, 513, 1_999]) {
            let whole = &bytes[..length];
            for piece in [1, 3, 63, 64, 65, 130, 2_000] {
                let mut running = Running::default();
                for part in whole.chunks(piece) {
                    running.update(part);
                }
                assert_eq!(running.length(), u64::try_from(length).unwrap_or(0));
                assert_eq!(running.finish(), hash_of(whole), "{length} bytes by {piece}");
            }
        }
    }

    #[test]
    fn a_record_beside_is_hashed_as_alone() {
        let bytes: Vec<u8> =
            (0..3_000_u32).map(|number| u8::try_from(number * 11 % 253).unwrap_or(0)).collect();
        for record in (0..200).chain([1_165, 3_000]) {
            for (front, piece) in [(0, 0), (1, 40), (512, record + 24), (63, 1), (64, 64), (7, 3_000)] {
                let (record, piece) = (&bytes[..record], &bytes[..piece.min(3_000)]);
                let mut running = Running::default();
                running.update(&bytes[..front]);
                assert_eq!(running.update_beside(piece, record), hash_of(record));
                running.update(b"x");
                assert_eq!(running.finish(), hash_of(&[&bytes[..front], piece, b"x"].concat()));
            }
        }
    }
}
