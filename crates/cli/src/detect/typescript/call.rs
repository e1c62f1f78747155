//! Tools that a call, a `new` or a class makes.

use tree_sitter::Node;

use super::literal::{entry, key_text, object, schema_keys, string};
use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{children, descendants, first_line, line};

/// Functions that make a tool, by the name they have in the package they come from.
const TOOL_FUNCTIONS: &[&str] = &["tool", "createTool", "defineTool"];
const TOOL_CLASSES: &[&str] = &[
    "BaseTool",
    "DynamicStructuredTool",
    "DynamicTool",
    "FunctionTool",
    "LongRunningFunctionTool",
    "StructuredTool",
    "Tool",
];
const SERVERS: &[&str] = &["McpServer", "FastMCP", "Server"];
const SERVER_PACKAGES: &[&str] = &["@modelcontextprotocol/", "fastmcp"];
const SCHEMA_KEYS: &[&str] = &["schema", "parameters", "inputSchema", "input_schema", "args", "input"];

/// The tool that a call makes.
pub fn called(module: &Module<'_>, call: Node<'_>, warnings: &mut Vec<String>) -> Option<FoundTool> {
    let callee = call.child_by_field_name("function")?;
    let arguments = children(call.child_by_field_name("arguments")?);
    if let Some((_, name)) = module.imported(callee)
        && TOOL_FUNCTIONS.contains(&name)
    {
        return tool_function(module, call, &arguments, warnings);
    }
    let method = callee.child_by_field_name("property").map(|property| module.source.text(property))?;
    let server = callee.child_by_field_name("object")?;
    if !matches!(method, "tool" | "registerTool" | "addTool") || !is_server(module, server) {
        return None;
    }
    let first = *arguments.first()?;
    if method == "addTool" {
        return options_tool(module, call, object(module, first)?, warnings);
    }
    if arguments.len() < 2 {
        return None;
    }
    let Some(name) = string(module, first) else {
        warn(module, call, warnings);
        return None;
    };
    Some(registered(module, call, name, arguments.get(1..).unwrap_or_default()))
}

/// `tool({ name, … })`, `tool(fn, { name, … })`, `tool("name", "…", { … }, fn)` and tools named by their place.
fn tool_function(
    module: &Module<'_>,
    call: Node<'_>,
    arguments: &[Node<'_>],
    warnings: &mut Vec<String>,
) -> Option<FoundTool> {
    let first = *arguments.first()?;
    if let Some(name) = string(module, first) {
        return Some(registered(module, call, name, arguments.get(1..).unwrap_or_default()));
    }
    let options = arguments.iter().rev().find_map(|argument| object(module, *argument))?;
    options_tool(module, call, options, warnings)
}

/// The tool that an object of options describes.
fn options_tool(
    module: &Module<'_>,
    made: Node<'_>,
    options: Node<'_>,
    warnings: &mut Vec<String>,
) -> Option<FoundTool> {
    let given = entry(module, options, "name").or_else(|| entry(module, options, "id"));
    let name = match given {
        Some(node) => string(module, node),
        None => name_of_place(module, made),
    };
    let Some(name) = name else {
        warn(module, made, warnings);
        return None;
    };
    let schema = SCHEMA_KEYS.iter().find_map(|key| entry(module, options, key));
    let description = entry(module, options, "description").and_then(|text| string(module, text));
    Some(FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(made),
        parameters: schema.map_or_else(Vec::new, |schema| schema_keys(module, schema)),
        description: description.as_deref().and_then(first_line),
    })
}

/// A tool whose name comes first, then in any order a description and a schema or an object with both.
fn registered(module: &Module<'_>, call: Node<'_>, name: String, rest: &[Node<'_>]) -> FoundTool {
    let options = rest.iter().find_map(|argument| object(module, *argument));
    let inside = |key: &str| options.and_then(|options| entry(module, options, key));
    let description = rest.iter().find_map(|argument| string(module, *argument));
    let description = description.or_else(|| string(module, inside("description")?));
    // `registerTool` takes an object about the tool, `tool` the schema itself.
    let schema = inside("inputSchema").or_else(|| {
        options.filter(|_| inside("description").is_none_or(|it| it.kind() == "call_expression"))
    });
    let schema =
        schema.or_else(|| rest.iter().copied().find(|argument| argument.kind() == "call_expression"));
    FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(call),
        parameters: schema.map_or_else(Vec::new, |schema| schema_keys(module, schema)),
        description: description.as_deref().and_then(first_line),
    }
}

/// The key or the variable that a tool without a name of its own stands under.
fn name_of_place(module: &Module<'_>, made: Node<'_>) -> Option<String> {
    let parent = made.parent()?;
    match parent.kind() {
        "pair" => key_text(&module.source, parent.child_by_field_name("key")?),
        "variable_declarator" => {
            let variable = module.source.text(parent.child_by_field_name("name")?);
            Some(module.tool_key(variable).unwrap_or(variable).to_owned())
        }
        _ => None,
    }
}

/// Whether an object is an MCP server: made here as one, or of unknown making in a file that imports MCP.
fn is_server<'tree>(module: &Module<'tree>, object: Node<'tree>) -> bool {
    let Some(made) = module.value(module.source.text(object)) else {
        return module.imports_from(SERVER_PACKAGES);
    };
    let class = made.child_by_field_name("constructor").filter(|_| made.kind() == "new_expression");
    class.and_then(|class| module.imported(class)).is_some_and(|(_, name)| SERVERS.contains(&name))
}

/// The tool that `new DynamicStructuredTool({ … })` and its like make.
pub fn constructed(module: &Module<'_>, made: Node<'_>, warnings: &mut Vec<String>) -> Option<FoundTool> {
    let (_, class) = module.imported(made.child_by_field_name("constructor")?)?;
    if !TOOL_CLASSES.contains(&class) {
        return None;
    }
    let first = *children(made.child_by_field_name("arguments")?).first()?;
    let options = object(module, first)?;
    entry(module, options, "name")?;
    options_tool(module, made, options, warnings)
}

/// The tool that a class is, when it extends a framework's tool class.
pub fn class(module: &Module<'_>, class: Node<'_>) -> Option<FoundTool> {
    let heritage = children(class).into_iter().find(|child| child.kind() == "class_heritage")?;
    let bases =
        descendants(heritage).filter(|node| matches!(node.kind(), "identifier" | "member_expression"));
    let mut names = bases.filter_map(|base| module.imported(base));
    if !names.any(|(_, name)| TOOL_CLASSES.contains(&name)) {
        return None;
    }
    let body = class.child_by_field_name("body")?;
    let field = |wanted: &str| {
        let mut fields =
            children(body).into_iter().filter(|member| member.kind() == "public_field_definition");
        let field = fields.find(|field| {
            field.child_by_field_name("name").is_some_and(|name| module.source.text(name) == wanted)
        })?;
        field.child_by_field_name("value")
    };
    let description = field("description").and_then(|text| string(module, text));
    Some(FoundTool {
        name: string(module, field("name")?)?,
        file: module.source.path.to_path_buf(),
        line: line(class),
        parameters: field("schema").map_or_else(Vec::new, |schema| schema_keys(module, schema)),
        description: description.as_deref().and_then(first_line),
    })
}

fn warn(module: &Module<'_>, made: Node<'_>, warnings: &mut Vec<String>) {
    let place = format!("{}:{}", module.source.path.display(), line(made));
    warnings.push(format!("the tool at `{place}` has a computed name and was left out"));
}
