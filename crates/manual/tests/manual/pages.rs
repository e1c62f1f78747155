//! Every code has a page, every page a code, and both examples of each page do what they say.

use std::collections::BTreeSet;

use faramesh_manual::{Block, blocks, entries, page, paged};
use faramesh_syntax::codes::FORMAT_CHANGES_MEANING;

use crate::sources::{checked_as, examples, files, place};

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let known: BTreeSet<_> = entries().map(|entry| entry.code).collect();
    let with_page: BTreeSet<_> = paged().collect();
    let missing: Vec<String> = known.difference(&with_page).map(ToString::to_string).collect();
    let stray: Vec<String> = with_page.difference(&known).map(ToString::to_string).collect();
    assert!(missing.is_empty(), "no page in docs/diagnostics for {missing:?}");
    assert!(stray.is_empty(), "no code for the pages {stray:?}");
    for path in files(&place("docs/diagnostics"), "md") {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            known.iter().any(|code| code.to_string() == stem),
            "{} is named like no code",
            path.display()
        );
    }
}

#[test]
fn all_pages_have_one_form() {
    for entry in entries() {
        let (code, text) = (entry.code, page(entry.code).unwrap());
        let blocks = blocks(text);
        assert_eq!(blocks[0], Block::Heading(1, format!("{code}: {}", entry.name).leak()), "{code}");
        let severity = entry.severity.to_string();
        let severity = format!("{}{}", severity[..1].to_uppercase(), &severity[1..]);
        assert_eq!(blocks[1], Block::Paragraph(format!("**{severity}**: {}.", entry.meaning)), "{code}");
        assert!(matches!(blocks[2], Block::Paragraph(_)), "{code}: no explanation");
        let headings: Vec<&str> = blocks
            .iter()
            .filter_map(|block| match block {
                Block::Heading(2, title) => Some(*title),
                _ => None,
            })
            .collect();
        assert_eq!(headings, ["Why it matters", "Example", "How to decide"], "{code}");
        assert!(matches!(blocks.last(), Some(Block::Paragraph(_))), "{code}: nothing to decide");
        for line in text.lines() {
            assert!(line.chars().count() <= 125, "{code}: a line is longer than 125 characters: {line}");
        }
    }
}

#[test]
fn both_examples_do_what_they_say() {
    let mut failures = Vec::new();
    // No source is known for which the formatter is at fault, and converting is not checking.
    let elsewhere = [FORMAT_CHANGES_MEANING, faramesh_spell::codes::CANNOT_CARRY];
    for entry in entries().filter(|entry| !elsewhere.contains(&entry.code)) {
        let code = entry.code;
        let examples = examples(page(code).unwrap());
        let kinds: Vec<&str> =
            examples.iter().map(|(_, words, ..)| words.split(' ').next().unwrap()).collect();
        if kinds != ["hit", "clean"] {
            failures.push(format!("{code}: {kinds:?} instead of one `fpl hit` and one `fpl clean`"));
            continue;
        }
        for (language, words, source, line) in examples {
            let found = checked_as(&language, &source, &words).diagnostics;
            let given = found.iter().any(|found| found.code == code);
            let told: Vec<String> =
                found.iter().take(5).map(|found| format!("{} {}", found.code, found.message)).collect();
            if words.starts_with("hit") {
                if !given {
                    failures.push(format!("{code}:{line}: the hit gives {told:?}"));
                }
                if found.iter().any(|found| found.code == code && found.severity != entry.severity) {
                    failures.push(format!("{code}:{line}: another severity than in the table"));
                }
            } else if given || found.iter().any(faramesh_syntax::Diagnostic::is_error) {
                failures.push(format!("{code}:{line}: the clean one gives {told:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
