//! The part of Markdown that the documentation is written in: headings, paragraphs, list items, tables
//! and fenced blocks. Reads any text; what it does not know is a paragraph.

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block<'a> {
    /// `## Title`, with its level.
    Heading(usize, &'a str),
    /// Lines that belong together, joined by spaces.
    Paragraph(String),
    /// One item of a list, with its mark: `-` or `1.`
    Item(&'a str, String),
    /// A line of a table.
    Row(&'a str),
    /// A fenced block.
    Fence {
        /// The words after the opening fence.
        info: &'a str,
        /// The lines between the fences, each with its line break.
        text: String,
        /// The line of the opening fence, from 1.
        line: usize,
    },
}

/// The blocks of a page, in order. Comments (`<!-- … -->` on a line) are left out.
#[must_use]
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    let mut open = false;
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim_start();
        if let Some(info) = trimmed.strip_prefix("```") {
            let indent = line.len() - trimmed.len();
            let mut text = String::new();
            for (_, line) in lines.by_ref() {
                if line.trim() == "```" {
                    break;
                }
                let spaces = line.len() - line.trim_start().len();
                text.push_str(line.get(indent.min(spaces)..).unwrap_or_default());
                text.push('\n');
            }
            blocks.push(Block::Fence { info: info.trim(), text, line: index + 1 });
            open = false;
        } else if trimmed.is_empty() || trimmed.starts_with("<!--") {
            open = false;
        } else if let Some(heading) = heading(line) {
            blocks.push(heading);
            open = false;
        } else if trimmed.starts_with('|') {
            blocks.push(Block::Row(line));
            open = false;
        } else if let Some((mark, rest)) = item(trimmed) {
            blocks.push(Block::Item(mark, rest.to_owned()));
            open = true;
        } else if let (true, Some(Block::Paragraph(text) | Block::Item(_, text))) = (open, blocks.last_mut())
        {
            text.push(' ');
            text.push_str(trimmed.trim_end());
        } else {
            blocks.push(Block::Paragraph(trimmed.trim_end().to_owned()));
            open = true;
        }
    }
    blocks
}

fn heading(line: &str) -> Option<Block<'_>> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let title = text.strip_prefix(' ').filter(|_| (1..=6).contains(&level))?;
    Some(Block::Heading(level, title.trim()))
}

fn item(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("- ") {
        return Some(("-", rest));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (mark, rest) = line.split_at_checked(digits + 1)?;
    let rest = rest.strip_prefix(' ')?;
    (digits > 0 && mark.ends_with('.')).then_some((mark, rest))
}

/// A text without the signs of Markdown: links by their text, emphasis and code without marks.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut code = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        if !code && let Some(end) = after.strip_prefix('*').filter(|_| character == '*') {
            rest = end;
            continue;
        }
        if !code
            && character == '['
            && let Some((label, end)) = link(after)
        {
            plain.push_str(label);
            rest = end;
            continue;
        }
        code ^= character == '`';
        plain.push(character);
        rest = after;
    }
    plain
}

/// The label of a link after its `[`, and what follows the link.
fn link(text: &str) -> Option<(&str, &str)> {
    let (label, rest) = text.split_once("](")?;
    let (_, end) = rest.split_once(')')?;
    (!label.contains('[')).then_some((label, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_in_blocks() {
        let page = "# T\n\none\ntwo\n\n<!-- no -->\n- a\n  b\n1. c\n\n| x |\n\n  ```fpl hit\n  permit a\n    b\n  ```\nend\n";
        let expected = vec![
            Block::Heading(1, "T"),
            Block::Paragraph("one two".to_owned()),
            Block::Item("-", "a b".to_owned()),
            Block::Item("1.", "c".to_owned()),
            Block::Row("| x |"),
            Block::Fence { info: "fpl hit", text: "permit a\n  b\n".to_owned(), line: 13 },
            Block::Paragraph("end".to_owned()),
        ];
        assert_eq!(blocks(page), expected);
    }

    #[test]
    fn signs_of_markdown() {
        for (text, expected) in [
            ("a **bold** word", "a bold word"),
            ("see [the guide](x.md), `a[0](b)`", "see the guide, `a[0](b)`"),
            ("`**` stays", "`**` stays"),
            ("[not a link", "[not a link"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
