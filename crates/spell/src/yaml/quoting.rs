//! How a text is written in YAML: without quotes where every reader takes it for that text.

use super::plain::is_text;

/// A text on one line. In braces and brackets, fewer texts go without quotes.
pub(super) fn quoted(text: &str, flow: bool) -> String {
    if is_plain(text, flow) {
        return text.to_owned();
    }
    let is_visible = text.chars().all(|character| !needs_escape(character));
    if is_visible && text.contains(['"', '\\']) && !text.contains('\'') {
        return format!("'{text}'");
    }
    double(text)
}

/// Whether a text with line breaks can stand as an indented block.
pub(super) fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && body.split('\n').all(|line| !line.ends_with([' ', '\t']))
        && text.chars().all(|character| character == '\n' || !needs_escape(character))
}

fn is_plain(text: &str, flow: bool) -> bool {
    let begins = |first: char| first.is_alphanumeric() || "$/._(".contains(first);
    text.starts_with(begins)
        && is_text(text)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && text != "..."
        && !text.chars().any(needs_escape)
        && !(flow && text.contains([',', '[', ']', '{', '}', '"', '\'', ':', '#']))
}

fn needs_escape(character: char) -> bool {
    character.is_control()
        || character == '\u{feff}'
        || matches!(character, '\u{2028}' | '\u{2029}')
        || !character.is_ascii() && faramesh_syntax::is_invisible(character)
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if needs_escape(character) && u32::from(character) > 0xffff => {
                out.push_str(&format!("\\U{:08X}", u32::from(character)));
            }
            _ if needs_escape(character) => out.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_where_they_are_needed() {
        for (text, expected) in [
            ("refund", "refund"),
            ("amount < $500", "amount < $500"),
            ("host in [\"a\", \"b\"]", "host in [\"a\", \"b\"]"),
            ("deny!", "deny!"),
            ("*", "\"*\""),
            ("no", "\"no\""),
            ("500", "\"500\""),
            ("#ops", "\"#ops\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("", "\"\""),
            ("\"a\" in b", "'\"a\" in b'"),
            ("\"a\" in 'b'", "\"\\\"a\\\" in 'b'\""),
            ("a\tb", "\"a\\tb\""),
            ("2024-01-01", "\"2024-01-01\""),
        ] {
            assert_eq!(quoted(text, false), expected, "{text}");
        }
        assert_eq!(quoted("a, b", true), "\"a, b\"");
    }
}
