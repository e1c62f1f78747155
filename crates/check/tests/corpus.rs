//! The corpus of policies under the whole of `check`: what is right gives no message but those that are
//! pinned beside it, and every mistake gives exactly what is pinned. `UPDATE_CORPUS=1` pins anew, to be
//! read before it is committed.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use faramesh_check::{Checked, Options, PackFile, Resolver, Unresolved, check, codes};
use faramesh_corpus::Policy;
use faramesh_syntax::{Diagnostic, LineIndex};

/// The packs of the corpus.
struct Catalog;

impl Resolver for Catalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let found = faramesh_corpus::pack(path).map(|(name, text)| PackFile { name, text });
        found.ok_or_else(|| Unresolved { message: format!("no pack `{path}`"), help: "add it".to_owned() })
    }
}

fn checked(policy: &Policy) -> Checked {
    checked_as(policy, &policy.source)
}

/// Checks another text in the place of the policy.
fn checked_as(policy: &Policy, source: &str) -> Checked {
    let options = Options {
        // What is in `apply` is checked as for a stack that is put in force.
        dev: policy.topic() != "apply",
        packs: &Catalog,
        ..Options::new(policy.file_name(), &faramesh_corpus::environment)
    };
    check(source, &options)
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

/// Messages about a policy, then those about each pack that it imports.
fn told(policy: &Policy) -> String {
    let checked = checked(policy);
    let mut text = rendered(&policy.source, &checked.diagnostics);
    for pack in &checked.packs {
        writeln!(text, "in {}", pack.file).unwrap();
        text.push_str(&rendered(&pack.source, &pack.diagnostics));
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
        let told = told(&policy);
        assert!(!told.is_empty(), "{} has no mistake", policy.path.display());
        policy.assert_expected(&told);
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

/// The ten typical mistakes, and the correction that the message or its remedy contains.
const TYPICAL: &[(&str, &str)] = &[
    ("misspelt_key", "did you mean `default`?"),
    ("assignment_for_equality", "write `==`"),
    ("missing_brace", "add `}`"),
    ("wrong_unit", "write `24h`"),
    ("latest_import", "stripe@1.3.0`"),
    ("unreachable_rule", "remove it"),
    ("unanchored_regex", "end it with `$`"),
    ("unknown_agent_in_spawn", "did you mean `worker-research`?"),
    ("permit_after_mandatory_deny", "remove one of the two, or narrow the `deny!`"),
    ("text_compared_with_number", "write the number without quotes: `500`"),
];

/// The source with every fix that is offered for it.
fn mended(source: &str, diagnostics: &[Diagnostic]) -> String {
    let mut fixes: Vec<_> = diagnostics.iter().filter_map(|found| found.fix.as_ref()).collect();
    fixes.sort_by_key(|fix| fix.span.start);
    let mut text = source.to_owned();
    for fix in fixes.into_iter().rev() {
        let place = usize::try_from(fix.span.start).unwrap()..usize::try_from(fix.span.end).unwrap();
        text.replace_range(place, &fix.replacement);
    }
    text
}

#[test]
fn ten_typical_mistakes() {
    for (name, correction) in TYPICAL {
        let mistakes = faramesh_corpus::invalid();
        let policy = mistakes.iter().find(|policy| policy.name == format!("typical/{name}")).unwrap();
        let mut found = checked(policy).diagnostics;
        found.retain(|found| !is_unenforced(found));
        let told = rendered(&policy.source, &found);
        assert_eq!(found.len(), 1, "{name}: one mistake, one message\n{told}");
        assert!(told.contains(correction), "{name}: no `{correction}` in\n{told}");
        if found.iter().any(|found| found.fix.is_some()) {
            let mended = mended(&policy.source, &found);
            let mut left = checked_as(policy, &mended).diagnostics;
            left.retain(|found| !is_unenforced(found));
            assert!(left.is_empty(), "{name}\n{mended}\n{}", rendered(&mended, &left));
        }
    }
}
