//! The list of edges between crates that ARCHITECTURE.md carries, so that a new edge is a line in a review.
//!
//! Printed and written from the graph, and compared with it by `tidy` in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::finding::Finding;
use crate::tree;
use crate::workspace::{Package, Workspace};

const FILE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Edges";
const BEGIN: &str = "<!-- edges:begin, written by `cargo xtask edges --write` -->";
const END: &str = "<!-- edges:end -->";
const REMEDY: &str = "if the edge is meant, run `cargo xtask edges --write` and say why in the commit";

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Prints the block.
pub fn print() -> Result<ExitCode, String> {
    print!("{}", block(&Workspace::read(&tree::root())?));
    Ok(ExitCode::SUCCESS)
}

/// Writes the block into ARCHITECTURE.md: between its markers, or at the end under a new heading.
pub fn write() -> Result<ExitCode, String> {
    let root = tree::root();
    let place = root.join(FILE);
    let text = match std::fs::read_to_string(&place) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "# Architecture\n".to_owned(),
        Err(error) => return Err(format!("cannot read `{FILE}`: {error}")),
    };
    let updated = updated(&text, &block(&Workspace::read(&root)?));
    if updated == text {
        println!("{FILE} is up to date");
    } else {
        std::fs::write(&place, updated).map_err(|error| format!("cannot write `{FILE}`: {error}"))?;
        println!("wrote the edges to {FILE}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares the list in the file with the graph.
pub fn check(workspace: &Workspace, architecture: Option<&str>) -> Vec<Finding> {
    let Some((first_line, listed)) = architecture.and_then(listed) else {
        let what = format!("there is no `{HEADING}` list");
        return vec![Finding::error(FILE, None, what, "run `cargo xtask edges --write`")];
    };
    let real = real(workspace);
    let mut findings = Vec::new();
    let mut report = |what: String| findings.push(Finding::error(FILE, Some(first_line), what, REMEDY));
    for (from, targets) in &real {
        for to in targets.iter().filter(|to| !listed.get(from).is_some_and(|known| known.contains(*to))) {
            report(format!("the edge `{from} -> {to}` is not listed"));
        }
    }
    for (from, targets) in &listed {
        for to in targets.iter().filter(|to| !real.get(from).is_some_and(|known| known.contains(*to))) {
            report(format!("the listed edge `{from} -> {to}` does not exist"));
        }
    }
    findings
}

fn real(workspace: &Workspace) -> Edges {
    let mut edges = Edges::new();
    for (_, package) in workspace.members() {
        let depends = package.depends.iter().filter_map(|id| workspace.packages.get(id));
        let targets: BTreeSet<String> = depends
            .filter(|other| other.folder.is_some())
            .map(|other| other.short_name().to_owned())
            .collect();
        if !targets.is_empty() {
            edges.insert(Package::short_name(package).to_owned(), targets);
        }
    }
    edges
}

fn block(workspace: &Workspace) -> String {
    let mut text = format!("{BEGIN}\n");
    for (from, targets) in real(workspace) {
        let targets: Vec<String> = targets.into_iter().collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {from} -> {}", targets.join(" "));
    }
    text.push_str(END);
    text.push('\n');
    text
}

fn updated(text: &str, block: &str) -> String {
    let begin = text.find(BEGIN);
    let end = text.find(&format!("{END}\n")).map(|start| start + END.len() + 1);
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => {
            let before = text.get(..begin).unwrap_or_default();
            let after = text.get(end..).unwrap_or_default();
            format!("{before}{block}{after}")
        }
        _ => format!("{}\n\n{HEADING}\n\n{block}", text.trim_end()),
    }
}

/// The line of the heading, counted from 1, and the edges listed under it.
fn listed(text: &str) -> Option<(usize, Edges)> {
    let lines: Vec<&str> = text.lines().collect();
    let heading = lines.iter().position(|line| line.trim_end() == HEADING)?;
    let mut edges = Edges::new();
    for line in lines.iter().skip(heading + 1).take_while(|line| !line.starts_with("## ")) {
        let Some((from, targets)) = line.strip_prefix("- ").and_then(|line| line.split_once("->")) else {
            continue;
        };
        let targets = targets.split_whitespace().map(str::to_owned);
        edges.entry(from.trim().to_owned()).or_default().extend(targets);
    }
    Some((heading + 1, edges))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Workspace {
        Workspace::sample(&[
            ("crates/gate", &["crates/call", "crates/decide", "mio"]),
            ("crates/decide", &["crates/call"]),
        ])
    }

    #[test]
    fn the_block_written_is_the_block_accepted() {
        let text = updated("# Architecture\n\nWords.\n", &block(&graph()));
        assert!(text.contains("## Edges\n\n<!-- edges:begin"), "{text}");
        assert!(text.contains("- gate -> call decide\n"), "{text}");
        assert_eq!(check(&graph(), Some(&text)), vec![]);
        let more = format!("{text}\n## After\n\nMore words.\n");
        assert_eq!(
            updated(&more, &block(&graph())),
            more,
            "writing twice changes nothing and keeps what follows"
        );
    }

    #[test]
    fn a_new_edge_and_a_stale_edge_are_both_told() {
        let told = check(
            &graph(),
            Some("## Edges\n- gate -> call ledger\n- decide -> call\n## Later\n- gate -> decide\n"),
        );
        let told: Vec<&str> = told.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(
            told,
            ["the edge `gate -> decide` is not listed", "the listed edge `gate -> ledger` does not exist"]
        );
    }

    #[test]
    fn a_missing_file_or_heading_is_told() {
        assert_eq!(check(&graph(), None).len(), 1);
        assert_eq!(check(&graph(), Some("# Architecture\n- gate -> call decide\n")).len(), 1);
    }
}
