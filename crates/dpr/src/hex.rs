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
    // Values of digits are below 16, so one look at the end finds any byte that is none.
    let mut all = 0;
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let (high, low) = (value_of(*high), value_of(*low));
        all |= high | low;
        *byte = high << 4 | low & 15;
    }
    (all < 16).then_some(hash)
}

/// The value of a digit; 16 or more for a byte that is none.
#[inline]
fn value_of(byte: u8) -> u8 {
    let decimal = byte.wrapping_sub(b'0');
    let letter = byte.wrapping_sub(b'a');
    if decimal < 10 {
        decimal
    } else if letter < 6 {
        letter + 10
    } else {
        u8::MAX
    }
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
}
