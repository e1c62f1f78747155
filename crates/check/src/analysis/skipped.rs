//! Denies and defers that a call escapes by leaving a field out: a condition on an absent field is
//! unknown, the rule does not match, and a later permit lets the call through.

use std::collections::BTreeMap;

use faramesh_program::image::{Path, Root, RuleEffect};
use faramesh_syntax::ast::Span;

use super::patterns::covers;
use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Expression, Operand, Rule};

/// Most pairs of rules that are looked at in one agent.
const PAIRS: u32 = 1_000_000;
/// Most fields of one condition that are tried.
const FIELDS: usize = 16;

/// Outcomes that a condition may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcomes {
    yes: bool,
    no: bool,
    unknown: bool,
}

const EITHER: Outcomes = Outcomes { yes: true, no: true, unknown: false };
const UNKNOWN: Outcomes = Outcomes { yes: false, no: false, unknown: true };

pub(super) fn check(checker: &mut Checker<'_>, agent: &Agent) {
    let mut search = Search::of(agent);
    for (index, rule) in agent.rules.iter().enumerate() {
        let Some(condition) = rule.condition.as_ref().filter(|_| restricts(rule.effect) && rule.is_own())
        else {
            continue;
        };
        for field in fields(&condition.expression) {
            let outcomes = outcomes(&condition.expression, field);
            if outcomes.yes || !outcomes.unknown {
                continue;
            }
            if search.left == 0 {
                let message = "this agent has too many rules to look for fields whose absence skips them";
                checker.say(
                    codes::ANALYSIS_BOUNDED,
                    rule.span,
                    message,
                    "the policy works; split the agent to have all of it looked at",
                );
                return;
            }
            if let Some(permit) = search.undoing(index, rule, field) {
                report(checker, rule, &condition.text, field, permit);
                break;
            }
        }
    }
}

fn restricts(effect: RuleEffect) -> bool {
    matches!(effect, RuleEffect::Deny | RuleEffect::Defer)
}

/// What lets a call through after a rule was skipped.
#[derive(Clone, Copy)]
enum Permit<'a> {
    Rule(&'a Rule),
    Default,
}

/// Rules of an agent by their patterns, in source order.
struct ByPattern<'a> {
    exact: BTreeMap<&'a str, Vec<usize>>,
    wildcards: Vec<usize>,
}

impl<'a> ByPattern<'a> {
    fn of(agent: &'a Agent, wanted: impl Fn(RuleEffect) -> bool) -> Self {
        let mut rules = Self { exact: BTreeMap::new(), wildcards: Vec::new() };
        for (index, rule) in agent.rules.iter().enumerate().filter(|(_, rule)| wanted(rule.effect)) {
            if rule.pattern.contains('*') {
                rules.wildcards.push(index);
            } else {
                rules.exact.entry(&rule.pattern).or_default().push(index);
            }
        }
        rules
    }

    /// Those that can match a tool of `pattern`, and some that cannot.
    fn near(&self, pattern: &str) -> impl Iterator<Item = usize> {
        let same = self.exact.get(pattern).into_iter().flatten();
        let below = pattern.contains('*').then(|| self.exact.values().flatten()).into_iter().flatten();
        same.chain(below).chain(&self.wildcards).copied()
    }
}

/// The search in one agent, and how much of it is left.
struct Search<'a> {
    agent: &'a Agent,
    permits: ByPattern<'a>,
    stops: ByPattern<'a>,
    left: u32,
}

impl<'a> Search<'a> {
    fn of(agent: &'a Agent) -> Self {
        let permits = ByPattern::of(agent, |effect| effect == RuleEffect::Permit);
        let stops = ByPattern::of(agent, |effect| effect != RuleEffect::Permit);
        Self { agent, permits, stops, left: PAIRS }
    }

    /// The permit that lets a call without `field` through after the rule at `index`.
    fn undoing(&mut self, index: usize, rule: &Rule, field: &Path) -> Option<Permit<'a>> {
        let candidates: Vec<usize> = self.permits.near(&rule.pattern).filter(|at| *at > index).collect();
        for at in candidates {
            self.left = self.left.checked_sub(1)?;
            let Some(permit) = self.agent.rules.get(at) else { continue };
            let Some(tools) = narrower(&permit.pattern, &rule.pattern) else { continue };
            let applies =
                permit.condition.as_ref().is_none_or(|found| outcomes(&found.expression, field).yes);
            if applies && !self.is_caught(at, tools, field) {
                return Some(Permit::Rule(permit));
            }
        }
        let by_default = self.agent.default == Some(RuleEffect::Permit);
        (by_default && !self.is_caught(self.agent.rules.len(), &rule.pattern, field))
            .then_some(Permit::Default)
    }

    /// Whether another rule before `until` stops every call of these tools that lacks `field`.
    fn is_caught(&mut self, until: usize, tools: &str, field: &Path) -> bool {
        for index in self.stops.exact.get(tools).into_iter().flatten().chain(&self.stops.wildcards).copied() {
            self.left = self.left.saturating_sub(1);
            let Some(rule) = self.agent.rules.get(index) else { continue };
            let mandatory = rule.effect == RuleEffect::DenyAlways;
            let certain = rule.condition.as_ref().is_none_or(|condition| {
                let found = outcomes(&condition.expression, field);
                !found.no && (mandatory || !found.unknown)
            });
            if (mandatory || index < until)
                && rule.clauses.is_empty()
                && certain
                && covers(&rule.pattern, tools)
            {
                return true;
            }
        }
        false
    }
}

/// The narrower of two patterns of which one covers the other.
fn narrower<'p>(left: &'p str, right: &'p str) -> Option<&'p str> {
    if covers(left, right) {
        Some(right)
    } else if covers(right, left) {
        Some(left)
    } else {
        None
    }
}

fn report(checker: &mut Checker<'_>, rule: &Rule, condition: &str, field: &Path, permit: Permit<'_>) {
    let (effect, name) = (rule.effect.as_str(), &field.text);
    let permitted = match permit {
        Permit::Rule(permit) => format!("line {} permits it", checker.line(permit.span)),
        Permit::Default => "the default permits it".to_owned(),
    };
    let span = rule.condition.as_ref().map_or(rule.span, |condition| condition.span);
    let message = format!("a call without `{name}` escapes this {effect}, and {permitted}");
    let mut diagnostic = codes::SKIPPED_WHEN_ABSENT
        .at(span, message)
        .with_help(format!("write `if not has({name}) or {condition}`, unless such a call is harmless"))
        .with_fix(
            Span { end: span.start, ..span },
            format!("not has({name}) or "),
            format!("match calls without `{name}`, too"),
        );
    if let Permit::Rule(permit) = permit {
        diagnostic = diagnostic.with_label(permit.span, "this rule permits it");
    }
    checker.report(diagnostic);
}

/// The places that a condition reads and that a call may lack.
fn fields(expression: &Expression) -> Vec<&Path> {
    let mut found: Vec<&Path> = Vec::new();
    let mut visit = |path| collect(path, &mut found);
    each_operand(expression, &mut visit);
    found
}

fn collect<'e>(operand: &'e Operand, found: &mut Vec<&'e Path>) {
    match operand {
        Operand::Constant(_) | Operand::Fact(_) => {}
        Operand::Path(path) => {
            let always = matches!(
                path.root,
                Root::Tool | Root::Agent | Root::Action | Root::TimeHour | Root::TimeWeekday | Root::TimeNow
            );
            if !always && found.len() < FIELDS && !found.contains(&path) {
                found.push(path);
            }
        }
        Operand::List(items) => items.iter().for_each(|item| collect(item, found)),
        Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of) => collect(of, found),
    }
}

pub(super) fn each_operand<'e>(expression: &'e Expression, visit: &mut impl FnMut(&'e Operand)) {
    match expression {
        Expression::Constant(_) | Expression::Has(_) => {}
        Expression::Not(inner) => each_operand(inner, visit),
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().for_each(|part| each_operand(part, visit))
        }
        Expression::Compare { left, right, .. } => [left, right].into_iter().for_each(visit),
        Expression::In { item, list } => [item, list].into_iter().for_each(visit),
        Expression::Contains { whole, part } => [whole, part].into_iter().for_each(visit),
        Expression::StartsWith { text, affix } | Expression::EndsWith { text, affix } => {
            [text, affix].into_iter().for_each(visit);
        }
        Expression::Within { path, folder } => [path, folder].into_iter().for_each(visit),
        Expression::Matches { text, .. } => visit(text),
        Expression::Truth(operand) => visit(operand),
    }
}

/// What a condition may come to for a call that lacks `absent` and has every other field.
fn outcomes(expression: &Expression, absent: &Path) -> Outcomes {
    match expression {
        Expression::Constant(value) => Outcomes { yes: *value, no: !*value, unknown: false },
        Expression::Not(inner) => {
            let inner = outcomes(inner, absent);
            Outcomes { yes: inner.no, no: inner.yes, unknown: inner.unknown }
        }
        Expression::All(parts) => {
            parts.iter().map(|part| outcomes(part, absent)).reduce(both).unwrap_or(EITHER)
        }
        Expression::Any(parts) => {
            parts.iter().map(|part| outcomes(part, absent)).reduce(either).unwrap_or(EITHER)
        }
        Expression::Has(path) if is_within(path, absent) => Outcomes { yes: false, no: true, unknown: false },
        Expression::Has(_) => EITHER,
        other => {
            let mut reads = false;
            each_operand(other, &mut |operand| reads |= mentions(operand, absent));
            // An element of a list that is absent leaves the others.
            let listed = matches!(other, Expression::In { item, .. } if !mentions(item, absent));
            match (reads, listed) {
                (true, true) => Outcomes { yes: true, no: false, unknown: true },
                (true, false) => UNKNOWN,
                (false, _) => EITHER,
            }
        }
    }
}

fn both(left: Outcomes, right: Outcomes) -> Outcomes {
    Outcomes {
        yes: left.yes && right.yes,
        no: left.no || right.no,
        unknown: left.unknown && (right.unknown || right.yes) || right.unknown && (left.unknown || left.yes),
    }
}

fn either(left: Outcomes, right: Outcomes) -> Outcomes {
    Outcomes {
        yes: left.yes || right.yes,
        no: left.no && right.no,
        unknown: left.unknown && (right.unknown || right.no) || right.unknown && (left.unknown || left.no),
    }
}

fn mentions(operand: &Operand, absent: &Path) -> bool {
    match operand {
        Operand::Constant(_) | Operand::Fact(_) => false,
        Operand::Path(path) => is_within(path, absent),
        Operand::List(items) => items.iter().any(|item| mentions(item, absent)),
        Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of) => mentions(of, absent),
    }
}

/// Whether `path` is `absent` or lies below it. `amount` and `args.amount` are one place.
fn is_within(path: &Path, absent: &Path) -> bool {
    let family = |root| if root == Root::Field { Root::Args } else { root };
    family(path.root) == family(absent.root) && path.steps.starts_with(&absent.steps)
}
