//! What the check of a bundle found, and the one JSON shape of it that the command and the browser
//! page share.

use std::collections::BTreeMap;

use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Hash, Kind, Record};

use super::cosigned::WitnessSummary;
use crate::checkpoint::hex;
use crate::summary::{KeySummary, Summary};
use crate::verifier::Break;

/// Most policies that are counted one by one.
const MAX_POLICIES: usize = 4_096;
/// Most characters of what was found; a line can be megabytes of rubbish.
const MAX_SHOWN: usize = 200;

/// The first place where a bundle is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{field}` is {found}, expected {expected}")]
pub struct BundleBreak {
    /// The line of the file, from 1.
    pub line: u64,
    /// The number of the record; `None` when the line is about none.
    pub seq: Option<u64>,
    /// A member of the line, of its record or of its checkpoint.
    pub field: String,
    /// What would fit.
    pub expected: String,
    /// What is there, cut to a readable length.
    pub found: String,
}

impl BundleBreak {
    pub(super) fn new(line: u64, seq: Option<u64>, field: &str, expected: &str, found: &str) -> Self {
        let short = |text: &str| {
            let mut shown: String = text.chars().take(MAX_SHOWN).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            shown
        };
        Self { line, seq, field: field.to_owned(), expected: short(expected), found: short(found) }
    }

    pub(super) fn of(line: u64, broken: &Break) -> Self {
        let seq = Some(broken.seq).filter(|seq| *seq > 0);
        Self::new(line, seq, &broken.field, &broken.expected, &broken.found)
    }
}

/// How often a policy decided, and whether the bundle has its program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyUse {
    /// Decisions in the bundle.
    pub decisions: u64,
    /// Whether the compiled policy is in the bundle; its hash was checked.
    pub program: bool,
}

/// What a bundle that verifies holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleReport {
    /// Whether every record of the ledger is in it.
    pub complete: bool,
    /// The stack.
    pub stack: String,
    /// Records in the bundle.
    pub records: u64,
    /// Records whose bodies are in an archive: the bundle has their hashes.
    pub archived: u64,
    /// When the first of them was made.
    pub first: Option<Timestamp>,
    /// When the last of them was made.
    pub last: Option<Timestamp>,
    /// Each policy that decided, up to a bound.
    pub policies: BTreeMap<Hash, PolicyUse>,
    /// Keys, checkpoints and the size of the ledger as far as they are proved.
    pub signed: Summary,
    /// What the witnesses cosigned that the bundle names.
    pub witnesses: Vec<WitnessSummary>,
}

impl BundleReport {
    pub(super) fn add(&mut self, record: &Record) {
        self.records += 1;
        self.first.get_or_insert(record.time());
        self.last = Some(record.time());
        if let Some(policy) = record.policy().filter(|_| record.kind() == Kind::Decision) {
            self.policy(&policy, |policy| policy.decisions += 1);
        }
    }

    pub(super) fn policy(&mut self, hash: &Hash, change: impl FnOnce(&mut PolicyUse)) {
        if self.policies.len() < MAX_POLICIES || self.policies.contains_key(hash) {
            change(self.policies.entry(*hash).or_default());
        }
    }

    fn members(&self) -> Object {
        let time =
            |time: Option<Timestamp>| time.map_or(Value::Null, |time| Value::from(time.to_string().as_str()));
        let policies = self.policies.iter().map(|(hash, used)| {
            object([
                ("decisions", Value::from(used.decisions)),
                ("policy", Value::from(format!("sha256:{}", hex(hash)).as_str())),
                ("program", Value::from(used.program)),
            ])
        });
        [
            ("valid", Value::from(true)),
            ("complete", Value::from(self.complete)),
            ("stack", Value::from(self.stack.as_str())),
            ("origin", Value::from(self.signed.origin.as_str())),
            ("records", Value::from(self.records)),
            ("archived", Value::from(self.archived)),
            ("first", time(self.first)),
            ("last", time(self.last)),
            ("size", Value::from(self.signed.size)),
            ("root", Value::from(hex(&self.signed.root).as_str())),
            ("checkpoints", Value::from(self.signed.checkpoints)),
            ("covered", Value::from(self.signed.covered)),
            ("checkpoint_time", time(self.signed.last)),
            ("keys", self.signed.keys.iter().map(key).collect()),
            ("policies", policies.collect()),
            ("witnesses", self.witnesses.iter().map(witness).collect()),
        ]
        .into_iter()
        .collect()
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect())
}

fn key(key: &KeySummary) -> Value {
    object([
        ("announced", Value::from(key.announced)),
        ("checkpoints", Value::from(key.checkpoints)),
        ("key", Value::from(key.key.to_string().as_str())),
    ])
}

fn witness(witness: &WitnessSummary) -> Value {
    object([
        ("checkpoints", Value::from(witness.checkpoints)),
        ("key", Value::from(witness.key.to_string().as_str())),
        ("size", Value::from(witness.size)),
        ("time", witness.time.map_or(Value::Null, |time| Value::from(time.to_string().as_str()))),
    ])
}

/// The outcome as JSON: `valid` and what was found, or `broken {line, seq?, field, expected, found}`.
#[must_use]
pub fn outcome(result: &Result<BundleReport, BundleBreak>) -> Object {
    match result {
        Ok(report) => report.members(),
        Err(broken) => {
            let mut told: Object = [
                ("line", Value::from(broken.line)),
                ("field", Value::from(broken.field.as_str())),
                ("expected", Value::from(broken.expected.as_str())),
                ("found", Value::from(broken.found.as_str())),
            ]
            .into_iter()
            .collect();
            if let Some(seq) = broken.seq {
                told.insert("seq", seq);
            }
            [("valid", Value::from(false)), ("broken", Value::Object(told))].into_iter().collect()
        }
    }
}
