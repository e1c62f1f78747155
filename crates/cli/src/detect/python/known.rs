//! What is known of all the Python files of a project that were read so far.

use std::collections::{BTreeMap, BTreeSet};

use super::module::Module;
use super::{class, literal};
use crate::detect::index::{Index, Wanted};

/// Facts about modules, each looked up by name.
#[derive(Debug, Default)]
pub struct Known {
    /// Strings that a name or a member of a class stands for.
    pub constants: Index<String>,
    /// The fields of classes.
    pub fields: Index<Vec<String>>,
    /// Classes that derive from a framework's tool class.
    pub tool_classes: Index<()>,
    /// Functions and classes.
    pub own: Index<()>,
    /// Everything that a module has a name for, imports among it.
    pub names: Index<()>,
    /// The class whose object a variable is, with the package it comes from.
    pub made: Index<(String, String)>,
    /// The names that objects are given where they are made.
    pub given: Index<String>,
    /// The modules there are, under one name.
    pub modules: BTreeSet<Vec<String>>,
    /// Names that other modules hand over as tools, by module.
    pub handed: BTreeMap<Vec<String>, BTreeSet<String>>,
}

/// A kind of fact that a file asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// A string.
    Constant,
    /// The fields of a class.
    Fields,
    /// Whether a class is a tool class.
    ToolClass,
    /// Whether a function or class is the project's own.
    Own,
    /// What a variable is an object of.
    Made,
    /// The name of an object.
    Given,
}

impl Known {
    /// Whether there is an answer.
    pub fn answers(&self, fact: Fact, wanted: &Wanted) -> bool {
        match fact {
            Fact::Constant => self.constants.get(wanted).is_some(),
            Fact::Fields => self.fields.get(wanted).is_some(),
            Fact::ToolClass => self.tool_classes.get(wanted).is_some(),
            Fact::Own => self.own.get(wanted).is_some(),
            Fact::Made => self.made.get(wanted).is_some(),
            Fact::Given => self.given.get(wanted).is_some(),
        }
    }

    /// The module that has a name, or takes every name of another one.
    pub fn home(&self, wanted: &Wanted) -> Option<Vec<String>> {
        let found = self.names.nearest(wanted, wanted.owner()).or_else(|| self.names.nearest(wanted, "*"));
        found.map(|(module, _)| module.to_vec())
    }

    /// Whether a package is one of the project's own folders or files.
    pub fn is_top(&self, package: &str) -> bool {
        let top = package.split('.').next().unwrap_or(package);
        self.modules.iter().any(|module| module.first().is_some_and(|first| first == top))
    }

    /// Whether a name is a module of the project.
    pub fn is_module(&self, wanted: &Wanted) -> bool {
        let mut path = wanted.module.clone();
        path.extend(wanted.name.split('.').map(str::to_owned));
        self.modules.iter().any(|module| if wanted.exact { *module == path } else { module.ends_with(&path) })
    }

    /// Keeps what was learned of a module.
    pub fn keep(&mut self, module: &[String], learned: Vec<(String, Learned)>) {
        self.modules.insert(module.to_vec());
        for (name, learned) in learned {
            match learned {
                Learned::Constant(text) => self.constants.insert(module, &name, text),
                Learned::Fields(fields) => self.fields.insert(module, &name, fields),
                Learned::ToolClass => self.tool_classes.insert(module, &name, ()),
                Learned::Own => self.own.insert(module, &name, ()),
                Learned::Name => self.names.insert(module, &name, ()),
                Learned::Made(class, package) => self.made.insert(module, &name, (class, package)),
                Learned::Given(given) => self.given.insert(module, &name, given),
            }
        }
    }
}

/// A fact about a name of a module.
#[derive(Debug)]
pub enum Learned {
    /// The string that it stands for.
    Constant(String),
    /// The fields of the class.
    Fields(Vec<String>),
    /// It is a tool class.
    ToolClass,
    /// It is defined there.
    Own,
    /// It is known there.
    Name,
    /// What it is an object of, and the package of that.
    Made(String, String),
    /// The name that the object is given.
    Given(String),
}

/// The facts about a module.
pub fn facts(module: &Module<'_>) -> Vec<(String, Learned)> {
    let mut facts = Vec::new();
    let mut learn = |name: &str, learned: Learned| facts.push((name.to_owned(), learned));
    for (name, _) in module.all_functions() {
        learn(name, Learned::Own);
    }
    for (name, node) in module.all_classes() {
        learn(name, Learned::Own);
        learn(name, Learned::Fields(literal::fields(module, node)));
        if class::is_tool_class(module, node) {
            learn(name, Learned::ToolClass);
        }
        for (member, text) in literal::class_strings(module, node) {
            learn(&format!("{name}.{member}"), Learned::Constant(text));
        }
    }
    for name in module.all_names() {
        learn(name, Learned::Name);
    }
    for (name, values) in module.all_values() {
        let [only] = values else { continue };
        if let Some(text) = literal::written_string(module, *only) {
            learn(name, Learned::Constant(text));
        }
        if let Some((class, package)) = module.maker(*only) {
            learn(name, Learned::Made(class, package));
            if let Some(given) = literal::object_name(module, *only) {
                learn(name, Learned::Given(given));
            }
        }
    }
    facts
}
