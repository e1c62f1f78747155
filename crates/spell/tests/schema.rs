//! The JSON Schema: it is what the definitions say, takes every policy of the corpora, and refuses what
//! people typically get wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::{Path, PathBuf};

use faramesh_spell::{Spelling, convert, read, schema};
use jsonschema::Validator;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn validator() -> Validator {
    jsonschema::validator_for(&serde_json::from_str(&schema()).unwrap()).unwrap()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "fms") {
            files.push(path);
        }
    }
}

#[test]
fn the_schema_is_what_the_definitions_say() {
    let written =
        std::fs::read_to_string(root().join("docs/reference/governance.schema.json")).unwrap_or_default();
    assert!(written == schema(), "run `cargo xtask schema` and look at the difference");
}

#[test]
fn every_valid_policy_of_the_corpora_fits() {
    let validator = validator();
    let mut files = Vec::new();
    collect(&root().join("tests/corpus/fpl/valid"), &mut files);
    let mut fits = 0;
    for path in files {
        let source = std::fs::read_to_string(&path).unwrap();
        // What only FPL can hold, such as a key that stands twice, is no valid policy either.
        let Ok(json) = convert(&source, Spelling::Fms, Spelling::Json) else { continue };
        // The corpus of the syntax has a key of its own in an agent, for comments in its list.
        if source.contains("\n  tools = [ # opening") {
            continue;
        }
        let value = serde_json::from_str(&json.text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}\n{errors:#?}\n{}", path.display(), json.text);
        fits += 1;
    }
    assert!(fits > 35, "{fits}");
}

#[test]
fn further_forms_fit() {
    let validator = validator();
    for text in [
        "{}",
        r#"{"$schema": "governance.schema.json", "agents": [{"name": "a", "rules": [{"effect": "permit", "pattern": "x", "when": "a < 5"}]}]}"#,
        r#"{"agent": {"a": {"default": "deny"}, "b": {"budget": {"daily": {"max": "$5"}}}}}"#,
        r#"{"agent": {"id": "a", "alert": {"on": ["deny"], "notify": "slack://x"}}}"#,
        r#"{"vars": {"a": {"env": "A", "default": "x"}, "b": [1, "x"], "c": "$5"}}"#,
        r#"{"rules": [{"effect": "deny!", "tool": "*", "notify": ["a", "b"], "port": [80, 443], "query": {"page": 1}}]}"#,
        r#"{"use": {"stripe": {"limit": 5}, "mail": null}}"#,
    ] {
        let value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}\n{errors:#?}");
        assert!(
            !read(text, Spelling::Json).has_errors(),
            "{text}\n{:#?}",
            read(text, Spelling::Json).diagnostics
        );
    }
}

#[test]
fn typical_mistakes_do_not_fit() {
    let validator = validator();
    for text in [
        r#"{"agnet": []}"#,
        r#"{"agent": [{"id": "a", "budgts": []}]}"#,
        r#"{"agent": [{"default": "deny"}]}"#,
        r#"{"agent": [{"id": "a", "default": "maybe"}]}"#,
        r#"{"runtime": {"mode": "enforced"}}"#,
        r#"{"runtime": {"approval_ttl": "2 hours"}}"#,
        r#"{"runtime": {"os_tier": "yes"}}"#,
        r#"{"rules": [{"tool": "x"}]}"#,
        r#"{"rules": [{"effect": "permit"}]}"#,
        r#"{"rules": [{"effect": "premit", "tool": "x"}]}"#,
        r#"{"rules": [{"effect": "permit", "tool": "x", "reasn": "y"}]}"#,
        r#"{"rules": {"effect": "permit", "tool": "x"}}"#,
        r#"{"rate_limits": [{"pattern": "x", "limit": "10", "window": "minute"}]}"#,
        r#"{"rate_limits": [{"pattern": "x", "limit": 10}]}"#,
        r#"{"redactions": [{"tool": "x"}]}"#,
        r#"{"agent": [{"id": "a", "budgets": [{"id": "daily", "max": "500 dollars"}]}]}"#,
        r#"{"vars": ["a"]}"#,
        r#"{"vars": {"a": {"envv": "A"}}}"#,
        r#"{"manifest": {"grants": [{"from": "a"}]}}"#,
        "[]",
    ] {
        assert!(!validator.is_valid(&serde_json::from_str(text).unwrap()), "{text}");
    }
}
