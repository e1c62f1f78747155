//! A file: sorts its statements into settings of the daemon, variables, agents, blocks that all agents
//! share, and the flat rules that make one anonymous agent.

use std::collections::BTreeMap;

use faramesh_program::image::{IdentityProvider, Manifest, Provider, Runtime, System, TrustKey};
use faramesh_syntax::ast::{Body, Item, Span, Spanned};

use crate::blocks::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, AGENT, Definition, FILE, Label, Status};
use crate::imports::Kind;
use crate::members::{Owner, keyword};
use crate::scope::Scope;
use crate::stack::{Agent, Blocks, Stack};

/// Most further places that one message shows.
const LABELS: usize = 8;
/// Blocks of agents that all agents of a file share when they stand outside of them.
const SHARED: &[&str] = &["selector", "phase", "alert"];

/// What a file declares around its agents.
#[derive(Debug, Default)]
struct World {
    system: Option<System>,
    providers: Vec<Provider>,
    trust: Vec<TrustKey>,
    manifest: Manifest,
    names: Names,
    /// Packs that the file describes for others.
    packs: Vec<Span>,
}

impl Checker<'_> {
    /// The stack of a file. It is whole only if no error was reported.
    pub fn file(&mut self, body: &Body) -> Stack {
        self.library.files = vec![self.options.file_name.clone()];
        self.imports(body);
        let scope = self.scope(&Scope::default(), body.items.iter());
        let has_agents = body.items.iter().any(|item| keyword(item).0 == "agent");
        let mut world = World::default();
        let mut shared = Agent::empty();
        let mut shared_names = Names::default();
        let mut flat = Vec::new();
        let mut outside: Vec<(&str, Span)> = Vec::new();
        for item in &body.items {
            let (word, span) = keyword(item);
            if let Some(definition) = definitions::find(FILE, word) {
                self.file_statement(definition, item, &mut world);
            } else if let Some(definition) = definitions::find(AGENT, word) {
                if !has_agents && word != "attest" {
                    flat.push(item);
                } else if SHARED.contains(&word) {
                    match Block::of(definition, item) {
                        Some(block) => self.agent_part(&mut shared.blocks, &mut shared_names, block, &scope),
                        None => _ = self.spelling(definition, item),
                    }
                } else {
                    outside.push((word, span));
                }
            } else {
                self.unknown(Owner::of("", FILE), item);
            }
        }
        self.outside_of_agents(&outside);
        if has_agents || !flat.is_empty() {
            self.packs_beside_agents(&world.packs);
        }
        let runtime = self.runtime_block(body);
        let identities = self.identities(body);
        let mut agents = self.agents(body, &flat, &scope, &shared.blocks);
        self.profile_of_framework(&mut agents);
        let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        let providers: Vec<&str> = world.names.of("provider");
        self.look_up_references(&names, &providers);
        self.look_up_requirements();
        self.protections(&runtime, self.proves_from_afar);
        self.places_of_sinks(&runtime.wal_dir);
        self.unused_imports();
        Stack {
            files: std::mem::take(&mut self.library.files),
            runtime,
            system: world.system.unwrap_or_default(),
            identities,
            providers: world.providers,
            trust: world.trust,
            manifest: world.manifest,
            imports: self.library.imports(),
            agents,
            is_pack: !world.packs.is_empty(),
        }
    }

    fn file_statement(&mut self, definition: &'static Definition, item: &Spanned<Item>, world: &mut World) {
        let (word, span) = keyword(item);
        if definition.status == Status::NotYet {
            self.not_yet(word, span);
        }
        if word == "manifest" {
            return self.manifest(item, &mut world.names, &mut world.manifest);
        }
        let Some(block) = Block::of(definition, item) else {
            // A setting where a block or statement of that name belongs.
            if matches!(item.node, Item::Setting { .. } | Item::Block { .. }) {
                self.spelling(definition, item);
            }
            return;
        };
        match word {
            "provider" => world.providers.extend(self.provider(block, &mut world.names)),
            "trust" => self.trust(block, &mut world.trust),
            "system" => {
                if world.system.is_some() {
                    self.say(codes::DUPLICATE_KEY, span, "`system` is written twice", "keep one of the two");
                } else {
                    world.system = Some(self.system(block));
                }
            }
            // By itself a pack decides nothing: what is wrong in it is said, and that is all.
            "pack" => {
                world.packs.push(span);
                let body = Body { items: vec![item.clone()] };
                self.pack_as_written(&body, "");
            }
            _ => {}
        }
    }

    /// Agents without a framework of their own have that of the one profile that is imported.
    fn profile_of_framework(&self, agents: &mut [Agent]) {
        let mut profiles = self.imports.values().filter_map(|imported| imported.pack.framework());
        let (Some(framework), None) = (profiles.next(), profiles.next()) else { return };
        for agent in agents {
            if agent.metadata.iter().all(|(key, _)| key != "framework") {
                agent.metadata.insert(0, ("framework".to_owned(), framework.clone()));
            }
        }
    }

    fn unused_imports(&mut self) {
        let unused: Vec<(String, Span)> = self
            .imports
            .iter()
            .filter(|(_, imported)| {
                !imported.used && imported.pack.kind == Kind::Policy && imported.pack.sound
            })
            .map(|(alias, imported)| (alias.clone(), imported.span))
            .collect();
        for (alias, span) in unused {
            let message = format!("no agent uses the pack `{alias}`, so its rules have no effect");
            self.say(
                codes::UNUSED_IMPORT,
                span,
                message,
                format!("write `use {alias}` in an agent, or remove the import"),
            );
        }
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

    /// Whoever writes a pack into a stack means its rules to count, and they do not.
    fn packs_beside_agents(&mut self, packs: &[Span]) {
        for span in packs {
            let message = "a pack stands beside agents, and its rules govern none of them";
            let help =
                "move it into a file of its own that this one imports; an agent takes its rules with `use`";
            self.say(codes::MISPLACED, *span, message, help);
        }
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
            let definition = definitions::find(FILE, "identity").filter(|_| keyword(item).0 == "identity");
            let Some(block) = definition.and_then(|definition| Block::of(definition, item)) else { continue };
            self.declares_identity = true;
            let Some(label) = self.label(Label::Required, block.keyword, block.labels) else { continue };
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
            identities.extend(self.identity(block, &label.node));
        }
        identities
    }

    fn agents(&mut self, body: &Body, flat: &[&Spanned<Item>], scope: &Scope, shared: &Blocks) -> Vec<Agent> {
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
            let mut agent = self.agent(&items, scope, shared);
            agent.name.clone_from(&label.node);
            agent.span = label.span;
            agents.push(agent);
        }
        if let Some(first) = flat.first() {
            let mut agent = self.agent(flat, scope, shared);
            "anonymous".clone_into(&mut agent.name);
            agent.anonymous = true;
            agent.span = keyword(first).1;
            agents.push(agent);
        }
        agents
    }
}
