//! Rules that never decide: an earlier rule without a condition covers their pattern. Under a `deny!`
//! a permit or defer is an error, since its author believes in something that cannot happen.

use faramesh_program::image::RuleEffect;
use faramesh_program::tools::ToolIndex;

use super::patterns::covers;
use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Rule};

/// Most comparisons of two patterns in one agent.
const COMPARISONS: u32 = 2_000_000;

pub(super) fn check(checker: &mut Checker<'_>, agent: &Agent) {
    // The order of evaluation: `deny!` first.
    let (mandatory, others): (Vec<&Rule>, Vec<&Rule>) =
        agent.rules.iter().partition(|rule| rule.effect == RuleEffect::DenyAlways);
    let ordered: Vec<&Rule> = mandatory.into_iter().chain(others).collect();
    let mut exact = ToolIndex::default();
    let mut wildcards: Vec<(&str, usize)> = Vec::new();
    let mut left = COMPARISONS;
    for (index, rule) in ordered.iter().enumerate() {
        let by = if rule.pattern.contains('*') {
            left = left.saturating_sub(u32::try_from(wildcards.len()).unwrap_or(u32::MAX));
            if left == 0 {
                let message = "this agent has too many patterns to look for rules that are never reached";
                checker.say(
                    codes::ANALYSIS_BOUNDED,
                    rule.span,
                    message,
                    "the policy works; use fewer patterns with `*` to have all of it looked at",
                );
                return;
            }
            wildcards.iter().find(|(wide, _)| covers(wide, &rule.pattern)).map(|(_, index)| *index)
        } else {
            exact.candidates(&rule.pattern).next_rule().and_then(|index| usize::try_from(index).ok())
        };
        if let Some(earlier) = by.and_then(|index| ordered.get(index)) {
            report(checker, rule, earlier);
        } else if rule.condition.is_none() && rule.clauses.is_empty() {
            exact.add(&rule.pattern, u32::try_from(index).unwrap_or(u32::MAX));
            if rule.pattern.contains('*') {
                wildcards.push((&rule.pattern, index));
            }
        }
    }
}

fn report(checker: &mut Checker<'_>, rule: &Rule, earlier: &Rule) {
    let (effect, line) = (rule.effect.as_str(), checker.line(earlier.span));
    let undone = matches!(rule.effect, RuleEffect::Permit | RuleEffect::Defer);
    let diagnostic = if earlier.effect == RuleEffect::DenyAlways && undone {
        let message =
            format!("this {effect} never applies: `deny! {}` in line {line} overrides it", earlier.pattern);
        codes::UNDER_MANDATORY_DENY
            .at(rule.span, message)
            .with_help("remove one of the two, or narrow the `deny!`")
    } else {
        let message =
            format!("this rule is never reached: line {line} decides every call of `{}` first", rule.pattern);
        let help = if earlier.effect == rule.effect {
            "remove it"
        } else {
            "move it up, or give the earlier rule a condition"
        };
        codes::UNREACHABLE_RULE.at(rule.span, message).with_help(help)
    };
    checker.report(diagnostic.with_label(earlier.span, "this rule decides first"));
}
