//! The files of a project that `init` reads: manifests and sources, within bounds.
//!
//! Invariants: no link is followed; hidden folders, installed packages, build output and tests are left out; the
//! order is that of the names. Each bound that is hit leaves a warning that names it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::DetectError;
use super::manifest;

/// The bounds of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many files are read at most.
    pub files: usize,
    /// How many bytes a file has at most.
    pub file_bytes: u64,
    /// How many folders below the root are entered at most.
    pub depth: usize,
    /// How many names are looked at in all.
    pub entries: usize,
}

impl Limits {
    /// The bounds that `init` keeps.
    pub const DEFAULT: Self = Self { files: 5_000, file_bytes: 1 << 20, depth: 20, entries: 200_000 };
}

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list of dependencies.
    Manifest(manifest::Kind),
    /// Python source.
    Python,
    /// TypeScript or JavaScript source.
    TypeScript {
        /// Whether tags may stand in it.
        jsx: bool,
    },
}

/// One file to read.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its path relative to the root.
    pub path: PathBuf,
    /// What it is read as.
    pub kind: Kind,
}

/// The files of a project.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, by path.
    pub files: Vec<Candidate>,
    /// What was left out.
    pub warnings: Vec<String>,
}

const LEFT_OUT: &[&str] = &[
    "__mocks__",
    "__pycache__",
    "__tests__",
    "build",
    "dist",
    "e2e",
    "env",
    "node_modules",
    "site-packages",
    "target",
    "test",
    "tests",
    "vendor",
    "venv",
];
/// The file that marks a Python environment, whatever its folder is called.
const ENVIRONMENT_MARK: &str = "pyvenv.cfg";

/// Finds the files below a root.
///
/// # Errors
/// When the root is not a folder that can be read.
pub fn walk(root: &Path, limits: &Limits) -> Result<Found, DetectError> {
    if !root.is_dir() {
        return Err(DetectError::NotAFolder(root.to_path_buf()));
    }
    let mut found = Found::default();
    let mut entries_left = limits.entries;
    let mut depth_hit = false;
    let mut folders = vec![(PathBuf::new(), 0_usize)];
    while let Some((folder, depth)) = folders.pop() {
        let listing = match list(&root.join(&folder), &mut entries_left) {
            Ok(listing) => listing,
            Err(reason) if depth == 0 => {
                return Err(DetectError::Unreadable { path: root.to_path_buf(), reason });
            }
            Err(reason) => {
                found.warnings.push(format!("cannot read the folder `{}`: {reason}", folder.display()));
                continue;
            }
        };
        if depth > 0 && listing.iter().any(|(name, _)| name == ENVIRONMENT_MARK) {
            continue;
        }
        for (name, is_folder) in listing {
            let path = folder.join(&name);
            if is_folder {
                let entered = !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str());
                depth_hit |= entered && depth == limits.depth;
                if entered && depth < limits.depth {
                    folders.push((path, depth + 1));
                }
            } else if let Some(kind) = kind(&folder, &name) {
                found.files.push(Candidate { path, kind });
            }
        }
    }
    found.files.sort_by(|left, right| left.path.cmp(&right.path));
    if depth_hit {
        found.warnings.push(format!("folders more than {} deep were left out", limits.depth));
    }
    if entries_left == 0 {
        found
            .warnings
            .push(format!("the project has more than {} names; the rest was left out", limits.entries));
    }
    if found.files.len() > limits.files {
        // Files near the root say most about a project.
        found.files.sort_by_key(|file| file.path.components().count());
        found.files.truncate(limits.files);
        found.files.sort_by(|left, right| left.path.cmp(&right.path));
        found.warnings.push(format!("only {} files were read; the project has more", limits.files));
    }
    Ok(found)
}

/// The names in a folder and whether each is a folder; neither links nor special files.
fn list(folder: &Path, entries_left: &mut usize) -> std::io::Result<Vec<(String, bool)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if *entries_left == 0 {
            break;
        }
        *entries_left -= 1;
        let entry = entry?;
        let kind = entry.file_type()?;
        if !kind.is_dir() && !kind.is_file() {
            continue;
        }
        if let Ok(name) = entry.file_name().into_string() {
            names.push((name, kind.is_dir()));
        }
    }
    names.sort();
    Ok(names)
}

fn kind(folder: &Path, name: &str) -> Option<Kind> {
    if let Some(kind) = manifest::kind(folder, name) {
        return Some(Kind::Manifest(kind));
    }
    source(name)
}

/// What a file of this name is read as, when it is source.
pub fn source(name: &str) -> Option<Kind> {
    let (stem, extension) = name.rsplit_once('.')?;
    match extension {
        "py" if stem.starts_with("test_") || stem.ends_with("_test") || stem == "conftest" => None,
        "py" => Some(Kind::Python),
        "ts" | "mts" | "cts" | "tsx" | "js" | "mjs" | "cjs" | "jsx" => {
            let left_out = [".test", ".spec", ".d", ".min", ".config"].iter().any(|end| stem.ends_with(end));
            let jsx = !matches!(extension, "ts" | "mts" | "cts");
            (!left_out).then_some(Kind::TypeScript { jsx })
        }
        _ => None,
    }
}

/// Reads a file as text; the error is the warning to give.
pub fn read(root: &Path, path: &Path, limits: &Limits) -> Result<String, String> {
    let unreadable = |reason: std::io::Error| format!("cannot read `{}`: {reason}", path.display());
    let file = fs::File::open(root.join(path)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too long, even one that is growing.
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > limits.file_bytes) {
        return Err(format!(
            "`{}` has more than {} bytes and was left out",
            path.display(),
            limits.file_bytes
        ));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
