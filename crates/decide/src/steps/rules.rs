//! Step 6: `deny!`, then rules top to bottom, then the default. Ends with `POLICY_PERMIT`,
//! `POLICY_DENY`, `POLICY_DEFER` or `POLICY_LIMIT`.

use faramesh_call::{Code, Effect};
use faramesh_program::Rule;
use faramesh_program::image::RuleEffect;

use crate::Flow;
use crate::evaluate::Evaluator;
use crate::input::Input;
use crate::next;
use crate::outcome::{Outcome, Unknown};
use crate::trace::{Tried, describe};
use crate::verdict::Verdict;

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let evaluator = Evaluator::of(input);
    let rule = first_match(input, &evaluator, Some(verdict));
    evaluator.note_reads(verdict);
    if evaluator.is_exhausted() {
        verdict.effect = Effect::Deny;
        verdict.code = Code::PolicyLimit;
        verdict.message = "the conditions on this call took more steps than a decision may".to_owned();
        return Flow::End;
    }
    verdict.rule = rule;
    let effect = rule.map_or(input.agent.default, |rule| rule.effect).effect();
    verdict.effect = effect;
    verdict.code = match effect {
        Effect::Permit => Code::PolicyPermit,
        Effect::Defer => Code::PolicyDefer,
        Effect::Deny => Code::PolicyDeny,
    };
    if effect != Effect::Permit {
        verdict.message = message(input, verdict);
        if rule.is_none_or(|rule| rule.explain) {
            verdict.next = next::smallest_change(input, verdict);
        }
    }
    Flow::Continue
}

/// The first rule that applies; what was tried goes to the verdict's trace, when there is one.
pub(crate) fn first_match<'a>(
    input: &Input<'a>,
    evaluator: &Evaluator<'_>,
    mut verdict: Option<&mut Verdict<'a>>,
) -> Option<&'a Rule> {
    let mut candidates = input.agent.tools.candidates(&input.call.tool);
    while let Some(number) = candidates.next_rule() {
        let rule = input.agent.rule(number)?;
        let outcome = rule.condition.map_or(Outcome::True, |condition| evaluator.condition(condition));
        let matched = applies(rule.effect, outcome);
        if let Some(verdict) = verdict.as_deref_mut() {
            verdict.trace.push(Tried { rule: number, outcome, matched });
        }
        if matched {
            return Some(rule);
        }
        if outcome == Outcome::Unknown(Unknown::Limit) {
            return None;
        }
    }
    None
}

/// A rule applies when its condition is true. A condition that cannot be evaluated restricts: a wrong
/// type counts as a match for `deny` and `defer`, and any unknown does for `deny!`.
fn applies(effect: RuleEffect, outcome: Outcome) -> bool {
    match (outcome, effect) {
        (Outcome::True, _) => true,
        (Outcome::False, _) => false,
        (Outcome::Unknown(_), RuleEffect::DenyAlways) => true,
        (Outcome::Unknown(Unknown::Type(_)), RuleEffect::Deny | RuleEffect::Defer) => true,
        (Outcome::Unknown(_), _) => false,
    }
}

fn message(input: &Input<'_>, verdict: &Verdict<'_>) -> String {
    let tool = &input.call.tool;
    let unknown = |matched: bool| {
        verdict.trace.tried().find_map(|tried| match tried.outcome {
            Outcome::Unknown(unknown) if tried.matched == matched => {
                let reference = input.agent.rule(tried.rule).map_or("", |rule| &rule.reference);
                Some((describe(unknown, input.program), reference))
            }
            _ => None,
        })
    };
    match verdict.rule {
        Some(rule) => {
            let reason = match (&rule.reason, verdict.effect) {
                (Some(reason), _) => reason.to_string(),
                (None, Effect::Defer) => format!("`{tool}` waits for a person's approval"),
                (None, _) => format!("`{tool}` is denied by {}", rule.reference),
            };
            match unknown(true) {
                Some((why, _)) => format!("{reason} ({why})"),
                None => reason,
            }
        }
        None => {
            let subject = match verdict.effect {
                Effect::Defer => {
                    format!("no rule of agent `{}` decides `{tool}`, so a person does", input.agent.name)
                }
                _ => format!("no rule of agent `{}` permits `{tool}`", input.agent.name),
            };
            match unknown(false) {
                Some((why, reference)) => format!("{subject} ({why} in {reference})"),
                None => subject,
            }
        }
    }
}
