//! Records as a table for spreadsheets. What an agent sent is never taken for a formula.

use faramesh_call::{Value, json};

use crate::views::json::{at, text};

const COLUMNS: &[(&str, &[&str])] = &[
    ("time", &["time"]),
    ("seq", &["seq"]),
    ("kind", &["kind"]),
    ("effect", &["effect"]),
    ("code", &["code"]),
    ("agent", &["agent"]),
    ("tool", &["tool"]),
    ("args", &["args"]),
    ("rule", &["rule", "ref"]),
    ("reason", &["reason"]),
    ("approval", &["approval", "id"]),
    ("session", &["session"]),
    ("identity", &["identity", "subject"]),
    ("policy", &["policy"]),
    ("id", &["id"]),
];

/// The names of the columns.
pub fn header() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    names.join(",")
}

/// One record as a row.
pub fn row(record: &Value) -> String {
    let cells: Vec<String> = COLUMNS.iter().map(|(_, path)| cell(record, path)).collect();
    cells.join(",")
}

fn cell(record: &Value, path: &[&str]) -> String {
    let content = match at(record, path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(_)) => text(record, path).to_owned(),
        Some(value) => String::from_utf8_lossy(&json::canonical(value)).into_owned(),
    };
    // Spreadsheets run what begins so.
    let guarded =
        if content.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{content}") } else { content };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let record = json::parse(
            br#"{"time":"t","seq":5,"tool":"=cmd()","reason":"a \"b\", c","args":{"x":1},"effect":"deny"}"#,
        )
        .unwrap();
        let row = row(&record);
        assert!(row.starts_with(r#"t,5,,deny,,,'=cmd(),"{""x"":1}",,"a ""b"", c","#), "{row}");
        assert_eq!(row.matches(',').count(), header().matches(',').count() + 1, "one comma is in a cell");
    }
}
