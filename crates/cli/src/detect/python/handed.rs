//! What is handed over as tools: plain functions and methods in a list, here or in another file, and dictionaries.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::literal::{described_tool, entry, function_tool, keyword, positional};
use super::module::Module;
use super::{Findings, Handed, class, decorator};
use crate::detect::FoundTool;
use crate::detect::source::{children, descendants, line};

/// How deep a list of tools may be nested in others.
const LIST_DEPTH_MAX: usize = 6;
/// How many steps a class or function may be from what stands in it.
const ENCLOSING_STEPS_MAX: usize = 64;
/// A package whose modules are tools of the module's name.
const MODULES_OF_TOOLS: &str = "strands_tools";

/// Finds the tool that a dictionary is, or the tools of an agent that it describes.
pub fn described(module: &Module<'_>, dictionary: Node<'_>, findings: &mut Findings) {
    findings.tools.extend(described_tool(module, dictionary));
    let has = |key: &str| entry(module, dictionary, key).is_some();
    if has("name") && (has("prompt") || has("system_prompt") || has("instructions")) {
        find(module, entry(module, dictionary, "tools"), findings);
    }
}

/// Takes the tools out of an expression that is handed over.
pub fn find<'tree>(module: &Module<'tree>, tools: Option<Node<'tree>>, findings: &mut Findings) {
    let mut left: Vec<(Node<'_>, usize)> = tools.into_iter().map(|node| (node, 0)).collect();
    // A list may name itself; each expression is looked at once.
    let mut seen = BTreeSet::new();
    while let Some((node, depth)) = left.pop() {
        if depth > LIST_DEPTH_MAX || !seen.insert(node.id()) {
            continue;
        }
        match node.kind() {
            "list"
            | "tuple"
            | "set"
            | "list_splat"
            | "parenthesized_expression"
            | "binary_operator"
            | "await" => {
                left.extend(children(node).into_iter().map(|child| (child, depth + 1)));
            }
            "identifier" => {
                let more = named(module, module.source.text(node), node, findings);
                left.extend(more.into_iter().map(|value| (value, depth + 1)));
            }
            "attribute" => member(module, node, findings),
            "call" => {
                let more = made(module, node, findings);
                left.extend(more.into_iter().map(|value| (value, depth + 1)));
            }
            _ => {}
        }
    }
}

/// Takes the tools that another file hands over by a name of this one.
pub fn by_name(module: &Module<'_>, name: &str, findings: &mut Findings) {
    let (name, is_called) = name.strip_suffix("()").map_or((name, false), |name| (name, true));
    if let Some((owner, method)) = name.split_once('.') {
        let class = class_of(module, owner);
        return method_tool(module, class, method, findings);
    }
    if let Some(function) = module.function(name) {
        if is_called {
            for value in returned(module, function) {
                find(module, Some(value), findings);
            }
        } else if !decorator::is_tool(module, function) {
            findings.tools.push(function_tool(module, function, None, None));
        }
        return;
    }
    for value in module.values(name) {
        find(module, Some(*value), findings);
    }
    let ways = module.wanted_name(name);
    if !ways.is_empty() {
        findings.wanted.push(Handed { ways, shown: name.to_owned(), line: 1, is_called });
    }
}

/// A name in a list of tools; what is left to look at is what it stands for.
fn named<'tree>(
    module: &Module<'tree>,
    name: &str,
    node: Node<'tree>,
    findings: &mut Findings,
) -> Vec<Node<'tree>> {
    if let Some(function) = module.function(name) {
        // A decorated one is found by its decorator, perhaps under another name.
        if !decorator::is_tool(module, function) {
            findings.tools.push(function_tool(module, function, None, None));
        }
        return Vec::new();
    }
    let values = module.values(name);
    if values.is_empty() {
        elsewhere(module, node, false, findings);
    }
    values.to_vec()
}

/// A name of another file, or of a package.
fn elsewhere<'tree>(module: &Module<'tree>, node: Node<'tree>, is_called: bool, findings: &mut Findings) {
    if module.package(node) == MODULES_OF_TOOLS {
        findings.tools.push(FoundTool {
            name: module.imported(node).unwrap_or_default().to_owned(),
            file: module.source.path.to_path_buf(),
            line: line(node),
            parameters: Vec::new(),
            description: None,
        });
        return;
    }
    let ways = module.wanted(node);
    if !ways.is_empty() {
        let shown = module.imported(node).unwrap_or_default().to_owned();
        findings.wanted.push(Handed { ways, shown, line: line(node), is_called });
    }
}

/// `self.search`, `desk.search`, or a name of a module.
fn member<'tree>(module: &Module<'tree>, node: Node<'tree>, findings: &mut Findings) {
    let Some(object) = node.child_by_field_name("object").filter(|object| object.kind() == "identifier")
    else {
        return elsewhere(module, node, false, findings);
    };
    let method = node.child_by_field_name("attribute").map_or("", |name| module.source.text(name));
    let owner = module.source.text(object);
    if owner == "self" {
        return method_tool(module, enclosing(node, "class_definition"), method, findings);
    }
    let class = class_of(module, owner);
    if class.is_some() {
        return method_tool(module, class, method, findings);
    }
    // An object of a class in another file.
    let callee = module.only_value(owner).and_then(|value| value.child_by_field_name("function"));
    let Some(callee) = callee else { return elsewhere(module, node, false, findings) };
    let ways: Vec<_> = module
        .wanted(callee)
        .into_iter()
        .map(|mut way| {
            way.name = format!("{}.{method}", way.name);
            way
        })
        .collect();
    if !ways.is_empty() {
        findings.wanted.push(Handed {
            ways,
            shown: format!("{owner}.{method}"),
            line: line(node),
            is_called: false,
        });
    }
}

/// The class of this name, or that a variable of this name is an object of.
fn class_of<'tree>(module: &Module<'tree>, name: &str) -> Option<Node<'tree>> {
    module.class(name).or_else(|| {
        let callee = module.only_value(name)?.child_by_field_name("function")?;
        module.class(module.source.text(callee))
    })
}

/// The class or function that a node stands in, if it is near.
fn enclosing<'tree>(node: Node<'tree>, kind: &str) -> Option<Node<'tree>> {
    let mut parent = node.parent()?;
    for _ in 0..ENCLOSING_STEPS_MAX {
        if parent.kind() == kind {
            return Some(parent);
        }
        parent = parent.parent()?;
    }
    None
}

fn method_tool(module: &Module<'_>, class: Option<Node<'_>>, method: &str, findings: &mut Findings) {
    let found =
        class.and_then(|class| class::methods(module, class).into_iter().find(|(name, _)| *name == method));
    if let Some((_, function)) = found.filter(|(_, function)| !decorator::is_tool(module, *function)) {
        findings.tools.push(function_tool(module, function, None, None));
    }
}

/// A call in a list of tools: a tool that is found where it is made, a function that gives tools, or a package's.
fn made<'tree>(module: &Module<'tree>, call: Node<'tree>, findings: &mut Findings) -> Vec<Node<'tree>> {
    let Some(callee) = call.child_by_field_name("function") else { return Vec::new() };
    let root = module.root_name(callee);
    if let Some(function) = module.function(root).filter(|_| callee.kind() == "identifier") {
        return returned(module, function);
    }
    if module.imported(callee).is_some_and(|name| decorator::MAKERS.contains(&name)) {
        return Vec::new();
    }
    // `cast(list[Tool], tools)` says something to a type checker only.
    if module.imported(callee) == Some("cast") && module.package(callee) == "typing" {
        return positional(call, 1).into_iter().collect();
    }
    // What takes tools itself is looked at by what it takes.
    if keyword(module, call, &["tools"]).is_some() {
        return Vec::new();
    }
    let method = callee.child_by_field_name("attribute").map_or("", |name| module.source.text(name));
    if matches!(method, "as_tool" | "from_function" | "from_defaults" | "from_tool") {
        return Vec::new();
    }
    // `Toolkit(…).get_tools()` comes from where `Toolkit` does, a variable from where it was made.
    let mut origin = callee;
    for _ in 0..LIST_DEPTH_MAX {
        let inner = match origin.kind() {
            "attribute" => origin.child_by_field_name("object"),
            "call" => origin.child_by_field_name("function"),
            "subscript" => origin.child_by_field_name("value"),
            "identifier" => module.only_value(module.source.text(origin)),
            _ => None,
        };
        match inner {
            // A module's function is looked up with its module.
            Some(inner)
                if origin.kind() == "attribute"
                    && inner.kind() == "identifier"
                    && is_import(module, inner) =>
            {
                break;
            }
            Some(inner) => origin = inner,
            None => break,
        }
    }
    if matches!(origin.kind(), "identifier" | "attribute") {
        elsewhere(module, origin, origin == callee, findings);
    }
    Vec::new()
}

fn is_import(module: &Module<'_>, name: Node<'_>) -> bool {
    module.values(module.source.text(name)).is_empty()
}

/// What a function returns; not what those inside of it do.
fn returned<'tree>(module: &Module<'tree>, function: Node<'tree>) -> Vec<Node<'tree>> {
    let Some(body) = function.child_by_field_name("body") else { return Vec::new() };
    let own = |node: &Node<'tree>| enclosing(*node, "function_definition") == Some(function);
    let returns = descendants(body).filter(|node| node.kind() == "return_statement").filter(own);
    let values: Vec<_> = returns.filter_map(|node| children(node).first().copied()).collect();
    values.into_iter().filter(|value| is_listing(module, *value)).collect()
}

/// Whether a value is a list, or a name of one.
fn is_listing(module: &Module<'_>, value: Node<'_>) -> bool {
    let is_list = |node: Node<'_>| matches!(node.kind(), "list" | "tuple" | "binary_operator");
    is_list(value)
        || (value.kind() == "identifier"
            && module.values(module.source.text(value)).iter().any(|value| is_list(*value)))
}
