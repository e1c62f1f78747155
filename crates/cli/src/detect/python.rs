//! Tools in Python source: decorated functions, tool classes, tool objects, plain functions handed over in a list,
//! and tool descriptions in dictionaries.
//!
//! A name counts by where it was imported from: a function of the project that happens to be called `tool` is no
//! tool decorator. What one file takes from another is known once all are read; those that need it are read again.

mod call;
mod class;
mod decorator;
mod handed;
mod known;
mod literal;
mod module;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::FoundTool;
use super::index::{self, Wanted};
use super::source::{self, Source};
use known::{Fact, Known};
use module::Module;

/// The Python files of a project.
#[derive(Debug, Default)]
pub struct Python {
    /// Whether some file makes an AWS client for Bedrock.
    pub calls_bedrock: bool,
    /// The name of the project's folder, by which its own modules may be imported too.
    root: String,
    known: Known,
    files: BTreeMap<PathBuf, File>,
}

/// What was found in one file, and what it asked in vain.
#[derive(Debug)]
struct File {
    findings: Findings,
    asked: BTreeSet<(Fact, Wanted)>,
}

/// What one file holds.
#[derive(Debug, Default)]
struct Findings {
    tools: Vec<FoundTool>,
    /// What is handed over as a tool and stands in another module: each in one way or another.
    wanted: Vec<Handed>,
    /// Names that the policy has for tools.
    names: BTreeMap<String, String>,
    calls_bedrock: bool,
    /// The packages that are imported, with the line of each.
    packages: BTreeMap<String, u32>,
    warnings: Vec<String>,
}

/// Something that is handed over as a tool and stands in another module.
#[derive(Debug)]
struct Handed {
    /// The ways in which it may be meant.
    ways: Vec<Wanted>,
    shown: String,
    line: u32,
    /// Whether what it gives is handed over, when it is called.
    is_called: bool,
}

impl Python {
    /// Of the project in a folder of this name.
    pub fn of(root: String) -> Self {
        Self { root, ..Self::default() }
    }

    /// Reads a file, for the first time or again.
    pub fn read(&mut self, path: &Path, text: &str) {
        let source = Source::new(path, text);
        let mut findings = Findings::default();
        let mut asked = BTreeSet::new();
        let mut facts = Vec::new();
        if let Some(tree) = source.parse(&tree_sitter_python::LANGUAGE.into(), &mut findings.warnings) {
            let module = Module::new(source, tree.root_node(), &self.known, &self.root);
            findings.packages = module.packages();
            let mut late = Vec::new();
            source::search(&source, tree.root_node(), &mut late, |node| match node.kind() {
                "decorated_definition" => decorator::find(&module, node, &mut findings),
                "class_definition" => class::find(&module, node, &mut findings),
                "call" => call::find(&module, node, &mut findings),
                "dictionary" => handed::described(&module, node, &mut findings),
                _ => {}
            });
            findings.warnings.append(&mut late);
            for name in self.known.handed.get(&module.parts).into_iter().flatten() {
                handed::by_name(&module, name, &mut findings);
            }
            facts = known::facts(&module);
            asked = module.into_asked();
        }
        self.known.keep(&index::module(path), facts);
        self.calls_bedrock |= findings.calls_bedrock;
        self.files.insert(path.to_path_buf(), File { findings, asked });
    }

    /// The packages that the files import, each where it is first imported; not the project's own modules.
    pub fn packages(&self) -> Vec<(String, PathBuf, u32)> {
        let mut first: BTreeMap<&str, (&Path, u32)> = BTreeMap::new();
        for (path, file) in &self.files {
            for (package, line) in &file.findings.packages {
                if !self.known.is_top(package) {
                    first.entry(package).or_insert((path, *line));
                }
            }
        }
        first
            .into_iter()
            .map(|(package, (path, line))| (package.to_owned(), path.to_path_buf(), line))
            .collect()
    }

    /// The files to read again: what they asked is known now, or another file hands over what they have.
    pub fn due_again(&mut self) -> Vec<PathBuf> {
        let mut again = BTreeSet::new();
        let mut places = BTreeSet::new();
        for (path, file) in &self.files {
            if file.asked.iter().any(|(fact, wanted)| self.known.answers(*fact, wanted)) {
                again.insert(path.clone());
            }
            for handed in &file.findings.wanted {
                for way in &handed.ways {
                    let Some(home) = self.known.home(way) else { continue };
                    let called = if handed.is_called { "()" } else { "" };
                    places.insert((home, format!("{}{called}", way.name)));
                }
            }
        }
        let mut homes = BTreeSet::new();
        for (home, name) in places {
            if self.known.handed.entry(home.clone()).or_default().insert(name) {
                homes.insert(home);
            }
        }
        again.extend(self.files.keys().filter(|path| homes.contains(&index::module(path))).cloned());
        again.into_iter().collect()
    }

    /// The tools, and what was left out.
    pub fn finish(self, warnings: &mut Vec<String>) -> Vec<FoundTool> {
        let mut tools = Vec::new();
        let mut names = BTreeMap::new();
        for (path, file) in self.files {
            warnings.extend(file.findings.warnings);
            for handed in &file.findings.wanted {
                let is_known =
                    |way: &Wanted| way.exact || self.known.home(way).is_some() || self.known.is_module(way);
                if !handed.ways.iter().any(is_known) {
                    let place = format!("{}:{}", path.display(), handed.line);
                    let shown = &handed.shown;
                    warnings.push(format!(
                        "`{shown}` at `{place}` comes from a package that is not read: its name shows when it is called"
                    ));
                }
            }
            tools.extend(file.findings.tools);
            names.extend(file.findings.names);
        }
        for tool in &mut tools {
            if let Some(name) = names.get(&tool.name) {
                tool.name.clone_from(name);
            }
        }
        tools
    }
}
