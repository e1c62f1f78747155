//! The canonical form: no white space, members in order, strings escaped as RFC 8785 says.

use super::plain::plain_run;
use crate::number::Number;
use crate::value::Value;

/// The canonical bytes of a value.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write_value(value, &mut out);
    out
}

/// Appends the canonical bytes of a value.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => number.write(out),
        Value::String(text) => write_string(text, out),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(object) => {
            let mut writer = Writer::object(out);
            for (key, value) in object.iter() {
                writer.value(key, value);
            }
            writer.end();
        }
    }
}

/// Appends a string with its quotes.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (run, tail) = rest.split_at(plain_run(rest).min(rest.len()));
        out.extend_from_slice(run);
        let Some((byte, after)) = tail.split_first() else { break };
        write_escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        _ => {
            let hex = |digit: u8| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes the members of one object. The caller names them in canonical order and once each; a
/// record is written this way without building a tree.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Writer<'a> {
    /// Opens an object.
    pub fn object(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes a key and returns the buffer for its value, which the caller must append.
    pub fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(key, self.out);
        self.out.push(b':');
        self.out
    }

    /// A string member.
    pub fn string(&mut self, key: &str, text: &str) {
        write_string(text, self.key(key));
    }

    /// A string member, when there is one.
    pub fn optional_string(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.string(key, text);
        }
    }

    /// An integer member.
    pub fn integer(&mut self, key: &str, value: u64) {
        Number::from(value).write(self.key(key));
    }

    /// A truth value.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Any value.
    pub fn value(&mut self, key: &str, value: &Value) {
        write_value(value, self.key(key));
    }

    /// A list of strings.
    pub fn strings<T: AsRef<str>>(&mut self, key: &str, items: &[T]) {
        let out = self.key(key);
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(item.as_ref(), out);
        }
        out.push(b']');
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b'}');
    }
}
