//! Byte offsets to lines and columns as a person counts them: from 1, in Unicode scalar values,
//! a tab as one, a byte order mark as none. A line ends at `\n`.

/// Where the lines and the wide characters of one source begin.
#[derive(Debug, Clone)]
pub struct LineIndex {
    line_starts: Vec<u32>,
    /// End of each character of more than one byte, and all bytes beyond one per character up to it.
    wide: Vec<(u32, u32)>,
    length: u32,
}

impl LineIndex {
    /// Reads `source` once. Text beyond 4 GiB is ignored.
    pub fn new(source: &str) -> Self {
        let mut line_starts = vec![0];
        let mut wide = Vec::new();
        let mut surplus = 0_u32;
        for (start, character) in source.char_indices() {
            let width = character.len_utf8();
            let Ok(end) = u32::try_from(start.saturating_add(width)) else { break };
            if character == '\n' {
                line_starts.push(end);
            } else if width > 1 {
                let counted = usize::from(!(start == 0 && character == '\u{feff}'));
                surplus += u32::try_from(width - counted).unwrap_or(0);
                wide.push((end, surplus));
            }
        }
        Self { line_starts, wide, length: u32::try_from(source.len()).unwrap_or(u32::MAX) }
    }

    /// Line and column of a byte offset; an offset past the end is the end, one inside a character
    /// is that character's place.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let offset = offset.min(self.length);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = line.checked_sub(1).and_then(|at| self.line_starts.get(at)).copied().unwrap_or(0);
        let before = offset - start;
        let column = before.saturating_sub(self.surplus(offset) - self.surplus(start));
        (u32::try_from(line).unwrap_or(u32::MAX), column.saturating_add(1))
    }

    /// How many lines there are; a trailing `\n` opens a last, empty one.
    pub fn lines(&self) -> usize {
        self.line_starts.len()
    }

    fn surplus(&self, offset: u32) -> u32 {
        let count = self.wide.partition_point(|&(end, _)| end <= offset);
        count.checked_sub(1).and_then(|at| self.wide.get(at)).map_or(0, |&(_, surplus)| surplus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_one_in_characters() {
        let source = "ab\né€x\r\n\n";
        let index = LineIndex::new(source);
        let at = |needle: &str| u32::try_from(source.find(needle).unwrap()).unwrap();
        assert_eq!(index.line_column(0), (1, 1));
        assert_eq!(index.line_column(2), (1, 3), "the line break belongs to its line");
        assert_eq!(index.line_column(at("é")), (2, 1));
        assert_eq!(index.line_column(at("€")), (2, 2));
        assert_eq!(index.line_column(at("x")), (2, 3));
        assert_eq!(index.line_column(u32::MAX), (4, 1));
        assert_eq!(index.lines(), 4);
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let index = LineIndex::new("\u{feff}ab");
        assert_eq!(index.line_column(3), (1, 1));
        assert_eq!(index.line_column(4), (1, 2));
    }
}
