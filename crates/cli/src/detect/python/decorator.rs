//! Functions that a decorator makes a tool of.

use tree_sitter::Node;

use super::Findings;
use super::literal::{function_tool, keyword, positional, string};
use super::module::Module;
use crate::detect::source::{children, line};

/// Decorators that make a tool, by the name they have in the package they come from.
pub const TOOL_DECORATORS: &[&str] = &["tool", "function_tool", "beta_tool", "beta_async_tool"];
/// Classes whose `.tool` registers a tool of an MCP server.
const SERVERS: &[&str] = &["FastMCP", "MCPServer", "Server"];
const SERVER_PACKAGES: &[&str] = &["mcp", "fastmcp"];
const FOR_LLM: &str = "register_for_llm";

/// Finds the tool in a decorated definition.
pub fn find(module: &Module<'_>, definition: Node<'_>, findings: &mut Findings) {
    let Some(function) = definition.child_by_field_name("definition") else { return };
    if function.kind() != "function_definition" {
        return;
    }
    let decorators = children(definition).into_iter().filter(|child| child.kind() == "decorator");
    let Some(decorator) =
        decorators.filter_map(|child| children(child).first().copied()).find(|it| makes_tool(module, *it))
    else {
        return;
    };
    match given_name(module, decorator) {
        Ok(name) => {
            findings.tools.push(function_tool(module, function, name, given_description(module, decorator)))
        }
        Err(place) => {
            let path = module.source.path.display();
            findings
                .warnings
                .push(format!("the tool at `{path}:{}` has a computed name and was left out", line(place)));
        }
    }
}

/// Whether a decorator makes a tool of this function.
pub fn is_tool(module: &Module<'_>, function: Node<'_>) -> bool {
    let Some(parent) = function.parent().filter(|parent| parent.kind() == "decorated_definition") else {
        return false;
    };
    let decorators = children(parent).into_iter().filter(|child| child.kind() == "decorator");
    decorators
        .filter_map(|child| children(child).first().copied())
        .any(|decorator| makes_tool(module, decorator))
}

fn makes_tool<'tree>(module: &Module<'tree>, decorator: Node<'tree>) -> bool {
    let callee = match decorator.kind() {
        "call" => decorator.child_by_field_name("function"),
        _ => Some(decorator),
    };
    let Some(callee) = callee else { return false };
    if module.imported(callee).is_some_and(|name| TOOL_DECORATORS.contains(&name)) {
        return true;
    }
    if callee.kind() != "attribute" {
        return false;
    }
    let Some(method) = callee.child_by_field_name("attribute") else { return false };
    match module.source.text(method) {
        FOR_LLM => true,
        "tool" => callee.child_by_field_name("object").is_some_and(|object| is_server(module, object)),
        _ => false,
    }
}

/// Whether an object is an MCP server: made here as one, or of unknown making in a file that imports MCP.
fn is_server(module: &Module<'_>, object: Node<'_>) -> bool {
    let made = module.values(module.source.text(object));
    if made.is_empty() {
        return module.imports_from(SERVER_PACKAGES);
    }
    made.iter().filter(|value| value.kind() == "call").any(|value| {
        let callee = value.child_by_field_name("function");
        callee.and_then(|callee| module.imported(callee)).is_some_and(|name| SERVERS.contains(&name))
    })
}

/// The name that a decorator or a wrapping call gives; the error is where a name is computed.
pub fn given_name<'tree>(
    module: &Module<'tree>,
    decorator: Node<'tree>,
) -> Result<Option<String>, Node<'tree>> {
    if decorator.kind() != "call" {
        return Ok(None);
    }
    if let Some(name) = keyword(module, decorator, &["name", "name_override", "name_or_callable"]) {
        return if name.kind() == "none" { Ok(None) } else { string(module, name).map(Some).ok_or(name) };
    }
    let Some(first) = positional(decorator, 0) else { return Ok(None) };
    match string(module, first) {
        Some(name) => Ok(Some(name)),
        // `tool(function)` wraps a function; `@tool(f"…")` computes a name.
        None if first.kind() == "identifier" || first.kind() == "lambda" => Ok(None),
        None => Err(first),
    }
}

/// The description that a decorator or a wrapping call gives.
pub fn given_description<'tree>(module: &Module<'tree>, decorator: Node<'tree>) -> Option<String> {
    string(module, keyword(module, decorator, &["description", "description_override"])?)
}
