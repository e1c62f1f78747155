//! The recipes of the cookbook: prose is written by hand in `docs/cookbook`, and between the markers
//! `<!-- corpus: payments/refunds -->` and `<!-- end -->` stand a policy of the corpus and its calls.

use std::path::Path;

use faramesh_call::{Value, json};

use crate::page::{Page, cell, code};

const FOLDER: &str = "docs/cookbook";
const CORPUS: &str = "tests/corpus/fpl/valid";
const BEGIN: &str = "<!-- corpus: ";
const END: &str = "<!-- end -->";
/// Most calls that a recipe shows.
const CALLS: usize = 10;
/// Longest call that is shown, in characters.
const CALL_LENGTH: usize = 160;

/// Every page of the cookbook with its recipes filled in.
pub fn pages(root: &Path) -> Result<Vec<Page>, String> {
    let mut pages = Vec::new();
    let entries =
        std::fs::read_dir(root.join(FOLDER)).map_err(|error| format!("cannot read `{FOLDER}`: {error}"))?;
    for entry in entries {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            let path = format!("{FOLDER}/{name}");
            let text = read(root, &path)?;
            pages.push(Page { text: filled(root, &text).map_err(|error| format!("{path}: {error}"))?, path });
        }
    }
    pages.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(pages)
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    std::fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read `{path}`: {error}"))
}

fn filled(root: &Path, page: &str) -> Result<String, String> {
    let mut text = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->\n").ok_or("a marker is not closed by ` -->`")?;
        let (_, after) = after.split_once(END).ok_or_else(|| format!("`{name}` has no `{END}`"))?;
        text.push_str(before);
        text.push_str(&format!("{BEGIN}{name} -->\n{}{END}", recipe(root, name)?));
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn recipe(root: &Path, name: &str) -> Result<String, String> {
    let source = read(root, &format!("{CORPUS}/{name}.fms"))?;
    let calls = read(root, &format!("{CORPUS}/{name}.calls"))?;
    let mut page = Page { path: String::new(), text: String::new() };
    page.fence("fpl", &source);
    let mut rows = Vec::new();
    for (number, line) in calls.lines().enumerate() {
        let case =
            json::parse(line.as_bytes()).map_err(|error| format!("{name}.calls:{}: {error}", number + 1))?;
        let call = call(&case);
        if case.get("action").is_none() && call.chars().count() <= CALL_LENGTH && rows.len() < CALLS {
            rows.push(vec![code(&call), decision(&case), cell(&why(&case))]);
        }
    }
    if rows.is_empty() {
        return Err(format!("`{name}` has no calls to show"));
    }
    page.table(&["call", "decision", ""], &rows);
    Ok(format!("{}\n", page.text.trim_start_matches('\n')))
}

/// `refund {"amount":500} by {"role":"clerk"}`
fn call(case: &Value) -> String {
    let text = |key: &str| case.get(key).and_then(Value::as_str);
    let data = |value: &Value| String::from_utf8_lossy(&json::canonical(value)).into_owned();
    let mut parts = vec![text("tool").unwrap_or_default().to_owned()];
    let is_full = |value: &&Value| value.as_object().is_some_and(|object| object.iter().next().is_some());
    parts.extend(case.get("args").filter(is_full).map(data));
    for (key, before) in [("http", "http"), ("principal", "principal"), ("tags", "tags")] {
        parts.extend(case.get(key).map(|value| format!("{before} {}", data(value))));
    }
    for (key, before) in [("model", "model"), ("session", "session"), ("now", "at"), ("agent", "as")] {
        parts.extend(text(key).map(|value| format!("{before} {value}")));
    }
    parts.join(" ")
}

fn decision(case: &Value) -> String {
    case.get("expect").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the line says about the reason: the rule, the message, or what would alter the verdict.
fn why(case: &Value) -> String {
    let text = |key: &str| case.get(key).and_then(Value::as_str);
    if let Some(said) = text("says") {
        return format!("… {said} …");
    }
    if let Some(next) = text("next") {
        return format!("otherwise if `{next}`");
    }
    match case.get("rule") {
        Some(Value::Null) => "no rule matches".to_owned(),
        Some(_) => text("rule").map(|rule| format!("`{rule}`")).unwrap_or_default(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_in_one_line() {
        for (line, shown) in [
            (r#"{"tool":"a","args":{}}"#, "a"),
            (r#"{"tool":"a/b","args":{"y":2,"x":1},"agent":"w"}"#, r#"a/b {"x":1,"y":2} as w"#),
            (
                r#"{"tool":"a","principal":{"r":"x"},"now":"2026-01-01T00:00:00Z"}"#,
                r#"a principal {"r":"x"} at 2026-01-01T00:00:00Z"#,
            ),
        ] {
            let case = json::parse(line.as_bytes()).unwrap_or_default();
            assert_eq!(call(&case), shown);
        }
    }

    #[test]
    fn broken_markers_are_told() {
        for page in ["<!-- corpus: x", "<!-- corpus: no/such -->\n<!-- end -->", "<!-- corpus: x -->\n"] {
            assert!(filled(&crate::root(), page).is_err(), "{page}");
        }
        assert_eq!(filled(&crate::root(), "plain\n"), Ok("plain\n".to_owned()));
    }
}
