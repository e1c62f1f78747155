//! Classes that are tools: those that derive from a framework's tool class and give a name.

use tree_sitter::Node;

use super::Findings;
use super::literal::{docstring, fields, parameters, string};
use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{children, descendants, first_line, line};

const TOOL_CLASSES: &[&str] = &["BaseTool", "StructuredTool", "Tool"];
/// The method that does the work, whose parameters are the tool's.
const RUN_METHODS: &[&str] = &["_run", "_arun", "forward", "run", "run_async"];
/// How many classes of the file may stand between a tool and the framework's class.
const ANCESTORS_MAX: usize = 8;

/// Finds the tool in a class definition.
pub fn find(module: &Module<'_>, class: Node<'_>, findings: &mut Findings) {
    if !is_tool_class(module, class) {
        return;
    }
    let Some(class_name) = class.child_by_field_name("name") else { return };
    let methods = methods(module, class);
    let name_node = attribute(module, class, "name").or_else(|| name_for_parent(module, class));
    let Some(name_node) = name_node else {
        // A class without a name of its own and without work to do is a base for others.
        if methods.iter().any(|(name, _)| RUN_METHODS.contains(name)) {
            warn(module, class_name, findings);
        }
        return;
    };
    let Some(name) = string(module, name_node) else { return warn(module, class_name, findings) };
    let schema =
        attribute(module, class, "args_schema").and_then(|node| module.class(module.source.text(node)));
    let parameters = match schema {
        Some(schema) => fields(module, schema),
        None => RUN_METHODS
            .iter()
            .find_map(|wanted| methods.iter().find(|(name, _)| name == wanted))
            .map_or_else(Vec::new, |(_, method)| parameters(module, *method)),
    };
    let description = attribute(module, class, "description").and_then(|text| string(module, text));
    findings.tools.push(FoundTool {
        name,
        file: module.source.path.to_path_buf(),
        line: line(class_name),
        parameters,
        description: description.as_deref().and_then(first_line).or_else(|| docstring(module, class)),
    });
}

fn warn(module: &Module<'_>, class_name: Node<'_>, findings: &mut Findings) {
    let name = module.source.text(class_name);
    let place = format!("{}:{}", module.source.path.display(), line(class_name));
    findings.warnings.push(format!("the tool class `{name}` at `{place}` has no name that can be read"));
}

fn is_tool_class<'tree>(module: &Module<'tree>, class: Node<'tree>) -> bool {
    let mut class = class;
    for _ in 0..ANCESTORS_MAX {
        let Some(bases) = class.child_by_field_name("superclasses") else { return false };
        let bases = children(bases);
        if bases.iter().any(|base| module.imported(*base).is_some_and(|name| TOOL_CLASSES.contains(&name))) {
            return true;
        }
        let parent = bases.iter().find_map(|base| module.class(module.source.text(*base)));
        let Some(parent) = parent.filter(|parent| *parent != class) else { return false };
        class = parent;
    }
    false
}

/// The value that the class body gives to a name, typed or not.
fn attribute<'tree>(module: &Module<'tree>, class: Node<'tree>, wanted: &str) -> Option<Node<'tree>> {
    let body = class.child_by_field_name("body")?;
    let statements = children(body).into_iter().filter_map(|statement| children(statement).first().copied());
    let mut assignments = statements.filter(|node| node.kind() == "assignment");
    let found = assignments.find(|node| {
        node.child_by_field_name("left").is_some_and(|left| module.source.text(left) == wanted)
    })?;
    found.child_by_field_name("right")
}

/// The name that `__init__` hands to the parent, as in `super().__init__(name="search")`.
fn name_for_parent<'tree>(module: &Module<'tree>, class: Node<'tree>) -> Option<Node<'tree>> {
    let (_, init) = methods(module, class).into_iter().find(|(name, _)| *name == "__init__")?;
    let mut calls = descendants(init).filter(|node| node.kind() == "call");
    let call = calls.find(|call| {
        let callee = call.child_by_field_name("function").map_or("", |callee| module.source.text(callee));
        callee.starts_with("super(") && callee.ends_with(".__init__")
    })?;
    super::literal::keyword(module, call, &["name"])
}

fn methods<'tree>(module: &Module<'tree>, class: Node<'tree>) -> Vec<(&'tree str, Node<'tree>)> {
    let Some(body) = class.child_by_field_name("body") else { return Vec::new() };
    let definitions = children(body).into_iter().filter_map(|child| match child.kind() {
        "decorated_definition" => child.child_by_field_name("definition"),
        _ => Some(child),
    });
    definitions
        .filter(|node| node.kind() == "function_definition")
        .filter_map(|node| Some((module.source.text(node.child_by_field_name("name")?), node)))
        .collect()
}
