//! What checking depends on besides the source: the environment, the catalog of packs, and whether
//! constructs that this version does not enforce are an error. Each is a function or a value that the
//! caller gives, so that checking itself reads no disk.

use crate::packs::{NoCatalog, Resolver};

/// What checking depends on besides the source.
#[derive(Clone)]
pub struct Options<'a> {
    /// The name of the source, as messages and records show it.
    pub file_name: String,
    /// Value of an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a variable that is not set is an error even with a default.
    pub strict_env: bool,
    /// Whether the stack runs under `faramesh dev`, which names callers without proof.
    pub dev: bool,
    /// What happens with constructs that this version does not enforce.
    pub unenforced: Unenforced,
    /// Where imports are found.
    pub packs: &'a dyn Resolver,
    /// Whether to look for rules that do not do what their author thinks. Without, a stack is judged by
    /// its parts alone: for tests that check thousands of policies to run them.
    pub analyse: bool,
}

/// What happens with constructs that are known and not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unenforced {
    /// Each is an error: nothing that is written may be silently without effect. For every stack that
    /// is put in force.
    #[default]
    Refuse,
    /// They are checked and carried into the program, and nothing is said about them. For editors, for
    /// conversions between spellings, and for tests; never for a stack that is put in force.
    Carry,
}

impl<'a> Options<'a> {
    /// Options as for a stack that is put in force, with no catalog.
    #[must_use]
    pub fn new(file_name: impl Into<String>, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            file_name: file_name.into(),
            environment,
            strict_env: false,
            dev: false,
            unenforced: Unenforced::Refuse,
            packs: &NoCatalog,
            analyse: true,
        }
    }
}
