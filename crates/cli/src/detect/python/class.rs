//! Classes that are tools: those that derive from a framework's tool class and give a name.

use tree_sitter::Node;

use super::Findings;
use super::known::Fact;
use super::literal::{docstring, fields_of, function_tool, keys, keyword, parameters, positional, string};
use super::module::Module;
use crate::detect::FoundTool;
use crate::detect::source::{children, descendants, first_line, line};

const TOOL_CLASSES: &[&str] = &["BaseTool", "StructuredTool", "Tool"];
/// A class whose methods are tools, as far as a list in it names them.
const TOOL_SPEC: &str = "BaseToolSpec";
/// The method that does the work, whose parameters are the tool's.
const RUN_METHODS: &[&str] = &["_run", "_arun", "forward", "run", "run_async"];
/// The method that declares the parameters.
const DECLARATION: &str = "_get_declaration";
/// How many classes of the file may stand between a tool and the framework's class.
const ANCESTORS_MAX: usize = 8;

/// Finds the tool in a class definition.
pub fn find(module: &Module<'_>, class: Node<'_>, findings: &mut Findings) {
    if derives(module, class, &[TOOL_SPEC]) {
        return listed_methods(module, class, findings);
    }
    if !is_tool_class(module, class) {
        return;
    }
    let Some(class_name) = class.child_by_field_name("name") else { return };
    let methods = methods(module, class);
    let for_parent = arguments_for_parent(module, class);
    let name_node = attribute(module, class, "name").or_else(|| {
        let call = for_parent?;
        // By keyword, else the first string that is written among the arguments.
        keyword(module, call, &["name"]).or_else(|| {
            (0..=3).filter_map(|at| positional(call, at)).find(|node| string(module, *node).is_some())
        })
    });
    let Some(name_node) = name_node else {
        // A class without a name of its own and without work to do is a base for others.
        if methods.iter().any(|(name, _)| RUN_METHODS.contains(name)) {
            warn(module, class_name, findings);
        }
        return;
    };
    let Some(name) = string(module, name_node) else { return warn(module, class_name, findings) };
    let schema = attribute(module, class, "args_schema").or_else(|| positional(for_parent?, 0));
    let declared = methods.iter().find(|(name, _)| *name == DECLARATION).map(|(_, method)| *method);
    let parameters = schema
        .filter(|schema| schema.kind() == "identifier")
        .and_then(|schema| fields_of(module, schema))
        .or_else(|| declared_parameters(module, declared?))
        .unwrap_or_else(|| {
            RUN_METHODS
                .iter()
                .find_map(|wanted| methods.iter().find(|(name, _)| name == wanted))
                .map_or_else(Vec::new, |(_, method)| parameters(module, *method))
        });
    let description = attribute(module, class, "description");
    let description = description.or_else(|| keyword(module, for_parent?, &["description"]));
    let description = description.and_then(|text| string(module, text));
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

/// Whether a class derives from a framework's tool class, here or through other files.
pub fn is_tool_class<'tree>(module: &Module<'tree>, class: Node<'tree>) -> bool {
    derives(module, class, TOOL_CLASSES)
}

fn derives<'tree>(module: &Module<'tree>, class: Node<'tree>, from: &[&str]) -> bool {
    let mut class = class;
    for _ in 0..ANCESTORS_MAX {
        let Some(bases) = class.child_by_field_name("superclasses") else { return false };
        let bases = children(bases);
        if bases.iter().any(|base| module.imported(*base).is_some_and(|name| from.contains(&name))) {
            return true;
        }
        // A class of another file, when it is known by then what that derives from.
        let elsewhere = bases.iter().filter(|base| module.class(module.source.text(**base)).is_none());
        let mut wanted = elsewhere.flat_map(|base| module.wanted(*base));
        if from == TOOL_CLASSES && wanted.any(|wanted| module.asks(Fact::ToolClass, &wanted)) {
            return true;
        }
        let parent = bases.iter().find_map(|base| module.class(module.source.text(*base)));
        let Some(parent) = parent.filter(|parent| *parent != class) else { return false };
        class = parent;
    }
    false
}

/// The methods that `spec_functions` names.
fn listed_methods(module: &Module<'_>, class: Node<'_>, findings: &mut Findings) {
    let Some(list) = attribute(module, class, "spec_functions") else { return };
    let methods = methods(module, class);
    for entry in children(list) {
        // A pair names the plain and the asynchronous form; both are one tool.
        let entry = if entry.kind() == "tuple" { children(entry).first().copied() } else { Some(entry) };
        let Some(name) = entry.and_then(|entry| string(module, entry)) else { continue };
        if let Some((_, method)) = methods.iter().find(|(found, _)| *found == name) {
            findings.tools.push(function_tool(module, *method, None, None));
        }
    }
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

/// The call in `__init__` that hands on to the parent, as in `super().__init__(name="search")`.
fn arguments_for_parent<'tree>(module: &Module<'tree>, class: Node<'tree>) -> Option<Node<'tree>> {
    let (_, init) = methods(module, class).into_iter().find(|(name, _)| *name == "__init__")?;
    descendants(init).filter(|node| node.kind() == "call").find(|call| {
        let callee = call.child_by_field_name("function").map_or("", |callee| module.source.text(callee));
        callee.starts_with("super(") && callee.ends_with(".__init__")
    })
}

/// The keys of the properties that a declaration makes.
fn declared_parameters(module: &Module<'_>, method: Node<'_>) -> Option<Vec<String>> {
    let mut properties = descendants(method).filter(|node| {
        let name = node.child_by_field_name("name").filter(|_| node.kind() == "keyword_argument");
        name.is_some_and(|name| module.source.text(name) == "properties")
    });
    Some(keys(module, properties.next()?.child_by_field_name("value")?))
}

/// The methods of a class.
pub fn methods<'tree>(module: &Module<'tree>, class: Node<'tree>) -> Vec<(&'tree str, Node<'tree>)> {
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
