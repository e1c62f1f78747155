//! Runs of bytes that stand in a string as they are. Found eight bytes at a time: calls and records
//! are mostly short strings, and this is where reading and writing them spends its time.

/// How many bytes stand before the first quote, backslash or control character.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let (chunks, tail) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            // The lowest mark is exact; marks above it may be carries.
            return index * 8 + usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
        }
    }
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
    chunks.len() * 8 + tail.iter().position(special).unwrap_or(tail.len())
}

/// Marks the top bit of each byte that ends a run, exactly for the lowest of them.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & TOPS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_the_first_special_byte() {
        for length in 0..40 {
            for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = special;
                    assert_eq!(plain_run(&bytes), place, "{special} at {place} of {length}");
                    bytes[length - 1] = b'"';
                    assert_eq!(plain_run(&bytes), place.min(length - 1));
                }
            }
            for plain in [0x20, b'!', b'#', b'[', b']', 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
                assert_eq!(plain_run(&vec![plain; length]), length, "{plain}");
            }
        }
    }
}
