//! What is known of all the TypeScript files of a project that were read so far.

use tree_sitter::Node;

use super::literal::{members, plain_string, schema_keys};
use super::module::Module;
use crate::detect::index::{Index, Wanted};
use crate::detect::source::{children, descendants};

/// Facts about modules, each looked up by name.
#[derive(Debug, Default)]
pub struct Known {
    /// Strings that a variable, or a member of an object or enumeration, stands for.
    pub constants: Index<String>,
    /// The names of the arguments that a schema has.
    pub schemas: Index<Vec<String>>,
    /// What the project itself defines.
    pub own: Index<()>,
}

/// A kind of fact that a file asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// A string.
    Constant,
    /// The arguments of a schema.
    Schema,
    /// Whether a function is the project's own.
    Own,
}

/// A fact about a name of a module.
#[derive(Debug)]
pub enum Learned {
    /// The string that it stands for.
    Constant(String),
    /// The arguments of the schema.
    Schema(Vec<String>),
    /// It is defined there.
    Own,
}

impl Known {
    /// Whether there is an answer.
    pub fn answers(&self, fact: Fact, wanted: &Wanted) -> bool {
        match fact {
            Fact::Constant => self.constants.get(wanted).is_some(),
            Fact::Schema => self.schemas.get(wanted).is_some(),
            Fact::Own => self.own.get(wanted).is_some(),
        }
    }

    /// Keeps what was learned of a module.
    pub fn keep(&mut self, module: &[String], learned: Vec<(String, Learned)>) {
        for (name, learned) in learned {
            match learned {
                Learned::Constant(text) => self.constants.insert(module, &name, text),
                Learned::Schema(keys) => self.schemas.insert(module, &name, keys),
                Learned::Own => self.own.insert(module, &name, ()),
            }
        }
    }
}

/// The facts about a module.
pub fn facts(module: &Module<'_>, root: Node<'_>) -> Vec<(String, Learned)> {
    let mut facts = Vec::new();
    for node in descendants(root) {
        if matches!(node.kind(), "function_declaration" | "class_declaration")
            && let Some(name) = node.child_by_field_name("name")
        {
            facts.push((module.source.text(name).to_owned(), Learned::Own));
        }
    }
    for (name, value) in module.all_values() {
        if matches!(value.kind(), "arrow_function" | "function_expression") {
            facts.push((name.to_owned(), Learned::Own));
        }
        if let Some(text) = plain_string(&module.source, value) {
            facts.push((name.to_owned(), Learned::Constant(text)));
        }
        for (member, text) in members(module, value) {
            facts.push((format!("{name}.{member}"), Learned::Constant(text)));
        }
        if matches!(value.kind(), "call_expression" | "object") && children(value).len() < 1_000 {
            let keys = schema_keys(module, value);
            if !keys.is_empty() {
                facts.push((name.to_owned(), Learned::Schema(keys)));
            }
        }
    }
    facts
}
