//! Record ids: `dpr-` and a ULID (48 bits of milliseconds, 80 bits of randomness) in Crockford's
//! base 32. Who makes an id brings time and randomness; this file only writes and reads it.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PREFIX: &str = "dpr-";
const ULID_DIGITS: u32 = 26;

/// The id of a record. Ids of one ledger rise with its records while its clock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordId(pub u128);

/// The text is not `dpr-` and a ULID in capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record id is `dpr-` and 26 characters of Crockford's base 32")]
pub struct NotAnId;

impl RecordId {
    /// An id of a time in milliseconds and 80 bits; higher bits of either are dropped.
    #[must_use]
    pub fn new(time_ms: u64, random: u128) -> Self {
        let time = u128::from(time_ms) & ((1 << 48) - 1);
        Self(time << 80 | random & ((1 << 80) - 1))
    }

    /// The milliseconds since 1970 that the id holds.
    #[must_use]
    pub fn time_ms(self) -> u64 {
        u64::try_from(self.0 >> 80).unwrap_or(u64::MAX)
    }

    /// The 80 random bits that the id holds.
    #[must_use]
    pub fn random(self) -> u128 {
        self.0 & ((1 << 80) - 1)
    }

    /// Appends `dpr-` and 26 characters.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFIX.as_bytes());
        for place in (0..ULID_DIGITS).rev() {
            let digit = usize::try_from(self.0 >> (5 * place) & 31).unwrap_or(0);
            out.push(ALPHABET.get(digit).copied().unwrap_or(b'0'));
        }
    }

    /// The least and the greatest id whose text starts with `text`, which may leave out `dpr-` and
    /// be in small letters; `None` when no id starts so.
    #[must_use]
    pub fn range_of_prefix(text: &str) -> Option<(Self, Self)> {
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        let count = u32::try_from(digits.len()).ok().filter(|count| *count <= ULID_DIGITS)?;
        let mut value = 0_u128;
        for byte in digits.bytes() {
            value = value.checked_mul(32)? + digit_of(byte.to_ascii_uppercase())?;
        }
        if count == ULID_DIGITS {
            let first = digits.as_bytes().first().copied()?;
            return (first <= b'7').then_some((Self(value), Self(value)));
        }
        let free = 5 * (ULID_DIGITS - count);
        // The first character holds three bits only, so shifts beyond 128 mean an empty prefix.
        if count == 0 {
            return Some((Self(0), Self(u128::MAX)));
        }
        let low = value.checked_mul(1_u128.checked_shl(free)?)?;
        Some((Self(low), Self(low | ((1 << free) - 1))))
    }
}

/// The value of each byte as a digit; 255 for those that are none.
const VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [u8::MAX; 256];
    let mut letters: &[u8] = ALPHABET;
    let mut value = 0;
    while let [letter, rest @ ..] = letters {
        if let Some((_, [place, ..])) = values.split_at_mut_checked(letter_place(*letter)) {
            *place = value;
        }
        value += 1;
        letters = rest;
    }
    values
}

/// A byte as an index, where a conversion trait cannot be used yet.
const fn letter_place(letter: u8) -> usize {
    let (mut place, mut counted) = (0, 0);
    while counted < letter {
        counted += 1;
        place += 1;
    }
    place
}

fn digit_of(byte: u8) -> Option<u128> {
    let value = VALUES.get(usize::from(byte)).copied().unwrap_or(u8::MAX);
    (value < 32).then(|| u128::from(value))
}

impl FromStr for RecordId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAnId)?.as_bytes();
        // 26 characters hold 130 bits: the first may be 7 at most.
        if digits.len() != 26 || !matches!(digits.first(), Some(b'0'..=b'7')) {
            return Err(NotAnId);
        }
        let value = digits.iter().try_fold(0_u128, |value, byte| Some(value << 5 | digit_of(*byte)?));
        value.map(Self).ok_or(NotAnId)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(30);
        self.write(&mut out);
        formatter.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round() {
        let id = RecordId::new(1_469_918_176_385, 0x0123_4567_89AB_CDEF_0123);
        assert_eq!(id.to_string(), "dpr-01ARYZ6S4104HMASW9NF6YY093");
        for id in [RecordId(0), RecordId(u128::MAX), id] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!((id.time_ms(), id.random()), (1_469_918_176_385, 0x0123_4567_89AB_CDEF_0123));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "dpr-",
            "01ARYZ6S4104HMASW9NF6YY093",
            "dpr-81ARYZ6S4104HMASW9NF6YY093",
            "dpr-01ARYZ6S4104HMASW9NF6YY09U",
            "dpr-01ARYZ6S4104HMASW9NF6YY0931",
            "dpr-01aryz6s4104hmasw9nf6yy093",
        ] {
            assert_eq!(text.parse::<RecordId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn prefixes_are_ranges() {
        let id: RecordId = "dpr-01ARYZ6S4104HMASW9NF6YY093".parse().unwrap();
        for length in 0..=26 {
            let prefix = &id.to_string()[4..4 + length];
            let (low, high) = RecordId::range_of_prefix(prefix).unwrap();
            assert!(low <= id && id <= high, "{prefix}");
            assert!(low.to_string()[4..].starts_with(prefix) && high.to_string()[4..].starts_with(prefix));
        }
        assert!(RecordId::range_of_prefix("dpr-01ary").is_some());
        assert_eq!(RecordId::range_of_prefix("8"), None);
        assert_eq!(RecordId::range_of_prefix("L"), None);
    }
}
