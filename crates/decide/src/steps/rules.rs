//! Step 6: `deny!`, then rules top to bottom, then the default. Ends with `POLICY_PERMIT`,
//! `POLICY_DENY`, `POLICY_DEFER` or `POLICY_LIMIT`.

use faramesh_call::{Code, Effect};
use faramesh_program::Rule;
use faramesh_program::image::{RuleEffect, WithoutValue};
use faramesh_program::phases::Phase;
use faramesh_program::tools::ToolIndex;

use crate::Flow;
use crate::evaluate::Evaluator;
use crate::input::Input;
use crate::next;
use crate::outcome::{Outcome, Unknown};
use crate::steps::handovers;
use crate::steps::phases::{self, Says};
use crate::trace::{Tried, describe};
use crate::verdict::Verdict;

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if handovers::is_handover(input) {
        return Flow::Continue;
    }
    let evaluator = Evaluator::of(input);
    let says = phases::says(input, verdict);
    let decided = match says {
        Says::Nothing => own(input, &evaluator, Some(verdict)),
        Says::Limits(stage) => {
            let own = own(input, &evaluator, Some(verdict));
            let shown = of_phase(input, &evaluator, stage, Some(verdict));
            if shown.1.effect() > own.1.effect() { shown } else { own }
        }
        Says::Decides(_) | Says::Ended(_) | Says::Hides(_) => {
            let mandatory = matching(input, &evaluator, &input.agent.tools, Some(verdict), Which::Mandatory);
            match (mandatory, says) {
                (Some(found), _) => found,
                (None, Says::Decides(phase)) => of_phase(input, &evaluator, phase, Some(verdict)),
                (None, Says::Ended(phase)) => {
                    let message = format!(
                        "the rollout `{}` has ended, and `{}` is denied since",
                        phase.name, input.call.tool
                    );
                    phases::denied(message, verdict);
                    evaluator.note_reads(verdict);
                    return Flow::End;
                }
                (None, _) => {
                    let Says::Hides(stage) = says else { return Flow::End };
                    let message = format!("`{}` is not shown in the phase `{}`", input.call.tool, stage.name);
                    phases::denied(message, verdict);
                    evaluator.note_reads(verdict);
                    return Flow::End;
                }
            }
        }
    };
    evaluator.note_reads(verdict);
    if evaluator.is_exhausted() {
        verdict.effect = Effect::Deny;
        verdict.code = Code::PolicyLimit;
        verdict.message = "the conditions on this call took more steps than a decision may".to_owned();
        return Flow::End;
    }
    let (rule, effect) = decided;
    verdict.rule = rule;
    let effect = effect.effect();
    verdict.effect = effect;
    verdict.code = match effect {
        Effect::Permit => Code::PolicyPermit,
        Effect::Defer => Code::PolicyDefer,
        Effect::Deny => Code::PolicyDeny,
    };
    if effect != Effect::Permit {
        verdict.message = message(input, verdict);
        // A change of the call is tried on the agent's own rules alone.
        if matches!(says, Says::Nothing) && rule.is_none_or(|rule| rule.explain) {
            verdict.next = next::smallest_change(input, verdict);
        }
    }
    if effect < verdict.ceiling {
        verdict.effect = Effect::Defer;
        verdict.code = Code::PolicyDefer;
        verdict.message = format!("`{}` waits for a person: it was handed on no further", input.call.tool);
    }
    Flow::Continue
}

/// What decides: a rule, or a default.
type Decided<'a> = (Option<&'a Rule>, RuleEffect);

/// The agent's own rules and default.
fn own<'a>(input: &Input<'a>, evaluator: &Evaluator<'_>, verdict: Option<&mut Verdict<'a>>) -> Decided<'a> {
    first_match(input, evaluator, verdict).unwrap_or((None, input.agent.default))
}

/// The rules and the default of a phase.
fn of_phase<'a>(
    input: &Input<'a>,
    evaluator: &Evaluator<'_>,
    phase: &'a Phase,
    verdict: Option<&mut Verdict<'a>>,
) -> Decided<'a> {
    matching(input, evaluator, &phase.rules, verdict, Which::All).unwrap_or((None, phase.default))
}

/// Which rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Mandatory,
}

/// The first of the agent's own rules that applies.
pub(crate) fn first_match<'a>(
    input: &Input<'a>,
    evaluator: &Evaluator<'_>,
    verdict: Option<&mut Verdict<'a>>,
) -> Option<Decided<'a>> {
    matching(input, evaluator, &input.agent.tools, verdict, Which::All)
}

/// The first rule that applies; what was tried goes to the verdict's trace, when there is one.
fn matching<'a>(
    input: &Input<'a>,
    evaluator: &Evaluator<'_>,
    rules: &ToolIndex,
    mut verdict: Option<&mut Verdict<'a>>,
    which: Which,
) -> Option<Decided<'a>> {
    let mut candidates = rules.candidates(&input.call.tool);
    while let Some(number) = candidates.next_rule() {
        let rule = input.agent.rule(number)?;
        // They stand before all others.
        if which == Which::Mandatory && rule.effect != RuleEffect::DenyAlways {
            return None;
        }
        let outcome = rule.condition.map_or(Outcome::True, |condition| evaluator.condition(condition));
        let decides = decides(rule.effect, outcome);
        let matched = decides.is_some();
        if let Some(verdict) = verdict.as_deref_mut() {
            verdict.trace.push(Tried { rule: number, outcome, matched });
        }
        if let Some(effect) = decides {
            return Some((Some(rule), effect));
        }
        if outcome == Outcome::Unknown(Unknown::Limit) {
            return None;
        }
    }
    None
}

/// What a rule does with a call, when it applies. It does when its condition is true. A condition that cannot be
/// evaluated restricts: a wrong type counts as a match for `deny` and `defer`, and any unknown does for `deny!`. A
/// selector without a value does what its policy says, in a rule of whatever effect.
fn decides(effect: RuleEffect, outcome: Outcome) -> Option<RuleEffect> {
    match (outcome, effect) {
        (Outcome::True, _) | (Outcome::Unknown(_), RuleEffect::DenyAlways) => Some(effect),
        (Outcome::Unknown(Unknown::Missing { then: WithoutValue::Deny, .. }), _) => Some(RuleEffect::Deny),
        (Outcome::Unknown(Unknown::Missing { then: WithoutValue::Defer, .. }), _) => Some(RuleEffect::Defer),
        (
            Outcome::Unknown(Unknown::Type(_) | Unknown::Missing { .. }),
            RuleEffect::Deny | RuleEffect::Defer,
        ) => Some(effect),
        (Outcome::False | Outcome::Unknown(_), _) => None,
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
        // The rule itself says something else: it is its selector that decides.
        Some(rule) if rule.effect.effect() != verdict.effect => {
            let why = unknown(true).map_or_else(String::new, |(why, _)| why);
            format!("{why}, and {} reads it", rule.reference)
        }
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
