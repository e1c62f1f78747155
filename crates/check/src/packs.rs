//! Where the text of imported packs comes from. Checking asks a [`Resolver`] and reads no disk itself,
//! so that an editor, a test or a registry can each answer in its own way.

/// Finds the text of imports.
pub trait Resolver {
    /// The file that `path` names, such as
    /// `github.com/faramesh/faramesh-registry/policies/stripe@1.3.0`.
    ///
    /// # Errors
    /// Why there is none, as one line for a person, and what to do about it.
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved>;
}

/// The text of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFile {
    /// Its name as messages and records show it: `stripe@1.3.0/pack.fms`.
    pub name: String,
    /// Its source.
    pub text: String,
}

/// Why an import has no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// What is wrong: lower case, no full stop, the user's text in backticks.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// A catalog with nothing in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCatalog;

impl Resolver for NoCatalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        Err(Unresolved {
            message: format!("the import `{path}` is in no catalog"),
            help:
                "put the pack into `.faramesh/catalog`, or set `FARAMESH_CATALOG` to the folder that has it"
                    .to_owned(),
        })
    }
}
