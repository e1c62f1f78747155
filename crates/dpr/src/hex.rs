//! Hashes as records carry them: 64 lower-case hexadecimal digits.

use sha2::{Digest, Sha256};

use crate::Hash;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn digit(nibble: u8) -> u8 {
    DIGITS.get(usize::from(nibble & 15)).copied().unwrap_or(b'0')
}

/// Appends a hash as 64 digits.
pub fn write_hash(hash: &Hash, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(*byte)]);
    }
    out.extend_from_slice(&digits);
}

/// Reads exactly 64 lower-case digits.
#[must_use]
pub fn read_hash(text: &[u8]) -> Option<Hash> {
    let digits: &[u8; 64] = text.try_into().ok()?;
    let mut hash = [0; 32];
    // One look at the end finds any byte that is no digit.
    let mut wrong = 0;
    for (four, eight) in hash.as_chunks_mut::<4>().0.iter_mut().zip(digits.as_chunks::<8>().0) {
        let (value, others) = four_bytes(u64::from_be_bytes(*eight));
        wrong |= others;
        *four = value;
    }
    (wrong == 0).then_some(hash)
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Four bytes of eight digits, all at once; and something else than 0 when one of them is none.
#[inline]
fn four_bytes(digits: u64) -> ([u8; 4], u64) {
    // Of bytes below 128, adding 128 - n sets the highest bit of those that are n or more, and of no other.
    let low = digits & !HIGH;
    let from = |least: u8| low.wrapping_add(EACH * u64::from(0x80 - least)) & HIGH;
    let is_decimal = from(b'0') & !from(b'9' + 1);
    let is_letter = from(b'a') & !from(b'f' + 1);
    let wrong = !(is_decimal | is_letter) & HIGH | digits & HIGH;
    // The lower half of a decimal digit is its value, that of a letter 9 less.
    let values = (digits & (EACH * 15)).wrapping_add((is_letter >> 7).wrapping_mul(9));
    // Pairs to bytes, and the bytes together.
    let pairs = (values >> 4 | values) & 0x00FF_00FF_00FF_00FF;
    let [_, first, _, second, _, third, _, fourth] = pairs.to_be_bytes();
    ([first, second, third, fourth], wrong)
}

/// The hash of a record: SHA-256 of its bytes as they are stored.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// A hash as text.
pub(crate) fn text_of(hash: &Hash) -> String {
    let mut out = Vec::with_capacity(64);
    write_hash(hash, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round() {
        let hash = hash_of(b"abc");
        assert_eq!(text_of(&hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(read_hash(text_of(&hash).as_bytes()), Some(hash));
        assert_eq!(read_hash(text_of(&hash).to_uppercase().as_bytes()), None);
        assert_eq!(read_hash(b"ba78"), None);
    }

    #[test]
    fn every_byte_in_every_place_is_a_digit_or_none() {
        for place in 0..64 {
            for byte in 0..=u8::MAX {
                let mut text = [b'7'; 64];
                text[place] = byte;
                let digit = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
                let expected = digit.map(|digit| {
                    let mut hash = [0x77; 32];
                    let digit = u8::try_from(digit).unwrap();
                    hash[place / 2] = if place % 2 == 0 { digit << 4 | 7 } else { 0x70 | digit };
                    hash
                });
                assert_eq!(read_hash(&text), expected, "{byte} at {place}");
            }
        }
    }
}
