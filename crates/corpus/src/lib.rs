//! The one way to walk `tests/corpus/fpl`, which its README describes: policies that are right with
//! the calls beside them, samples that only parse, and mistakes. For tests only; it never reaches a
//! binary.
//!
//! INVARIANT sorted: every walk gives the same files in the same order on every machine.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

mod case;

pub use case::Case;

/// Levels of folders below a part of the corpus.
const DEPTH: u32 = 5;

/// Variables that policies of the corpus read.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("FARAMESH_KMS_KEY_ARN", "arn:aws:kms:us-west-2:123456789012:key/audit"),
    ("FARAMESH_PG_URL", "postgres://records.internal/faramesh"),
    ("FARAMESH_STACK_ID", "payments"),
    ("FARAMESH_STACK_KEY", "not-a-key"),
    ("GCP_PROJECT_EU", "payments-eu"),
    ("OIDC_CLIENT_ID", "faramesh-agents"),
    ("REGION_PROVIDER", "aws-sm-us"),
    ("SECRETS_PROVIDER", "vault"),
    ("SPLUNK_HEC_TOKEN", "not-a-token"),
    ("SPLUNK_URL", "https://splunk.internal:8088"),
    ("VAULT_ADDR", "https://vault.internal:8200"),
    ("VAULT_TOKEN", "not-a-token"),
];

/// One file of the corpus.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its path below its part, without extension: `payments/refunds`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
}

impl Policy {
    /// The name that messages and records show.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The folder that it stands in, which says what it is for: `payments`.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.name.split_once('/').map_or("", |(topic, _)| topic)
    }

    /// The calls beside it, in order; none if there is no such file.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let Ok(text) = fs::read_to_string(self.path.with_extension("calls")) else { return Vec::new() };
        text.lines().enumerate().map(|(index, line)| Case::parse(&self.name, index + 1, line)).collect()
    }

    /// The messages pinned beside it; empty if there is no such file.
    #[must_use]
    pub fn expected(&self) -> String {
        fs::read_to_string(self.path.with_extension("expected")).unwrap_or_default()
    }

    /// Compares the messages with those that are pinned beside it. With `UPDATE_CORPUS=1` it pins them.
    pub fn assert_expected(&self, messages: &str) {
        let pinned = self.path.with_extension("expected");
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            if messages.is_empty() {
                let _ = fs::remove_file(pinned);
            } else {
                fs::write(pinned, messages).unwrap();
            }
        } else {
            assert_eq!(messages, self.expected(), "{}\nset UPDATE_CORPUS=1 to pin", self.path.display());
        }
    }
}

/// Policies that check without an error, each with its calls.
#[must_use]
pub fn valid() -> Vec<Policy> {
    part("valid", 150)
}

/// Files with mistakes, each with the messages that they give.
#[must_use]
pub fn invalid() -> Vec<Policy> {
    part("invalid", 80)
}

/// Samples of the syntax that parse without a message and may mean nothing.
#[must_use]
pub fn samples() -> Vec<Policy> {
    part("syntax", 10)
}

/// Packs that the other files import; some have mistakes.
#[must_use]
pub fn packs() -> Vec<Policy> {
    part("../catalog", 5)
}

/// Everything that parses without a message: [`samples`] and [`valid`].
#[must_use]
pub fn parsing() -> Vec<Policy> {
    let mut policies = samples();
    policies.extend(valid());
    policies
}

/// The one valid policy of that name, as `payments/refunds`.
#[must_use]
pub fn policy(name: &str) -> Policy {
    valid().into_iter().find(|policy| policy.name == name).unwrap_or_else(|| panic!("no policy {name}"))
}

/// Where the corpus is.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/fpl")
}

/// The environment that every policy of the corpus is checked under.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    let (_, value) = ENVIRONMENT.iter().find(|(known, _)| *known == name)?;
    Some((*value).to_owned())
}

/// The pack of that path, from the catalog that every policy of the corpus is checked with: its name in
/// messages, and its text.
#[must_use]
pub fn pack(path: &str) -> Option<(String, String)> {
    let file = folder().join("../catalog").join(path);
    let name = file.file_name()?.to_string_lossy().into_owned();
    Some((format!("{name}/pack.fms"), fs::read_to_string(file.join("pack.fms")).ok()?))
}

fn part(name: &str, least: usize) -> Vec<Policy> {
    let root = folder().join(name);
    let mut found = Vec::new();
    walk(&root, &root, DEPTH, &mut found);
    found.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(found.len() >= least, "only {} policies in {}", found.len(), root.display());
    found
}

fn walk(root: &Path, folder: &Path, depth: u32, found: &mut Vec<Policy>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            assert!(depth > 0, "{} is too deep", path.display());
            walk(root, &path, depth - 1, found);
        } else if path.extension().is_some_and(|extension| extension == "fms") {
            let name = path.with_extension("");
            let name = name.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            let source = fs::read_to_string(&path).unwrap();
            found.push(Policy { name, path, source });
        }
    }
}
