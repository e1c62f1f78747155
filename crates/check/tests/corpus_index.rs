//! `tests/corpus/INDEX.md`: every valid policy by use, with what it says about itself and the constructs
//! beside rules that it shows. `UPDATE_CORPUS=1` writes it.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use faramesh_corpus::Policy;
use faramesh_syntax::ast::{Body, Item};

const HEAD: &str = "\
# Policies by use

Written by `UPDATE_CORPUS=1 cargo test -p faramesh-check --test corpus_index`. Each has its calls beside it.
";

#[test]
fn the_index_is_current() {
    let policies = faramesh_corpus::valid();
    let mut text = HEAD.to_owned();
    let mut topic = "";
    for policy in &policies {
        if policy.topic() != topic {
            topic = policy.topic();
            let of_topic = policies.iter().filter(|other| other.topic() == topic);
            let calls: usize = of_topic.clone().map(|other| other.cases().len()).sum();
            let count = of_topic.count();
            write!(text, "\n## {topic}\n\n{count} policies, {calls} calls\n\n| policy | what it does | beside rules |\n|---|---|---|\n")
                .unwrap();
        }
        let name = policy.name.rsplit('/').next().unwrap();
        let shown = beside_rules(policy).into_iter().collect::<Vec<_>>().join(", ");
        writeln!(text, "| [{name}](fpl/valid/{}.fms) | {} | {shown} |", policy.name, summary(policy))
            .unwrap();
    }
    let path = faramesh_corpus::folder().join("../INDEX.md");
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text, "set UPDATE_CORPUS=1 to write it");
}

/// The first sentence of the comment that the policy opens with.
fn summary(policy: &Policy) -> String {
    let lines = policy.source.lines().map_while(|line| line.strip_prefix('#'));
    let comment = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    let sentence = comment.split_inclusive(['.', ':', ';']).next().unwrap_or_default();
    sentence.trim_end_matches(['.', ':', ';']).replace('|', "\\|")
}

fn beside_rules(policy: &Policy) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(faramesh_syntax::parse(&policy.source).ast(), &mut found);
    found
}

/// Keywords of a file and of its agents, those apart that every policy has.
fn collect(body: &Body, found: &mut BTreeSet<String>) {
    for item in &body.items {
        let word = match &item.node {
            Item::Block { keyword, body, .. } if keyword.node == "agent" => {
                collect(body, found);
                continue;
            }
            Item::Block { keyword, .. } => keyword.node.as_str(),
            Item::Import { .. } => "import",
            Item::Use { .. } => "use",
            Item::Var { .. } => "var",
            Item::RateLimit { .. } => "rate_limit",
            Item::Redact { .. } => "redact",
            Item::ManifestOrchestrator { .. } | Item::ManifestGrant { .. } => "manifest",
            _ => continue,
        };
        found.insert(format!("`{word}`"));
    }
}
