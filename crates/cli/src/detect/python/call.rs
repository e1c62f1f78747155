//! Tools that a call makes: tool objects, registrations, and calls that are handed tools.

use tree_sitter::Node;

use super::decorator::{TOOL_DECORATORS, given_description, given_name, registers};
use super::known::Fact;
use super::literal::{
    fields_of, function_tool, keyword, object_name, parameters, positional, schema_keys, string,
};
use super::module::Module;
use super::{Findings, handed};
use crate::detect::FoundTool;
use crate::detect::source::{children, first_line, line};

/// Classes whose objects are tools and carry a name.
const NAMED_TOOLS: &[&str] = &["Tool", "StructuredTool", "CrewStructuredTool", "ToolMetadata", "ToolParam"];
/// Classes and functions that make a tool of the function they are given.
const FUNCTION_TOOLS: &[&str] = &["FunctionTool", "LongRunningFunctionTool", "register_function"];
/// Classes whose `from_defaults` makes a tool, of a function or of something that answers questions.
const DEFAULT_TOOLS: &[&str] = &["FunctionTool", "QueryEngineTool", "RetrieverTool"];
/// What takes the tools as its first argument.
const TAKES_TOOLS_FIRST: &[&str] =
    &["GovernedToolSet", "ToolNode", "create_deep_agent", "from_tools", "from_tools_or_functions"];
/// Functions that take the tools as their second argument.
const TAKES_TOOLS_SECOND: &[&str] = &[
    "create_agent",
    "create_deep_agent",
    "create_react_agent",
    "create_tool_calling_agent",
    "initialize_agent",
];
const FUNCTION_KEYWORDS: &[&str] = &["func", "fn", "coroutine", "async_fn", "function", "func_or_tool", "f"];
const SCHEMA_KEYWORDS: &[&str] = &["inputSchema", "input_schema", "params_json_schema"];

/// Finds the tools in a call.
pub fn find(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let Some(callee) = call.child_by_field_name("function") else { return };
    let imported = module.imported(callee);
    if let Some(name) = imported {
        tool_maker(module, call, name, findings);
        if TAKES_TOOLS_FIRST.contains(&name) {
            handed::find(module, positional(call, 0), findings);
        }
        if TAKES_TOOLS_SECOND.contains(&name) {
            handed::find(module, positional(call, 1), findings);
        }
        if name == "GovernedToolSet" {
            policy_names(module, call, findings);
        }
        // Only a call into a framework can take tools: a function of the project may mean anything by the word.
        for taken in ["tools", "functions"] {
            handed::find(module, keyword(module, call, &[taken]), findings);
        }
    }
    match callee.kind() {
        "attribute" => method(module, call, callee, findings),
        // `agent.register_for_llm(name="x")(function)` and `tool("x")(function)`.
        "call" => {
            let inner = callee.child_by_field_name("function");
            let registers = inner.is_some_and(|inner| {
                module.source.text(inner).ends_with(".register_for_llm")
                    || module.imported(inner).is_some_and(|name| TOOL_DECORATORS.contains(&name))
                    || is_registration(module, inner)
            });
            if registers {
                wrapped_function(module, call, callee, findings);
            }
        }
        "identifier" if module.source.text(callee) == "dict" => dictionary(module, call, findings),
        _ => {}
    }
}

fn tool_maker(module: &Module<'_>, call: Node<'_>, name: &str, findings: &mut Findings) {
    if NAMED_TOOLS.contains(&name) {
        named_tool(module, call, findings);
    } else if FUNCTION_TOOLS.contains(&name) || is_wrapper(call, name) {
        wrapped_function(module, call, call, findings);
    } else if name == "create_retriever_tool" {
        let text = |key: &str, at| keyword(module, call, &[key]).or_else(|| positional(call, at));
        let name = text("name", 1).and_then(|name| string(module, name));
        let description = text("description", 2).and_then(|text| string(module, text));
        findings.tools.extend(name.map(|name| bare(module, call, name, Vec::new(), description)));
    } else if name == "AgentTool" {
        agent_tool(module, call, findings);
    }
}

fn bare(
    module: &Module<'_>,
    call: Node<'_>,
    name: String,
    parameters: Vec<String>,
    description: Option<String>,
) -> FoundTool {
    let description = description.as_deref().and_then(first_line);
    FoundTool { name, file: module.source.path.to_path_buf(), line: line(call), parameters, description }
}

/// An agent as a tool, which has the agent's name.
fn agent_tool(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let Some(agent) = keyword(module, call, &["agent"]).or_else(|| positional(call, 0)) else { return };
    let made = match agent.kind() {
        "call" => Some(agent),
        _ => module.only_value(module.source.text(agent)),
    };
    let name = match made {
        Some(made) => object_name(module, made),
        None => module.wanted(agent).into_iter().find_map(|wanted| {
            module.asks(Fact::Given, &wanted);
            module.known().given.get(&wanted).cloned()
        }),
    };
    let callee = call.child_by_field_name("function");
    let takes =
        if callee.is_some_and(|callee| module.package(callee) == "google") { "request" } else { "task" };
    findings.tools.extend(name.map(|name| bare(module, call, name, vec![takes.to_owned()], None)));
}

/// Whether a tool decorator is called like a function, on a function.
fn is_wrapper(call: Node<'_>, name: &str) -> bool {
    let decorates = call.parent().is_some_and(|parent| parent.kind() == "decorator");
    let first = positional(call, 0);
    TOOL_DECORATORS.contains(&name)
        && !decorates
        && first.is_some_and(|first| matches!(first.kind(), "identifier" | "attribute"))
}

/// Whether this is `server.tool` of a server.
fn is_registration(module: &Module<'_>, callee: Node<'_>) -> bool {
    let method = callee.child_by_field_name("attribute").map_or("", |name| module.source.text(name));
    let object = callee.child_by_field_name("object");
    method == "tool" && object.is_some_and(|object| registers(module, object) == Some(true))
}

fn method(module: &Module<'_>, call: Node<'_>, callee: Node<'_>, findings: &mut Findings) {
    let Some(name) = callee.child_by_field_name("attribute").map(|name| module.source.text(name)) else {
        return;
    };
    let object = callee.child_by_field_name("object");
    let class = object.and_then(|object| module.imported(object));
    match name {
        "from_function" if class.is_some_and(|class| NAMED_TOOLS.contains(&class)) => {
            wrapped_function(module, call, call, findings);
        }
        "from_defaults" if class.is_some_and(|class| DEFAULT_TOOLS.contains(&class)) => {
            wrapped_function(module, call, call, findings);
        }
        "add_tool" | "add_function" if !module.source.text(callee).starts_with("self.add_") => {
            let known = object.and_then(|object| registers(module, object));
            if known.unwrap_or_else(|| module.imports_from(&["mcp", "fastmcp"])) {
                wrapped_function(module, call, call, findings);
            }
        }
        "tool" if is_registration(module, callee) && is_wrapper(call, name) => {
            wrapped_function(module, call, call, findings);
        }
        "as_tool" => {
            let name = keyword(module, call, &["tool_name", "name"]).and_then(|name| string(module, name));
            let description = keyword(module, call, &["tool_description", "description"]);
            let description = description.and_then(|text| string(module, text));
            let input = vec!["input".to_owned()];
            findings.tools.extend(name.map(|name| bare(module, call, name, input, description)));
        }
        "bind_tools" => {
            handed::find(module, positional(call, 0), findings);
            handed::find(module, keyword(module, call, &["tools"]), findings);
        }
        "client" | "resource" => {
            let service = keyword(module, call, &["service_name"]).or_else(|| positional(call, 0));
            let service = service.and_then(|service| string(module, service));
            findings.calls_bedrock |= service.is_some_and(|service| service.starts_with("bedrock"));
        }
        _ => {}
    }
}

/// The names that the policy has for governed tools.
fn policy_names(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let names = keyword(module, call, &["names"]).filter(|names| names.kind() == "dictionary");
    for pair in names.map_or_else(Vec::new, children) {
        let text = |field: &str| string(module, pair.child_by_field_name(field)?);
        findings.names.extend(text("key").zip(text("value")));
    }
}

/// `Tool(name="x", func=f)` and the like. A call without a name is no tool: other packages have a `Tool` too.
fn named_tool(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let first = positional(call, 0);
    if first.is_some_and(|first| {
        matches!(first.kind(), "identifier" | "attribute") && string(module, first).is_none()
    }) {
        return wrapped_function(module, call, call, findings);
    }
    let Some(name) = keyword(module, call, &["name"]).or(first).and_then(|node| string(module, node)) else {
        return;
    };
    let function = keyword(module, call, FUNCTION_KEYWORDS).or_else(|| positional(call, 1));
    let function = function.and_then(|node| module.function(module.source.text(node)));
    let schema = keyword(module, call, SCHEMA_KEYWORDS);
    if function.is_none() && schema.is_none() && keyword(module, call, &["description"]).is_none() {
        // `Tool("x", lambda …, "words")`
        let text = positional(call, 2).and_then(|text| string(module, text));
        findings.tools.extend(text.map(|text| bare(module, call, name, Vec::new(), Some(text))));
        return;
    }
    let mut tool = match function {
        Some(function) => function_tool(module, function, Some(name), given_description(module, call)),
        None => {
            let parameters = schema.map_or_else(Vec::new, |schema| schema_keys(module, schema));
            bare(module, call, name, parameters, given_description(module, call))
        }
    };
    tool.line = line(call);
    with_schema(module, call, &mut tool);
    findings.tools.push(tool);
}

/// `dict(name="x", input_schema=…)`.
fn dictionary(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    if keyword(module, call, SCHEMA_KEYWORDS).is_some() && keyword(module, call, &["name"]).is_some() {
        named_tool(module, call, findings);
    }
}

/// The place of the name among the arguments, for what takes one by position.
fn name_position(module: &Module<'_>, call: Node<'_>) -> Option<usize> {
    let callee = call.child_by_field_name("function")?;
    match module.source.text(callee).rsplit('.').next()? {
        "from_defaults" => Some(1),
        "from_function" => {
            let class = module.imported(callee.child_by_field_name("object")?)?;
            Some(if class == "Tool" { 1 } else { 2 })
        }
        "FunctionTool" => Some(2),
        _ => None,
    }
}

/// A call that makes a tool of a function, with the call that may name it.
fn wrapped_function(module: &Module<'_>, call: Node<'_>, naming: Node<'_>, findings: &mut Findings) {
    let argument = keyword(module, call, FUNCTION_KEYWORDS).or_else(|| positional(call, 0));
    let function = argument.and_then(|node| module.function(module.source.text(node)));
    let own_name = || {
        let name = argument.filter(|node| node.kind() == "identifier").map(|node| module.source.text(node));
        function.and(name).map(str::to_owned)
    };
    let at = name_position(module, naming).and_then(|at| positional(naming, at));
    let given = match at.and_then(|at| string(module, at)) {
        Some(name) => Ok(Some(name)),
        // The function may be a call or a lambda, which no name is read from.
        None if naming == call && keyword(module, call, &["name", "name_override"]).is_none() => Ok(None),
        None => given_name(module, naming),
    };
    let Ok(given) = given else {
        let place = format!("{}:{}", module.source.path.display(), line(call));
        findings.warnings.push(format!("the tool at `{place}` has a computed name and was left out"));
        return;
    };
    let description = given_description(module, naming);
    let Some(name) = given.or_else(own_name) else {
        return handed::find(module, argument, findings);
    };
    let parameters = function.map_or_else(Vec::new, |function| parameters(module, function));
    let mut tool = bare(module, call, name, parameters, description);
    if let Some(function) = function {
        tool.description = tool.description.or_else(|| super::literal::docstring(module, function));
    }
    with_schema(module, call, &mut tool);
    findings.tools.push(tool);
}

fn with_schema(module: &Module<'_>, call: Node<'_>, tool: &mut FoundTool) {
    let fields = keyword(module, call, &["args_schema"]).and_then(|node| fields_of(module, node));
    let schema = keyword(module, call, SCHEMA_KEYWORDS).map(|schema| schema_keys(module, schema));
    if let Some(parameters) = fields.or(schema) {
        tool.parameters = parameters;
    }
}
