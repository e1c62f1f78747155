//! What Rust sources must not do: reach the machine from a pure crate, make a receipt, be unsafe, silence a lint.
//!
//! The counterpart of `law`, which reads the graph: the standard library is no edge of the graph. Also reads the
//! manifests, because a crate that does not inherit the lints escapes them.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::law::PURE;
use crate::rust_file::{NamedPath, RustFile};
use crate::tree::File;

/// Modules of the standard library that reach the machine.
const IMPURE_MODULES: &[&str] = &["env", "fs", "net", "os", "process", "thread"];
/// Names of the clock, and of the seed of the standard hash maps.
const IMPURE_NAMES: &[&str] = &["Instant", "RandomState", "SystemTime", "UNIX_EPOCH"];
const LEDGER: &str = "crates/ledger/";
const SANDBOX: &str = "sandbox/";
const RECEIPT: &str = "Receipt";

/// Every breach in these files.
pub fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut parsed = BTreeMap::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs"])) {
        match RustFile::parse(&file.text) {
            Ok(rust) => {
                parsed.insert(file.path.as_str(), rust);
            }
            Err((line, message)) => {
                let what = format!("the parser stops here: {message}");
                findings.push(Finding::error(&file.path, Some(line), what, "make it compile first"));
            }
        }
    }
    let tests = test_only_files(&parsed);
    for (path, rust) in &parsed {
        check_marks(path, rust, &mut findings);
        let for_tests = path.split('/').any(|part| part == "tests") || is_in(path, &tests);
        if !for_tests {
            check_pure(path, rust, &mut findings);
        }
        check_receipt(path, rust, &mut findings);
    }
    for file in files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml")) {
        check_manifest(file, &mut findings);
    }
    findings
}

/// Files and folders of modules that are declared under `#[cfg(test)]`, without the extension.
pub fn test_only_files(parsed: &BTreeMap<&str, RustFile>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, rust) in parsed {
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        let is_root = matches!(name, "lib" | "main" | "mod");
        let base = if is_root { folder } else { stem };
        found.extend(rust.test_modules.iter().map(|module| format!("{base}/{module}")));
    }
    found
}

/// Whether a path is one of these modules or below one.
pub fn is_in(path: &str, modules: &[String]) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    modules.iter().any(|module| {
        stem.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn check_marks(path: &str, rust: &RustFile, findings: &mut Vec<Finding>) {
    if !path.starts_with(SANDBOX) {
        for line in &rust.unsafe_lines {
            let what = "`unsafe` outside `sandbox/`".to_owned();
            findings.push(Finding::error(
                path,
                Some(*line),
                what,
                "find the safe call, or move the work into `sandbox/`",
            ));
        }
    }
    for line in &rust.bare_allow_lines {
        let what = "a lint is silenced without a reason".to_owned();
        let remedy = "fix the cause, or write `#[expect(the_lint, reason = \"…\")]`";
        findings.push(Finding::error(path, Some(*line), what, remedy));
    }
}

fn check_pure(path: &str, rust: &RustFile, findings: &mut Vec<Finding>) {
    let source =
        PURE.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with("/src/")));
    if !source {
        return;
    }
    let mut last = None;
    for named in rust.paths.iter().filter(|named| is_impure(named)) {
        // One import is seen once as a tree and once per use; a line is told once.
        if last == Some(named.line) {
            continue;
        }
        last = Some(named.line);
        let what = format!("a pure crate names `{}`", named.parts.join("::"));
        findings.push(Finding::error(path, Some(named.line), what, "take the value as an argument"));
    }
}

fn is_impure(named: &NamedPath) -> bool {
    let parts: Vec<&str> = named.parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["std"] | ["std", "*"] | ["std", "time"] | ["std", "time", "*"] => true,
        ["std", module, ..] if IMPURE_MODULES.contains(module) => true,
        ["std", "io", "stdin" | "stdout" | "stderr" | "*"] => true,
        ["std", rest @ ..] => rest.iter().any(|part| IMPURE_NAMES.contains(part)),
        ["Instant" | "SystemTime", "now", ..] => true,
        _ => false,
    }
}

fn check_receipt(path: &str, rust: &RustFile, findings: &mut Vec<Finding>) {
    let remedy = "only `ledger` makes a receipt, after the sync; take one from it";
    if path.starts_with(LEDGER) {
        for structure in rust.structures.iter().filter(|structure| structure.name == RECEIPT) {
            let made_freely = structure.derives.iter().any(|name| name == "Default" || name == "Deserialize");
            if structure.open_fields || made_freely {
                let what = "a stranger could make a `Receipt`".to_owned();
                let remedy = "keep its fields private and derive neither `Default` nor `Deserialize`";
                findings.push(Finding::error(path, Some(structure.line), what, remedy));
            }
        }
        return;
    }
    let ends_in_receipt = |named: &&NamedPath| named.parts.last().is_some_and(|part| part == RECEIPT);
    let calls_new = |named: &&NamedPath| named.parts.ends_with(&[RECEIPT.to_owned(), "new".to_owned()]);
    let made = rust.literals.iter().filter(ends_in_receipt).chain(rust.paths.iter().filter(calls_new));
    for named in made {
        findings.push(Finding::error(path, Some(named.line), "a `Receipt` is made here".to_owned(), remedy));
    }
    for structure in rust.structures.iter().filter(|structure| structure.name == RECEIPT) {
        let what = "a second type called `Receipt`".to_owned();
        findings.push(Finding::error(path, Some(structure.line), what, remedy));
    }
}

fn check_manifest(file: &File, findings: &mut Vec<Finding>) {
    let has = |section: &str, wanted: &[&str]| {
        let lines = file.text.lines().map(str::trim).skip_while(|line| *line != section).skip(1);
        let mut inside = lines.take_while(|line| !line.starts_with('['));
        inside.any(|line| wanted.contains(&line.replace(' ', "").as_str()))
    };
    if file.path == "Cargo.toml" {
        if !has("[workspace.lints.rust]", &["unsafe_code=\"forbid\"", "unsafe_code=\"deny\""]) {
            let what = "the workspace does not forbid `unsafe`".to_owned();
            findings.push(Finding::error(
                &file.path,
                None,
                what,
                "set `unsafe_code = \"forbid\"` in `[workspace.lints.rust]`",
            ));
        }
    } else if !file.is_under("fixtures")
        && !has("[lints]", &["workspace=true"])
        && !file.path.starts_with(SANDBOX)
    {
        let what = "the crate does not inherit the workspace's lints".to_owned();
        findings.push(Finding::error(&file.path, None, what, "add `[lints]` with `workspace = true`"));
    }
}

#[cfg(test)]
mod tests;
