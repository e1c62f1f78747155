//! Tables for people: columns apart by two spaces, no frame, at most 100 columns wide. A cell that
//! another command takes as an argument is never cut and never broken.

use comfy_table::{ContentArrangement, Table};

use crate::views::record::cut;

/// Widest text output, in columns.
pub const WIDTH: usize = 100;
/// Columns between two cells.
const GAP: usize = 2;
/// A cut column with less room says nothing.
const MIN_ROOM: usize = 8;

/// The table as lines; every cell keeps its content on one line.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(String::as_str));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// The table with one column cut to what the others leave of the width; that column must hold nothing
/// that another command takes. It is left out where there is no room for it.
pub fn one_line(header: &[&str], rows: &[Vec<String>], cut_column: usize) -> String {
    let width_of = |text: &str| text.chars().count();
    let taken: usize = (0..header.len())
        .filter(|column| *column != cut_column)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell));
            cells.chain(header.get(column).map(|name| width_of(name))).max().unwrap_or(0) + GAP
        })
        .sum();
    let room = WIDTH.saturating_sub(taken);
    let cut_row = |row: &Vec<String>| -> Vec<String> {
        row.iter()
            .enumerate()
            .filter(|(column, _)| room >= MIN_ROOM || *column != cut_column)
            .map(|(column, cell)| if column == cut_column { cut(cell, room) } else { cell.clone() })
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cut_row).collect();
    let names: Vec<&str> = header
        .iter()
        .enumerate()
        .filter(|(column, _)| room >= MIN_ROOM || *column != cut_column)
        .map(|(_, name)| *name)
        .collect();
    table(&names, &rows)
}

/// Rows of a name and a value, the names aligned.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| {
            let indented = value.replace('\n', &format!("\n{}", " ".repeat(width + 2)));
            format!("{name:width$}  {indented}").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// `1 record`, `2 records`.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with its thousands apart: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_whole_and_lines_fit() {
        let id = "apr-0123456789abcdef0123456789abcdef";
        let row = |agent: &str| vec![id.to_owned(), agent.to_owned(), "word ".repeat(40)];
        let text = one_line(&["ID", "AGENT", "ARGS"], &[row("support-bot"), row("b")], 2);
        assert!(text.contains(id) && text.contains("support-bot") && text.contains('…'), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.lines().count(), 3);
        let long = one_line(&["ID", "AGENT", "ARGS"], &[row(&"a".repeat(70))], 2);
        assert!(long.contains(id) && long.contains(&"a".repeat(70)) && !long.contains("ARGS"), "{long}");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([counted(1, "record"), counted(2_000, "record")], ["1 record", "2,000 records"]);
    }

    #[test]
    fn pairs_are_aligned() {
        assert_eq!(pairs(&[("a", "1".into()), ("long", "2\n3".into())]), "a     1\nlong  2\n      3");
    }
}
