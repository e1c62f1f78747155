//! Tools that a call makes: tool objects, registrations, and plain functions handed over in a list.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::Findings;
use super::decorator::{TOOL_DECORATORS, given_description, given_name};
use super::literal::{fields, function_tool, keyword, parameters, positional, schema_keys, string};
use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{children, first_line, line};

/// Classes whose objects are tools and carry a name.
const NAMED_TOOLS: &[&str] = &["Tool", "StructuredTool"];
/// Classes and functions that make a tool of the function they are given.
const FUNCTION_TOOLS: &[&str] = &["FunctionTool", "LongRunningFunctionTool", "register_function"];
/// Functions that take the tools as their second argument.
const TAKES_TOOLS_SECOND: &[&str] = &[
    "create_agent",
    "create_deep_agent",
    "create_react_agent",
    "create_tool_calling_agent",
    "initialize_agent",
];
/// How deep a list of tools may be nested in others.
const LIST_DEPTH_MAX: usize = 6;

/// Finds the tools in a call.
pub fn find(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let Some(callee) = call.child_by_field_name("function") else { return };
    let imported = module.imported(callee);
    if let Some(name) = imported {
        if NAMED_TOOLS.contains(&name) {
            named_tool(module, call, findings);
        } else if FUNCTION_TOOLS.contains(&name) || is_wrapper(call, name) {
            wrapped_function(module, call, call, findings);
        }
        if TAKES_TOOLS_SECOND.contains(&name) {
            handed_over(module, positional(call, 1), findings);
        }
        // Only a call into a framework can take tools: a function of the project may mean anything by the word.
        handed_over(module, keyword(module, call, &["tools"]), findings);
    }
    match callee.kind() {
        "attribute" => method(module, call, callee, findings),
        // `agent.register_for_llm(name="x")(function)` and `tool("x")(function)`.
        "call" => {
            let inner = callee.child_by_field_name("function");
            let registers = inner.is_some_and(|inner| {
                module.source.text(inner).ends_with(".register_for_llm")
                    || module.imported(inner).is_some_and(|name| TOOL_DECORATORS.contains(&name))
            });
            if registers {
                wrapped_function(module, call, callee, findings);
            }
        }
        "identifier" if imported == Some("ToolNode") => handed_over(module, positional(call, 0), findings),
        _ => {}
    }
}

/// Whether a tool decorator is called like a function, on a function.
fn is_wrapper(call: Node<'_>, name: &str) -> bool {
    let decorates = call.parent().is_some_and(|parent| parent.kind() == "decorator");
    let first = positional(call, 0);
    TOOL_DECORATORS.contains(&name) && !decorates && first.is_some_and(|first| first.kind() == "identifier")
}

fn method(module: &Module<'_>, call: Node<'_>, callee: Node<'_>, findings: &mut Findings) {
    let Some(name) = callee.child_by_field_name("attribute").map(|name| module.source.text(name)) else {
        return;
    };
    let object = callee.child_by_field_name("object");
    match name {
        "from_function" => {
            let class = object.and_then(|object| module.imported(object));
            if class.is_some_and(|class| NAMED_TOOLS.contains(&class)) {
                wrapped_function(module, call, call, findings);
            }
        }
        "bind_tools" => {
            handed_over(module, positional(call, 0), findings);
            handed_over(module, keyword(module, call, &["tools"]), findings);
        }
        "client" | "resource" => {
            let service = keyword(module, call, &["service_name"]).or_else(|| positional(call, 0));
            let service = service.and_then(|service| string(module, service));
            findings.calls_bedrock |= service.is_some_and(|service| service.starts_with("bedrock"));
        }
        _ => {}
    }
}

/// `Tool(name="x", func=f)` and the like. A call without a name is no tool: other packages have a `Tool` too.
fn named_tool(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let name_node = keyword(module, call, &["name"]).or_else(|| positional(call, 0));
    let Some(name) = name_node.and_then(|node| string(module, node)) else { return };
    let function =
        keyword(module, call, &["func", "coroutine", "function", "fn"]).or_else(|| positional(call, 1));
    let function = function.and_then(|node| module.function(module.source.text(node)));
    let schema = keyword(module, call, &["inputSchema", "input_schema"]);
    if function.is_none() && schema.is_none() && keyword(module, call, &["description"]).is_none() {
        return;
    }
    let mut tool = match function {
        Some(function) => function_tool(module, function, Some(name), given_description(module, call)),
        None => FoundTool {
            name,
            file: module.source.path.to_path_buf(),
            line: 0,
            parameters: schema.map_or_else(Vec::new, |schema| schema_keys(module, schema)),
            description: given_description(module, call).as_deref().and_then(first_line),
        },
    };
    tool.line = line(call);
    with_schema(module, call, &mut tool);
    findings.tools.push(tool);
}

/// A call that makes a tool of a function, with the call that may name it.
fn wrapped_function(module: &Module<'_>, call: Node<'_>, naming: Node<'_>, findings: &mut Findings) {
    let argument = keyword(module, call, &["func", "coroutine", "f"]).or_else(|| positional(call, 0));
    let function = argument.and_then(|node| module.function(module.source.text(node)));
    let own_name = || {
        let name = argument.filter(|node| node.kind() == "identifier").map(|node| module.source.text(node));
        function.and(name).map(str::to_owned)
    };
    let Ok(given) = given_name(module, naming) else {
        let place = format!("{}:{}", module.source.path.display(), line(call));
        findings.warnings.push(format!("the tool at `{place}` has a computed name and was left out"));
        return;
    };
    let description = given_description(module, naming);
    let Some(name) = given.or_else(own_name) else {
        return handed_over(module, argument, findings);
    };
    let mut tool = FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(call),
        parameters: function.map_or_else(Vec::new, |function| parameters(module, function)),
        description: description.as_deref().and_then(first_line),
    };
    if let Some(function) = function {
        tool.description = tool.description.or_else(|| super::literal::docstring(module, function));
    }
    with_schema(module, call, &mut tool);
    findings.tools.push(tool);
}

fn with_schema(module: &Module<'_>, call: Node<'_>, tool: &mut FoundTool) {
    let schema =
        keyword(module, call, &["args_schema"]).and_then(|node| module.class(module.source.text(node)));
    if let Some(schema) = schema {
        tool.parameters = fields(module, schema);
    }
}

/// Takes the plain functions out of an expression that is handed over as the tools.
fn handed_over<'tree>(module: &Module<'tree>, tools: Option<Node<'tree>>, findings: &mut Findings) {
    let mut left: Vec<(Node<'_>, usize)> = tools.into_iter().map(|node| (node, 0)).collect();
    // A list may name itself; each expression is looked at once.
    let mut seen = BTreeSet::new();
    while let Some((node, depth)) = left.pop() {
        if depth > LIST_DEPTH_MAX || !seen.insert(node.id()) {
            continue;
        }
        match node.kind() {
            "list" | "tuple" | "set" | "list_splat" | "parenthesized_expression" | "binary_operator" => {
                left.extend(children(node).into_iter().map(|child| (child, depth + 1)));
            }
            "identifier" => {
                let name = module.source.text(node);
                if let Some(function) = module.function(name) {
                    // A decorated one is found by its decorator, perhaps under another name.
                    if !super::decorator::is_tool(module, function) {
                        findings.tools.push(function_tool(module, function, None, None));
                    }
                } else if let Some(origin) = module.origin(name) {
                    findings.wanted.insert(origin);
                } else {
                    left.extend(module.values(name).iter().map(|value| (*value, depth + 1)));
                }
            }
            _ => {}
        }
    }
}
