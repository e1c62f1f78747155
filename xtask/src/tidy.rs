//! The chore that runs every check and prints what they found.

use std::process::ExitCode;

use crate::finding::{Finding, Severity};
use crate::tree::{self, File};
use crate::workspace::Workspace;
use crate::{edges, law, sizes, sources, words};

/// Reads the tree and the graph, prints every finding, and fails on an error.
pub fn run() -> Result<ExitCode, String> {
    let root = tree::root();
    let files = tree::read(&root)?;
    let workspace = Workspace::read(&root)?;
    let findings = check(&workspace, &files);
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    let crates = workspace.members().count();
    println!("tidy: {} files, {crates} crates, {errors} errors, {warnings} warnings", files.len());
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every check over one description of the repository, in the order of the files.
fn check(workspace: &Workspace, files: &[File]) -> Vec<Finding> {
    let architecture =
        files.iter().find(|file| file.path == "ARCHITECTURE.md").map(|file| file.text.as_str());
    let mut findings = law::check(workspace);
    findings.extend(edges::check(workspace, architecture));
    findings.extend(sources::check(files));
    findings.extend(sizes::check(files));
    findings.extend(words::check(files));
    findings.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_run() {
        let graph = Workspace::sample(&[("crates/call", &["tokio"]), ("crates/gate", &["crates/call"])]);
        let banned = "the word elsewhere";
        let files = [
            File::new("ARCHITECTURE.md", "## Edges\n"),
            File::new("crates/call/src/lib.rs", "//! Header.\nuse std::fs;\n"),
            File::new("crates/gate/src/mod.rs", "//! Header.\n"),
            File::new("docs/a.md", banned),
            File::new(words::LIST, "elsewhere | here\n"),
        ];
        let told: Vec<String> = check(&graph, &files).into_iter().map(|finding| finding.file).collect();
        let expected = [
            "ARCHITECTURE.md",
            "crates/call/Cargo.toml",
            "crates/call/src/lib.rs",
            "crates/gate/src/mod.rs",
            "docs/a.md",
        ];
        assert_eq!(told, expected);
    }
}
