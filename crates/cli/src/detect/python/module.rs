//! What a Python file imports, defines and assigns: enough to say where a name comes from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::decorator;
use super::known::{Fact, Known};
use crate::detect::index::{self, Wanted};
use crate::detect::source::{Source, children, descendants, line};

/// How many parts of a dotted name are looked at.
const DOTS_MAX: usize = 6;

/// Where a local name comes from: `from FROM import NAME`, or `import FROM` without a name.
#[derive(Debug)]
struct Import<'tree> {
    from: &'tree str,
    name: &'tree str,
    line: u32,
}

/// A file, with its names.
pub struct Module<'tree> {
    /// The text.
    pub source: Source<'tree>,
    /// The module that it is.
    pub parts: Vec<String>,
    known: &'tree Known,
    /// The name of the project's folder.
    root: &'tree str,
    folder: Vec<String>,
    imports: BTreeMap<&'tree str, Import<'tree>>,
    stars: Vec<&'tree str>,
    functions: BTreeMap<&'tree str, Node<'tree>>,
    classes: BTreeMap<&'tree str, Node<'tree>>,
    values: BTreeMap<&'tree str, Vec<Node<'tree>>>,
    asked: RefCell<BTreeSet<(Fact, Wanted)>>,
}

impl<'tree> Module<'tree> {
    /// Reads the names of a file.
    pub fn new(source: Source<'tree>, root: Node<'tree>, known: &'tree Known, folder: &'tree str) -> Self {
        let mut module = Self {
            source,
            parts: index::module(source.path),
            known,
            root: folder,
            folder: index::folder(source.path),
            imports: BTreeMap::new(),
            stars: Vec::new(),
            functions: BTreeMap::new(),
            classes: BTreeMap::new(),
            values: BTreeMap::new(),
            asked: RefCell::default(),
        };
        for node in descendants(root) {
            match node.kind() {
                "import_statement" | "import_from_statement" => module.import(node),
                "function_definition" if !is_method(node) => module.define(node),
                "class_definition" => module.define(node),
                "assignment" | "augmented_assignment" => module.assign(node),
                "call" => module.append(node),
                _ => {}
            }
        }
        module
    }

    fn import(&mut self, node: Node<'tree>) {
        let from_node = node.child_by_field_name("module_name");
        let from = from_node.map_or("", |from| self.source.text(from));
        for child in children(node) {
            if child.kind() == "wildcard_import" {
                self.stars.push(from);
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
            let root = name.split('.').next().unwrap_or(name);
            let line = line(child);
            let (local, import) = match (alias.map(|alias| self.source.text(alias)), from_node) {
                (alias, Some(_)) => (alias.unwrap_or(name), Import { from, name, line }),
                (Some(alias), None) => (alias, Import { from: name, name: "", line }),
                // `import a.b` binds `a`.
                (None, None) => (root, Import { from: root, name: "", line }),
            };
            self.imports.insert(local, import);
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

    /// `tools.append(f)` and `tools.extend([f])` say what is in a list too.
    fn append(&mut self, call: Node<'tree>) {
        let Some(callee) = call.child_by_field_name("function").filter(|it| it.kind() == "attribute") else {
            return;
        };
        let method = callee.child_by_field_name("attribute").map_or("", |name| self.source.text(name));
        let list = callee.child_by_field_name("object").filter(|object| object.kind() == "identifier");
        let argument = call.child_by_field_name("arguments").and_then(|it| children(it).first().copied());
        if let Some((list, argument)) = list.zip(argument).filter(|_| matches!(method, "append" | "extend"))
            && let Some(values) = self.values.get_mut(self.source.text(list))
        {
            values.push(argument);
        }
    }

    /// What an imported function or class is called where it comes from; nothing for a name of the file itself,
    /// or of the project.
    pub fn imported(&self, callee: Node<'tree>) -> Option<&'tree str> {
        match callee.kind() {
            "identifier" => {
                let name = self.source.text(callee);
                match self.imports.get(name) {
                    Some(import) if import.name.is_empty() => import.from.rsplit('.').next(),
                    Some(import) if decorator::MAKERS.contains(&import.name) => {
                        let wanted = self.wanted_import(import, "")?;
                        (!self.asks(Fact::Own, &wanted)).then_some(import.name)
                    }
                    Some(import) => Some(import.name),
                    None if !self.stars.is_empty() && !self.defines(name) => Some(name),
                    None => None,
                }
            }
            "attribute" => {
                self.imports.get(self.root_name(callee))?;
                Some(self.source.text(callee.child_by_field_name("attribute")?))
            }
            "subscript" => self.imported(callee.child_by_field_name("value")?),
            _ => None,
        }
    }

    /// The package that an imported name comes from; empty when it is relative or of the file itself.
    pub fn package(&self, callee: Node<'tree>) -> &'tree str {
        let import = self.imports.get(self.root_name(callee));
        import.map_or("", |import| import.from.split('.').next().unwrap_or_default())
    }

    /// The name that an expression such as `a.b(c).d` begins with.
    pub fn root_name(&self, node: Node<'tree>) -> &'tree str {
        let text = self.source.text(node);
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
        text.get(..end).unwrap_or_default()
    }

    fn defines(&self, name: &str) -> bool {
        self.functions.contains_key(name) || self.classes.contains_key(name) || self.values.contains_key(name)
    }

    /// Whether anything is imported from one of these packages.
    pub fn imports_from(&self, packages: &[&str]) -> bool {
        let mut roots = self.imports.values().map(|import| import.from.split('.').next());
        roots.any(|root| root.is_some_and(|root| packages.contains(&root)))
    }

    /// What an expression such as `a.b` stands for in another module, in each way it may be meant.
    pub fn wanted(&self, node: Node<'tree>) -> Vec<Wanted> {
        let text: String = self.source.text(node).split_whitespace().collect();
        self.wanted_name(&text)
    }

    /// What a name or a dotted name stands for in another module.
    pub fn wanted_name(&self, text: &str) -> Vec<Wanted> {
        let (root, rest) = text.split_once('.').unwrap_or((text, ""));
        if let Some(import) = self.imports.get(root) {
            let member = self.wanted_import(import, rest);
            // The root may be a module itself, and so may what follows it.
            let parts: Vec<&str> = rest.split('.').filter(|part| !part.is_empty()).take(DOTS_MAX).collect();
            let inside = (0..parts.len()).filter_map(|at| parts.split_at_checked(at));
            let inside = inside.map(|(path, name)| self.wanted_module(import, path, name));
            return member.into_iter().chain(inside).collect();
        }
        if self.defines(root) {
            return Vec::new();
        }
        let stars = self.stars.iter().map(|from| {
            let (module, exact) = self.resolved(from);
            Wanted { module, exact, name: text.to_owned(), importer: self.parts.clone() }
        });
        stars.collect()
    }

    fn wanted_import(&self, import: &Import<'_>, member: &str) -> Option<Wanted> {
        if import.name.is_empty() {
            return None;
        }
        let (module, exact) = self.resolved(import.from);
        let name =
            if member.is_empty() { import.name.to_owned() } else { format!("{}.{member}", import.name) };
        Some(Wanted { module, exact, name, importer: self.parts.clone() })
    }

    fn wanted_module(&self, import: &Import<'_>, path: &[&str], name: &[&str]) -> Wanted {
        let (mut module, exact) = self.resolved(import.from);
        let more = [import.name].into_iter().filter(|part| !part.is_empty()).chain(path.iter().copied());
        module.extend(more.map(str::to_owned));
        Wanted { module, exact, name: name.join("."), importer: self.parts.clone() }
    }

    /// The parts of a module as an import names it, and whether they are all of them.
    fn resolved(&self, from: &str) -> (Vec<String>, bool) {
        let name = from.trim_start_matches('.');
        let dots = from.len() - name.len();
        // The project's folder may be a package that contains all of it.
        let inside = name.strip_prefix(self.root).and_then(|rest| rest.strip_prefix('.'));
        if let Some(inside) = inside.filter(|_| dots == 0 && !self.root.is_empty()) {
            return (inside.split('.').map(str::to_owned).collect(), false);
        }
        let mut parts = if dots == 0 { Vec::new() } else { self.folder.clone() };
        parts.truncate(parts.len().saturating_sub(dots.saturating_sub(1)));
        parts.extend(name.split('.').filter(|part| !part.is_empty()).map(str::to_owned));
        (parts, dots > 0)
    }

    /// The packages that are imported with absolute names, and where; of some the second part says more.
    pub fn packages(&self) -> BTreeMap<String, u32> {
        let absolute = self.imports.values().filter(|import| !import.from.starts_with('.'));
        let named = absolute.map(|import| {
            let whole = format!("{}.{}", import.from, import.name);
            let mut parts = whole.split('.');
            let package = match (parts.next(), parts.next()) {
                (Some("google"), Some(part)) => format!("google.{part}"),
                (first, _) => first.unwrap_or_default().to_owned(),
            };
            (package, import.line)
        });
        let stars = self.stars.iter().filter_map(|from| from.split('.').next());
        let mut packages = BTreeMap::new();
        for (package, line) in named.chain(stars.map(|package| (package.to_owned(), 1))) {
            let first = packages.entry(package).or_insert(line);
            *first = line.min(*first);
        }
        packages.remove("");
        packages
    }

    /// What is known of the whole project.
    pub fn known(&self) -> &'tree Known {
        self.known
    }

    /// Whether a fact is known. What is not may be known after all files are read, and then this one is read again.
    pub fn asks(&self, fact: Fact, wanted: &Wanted) -> bool {
        let known = self.known.answers(fact, wanted);
        if !known {
            self.asked.borrow_mut().insert((fact, wanted.clone()));
        }
        known
    }

    /// What was asked in vain.
    pub fn into_asked(self) -> BTreeSet<(Fact, Wanted)> {
        self.asked.into_inner()
    }

    /// The class and the package that the object of a call comes from.
    pub fn maker(&self, value: Node<'tree>) -> Option<(String, String)> {
        let callee = value.child_by_field_name("function").filter(|_| value.kind() == "call")?;
        Some((self.imported(callee)?.to_owned(), self.package(callee).to_owned()))
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

    /// The value of a name that is assigned once.
    pub fn only_value(&self, name: &str) -> Option<Node<'tree>> {
        match self.values(name) {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The functions of the file, methods excluded.
    pub fn all_functions(&self) -> impl Iterator<Item = (&'tree str, Node<'tree>)> {
        self.functions.iter().map(|(name, node)| (*name, *node))
    }

    /// The classes of the file.
    pub fn all_classes(&self) -> impl Iterator<Item = (&'tree str, Node<'tree>)> {
        self.classes.iter().map(|(name, node)| (*name, *node))
    }

    /// What is assigned in the file.
    pub fn all_values(&self) -> impl Iterator<Item = (&'tree str, &[Node<'tree>])> {
        self.values.iter().map(|(name, nodes)| (*name, nodes.as_slice()))
    }

    /// Every name that the file has, `*` for all those of another.
    pub fn all_names(&self) -> impl Iterator<Item = &'tree str> {
        let defined = self.functions.keys().chain(self.classes.keys()).chain(self.values.keys());
        defined.chain(self.imports.keys()).copied().chain((!self.stars.is_empty()).then_some("*"))
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
