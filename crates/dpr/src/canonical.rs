//! Bytes that are known to be canonical JSON: made from a value, or checked byte by byte without
//! building one. The check is what lets a verifier read a million records in a second or two.
//!
//! INVARIANT one form: two values are equal exactly when their bytes are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use faramesh_call::number::Number;
use faramesh_call::value::canonical_order;
use faramesh_call::{Object, Value, json};

/// How deep a record may nest: a value of a call, inside members of a record.
const MAX_DEPTH: u32 = json::MAX_DEPTH + 8;

/// JSON in canonical form, rendered once and written into a record as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical(Cow<'static, [u8]>);

/// Why bytes are not canonical JSON, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical at byte {offset}: {kind}")]
pub struct CanonicalError {
    /// Bytes before the place.
    pub offset: usize,
    /// What is wrong there.
    pub kind: CanonicalErrorKind,
}

/// What is wrong with bytes that should be canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalErrorKind {
    /// No value, or white space, where a value must stand.
    #[error("a value was expected")]
    Value,
    /// A mark that JSON needs is missing.
    #[error("`{0}` was expected")]
    Mark(char),
    /// Not UTF-8.
    #[error("the bytes are not UTF-8")]
    Utf8,
    /// A control character, or an escape that is not the canonical one.
    #[error("a string is not escaped in the canonical way")]
    String,
    /// Not the shortest exact form.
    #[error("a number is not in its shortest exact form")]
    Number,
    /// Keys out of order, or one twice.
    #[error("a key is out of order")]
    Order,
    /// Nested deeper than a record may.
    #[error("values nest too deep")]
    Depth,
    /// Bytes after the value.
    #[error("nothing more was expected")]
    Trailing,
}

impl Canonical {
    /// Takes bytes that somebody else rendered.
    ///
    /// # Errors
    /// The bytes are not one value in canonical form.
    pub fn checked(bytes: Vec<u8>) -> Result<Self, CanonicalError> {
        let mut scan = Scan::new(&bytes)?;
        scan.value()?;
        scan.end()?;
        Ok(Self(Cow::Owned(bytes)))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value that the bytes stand for; null when it nests deeper than a call may.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json::parse(&self.0).unwrap_or_default()
    }
}

impl Default for Canonical {
    fn default() -> Self {
        Self(Cow::Borrowed(b"null"))
    }
}

impl fmt::Debug for Canonical {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl From<&Value> for Canonical {
    fn from(value: &Value) -> Self {
        Self(Cow::Owned(json::canonical(value)))
    }
}

impl From<Value> for Canonical {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<Object> for Canonical {
    fn from(object: Object) -> Self {
        Self::from(&Value::Object(object))
    }
}

/// Walks canonical JSON and fails at the first byte that is not.
pub(crate) struct Scan<'a> {
    text: &'a str,
    position: usize,
    depth: u32,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, CanonicalError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, position: 0, depth: 0 }),
            Err(error) => Err(CanonicalError { offset: error.valid_up_to(), kind: CanonicalErrorKind::Utf8 }),
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    fn fail<T>(&self, kind: CanonicalErrorKind) -> Result<T, CanonicalError> {
        Err(CanonicalError { offset: self.position, kind })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.position..).unwrap_or_default()
    }

    pub(crate) fn mark(&mut self, mark: u8) -> Result<(), CanonicalError> {
        if self.peek() != Some(mark) {
            return self.fail(CanonicalErrorKind::Mark(char::from(mark)));
        }
        self.position += 1;
        Ok(())
    }

    /// Takes `mark` when it stands here.
    pub(crate) fn take(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        self.position += usize::from(found);
        found
    }

    pub(crate) fn end(&self) -> Result<(), CanonicalError> {
        if self.position == self.text.len() { Ok(()) } else { self.fail(CanonicalErrorKind::Trailing) }
    }

    pub(crate) fn value(&mut self) -> Result<(), CanonicalError> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.fail(CanonicalErrorKind::Value),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), CanonicalError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return self.fail(CanonicalErrorKind::Value);
        }
        self.position += word.len();
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), CanonicalError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { self.fail(CanonicalErrorKind::Depth) } else { Ok(()) }
    }

    fn list(&mut self) -> Result<(), CanonicalError> {
        self.position += 1;
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
        self.position += 1;
        self.deeper()?;
        if !self.take(b'}') {
            let mut before: Option<(&'a str, bool)> = None;
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

    /// Takes a string; the text between its quotes, and whether there are escapes in it.
    pub(crate) fn string(&mut self) -> Result<(&'a str, bool), CanonicalError> {
        self.mark(b'"')?;
        let start = self.position;
        let mut escaped = false;
        loop {
            self.position += plain_run(self.rest());
            match self.peek() {
                Some(b'"') => {
                    let text = self.text.get(start..self.position).unwrap_or_default();
                    self.position += 1;
                    return Ok((text, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail(CanonicalErrorKind::String),
                None => return self.fail(CanonicalErrorKind::Mark('"')),
            }
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

    fn number(&mut self) -> Result<(), CanonicalError> {
        let rest = self.rest();
        let part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !part(byte)).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let plain = digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
        let short = match digits.split_first() {
            Some((b'0', rest)) => plain && rest.is_empty() && digits.len() == text.len(),
            Some(_) => plain,
            None => false,
        };
        if !short && !shortest(text) {
            return self.fail(CanonicalErrorKind::Number);
        }
        self.position += length;
        Ok(())
    }
}

fn shortest(text: &[u8]) -> bool {
    let number = std::str::from_utf8(text).ok().and_then(|text| Number::parse(text).ok());
    let mut out = Vec::with_capacity(text.len());
    if let Some(number) = number {
        number.write(&mut out);
    }
    out == text && !text.is_empty()
}

/// How many bytes from the front need no escape. Eight at a time: a record is mostly such bytes.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut length = 0;
    for chunk in bytes.chunks_exact(8) {
        let Ok(eight) = <[u8; 8]>::try_from(chunk) else { break };
        let word = u64::from_le_bytes(eight);
        let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let stops = control | zero_byte(word ^ (ONES * 0x22)) | zero_byte(word ^ (ONES * 0x5C));
        if stops != 0 {
            // The lowest mark is exact; higher ones may be carried over from it.
            return length + usize::try_from(stops.trailing_zeros() / 8).unwrap_or(0);
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    let stop = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
    length + rest.iter().position(stop).unwrap_or(rest.len())
}

fn order(left: (&str, bool), right: (&str, bool)) -> Ordering {
    match (left, right) {
        ((left, false), (right, false)) => canonical_order(left, right),
        (left, right) => canonical_order(&unescape(left), &unescape(right)),
    }
}

/// The text that stands between the quotes of a string.
pub(crate) fn unescape((raw, escaped): (&str, bool)) -> Cow<'_, str> {
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
    fn canonical_texts_pass_and_others_do_not() {
        for text in [
            "null",
            r#"{"a":[true,false,null,{}],"b":"\"\\\b\f\n\r\t\u0000\u001f/€😀","c":-12.5}"#,
            "[]",
            "[0,-1,1e-7,1e+21,100000000000000000000,9007199254740993]",
            r#"{"\n":1,"a\"":2,"b":3}"#,
        ] {
            assert!(Canonical::checked(text.into()).is_ok(), "{text}");
        }
        for text in [
            "",
            " 1",
            "1 ",
            "{\"a\" :1}",
            "{\"a\":1,}",
            "[1,]",
            "[1 ,2]",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":2}",
            "01",
            "-0",
            "1.0",
            "1e2",
            "1E+21",
            "+1",
            "-",
            "\"\\/\"",
            "\"\\u0041\"",
            "\"\\u000a\"",
            "\"\\u001F\"",
            "\"\\u20ac\"",
            "\"a\nb\"",
            "\"abc",
            "tru",
            "[1",
            "{\"a\"",
            "\"b\\u000",
            "{\"b\":1,\"\\n\":2}",
        ] {
            assert!(Canonical::checked(text.into()).is_err(), "{text:?}");
        }
        assert!(Canonical::checked(vec![b'"', 0xFF, b'"']).is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| ("[".repeat(depth) + &"]".repeat(depth)).into_bytes();
        assert!(Canonical::checked(nested(72)).is_ok());
        assert_eq!(Canonical::checked(nested(73)).unwrap_err().kind, CanonicalErrorKind::Depth);
        assert!(Canonical::checked(vec![b'['; 1_000_000]).is_err());
    }

    #[test]
    fn plain_runs_stop_at_every_special_byte_in_every_place() {
        for length in 0..24 {
            for stop in [b'"', b'\\', 0, 0x1F] {
                let mut bytes = vec![b'x'; length];
                bytes.push(stop);
                bytes.extend_from_slice(b"\xC3\xA9\"tail with more bytes");
                assert_eq!(plain_run(&bytes), length);
            }
            assert_eq!(plain_run(&vec![0xC3; length]), length);
        }
    }
}
