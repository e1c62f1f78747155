//! What the server asks of the process that it runs in. It reads neither environment nor disk itself.

use std::path::{Path, PathBuf};

/// The environment and the catalog of packs.
pub trait Host: Send + Sync {
    /// Value of an environment variable.
    fn environment(&self, name: &str) -> Option<String>;

    /// The file of an import, seen from the folder of the stack, if it is on this machine.
    fn pack(&self, stack: &Path, import: &str) -> Option<PathBuf>;
}
