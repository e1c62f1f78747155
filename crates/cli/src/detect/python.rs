//! Tools in Python source: decorated functions, tool classes, tool objects, plain functions handed over in a list,
//! and tool descriptions in dictionaries.
//!
//! A name counts by where it was imported from: a function of the project that happens to be called `tool` is no
//! tool decorator. A plain function that another file hands over is looked up once all files are read.

mod call;
mod class;
mod decorator;
mod literal;
mod module;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::FoundTool;
use super::source::{self, Source};
use module::Module;

/// What is known of all the Python files read so far.
#[derive(Debug, Default)]
pub struct Python {
    /// Whether some file makes an AWS client for Bedrock.
    pub calls_bedrock: bool,
    /// Plain functions by module and name.
    functions: BTreeMap<(String, String), FoundTool>,
    /// Functions of another module that are handed over as tools.
    wanted: BTreeSet<(String, String)>,
}

/// What one file holds.
#[derive(Default)]
struct Findings {
    tools: Vec<FoundTool>,
    wanted: BTreeSet<(String, String)>,
    calls_bedrock: bool,
    warnings: Vec<String>,
}

impl Python {
    /// The tools in one file.
    pub fn read(&mut self, path: &Path, text: &str, warnings: &mut Vec<String>) -> Vec<FoundTool> {
        let source = Source::new(path, text);
        let Some(tree) = source.parse(&tree_sitter_python::LANGUAGE.into(), warnings) else {
            return Vec::new();
        };
        let module = Module::new(source, tree.root_node());
        let mut findings = Findings::default();
        for node in source::descendants(tree.root_node()) {
            match node.kind() {
                "decorated_definition" => decorator::find(&module, node, &mut findings),
                "class_definition" => class::find(&module, node, &mut findings),
                "call" => call::find(&module, node, &mut findings),
                "dictionary" => findings.tools.extend(literal::described_tool(&module, node)),
                _ => {}
            }
        }
        let own_name = module_name(path);
        for (name, function) in module.plain_functions() {
            let key = (own_name.clone(), name.to_owned());
            self.functions
                .entry(key)
                .or_insert_with(|| literal::function_tool(&module, function, None, None));
        }
        self.wanted.append(&mut findings.wanted);
        self.calls_bedrock |= findings.calls_bedrock;
        warnings.append(&mut findings.warnings);
        findings.tools
    }

    /// The plain functions that one file defines and another hands over as tools.
    pub fn imported_tools(&self) -> Vec<FoundTool> {
        self.wanted.iter().filter_map(|key| self.functions.get(key).cloned()).collect()
    }
}

/// The last part of the name that other files import this one by.
fn module_name(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if stem == "__init__" { folder.unwrap_or_default().to_owned() } else { stem.to_owned() }
}
