//! What a Python file imports, defines and assigns: enough to say where a name comes from.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::decorator;
use crate::detect::source::{Source, children, descendants};

/// A file, with its names.
pub struct Module<'tree> {
    /// The text.
    pub source: Source<'tree>,
    /// Local name to dotted origin, such as `tool` to `langchain_core.tools.tool`.
    imports: BTreeMap<&'tree str, String>,
    star_import: bool,
    functions: BTreeMap<&'tree str, Node<'tree>>,
    classes: BTreeMap<&'tree str, Node<'tree>>,
    values: BTreeMap<&'tree str, Vec<Node<'tree>>>,
}

impl<'tree> Module<'tree> {
    /// Reads the names of a file.
    pub fn new(source: Source<'tree>, root: Node<'tree>) -> Self {
        let mut module = Self {
            source,
            imports: BTreeMap::new(),
            star_import: false,
            functions: BTreeMap::new(),
            classes: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        for node in descendants(root) {
            match node.kind() {
                "import_statement" => module.import(node, ""),
                "import_from_statement" => {
                    let from = node.child_by_field_name("module_name").map_or("", |from| source.text(from));
                    module.import(node, from);
                }
                "function_definition" if !is_method(node) => module.define(node),
                "class_definition" => module.define(node),
                "assignment" => module.assign(node),
                _ => {}
            }
        }
        module
    }

    fn import(&mut self, node: Node<'tree>, from: &str) {
        let from_node = node.child_by_field_name("module_name");
        for child in children(node) {
            if child.kind() == "wildcard_import" {
                self.star_import = true;
            }
            if Some(child) == from_node {
                continue;
            }
            let (name, alias) = match child.kind() {
                "aliased_import" => (child.child_by_field_name("name"), child.child_by_field_name("alias")),
                "dotted_name" => (Some(child), None),
                _ => continue,
            };
            let Some(name) = name.map(|name| self.source.text(name)) else { continue };
            let origin = if from.is_empty() { name.to_owned() } else { format!("{from}.{name}") };
            // `import a.b` binds `a`.
            let local = alias.map_or(name.split('.').next().unwrap_or(name), |alias| self.source.text(alias));
            self.imports.insert(local, origin);
        }
    }

    fn define(&mut self, node: Node<'tree>) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.source.text(name)) else { return };
        let names = if node.kind() == "class_definition" { &mut self.classes } else { &mut self.functions };
        names.entry(name).or_insert(node);
    }

    fn assign(&mut self, node: Node<'tree>) {
        let left = node.child_by_field_name("left").filter(|left| left.kind() == "identifier");
        if let Some((left, right)) = left.zip(node.child_by_field_name("right")) {
            self.values.entry(self.source.text(left)).or_default().push(right);
        }
    }

    /// What an imported function or class is called where it comes from; nothing for a name of the file itself.
    pub fn imported(&self, callee: Node<'tree>) -> Option<&str> {
        match callee.kind() {
            "identifier" => {
                let name = self.source.text(callee);
                match self.imports.get(name) {
                    Some(origin) => origin.rsplit('.').next(),
                    None if self.star_import && !self.defines(name) => Some(name),
                    None => None,
                }
            }
            "attribute" => {
                let root = self.source.text(callee).split(['.', '(', '[']).next()?.trim();
                self.imports.get(root)?;
                Some(self.source.text(callee.child_by_field_name("attribute")?))
            }
            _ => None,
        }
    }

    fn defines(&self, name: &str) -> bool {
        self.functions.contains_key(name) || self.classes.contains_key(name) || self.values.contains_key(name)
    }

    /// Whether anything is imported from one of these packages.
    pub fn imports_from(&self, packages: &[&str]) -> bool {
        self.imports
            .values()
            .any(|origin| origin.split('.').next().is_some_and(|root| packages.contains(&root)))
    }

    /// The module, by its last part, and the name that an imported name has there.
    pub fn origin(&self, name: &str) -> Option<(String, String)> {
        let (from, name) = self.imports.get(name)?.rsplit_once('.')?;
        Some((from.rsplit('.').next().unwrap_or(from).to_owned(), name.to_owned()))
    }

    /// The function of this name, methods excluded.
    pub fn function(&self, name: &str) -> Option<Node<'tree>> {
        self.functions.get(name).copied()
    }

    /// The class of this name.
    pub fn class(&self, name: &str) -> Option<Node<'tree>> {
        self.classes.get(name).copied()
    }

    /// Everything that is assigned to this name anywhere in the file.
    pub fn values(&self, name: &str) -> &[Node<'tree>] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The functions that no decorator makes a tool of.
    pub fn plain_functions(&self) -> impl Iterator<Item = (&'tree str, Node<'tree>)> {
        self.functions
            .iter()
            .filter(|(_, node)| !decorator::is_tool(self, **node))
            .map(|(name, node)| (*name, *node))
    }
}

/// Whether a function stands directly in a class.
fn is_method(function: Node<'_>) -> bool {
    let mut parent = function.parent();
    if parent.is_some_and(|node| node.kind() == "decorated_definition") {
        parent = parent.and_then(|node| node.parent());
    }
    parent.and_then(|block| block.parent()).is_some_and(|node| node.kind() == "class_definition")
}
