//! A strict pull reader. Callers that know the shape (a request line) take members as they come,
//! without building a tree first; everything else asks for a [`Value`].
//!
//! INVARIANT bounded: nesting is at most 64, and no step reads a byte twice except a number's.

use std::borrow::Cow;

use super::MAX_DEPTH;
use super::plain::plain_run;
use crate::number::{Number, NumberError};
use crate::value::{Object, Value};

/// Why bytes are not the JSON that was expected, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {offset}: {kind}")]
pub struct JsonError {
    /// Bytes before the place.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The named thing was expected.
    #[error("{0} was expected")]
    Expected(&'static str),
    /// Not UTF-8.
    #[error("the bytes are not UTF-8")]
    Utf8,
    /// An unknown escape, a lone surrogate or a raw control character.
    #[error("a string has an escape or character that JSON does not allow")]
    String,
    /// A key twice in one object.
    #[error("key `{0}` appears twice")]
    DuplicateKey(Box<str>),
    /// Deeper than 64.
    #[error("values nest deeper than {MAX_DEPTH}")]
    TooDeep,
    /// A number that is none, or beyond the limits.
    #[error("{0}")]
    Number(NumberError),
    /// Bytes after the value.
    #[error("nothing more was expected")]
    Trailing,
}

/// The type of the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// `[`
    List,
    /// `{`
    Object,
}

/// Reads JSON from a slice, front to back.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    position: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, position: 0, depth: 0 }),
            Err(error) => Err(JsonError { offset: error.valid_up_to(), kind: JsonErrorKind::Utf8 }),
        }
    }

    fn fail<T>(&self, kind: JsonErrorKind) -> Result<T, JsonError> {
        Err(JsonError { offset: self.position, kind })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.position += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// The type of the next value, without taking it.
    ///
    /// # Errors
    /// No value starts here.
    pub fn kind(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::List),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => self.fail(JsonErrorKind::Expected("a value")),
        }
    }

    /// Fails unless only white space is left.
    ///
    /// # Errors
    /// Something else is left.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.position == self.text.len() { Ok(()) } else { self.fail(JsonErrorKind::Trailing) }
    }

    /// Takes `{`.
    ///
    /// # Errors
    /// Something else stands here, or values nest too deep.
    pub fn begin_object(&mut self) -> Result<(), JsonError> {
        self.begin(b'{', "an object")
    }

    /// Takes `[`.
    ///
    /// # Errors
    /// Something else stands here, or values nest too deep.
    pub fn begin_list(&mut self) -> Result<(), JsonError> {
        self.begin(b'[', "a list")
    }

    fn begin(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        self.skip_space();
        if !self.take(byte) {
            return self.fail(JsonErrorKind::Expected(what));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(JsonErrorKind::TooDeep);
        }
        Ok(())
    }

    /// The key of the next member, or `None` at the end of the object. `first` is true before the
    /// first member.
    ///
    /// # Errors
    /// Neither a member nor the end stands here.
    pub fn next_key(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, JsonError> {
        if self.at_end(b'}', first, "`,` or `}`")? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return self.fail(JsonErrorKind::Expected("a key in double quotes"));
        }
        let key = self.string()?;
        self.skip_space();
        if !self.take(b':') {
            return self.fail(JsonErrorKind::Expected("`:`"));
        }
        Ok(Some(key))
    }

    /// Whether another element of a list follows. `first` is true before the first one.
    ///
    /// # Errors
    /// Neither an element nor the end stands here.
    pub fn next_element(&mut self, first: bool) -> Result<bool, JsonError> {
        Ok(!self.at_end(b']', first, "`,` or `]`")?)
    }

    fn at_end(&mut self, close: u8, first: bool, expected: &'static str) -> Result<bool, JsonError> {
        self.skip_space();
        if self.take(close) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(true);
        }
        if !first {
            if !self.take(b',') {
                return self.fail(JsonErrorKind::Expected(expected));
            }
            self.skip_space();
        }
        Ok(false)
    }

    /// Takes a string.
    ///
    /// # Errors
    /// No valid string stands here.
    pub fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.skip_space();
        if !self.take(b'"') {
            return self.fail(JsonErrorKind::Expected("a string"));
        }
        let start = self.position;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.position = start + plain_run(rest);
        let run = self.text.get(start..self.position).unwrap_or_default();
        match self.peek() {
            Some(b'"') => {
                self.position += 1;
                Ok(Cow::Borrowed(run))
            }
            Some(b'\\') => self.escaped_string(run).map(Cow::Owned),
            Some(_) => self.fail(JsonErrorKind::String),
            None => self.fail(JsonErrorKind::Expected("the end of a string")),
        }
    }

    fn escaped_string(&mut self, run: &str) -> Result<String, JsonError> {
        let mut out = String::with_capacity(run.len() + 32);
        out.push_str(run);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.position += 1;
                    out.push(self.escape()?);
                }
                Some(0..0x20) => return self.fail(JsonErrorKind::String),
                None => return self.fail(JsonErrorKind::Expected("the end of a string")),
                Some(_) => {
                    let rest = self.text.get(self.position..).unwrap_or_default();
                    let length = plain_run(rest.as_bytes());
                    out.push_str(rest.get(..length).unwrap_or_default());
                    self.position += length;
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let byte = self.peek();
        self.position += 1;
        match byte {
            Some(b'"') => Ok('"'),
            Some(b'\\') => Ok('\\'),
            Some(b'/') => Ok('/'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => self.unicode_escape(),
            _ => self.fail(JsonErrorKind::String),
        }
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.four_hex_digits()?;
        let code = if (0xD800..0xDC00).contains(&first) {
            if !(self.take(b'\\') && self.take(b'u')) {
                return self.fail(JsonErrorKind::String);
            }
            let second = self.four_hex_digits()?;
            if !(0xDC00..0xE000).contains(&second) {
                return self.fail(JsonErrorKind::String);
            }
            0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        } else {
            first
        };
        // A lone low surrogate is no character.
        char::from_u32(code).map_or_else(|| self.fail(JsonErrorKind::String), Ok)
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return self.fail(JsonErrorKind::String),
            }
            self.position += 1;
        }
        Ok(code)
    }

    /// Takes a number.
    ///
    /// # Errors
    /// No number stands here, or it is beyond the limits.
    pub fn number(&mut self) -> Result<Number, JsonError> {
        self.skip_space();
        let rest = self.text.get(self.position..).unwrap_or_default();
        let part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().position(|byte| !part(byte)).unwrap_or(rest.len());
        match Number::parse(rest.get(..length).unwrap_or_default()) {
            Ok(number) => {
                self.position += length;
                Ok(number)
            }
            Err(error) => self.fail(JsonErrorKind::Number(error)),
        }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, JsonError> {
        let rest = self.text.get(self.position..).unwrap_or_default();
        if !rest.starts_with(word) {
            return self.fail(JsonErrorKind::Expected("a value"));
        }
        self.position += word.len();
        Ok(value)
    }

    /// Takes any value.
    ///
    /// # Errors
    /// No valid value stands here.
    pub fn value(&mut self) -> Result<Value, JsonError> {
        match self.kind()? {
            Kind::Null => self.word("null", Value::Null),
            Kind::Bool if self.peek() == Some(b't') => self.word("true", Value::Bool(true)),
            Kind::Bool => self.word("false", Value::Bool(false)),
            Kind::Number => self.number().map(Value::Number),
            Kind::String => self.string().map(|text| Value::String(text.into())),
            Kind::List => self.list(),
            Kind::Object => self.object().map(Value::Object),
        }
    }

    /// Takes any value and forgets it.
    ///
    /// # Errors
    /// No valid value stands here.
    pub fn skip(&mut self) -> Result<(), JsonError> {
        match self.kind()? {
            Kind::String => self.string().map(drop),
            _ => self.value().map(drop),
        }
    }

    fn list(&mut self) -> Result<Value, JsonError> {
        self.begin_list()?;
        let mut items = Vec::new();
        while self.next_element(items.is_empty())? {
            items.push(self.value()?);
        }
        Ok(Value::List(items))
    }

    /// Takes an object.
    ///
    /// # Errors
    /// No valid object stands here.
    pub fn object(&mut self) -> Result<Object, JsonError> {
        let start = self.position;
        self.begin_object()?;
        let mut members = Vec::with_capacity(8);
        while let Some(key) = self.next_key(members.is_empty())? {
            members.push((key.into(), self.value()?));
        }
        Object::from_members(members)
            .map_err(|error| JsonError { offset: start, kind: JsonErrorKind::DuplicateKey(error.0) })
    }
}
