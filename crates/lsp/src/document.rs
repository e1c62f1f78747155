//! One open document at one version: its text, and what is read from it, each at most once. Documents
//! are values: an edit makes a new one, so that a thread which still reads the old one is not disturbed.

use std::sync::OnceLock;

use faramesh_syntax::ast::Span;
use faramesh_syntax::{Parse, limits};
use lsp_types::{Range, TextDocumentContentChangeEvent, Uri};

use crate::outline::Outline;
use crate::positions::{Encoding, Lines};

/// Largest text that is kept. The language's own limit is smaller and has its message.
const KEPT_BYTES: usize = 4 * limits::SOURCE_BYTES;

/// An open document.
#[derive(Debug)]
pub struct Document {
    /// Where it is.
    pub uri: Uri,
    /// The client's number of this state.
    pub version: i32,
    /// The text.
    pub text: String,
    /// Its lines.
    pub lines: Lines,
    encoding: Encoding,
    /// The text outgrew [`KEPT_BYTES`] and was dropped; only a whole new text helps.
    dropped: bool,
    parse: OnceLock<Parse>,
    outline: OnceLock<Outline>,
}

impl Document {
    /// A document as it was opened.
    pub fn new(uri: Uri, version: i32, text: String, encoding: Encoding) -> Self {
        Self::with(uri, version, text, encoding, false)
    }

    fn with(uri: Uri, version: i32, mut text: String, encoding: Encoding, dropped: bool) -> Self {
        let dropped = dropped || text.len() > KEPT_BYTES;
        if dropped {
            // One byte above the limit, so that the parser says what is wrong.
            text = " ".repeat(limits::SOURCE_BYTES + 1);
        }
        let lines = Lines::new(&text, encoding);
        Self {
            uri,
            version,
            text,
            lines,
            encoding,
            dropped,
            parse: OnceLock::new(),
            outline: OnceLock::new(),
        }
    }

    /// The document after `changes`, applied one after the other.
    pub fn changed(&self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) -> Self {
        let mut text = self.text.clone();
        let mut lines = None;
        let mut dropped = self.dropped;
        for change in changes {
            let Some(range) = change.range else {
                text = change.text;
                dropped = text.len() > KEPT_BYTES;
                lines = Some(Lines::new(&text, self.encoding));
                continue;
            };
            if dropped {
                continue;
            }
            let Span { start, end } = lines.as_ref().unwrap_or(&self.lines).span(range);
            text.replace_range(index(start)..index(end), &change.text);
            dropped = text.len() > KEPT_BYTES;
            lines = Some(Lines::new(&text, self.encoding));
        }
        Self::with(self.uri.clone(), version, text, self.encoding, dropped)
    }

    /// The text as it parses.
    pub fn parse(&self) -> &Parse {
        self.parse.get_or_init(|| faramesh_syntax::parse(&self.text))
    }

    /// What is declared in it, and where it is named.
    pub fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| Outline::of(self.parse().ast()))
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(index(span.start)..index(span.end)).unwrap_or_default()
    }

    /// The range of a span.
    pub fn range(&self, span: Span) -> Range {
        self.lines.range(span)
    }
}

/// A byte offset as an index.
pub fn index(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use lsp_types::Position;

    use super::*;

    fn document(text: &str) -> Document {
        let uri = Uri::from_str("file:///governance.fms").unwrap();
        Document::new(uri, 1, text.to_owned(), Encoding::Utf16)
    }

    fn change(start: (u32, u32), end: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let position = |(line, character)| Position { line, character };
        let range = Some(Range { start: position(start), end: position(end) });
        TextDocumentContentChangeEvent { range, range_length: None, text: text.to_owned() }
    }

    #[test]
    fn changes_apply_one_after_the_other() {
        let changed = document("permit 😀\ndeny b\n").changed(
            2,
            vec![
                change((0, 7), (0, 9), "x/é"),
                change((0, 10), (0, 10), " if a"),
                change((1, 0), (2, 0), ""),
            ],
        );
        assert_eq!(changed.text, "permit x/é if a\n");
        assert_eq!(changed.version, 2);
        assert_eq!(changed.lines.position(11), Position { line: 0, character: 10 });
    }

    #[test]
    fn a_text_that_is_too_large_is_dropped_until_a_whole_one_comes() {
        let grown = document(&"x".repeat(KEPT_BYTES)).changed(2, vec![change((0, 0), (0, 0), "yy")]);
        assert!(grown.parse().has_errors() && grown.text.len() < KEPT_BYTES);
        let still = grown.changed(3, vec![change((0, 0), (0, 5), "permit a")]);
        assert!(still.parse().has_errors());
        let whole =
            TextDocumentContentChangeEvent { range: None, range_length: None, text: "permit a".to_owned() };
        assert!(!still.changed(4, vec![whole]).parse().has_errors());
    }
}
