//! What a TypeScript file imports and assigns, and under which key of `tools: { … }` a variable stands.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::literal::{key_text, plain_string, unwrapped};
use crate::detect::source::{Source, children, descendants};

/// Where a local name comes from.
struct Origin {
    package: String,
    name: String,
}

/// A file, with its names.
pub struct Module<'tree> {
    /// The text.
    pub source: Source<'tree>,
    imports: BTreeMap<&'tree str, Origin>,
    values: BTreeMap<&'tree str, Node<'tree>>,
    tool_keys: BTreeMap<&'tree str, String>,
}

impl<'tree> Module<'tree> {
    /// Reads the names of a file.
    pub fn new(source: Source<'tree>, root: Node<'tree>) -> Self {
        let mut module =
            Self { source, imports: BTreeMap::new(), values: BTreeMap::new(), tool_keys: BTreeMap::new() };
        for node in descendants(root) {
            match node.kind() {
                "import_statement" => module.import(node),
                "variable_declarator" => module.assign(node),
                "pair" => module.tools_under_keys(node),
                _ => {}
            }
        }
        module
    }

    fn import(&mut self, statement: Node<'tree>) {
        let Some(package) =
            statement.child_by_field_name("source").and_then(|it| plain_string(&self.source, it))
        else {
            return;
        };
        for node in descendants(statement) {
            match node.kind() {
                "import_specifier" => {
                    let Some(name) = node.child_by_field_name("name") else { continue };
                    let local = node.child_by_field_name("alias").unwrap_or(name);
                    self.bind(local, &package, self.source.text(name));
                }
                "namespace_import" => {
                    if let Some(local) = children(node).first() {
                        self.bind(*local, &package, "*");
                    }
                }
                "identifier" if node.parent().is_some_and(|parent| parent.kind() == "import_clause") => {
                    self.bind(node, &package, "default");
                }
                _ => {}
            }
        }
    }

    fn bind(&mut self, local: Node<'tree>, package: &str, name: &str) {
        let origin = Origin { package: package.to_owned(), name: name.to_owned() };
        self.imports.insert(self.source.text(local), origin);
    }

    fn assign(&mut self, declarator: Node<'tree>) {
        let Some(name) = declarator.child_by_field_name("name") else { return };
        let Some(value) = declarator.child_by_field_name("value").map(unwrapped) else { return };
        let package = required(&self.source, value);
        match (name.kind(), package) {
            ("identifier", Some(package)) => self.bind(name, &package, "*"),
            ("identifier", None) => {
                self.values.entry(self.source.text(name)).or_insert(value);
            }
            // `const { tool, z: schema } = require("…")`
            ("object_pattern", Some(package)) => {
                for part in children(name) {
                    match part.kind() {
                        "shorthand_property_identifier_pattern" => {
                            self.bind(part, &package, self.source.text(part))
                        }
                        "pair_pattern" => {
                            let key = part.child_by_field_name("key").map_or("", |key| self.source.text(key));
                            if let Some(local) = part.child_by_field_name("value") {
                                self.bind(local, &package, key);
                            }
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Notes the variables in `tools: { a, b: c }`.
    fn tools_under_keys(&mut self, pair: Node<'tree>) {
        let key = pair.child_by_field_name("key").and_then(|key| key_text(&self.source, key));
        let Some(object) = pair.child_by_field_name("value").map(unwrapped) else { return };
        if key.as_deref() != Some("tools") || object.kind() != "object" {
            return;
        }
        for entry in children(object).into_iter().filter(|entry| entry.kind() == "pair") {
            let key = entry.child_by_field_name("key").and_then(|key| key_text(&self.source, key));
            let value = entry.child_by_field_name("value").filter(|value| value.kind() == "identifier");
            if let Some((key, value)) = key.zip(value) {
                self.tool_keys.insert(self.source.text(value), key);
            }
        }
    }

    /// The package that a function or class comes from, and its name there; nothing for a name of the file itself.
    pub fn imported(&self, callee: Node<'tree>) -> Option<(&str, &str)> {
        match callee.kind() {
            "identifier" => {
                let origin = self.imports.get(self.source.text(callee))?;
                Some((origin.package.as_str(), origin.name.as_str()))
            }
            "member_expression" => {
                let object =
                    callee.child_by_field_name("object").filter(|object| object.kind() == "identifier")?;
                let origin =
                    self.imports.get(self.source.text(object)).filter(|origin| origin.name == "*")?;
                Some((origin.package.as_str(), self.source.text(callee.child_by_field_name("property")?)))
            }
            _ => None,
        }
    }

    /// Whether anything is imported from a package whose name starts like this.
    pub fn imports_from(&self, prefixes: &[&str]) -> bool {
        self.imports.values().any(|origin| prefixes.iter().any(|prefix| origin.package.starts_with(prefix)))
    }

    /// The first value of a variable.
    pub fn value(&self, name: &str) -> Option<Node<'tree>> {
        self.values.get(name).copied()
    }

    /// The key in `tools: { … }` that a variable stands under.
    pub fn tool_key(&self, variable: &str) -> Option<&str> {
        self.tool_keys.get(variable).map(String::as_str)
    }
}

/// The package in `require("…")`.
fn required(source: &Source<'_>, value: Node<'_>) -> Option<String> {
    let callee = value.child_by_field_name("function").filter(|_| value.kind() == "call_expression")?;
    if source.text(callee) != "require" {
        return None;
    }
    let argument = *children(value.child_by_field_name("arguments")?).first()?;
    plain_string(source, argument)
}
