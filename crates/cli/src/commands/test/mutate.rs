//! Changes of a policy, one at a time, that some case should notice: a rule gone or turned around, a condition gone,
//! a comparison moved by one, `and` for `or`, another default.

use std::fmt::Display;
use std::sync::Arc;

use faramesh_call::{Value, object};
use faramesh_program::image::{Comparison, Expression, Image, RuleEffect, RuleImage};
use faramesh_program::{Program, decode, encode, load};

use super::fixture::Fixture;
use super::play::play;
use crate::failure::Failure;

/// Most changes that are tried.
const MAX_MUTANTS: usize = 5_000;
/// Most parts of one condition that are changed, and how deep they are looked for.
const MAX_PARTS: usize = 100;
const MAX_DEPTH: usize = 64;

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The agent's default.
    Default,
    /// A rule, by its number.
    Without(usize),
    TurnedAround(usize),
    Unconditional(usize),
    /// A part of a rule's condition, in the order in which they are read.
    Part(usize, usize),
}

impl Change {
    fn rule(self) -> Option<usize> {
        match self {
            Self::Default => None,
            Self::Without(rule)
            | Self::TurnedAround(rule)
            | Self::Unconditional(rule)
            | Self::Part(rule, _) => Some(rule),
        }
    }
}

/// The changes that every fixture lets pass.
///
/// # Errors
/// There are more changes than can be tried.
pub fn survivors(bytes: &[u8], fixtures: &[Fixture]) -> Result<Vec<Value>, Failure> {
    let unusable = |error: &dyn Display| Failure::new(format!("a changed policy cannot be loaded: {error}"));
    let (image, sources, _) = decode(bytes).map_err(|error| unusable(&error))?;
    let program = load(bytes).map_err(|error| unusable(&error))?;
    let changes: Vec<(usize, Change)> = (0..image.agents.len())
        .flat_map(|agent| changes_of(&image, agent).into_iter().map(move |change| (agent, change)))
        .take(MAX_MUTANTS + 1)
        .collect();
    if changes.len() > MAX_MUTANTS {
        return Err(Failure::new(format!("there are more than {MAX_MUTANTS} changes to try"))
            .hint("test the agents of this policy apart"));
    }
    let mut survivors = Vec::new();
    for (agent, change) in changes {
        let Some((mutant, word)) = changed(&image, agent, change) else { continue };
        let mutant =
            encode(&mutant, &sources).and_then(|bytes| load(&bytes)).map_err(|error| unusable(&error))?;
        let mutant = Arc::new(mutant);
        if fixtures.iter().all(|fixture| play(&mutant, fixture, true).failed() == 0) {
            survivors.push(described(&program, agent, change, &word));
        }
    }
    Ok(survivors)
}

fn described(program: &Program, agent: usize, change: Change, word: &str) -> Value {
    let agent = program.agents().get(agent);
    let index = change.rule().and_then(|rule| u32::try_from(rule).ok());
    let rule = agent.zip(index).and_then(|(agent, index)| agent.rule(index));
    let default = || agent.map(|agent| format!("default {}", agent.default.as_str()));
    object! {
        "agent" => agent.map(|agent| agent.name.to_string()),
        "rule_ref" => rule.map(|rule| rule.reference.to_string()),
        "rule" => rule.map(|rule| rule.text.to_string()).or_else(default),
        "change" => word,
    }
    .into()
}

/// The rules of an agent, those of phases after its own, as a program numbers them.
fn rules(image: &mut Image, agent: usize) -> Vec<&mut RuleImage> {
    let Some(agent) = image.agents.get_mut(agent) else { return Vec::new() };
    let of_phases = agent.blocks.phases.iter_mut().flat_map(|phase| phase.rules.iter_mut());
    agent.rules.iter_mut().chain(of_phases).collect()
}

fn changes_of(image: &Image, agent: usize) -> Vec<Change> {
    let mut copy = image.clone();
    let conditions: Vec<Option<u32>> = rules(&mut copy, agent).iter().map(|rule| rule.condition).collect();
    let mut changes = vec![Change::Default];
    for (rule, condition) in conditions.into_iter().enumerate() {
        changes.extend([Change::Without(rule), Change::TurnedAround(rule)]);
        if let Some(condition) = condition {
            changes.push(Change::Unconditional(rule));
            let parts = parts(image, condition).min(MAX_PARTS);
            changes.extend((0..parts).map(|part| Change::Part(rule, part)));
        }
    }
    changes
}

/// How many parts of a condition can be changed.
fn parts(image: &Image, condition: u32) -> usize {
    let mut left = usize::MAX;
    let mut copy = image.clone();
    rewritten(&mut copy, condition, &mut left, MAX_DEPTH);
    usize::MAX - left
}

/// The policy with one change, and the change in words. A rule that is taken out is made to match nothing, so that
/// the places of the others stay.
fn changed(image: &Image, agent: usize, change: Change) -> Option<(Image, String)> {
    let mut image = image.clone();
    let word = match change {
        Change::Default => {
            let default = &mut image.agents.get_mut(agent)?.default;
            *default = if *default == RuleEffect::Permit { RuleEffect::Deny } else { RuleEffect::Permit };
            format!("made `{}`", default.as_str())
        }
        Change::Without(rule) => {
            let never = u32::try_from(image.expressions.len()).ok()?;
            image.expressions.push(Expression::Constant(false));
            rules(&mut image, agent).into_iter().nth(rule)?.condition = Some(never);
            "taken out".to_owned()
        }
        Change::TurnedAround(rule) => {
            let rule = rules(&mut image, agent).into_iter().nth(rule)?;
            rule.effect = match rule.effect {
                // It stands before all others, and must go on to.
                RuleEffect::DenyAlways => return None,
                RuleEffect::Permit => RuleEffect::Deny,
                RuleEffect::Defer | RuleEffect::Deny => RuleEffect::Permit,
            };
            "turned around".to_owned()
        }
        Change::Unconditional(rule) => {
            rules(&mut image, agent).into_iter().nth(rule)?.condition = None;
            "without its condition".to_owned()
        }
        Change::Part(rule, part) => {
            let condition = rules(&mut image, agent).into_iter().nth(rule)?.condition?;
            let mut left = part;
            let (condition, word) = rewritten(&mut image, condition, &mut left, MAX_DEPTH)?;
            rules(&mut image, agent).into_iter().nth(rule)?.condition = Some(condition);
            word
        }
    };
    Some((image, word))
}

/// A condition with its part number `left` changed; `None`, and `left` smaller, when it has not so many. The new
/// parts come behind all others, so that conditions that share the old ones stay.
fn rewritten(image: &mut Image, index: u32, left: &mut usize, depth: usize) -> Option<(u32, String)> {
    let depth = depth.checked_sub(1)?;
    let own = image.expressions.get(usize::try_from(index).ok()?)?.clone();
    if let Some((changed, word)) = variant(&own) {
        if *left == 0 {
            return Some((added(image, changed)?, word));
        }
        *left -= 1;
    }
    match own {
        Expression::Not(inner) => {
            let (inner, word) = rewritten(image, inner, left, depth)?;
            Some((added(image, Expression::Not(inner))?, word))
        }
        Expression::All(mut members) => {
            let word = within(image, &mut members, left, depth)?;
            Some((added(image, Expression::All(members))?, word))
        }
        Expression::Any(mut members) => {
            let word = within(image, &mut members, left, depth)?;
            Some((added(image, Expression::Any(members))?, word))
        }
        _ => None,
    }
}

fn within(image: &mut Image, members: &mut [u32], left: &mut usize, depth: usize) -> Option<String> {
    members.iter_mut().find_map(|member| {
        let (changed, word) = rewritten(image, *member, left, depth)?;
        *member = changed;
        Some(word)
    })
}

/// The nearest other meaning of a part.
fn variant(part: &Expression) -> Option<(Expression, String)> {
    match part {
        Expression::Compare { comparison, left, right } => {
            let (from, to, comparison) = match comparison {
                Comparison::Less => ("<", "<=", Comparison::LessEqual),
                Comparison::LessEqual => ("<=", "<", Comparison::Less),
                Comparison::Greater => (">", ">=", Comparison::GreaterEqual),
                Comparison::GreaterEqual => (">=", ">", Comparison::Greater),
                Comparison::Equal => ("==", "!=", Comparison::NotEqual),
                Comparison::NotEqual => ("!=", "==", Comparison::Equal),
            };
            let changed = Expression::Compare { comparison, left: *left, right: *right };
            Some((changed, format!("`{from}` made `{to}`")))
        }
        Expression::All(members) if members.len() > 1 => {
            Some((Expression::Any(members.clone()), "`and` made `or`".to_owned()))
        }
        Expression::Any(members) if members.len() > 1 => {
            Some((Expression::All(members.clone()), "`or` made `and`".to_owned()))
        }
        _ => None,
    }
}

fn added(image: &mut Image, expression: Expression) -> Option<u32> {
    let index = u32::try_from(image.expressions.len()).ok()?;
    image.expressions.push(expression);
    Some(index)
}
