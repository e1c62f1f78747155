//! The page of a message of `check`, as the manual has it: wrapped for the terminal, or as data.

use faramesh_call::{Value, object};
use faramesh_manual::{Answer, Block, blocks, expanded, look_up, plain};

use crate::context::Context;
use crate::failure::Failure;
use crate::views::json::{self, text as member};
use crate::views::table::WIDTH;
use crate::views::words;

/// Longest example that is shown as data with its repetitions written out, in bytes.
const EXAMPLE_BYTES: usize = 4_096;

/// The page that the words ask for; `None` when they are about a decision.
///
/// # Errors
/// They are nearly a code or name of a message.
pub(super) fn wanted(words: &[String], context: &Context) -> Result<Option<Value>, Failure> {
    let [word] = words else { return Ok(None) };
    let entry = match look_up(word) {
        Answer::Found(entry) => entry,
        Answer::Other => return Ok(None),
        Answer::Unknown(near) => {
            let failure = Failure::new(format!("no message has the code or name `{word}`"));
            return Err(match near {
                Some(near) => {
                    failure.hint(format!("did you mean {}?", context.command(&format!("explain {near}"))))
                }
                None => failure.hint("`faramesh check` shows the code of each message, as in `FPL0012`"),
            });
        }
    };
    let Some(page) = faramesh_manual::page(entry.code) else { return Ok(None) };
    Ok(Some(json::versioned(object! {
        "code" => entry.code.to_string(),
        "name" => entry.name,
        "severity" => entry.severity.to_string(),
        "meaning" => entry.meaning,
        "hit" => example(page, "hit"),
        "clean" => example(page, "clean"),
        "page" => page,
    })))
}

/// The example of a page that gives the message, or the one that does not.
fn example(page: &str, kind: &str) -> Option<String> {
    blocks(page).into_iter().find_map(|block| match block {
        Block::Fence { info, text, .. } if info.split(' ').any(|word| word == kind) => {
            Some(expanded(&text).filter(|source| source.len() <= EXAMPLE_BYTES).unwrap_or(text))
        }
        _ => None,
    })
}

/// The page for people.
pub(super) fn text(value: &Value) -> String {
    let mut parts = Vec::new();
    for block in blocks(member(value, &["page"])) {
        parts.push(match block {
            Block::Heading(_, title) => words::heading(title),
            Block::Paragraph(text) => wrapped(&plain(&text), ""),
            Block::Item(mark, text) => wrapped(&plain(&text), &format!("{mark} ")),
            Block::Row(row) => row.to_owned(),
            Block::Fence { text, .. } => format!("    {}", text.trim_end().replace('\n', "\n    ")),
        });
    }
    parts.join("\n\n")
}

/// A text in lines of at most [`WIDTH`] characters; `mark` stands before the first, spaces before the others.
fn wrapped(text: &str, mark: &str) -> String {
    let indent = mark.chars().count();
    let mut lines = mark.to_owned();
    let mut column = indent;
    for (index, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_the_terminal() {
        for entry in faramesh_manual::entries() {
            let Some(page) = faramesh_manual::page(entry.code) else { continue };
            let value = Value::Object(object! { "page" => page });
            let text = anstream::adapter::strip_str(&text(&value)).to_string();
            assert!(text.starts_with(&format!("{}: {}\n\n", entry.code, entry.name)), "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", entry.code);
            }
        }
    }

    #[test]
    fn long_lines_are_wrapped_under_their_mark() {
        let text = wrapped(&"word ".repeat(30), "- ");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("- word word") && lines[0].len() <= WIDTH);
        assert!(lines[1].starts_with("  word"));
    }
}
