//! Tools in TypeScript and JavaScript source: `tool(…)` of the agent frameworks, tool classes, registrations with an
//! MCP server, functions that are governed, and tool descriptions in object literals.
//!
//! As in Python, a name counts by where it was imported from. A tool without a name of its own is called by the key
//! it stands under in `tools: { … }`, in this file or another, else by its variable.

mod call;
mod governed;
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

/// The TypeScript files of a project.
#[derive(Debug, Default)]
pub struct TypeScript {
    known: Known,
    files: BTreeMap<PathBuf, File>,
}

#[derive(Debug)]
struct File {
    jsx: bool,
    findings: Findings,
    asked: BTreeSet<(Fact, Wanted)>,
}

/// What one file holds.
#[derive(Debug, Default)]
struct Findings {
    tools: Vec<Made>,
    keys: Vec<Key>,
    /// The packages that are imported, with the line of each.
    packages: BTreeMap<String, u32>,
    warnings: Vec<String>,
}

/// A tool, and the variable that holds it.
#[derive(Debug)]
struct Made {
    tool: FoundTool,
    variable: Option<String>,
    /// Whether a key in `tools: { … }` is its name: it has none of its own, or an id that only the framework knows.
    is_called_by_key: bool,
}

/// A variable in a record of tools.
#[derive(Debug)]
struct Key {
    key: String,
    /// The variable in the module that has it.
    variable: Wanted,
    /// For functions and tools that are governed: the key is the name of whatever it is, and this the tool when
    /// nothing more is known of it.
    governed: Option<FoundTool>,
}

impl TypeScript {
    /// Reads a file, for the first time or again. `jsx` says whether tags may stand in it.
    pub fn read(&mut self, path: &Path, text: &str, jsx: bool) {
        let source = Source::new(path, text);
        let grammar = if jsx {
            tree_sitter_typescript::LANGUAGE_TSX
        } else {
            tree_sitter_typescript::LANGUAGE_TYPESCRIPT
        };
        let mut findings = Findings::default();
        let mut asked = BTreeSet::new();
        let mut facts = Vec::new();
        if let Some(tree) = source.parse(&grammar.into(), &mut findings.warnings) {
            let module = Module::new(source, tree.root_node(), &self.known);
            findings.packages = module.packages();
            let mut late = Vec::new();
            source::search(&source, tree.root_node(), &mut late, |node| match node.kind() {
                "call_expression" => call::called(&module, node, &mut findings),
                "new_expression" => call::constructed(&module, node, &mut findings),
                "class_declaration" | "class" => call::class(&module, node, &mut findings),
                "object" => literal::described_tool(&module, node, &mut findings),
                "pair" | "variable_declarator" => governed::record(&module, node, &mut findings),
                _ => {}
            });
            findings.warnings.append(&mut late);
            facts = known::facts(&module, tree.root_node());
            asked = module.into_asked();
        }
        self.known.keep(&index::module(path), facts);
        self.files.insert(path.to_path_buf(), File { jsx, findings, asked });
    }

    /// The packages that the files import, each where it is first imported.
    pub fn packages(&self) -> Vec<(String, PathBuf, u32)> {
        let mut first: BTreeMap<&str, (&Path, u32)> = BTreeMap::new();
        for (path, file) in &self.files {
            for (package, line) in &file.findings.packages {
                first.entry(package).or_insert((path, *line));
            }
        }
        first
            .into_iter()
            .map(|(package, (path, line))| (package.to_owned(), path.to_path_buf(), line))
            .collect()
    }

    /// The files to read again, because what they asked is known now.
    pub fn due_again(&mut self) -> Vec<(PathBuf, bool)> {
        let answered =
            |file: &File| file.asked.iter().any(|(fact, wanted)| self.known.answers(*fact, wanted));
        let again = self.files.iter().filter(|(_, file)| answered(file));
        again.map(|(path, file)| (path.clone(), file.jsx)).collect()
    }

    /// The tools, and what was left out.
    pub fn finish(self, warnings: &mut Vec<String>) -> Vec<FoundTool> {
        let mut made = Vec::new();
        let mut keys = Vec::new();
        for (path, file) in self.files {
            let place = index::module(&path);
            warnings.extend(file.findings.warnings);
            made.extend(file.findings.tools.into_iter().map(|tool| (place.clone(), tool)));
            keys.extend(file.findings.keys);
        }
        let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut tools = Vec::new();
        for key in keys {
            let found = held_by(&made, &key);
            if found.is_empty() {
                tools.extend(key.governed);
            }
            for place in found {
                names.entry(place).or_default().push(key.key.clone());
            }
        }
        for (place, (_, made)) in made.into_iter().enumerate() {
            match names.remove(&place) {
                Some(names) => {
                    tools.extend(names.into_iter().map(|name| FoundTool { name, ..made.tool.clone() }));
                }
                None => tools.push(made.tool),
            }
        }
        tools
    }
}

/// The tools that a variable in a record stands for.
fn held_by(made: &[(Vec<String>, Made)], key: &Key) -> Vec<usize> {
    let called = made.iter().enumerate().filter(|(_, (_, made))| {
        made.variable.as_deref() == Some(&key.variable.name)
            && (made.is_called_by_key || key.governed.is_some())
    });
    let (there, elsewhere): (Vec<_>, Vec<_>) =
        called.partition(|(_, (module, _))| key.variable.is_of(module));
    // A file may hand on what another one has; a name that only one has is that.
    let found = if there.is_empty() && key.variable.is_imported() && elsewhere.len() == 1 {
        elsewhere
    } else {
        there
    };
    found.into_iter().map(|(place, _)| place).collect()
}
