//! An agent: its own statements, or those of a file without agent blocks.

use std::collections::BTreeMap;

use faramesh_program::image::NextPhase;
use faramesh_syntax::ast::{Item, Name, Span, Spanned, Value};

use crate::blocks::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, AGENT, Definition, Label, Status};
use crate::members::{Owner, keyword};
use crate::scope::Scope;
use crate::stack::{Agent, Blocks};

/// Notes that change nothing, in the order in which a program keeps them.
const METADATA: &[&str] = &["framework", "model", "version"];
/// Blocks of which an agent has several.
const SEVERAL: &[&str] = &["budget", "delegate", "phase", "credential", "selector", "alert"];

impl Checker<'_> {
    /// An agent of these statements; its name is for the caller to set.
    pub fn agent(&mut self, items: &[&Spanned<Item>], outer: &Scope, shared: &Blocks) -> Agent {
        // A flat agent's variables are the file's, which are in `outer` already.
        let scope = if items.iter().any(|item| matches!(keyword(item).0, "var" | "selector")) {
            self.scope(outer, items.iter().copied())
        } else {
            outer.clone()
        };
        let mut agent = Agent::empty();
        let mut settings: BTreeMap<&str, Span> = BTreeMap::new();
        let mut names = Names::default();
        let mut uses = Vec::new();
        for item in items {
            let (word, span) = keyword(item);
            let Some(definition) = definitions::find(AGENT, word) else {
                self.unknown(Owner::of("agent", AGENT), item);
                continue;
            };
            if definition.status == Status::NotYet {
                self.not_yet(word, span);
            }
            match &item.node {
                Item::Rule(rule) => agent.rules.extend(self.rule(rule, item.span, &scope)),
                Item::Rules(rules) => {
                    for rule in rules {
                        agent.rules.extend(self.rule(&rule.node, rule.span, &scope));
                    }
                }
                Item::Redact { tool, target, paths, seal, by } => {
                    agent.redactions.extend(self.redaction(tool, target, paths, *seal, by.as_ref()));
                }
                Item::RateLimit { pattern, count, period, options } => {
                    agent.blocks.rate_limits.extend(self.rate_limit(pattern, count, period, options));
                }
                Item::Use { alias, overrides } => uses.push((alias, overrides.as_ref(), item.span)),
                Item::Setting { key, value } if self.is_first(&mut settings, key) => {
                    self.agent_setting(&mut agent, definition, item, value);
                }
                Item::Block { keyword, .. }
                    if SEVERAL.contains(&word) || self.is_first(&mut settings, keyword) =>
                {
                    self.agent_block(&mut agent, &mut names, definition, item, &scope);
                }
                _ => {}
            }
        }
        self.agent_references(&names, &agent.blocks, shared);
        // The agent's own rules match first, wherever `use` stands.
        for (alias, overrides, span) in uses {
            self.use_pack(&mut agent, alias, overrides, span, &scope);
        }
        share(&mut agent.blocks, shared);
        agent.metadata.sort_by_key(|(key, _)| METADATA.iter().position(|known| known == key));
        agent
    }

    /// Reports budgets and phases that are named and do not exist.
    fn agent_references(&mut self, names: &Names, own: &Blocks, shared: &Blocks) {
        let budgets = names.of("budget");
        for budget in std::mem::take(&mut self.inherited_budgets) {
            let known: Vec<String> = budgets.iter().map(|id| format!("budget.{id}")).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let help = format!("declare it: `budget {} {{ … }}`", budget.node);
            self.look_up("budget", &format!("budget.{}", budget.node), budget.span, &known, &help);
        }
        let mut phases = names.of("phase");
        phases.extend(shared.phases.iter().map(|phase| phase.name.as_str()));
        let mut in_circle = false;
        for phase in std::mem::take(&mut self.next_phases) {
            let help = "write `next = \"enforce\"`";
            self.look_up("phase", &phase.node, phase.span, &phases, help);
            if !in_circle && comes_back(&phase.node, own, shared) {
                let message = format!("phase `{}` follows itself, so none of its phases begins", phase.node);
                self.say(codes::WRONG_VALUE, phase.span, message, help);
                in_circle = true;
            }
        }
    }

    fn is_first<'b>(&mut self, seen: &mut BTreeMap<&'b str, Span>, key: &'b Name) -> bool {
        let Some(first) = seen.insert(&key.node, key.span) else { return true };
        self.report(
            codes::DUPLICATE_KEY
                .at(key.span, format!("`{}` is written twice", key.node))
                .with_help("keep one of the two")
                .with_label(first, "the first one"),
        );
        false
    }

    fn agent_setting(
        &mut self,
        agent: &mut Agent,
        definition: &'static Definition,
        item: &Spanned<Item>,
        value: &Spanned<Value>,
    ) {
        if !self.spelling(definition, item) {
            return;
        }
        if definition.keyword == "default" {
            agent.default = self.effect_setting("default", value);
        } else if METADATA.contains(&definition.keyword)
            && let Some(text) = self.text(Some(value))
        {
            agent.metadata.push((definition.keyword.to_owned(), text.node));
        }
    }

    fn agent_block(
        &mut self,
        agent: &mut Agent,
        names: &mut Names,
        definition: &'static Definition,
        item: &Spanned<Item>,
        scope: &Scope,
    ) {
        match Block::of(definition, item) {
            Some(block) if definition.keyword == "attest" => {
                self.label(Label::None, block.keyword, block.labels);
                agent.attest = self.attest(block.keyword, block.body);
            }
            Some(block) => self.agent_part(&mut agent.blocks, names, block, scope),
            None => {
                self.spelling(definition, item);
            }
        }
    }
}

/// Whether the phases after one come back to it.
fn comes_back(name: &str, own: &Blocks, shared: &Blocks) -> bool {
    let phases = || own.phases.iter().chain(&shared.phases);
    let mut at = name;
    for _ in 0..phases().count() {
        let found = phases().find(|phase| phase.name == at).and_then(|phase| phase.next.as_ref());
        let Some(NextPhase::Phase(next)) = found else { return false };
        if next == name {
            return true;
        }
        at = next;
    }
    false
}

/// Adds what the file shares among its agents and this one does not have itself.
fn share(own: &mut Blocks, shared: &Blocks) {
    for selector in &shared.selectors {
        if own.selectors.iter().all(|known| known.name != selector.name) {
            own.selectors.push(selector.clone());
        }
    }
    for phase in &shared.phases {
        if own.phases.iter().all(|known| known.name != phase.name) {
            own.phases.push(phase.clone());
        }
    }
    for alert in &shared.alerts {
        if alert.name.is_none() || own.alerts.iter().all(|known| known.name != alert.name) {
            own.alerts.push(alert.clone());
        }
    }
}
