//! A page in the making: headings, paragraphs and tables of Markdown.

use std::path::Path;

/// Longest line of a paragraph, in characters.
const WIDTH: usize = 118;

/// A file of the documentation.
#[derive(Debug)]
pub struct Page {
    /// Where it is, from the root of the repository.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Page {
    /// A page with its title, and under it where it comes from.
    pub fn new(path: &str, title: &str, origin: &str) -> Self {
        let text =
            format!("# {title}\n\n<!-- Made by `cargo xtask gen` from {origin}; change it there. -->\n");
        Self { path: path.to_owned(), text }
    }

    /// Whether the file on disk is this page.
    pub fn is_current(&self, root: &Path) -> bool {
        std::fs::read_to_string(root.join(&self.path)).is_ok_and(|text| text == self.text)
    }

    /// `## title`, or deeper.
    pub fn heading(&mut self, level: usize, title: &str) {
        self.text.push_str(&format!("\n{} {title}\n", "#".repeat(level)));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        let mut column = 0;
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > WIDTH {
                self.text.push('\n');
                column = 0;
            } else if column > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += length;
        }
        self.text.push('\n');
    }

    /// A fenced block.
    pub fn fence(&mut self, info: &str, text: &str) {
        self.text.push_str(&format!("\n```{info}\n{}\n```\n", text.trim_end()));
    }

    /// A table. A column in which every cell is empty is left out.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        let kept: Vec<usize> = (0..header.len())
            .filter(|column| rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty())))
            .collect();
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        self.text.push('\n');
        self.text.push_str(&line(kept.iter().filter_map(|column| header.get(*column).copied()).collect()));
        self.text.push_str(&format!("|{}\n", "---|".repeat(kept.len())));
        for row in rows {
            self.text.push_str(&line(
                kept.iter().filter_map(|column| row.get(*column).map(String::as_str)).collect(),
            ));
        }
    }
}

/// A text as code in a table's cell; nothing for an empty one.
pub fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// A text in a table's cell.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_columns_are_left_out() {
        let mut page = Page::new("a.md", "A", "b");
        page.text.clear();
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        page.table(&["x", "y", "z"], &[row(["1", "", "3"]), row(["4", "", ""])]);
        assert_eq!(page.text, "\n| x | z |\n|---|---|\n| 1 | 3 |\n| 4 |  |\n");
        assert_eq!(code("a||b"), "`a\\|\\|b`");
    }
}
