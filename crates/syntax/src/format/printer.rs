//! Text with lines and indents under way. Knows nothing of the language.

use super::atoms::Comment;

#[derive(Default)]
pub(super) struct Printer {
    out: String,
    /// Characters on the line so far.
    column: usize,
    /// Where the line at hand begins.
    pub line_indent: usize,
    /// A line break is due before anything else is written.
    due: Option<usize>,
    /// What comes next touches what was written last.
    touching: bool,
    /// How many more blanks the next space is wide.
    padding: usize,
}

impl Printer {
    /// Writes `text`, after a space unless the two touch or a line begins.
    pub fn text(&mut self, text: &str, touches_before: bool, touches_after: bool) {
        self.begin_line();
        if self.column > self.line_indent && !self.touching && !touches_before {
            self.raw(&" ".repeat(1 + self.padding));
        }
        self.padding = 0;
        self.raw(text);
        self.touching = touches_after;
    }

    /// Makes what was written last as wide as `width`, if something follows it on the line.
    pub fn pad(&mut self, text: &str, width: usize) {
        self.padding = width.saturating_sub(text.chars().count());
    }

    /// Writes `text` as it is.
    pub fn raw(&mut self, text: &str) {
        self.begin_line();
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// What is written next begins a line at `indent`. Asked for twice, it is one line break.
    pub fn line(&mut self, indent: usize) {
        if self.column > 0 {
            self.due = Some(indent);
        } else {
            self.line_indent = indent;
        }
        self.touching = false;
    }

    /// An empty line, if a line break is due.
    pub fn blank(&mut self) {
        if self.due.is_some() {
            self.out.push('\n');
        }
    }

    /// A comment behind what is on the line, or on its own line; a line at `indent` follows.
    pub fn comment(&mut self, comment: &Comment, indent: usize) {
        if comment.own_line || self.due.is_some() || self.column == 0 {
            self.line(indent);
            self.raw(&comment.text);
        } else {
            self.raw("  ");
            self.raw(&comment.text);
        }
        self.line(indent);
    }

    /// A comment behind what is on the line, even if a line break is due.
    pub fn trailing(&mut self, comment: &Comment, indent: usize) {
        self.due = None;
        self.raw("  ");
        self.raw(&comment.text);
        self.line(indent);
    }

    /// How many characters fit behind a space on this line.
    pub fn room(&self) -> usize {
        let used = self.due.unwrap_or(self.column);
        super::WIDTH.saturating_sub(used + usize::from(!self.touching))
    }

    pub fn finish(mut self) -> String {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out
    }

    fn begin_line(&mut self) {
        if let Some(indent) = self.due.take() {
            self.padding = 0;
            self.out.push('\n');
            self.column = 0;
            self.line_indent = indent;
        }
        if self.column == 0 {
            self.out.extend(std::iter::repeat_n(' ', self.line_indent));
            self.column = self.line_indent;
        }
    }
}
