//! Sizes, names and shapes of files: what keeps a whole thought on a screen and a behaviour findable by its name.
//!
//! Lines under `#[cfg(test)]` and files in a `tests/` folder do not count. Fixtures may be called what they like.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::rust_file::RustFile;
use crate::sources::{is_in, test_only_files};
use crate::tree::File;

const FILE_LINES_MAX: usize = 600;
const FILE_LINES_WITHOUT_REASON: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const HEADER_LINES_MAX: usize = 15;
const FOLDERS_UNDER_SRC_MAX: usize = 2;
/// A line of the header that starts with this gives the reason for a long file.
const REASON: &str = "Length:";
const BANNED_NAMES: &[&str] =
    &["common", "core", "helper", "helpers", "misc", "mod", "util", "utilities", "utils", "v2"];
/// Tables and generated files, by path. Nothing else may be long.
const EXEMPT_FROM_LENGTH: &[&str] = &[];
const SOURCES: &[&str] = &["rs", "py", "ts", "tsx"];
const MARKED: &[&str] = &["rs", "py", "ts", "tsx", "sh", "toml", "yml", "yaml", "fms"];
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!(")];

/// Every breach in these files.
pub fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A file that does not parse is told by `sources`.
    let parsed: BTreeMap<&str, RustFile> = files
        .iter()
        .filter(|file| file.has_extension(&["rs"]))
        .filter_map(|file| Some((file.path.as_str(), RustFile::parse(&file.text).ok()?)))
        .collect();
    let tests = test_only_files(&parsed);
    for file in files {
        check_unfinished(file, &mut findings);
        if !file.has_extension(SOURCES) || file.is_under("fixtures") {
            continue;
        }
        check_names(file, &mut findings);
        check_depth(file, &mut findings);
        check_header(file, &mut findings);
        if file.is_under("tests") || is_in(&file.path, &tests) {
            continue;
        }
        let rust = parsed.get(file.path.as_str());
        check_length(file, rust.map_or(0, |rust| rust.test_lines), &mut findings);
        if let Some(rust) = rust {
            check_functions(file, rust, &mut findings);
        }
    }
    findings
}

fn check_unfinished(file: &File, findings: &mut Vec<Finding>) {
    let script = file.text.starts_with("#!");
    if !script && !file.has_extension(MARKED) {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        if let Some(mark) = UNFINISHED.iter().find(|mark| has_word(line, mark)) {
            let what = format!("`{}` marks unfinished work", mark.trim_end_matches('('));
            findings.push(Finding::error(
                &file.path,
                Some(index + 1),
                what,
                "finish it, or say plainly what is left out",
            ));
        }
    }
}

/// Whether a line has this word with nothing that belongs to a word before or after it.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    line.match_indices(word).any(|(start, found)| {
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        let after = line.get(start + found.len()..).and_then(|text| text.chars().next());
        !joins(before) && (found.ends_with('(') || !joins(after))
    })
}

fn check_names(file: &File, findings: &mut Vec<Finding>) {
    let stem = file.path.rsplit_once('.').map_or(file.path.as_str(), |(stem, _)| stem);
    if let Some(name) =
        stem.split('/').find(|part| BANNED_NAMES.contains(&part.to_ascii_lowercase().as_str()))
    {
        let what = format!("the name `{name}` says nothing");
        let remedy = match name {
            "mod" => "name the module's file after the module: `steps.rs` beside `steps/`",
            _ => "name it after what it holds",
        };
        findings.push(Finding::error(&file.path, None, what, remedy));
    }
}

fn check_depth(file: &File, findings: &mut Vec<Finding>) {
    let parts: Vec<&str> = file.path.split('/').collect();
    let Some(src) = parts.iter().position(|part| *part == "src") else { return };
    let folders = parts.len().saturating_sub(src + 2);
    if folders > FOLDERS_UNDER_SRC_MAX {
        let what = format!("{folders} folders deep under `src/`; {FOLDERS_UNDER_SRC_MAX} at most");
        findings.push(Finding::error(&file.path, None, what, "flatten it, or make it a crate"));
    }
}

fn check_header(file: &File, findings: &mut Vec<Finding>) {
    let ours = ["crates/", "tiers/", "xtask/", "benches/"].iter().any(|folder| file.path.starts_with(folder));
    if !ours || !file.has_extension(&["rs"]) {
        return;
    }
    let lines = header(file).count();
    if lines == 0 {
        let remedy = "open with `//!`: what it does, where it stands, its invariants, what it leaves out";
        findings.push(Finding::error(&file.path, Some(1), "the file has no header".to_owned(), remedy));
    } else if lines > HEADER_LINES_MAX {
        let what = format!("a header of {lines} lines; {HEADER_LINES_MAX} at most");
        findings.push(Finding::error(
            &file.path,
            Some(1),
            what,
            "keep what a reader needs first; move the rest to docs/",
        ));
    }
}

/// The lines a reader meets first: of a Rust file its `//!`, of others the first twenty.
fn header(file: &File) -> impl Iterator<Item = &str> {
    let rust = file.has_extension(&["rs"]);
    let limit = if rust { usize::MAX } else { 20 };
    file.text.lines().take(limit).take_while(move |line| !rust || line.starts_with("//!"))
}

fn check_length(file: &File, test_lines: usize, findings: &mut Vec<Finding>) {
    if EXEMPT_FROM_LENGTH.contains(&file.path.as_str()) {
        return;
    }
    let lines = file.text.lines().count().saturating_sub(test_lines);
    let reason =
        header(file).any(|line| line.trim_start_matches(['/', '!', '#', '*', ' ', '"']).starts_with(REASON));
    if lines > FILE_LINES_MAX {
        let what = format!("{lines} lines; {FILE_LINES_MAX} at most");
        findings.push(Finding::error(&file.path, None, what, "split it where the subject changes"));
    } else if lines > FILE_LINES_WITHOUT_REASON && !reason {
        let what = format!("{lines} lines; above {FILE_LINES_WITHOUT_REASON} a file gives its reason");
        findings.push(Finding::warning(
            &file.path,
            None,
            what,
            "split it, or add a header line `Length: …` with the reason",
        ));
    }
}

fn check_functions(file: &File, rust: &RustFile, findings: &mut Vec<Finding>) {
    for function in rust.functions.iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
        let what = format!("`{}` has {} lines; {FUNCTION_LINES_MAX} at most", function.name, function.lines);
        findings.push(Finding::error(
            &file.path,
            Some(function.line),
            what,
            "give a part of it a name of its own",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        check(&[File::new(path, text)]).iter().map(ToString::to_string).collect()
    }

    fn lines(count: usize) -> String {
        format!("//! Header.\n{}", "const A: u8 = 1;\n".repeat(count - 1))
    }

    fn only(found: &[String], expected: &str) {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn a_file_has_600_lines_at_most_and_a_reason_above_400() {
        let path = "crates/call/src/value.rs";
        assert_eq!(told(path, &lines(400)), Vec::<String>::new());
        only(&told(path, &lines(401)), "warning: crates/call/src/value.rs: 401 lines");
        only(&told(path, &lines(601)), "error: crates/call/src/value.rs: 601 lines");
        assert_eq!(told(path, &format!("//! Length: one table.\n{}", lines(500))), Vec::<String>::new());
        only(&told(path, &format!("//! Length: one table.\n{}", lines(600))), "error");
        only(&told("sdk/python/src/faramesh/client.py", &"a = 1\n".repeat(601)), "error");
        assert_eq!(told("docs/long.md", &lines(700)), Vec::<String>::new());
    }

    #[test]
    fn tests_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    const A: u8 = 1;\n".repeat(500));
        assert_eq!(told("crates/call/src/value.rs", &format!("{}{tests}", lines(400))), Vec::<String>::new());
        assert_eq!(told("crates/call/tests/values.rs", &lines(700)), Vec::<String>::new());
    }

    #[test]
    fn a_function_has_70_lines_at_most() {
        let function =
            |body: usize| format!("//! Header.\nfn long() {{\n{}}}\n", "    step();\n".repeat(body));
        assert_eq!(told("crates/call/src/lib.rs", &function(68)), Vec::<String>::new());
        only(&told("crates/call/src/lib.rs", &function(69)), "lib.rs:2: `long` has 71 lines");
        assert_eq!(told("crates/call/tests/all.rs", &function(100)), Vec::<String>::new());
    }

    #[test]
    fn two_folders_under_src() {
        assert_eq!(told("crates/cli/src/views/text/plan.rs", "//! Header.\n"), Vec::<String>::new());
        only(&told("crates/cli/src/views/text/plan/rules.rs", "//! Header.\n"), "3 folders deep");
    }

    #[test]
    fn empty_names_are_banned() {
        for path in [
            "crates/cli/src/mod.rs",
            "crates/core/src/lib.rs",
            "sdk/python/utils.py",
            "crates/cli/tests/common/a.rs",
        ] {
            only(&told(path, "//! Header.\n"), "says nothing");
        }
        for path in [
            "crates/cli/src/model.rs",
            "crates/cli/src/common_prefix.rs",
            "crates/cli/tests/fixtures/utils.py",
        ] {
            assert_eq!(told(path, "//! Header.\n"), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn a_rust_file_opens_with_a_short_header() {
        only(&told("tiers/socket/src/lib.rs", "// A comment.\nfn f() {}\n"), "no header");
        only(&told("tiers/socket/src/lib.rs", &"//! Words.\n".repeat(16)), "a header of 16 lines");
        assert_eq!(told("tiers/socket/src/lib.rs", &"//! Words.\n".repeat(15)), Vec::<String>::new());
        assert_eq!(told("fuzz/read.rs", "fn f() {}\n"), Vec::<String>::new());
    }

    #[test]
    fn unfinished_work_is_told() {
        for mark in UNFINISHED {
            only(&told("crates/a/src/lib.rs", &format!("//! Header.\n// {mark}: later\n")), "lib.rs:2");
        }
        only(&told("scripts/test", &format!("#!/bin/bash\n# {}\n", UNFINISHED[0])), "scripts/test:2");
        let near = format!("//! Header.\n// {}S and a todo list\n", UNFINISHED[0]);
        assert_eq!(told("crates/a/src/lib.rs", &near), Vec::<String>::new());
    }
}
