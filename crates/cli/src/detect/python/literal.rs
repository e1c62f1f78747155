//! Values that can be read without running anything: strings, arguments, parameters, docstrings, dictionaries.

use tree_sitter::Node;

use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{children, first_line, line};

/// Types whose parameters the framework fills in; the model never sees them.
const INJECTED_TYPES: &[&str] = &[
    "BaseStore",
    "CallbackManager",
    "Context",
    "Injected",
    "RunContext",
    "RunnableConfig",
    "ToolContext",
    "ToolRuntime",
];
const INJECTED_NAMES: &[&str] = &["self", "cls", "run_manager"];

/// A string that is written out, or a name that one such string is assigned to.
pub fn string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    match node.kind() {
        "string" => plain_string(module, node),
        "concatenated_string" => children(node).into_iter().map(|part| plain_string(module, part)).collect(),
        "parenthesized_expression" => children(node).first().and_then(|inner| string(module, *inner)),
        "identifier" => match module.values(module.source.text(node)) {
            [only] if only.kind() == "string" => plain_string(module, *only),
            _ => None,
        },
        _ => None,
    }
}

fn plain_string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    let parts = children(node);
    if node.kind() != "string" || parts.iter().any(|part| part.kind() == "interpolation") {
        return None;
    }
    Some(
        parts
            .iter()
            .filter(|part| part.kind() == "string_content")
            .map(|part| module.source.text(*part))
            .collect(),
    )
}

/// The value of a keyword argument of a call.
pub fn keyword<'tree>(module: &Module<'tree>, call: Node<'tree>, names: &[&str]) -> Option<Node<'tree>> {
    let arguments = children(call.child_by_field_name("arguments")?);
    let argument =
        arguments.into_iter().filter(|argument| argument.kind() == "keyword_argument").find(|argument| {
            argument.child_by_field_name("name").is_some_and(|name| names.contains(&module.source.text(name)))
        })?;
    argument.child_by_field_name("value")
}

/// A positional argument of a call, counted from 0.
pub fn positional<'tree>(call: Node<'tree>, index: usize) -> Option<Node<'tree>> {
    let arguments = children(call.child_by_field_name("arguments")?);
    arguments.into_iter().filter(|argument| argument.kind() != "keyword_argument").nth(index)
}

/// The tool that a function becomes.
pub fn function_tool(
    module: &Module<'_>,
    function: Node<'_>,
    name: Option<String>,
    description: Option<String>,
) -> FoundTool {
    let own_name = function.child_by_field_name("name");
    FoundTool {
        name: name
            .unwrap_or_else(|| own_name.map_or_else(String::new, |name| module.source.text(name).to_owned())),
        file: module.source.path.to_path_buf(),
        line: line(own_name.unwrap_or(function)),
        parameters: parameters(module, function),
        description: description.as_deref().and_then(first_line).or_else(|| docstring(module, function)),
    }
}

/// The first line of the docstring of a function or class.
pub fn docstring(module: &Module<'_>, definition: Node<'_>) -> Option<String> {
    let statement = *children(definition.child_by_field_name("body")?).first()?;
    let text = *children(statement).first()?;
    first_line(&plain_string(module, text)?)
}

/// The parameters that the model fills in.
pub fn parameters(module: &Module<'_>, function: Node<'_>) -> Vec<String> {
    let Some(list) = function.child_by_field_name("parameters") else { return Vec::new() };
    let named = children(list).into_iter().filter_map(|parameter| {
        let name = match parameter.kind() {
            "identifier" => parameter,
            "typed_parameter" => *children(parameter).first()?,
            "default_parameter" | "typed_default_parameter" => parameter.child_by_field_name("name")?,
            _ => return None,
        };
        let kind = parameter.child_by_field_name("type").map_or("", |kind| module.source.text(kind));
        let injected = kind
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .any(|word| INJECTED_TYPES.iter().any(|injected| word.starts_with(injected)));
        let name = (name.kind() == "identifier").then(|| module.source.text(name))?;
        (!injected && !INJECTED_NAMES.contains(&name)).then(|| name.to_owned())
    });
    named.collect()
}

/// The fields of a model class that describes arguments.
pub fn fields(module: &Module<'_>, class: Node<'_>) -> Vec<String> {
    let Some(body) = class.child_by_field_name("body") else { return Vec::new() };
    let assignments = children(body).into_iter().filter_map(|statement| children(statement).first().copied());
    assignments
        .filter(|node| node.kind() == "assignment" && node.child_by_field_name("type").is_some())
        .filter_map(|node| Some(module.source.text(node.child_by_field_name("left")?).to_owned()))
        .filter(|name| name != "model_config")
        .collect()
}

/// The value under a key of a dictionary.
fn entry<'tree>(module: &Module<'tree>, dictionary: Node<'tree>, key: &str) -> Option<Node<'tree>> {
    let pairs = children(dictionary).into_iter().filter(|pair| pair.kind() == "pair");
    let mut found = pairs.filter(|pair| {
        pair.child_by_field_name("key")
            .and_then(|found| plain_string(module, found))
            .is_some_and(|found| found == key)
    });
    found.next()?.child_by_field_name("value")
}

/// The argument names in a JSON Schema that is written as a dictionary.
pub fn schema_keys(module: &Module<'_>, schema: Node<'_>) -> Vec<String> {
    let schema = entry(module, schema, "json").unwrap_or(schema);
    let Some(properties) = entry(module, schema, "properties") else { return Vec::new() };
    let keys = children(properties).into_iter().filter_map(|pair| pair.child_by_field_name("key"));
    keys.filter_map(|key| plain_string(module, key)).collect()
}

/// The tool that a dictionary describes in the way model APIs take them.
pub fn described_tool(module: &Module<'_>, dictionary: Node<'_>) -> Option<FoundTool> {
    let name_node = entry(module, dictionary, "name")?;
    let name = string(module, name_node)?;
    let schema =
        entry(module, dictionary, "input_schema").or_else(|| entry(module, dictionary, "inputSchema"));
    let schema = match schema {
        Some(schema) => schema,
        None if is_function(module, dictionary) => entry(module, dictionary, "parameters")?,
        None => return None,
    };
    let description = entry(module, dictionary, "description").and_then(|text| string(module, text));
    Some(FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(name_node),
        parameters: schema_keys(module, schema),
        description: description.as_deref().and_then(first_line),
    })
}

/// Whether a dictionary is a function in the style of `{"type": "function", "function": {…}}` or its flat form.
fn is_function(module: &Module<'_>, dictionary: Node<'_>) -> bool {
    let says_so = |node| {
        entry(module, node, "type").and_then(|kind| string(module, kind)).is_some_and(|k| k == "function")
    };
    let outer = dictionary.parent().filter(|pair| pair.kind() == "pair").and_then(|pair| pair.parent());
    says_so(dictionary) || outer.is_some_and(says_so)
}
