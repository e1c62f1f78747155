//! Records of tools, whose keys are names, and what the SDK governs.

use tree_sitter::Node;

use super::literal::{entry, key_text, object, string, unwrapped};
use super::module::Module;
use super::{Findings, Key, Made};
use crate::detect::FoundTool;
use crate::detect::index::Wanted;
use crate::detect::source::{children, line};

/// Notes the variables in `tools: { a, b: c }` and in `const tools = { … }`, and what comes from packages in
/// `tools: [ … ]`.
pub fn record(module: &Module<'_>, node: Node<'_>, findings: &mut Findings) {
    let field = if node.kind() == "pair" { "key" } else { "name" };
    let name = node.child_by_field_name(field).and_then(|name| key_text(&module.source, name));
    let Some(value) = node.child_by_field_name("value").map(unwrapped) else { return };
    match (name.as_deref(), value.kind()) {
        (Some("tools"), "array") => from_packages(module, value, findings),
        (Some(name), "object") if name == "tools" || name.ends_with("Tools") => {
            let keys = variables(module, value);
            findings.keys.extend(keys.into_iter().map(|(key, variable, _)| Key {
                key,
                variable,
                governed: None,
            }));
        }
        _ => {}
    }
}

/// The keys of a record with the variables under them, and where each stands.
fn variables<'tree>(module: &Module<'tree>, record: Node<'tree>) -> Vec<(String, Wanted, Node<'tree>)> {
    let entries = children(record).into_iter().filter_map(|member| {
        let (key, value) = match member.kind() {
            "shorthand_property_identifier" => (module.source.text(member).to_owned(), member),
            "pair" => {
                let key = key_text(&module.source, member.child_by_field_name("key")?)?;
                let value = unwrapped(member.child_by_field_name("value")?);
                // A function of the project that makes a tool stands for it.
                let maker =
                    value.child_by_field_name("function").filter(|_| value.kind() == "call_expression");
                (key, maker.unwrap_or(value))
            }
            _ => return None,
        };
        let is_name = matches!(value.kind(), "identifier" | "shorthand_property_identifier");
        let wanted = is_name.then(|| module.wanted(module.source.text(value)))?;
        Some((key, wanted, member))
    });
    entries.collect()
}

/// Says of what a package makes that its name cannot be read.
fn from_packages(module: &Module<'_>, list: Node<'_>, findings: &mut Findings) {
    for element in children(list).into_iter().map(unwrapped) {
        let maker =
            element.child_by_field_name("constructor").or_else(|| element.child_by_field_name("function"));
        let Some((package, name)) = maker.and_then(|maker| module.imported(maker)) else { continue };
        if super::call::makes_tools(name) || module.is_own(package) {
            continue;
        }
        let place = format!("{}:{}", module.source.path.display(), line(element));
        findings.warnings.push(format!(
            "`{name}` at `{place}` comes from a package that is not read: its name shows when it is called"
        ));
    }
}

/// `governed(f, { name })`.
pub fn function(module: &Module<'_>, call: Node<'_>, arguments: &[Node<'_>], findings: &mut Findings) {
    let Some(function) = arguments.first() else { return };
    let options = arguments.get(1).and_then(|options| object(module, *options));
    let given = options.and_then(|options| string(module, entry(module, options, "name")?));
    let own = (function.kind() == "identifier").then(|| module.source.text(*function).to_owned());
    let params = options.and_then(|options| entry(module, options, "params"));
    if let Some(name) = given.or(own) {
        let tool = tool(module, call, name, params);
        findings.tools.push(Made { tool, variable: None, is_called_by_key: false });
    }
}

/// `governedTools({ a, b: c }, { names, params })`.
pub fn tools(module: &Module<'_>, arguments: &[Node<'_>], findings: &mut Findings) {
    let options = arguments.get(1).and_then(|options| object(module, *options));
    let option = |name: &str, key: &str| {
        let inner = object(module, entry(module, options?, name)?)?;
        entry(module, inner, key)
    };
    let Some(record) = arguments.first().and_then(|record| object(module, *record)) else { return };
    for (key, variable, member) in variables(module, record) {
        let name = option("names", &key).and_then(|name| string(module, name)).unwrap_or_else(|| key.clone());
        let governed = Some(tool(module, member, name.clone(), option("params", &key)));
        findings.keys.push(Key { key: name, variable, governed });
    }
}

fn tool(module: &Module<'_>, made: Node<'_>, name: String, params: Option<Node<'_>>) -> FoundTool {
    let listed = params.filter(|params| params.kind() == "array").map_or_else(Vec::new, children);
    FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(made),
        parameters: listed.into_iter().filter_map(|name| string(module, name)).collect(),
        description: None,
    }
}
