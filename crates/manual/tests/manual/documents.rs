//! Every policy printed in the documentation is checked as its fence says, and every call in a table
//! below one is decided as the table says.
//!
//! After `fpl` on a fence: nothing, and the policy has no error; `not-enforced`, and every error is about a
//! construct that is not enforced, of which there is one at least; `warns CODE`, no error and that warning;
//! `fails CODE`, that error. `apply` checks as `apply` does, which needs an identity.

use faramesh_check::codes::NOT_ENFORCED;
use faramesh_manual::{Block, blocks};
use faramesh_syntax::parse;

use crate::decisions::{Policy, Row};
use crate::sources::{checked, files, place, policies};

/// The pages that people read; the pages of diagnostics have a test of their own.
fn pages() -> Vec<(String, String)> {
    let diagnostics = place("docs/diagnostics");
    let mut paths = files(&place("docs"), "md");
    paths.retain(|path| !path.starts_with(&diagnostics));
    paths.extend(["README.md", "sdk/python/README.md", "examples/langgraph-refund/README.md"].map(place));
    let root = place("").canonicalize().unwrap();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.canonicalize().unwrap().strip_prefix(&root).unwrap().display().to_string();
            (name, text)
        })
        .collect()
}

/// What is wrong with a policy of a page, by the words of its fence.
fn complaint(words: &str, source: &str) -> Option<String> {
    let checked = checked(source, words);
    let found = checked.diagnostics;
    let told: Vec<String> = found.iter().map(|found| format!("{} {}", found.code, found.message)).collect();
    let has = |code: &str| found.iter().any(|found| found.code.to_string() == code);
    let errors = || found.iter().filter(|found| found.is_error());
    let mut words = words.split_whitespace().filter(|word| *word != "apply");
    let fits = match (words.next(), words.next()) {
        (None, None) => errors().next().is_none(),
        (Some("not-enforced"), None) => {
            errors().next().is_some() && errors().all(|error| error.code == NOT_ENFORCED.code)
        }
        (Some("warns"), Some(code)) => errors().next().is_none() && has(code),
        (Some("fails"), Some(code)) => errors().next().is_some() && has(code),
        _ => return Some("the fence has unknown words".to_owned()),
    };
    (!fits).then(|| format!("gives {told:?}"))
}

#[test]
fn every_policy_is_what_its_fence_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, page) in pages() {
        for (words, source, line) in policies(&page) {
            count += 1;
            failures.extend(complaint(&words, &source).map(|what| format!("{name}:{line}: {what}")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 25, "only {count} policies");
}

#[test]
fn no_policy_hides_behind_a_plain_fence() {
    for (name, page) in pages() {
        for block in blocks(&page) {
            let Block::Fence { info: "", text, line } = block else { continue };
            let parsed = parse(&text);
            let is_policy = !parsed.has_errors() && !parsed.ast().items.is_empty() && text.contains(' ');
            let is_form = text.contains('…') || text.contains("EFFECT");
            assert!(!is_policy || is_form, "{name}:{line}: this is a policy: write ```fpl");
        }
    }
}

#[test]
fn every_call_below_a_policy_is_decided_as_its_table_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, page) in pages() {
        let mut policy: Option<Policy> = None;
        for block in blocks(&page) {
            match block {
                Block::Heading(..) => policy = None,
                Block::Fence { info, text, .. } if info == "fpl" || info.starts_with("fpl ") => {
                    policy = Policy::read(&text);
                }
                Block::Row(line) => {
                    let (Some(policy), Some(row)) = (&policy, Row::read(line)) else { continue };
                    count += 1;
                    let found = policy.decide(&row);
                    if found != row.decision {
                        failures.push(format!("{name}: {line}\n  decided: {found}"));
                    }
                }
                _ => {}
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 50, "only {count} calls");
}
