//! What `faramesh init` finds in a project: its language, its agent framework, and its tools.
//!
//! Frameworks come from manifests, else from imports, and tools from parsed source, so a comment or a string never
//! counts. Nothing is run, nothing is resolved over the network, no link is followed.
//! Invariants: every bound that is hit is named in a warning; a file that does not parse fully still yields what
//! parsed; the same tree gives the same answer.
//! Left out: names that only exist when the program runs.

mod framework;
mod index;
mod manifest;
mod python;
mod source;
mod toml;
mod typescript;
mod walk;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use framework::Framework;

/// How often a file is read at most: a name may be handed on by one file to the next.
const READINGS_MAX: usize = 6;

/// The language that a project's agent is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Python.
    Python,
    /// TypeScript or JavaScript.
    TypeScript,
    /// Neither was found.
    Unknown,
}

/// A framework, and the line of the manifest, or the source without one, that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFramework {
    /// The framework.
    pub framework: Framework,
    /// The manifest, relative to the project.
    pub manifest: PathBuf,
    /// The line of the manifest, counted from 1.
    pub line: u32,
    /// The version constraint as the manifest writes it, such as `>=0.2,<1`.
    pub version: Option<String>,
}

/// A tool that the agent can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTool {
    /// The name the agent calls it by.
    pub name: String,
    /// The source file, relative to the project.
    pub file: PathBuf,
    /// The line where the tool is made, counted from 1.
    pub line: u32,
    /// The names of its parameters, in order; empty when they cannot be read.
    pub parameters: Vec<String>,
    /// The first line of its description.
    pub description: Option<String>,
}

/// What was found in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The language of the first framework, else of most source files.
    pub language: Language,
    /// The frameworks, each once, the most specific first.
    pub frameworks: Vec<FoundFramework>,
    /// The tools, each name once, by file and line.
    pub tools: Vec<FoundTool>,
    /// What could not be read or was left out, one sentence each.
    pub warnings: Vec<String>,
}

impl Project {
    /// The frameworks that a person would have to choose between: those that no other found one brings along.
    pub fn choices(&self) -> Vec<&FoundFramework> {
        let brought = |candidate: &FoundFramework| {
            self.frameworks.iter().any(|other| other.framework.brings(candidate.framework))
        };
        self.frameworks.iter().filter(|candidate| !brought(candidate)).collect()
    }
}

/// Why a project could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The path is not a folder.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The folder cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// Looks at a project folder: at most 5,000 files of at most 1 MiB, 20 folders deep.
///
/// # Errors
/// When the folder cannot be read. Anything below it that cannot be read is a warning.
pub fn detect(root: &Path) -> Result<Project, DetectError> {
    detect_within(root, &walk::Limits::DEFAULT)
}

fn detect_within(root: &Path, limits: &walk::Limits) -> Result<Project, DetectError> {
    let walk::Found { files, mut warnings } = walk::walk(root, limits)?;
    let mut dependencies = Vec::new();
    let folder = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let folder = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut python = python::Python::of(folder);
    let mut typescript = typescript::TypeScript::default();
    let mut counts = (0_usize, 0_usize);
    for file in &files {
        let text = match walk::read(root, &file.path, limits) {
            Ok(text) => text,
            Err(warning) => {
                warnings.push(warning);
                continue;
            }
        };
        match file.kind {
            walk::Kind::Manifest(kind) => match manifest::read(kind, &file.path, &text) {
                Ok(found) => dependencies.extend(found),
                Err(warning) => warnings.push(warning),
            },
            walk::Kind::Python => {
                counts.0 += 1;
                python.read(&file.path, &text);
            }
            walk::Kind::TypeScript { jsx } => {
                counts.1 += 1;
                typescript.read(&file.path, &text, jsx);
            }
        }
    }
    for _ in 1..READINGS_MAX {
        let (in_python, in_typescript) = (python.due_again(), typescript.due_again());
        if in_python.is_empty() && in_typescript.is_empty() {
            break;
        }
        // A file that cannot be read any more stays as it was read.
        for path in in_python {
            if let Ok(text) = walk::read(root, &path, limits) {
                python.read(&path, &text);
            }
        }
        for (path, jsx) in in_typescript {
            if let Ok(text) = walk::read(root, &path, limits) {
                typescript.read(&path, &text, jsx);
            }
        }
    }
    let mut frameworks = framework::found(&dependencies, python.calls_bedrock);
    if frameworks.is_empty() {
        // A script says what it needs where it imports it.
        frameworks = framework::imported(&python.packages(), &typescript.packages(), python.calls_bedrock);
    }
    let mut tools = python.finish(&mut warnings);
    tools.extend(typescript.finish(&mut warnings));
    let language = language(&frameworks, &dependencies, counts);
    Ok(Project { language, frameworks, tools: merged(tools), warnings })
}

fn language(
    frameworks: &[FoundFramework],
    dependencies: &[manifest::Dependency],
    (python, typescript): (usize, usize),
) -> Language {
    let is_node = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == manifest::PACKAGE_JSON || matches!(walk::source(name), Some(walk::Kind::TypeScript { .. }))
    };
    if let Some(first) = frameworks.first() {
        return if is_node(&first.manifest) { Language::TypeScript } else { Language::Python };
    }
    let node = dependencies.iter().filter(|dependency| is_node(&dependency.manifest)).count();
    match (python, typescript, dependencies.len() - node, node) {
        (0, 0, 0, 0) => Language::Unknown,
        (0, 0, in_python, in_node) if in_node > in_python => Language::TypeScript,
        _ if typescript > python => Language::TypeScript,
        _ => Language::Python,
    }
}

/// One entry per name: the first by file and line, completed from the others.
fn merged(mut tools: Vec<FoundTool>) -> Vec<FoundTool> {
    tools.sort_by(|left, right| {
        (&left.file, left.line, &left.name).cmp(&(&right.file, right.line, &right.name))
    });
    let mut places = std::collections::BTreeMap::new();
    let mut kept: Vec<FoundTool> = Vec::new();
    for tool in tools {
        let place = *places.entry(tool.name.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(first) => {
                if first.parameters.is_empty() {
                    first.parameters = tool.parameters;
                }
                first.description = first.description.take().or(tool.description);
            }
            None => kept.push(tool),
        }
    }
    kept
}
