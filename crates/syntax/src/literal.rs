//! The text between quotes to the string it means, and a string back to how it is written.

use crate::ast::Span;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::limits;

/// The string that a token means; escapes that do not exist are reported and kept as written.
pub(crate) fn unescape(
    kind: SyntaxKind,
    text: &str,
    start: u32,
    report: &mut dyn FnMut(Diagnostic),
) -> String {
    let whole = span(start, 0, text.len());
    let inner = inner(kind, text, whole, report);
    if inner.len() > limits::STRING_BYTES {
        let message = format!("this string is longer than {} KiB", limits::STRING_BYTES / 1024);
        report(Diagnostic::error(codes::STRING_TOO_LONG, whole, message).with_help("shorten it"));
        return String::new();
    }
    if kind == SyntaxKind::FOREIGN_STRING || !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    // The opening quote is one byte here: foreign strings have no escapes.
    let mut at = 1;
    while let Some(index) = rest.find('\\') {
        value.push_str(rest.get(..index).unwrap_or_default());
        let escape = rest.get(index..).unwrap_or_default();
        let length = match resolve(escape) {
            Ok((character, length)) => {
                value.push(character);
                length
            }
            Err(length) => {
                let written = escape.get(..length).unwrap_or(escape);
                value.push_str(written);
                report(unknown_escape(written, span(start, at + index, length)));
                length
            }
        };
        at += index + length;
        rest = escape.get(length..).unwrap_or_default();
    }
    value.push_str(rest);
    value
}

fn span(start: u32, from: usize, length: usize) -> Span {
    let start = start.saturating_add(u32::try_from(from).unwrap_or(u32::MAX));
    Span { start, end: start.saturating_add(u32::try_from(length).unwrap_or(u32::MAX)) }
}

fn inner<'t>(kind: SyntaxKind, text: &'t str, whole: Span, report: &mut dyn FnMut(Diagnostic)) -> &'t str {
    let open = text.chars().next().map_or(0, char::len_utf8);
    if kind == SyntaxKind::UNCLOSED_STRING {
        let end = span(whole.start, closing_place(text), 0);
        report(
            Diagnostic::error(codes::UNCLOSED_STRING, whole, "this string is never closed")
                .with_help("end it with `\"` on the same line")
                .with_fix(end, "\"", "close the string"),
        );
        return text.get(open..).unwrap_or_default();
    }
    let close = text.chars().next_back().map_or(0, char::len_utf8);
    let inner = text.get(open..text.len().saturating_sub(close)).unwrap_or_default();
    if kind == SyntaxKind::FOREIGN_STRING {
        let what = if text.starts_with('\'') { "single quotes" } else { "curly quotes" };
        report(
            Diagnostic::error(codes::WRONG_QUOTES, whole, format!("strings are not written in {what}"))
                .with_help("use straight double quotes: `\"`")
                .with_fix(whole, quote(inner), "use straight double quotes"),
        );
    }
    inner
}

/// Where the quote that closes an unclosed string probably belongs: at its end, or before the signs that
/// close the block, list or group around it.
fn closing_place(text: &str) -> usize {
    let kept = text.trim_end_matches(|sign: char| sign.is_whitespace() || "}]);,".contains(sign));
    let cut = text.get(kept.len()..).unwrap_or_default();
    let is_foreign = |open: char, close: char| cut.contains(close) && !kept.contains(open);
    if is_foreign('{', '}') || is_foreign('[', ']') || is_foreign('(', ')') { kept.len() } else { text.len() }
}

/// The character and length of the escape that `text` begins with, or the length of what is no escape.
fn resolve(text: &str) -> Result<(char, usize), usize> {
    let mut characters = text.chars();
    characters.next();
    match characters.next() {
        Some('n') => Ok(('\n', 2)),
        Some('t') => Ok(('\t', 2)),
        Some('"') => Ok(('"', 2)),
        Some('\\') => Ok(('\\', 2)),
        Some('u') => {
            let Some(digits) = text.get(2..).and_then(|rest| rest.strip_prefix('{')) else { return Err(2) };
            let Some(length) = digits.bytes().take(9).position(|byte| byte == b'}') else { return Err(3) };
            let digits = digits.get(..length).unwrap_or_default();
            let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = if well_formed { u32::from_str_radix(digits, 16).ok() } else { None };
            // Whole characters only: up to nine bytes were searched, so a byte may split one.
            let length = if digits.is_ascii() { length + 4 } else { 3 };
            number.and_then(char::from_u32).map(|character| (character, length)).ok_or(length)
        }
        Some(other) => Err(1 + other.len_utf8()),
        None => Err(1),
    }
}

fn unknown_escape(written: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(codes::UNKNOWN_ESCAPE, span, format!("`{written}` is no escape"));
    if written.starts_with("\\u") {
        return diagnostic.with_help("write a character by its number as in `\\u{1F600}`");
    }
    diagnostic
        .with_help(format!(
            "for a backslash itself write `\\{written}`; the escapes are `\\n \\t \\\" \\\\ \\u{{…}}`"
        ))
        .with_fix(span, format!("\\{written}"), "double the backslash")
}

/// `value` as a string is written, in straight quotes and with escapes where they are needed.
pub fn quote(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\u{D}"),
            _ if crate::invisible::is_invisible(character) => {
                text.push_str(&format!("\\u{{{:X}}}", u32::from(character)))
            }
            _ => text.push(character),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_quote_stands_before_what_closes_more() {
        for (text, expected) in [
            ("\"no shell", "\"no shell|"),
            ("\"audit }", "\"audit| }"),
            ("\"b]", "\"b|]"),
            ("\"see (a)", "\"see (a)|"),
            ("\"a;", "\"a;|"),
        ] {
            let (kept, cut) = text.split_at(closing_place(text));
            assert_eq!(format!("{kept}|{cut}"), expected);
        }
    }

    fn read(text: &str) -> (String, Vec<String>) {
        let mut messages = Vec::new();
        let value = unescape(SyntaxKind::STRING, text, 0, &mut |found| messages.push(found.message));
        (value, messages)
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(read(r#""a\\.b\n\t\"\u{1F600}\u{e9}""#), ("a\\.b\n\t\"😀é".to_owned(), vec![]));
    }

    #[test]
    fn what_is_no_escape_is_reported_and_kept() {
        for (text, written) in [
            (r#""\d+""#, r"\d"),
            (r#""\é""#, r"\é"),
            (r#""\u41""#, r"\u"),
            (r#""\u{}""#, r"\u{}"),
            (r#""\u{110000}""#, r"\u{110000}"),
            (r#""\u{D800}""#, r"\u{D800}"),
            (r#""\u{ééééé}""#, r"\u{"),
            (r#""\u{é}""#, r"\u{"),
            (r#""\u{""#, r"\u{"),
            (r#""\u{+41}""#, r"\u{+41}"),
        ] {
            let (value, messages) = read(text);
            assert_eq!(messages, [format!("`{written}` is no escape")], "{text}");
            assert_eq!(format!("\"{value}\""), text);
        }
    }

    #[test]
    fn quoting_and_reading_are_inverse() {
        for value in ["", "a", "\"\\\n\t\r\0\u{202e}é😀", "\\d"] {
            assert_eq!(read(&quote(value)), (value.to_owned(), vec![]));
        }
    }
}
