//! The blocks of an agent beside its rules: which one is read where, and what has to be unique. Each
//! family of blocks has a file of its own.

mod budget;
mod delegate;
mod limits;
mod network;
mod phase;
mod secrets;

use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{Definition, Label, Shape};
use crate::members::{Owner, Settings, keyword};
use crate::scope::Scope;
use crate::stack::Blocks;

/// One block of the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'b> {
    pub definition: &'static Definition,
    pub keyword: &'b Name,
    pub labels: &'b [Spanned<String>],
    pub body: &'b Body,
}

impl<'b> Block<'b> {
    /// The block that a statement is, if it is one.
    pub fn of(definition: &'static Definition, item: &'b Spanned<Item>) -> Option<Self> {
        match (&item.node, definition.shape) {
            (Item::Block { keyword, labels, body }, Shape::Block { .. }) => {
                Some(Self { definition, keyword, labels, body })
            }
            _ => None,
        }
    }
}

/// Names that blocks of one kind have, each with its place.
#[derive(Debug, Default)]
pub(crate) struct Names {
    found: Vec<(&'static str, String, Span)>,
}

impl Names {
    /// Notes a name; the place where it stands already, if it does.
    pub fn add(&mut self, kind: &'static str, name: &str, span: Span) -> Option<Span> {
        let first = self.found.iter().find(|(other, known, _)| *other == kind && known == name);
        let first = first.map(|(_, _, span)| *span);
        if first.is_none() {
            self.found.push((kind, name.to_owned(), span));
        }
        first
    }

    /// The names of one kind.
    pub fn of(&self, kind: &str) -> Vec<&str> {
        self.found.iter().filter(|(other, ..)| *other == kind).map(|(_, name, _)| name.as_str()).collect()
    }
}

impl Checker<'_> {
    /// The settings of a block, its name checked, and the name.
    pub(crate) fn block<'b>(&mut self, block: Block<'b>) -> (Settings<'b>, Option<&'b Spanned<String>>) {
        let Shape::Block { label, members, open } = block.definition.shape else {
            return (Settings::default(), None);
        };
        let name = self.label(label, block.keyword, block.labels);
        let name = name.filter(|_| label != Label::None);
        // What is inside a block that is not enforced is not enforced with it.
        let status = block.definition.status;
        let owner = Owner { keyword: block.definition.keyword, members, open, status };
        (self.settings(owner, block.body), name)
    }

    /// Whether a name is new among those of its kind; reports if not.
    pub(crate) fn is_new(&mut self, names: &mut Names, kind: &'static str, name: &str, span: Span) -> bool {
        let Some(first) = names.add(kind, name, span) else { return true };
        self.report(
            codes::DUPLICATE_BLOCK
                .at(span, format!("there are two `{kind}` blocks for `{name}`"))
                .with_help("join the two, or rename one of them")
                .with_label(first, "the first one"),
        );
        false
    }

    /// Reads one block of an agent into `blocks`.
    pub(crate) fn agent_part(
        &mut self,
        blocks: &mut Blocks,
        names: &mut Names,
        block: Block<'_>,
        scope: &Scope,
    ) {
        match block.definition.keyword {
            "budget" => blocks.budgets.extend(self.budget(block, names, scope)),
            "egress" => blocks.egress = Some(self.egress(block)),
            "model_policy" => blocks.model_policy = Some(self.model_policy(block)),
            "session" => blocks.session = self.session_limits(block),
            "spawn" => blocks.spawn = self.spawn(block),
            "delegate" => blocks.delegates.extend(self.delegate(block, names, scope)),
            "phase" => blocks.phases.extend(self.phase(block, names, scope)),
            "completion_gate" => blocks.completion_gate = self.completion_gate(block),
            "credential" => blocks.credentials.extend(self.credential(block, names)),
            "selector" => blocks.selectors.extend(self.selector(block, names)),
            "ambient" => blocks.ambient = self.ambient(block, scope),
            "enforcement" => blocks.enforcement = Some(self.enforcement(block)),
            "alert" => blocks.alerts.extend(self.alert(block)),
            _ => {}
        }
    }

    /// A key that a block needs, reported when it is not there.
    pub(crate) fn needs(&mut self, block: Block<'_>, keys: &[&str], example: &str) -> bool {
        let Shape::Block { members, open, .. } = block.definition.shape else { return false };
        // A key with a wrong value is there, and one that is misspelt may be it; each was reported.
        let found = block.body.items.iter().any(|item| {
            let (word, _) = keyword(item);
            keys.contains(&word) || !open && crate::definitions::find(members, word).is_none()
        });
        if !found {
            let keyword = &block.keyword.node;
            let keys = crate::definitions::one_of(keys);
            let message = format!("this `{keyword}` has no {keys}");
            self.say(codes::MISSING_KEY, block.keyword.span, message, format!("write `{example}`"));
        }
        found
    }

    /// Reports two keys that say different things about one.
    pub(crate) fn conflict(&mut self, first: (&str, Span), second: (&str, Span)) {
        self.report(
            codes::CONFLICTING_KEYS
                .at(second.1, format!("`{}` and `{}` say different things", first.0, second.0))
                .with_help("they mean the same; keep one of the two")
                .with_label(first.1, "the other one"),
        );
    }
}
