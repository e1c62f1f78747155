//! A file: sorts its statements into settings of the daemon, variables, agents, and the flat rules
//! that make one anonymous agent.

use std::collections::BTreeMap;

use faramesh_program::image::{IdentityProvider, Runtime};
use faramesh_syntax::ast::{Body, Item, Span, Spanned};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, AGENT, Definition, FILE, Label, Status};
use crate::members::{Owner, keyword};
use crate::scope::Scope;
use crate::stack::{Agent, Stack};

/// Most further places that one message shows.
const LABELS: usize = 8;

const OWNER: Owner = Owner { keyword: "", members: FILE, open: false, status: Status::Enforced };

impl Checker<'_> {
    /// The stack of a file. It is whole only if no error was reported.
    pub fn file(&mut self, body: &Body) -> Stack {
        let scope = self.scope(&Scope::default(), body.items.iter());
        let has_agents = body.items.iter().any(|item| keyword(item).0 == "agent");
        let mut flat = Vec::new();
        let mut outside: Vec<(&str, Span)> = Vec::new();
        for item in &body.items {
            let (word, span) = keyword(item);
            if let Some(definition) = definitions::find(FILE, word) {
                self.file_statement(definition, item);
            } else if let Some(definition) = definitions::find(AGENT, word) {
                if !has_agents && word != "attest" {
                    flat.push(item);
                } else if definition.status == Status::NotYet {
                    self.refuse(definition, item);
                } else {
                    outside.push((word, span));
                }
            } else {
                self.unknown(OWNER, item);
            }
        }
        self.outside_of_agents(&outside);
        Stack {
            file_name: self.options.file_name.clone(),
            runtime: self.runtime_block(body),
            identities: self.identities(body),
            agents: self.agents(body, &flat, &scope),
        }
    }

    /// A construct that is not enforced, its spelling checked.
    pub fn refuse(&mut self, definition: &'static Definition, item: &Spanned<Item>) {
        let (word, span) = keyword(item);
        self.not_yet.add(word, span);
        self.spelling(definition, item);
    }

    fn file_statement(&mut self, definition: &'static Definition, item: &Spanned<Item>) {
        match &item.node {
            Item::Import { path, .. } if !is_pinned(&path.node) => self.not_pinned(path),
            _ if definition.status == Status::NotYet => self.refuse(definition, item),
            // A setting where a block or statement of that name belongs.
            Item::Setting { .. } => {
                self.spelling(definition, item);
            }
            _ => {}
        }
    }

    fn not_pinned(&mut self, path: &Spanned<String>) {
        let (name, version) = path.node.split_once('@').unwrap_or((&path.node, ""));
        let message = if version.is_empty() {
            format!("the import `{name}` names no version")
        } else {
            format!("the import `{name}` is not pinned: `{version}` is no exact version")
        };
        let help = format!(
            "write an exact version, as in `{name}@1.3.0`, so that the policy never changes by itself"
        );
        self.say(codes::IMPORT_NOT_PINNED, path.span, message, help);
    }

    /// Statements of agents outside of the agent blocks of a file: one message for all of them.
    fn outside_of_agents(&mut self, outside: &[(&str, Span)]) {
        let (attests, others): (Vec<_>, Vec<_>) = outside.iter().partition(|(word, _)| *word == "attest");
        for (_, span) in attests {
            let help = "write `agent \"name\" { attest { … } … }`, or remove it";
            self.say(codes::MISPLACED, span, "`attest` stands outside of an agent block", help);
        }
        let Some(((word, first), rest)) = others.split_first() else { return };
        let what = if *word == "rules" { "this rule".to_owned() } else { format!("this `{word}`") };
        let help = "move it into an `agent \"name\" { … }` block; without any agent block, it would govern one agent \
                    without a name";
        let diagnostic = codes::MIXED_RULES
            .at(*first, format!("{what} stands outside of the agent blocks of this file"))
            .with_help(help);
        let labelled = rest.iter().take(LABELS);
        self.report(labelled.fold(diagnostic, |found, (_, span)| found.with_label(*span, "this as well")));
    }

    fn runtime_block(&mut self, body: &Body) -> Runtime {
        let mut first: Option<Span> = None;
        let mut runtime = Runtime::default();
        for item in &body.items {
            let Item::Block { keyword, labels, body } = &item.node else { continue };
            if keyword.node != "runtime" {
                continue;
            }
            if let Some(first) = first {
                self.report(
                    codes::DUPLICATE_KEY
                        .at(keyword.span, "`runtime` is written twice")
                        .with_help("put all of its keys into one block")
                        .with_label(first, "the first one"),
                );
                continue;
            }
            first = Some(keyword.span);
            self.label(Label::None, keyword, labels);
            runtime = self.runtime(body);
        }
        runtime
    }

    fn identities(&mut self, body: &Body) -> Vec<IdentityProvider> {
        let mut seen: Vec<(&str, Span)> = Vec::new();
        let mut identities = Vec::new();
        for item in &body.items {
            let Item::Block { keyword, labels, body } = &item.node else { continue };
            if keyword.node != "identity" {
                continue;
            }
            self.declares_identity = true;
            let Some(label) = self.label(Label::Required, keyword, labels) else { continue };
            if let Some((_, first)) = seen.iter().find(|(name, _)| *name == label.node) {
                self.report(
                    codes::DUPLICATE_IDENTITY
                        .at(label.span, format!("the identity provider `{}` is declared twice", label.node))
                        .with_help("rename or remove one of the two")
                        .with_label(*first, "the first one"),
                );
                continue;
            }
            seen.push((&label.node, label.span));
            identities.extend(self.identity(keyword, &label.node, body));
        }
        identities
    }

    fn agents(&mut self, body: &Body, flat: &[&Spanned<Item>], scope: &Scope) -> Vec<Agent> {
        let mut agents: Vec<Agent> = Vec::new();
        let mut first_of = BTreeMap::new();
        for item in &body.items {
            let Item::Block { keyword, labels, body } = &item.node else { continue };
            if keyword.node != "agent" {
                continue;
            }
            let Some(label) = self.label(Label::Required, keyword, labels) else { continue };
            if let Some(first) = first_of.insert(label.node.clone(), label.span) {
                self.report(
                    codes::DUPLICATE_AGENT
                        .at(label.span, format!("the agent `{}` is declared twice", label.node))
                        .with_help("join the two blocks, or rename one of them")
                        .with_label(first, "the first one"),
                );
                continue;
            }
            let items: Vec<&Spanned<Item>> = body.items.iter().collect();
            let mut agent = self.agent(&items, scope);
            agent.name.clone_from(&label.node);
            agent.span = label.span;
            agents.push(agent);
        }
        if let Some(first) = flat.first() {
            let mut agent = self.agent(flat, scope);
            "anonymous".clone_into(&mut agent.name);
            agent.anonymous = true;
            agent.span = keyword(first).1;
            agents.push(agent);
        }
        agents
    }
}

/// Whether a path ends in `@` and an exact version.
fn is_pinned(path: &str) -> bool {
    let Some((name, version)) = path.split_once('@') else { return false };
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = release.split('.').collect();
    let is_number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (*part == "0" || !part.starts_with('0'))
    };
    let rest = version.get(release.len()..).unwrap_or_default();
    let is_rest = rest.is_empty()
        || rest.len() > 1 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    !name.is_empty() && numbers.len() == 3 && numbers.iter().all(is_number) && is_rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_versions() {
        for (path, expected) in [
            ("github.com/a/b@1.3.0", true),
            ("a@0.0.1-rc.1", true),
            ("a@1.0.0+build", true),
            ("a@latest", false),
            ("a@1.3", false),
            ("a@^1.3.0", false),
            ("a@01.3.0", false),
            ("a@1.3.0-", false),
            ("a", false),
            ("@1.3.0", false),
        ] {
            assert_eq!(is_pinned(path), expected, "{path}");
        }
    }
}
