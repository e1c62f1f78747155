//! Walks the corpus of policies: what is valid parses without a word, what is not gives exactly the
//! messages that are pinned beside it. `UPDATE_CORPUS=1` rewrites the pinned messages.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use faramesh_syntax::{LineIndex, Parse, parse};

fn corpus(part: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/fpl").join(part);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "fms"))
        .map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() > 10, "{} files in {}", files.len(), folder.display());
    files
}

fn render(source: &str, parse: &Parse) -> String {
    let lines = LineIndex::new(source);
    let mut text = String::new();
    for found in parse.diagnostics() {
        let (line, column) = lines.line_column(found.span.start);
        writeln!(text, "{}[{}] {line}:{column}: {}", found.severity, found.code, found.message).unwrap();
        for (span, label) in &found.labels {
            let (line, column) = lines.line_column(span.start);
            writeln!(text, "  label {line}:{column}: {label}").unwrap();
        }
        let help = found.help.as_ref().unwrap_or_else(|| panic!("no help: {}", found.message));
        writeln!(text, "  help: {help}").unwrap();
        if let Some(fix) = &found.fix {
            let (start, end) = (lines.line_column(fix.span.start), lines.line_column(fix.span.end));
            writeln!(
                text,
                "  fix {}:{}-{}:{}: {} -> {:?}",
                start.0, start.1, end.0, end.1, fix.title, fix.replacement
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn valid_files_parse_without_a_word() {
    for (path, source) in corpus("valid") {
        let parse = parse(&source);
        assert_eq!(render(&source, &parse), "", "{}", path.display());
        assert_eq!(parse.tree().text().to_string(), source, "{}", path.display());
    }
}

#[test]
fn invalid_files_give_the_pinned_messages() {
    let update = std::env::var_os("UPDATE_CORPUS").is_some();
    for (path, source) in corpus("invalid") {
        let parse = parse(&source);
        assert_eq!(parse.tree().text().to_string(), source, "{}", path.display());
        let rendered = render(&source, &parse);
        assert!(parse.has_errors(), "{} has no errors", path.display());
        let pinned = path.with_extension("expected");
        if update {
            std::fs::write(&pinned, &rendered).unwrap();
        }
        let expected = std::fs::read_to_string(&pinned).unwrap_or_default();
        assert_eq!(rendered, expected, "{}", path.display());
    }
}
