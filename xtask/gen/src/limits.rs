//! The limits of a policy and of a call, from the constants that enforce them.

use faramesh_call::{call, json, number};
use faramesh_syntax::limits;

use crate::page::Page;

/// The section of the language reference.
pub fn section(page: &mut Page) {
    page.heading(2, "Limits");
    page.paragraph(
        "Each limit of a policy has an error of its own. A call beyond a limit is denied: `CALL_INVALID` for its shape, \
         `POLICY_LIMIT` for the work.",
    );
    let policy: Vec<(&str, String, &str)> = vec![
        ("source", bytes(limits::SOURCE_BYTES), "FPL0090"),
        ("nesting of blocks, lists, parentheses and operators", limits::NESTING.to_string(), "FPL0091"),
        ("nesting of a condition", faramesh_check::stack::MAX_HEIGHT.to_string(), "FPL0190"),
        ("string", bytes(limits::STRING_BYTES), "FPL0092"),
        ("elements of a list", grouped(limits::LIST_ELEMENTS), "FPL0093"),
        ("rules of a file", grouped(limits::RULES), "FPL0094"),
        ("regular expression", bytes(faramesh_program::load::MAX_REGEX_BYTES), "FPL0147"),
        ("regular expression, compiled", bytes(faramesh_program::load::MAX_REGEX_COMPILED_BYTES), "FPL0147"),
        ("digits of a number", grouped(number::MAX_DIGITS), "FPL0148"),
        ("messages shown", limits::DIAGNOSTICS.to_string(), "FPL0095"),
    ];
    let rows: Vec<Vec<String>> = policy
        .into_iter()
        .map(|(what, most, code)| vec![what.to_owned(), most, format!("[{code}](../diagnostics/{code}.md)")])
        .collect();
    page.table(&["of a policy", "at most", "message"], &rows);
    let steps = usize::try_from(faramesh_decide::MAX_STEPS).unwrap_or(usize::MAX);
    let calls = [
        ("name of a tool", bytes(call::MAX_TOOL_BYTES), "CALL_INVALID"),
        ("arguments", bytes(call::MAX_ARGS_BYTES), "CALL_INVALID"),
        ("nesting of arguments", json::MAX_DEPTH.to_string(), "CALL_INVALID"),
        ("steps of one decision", grouped(steps), "POLICY_LIMIT"),
    ];
    let rows: Vec<Vec<String>> = calls
        .into_iter()
        .map(|(what, most, code)| vec![what.to_owned(), most, format!("`{code}`")])
        .collect();
    page.table(&["of a call", "at most", "code"], &rows);
}

fn bytes(count: usize) -> String {
    match count {
        _ if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        _ if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        _ => format!("{count} bytes"),
    }
}

/// `100,000`
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
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
    fn figures_for_people() {
        assert_eq!([bytes(4 << 20), bytes(1 << 16), bytes(512)], ["4 MiB", "64 KiB", "512 bytes"]);
        assert_eq!([grouped(500), grouped(10_000), grouped(1_000_000)], ["500", "10,000", "1,000,000"]);
    }
}
