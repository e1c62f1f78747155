//! The manual: one page for each diagnostic, embedded in the binary, and how a page is found by what a
//! person types. Also reads documentation pages into blocks, for the terminal and for the tests that
//! run what the documentation shows.
//!
//! INVARIANT a page for every code: a test compares the pages with the tables of codes.
//! It leaves out how a page is drawn on a terminal.

mod expand;
mod look_up;
mod markdown;

use faramesh_syntax::{Code, Severity};

pub use expand::{EXPANDED_BYTES, expanded};
pub use look_up::{Answer, look_up};
pub use markdown::{Block, blocks, plain};

/// Every page: the number of its code and its text.
const PAGES: &[(u16, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// What is known of a kind of message, whichever stage gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub code: Code,
    /// Its name in kebab case; no two kinds share one.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// Every kind of message, by number.
pub fn entries() -> impl Iterator<Item = Entry> {
    let syntax = faramesh_syntax::codes::ALL.iter().map(|entry| Entry {
        code: entry.code,
        name: entry.name,
        severity: entry.severity,
        meaning: entry.meaning,
    });
    let check = faramesh_check::codes::ALL.iter().map(|finding| Entry {
        code: finding.code,
        name: finding.name,
        severity: finding.severity,
        meaning: finding.meaning,
    });
    let spell = faramesh_spell::codes::ALL.iter().map(|(code, name, meaning)| Entry {
        code: *code,
        name,
        severity: Severity::Error,
        meaning,
    });
    let mut entries: Vec<Entry> = syntax.chain(check).chain(spell).collect();
    entries.sort_by_key(|entry| entry.code);
    entries.into_iter()
}

/// The page of a code.
#[must_use]
pub fn page(code: Code) -> Option<&'static str> {
    PAGES.iter().find(|(number, _)| *number == code.0).map(|(_, text)| *text)
}

/// The codes that have a page.
pub fn paged() -> impl Iterator<Item = Code> {
    PAGES.iter().map(|(number, _)| Code(*number))
}
