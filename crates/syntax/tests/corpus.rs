//! Walks the corpus of policies: what is right parses without a word, and every tree holds every byte
//! of its text. What is said about mistakes is pinned by the tests of `check`.

use faramesh_syntax::parse;

#[test]
fn right_files_parse_without_a_word() {
    for policy in faramesh_corpus::parsing() {
        let parsed = parse(&policy.source);
        assert!(parsed.diagnostics().is_empty(), "{}: {:#?}", policy.name, parsed.diagnostics());
        assert_eq!(parsed.tree().text().to_string(), policy.source, "{}", policy.name);
    }
}

#[test]
fn files_with_mistakes_are_kept_whole() {
    for policy in faramesh_corpus::invalid() {
        assert_eq!(parse(&policy.source).tree().text().to_string(), policy.source, "{}", policy.name);
    }
}
