//! Bytes that are known to be canonical JSON: made from a value, or checked without building one.
//!
//! INVARIANT one form: two values are equal exactly when their bytes are.

use std::borrow::Cow;
use std::fmt;

use faramesh_call::{Object, Value, json};

use crate::scan::Scan;

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
    /// A control character or white space that has no place anywhere.
    #[error("a control character stands here")]
    Control,
    /// An escape that is not the canonical one.
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

    /// The list of the texts that `each` hands over.
    pub fn of_texts(each: impl FnOnce(&mut dyn FnMut(&str))) -> Self {
        let mut out = Vec::with_capacity(256);
        each(&mut |text| {
            out.push(if out.is_empty() { b'[' } else { b',' });
            json::write_string(text, &mut out);
        });
        if out.is_empty() {
            out.push(b'[');
        }
        out.push(b']');
        Self(Cow::Owned(out))
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
}
