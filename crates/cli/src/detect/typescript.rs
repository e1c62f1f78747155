//! Tools in TypeScript and JavaScript source: `tool(…)` of the agent frameworks, tool classes, registrations with an
//! MCP server, and tool descriptions in object literals.
//!
//! As in Python, a name counts by where it was imported from. A tool without a name of its own is called by the key
//! it stands under in `tools: { … }`, else by its variable.

mod call;
mod literal;
mod module;

#[cfg(test)]
mod tests;

use std::path::Path;

use super::FoundTool;
use super::source::{self, Source};
use module::Module;

/// The tools in one file. `jsx` says whether tags may stand in it.
pub fn read(path: &Path, text: &str, jsx: bool, warnings: &mut Vec<String>) -> Vec<FoundTool> {
    let source = Source::new(path, text);
    let grammar =
        if jsx { tree_sitter_typescript::LANGUAGE_TSX } else { tree_sitter_typescript::LANGUAGE_TYPESCRIPT };
    let Some(tree) = source.parse(&grammar.into(), warnings) else { return Vec::new() };
    let module = Module::new(source, tree.root_node());
    let mut tools = Vec::new();
    for node in source::descendants(tree.root_node()) {
        match node.kind() {
            "call_expression" => tools.extend(call::called(&module, node, warnings)),
            "new_expression" => tools.extend(call::constructed(&module, node, warnings)),
            "class_declaration" => tools.extend(call::class(&module, node)),
            "object" => tools.extend(literal::described_tool(&module, node)),
            _ => {}
        }
    }
    tools
}
