//! What a TypeScript file imports, defines and assigns.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::call;
use super::known::{Fact, Known};
use super::literal::{plain_string, unwrapped};
use crate::detect::index::{self, Wanted};
use crate::detect::source::{Source, children, descendants, line};

/// Where a local name comes from.
struct Origin {
    package: String,
    name: String,
    line: u32,
}

/// A file, with its names.
pub struct Module<'tree> {
    /// The text.
    pub source: Source<'tree>,
    imports: BTreeMap<&'tree str, Origin>,
    /// Variables and enumerations.
    values: BTreeMap<&'tree str, Node<'tree>>,
    known: &'tree Known,
    asked: RefCell<BTreeSet<(Fact, Wanted)>>,
}

impl<'tree> Module<'tree> {
    /// Reads the names of a file.
    pub fn new(source: Source<'tree>, root: Node<'tree>, known: &'tree Known) -> Self {
        let mut module = Self {
            source,
            imports: BTreeMap::new(),
            values: BTreeMap::new(),
            known,
            asked: RefCell::default(),
        };
        for node in descendants(root) {
            match node.kind() {
                "import_statement" => module.import(node),
                "variable_declarator" => module.assign(node),
                "enum_declaration" => {
                    if let Some(name) = node.child_by_field_name("name") {
                        module.values.entry(source.text(name)).or_insert(node);
                    }
                }
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
        let origin = Origin { package: package.to_owned(), name: name.to_owned(), line: line(local) };
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

    /// The package that a function or class comes from, and its name there; nothing for a name of the file itself.
    pub fn imported(&self, callee: Node<'tree>) -> Option<(&str, &str)> {
        match callee.kind() {
            "identifier" => {
                let name = self.source.text(callee);
                let origin = self.imports.get(name)?;
                if call::makes_tools(&origin.name) && self.ask(Fact::Own, name).is_some() {
                    return None;
                }
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

    /// Every variable and enumeration with its first value.
    pub fn all_values(&self) -> impl Iterator<Item = (&'tree str, Node<'tree>)> {
        self.values.iter().map(|(name, node)| (*name, *node))
    }

    /// What a variable stands for, in this module or the one that it is imported from.
    pub fn wanted(&self, name: &str) -> Wanted {
        let importer = index::module(self.source.path);
        let Some(origin) = self.imports.get(name) else {
            return Wanted { module: importer.clone(), exact: true, name: name.to_owned(), importer };
        };
        let own = if origin.name == "*" || origin.name == "default" { name } else { &origin.name };
        let (module, exact) = self.resolved(&origin.package);
        Wanted { module, exact, name: own.to_owned(), importer }
    }

    /// The packages that are imported, without what follows their names, and where.
    pub fn packages(&self) -> BTreeMap<String, u32> {
        let mut packages = BTreeMap::new();
        for origin in self.imports.values().filter(|origin| !self.is_own(&origin.package)) {
            let parts = if origin.package.starts_with('@') { 2 } else { 1 };
            let name: Vec<&str> = origin.package.split('/').take(parts).collect();
            let first = packages.entry(name.join("/")).or_insert(origin.line);
            *first = origin.line.min(*first);
        }
        packages
    }

    /// Whether a module is a file of the project rather than a package.
    pub fn is_own(&self, package: &str) -> bool {
        [".", "@/", "~/", "#", "$lib/"].iter().any(|start| package.starts_with(start))
    }

    /// The parts of a module as an import names it, and whether they are all of them.
    fn resolved(&self, package: &str) -> (Vec<String>, bool) {
        let exact = package.starts_with('.');
        let mut parts = if exact { index::folder(self.source.path) } else { Vec::new() };
        // What stands before the first `/` of `@/lib/x` is set up elsewhere.
        let path = match package.split_once('/') {
            Some((_, rest)) if !exact && self.is_own(package) => rest,
            _ => package,
        };
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part.to_owned()),
            }
        }
        if let Some(last) = parts.last_mut() {
            let ends = [".js", ".ts", ".mjs", ".mts", ".cjs", ".cts", ".jsx", ".tsx"];
            if let Some(stem) = ends.iter().find_map(|end| last.strip_suffix(end)) {
                *last = stem.to_owned();
            }
        }
        if parts.last().is_some_and(|last| last == "index") {
            parts.pop();
        }
        (parts, exact)
    }

    /// What is known of the whole project about an imported name, with its members after a dot.
    pub fn ask(&self, fact: Fact, name: &str) -> Option<(Wanted, &'tree Known)> {
        let (root, rest) = name.split_once('.').unwrap_or((name, ""));
        let origin = self.imports.get(root).filter(|origin| self.is_own(&origin.package))?;
        let mut wanted = self.wanted(root);
        if origin.name == "*" {
            wanted.name = rest.to_owned();
        } else if !rest.is_empty() {
            wanted.name = format!("{}.{rest}", wanted.name);
        }
        if self.known.answers(fact, &wanted) {
            return Some((wanted, self.known));
        }
        self.asked.borrow_mut().insert((fact, wanted));
        None
    }

    /// What was asked in vain.
    pub fn into_asked(self) -> BTreeSet<(Fact, Wanted)> {
        self.asked.into_inner()
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
