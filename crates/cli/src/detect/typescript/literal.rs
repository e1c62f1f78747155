//! Values that can be read without running anything: strings, object entries, the keys of a schema.

use tree_sitter::Node;

use super::known::Fact;
use super::module::Module;
use super::{Findings, Made};
use crate::detect::FoundTool;
use crate::detect::source::{Source, children, first_line, line, unescaped};

/// How many calls may be chained on a schema, and how many variables may stand before it.
const SCHEMA_STEPS_MAX: usize = 12;
/// How many strings may be added up.
const PARTS_MAX: usize = 32;
const OBJECT_SCHEMAS: &[&str] = &["object", "strictObject", "looseObject", "Object"];

/// A string that is written out, a variable that one is assigned to, or a member of an object or enumeration,
/// here or in another file.
pub fn string<'tree>(module: &Module<'tree>, node: Node<'tree>) -> Option<String> {
    let node = unwrapped(node);
    let text = module.source.text(node);
    match node.kind() {
        "identifier" => match module.value(text) {
            Some(value) => plain_string(&module.source, value),
            None => constant(module, text),
        },
        "member_expression" => {
            let (root, member) = text.split_once('.')?;
            match module.value(root) {
                Some(value) => {
                    members(module, value).into_iter().find(|(name, _)| name == member).map(|it| it.1)
                }
                None => constant(module, text),
            }
        }
        "binary_expression" => summed(&module.source, node),
        _ => plain_string(&module.source, node),
    }
}

/// `"a " + "b"`, of a few parts.
fn summed(source: &Source<'_>, node: Node<'_>) -> Option<String> {
    let mut parts = Vec::new();
    let mut left = node;
    for _ in 0..PARTS_MAX {
        if left.kind() != "binary_expression" {
            break;
        }
        let operator = left.child_by_field_name("operator")?;
        let right = plain_string(source, unwrapped(left.child_by_field_name("right")?))?;
        parts.push((source.text(operator) == "+").then_some(right)?);
        left = unwrapped(left.child_by_field_name("left")?);
    }
    parts.push(plain_string(source, left)?);
    parts.reverse();
    Some(parts.concat())
}

fn constant(module: &Module<'_>, name: &str) -> Option<String> {
    let (wanted, known) = module.ask(Fact::Constant, name)?;
    known.constants.get(&wanted).cloned()
}

/// The strings that an object or enumeration has by name.
pub fn members(module: &Module<'_>, node: Node<'_>) -> Vec<(String, String)> {
    let entries = match node.kind() {
        "object" => children(node),
        "enum_declaration" => node.child_by_field_name("body").map_or_else(Vec::new, children),
        _ => Vec::new(),
    };
    let strings = entries.into_iter().filter_map(|entry| {
        let name = entry.child_by_field_name("key").or_else(|| entry.child_by_field_name("name"))?;
        let text = plain_string(&module.source, unwrapped(entry.child_by_field_name("value")?))?;
        Some((key_text(&module.source, name)?, text))
    });
    strings.collect()
}

/// A string or a template without substitutions.
pub fn plain_string(source: &Source<'_>, node: Node<'_>) -> Option<String> {
    if !matches!(node.kind(), "string" | "template_string") {
        return None;
    }
    let parts = children(node);
    if parts.iter().any(|part| part.kind() == "template_substitution") {
        return None;
    }
    let text = source.text(node);
    Some(unescaped(text.get(1..text.len().saturating_sub(1))?))
}

/// The name that a key of an object gives.
pub fn key_text(source: &Source<'_>, key: Node<'_>) -> Option<String> {
    match key.kind() {
        "property_identifier" | "identifier" => Some(source.text(key).to_owned()),
        "computed_property_name" => plain_string(source, *children(key).first()?),
        _ => plain_string(source, key),
    }
}

/// The expression inside parentheses, `as`, `satisfies` and `!`.
pub fn unwrapped(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    for _ in 0..SCHEMA_STEPS_MAX {
        let wraps = matches!(
            node.kind(),
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression"
        );
        match children(node).first() {
            Some(inner) if wraps => node = *inner,
            _ => break,
        }
    }
    node
}

/// The value under a key of an object literal.
pub fn entry<'tree>(module: &Module<'tree>, object: Node<'tree>, key: &str) -> Option<Node<'tree>> {
    children(object).into_iter().find_map(|member| match member.kind() {
        "pair" => {
            let found = key_text(&module.source, member.child_by_field_name("key")?)?;
            (found == key).then(|| member.child_by_field_name("value").map(unwrapped)).flatten()
        }
        "shorthand_property_identifier" => {
            (module.source.text(member) == key).then(|| module.value(key)).flatten()
        }
        _ => None,
    })
}

/// An object literal, directly or through a variable.
pub fn object<'tree>(module: &Module<'tree>, node: Node<'tree>) -> Option<Node<'tree>> {
    let node = unwrapped(node);
    let node = match node.kind() {
        "identifier" => module.value(module.source.text(node))?,
        _ => node,
    };
    (node.kind() == "object").then_some(node)
}

/// The argument names in a schema: `z.object({ … })`, JSON Schema, or a bare object of types.
pub fn schema_keys<'tree>(module: &Module<'tree>, schema: Node<'tree>) -> Vec<String> {
    let mut node = unwrapped(schema);
    for _ in 0..SCHEMA_STEPS_MAX {
        let next = match node.kind() {
            "identifier" => match module.value(module.source.text(node)) {
                Some(value) => Some(value),
                None => return schema_elsewhere(module, node),
            },
            // `schema.shape`
            "member_expression" => node.child_by_field_name("object"),
            "call_expression" => inner_schema(module, node),
            "object" => match entry(module, node, "json").or_else(|| entry(module, node, "properties")) {
                Some(inner) => Some(inner),
                None => return keys(module, node),
            },
            _ => None,
        };
        match next {
            Some(next) => node = unwrapped(next),
            None => break,
        }
    }
    Vec::new()
}

/// The argument names in a schema of another file.
fn schema_elsewhere(module: &Module<'_>, name: Node<'_>) -> Vec<String> {
    let found = module.ask(Fact::Schema, module.source.text(name));
    found.and_then(|(wanted, known)| known.schemas.get(&wanted).cloned()).unwrap_or_default()
}

/// From `z.object({ … })` to the object, and from a chained call to what it is chained on.
fn inner_schema<'tree>(module: &Module<'tree>, call: Node<'tree>) -> Option<Node<'tree>> {
    let callee = call.child_by_field_name("function")?;
    let name = callee.child_by_field_name("property").map_or("", |property| module.source.text(property));
    let argument = || children(call.child_by_field_name("arguments")?).first().copied();
    if OBJECT_SCHEMAS.contains(&name) || callee.kind() == "identifier" {
        return argument();
    }
    callee.child_by_field_name("object").filter(|object| object.kind() == "call_expression").or_else(argument)
}

fn keys<'tree>(module: &Module<'tree>, object: Node<'tree>) -> Vec<String> {
    let mut names = Vec::new();
    for member in children(object) {
        match member.kind() {
            "pair" => {
                let key = member.child_by_field_name("key");
                names.extend(key.and_then(|key| key_text(&module.source, key)));
            }
            "shorthand_property_identifier" => names.push(module.source.text(member).to_owned()),
            "spread_element" => {
                let Some(spread) = children(member).first().copied().filter(|it| it.kind() == "identifier")
                else {
                    continue;
                };
                match module.value(module.source.text(spread)).filter(|value| *value != object) {
                    Some(value) if value.kind() == "object" => names.extend(direct_keys(module, value)),
                    Some(_) => {}
                    None => names.extend(schema_elsewhere(module, spread)),
                }
            }
            _ => {}
        }
    }
    names
}

fn direct_keys(module: &Module<'_>, object: Node<'_>) -> Vec<String> {
    let keys = children(object).into_iter().filter_map(|member| member.child_by_field_name("key"));
    keys.filter_map(|key| key_text(&module.source, key)).collect()
}

/// Finds the tool that an object literal describes in the way model APIs take them.
pub fn described_tool<'tree>(module: &Module<'tree>, object: Node<'tree>, findings: &mut Findings) {
    let tool = description(module, object);
    findings.tools.extend(tool.map(|tool| Made { tool, variable: None, is_called_by_key: false }));
}

fn description<'tree>(module: &Module<'tree>, object: Node<'tree>) -> Option<FoundTool> {
    let name_node = entry(module, object, "name")?;
    let name = string(module, name_node)?;
    let of_server = |schema: &Node<'tree>| {
        is_under(module, object, "toolSpec")
            || is_schema(module, *schema)
            || is_listed(module, object, *schema)
    };
    // What is handed to a call with such a key is found by the call.
    let is_argument = object.parent().is_some_and(|parent| parent.kind() == "arguments");
    let of_function = |schema: &Node<'tree>| {
        is_under(module, object, "function")
            || (is_schema(module, *schema) && !is_argument)
            || entry(module, object, "type")
                .and_then(|kind| string(module, kind))
                .is_some_and(|it| it == "function")
    };
    let schema = entry(module, object, "input_schema")
        .or_else(|| entry(module, object, "inputSchema").filter(of_server))
        .or_else(|| entry(module, object, "parameters").filter(of_function))?;
    let description = entry(module, object, "description").and_then(|text| string(module, text));
    Some(FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(name_node),
        parameters: schema_keys(module, schema),
        description: description.as_deref().and_then(first_line),
    })
}

/// Whether a value is a JSON Schema of an object, which nothing but a tool's description has under such a key.
fn is_schema<'tree>(module: &Module<'tree>, value: Node<'tree>) -> bool {
    object(module, value).is_some_and(|schema| {
        entry(module, schema, "properties").is_some()
            && entry(module, schema, "type")
                .and_then(|kind| string(module, kind))
                .is_some_and(|it| it == "object")
    })
}

/// Whether an object is in a list of tools of an MCP server, with a schema that something makes.
fn is_listed(module: &Module<'_>, object: Node<'_>, schema: Node<'_>) -> bool {
    let in_list =
        object.parent().is_some_and(|parent| matches!(parent.kind(), "array" | "variable_declarator"));
    in_list && schema.kind() == "call_expression" && module.imports_from(&["@modelcontextprotocol/"])
}

/// Whether an object is the value of this key.
fn is_under(module: &Module<'_>, object: Node<'_>, key: &str) -> bool {
    let key_node =
        object.parent().filter(|pair| pair.kind() == "pair").and_then(|pair| pair.child_by_field_name("key"));
    key_node.and_then(|found| key_text(&module.source, found)).is_some_and(|found| found == key)
}
