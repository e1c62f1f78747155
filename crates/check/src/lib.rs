//! A parsed stack to a checked stack: names resolved, types agreed, settings given their values, and
//! the analyses that find rules which do not do what their author thinks.
//!
//! Runs when a policy is checked or applied, never when a call is decided.
//! INVARIANT nothing silent: whatever is written and not enforced is an error.
//! It leaves out resolving imports and anything that needs a network or a disk.

mod addresses;
mod agent;
mod analysis;
mod blocks;
mod calls;
mod checker;
mod clauses;
pub mod codes;
mod conditions;
pub mod definitions;
pub mod desugar;
mod facts;
mod file;
mod globs;
mod identity;
mod imports;
mod lists;
mod members;
mod merge;
mod messengers;
mod names;
mod not_yet;
mod operands;
mod options;
mod overrides;
pub mod packs;
mod paths;
mod prices;
mod quantities;
mod redact;
mod references;
mod regexes;
mod rules;
mod runtime;
mod scope;
mod sinks;
pub mod stack;
pub mod statement;
mod types;
mod values;
mod witnesses;
mod world;

use faramesh_syntax::ast::Body;
use faramesh_syntax::{Diagnostic, Severity};

pub use options::{Options, Unenforced};
pub use packs::{PackFile, Resolver, Unresolved};
pub use stack::Stack;

use checker::Checker;

/// The outcome of checking.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The stack, unless there is an error.
    pub stack: Option<Stack>,
    /// Messages of the syntax, then those of checking, each in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
    /// What was found in packs, in the order in which they were read.
    pub packs: Vec<PackFindings>,
}

/// What was found in one pack.
#[derive(Debug, Clone)]
pub struct PackFindings {
    /// The name of its file.
    pub file: String,
    /// Its text, which the places of the messages are in.
    pub source: String,
    /// Messages as those of the source.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// Whether any message is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Parses and checks a source.
#[must_use]
pub fn check(source: &str, options: &Options<'_>) -> Checked {
    let (body, diagnostics) = faramesh_syntax::parse(source).into_parts();
    check_body(source, &body, diagnostics, options)
}

/// Checks a tree that was read from `source`, in whatever spelling; `diagnostics` is what reading it said.
#[must_use]
pub fn check_body(
    source: &str,
    body: &Body,
    mut diagnostics: Vec<Diagnostic>,
    options: &Options<'_>,
) -> Checked {
    let parsed = !diagnostics.iter().any(Diagnostic::is_error);
    let mut checker = Checker::new(source, options);
    let stack = checker.file(body);
    // Without the parts that did not parse, or were refused, an analysis of the whole would mislead.
    if parsed && options.analyse && checker.is_sound() {
        analysis::run(&mut checker, &stack);
    }
    let packs = std::mem::take(&mut checker.library.findings);
    let mut found = checker.finish();
    if !parsed {
        // One mistake, one message: a value that did not parse cannot be judged.
        let judges = [codes::WRONG_VALUE.code, codes::BAD_NUMBER.code, codes::BAD_PATTERN.code];
        found.retain(|found| {
            let known = || diagnostics.iter().any(|known| known.span == found.span);
            found.severity == Severity::Error && !(judges.contains(&found.code) && known())
        });
    }
    diagnostics.append(&mut found);
    let valid = !diagnostics.iter().any(Diagnostic::is_error);
    Checked { stack: valid.then_some(stack), diagnostics, packs }
}
