//! Byte offsets to the positions of the protocol and back. Positions count in the unit that client and
//! server agreed on; a line ends at `\n`, `\r\n` or a `\r` alone, as the protocol says.
//!
//! INVARIANT exact: an offset at the border of a character comes back as itself; anything else, from
//! either side, lands on the nearest border before it, inside the same line.

use faramesh_syntax::ast::Span;
use lsp_types::{Position, Range};

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, which every client understands.
    Utf16,
}

/// Where the lines and the wide characters of one text are.
#[derive(Debug, Clone)]
pub struct Lines {
    lines: Vec<Span>,
    wide: Vec<Wide>,
    length: u32,
}

/// A character of more than one byte.
#[derive(Debug, Clone, Copy)]
struct Wide {
    start: u32,
    end: u32,
    /// By how much bytes exceed units, from the beginning of the text to the end of this character.
    surplus: u32,
}

impl Lines {
    /// Reads `text` once. Text beyond 4 GiB is ignored.
    pub fn new(text: &str, encoding: Encoding) -> Self {
        let mut index = Self { lines: Vec::new(), wide: Vec::new(), length: offset(text.len()) };
        let mut start = 0;
        let mut surplus = 0;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let end = at + character.len_utf8();
            match character {
                '\r' if matches!(characters.peek(), Some((_, '\n'))) => {}
                '\n' | '\r' => {
                    let is_pair =
                        character == '\n' && text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'\r');
                    index.lines.push(Span { start, end: offset(at - usize::from(is_pair && at > 0)) });
                    start = offset(end);
                }
                _ if character.is_ascii() => {}
                _ => {
                    let units = match encoding {
                        Encoding::Utf8 => character.len_utf8(),
                        Encoding::Utf16 => character.len_utf16(),
                    };
                    surplus += offset(character.len_utf8() - units);
                    index.wide.push(Wide { start: offset(at), end: offset(end), surplus });
                }
            }
        }
        index.lines.push(Span { start, end: index.length });
        index
    }

    /// The position of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let offset = offset.min(self.length);
        let line = self.lines.partition_point(|line| line.start <= offset).saturating_sub(1);
        let start = self.lines.get(line).map_or(0, |line| line.start);
        let offset = self.border(offset);
        let character = (offset - start).saturating_sub(self.surplus(offset) - self.surplus(start));
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), character }
    }

    /// The byte offset of a position; what lies beyond a line or the text is its end.
    pub fn offset(&self, position: Position) -> u32 {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        let Some(&Span { start, end }) = self.lines.get(line) else { return self.length };
        let base = self.surplus(start);
        let column_after = |wide: &Wide| (wide.end - start).saturating_sub(wide.surplus - base);
        let first = self.wide.partition_point(|wide| wide.start < start);
        let wide = self.wide.get(first..).unwrap_or_default();
        let passed = wide.partition_point(|wide| wide.end <= end && column_after(wide) <= position.character);
        let before = passed.checked_sub(1).and_then(|last| wide.get(last));
        let found = match before {
            Some(before) => before.end.saturating_add(position.character - column_after(before)),
            None => start.saturating_add(position.character),
        };
        let next = wide.get(passed).map_or(u32::MAX, |next| next.start);
        found.min(next).min(end)
    }

    /// The range of a span.
    pub fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end) }
    }

    /// The span of a range; one that is upside down is turned round.
    pub fn span(&self, range: Range) -> Span {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        Span { start: start.min(end), end: start.max(end) }
    }

    /// The start of the character that `offset` lies inside of, if it lies inside of one.
    fn border(&self, offset: u32) -> u32 {
        let after = self.wide.partition_point(|wide| wide.end <= offset);
        self.wide.get(after).map_or(offset, |wide| offset.min(wide.start))
    }

    fn surplus(&self, offset: u32) -> u32 {
        let count = self.wide.partition_point(|wide| wide.end <= offset);
        count.checked_sub(1).and_then(|last| self.wide.get(last)).map_or(0, |wide| wide.surplus)
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ab\né€😀x\r\n\rlast 😀";

    /// The position by counting, without an index.
    fn counted(text: &str, encoding: Encoding, at: usize) -> Position {
        let before = &text[..at];
        let mut lines = vec![String::new()];
        let mut characters = before.chars().peekable();
        while let Some(character) = characters.next() {
            let next_in_text = characters.peek().copied().or_else(|| text[at..].chars().next());
            match character {
                '\r' if next_in_text == Some('\n') => lines.last_mut().unwrap().push('\r'),
                '\r' | '\n' => lines.push(String::new()),
                _ => lines.last_mut().unwrap().push(character),
            }
        }
        let last = lines.last().unwrap();
        let character = match encoding {
            Encoding::Utf8 => last.len(),
            Encoding::Utf16 => last.encode_utf16().count(),
        };
        Position { line: offset(lines.len() - 1), character: offset(character) }
    }

    #[test]
    fn every_border_has_its_position_and_comes_back() {
        for text in [TEXT, "", "\n", "\r\n", "\r", "😀", "a\r\n\r\nb", "é\ré\n"] {
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                let lines = Lines::new(text, encoding);
                for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
                    let position = lines.position(offset(at));
                    assert_eq!(position, counted(text, encoding, at), "{text:?} {encoding:?} {at}");
                    let between = text[..at].ends_with('\r') && text[at..].starts_with('\n');
                    if !between {
                        assert_eq!(lines.offset(position), offset(at), "{text:?} {encoding:?} {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_border_lands_before_it() {
        let lines = Lines::new(TEXT, Encoding::Utf16);
        let smile = offset(TEXT.find('😀').unwrap());
        assert_eq!(lines.offset(Position { line: 1, character: 3 }), smile, "between two halves");
        assert_eq!(lines.position(smile + 2), Position { line: 1, character: 2 });
        assert_eq!(lines.offset(Position { line: 1, character: 99 }), smile + 5, "the line's end");
        assert_eq!(lines.offset(Position { line: 9, character: 0 }), offset(TEXT.len()));
        assert_eq!(lines.position(u32::MAX), counted(TEXT, Encoding::Utf16, TEXT.len()));
    }
}
