//! `cargo xtask gen`: writes the references in `docs/reference` and the examples of the cookbook from the
//! definitions in the code and from the corpus; `--check` compares instead. `--man DIR` writes man pages.
//!
//! A program of its own beside `xtask`, because it needs the crates that it describes: `tidy` builds in
//! seconds and this does not.
#![allow(clippy::print_stdout, reason = "a chore talks to the terminal")]

mod command_line;
mod cookbook;
mod diagnostics;
mod environment;
mod language;
mod limits;
mod man;
mod metrics;
mod page;
mod reason_codes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use page::Page;

const USAGE: &str = "usage: cargo xtask gen [--check | --man DIR]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] => pages().and_then(|pages| write(&pages)),
        ["--check"] => pages().and_then(|pages| check(&pages)),
        ["--man", folder] => man::write(Path::new(folder)),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Every page that is made here, in full.
fn pages() -> Result<Vec<Page>, String> {
    let mut pages = vec![
        language::page(),
        diagnostics::page(),
        reason_codes::page(),
        command_line::page(),
        environment::page(),
        metrics::page(),
    ];
    pages.extend(cookbook::pages(&root())?);
    Ok(pages)
}

fn write(pages: &[Page]) -> Result<(), String> {
    for page in pages {
        if page.is_current(&root()) {
            continue;
        }
        let place = root().join(&page.path);
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        }
        std::fs::write(&place, &page.text)
            .map_err(|error| format!("cannot write `{}`: {error}", page.path))?;
        println!("wrote {}", page.path);
    }
    Ok(())
}

fn check(pages: &[Page]) -> Result<(), String> {
    let stale: Vec<String> = pages
        .iter()
        .filter(|page| !page.is_current(&root()))
        .map(|page| format!("error: {} is not what the definitions say", page.path))
        .collect();
    if stale.is_empty() {
        println!("gen: {} pages are up to date", pages.len());
        return Ok(());
    }
    Err(format!("{}\n  help: run `cargo xtask gen` and look at the difference", stale.join("\n")))
}

/// The root of the repository.
fn root() -> PathBuf {
    // What cargo says now counts before what it said at the build: two checkouts may share a target folder.
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    now.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR"))).join("../..")
}
