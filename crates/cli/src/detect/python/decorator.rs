//! Functions that a decorator makes a tool of.

use tree_sitter::Node;

use super::Findings;
use super::known::Fact;
use super::literal::{function_tool, keys, keyword, positional, schema_keys, string};
use super::module::Module;
use crate::detect::source::{children, first_line, line};

/// Decorators that make a tool, by the name they have in the package they come from.
pub const TOOL_DECORATORS: &[&str] = &["tool", "function_tool", "beta_tool", "beta_async_tool", "governed"];
/// Everything imported that makes a tool, or is a class of tools: a project may have a name of its own like it.
pub const MAKERS: &[&str] = &[
    "AgentTool",
    "BaseTool",
    "BaseToolSpec",
    "CrewStructuredTool",
    "FunctionTool",
    "LongRunningFunctionTool",
    "QueryEngineTool",
    "RetrieverTool",
    "StructuredTool",
    "Tool",
    "ToolMetadata",
    "ToolParam",
    "beta_async_tool",
    "beta_tool",
    "create_retriever_tool",
    "function_tool",
    "governed",
    "register_function",
    "tool",
];
/// Classes whose `.tool` registers a tool of an MCP server.
const SERVERS: &[&str] = &["FastMCP", "MCPServer", "Server"];
const SERVER_PACKAGES: &[&str] = &["mcp", "fastmcp"];
/// Classes whose `.tool` and `.tool_plain` give an agent a tool.
const AGENTS: &[&str] = &["Agent", "FunctionToolset"];
const AGENT_PACKAGE: &str = "pydantic_ai";
/// The package whose decorator takes name, description and schema by position.
const BY_POSITION: &str = "claude_agent_sdk";
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
            let mut tool = function_tool(module, function, name, given_description(module, decorator));
            if decorator.kind() == "call" && module.package(decorator) == BY_POSITION {
                let schema = positional(decorator, 2);
                tool.parameters = schema.map_or_else(Vec::new, |schema| {
                    let fields = schema_keys(module, schema);
                    if fields.is_empty() { keys(module, schema) } else { fields }
                });
                let text = positional(decorator, 1).and_then(|text| string(module, text));
                tool.description = text.as_deref().and_then(first_line).or(tool.description);
            }
            findings.tools.push(tool);
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
    if callee.kind() != "attribute" {
        return module.imported(callee).is_some_and(|name| TOOL_DECORATORS.contains(&name));
    }
    let Some(method) = callee.child_by_field_name("attribute") else { return false };
    let object = callee.child_by_field_name("object");
    match module.source.text(method) {
        FOR_LLM => true,
        "tool" => object.is_some_and(|object| {
            registers(module, object).unwrap_or_else(|| {
                // Of unknown making: a module with the decorator, or a server in a file that imports MCP.
                module.imported(callee).is_some() || module.imports_from(SERVER_PACKAGES)
            })
        }),
        "tool_plain" => object.is_some_and(|object| {
            registers(module, object).unwrap_or_else(|| module.imports_from(&[AGENT_PACKAGE]))
        }),
        name => module.imported(callee).is_some() && TOOL_DECORATORS.contains(&name),
    }
}

/// Whether an object registers tools by what it is made as; nothing when that is not known.
pub fn registers<'tree>(module: &Module<'tree>, object: Node<'tree>) -> Option<bool> {
    let by = |class: &str, package: &str| {
        SERVERS.contains(&class) || (AGENTS.contains(&class) && package == AGENT_PACKAGE)
    };
    let made = module.values(module.source.text(object));
    if !made.is_empty() {
        return Some(
            made.iter()
                .any(|value| module.maker(*value).is_some_and(|(class, package)| by(&class, &package))),
        );
    }
    module.wanted(object).into_iter().find_map(|wanted| {
        module.asks(Fact::Made, &wanted);
        module.known().made.get(&wanted).map(|(class, package)| by(class, package))
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
        None if matches!(first.kind(), "identifier" | "lambda" | "attribute") => Ok(None),
        None => Err(first),
    }
}

/// The description that a decorator or a wrapping call gives.
pub fn given_description<'tree>(module: &Module<'tree>, decorator: Node<'tree>) -> Option<String> {
    string(module, keyword(module, decorator, &["description", "description_override"])?)
}
