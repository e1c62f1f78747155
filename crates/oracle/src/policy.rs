//! A policy as text and parsed tree, and how it decides a call: `deny!` rules first, then the others
//! from top to bottom, then the default.

use std::cell::RefCell;
use std::collections::BTreeMap;

use faramesh_call::{Call, Effect, Timestamp, Value};
use faramesh_syntax::Parse;
use faramesh_syntax::ast::{self, Body, Item, Rule, Spanned};
use regex::Regex;

use crate::condition::Situation;
use crate::constant::{Environment, constant};
use crate::pattern;
use crate::truth::{Truth, Unknown};

/// A policy to interpret.
pub struct Policy<'a> {
    source: &'a str,
    parse: Parse,
    environment: Environment<'a>,
    regexes: RefCell<BTreeMap<String, Regex>>,
}

/// What happens with a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The effect.
    pub effect: Effect,
    /// The rule that decided; `None` for the default.
    pub rule: Option<Deciding>,
    /// How many conditions were unknown on the way, for an absence and for a type.
    pub unknowns: (usize, usize),
}

/// The rule that decided a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Deciding {
    /// The line where it begins, from 1.
    pub line: usize,
    /// The rule itself.
    pub rule: Rule,
    /// What its condition and clauses came to.
    pub truth: Truth,
}

/// One agent's part of a file.
#[derive(Default)]
struct Agent<'p> {
    rules: Vec<&'p Spanned<Item>>,
    blocks: Vec<&'p Vec<Spanned<Rule>>>,
    default: Option<&'p ast::Value>,
    variables: BTreeMap<String, Value>,
}

impl<'a> Policy<'a> {
    /// Parses a policy. `None` when it does not parse.
    #[must_use]
    pub fn new(source: &'a str, environment: &'a dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let parse = faramesh_syntax::parse(source);
        if parse.has_errors() {
            return None;
        }
        Some(Self { source, parse, environment, regexes: RefCell::default() })
    }

    /// The names of its agents; `anonymous` for that of flat rules.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        let named: Vec<String> = self.agent_blocks().map(|(name, _)| name.to_owned()).collect();
        if named.is_empty() { vec!["anonymous".to_owned()] } else { named }
    }

    fn agent_blocks(&self) -> impl Iterator<Item = (&str, &Body)> {
        self.parse.ast().items.iter().filter_map(|item| match &item.node {
            Item::Block { keyword, labels, body } if keyword.node == "agent" => {
                Some((labels.first().map_or("", |label| label.node.as_str()), body))
            }
            _ => None,
        })
    }

    /// Decides a call of an agent.
    #[must_use]
    pub fn decide(&self, agent: &str, call: &Call, now: Timestamp) -> Answer {
        let file = self.parse.ast();
        let mut view = Agent::default();
        self.variables(file, &mut view);
        match self.agent_blocks().find(|(name, _)| *name == agent) {
            Some((_, body)) => {
                self.variables(body, &mut view);
                view.read(body);
            }
            None => view.read(file),
        }
        let situation = Situation {
            source: self.source,
            environment: self.environment,
            variables: &view.variables,
            timezone: self.timezone(),
            agent,
            call,
            now,
            regexes: &self.regexes,
        };
        self.first_match(&view, &situation)
    }

    fn first_match(&self, view: &Agent<'_>, situation: &Situation<'_>) -> Answer {
        let all = view.all_rules();
        let is_mandatory = |rule: &Rule| rule.effect.node == ast::Effect::DenyAlways;
        let (first, then): (Vec<_>, Vec<_>) = all.into_iter().partition(|(rule, _)| is_mandatory(rule));
        let mut unknowns = (0, 0);
        for (rule, start) in first.into_iter().chain(then) {
            if !pattern::tool(&rule.pattern.node, &situation.call.tool) {
                continue;
            }
            let mut truth =
                rule.condition.as_ref().map_or(Truth::True, |condition| situation.condition(condition));
            for clause in &rule.clauses {
                truth = truth.and(situation.clause(&clause.node));
            }
            match truth {
                Truth::Unknown(Unknown::Absent) => unknowns.0 += 1,
                Truth::Unknown(Unknown::Type) => unknowns.1 += 1,
                _ => {}
            }
            if applies(rule.effect.node, truth) {
                let effect = match rule.effect.node {
                    ast::Effect::Permit => Effect::Permit,
                    ast::Effect::Defer => Effect::Defer,
                    ast::Effect::Deny | ast::Effect::DenyAlways => Effect::Deny,
                };
                let rule = Deciding { line: self.line(start), rule: rule.clone(), truth };
                return Answer { effect, rule: Some(rule), unknowns };
            }
        }
        let effect = match view.default {
            Some(ast::Value::Word(word) | ast::Value::String(word)) => match word.as_str() {
                "permit" | "allow" | "approve" => Effect::Permit,
                "defer" => Effect::Defer,
                _ => Effect::Deny,
            },
            _ => Effect::Deny,
        };
        Answer { effect, rule: None, unknowns }
    }

    fn line(&self, start: u32) -> usize {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        self.source.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1
    }

    fn variables(&self, body: &Body, view: &mut Agent<'_>) {
        for item in &body.items {
            if let Item::Var { name, value } = &item.node
                && let Some(value) = constant(&value.node, self.environment)
            {
                view.variables.insert(name.node.clone(), value);
            }
        }
    }

    fn timezone(&self) -> &str {
        let runtime = self.parse.ast().items.iter().filter_map(|item| match &item.node {
            Item::Block { keyword, body, .. } if keyword.node == "runtime" => Some(body),
            _ => None,
        });
        let settings = runtime.flat_map(|body| &body.items).find_map(|item| match &item.node {
            Item::Setting { key, value } if key.node == "timezone" => Some(&value.node),
            _ => None,
        });
        match settings {
            Some(ast::Value::String(zone) | ast::Value::Word(zone)) => zone,
            _ => "UTC",
        }
    }
}

impl<'p> Agent<'p> {
    fn read(&mut self, body: &'p Body) {
        for item in &body.items {
            match &item.node {
                Item::Setting { key, value } if key.node == "default" => self.default = Some(&value.node),
                Item::Rule(_) => self.rules.push(item),
                Item::Rules(rules) => self.blocks.push(rules),
                _ => {}
            }
        }
    }

    /// Every rule and where it begins, in the order of the text.
    fn all_rules(&self) -> Vec<(&'p Rule, u32)> {
        let mut all: Vec<(&Rule, u32)> = Vec::new();
        for item in &self.rules {
            if let Item::Rule(rule) = &item.node {
                all.push((rule, item.span.start));
            }
        }
        for rules in &self.blocks {
            all.extend(rules.iter().map(|rule| (&rule.node, rule.span.start)));
        }
        all.sort_by_key(|(_, start)| *start);
        all
    }
}

/// A rule matches on true; a type error counts as a match for `deny` and `defer`, and any unknown does
/// for `deny!`.
fn applies(effect: ast::Effect, truth: Truth) -> bool {
    match truth {
        Truth::True => true,
        Truth::False => false,
        Truth::Unknown(why) => match effect {
            ast::Effect::Permit => false,
            ast::Effect::DenyAlways => true,
            ast::Effect::Deny | ast::Effect::Defer => why == Unknown::Type,
        },
    }
}
