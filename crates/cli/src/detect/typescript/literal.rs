//! Values that can be read without running anything: strings, object entries, the keys of a schema.

use tree_sitter::Node;

use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{Source, children, first_line, line};

/// How many calls may be chained on a schema, and how many variables may stand before it.
const SCHEMA_STEPS_MAX: usize = 12;
const OBJECT_SCHEMAS: &[&str] = &["object", "strictObject", "looseObject", "Object"];

/// A string that is written out, or a variable that one is assigned to.
pub fn string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    let node = unwrapped(node);
    match node.kind() {
        "identifier" => plain_string(&module.source, module.value(module.source.text(node))?),
        _ => plain_string(&module.source, node),
    }
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
    Some(text.get(1..text.len().saturating_sub(1))?.to_owned())
}

/// The name that a key of an object gives.
pub fn key_text(source: &Source<'_>, key: Node<'_>) -> Option<String> {
    match key.kind() {
        "property_identifier" => Some(source.text(key).to_owned()),
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
            "identifier" => module.value(module.source.text(node)),
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

fn keys(module: &Module<'_>, object: Node<'_>) -> Vec<String> {
    let names = children(object).into_iter().filter_map(|member| match member.kind() {
        "pair" => key_text(&module.source, member.child_by_field_name("key")?),
        "shorthand_property_identifier" => Some(module.source.text(member).to_owned()),
        _ => None,
    });
    names.collect()
}

/// The tool that an object literal describes in the way model APIs take them.
pub fn described_tool<'tree>(module: &Module<'tree>, object: Node<'tree>) -> Option<FoundTool> {
    let name_node = entry(module, object, "name")?;
    let name = string(module, name_node)?;
    let schema = entry(module, object, "input_schema");
    let schema = schema
        .or_else(|| entry(module, object, "inputSchema").filter(|_| is_under(module, object, "toolSpec")));
    let schema = match schema {
        Some(schema) => schema,
        None if is_under(module, object, "function") => entry(module, object, "parameters")?,
        None => return None,
    };
    let description = entry(module, object, "description").and_then(|text| string(module, text));
    Some(FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(name_node),
        parameters: schema_keys(module, schema),
        description: description.as_deref().and_then(first_line),
    })
}

/// Whether an object is the value of this key.
fn is_under(module: &Module<'_>, object: Node<'_>, key: &str) -> bool {
    let key_node =
        object.parent().filter(|pair| pair.kind() == "pair").and_then(|pair| pair.child_by_field_name("key"));
    key_node.and_then(|found| key_text(&module.source, found)).is_some_and(|found| found == key)
}
