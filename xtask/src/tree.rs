//! The files of the repository as the checks see them: path and text, nothing on disk.
//!
//! Files that git tracks or would add are read; ignored ones, binary ones and links are not.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One text file.
#[derive(Clone, Debug)]
pub struct File {
    /// Path relative to the root, with `/` between the parts.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl File {
    /// A file as a test describes it.
    #[cfg(test)]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether the name ends in one of these, given without the dot.
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path)
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| extensions.contains(&extension))
    }

    /// Whether the file stands in a folder of this name, at any depth.
    pub fn is_under(&self, folder: &str) -> bool {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        parts.contains(&folder)
    }
}

/// The root of the repository: the folder above this crate.
pub fn root() -> PathBuf {
    // What cargo says now counts before what it said at the build: two checkouts may share a target folder.
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = now.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// Reads every text file that git tracks or would add.
pub fn read(root: &Path) -> Result<Vec<File>, String> {
    let listing = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run `git ls-files`: {error}"))?;
    if !listing.status.success() {
        let reason = String::from_utf8_lossy(&listing.stderr).trim().to_owned();
        return Err(format!("`git ls-files` failed: {reason}"));
    }
    let mut files = Vec::new();
    for name in listing.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let Ok(path) = String::from_utf8(name.to_vec()) else { continue };
        let place = root.join(&path);
        // A tracked file may be deleted but not yet committed, and a link leads to a file that is listed itself.
        let regular = place.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if !regular {
            continue;
        }
        let bytes = std::fs::read(&place).map_err(|error| format!("cannot read `{path}`: {error}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path, text });
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files.dedup_by(|left, right| left.path == right.path);
    Ok(files)
}
