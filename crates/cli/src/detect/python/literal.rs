//! Values that can be read without running anything: strings, arguments, parameters, docstrings, dictionaries.

use tree_sitter::Node;

use super::known::Fact;
use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{children, first_line, line, unescaped};

/// Types whose parameters the framework fills in; the model never sees them.
const INJECTED_TYPES: &[&str] = &[
    "BaseStore",
    "CallbackManager",
    "CancellationToken",
    "Context",
    "Injected",
    "RunContext",
    "RunnableConfig",
    "ToolContext",
    "ToolRuntime",
];
const INJECTED_NAMES: &[&str] = &["self", "cls", "run_manager"];
/// How many strings may be added up.
const PARTS_MAX: usize = 32;
/// The methods that give the JSON Schema of a model class.
const SCHEMA_METHODS: &[&str] = &["model_json_schema", "schema"];

/// A string that is written out, or a name that one such string is assigned to, here or in another file.
pub fn string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    match node.kind() {
        "parenthesized_expression" => children(node).first().and_then(|inner| string(module, *inner)),
        "identifier" => match module.only_value(module.source.text(node)) {
            Some(only) => written_string(module, only),
            None => constant(module, node),
        },
        "attribute" => constant(module, node),
        _ => written_string(module, node),
    }
}

/// A string that is written out, perhaps in parts.
pub fn written_string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    match node.kind() {
        "string" => plain_string(module, node),
        "concatenated_string" => children(node).into_iter().map(|part| plain_string(module, part)).collect(),
        // `"a " + "b"`, of a few parts.
        "binary_operator" if node.child_count() == 3 => summed(module, node),
        "parenthesized_expression" => children(node)
            .first()
            .filter(|it| it.kind() != node.kind())
            .and_then(|it| written_string(module, *it)),
        _ => None,
    }
}

fn summed(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    let mut parts = Vec::new();
    let mut left = node;
    for _ in 0..PARTS_MAX {
        if left.kind() != "binary_operator" {
            break;
        }
        let operator = left.child_by_field_name("operator")?;
        let right = left.child_by_field_name("right").filter(|right| right.kind() != "binary_operator")?;
        parts.push((module.source.text(operator) == "+").then(|| written_string(module, right))??);
        left = left.child_by_field_name("left")?;
    }
    parts.push(plain_string(module, left)?);
    parts.reverse();
    Some(parts.concat())
}

/// A member of a class, as in `Names.SEARCH` or `Names.SEARCH.value`, or a constant of another file.
fn constant(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    let text = module.source.text(node);
    if let Some((class, member)) = text.strip_suffix(".value").unwrap_or(text).split_once('.')
        && let Some(class) = module.class(class)
    {
        let members = class_strings(module, class);
        return members.into_iter().find(|(name, _)| *name == member).map(|(_, text)| text);
    }
    module.wanted(node).into_iter().find_map(|mut wanted| {
        if let Some(name) = wanted.name.strip_suffix(".value") {
            wanted.name = name.to_owned();
        }
        module.asks(Fact::Constant, &wanted);
        module.known().constants.get(&wanted).cloned()
    })
}

fn plain_string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    let parts = children(node);
    if node.kind() != "string" || parts.iter().any(|part| part.kind() == "interpolation") {
        return None;
    }
    let start = parts.first().map_or("", |start| module.source.text(*start));
    let content = parts.iter().filter(|part| part.kind() == "string_content");
    let text: String = content.map(|part| module.source.text(*part)).collect();
    Some(if start.contains(['r', 'R']) { text } else { unescaped(&text) })
}

/// The strings that a class body assigns to names.
pub fn class_strings<'tree>(module: &Module<'tree>, class: Node<'tree>) -> Vec<(&'tree str, String)> {
    let Some(body) = class.child_by_field_name("body") else { return Vec::new() };
    let assignments = children(body).into_iter().filter_map(|statement| children(statement).first().copied());
    let strings = assignments.filter(|node| node.kind() == "assignment").filter_map(|node| {
        let text = written_string(module, node.child_by_field_name("right")?)?;
        Some((module.source.text(node.child_by_field_name("left")?), text))
    });
    strings.collect()
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

/// The name that an object is given where it is made: by keyword, else as the first argument.
pub fn object_name(module: &Module<'_>, call: Node<'_>) -> Option<String> {
    string(module, keyword(module, call, &["name"]).or_else(|| positional(call, 0))?)
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

/// The fields of a class by its name, here or in another file.
pub fn fields_of(module: &Module<'_>, name: Node<'_>) -> Option<Vec<String>> {
    if let Some(class) = module.class(module.source.text(name)) {
        return Some(fields(module, class));
    }
    module.wanted(name).into_iter().find_map(|wanted| {
        module.asks(Fact::Fields, &wanted);
        module.known().fields.get(&wanted).cloned()
    })
}

/// A dictionary, written out or by a name.
fn dictionary<'tree>(module: &Module<'tree>, node: Node<'tree>) -> Option<Node<'tree>> {
    let node = match node.kind() {
        "identifier" => module.only_value(module.source.text(node))?,
        _ => node,
    };
    (node.kind() == "dictionary").then_some(node)
}

/// The value under a key of a dictionary.
pub fn entry<'tree>(module: &Module<'tree>, dictionary: Node<'tree>, key: &str) -> Option<Node<'tree>> {
    let pairs = children(dictionary).into_iter().filter(|pair| pair.kind() == "pair");
    let mut found = pairs.filter(|pair| {
        pair.child_by_field_name("key")
            .and_then(|found| plain_string(module, found))
            .is_some_and(|found| found == key)
    });
    found.next()?.child_by_field_name("value")
}

/// The keys of a dictionary, those of others that are spread in it among them.
pub fn keys(module: &Module<'_>, node: Node<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    for part in dictionary(module, node).map_or_else(Vec::new, children) {
        match part.kind() {
            "pair" => keys.extend(part.child_by_field_name("key").and_then(|key| plain_string(module, key))),
            "dictionary_splat" => {
                let spread = children(part).first().and_then(|other| dictionary(module, *other));
                let pairs = spread.map_or_else(Vec::new, children).into_iter();
                keys.extend(pairs.filter_map(|pair| plain_string(module, pair.child_by_field_name("key")?)));
            }
            _ => {}
        }
    }
    keys
}

/// The argument names in a JSON Schema that is written as a dictionary, or made by a model class.
pub fn schema_keys(module: &Module<'_>, schema: Node<'_>) -> Vec<String> {
    if let Some(callee) = schema.child_by_field_name("function").filter(|_| schema.kind() == "call") {
        let method = callee.child_by_field_name("attribute").map_or("", |name| module.source.text(name));
        let class = callee.child_by_field_name("object").filter(|_| SCHEMA_METHODS.contains(&method));
        return class.and_then(|class| fields_of(module, class)).unwrap_or_default();
    }
    let Some(schema) = dictionary(module, schema) else { return Vec::new() };
    let inner = entry(module, schema, "json").and_then(|inner| dictionary(module, inner)).unwrap_or(schema);
    entry(module, inner, "properties").map_or_else(Vec::new, |properties| keys(module, properties))
}

/// The tool that a dictionary describes in the way model APIs take them.
pub fn described_tool(module: &Module<'_>, dictionary: Node<'_>) -> Option<FoundTool> {
    let name_node = entry(module, dictionary, "name")?;
    let name = string(module, name_node)?;
    let schema =
        entry(module, dictionary, "input_schema").or_else(|| entry(module, dictionary, "inputSchema"));
    let parameters = match (schema, entry(module, dictionary, "parameters")) {
        (Some(schema), _) => schema_keys(module, schema),
        (None, Some(schema)) if is_function(module, dictionary) || is_schema(module, schema) => {
            schema_keys(module, schema)
        }
        (None, Some(parameters)) if is_action(module, dictionary, parameters) => keys(module, parameters),
        (None, None) if is_built_in(module, dictionary) => Vec::new(),
        _ => return None,
    };
    let description = entry(module, dictionary, "description").and_then(|text| string(module, text));
    Some(FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(name_node),
        parameters,
        description: description.as_deref().and_then(first_line),
    })
}

fn says(module: &Module<'_>, dictionary: Node<'_>, key: &str, is: impl Fn(&str) -> bool) -> bool {
    entry(module, dictionary, key).and_then(|value| string(module, value)).is_some_and(|text| is(&text))
}

/// Whether a dictionary is a function in the style of `{"type": "function", "function": {…}}` or its flat form.
fn is_function(module: &Module<'_>, dictionary: Node<'_>) -> bool {
    let says_so = |node| says(module, node, "type", |kind| kind == "function");
    let outer = dictionary.parent().filter(|pair| pair.kind() == "pair").and_then(|pair| pair.parent());
    says_so(dictionary) || outer.is_some_and(says_so)
}

/// Whether parameters are a JSON Schema of an object, which nothing but a function's description has under this key.
fn is_schema(module: &Module<'_>, parameters: Node<'_>) -> bool {
    dictionary(module, parameters).is_some_and(|schema| {
        entry(module, schema, "properties").is_some()
            && says(module, schema, "type", |kind| kind.eq_ignore_ascii_case("object"))
    })
}

/// Whether a dictionary is a function of an action group of Bedrock: parameters by name, each with a type.
fn is_action(module: &Module<'_>, function: Node<'_>, parameters: Node<'_>) -> bool {
    if !module.source.whole().contains("functionSchema") || entry(module, function, "description").is_none() {
        return false;
    }
    let Some(parameters) = dictionary(module, parameters) else { return false };
    let pairs = children(parameters);
    let typed = |pair: &Node<'_>| {
        let value = pair.child_by_field_name("value").filter(|value| value.kind() == "dictionary");
        value.is_some_and(|value| entry(module, value, "type").is_some())
    };
    !pairs.is_empty() && pairs.iter().all(typed)
}

/// Whether a dictionary names a tool that Anthropic defines and the caller runs, such as `bash_20250124`.
fn is_built_in(module: &Module<'_>, dictionary: Node<'_>) -> bool {
    says(module, dictionary, "type", |kind| {
        kind.rsplit_once('_').is_some_and(|(tool, date)| {
            matches!(tool, "bash" | "text_editor" | "computer" | "memory")
                && date.len() == 8
                && date.bytes().all(|digit| digit.is_ascii_digit())
        })
    })
}
