//! What a policy declares and where it names it: agents, variables, imports, providers, phases, budgets,
//! selectors. Definitions, references, renaming and half of completion read this.
//!
//! Scopes nest as agents and packs do; a name is looked for from the inside out. It is made from the
//! typed view, so a statement that does not parse is not in it.

use std::collections::HashMap;

use faramesh_syntax::ast::{Body, Span};

mod reading;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `agent "x" { … }`
    Agent,
    /// `var x = …`
    Variable,
    /// `selector "x" { … }`
    Selector,
    /// `import "…" as x`
    Import,
    /// `provider "x" { … }`
    Provider,
    /// `phase "x" { … }`
    Phase,
    /// `budget "x" { … }`
    Budget,
}

/// A name and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// What it stands for.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// Where the name is written, quotes included.
    pub name_span: Span,
    /// The whole statement.
    pub span: Span,
    /// Where its value is written, for a variable.
    pub value: Option<Span>,
    scope: usize,
}

/// A place that names something, whether it exists or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    kinds: &'static [Kind],
    /// The name.
    pub name: String,
    /// Where it is written, quotes included.
    pub span: Span,
    scope: usize,
}

/// Declarations and references, each in the order of the source.
#[derive(Debug, Default)]
pub struct Outline {
    /// Every name that is given.
    pub declarations: Vec<Declaration>,
    /// Every name that is used.
    pub references: Vec<Reference>,
    /// Tool patterns, each once.
    pub patterns: Vec<String>,
    /// Names of conditions that are no builtins, members included: arguments and variables.
    pub paths: Vec<Vec<String>>,
    /// The span of each scope, and the scope around it; the first is the file.
    scopes: Vec<(Span, Option<usize>)>,
    /// Declarations by their name.
    named: HashMap<String, Vec<usize>>,
}

const AGENTS: &[Kind] = &[Kind::Agent];
const READ: &[Kind] = &[Kind::Variable, Kind::Selector];

/// Keys whose texts name something declared elsewhere: the block, the key, and what is named.
const NAMING_KEYS: &[(&str, &str, &[Kind])] = &[
    ("spawn", "allow", AGENTS),
    ("spawn", "allowed_types", AGENTS),
    ("delegate", "to", AGENTS),
    ("delegate", "target_agent", AGENTS),
    ("credential", "backend", &[Kind::Provider]),
    ("phase", "next", &[Kind::Phase]),
    ("delegate", "inherits", &[Kind::Budget]),
];

/// What the texts of a key name.
pub fn named_by(block: &str, key: &str) -> &'static [Kind] {
    NAMING_KEYS.iter().find(|(in_block, of, _)| *in_block == block && *of == key).map_or(&[], |found| found.2)
}

impl Outline {
    /// Reads a file.
    pub fn of(body: &Body) -> Self {
        let whole = Span { start: 0, end: u32::MAX };
        let mut outline = Self { scopes: vec![(whole, None)], ..Self::default() };
        outline.body(body, "", 0);
        outline.patterns.sort_unstable();
        outline.patterns.dedup();
        outline.paths.sort_unstable();
        outline.paths.dedup();
        outline
    }

    /// The declaration that a reference means.
    pub fn resolve(&self, reference: &Reference) -> Option<&Declaration> {
        self.find(reference.kinds, &reference.name, reference.scope)
    }

    fn find(&self, kinds: &[Kind], name: &str, scope: usize) -> Option<&Declaration> {
        let named = self.named.get(name)?;
        let mut at = Some(scope);
        // Scopes are as deep as blocks nest, which the parser bounds.
        while let Some(scope) = at {
            let found = kinds.iter().find_map(|kind| {
                let mut all = named.iter().filter_map(|&index| self.declarations.get(index));
                all.find(|one| one.kind == *kind && one.scope == scope)
            });
            if found.is_some() {
                return found;
            }
            at = self.scopes.get(scope).and_then(|(_, outer)| *outer);
        }
        None
    }

    /// The reference at an offset.
    pub fn reference_at(&self, offset: u32) -> Option<&Reference> {
        self.references.iter().find(|reference| touches(reference.span, offset))
    }

    /// The declaration that is named at an offset, by itself or by a reference.
    pub fn declaration_at(&self, offset: u32) -> Option<&Declaration> {
        if let Some(reference) = self.reference_at(offset) {
            return self.resolve(reference);
        }
        self.declarations.iter().find(|declaration| touches(declaration.name_span, offset))
    }

    /// The references that mean a declaration.
    pub fn references_to<'o>(&'o self, declaration: &'o Declaration) -> impl Iterator<Item = &'o Reference> {
        self.references.iter().filter(move |reference| {
            reference.name == declaration.name && self.resolve(reference) == Some(declaration)
        })
    }

    /// What of a kind can be named at an offset; an inner name hides an outer one.
    pub fn visible(&self, kind: Kind, offset: u32) -> impl Iterator<Item = &Declaration> {
        let inside =
            |(_, (span, _)): &(usize, &(Span, Option<usize>))| span.start <= offset && offset < span.end;
        let scope = self.scopes.iter().enumerate().rfind(inside).map_or(0, |(index, _)| index);
        self.declarations.iter().filter(move |one| {
            one.kind == kind
                && self.find(&[kind], &one.name, scope).is_some_and(|found| std::ptr::eq(found, *one))
        })
    }

    /// Whether a declaration holds in the whole file, and not in one agent only.
    pub fn is_of_file(&self, declaration: &Declaration) -> bool {
        declaration.scope == 0
    }

    /// Whether `name` is read, or declared, where `declaration` is visible.
    pub fn is_taken(&self, name: &str, declaration: &Declaration) -> bool {
        let covers = |mut scope: usize| loop {
            if scope == declaration.scope {
                return true;
            }
            match self.scopes.get(scope).and_then(|(_, outer)| *outer) {
                Some(outer) => scope = outer,
                None => return false,
            }
        };
        let declared = self
            .declarations
            .iter()
            .any(|one| one.name == name && READ.contains(&one.kind) && (covers(one.scope) || one.scope == 0));
        let read = |one: &Reference| one.name == name && one.kinds == READ && covers(one.scope);
        declared || self.references.iter().any(read)
    }
}

fn touches(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::index;

    const SOURCE: &str = r#"
import "github.com/faramesh/registry/policies/stripe@1.3.0" as stripe
var limit = 500
var hosts = ["a.example.com"]
agent "a" {
  var limit = 10
  use stripe { x = 1 }
  permit refund if amount < limit and vars.limit > 1
  spawn { allow = ["b"] }
}
agent "b" {
  permit refund if amount < limit and agent == "a" host hosts
  budget { id = "daily" max = 5 }
  delegate a { inherits = ["budget.daily"] }
}
"#;

    /// The declaration that the last of `needle`'s characters means, as its text.
    fn meant(needle: &str, skip: usize) -> Option<String> {
        let parse = faramesh_syntax::parse(SOURCE);
        assert!(!parse.has_errors(), "{:?}", parse.diagnostics());
        let outline = Outline::of(parse.ast());
        let at = SOURCE.match_indices(needle).nth(skip).unwrap().0 + needle.len() - 1;
        let found = outline.declaration_at(u32::try_from(at).unwrap())?;
        Some(SOURCE[index(found.span.start)..index(found.span.end)].lines().next().unwrap().to_owned())
    }

    #[test]
    fn names_mean_the_nearest_declaration() {
        for (needle, skip, expected) in [
            ("< limit", 0, Some("var limit = 10")),
            ("vars.limit", 0, Some("var limit = 10")),
            ("< limit", 1, Some("var limit = 500")),
            ("host hosts", 0, Some("var hosts = [\"a.example.com\"]")),
            (
                "use stripe",
                0,
                Some("import \"github.com/faramesh/registry/policies/stripe@1.3.0\" as stripe"),
            ),
            ("[\"b\"", 0, Some("agent \"b\" {")),
            ("agent == \"a\"", 0, Some("agent \"a\" {")),
            ("delegate a", 0, Some("agent \"a\" {")),
            ("\"budget.daily\"", 0, Some("budget { id = \"daily\" max = 5 }")),
            ("amount", 0, None),
        ] {
            assert_eq!(meant(needle, skip).as_deref(), expected, "{needle} {skip}");
        }
    }

    #[test]
    fn what_is_visible_hides_what_is_outside() {
        let parse = faramesh_syntax::parse(SOURCE);
        let outline = Outline::of(parse.ast());
        let inside = u32::try_from(SOURCE.find("permit refund").unwrap()).unwrap();
        let visible: Vec<_> = outline.visible(Kind::Variable, inside).map(|one| one.span).collect();
        let text = |span: &Span| &SOURCE[index(span.start)..index(span.end)];
        let visible: Vec<_> = visible.iter().map(text).collect();
        assert_eq!(visible, ["var hosts = [\"a.example.com\"]", "var limit = 10"]);
        assert_eq!(outline.patterns, ["refund"]);
    }
}
