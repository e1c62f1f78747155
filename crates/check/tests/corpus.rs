//! The corpus of policies under the whole of `check`: what is right gives no message but those that are
//! pinned beside it, and every mistake gives exactly what is pinned. `UPDATE_CORPUS=1` pins anew, to be
//! read before it is committed.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use faramesh_check::{Checked, Options, check, codes};
use faramesh_corpus::Policy;
use faramesh_syntax::{Diagnostic, LineIndex};

fn checked(policy: &Policy) -> Checked {
    let options = Options {
        file_name: policy.file_name(),
        environment: &faramesh_corpus::environment,
        strict_env: false,
        dev: true,
    };
    check(&policy.source, &options)
}

/// Messages as they are pinned.
fn rendered<'d>(source: &str, diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> String {
    let lines = LineIndex::new(source);
    let mut text = String::new();
    for found in diagnostics {
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
            let (title, replacement) = (&fix.title, &fix.replacement);
            writeln!(text, "  fix {}:{}-{}:{}: {title} -> {replacement:?}", start.0, start.1, end.0, end.1)
                .unwrap();
        }
    }
    text
}

fn is_unenforced(found: &Diagnostic) -> bool {
    found.code == codes::NOT_ENFORCED.code
}

/// `budget` of "`budget` is not enforced yet".
fn construct(found: &Diagnostic) -> &str {
    found.message.strip_prefix('`').and_then(|rest| rest.strip_suffix("` is not enforced yet")).unwrap()
}

#[test]
fn right_policies_give_only_the_pinned_messages() {
    for policy in faramesh_corpus::valid() {
        let found = checked(&policy).diagnostics;
        let others: Vec<&Diagnostic> = found.iter().filter(|found| !is_unenforced(found)).collect();
        assert!(!others.iter().any(|found| found.is_error()), "{}: {others:#?}", policy.path.display());
        policy.assert_expected(&rendered(&policy.source, others));
    }
}

/// One line for each policy that needs what this version does not enforce.
#[test]
fn what_is_not_enforced_yet_is_known() {
    let mut text = String::new();
    for policy in faramesh_corpus::valid() {
        let found = checked(&policy).diagnostics;
        let names: Vec<&str> = found.iter().filter(|found| is_unenforced(found)).map(construct).collect();
        if !names.is_empty() {
            writeln!(text, "{}: {}", policy.name, names.join(", ")).unwrap();
        }
    }
    let pinned = faramesh_corpus::folder().join("unenforced.txt");
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        std::fs::write(&pinned, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(pinned).unwrap(), "set UPDATE_CORPUS=1 to pin");
}

#[test]
fn mistakes_give_the_pinned_messages() {
    for policy in faramesh_corpus::invalid() {
        let found = checked(&policy).diagnostics;
        assert!(!found.is_empty(), "{} has no mistake", policy.path.display());
        policy.assert_expected(&rendered(&policy.source, &found));
    }
}

/// What people read as an example is written as `faramesh fmt` writes it. The seeds are kept as they were
/// published, and `language` shows the other spellings.
#[test]
fn examples_are_in_canonical_form() {
    for policy in faramesh_corpus::valid() {
        if ["seeds", "language"].contains(&policy.topic()) {
            continue;
        }
        let formatted = faramesh_syntax::format(&policy.source).unwrap();
        assert_eq!(policy.source, formatted, "run `faramesh fmt` on {}", policy.path.display());
    }
}
