//! Names of stacks and instances inside a checkpoint, whose text has lines and words: everything but
//! `A-Z a-z 0-9 . _ -` is percent-encoded, in one way only.

use std::fmt::Write as _;

/// The name with every other byte as `%` and two upper-case digits.
pub(crate) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The name behind an encoded text; `None` when [`encode`] would not have written it so.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    let name = String::from_utf8(bytes).ok()?;
    (encode(&name) == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_one_way() {
        for (name, text) in [
            ("payments-1.eu_west", "payments-1.eu_west"),
            ("a/b c", "a%2Fb%20c"),
            ("zürich", "z%C3%BCrich"),
            ("100%+\n", "100%25%2B%0A"),
        ] {
            assert_eq!(encode(name), text);
            assert_eq!(decode(text).as_deref(), Some(name));
        }
        for wrong in ["%2f", "%41", "a b", "%", "%4", "%zz", "%FF", "a/b"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
