//! JSON in and out, exactly: numbers are never rounded, keys are unique, and what is written is the
//! one canonical form that records and digests are made of. A library would round numbers beyond
//! 2^53 or keep the last of two equal keys, and either would let a call mean two things.

mod plain;
mod reader;
mod writer;

pub use reader::{JsonError, JsonErrorKind, Kind, Reader};
pub use writer::{Writer, canonical, write_string, write_value};

use crate::value::Value;

/// How deep values may nest.
pub const MAX_DEPTH: u32 = 64;

/// Reads one JSON text.
///
/// # Errors
/// The bytes are not strict JSON in UTF-8, have a key twice, nest deeper than 64, or hold a number
/// beyond the limits of [`crate::number`].
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut reader = Reader::new(bytes)?;
    let value = reader.value()?;
    reader.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        String::from_utf8(canonical(&parse(text.as_bytes()).unwrap())).unwrap()
    }

    #[test]
    fn canonical_form() {
        for (text, expected) in [
            (r#" { "b" : 1.0 , "a" : [ true , null ] } "#, r#"{"a":[true,null],"b":1}"#),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740993}"#),
            (r#""\u20ac\ud83d\ude00\n\u000f/\/""#, "\"€😀\\n\\u000f//\""),
            ("\"\\b\\f\\t\\r\\\"\\\\\"", "\"\\b\\f\\t\\r\\\"\\\\\""),
            ("[]", "[]"),
            ("{}", "{}"),
            (r#"{"peach":1,"péché":2,"pêche":3,"sin":4}"#, r#"{"peach":1,"péché":2,"pêche":3,"sin":4}"#),
        ] {
            assert_eq!(round(text), expected, "{text}");
        }
    }

    #[test]
    fn strictness() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "nul",
            "01",
            "1 2",
            "\"\\x\"",
            "\"\u{1}\"",
            "\"\\ud800\"",
            "{\"a\":1,\"a\":2}",
            "[1 2]",
            "{\"a\" 1}",
            "\"abc",
            "-",
            "\"\\u12g4\"",
            "tru",
            "\u{feff}1",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(64).as_bytes()).is_ok());
        let error = parse(nested(65).as_bytes()).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::TooDeep);
        assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn errors_name_the_place() {
        let error = parse(br#"{"a": tru}"#).unwrap_err();
        assert_eq!(
            (error.offset, error.to_string()),
            (6, "not JSON at byte 6: a value was expected".to_owned())
        );
    }
}
