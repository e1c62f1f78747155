//! Tools that a call, a `new` or a class makes.

use tree_sitter::Node;

use super::literal::{entry, key_text, object, schema_keys, string};
use super::module::Module;
use super::{Findings, Made, governed};
use crate::detect::FoundTool;
use crate::detect::source::{children, descendants, first_line, line};

/// Functions that make a tool, by the name they have in the package they come from.
const TOOL_FUNCTIONS: &[&str] = &["tool", "createTool", "defineTool", "dynamicTool"];
/// The one whose tools an agent knows by key and not by their id.
const WITH_ID: &str = "createTool";
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

/// The package whose tools without a name have that of their function.
const NAMED_BY_FUNCTION: &str = "@openai/agents";
/// How far the place that names a tool may be from it.
const PLACE_STEPS_MAX: usize = 10;

/// Whether something of this name makes tools, in the packages that it may come from.
pub fn makes_tools(name: &str) -> bool {
    TOOL_FUNCTIONS.contains(&name) || TOOL_CLASSES.contains(&name)
}

/// Finds the tools that a call makes.
pub fn called(module: &Module<'_>, call: Node<'_>, findings: &mut Findings) {
    let Some(callee) = call.child_by_field_name("function") else { return };
    let Some(arguments) = call.child_by_field_name("arguments").map(children) else { return };
    match module.imported(callee) {
        Some((_, name)) if TOOL_FUNCTIONS.contains(&name) => {
            return tool_function(module, call, &arguments, name == WITH_ID, findings);
        }
        Some((_, "governed")) => return governed::function(module, call, &arguments, findings),
        Some((_, "governedTools")) => return governed::tools(module, &arguments, findings),
        _ => {}
    }
    let Some(method) = callee.child_by_field_name("property").map(|property| module.source.text(property))
    else {
        return;
    };
    let first = arguments.first().copied();
    if method == "asTool" {
        return agent_tool(module, call, first.and_then(|first| object(module, first)), findings);
    }
    let Some((server, first)) = callee.child_by_field_name("object").zip(first) else { return };
    let registers = match method {
        "registerTool" => is_server(module, server) || is_registration(module, server, &arguments),
        "tool" | "addTool" => is_server(module, server),
        _ => false,
    };
    if !registers {
        return;
    }
    if method == "addTool" {
        if let Some(options) = object(module, first) {
            options_tool(module, call, options, false, findings);
        }
    } else if arguments.len() >= 2 {
        match string(module, first) {
            Some(name) => {
                push(findings, registered(module, call, name, arguments.get(1..).unwrap_or_default()))
            }
            None => warn(module, call, findings),
        }
    }
}

fn push(findings: &mut Findings, tool: FoundTool) {
    findings.tools.push(Made { tool, variable: None, is_called_by_key: false });
}

/// `agent.asTool({ toolName, toolDescription })`.
fn agent_tool(module: &Module<'_>, call: Node<'_>, options: Option<Node<'_>>, findings: &mut Findings) {
    let text = |key: &str| string(module, entry(module, options?, key)?);
    if let Some(name) = text("toolName").or_else(|| text("name")) {
        push(
            findings,
            FoundTool {
                name,
                file: module.source.path.to_path_buf(),
                line: line(call),
                parameters: vec!["input".to_owned()],
                description: text("toolDescription").as_deref().and_then(first_line),
            },
        );
    }
}

/// `tool({ name, … })`, `tool(fn, { name, … })`, `tool("name", "…", { … }, fn)` and tools named by their place.
fn tool_function(
    module: &Module<'_>,
    call: Node<'_>,
    arguments: &[Node<'_>],
    has_id: bool,
    findings: &mut Findings,
) {
    let Some(first) = arguments.first() else { return };
    if let Some(name) = string(module, *first) {
        return push(findings, registered(module, call, name, arguments.get(1..).unwrap_or_default()));
    }
    if let Some(options) = arguments.iter().rev().find_map(|argument| object(module, *argument)) {
        options_tool(module, call, options, has_id, findings);
    }
}

/// The tool that an object of options describes.
fn options_tool(
    module: &Module<'_>,
    made: Node<'_>,
    options: Node<'_>,
    has_id: bool,
    findings: &mut Findings,
) {
    let place = place(module, made);
    let given = entry(module, options, "name").or_else(|| entry(module, options, "id"));
    let name = match given {
        Some(node) => string(module, node),
        None => {
            name_of_function(module, made, options).or_else(|| place.as_ref().map(|(name, _)| name.clone()))
        }
    };
    let Some(name) = name else { return warn(module, made, findings) };
    // What stands under a key of a record is called by it.
    let name = match &place {
        Some((key, false)) if has_id => key.clone(),
        _ => name,
    };
    let schema = SCHEMA_KEYS.iter().find_map(|key| entry(module, options, key));
    let description = entry(module, options, "description").and_then(|text| string(module, text));
    let tool = FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(made),
        parameters: schema.map_or_else(Vec::new, |schema| schema_keys(module, schema)),
        description: description.as_deref().and_then(first_line),
    };
    let variable = place.filter(|(_, is_variable)| *is_variable).map(|(name, _)| name);
    findings.tools.push(Made { tool, variable, is_called_by_key: given.is_none() || has_id });
}

/// The name of the function that does the work.
fn name_of_function(module: &Module<'_>, made: Node<'_>, options: Node<'_>) -> Option<String> {
    let (package, _) = module.imported(made.child_by_field_name("function")?)?;
    let function = entry(module, options, "execute").filter(|_| package.starts_with(NAMED_BY_FUNCTION))?;
    let name =
        if function.kind() == "identifier" { Some(function) } else { function.child_by_field_name("name") };
    Some(module.source.text(name?).to_owned())
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

/// The key or the variable that a tool stands under, and whether it is a variable; a function that gives the tool
/// counts as one.
fn place(module: &Module<'_>, made: Node<'_>) -> Option<(String, bool)> {
    let mut node = made.parent()?;
    for _ in 0..PLACE_STEPS_MAX {
        let name = |field: &str| node.child_by_field_name(field);
        match node.kind() {
            "pair" => return Some((key_text(&module.source, name("key")?)?, false)),
            "variable_declarator" | "function_declaration" => {
                return Some((module.source.text(name("name")?).to_owned(), true));
            }
            "assignment_expression" => {
                let left = name("left")?;
                let property = left.child_by_field_name("property").unwrap_or(left);
                return Some((module.source.text(property).to_owned(), true));
            }
            "arrow_function"
            | "as_expression"
            | "await_expression"
            | "function_expression"
            | "parenthesized_expression"
            | "return_statement"
            | "satisfies_expression"
            | "statement_block" => {
                node = node.parent()?;
            }
            _ => return None,
        }
    }
    None
}

/// Whether an object is an MCP server: made here as one, or of unknown making in a file that imports MCP.
fn is_server<'tree>(module: &Module<'tree>, object: Node<'tree>) -> bool {
    let Some(made) = module.value(module.source.text(object)) else {
        return module.imports_from(SERVER_PACKAGES);
    };
    let class = made.child_by_field_name("constructor").filter(|_| made.kind() == "new_expression");
    class.and_then(|class| module.imported(class)).is_some_and(|(_, name)| SERVERS.contains(&name))
}

/// Whether `server.registerTool("name", { description, … }, f)` of something unknown is as a server of MCP has it:
/// JavaScript does not say what a parameter is.
fn is_registration(module: &Module<'_>, server: Node<'_>, arguments: &[Node<'_>]) -> bool {
    let is_unknown = server.kind() == "identifier" && module.value(module.source.text(server)).is_none();
    let about = arguments.get(1).and_then(|about| object(module, *about));
    is_unknown
        && arguments.len() == 3
        && about.is_some_and(|about| {
            ["description", "inputSchema"].iter().any(|key| entry(module, about, key).is_some())
        })
}

/// The tool that `new DynamicStructuredTool({ … })` and its like make.
pub fn constructed(module: &Module<'_>, made: Node<'_>, findings: &mut Findings) {
    let class = made.child_by_field_name("constructor").and_then(|class| module.imported(class));
    let Some(arguments) = made.child_by_field_name("arguments").map(children) else { return };
    let options = arguments.first().and_then(|first| object(module, *first));
    let options = options.filter(|options| entry(module, *options, "name").is_some());
    if let Some(options) = options.filter(|_| class.is_some_and(|(_, class)| TOOL_CLASSES.contains(&class))) {
        options_tool(module, made, options, false, findings);
    }
}

/// Finds the tool that a class is, when it extends a framework's tool class.
pub fn class(module: &Module<'_>, class: Node<'_>, findings: &mut Findings) {
    if let Some(tool) = tool_class(module, class) {
        push(findings, tool);
    }
}

fn tool_class(module: &Module<'_>, class: Node<'_>) -> Option<FoundTool> {
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

fn warn(module: &Module<'_>, made: Node<'_>, findings: &mut Findings) {
    let place = format!("{}:{}", module.source.path.display(), line(made));
    findings.warnings.push(format!("the tool at `{place}` has a computed name and was left out"));
}
