//! The dependency law: which crate may be linked with which.
//!
//! Reads only the graph; what sources do with the standard library is the business of `sources`. Each rule is a
//! function from the graph to findings, so a test can hand it a graph that breaks the rule.

mod externals;

use crate::finding::Finding;
use crate::workspace::{Package, Workspace};

/// The crates that compute and do nothing else.
pub const PURE: &[&str] = &[
    "crates/call",
    "crates/program",
    "crates/state",
    "crates/decide",
    "crates/dpr",
    "crates/prove",
    "crates/verify",
];
/// The enforcing process, which loads program bytes and cannot read policy.
const ENFORCING: &[&str] = &["crates/gate", "crates/daemon"];
const POLICY_READERS: &[&str] = &["crates/syntax", "crates/check", "crates/compile"];
const TIER_MAY_KNOW: &[&str] = &["crates/call", "crates/gate", "crates/wire"];
/// Copies of records go where they go; what decides does not know of it, and it knows nothing that decides.
const SINKS: &str = "crates/sinks";
const SINKS_MAY_KNOW: &[&str] = &["crates/call", "crates/ledger", "crates/telemetry"];
const DECIDING: &[&str] = &["crates/gate", "crates/ledger"];
const CLOUD_SERVER: &str = "cloud/server";
const CLOUD_SERVER_MAY_REACH: &[&str] = &["cloud/api", "crates/dpr", "crates/call"];

/// The second interpreter, which proves nothing once it shares code with the first.
const ORACLE: &str = "crates/oracle";
const ENGINE: &[&str] = &["crates/check", "crates/compile", "crates/program", "crates/decide"];

/// Every breach of the law in this graph.
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, package) in workspace.members() {
        let Some(folder) = package.folder.as_deref() else { continue };
        if PURE.contains(&folder) {
            check_pure(workspace, id, folder, &mut findings);
        }
        if ENFORCING.contains(&folder) {
            check_enforcing(workspace, id, folder, &mut findings);
        }
        if folder.starts_with("tiers/") {
            check_tier(workspace, package, folder, &mut findings);
        }
        if folder == SINKS {
            check_sinks(workspace, package, &mut findings);
        }
        if DECIDING.contains(&folder) {
            check_deciding(workspace, id, folder, &mut findings);
        }
        if folder == CLOUD_SERVER {
            check_cloud_server(workspace, id, folder, &mut findings);
        }
        if folder == ORACLE {
            check_oracle(workspace, id, &mut findings);
        }
    }
    findings
}

fn manifest(folder: &str) -> String {
    format!("{folder}/Cargo.toml")
}

fn check_pure(workspace: &Workspace, id: &str, folder: &str, findings: &mut Vec<Finding>) {
    for path in workspace.reach(id).into_values() {
        // What stands behind another crate of ours, or behind a crate that is told itself, is told there.
        let between = path.get(1..path.len().saturating_sub(1)).unwrap_or_default();
        let is_told_there = between.iter().enumerate().any(|(index, id)| {
            let ours = workspace.packages.get(*id).is_some_and(|package| package.folder.is_some());
            ours || impurity(workspace, path.get(..index + 2).unwrap_or_default()).is_some()
        });
        if is_told_there {
            continue;
        }
        if let Some((what, remedy)) = impurity(workspace, &path) {
            let what = format!("a pure crate reaches {what}: {}", workspace.spell(&path));
            findings.push(Finding::error(&manifest(folder), None, what, remedy));
        }
    }
}

/// What is wrong with the crate at the end of a path that starts at a pure crate, and the remedy.
fn impurity(workspace: &Workspace, path: &[&str]) -> Option<(String, &'static str)> {
    let package = workspace.packages.get(*path.last()?)?;
    if let Some(folder) = package.folder.as_deref() {
        let remedy = "take what it gives as an argument, or move the type down into `crates/call`";
        return (!PURE.contains(&folder)).then(|| (format!("`{folder}`"), remedy));
    }
    if let Some(subject) = externals::forbidden_subject(&package.name) {
        let remedy = "pass the value in as an argument, or turn off the feature that pulls the crate in";
        return Some((subject.to_owned(), remedy));
    }
    if externals::is_allowed(workspace, &package.name, path) {
        return None;
    }
    let remedy = "drop it, or add it to ALLOWED in xtask/src/law/externals.rs with the reason it is pure";
    Some((format!("`{}`, which nobody has vouched for", package.name), remedy))
}

fn check_enforcing(workspace: &Workspace, id: &str, folder: &str, findings: &mut Vec<Finding>) {
    for (reached, path) in workspace.reach(id) {
        let other = workspace.packages.get(reached).and_then(|package| package.folder.as_deref());
        if other.is_some_and(|other| POLICY_READERS.contains(&other) || other.starts_with("cloud/")) {
            let what = format!("the enforcing process reaches what it must not: {}", workspace.spell(&path));
            let remedy =
                "hand over program bytes: the enforcing process cannot read policy and never waits for Cloud";
            findings.push(Finding::error(&manifest(folder), None, what, remedy));
        }
    }
}

fn check_tier(workspace: &Workspace, package: &Package, folder: &str, findings: &mut Vec<Finding>) {
    let depends = package.depends.iter().filter_map(|id| workspace.packages.get(id));
    for other in depends.filter_map(|other| other.folder.as_deref()) {
        if !TIER_MAY_KNOW.contains(&other) {
            let what = format!("a tier depends on `{other}`");
            let remedy = "a tier translates and asks: let `call` carry the type, or let `gate` do the work";
            findings.push(Finding::error(&manifest(folder), None, what, remedy));
        }
    }
}

fn check_sinks(workspace: &Workspace, package: &Package, findings: &mut Vec<Finding>) {
    let depends = package.depends.iter().filter_map(|id| workspace.packages.get(id));
    for other in depends.filter_map(|other| other.folder.as_deref()) {
        if !SINKS_MAY_KNOW.contains(&other) {
            let what = format!("`{SINKS}` depends on `{other}`");
            let remedy = "a sink copies bytes: let the daemon translate what a policy declares";
            findings.push(Finding::error(&manifest(SINKS), None, what, remedy));
        }
    }
}

fn check_deciding(workspace: &Workspace, id: &str, folder: &str, findings: &mut Vec<Finding>) {
    for (reached, path) in workspace.reach(id) {
        let other = workspace.packages.get(reached).and_then(|package| package.folder.as_deref());
        if other == Some(SINKS) {
            let what = format!("what decides reaches the sinks: {}", workspace.spell(&path));
            let remedy = "a sink reads the ledger by itself; nothing tells it";
            findings.push(Finding::error(&manifest(folder), None, what, remedy));
        }
    }
}

fn check_oracle(workspace: &Workspace, id: &str, findings: &mut Vec<Finding>) {
    for (reached, path) in workspace.reach(id) {
        let other = workspace.packages.get(reached).and_then(|package| package.folder.as_deref());
        if other.is_some_and(|other| ENGINE.contains(&other)) {
            let what = format!("the oracle reaches the engine that it judges: {}", workspace.spell(&path));
            let remedy =
                "write it a second time, from the description of the language; its tests may use both";
            findings.push(Finding::error(&manifest(ORACLE), None, what, remedy));
        }
    }
}

fn check_cloud_server(workspace: &Workspace, id: &str, folder: &str, findings: &mut Vec<Finding>) {
    for (reached, path) in workspace.reach(id) {
        let other = workspace.packages.get(reached).and_then(|package| package.folder.as_deref());
        if other.is_some_and(|other| !CLOUD_SERVER_MAY_REACH.contains(&other)) {
            let what = format!("the Cloud server reaches what it must not: {}", workspace.spell(&path));
            let remedy = "the server knows `cloud/api`, `dpr` and `call` only";
            findings.push(Finding::error(&manifest(folder), None, what, remedy));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the findings, for a graph described by its edges.
    fn told(lines: &[(&str, &[&str])]) -> Vec<String> {
        check(&Workspace::sample(lines)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_pure_crate_may_reach_pure_crates_and_vouched_ones() {
        let graph: &[(&str, &[&str])] = &[
            ("crates/decide", &["crates/program", "crates/state"]),
            ("crates/program", &["crates/call", "regex", "sha2"]),
            ("sha2", &["cpufeatures"]),
            ("cpufeatures", &["libc"]),
            ("crates/gate", &["crates/decide", "getrandom"]),
        ];
        assert_eq!(told(graph), Vec::<String>::new());
    }

    #[test]
    fn a_pure_crate_must_not_reach_randomness_through_another() {
        let graph: &[(&str, &[&str])] = &[
            ("crates/state", &["crates/dpr"]),
            ("crates/dpr", &["sha2"]),
            ("sha2", &["rand"]),
            ("rand", &["chacha20"]),
        ];
        let found = told(graph);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("crates/dpr/Cargo.toml: a pure crate reaches randomness: dpr -> sha2 -> rand")
        );
    }

    #[test]
    fn a_pure_crate_must_not_reach_libc_except_behind_a_vouched_crate() {
        let found = told(&[("crates/call", &["libc"])]);
        assert!(found[0].contains("nobody has vouched for: call -> libc"), "{found:?}");
        let found = told(&[("crates/call", &["memchr"]), ("memchr", &["libc"])]);
        assert_eq!(found.len(), 1, "only cpufeatures may stand before libc: {found:?}");
        // A shorter or earlier path through the vouched crate must not hide the direct one.
        let found = told(&[
            ("crates/call", &["cpufeatures", "memchr"]),
            ("cpufeatures", &["libc"]),
            ("memchr", &["libc"]),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_pure_crate_must_not_reach_an_unknown_crate_or_an_impure_one() {
        assert_eq!(told(&[("crates/state", &["never-heard-of"])]).len(), 1);
        let found = told(&[("crates/state", &["crates/ledger"])]);
        assert!(found[0].contains("a pure crate reaches `crates/ledger`: state -> ledger"), "{found:?}");
        assert!(told(&[("crates/ledger", &["rusqlite", "getrandom"])]).is_empty(), "the ledger is not pure");
    }

    #[test]
    fn sinks_and_decisions_do_not_know_each_other() {
        let good: &[(&str, &[&str])] = &[
            ("crates/daemon", &["crates/gate", "crates/sinks"]),
            ("crates/sinks", &["crates/call", "crates/ledger", "ureq"]),
        ];
        assert!(told(good).is_empty());
        let found = told(&[("crates/sinks", &["crates/gate"])]);
        assert!(found[0].contains("`crates/sinks` depends on `crates/gate`"), "{found:?}");
        let found = told(&[("crates/gate", &["crates/x"]), ("crates/x", &["crates/sinks"])]);
        assert!(found[0].contains("what decides reaches the sinks: gate -> x -> sinks"), "{found:?}");
    }

    #[test]
    fn the_enforcing_process_never_reaches_policy_or_cloud() {
        let found =
            told(&[("crates/daemon", &["crates/plan"]), ("crates/plan", &["crates/syntax", "cloud/api"])]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().any(|text| text.contains("daemon -> plan -> syntax")), "{found:?}");
        assert!(
            told(&[("crates/cli", &["crates/compile", "crates/daemon"])]).is_empty(),
            "the command may do both"
        );
    }

    #[test]
    fn a_tier_knows_call_and_gate_only() {
        let near: &[(&str, &[&str])] =
            &[("tiers/socket", &["crates/call", "crates/gate", "mio"]), ("crates/gate", &["crates/ledger"])];
        assert!(told(near).is_empty(), "what gate reaches is not the tier's");
        let found = told(&[("tiers/socket", &["crates/gate", "crates/decide"])]);
        assert!(found[0].contains("a tier depends on `crates/decide`"), "{found:?}");
    }

    #[test]
    fn the_cloud_server_reaches_three_crates() {
        assert!(
            told(&[("cloud/server", &["cloud/api", "crates/dpr", "axum"]), ("cloud/api", &["crates/call"])])
                .is_empty()
        );
        let found = told(&[("cloud/server", &["cloud/api"]), ("cloud/api", &["crates/state"])]);
        assert!(found[0].contains("server -> api -> state"), "{found:?}");
    }

    #[test]
    fn the_oracle_stays_apart_from_what_it_judges() {
        assert!(told(&[("crates/oracle", &["crates/call", "crates/syntax", "jiff"])]).is_empty());
        let found = told(&[("crates/oracle", &["crates/plan"]), ("crates/plan", &["crates/program"])]);
        assert!(found[0].contains("oracle -> plan -> program"), "{found:?}");
    }
}
