//! `faramesh lsp`: the language server, on standard input and output. An editor starts it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use faramesh_lsp::Host;

use crate::catalog::Catalogs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// What `lsp` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Speak on standard input and output, which is the only way; editors like to say so
    #[arg(long)]
    stdio: bool,
}

/// Serves an editor until it says that it is done.
///
/// # Errors
/// The editor did not keep to the protocol, or went away.
pub fn run(_arguments: &Arguments, _context: &Context) -> Result<Exit, Failure> {
    match faramesh_lsp::serve_stdio(Arc::new(Machine)) {
        Ok(()) => Ok(Exit::Success),
        Err(error) => Err(Failure::new(error.to_string())
            .hint("an editor starts this command; docs/editors.md tells how to set one up")),
    }
}

/// This machine, as the language server sees it.
struct Machine;

impl Host for Machine {
    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn pack(&self, stack: &Path, import: &str) -> Option<PathBuf> {
        Catalogs::of(stack).file(import)
    }
}
