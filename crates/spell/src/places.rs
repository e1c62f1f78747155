//! Where the characters of a scalar's text stand in the source, so that a message about a part of a
//! condition points at that part of the YAML or JSON file.
//!
//! What a writer folded or escaped is followed character by character; inside folded blanks a place may
//! be off by some blanks, never outside of the scalar.

use faramesh_syntax::ast::Span;

use crate::tree::Style;

/// From offsets in a text to offsets in the source.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// The text stands in the source as it is.
    Shifted(u32),
    /// For each byte of the text the last byte in the source that stands for it; and where the text ends.
    Table(Vec<u32>, u32),
}

impl Places {
    /// `slice` is what stands at `start` in the source for `text`.
    pub fn new(slice: &str, start: u32, text: &str, style: Style) -> Self {
        if slice == text {
            Self::Shifted(start)
        } else {
            Self::Table(align(slice, start, text, style), start + length(slice))
        }
    }

    /// Whether the text stands in the source as it is, so that a part of it can be replaced there.
    pub fn is_verbatim(&self) -> bool {
        matches!(self, Self::Shifted(_))
    }

    /// The place in the source of a part of the text.
    pub fn map(&self, span: Span) -> Span {
        match self {
            Self::Shifted(start) => {
                Span { start: start.saturating_add(span.start), end: start.saturating_add(span.end) }
            }
            Self::Table(table, end) => {
                let at = |offset: u32| {
                    usize::try_from(offset).ok().and_then(|at| table.get(at)).copied().unwrap_or(*end)
                };
                let start = at(span.start);
                let end =
                    if span.end > span.start { at(span.end - 1).saturating_add(1).min(*end) } else { start };
                Span { start, end: end.max(start) }
            }
        }
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn align(slice: &str, start: u32, text: &str, style: Style) -> Vec<u32> {
    let mut table = Vec::with_capacity(text.len());
    let mut rest = slice;
    for character in text.chars() {
        let width = step(&mut rest, character, style);
        let last = start + length(slice).saturating_sub(length(rest)).saturating_sub(1);
        let bytes = u32::try_from(character.len_utf8()).unwrap_or(1);
        // What stands as it is keeps a place for each of its bytes.
        let verbatim = width == character.len_utf8();
        table
            .extend((0..bytes).map(|at| if verbatim { (last + 1 + at).saturating_sub(bytes) } else { last }));
    }
    table
}

/// Takes from `rest` what stands for `character`; gives how many bytes that is, blanks before it aside.
fn step(rest: &mut &str, character: char, style: Style) -> usize {
    loop {
        let taken = match (style, rest.as_bytes()) {
            (Style::Double, [b'\\', b'\n' | b'\r', ..]) => {
                // A line that is continued stands for nothing.
                *rest = rest.get(1..).unwrap_or_default().trim_start();
                continue;
            }
            (Style::Double, [b'\\', ..]) => escape_length(rest),
            (Style::Single, [b'\'', b'\'', ..]) => 2,
            _ if rest.starts_with(character) => character.len_utf8(),
            (_, [b' ' | b'\t' | b'\n' | b'\r', ..]) => {
                let blanks = rest.len() - rest.trim_start().len();
                if character.is_whitespace() {
                    blanks
                } else {
                    *rest = rest.get(blanks..).unwrap_or_default();
                    continue;
                }
            }
            _ => rest.chars().next().map_or(0, char::len_utf8),
        };
        *rest = rest.get(taken..).unwrap_or_default();
        return taken;
    }
}

fn escape_length(text: &str) -> usize {
    let length = match text.as_bytes().get(1) {
        Some(b'x') => 4,
        // A pair of surrogates is one character.
        Some(b'u') if text.get(6..8) == Some("\\u") && is_high_surrogate(text) => 12,
        Some(b'u') => 6,
        Some(b'U') => 10,
        _ => 1 + text.chars().nth(1).map_or(0, char::len_utf8),
    };
    if text.is_char_boundary(length) { length } else { 1 }
}

fn is_high_surrogate(text: &str) -> bool {
    let code = text.get(2..6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.is_some_and(|code| (0xD800..0xDC00).contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_where_they_stand() {
        for (slice, text, style, part, expected) in [
            ("a < $5", "a < $5", Style::Plain, "$5", "$5"),
            (r#"a == \"x\" and b"#, "a == \"x\" and b", Style::Double, "\"x\"", "\"x\\\""),
            (r#"a == \"x\" and b"#, "a == \"x\" and b", Style::Double, "b", "b"),
            ("a == ''x'' or b", "a == 'x' or b", Style::Single, "b", "b"),
            ("a and\n      b", "a and b", Style::Plain, "b", "b"),
            ("a and\n    b\n    and c\n", "a and b and c\n", Style::Block, "and c", "and c"),
            (r"\u00e9 \ud83d\ude00 é x", "é 😀 é x", Style::Double, "é x", "é x"),
            ("one \\\n   two", "one two", Style::Double, "two", "two"),
        ] {
            let places = Places::new(slice, 10, text, style);
            let start = u32::try_from(text.rfind(part).unwrap()).unwrap();
            let span = places.map(Span { start, end: start + u32::try_from(part.len()).unwrap() });
            let found =
                &slice[usize::try_from(span.start - 10).unwrap()..usize::try_from(span.end - 10).unwrap()];
            assert_eq!(found, expected, "{slice}");
        }
    }

    #[test]
    fn a_text_that_does_not_fit_stays_inside() {
        let places = Places::new("xyz", 10, "something else", Style::Double);
        for start in 0..20 {
            let span = places.map(Span { start, end: start + 3 });
            assert!((10..=13).contains(&span.start) && (10..=13).contains(&span.end));
        }
    }
}
