//! The check that bytes are canonical JSON, without building a value, of all there are; [`crate::quick`] takes
//! most of them in less time.
//!
//! INVARIANT exact: it accepts what writing a value gives, and nothing else.

use std::borrow::Cow;
use std::cmp::Ordering;

use faramesh_call::number::Number;
use faramesh_call::value::canonical_order;
use faramesh_call::{Value, json};

use crate::canonical::{CanonicalError, CanonicalErrorKind};

/// How deep a record may nest: a value of a call, inside members of a record.
pub(crate) const MAX_DEPTH: u32 = json::MAX_DEPTH + 8;

/// The bytes between the quotes of a string, and whether there are escapes among them.
type Text<'a> = (&'a [u8], bool);

/// Walks canonical JSON and fails at the first byte that is not.
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    /// Whether there is a backslash anywhere.
    backslashes: bool,
    position: usize,
    depth: u32,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, CanonicalError> {
        // Three questions about all bytes at once cost less than asking them in every string.
        let (mut control, mut backslashes, mut high) = (false, false, false);
        for byte in bytes {
            control |= *byte < 0x20;
            backslashes |= *byte == b'\\';
            high |= *byte >= 0x80;
        }
        if control {
            let offset = bytes.iter().position(|byte| *byte < 0x20).unwrap_or(0);
            return Err(CanonicalError { offset, kind: CanonicalErrorKind::Control });
        }
        if high && let Err(error) = std::str::from_utf8(bytes) {
            return Err(CanonicalError { offset: error.valid_up_to(), kind: CanonicalErrorKind::Utf8 });
        }
        Ok(Self { bytes, backslashes, position: 0, depth: 0 })
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    #[cold]
    fn fail<T>(&self, kind: CanonicalErrorKind) -> Result<T, CanonicalError> {
        Err(CanonicalError { offset: self.position, kind })
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn mark(&mut self, mark: u8) -> Result<(), CanonicalError> {
        if self.take(mark) { Ok(()) } else { self.fail(CanonicalErrorKind::Mark(char::from(mark))) }
    }

    /// Takes `mark` when it stands here.
    #[inline]
    pub(crate) fn take(&mut self, mark: u8) -> bool {
        let found = self.bytes.get(self.position) == Some(&mark);
        self.position += usize::from(found);
        found
    }

    pub(crate) fn end(&self) -> Result<(), CanonicalError> {
        if self.position == self.bytes.len() { Ok(()) } else { self.fail(CanonicalErrorKind::Trailing) }
    }

    #[inline]
    pub(crate) fn value(&mut self) -> Result<(), CanonicalError> {
        match self.bytes.get(self.position) {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.fail(CanonicalErrorKind::Value),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), CanonicalError> {
        if !self.rest().starts_with(word) {
            return self.fail(CanonicalErrorKind::Value);
        }
        self.position += word.len();
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), CanonicalError> {
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { self.fail(CanonicalErrorKind::Depth) } else { Ok(()) }
    }

    fn list(&mut self) -> Result<(), CanonicalError> {
        self.deeper()?;
        if !self.take(b']') {
            loop {
                self.value()?;
                if !self.take(b',') {
                    break;
                }
            }
            self.mark(b']')?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self) -> Result<(), CanonicalError> {
        self.deeper()?;
        if !self.take(b'}') {
            let mut before: Option<Text<'a>> = None;
            loop {
                let place = self.position;
                let key = self.string()?;
                if before.is_some_and(|before| order(before, key) != Ordering::Less) {
                    self.position = place;
                    return self.fail(CanonicalErrorKind::Order);
                }
                before = Some(key);
                self.mark(b':')?;
                self.value()?;
                if !self.take(b',') {
                    break;
                }
            }
            self.mark(b'}')?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Takes a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Text<'a>, CanonicalError> {
        let Some((b'"', rest)) = self.rest().split_first() else {
            return self.fail(CanonicalErrorKind::Mark('"'));
        };
        let length = plain_run(rest, self.backslashes);
        match rest.split_at_checked(length) {
            Some((text, [b'"', ..])) => {
                self.position += length + 2;
                Ok((text, false))
            }
            _ => self.escaped_string(length),
        }
    }

    /// Goes on with a string after `length` bytes that need no escape.
    #[cold]
    fn escaped_string(&mut self, length: usize) -> Result<Text<'a>, CanonicalError> {
        let start = self.position + 1;
        self.position = start + length;
        loop {
            match self.rest() {
                [b'"', ..] => {
                    let text = self.bytes.get(start..self.position).unwrap_or_default();
                    self.position += 1;
                    return Ok((text, true));
                }
                [b'\\', ..] => self.escape()?,
                [_, ..] => return self.fail(CanonicalErrorKind::String),
                [] => return self.fail(CanonicalErrorKind::Mark('"')),
            }
            self.position += plain_run(self.rest(), true);
        }
    }

    fn escape(&mut self) -> Result<(), CanonicalError> {
        let length = match self.rest() {
            [b'\\', b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            // Control characters with a short escape must use it.
            [b'\\', b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..] => 6,
            [b'\\', b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return self.fail(CanonicalErrorKind::String),
        };
        self.position += length;
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), CanonicalError> {
        let rest = self.rest();
        let length = rest.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
        let plain = match rest {
            // Nothing may follow a zero.
            [b'0', ..] => length == 1,
            _ => (1..=18).contains(&length),
        };
        match rest.get(length) {
            Some(b'.' | b'e' | b'E' | b'+' | b'-' | b'0'..=b'9') => self.long_number(),
            _ if plain => {
                self.position += length;
                Ok(())
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<(), CanonicalError> {
        let rest = self.rest();
        let part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !part(byte)).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let number = std::str::from_utf8(text).ok().and_then(|text| Number::parse(text).ok());
        let mut shortest = Vec::with_capacity(text.len());
        if let Some(number) = number {
            number.write(&mut shortest);
        }
        if shortest != text || text.is_empty() {
            return self.fail(CanonicalErrorKind::Number);
        }
        self.position += length;
        Ok(())
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes of a word that are `byte`; the lowest mark is exact, higher ones may be carried
/// over from it.
#[inline]
fn marks_of(word: u64, byte: u64) -> u64 {
    (word ^ (ONES * byte)).wrapping_sub(ONES) & !word & HIGH
}

/// How many bytes from the front are neither a quote nor, when there are any, a backslash.
#[inline]
fn plain_run(bytes: &[u8], backslashes: bool) -> usize {
    let mut length = 0;
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let mut marks = marks_of(word, 0x22);
        if backslashes {
            marks |= marks_of(word, 0x5C);
        }
        if marks != 0 {
            return length + usize::try_from(marks.trailing_zeros() / 8).unwrap_or(0);
        }
        length += 8;
        rest = behind;
    }
    let stop = |byte: &u8| *byte == b'"' || *byte == b'\\';
    length + rest.iter().position(stop).unwrap_or(rest.len())
}

fn order(left: Text<'_>, right: Text<'_>) -> Ordering {
    match (left, right) {
        ((left, false), (right, false)) if left.is_ascii() && right.is_ascii() => left.cmp(right),
        (left, right) => canonical_order(&unescape(left), &unescape(right)),
    }
}

/// The text that stands between the quotes of a string.
pub(crate) fn unescape((raw, escaped): Text<'_>) -> Cow<'_, str> {
    let raw = std::str::from_utf8(raw).unwrap_or_default();
    if !escaped {
        return Cow::Borrowed(raw);
    }
    let quoted = format!("\"{raw}\"");
    match json::parse(quoted.as_bytes()) {
        Ok(Value::String(text)) => Cow::Owned(text.into()),
        _ => Cow::Borrowed(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_runs_stop_at_every_special_byte_in_every_place() {
        for length in 0..40 {
            for stop in [b'"', b'\\'] {
                let mut bytes = vec![b'x'; length];
                bytes.push(stop);
                bytes.extend_from_slice(b"\xC3\xA9\"tail with more bytes");
                assert_eq!(plain_run(&bytes, true), length);
            }
            assert_eq!(plain_run(&vec![0xC3; length], true), length);
        }
    }
}
