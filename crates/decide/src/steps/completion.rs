//! A session says that its task is complete: everything that the agent's completion gate requires must
//! hold. When it only says so, no rule is asked and nothing is spent; a tool that completes a task is
//! decided like any other then. Ends with `COMPLETION_BLOCKED`, or with a permit.

use faramesh_call::call::COMPLETE_TOOL;
use faramesh_call::{Action, Code, Effect, Value};
use faramesh_program::facts::{OPEN_KEY, called_key};
use faramesh_program::image::Requirement;
use faramesh_state::Status;
use faramesh_state::limits::{Meter, Period};

use crate::Flow;
use crate::input::Input;
use crate::steps::sums::Sum;
use crate::verdict::{Blocked, Verdict};

/// Most approvals that a denial names.
const SHOWN_APPROVALS: usize = 20;

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if input.call.action != Action::Completion {
        return Flow::Continue;
    }
    let gate = input.agent.limits().map(|limits| limits.completion_gate()).unwrap_or_default();
    let unmet: Vec<(&Requirement, String)> =
        gate.iter().filter_map(|required| Some((required, unmet(input, required, verdict)?))).collect();
    if unmet.is_empty() {
        if *input.call.tool != *COMPLETE_TOOL {
            return Flow::Continue;
        }
        verdict.effect = Effect::Permit;
        verdict.code = Code::PolicyPermit;
        return Flow::End;
    }
    let said: Vec<&str> = unmet.iter().map(|(_, why)| why.as_str()).collect();
    verdict.effect = Effect::Deny;
    verdict.code = Code::CompletionBlocked;
    verdict.message = format!("this is not complete: {}", said.join("; "));
    verdict.blocked = Some(match unmet.as_slice() {
        [(Requirement::NoPendingApprovals, _)] => Blocked::Approvals(pending(input)),
        _ => Blocked::Unmet(unmet.iter().map(|(required, _)| name(required)).collect()),
    });
    Flow::End
}

/// Why a requirement does not hold, if it does not.
fn unmet(input: &Input<'_>, required: &Requirement, verdict: &mut Verdict<'_>) -> Option<String> {
    match required {
        Requirement::NoPendingApprovals => {
            let pending = pending(input);
            let ids: Value = pending.iter().map(|id| Value::string(id.clone())).collect();
            verdict.inputs.insert("pending", ids);
            let calls = if pending.len() == 1 { "call waits" } else { "calls wait" };
            (!pending.is_empty()).then(|| format!("{} {calls} for a person", pending.len()))
        }
        Requirement::BudgetUnderLimit => over_budget(input, verdict),
        Requirement::NoUncommittedWrites => {
            let open = open_calls(input);
            verdict.inputs.insert("open_calls", u64::try_from(open).unwrap_or(u64::MAX));
            let calls = if open == 1 { "permitted call has" } else { "permitted calls have" };
            (open > 0).then(|| format!("{open} {calls} no outcome yet"))
        }
        Requirement::Called(pattern) => {
            let key = called_key(pattern);
            let known = input.state.limits().of(&input.agent.name).and_then(|known| known.meter(&key));
            let period = Period::Session(session(input).into());
            let calls = known.map_or(0, |meter| meter.spent(&period).calls);
            if let Some(meter) = known {
                verdict.read_meter(&key, Meter::to_value(meter.range(&period, &period)));
            }
            (calls == 0).then(|| format!("`{pattern}` was not called in this session"))
        }
    }
}

fn session<'a>(input: &Input<'a>) -> &'a str {
    input.call.session.as_deref().unwrap_or_default()
}

/// The approvals that this session waits for.
fn pending(input: &Input<'_>) -> Vec<Box<str>> {
    let now = input.moment.now;
    let approvals = input.state.approvals();
    let waits = approvals.into_iter().filter(|approval| {
        *approval.binding.agent == *input.agent.name
            && approval.session.as_deref().unwrap_or_default() == session(input)
            && approval.status_at(now) == Status::Pending
    });
    waits.take(SHOWN_APPROVALS).map(|approval| approval.id.clone()).collect()
}

/// Permitted calls of this session of which nothing came yet.
fn open_calls(input: &Input<'_>) -> usize {
    let period = Period::Session(session(input).into());
    let open = input.state.limits().open_of(&input.agent.name, input.moment.now);
    open.filter(|reservation| {
        let counted =
            |charge: &faramesh_state::limits::Charge| *charge.meter == *OPEN_KEY && charge.period == period;
        reservation.charges.iter().any(counted)
    })
    .count()
}

/// The budgets that are above their ceiling, in words.
fn over_budget(input: &Input<'_>, verdict: &mut Verdict<'_>) -> Option<String> {
    let limits = input.agent.limits()?;
    let known = input.state.limits().of(&input.agent.name)?;
    let mut over = Vec::new();
    for ceiling in limits.all_ceilings() {
        let meter = known.meter(&ceiling.key);
        let sum = Sum::read(input.program, ceiling.window, session(input), input.moment.now, meter);
        verdict.read_meter(&ceiling.key, Meter::to_value(sum.parts.iter().copied()));
        let money = ceiling.max_micros.is_some_and(|max| sum.micros > max);
        if money || ceiling.max_calls.is_some_and(|max| sum.calls > u64::from(max)) {
            over.push(format!("`{}`", ceiling.budget));
        }
    }
    (!over.is_empty()).then(|| format!("more was spent than {} allows", over.join(", ")))
}

/// A requirement as policies write it.
fn name(required: &Requirement) -> Box<str> {
    match required {
        Requirement::NoPendingApprovals => "no_pending_approvals".into(),
        Requirement::BudgetUnderLimit => "budget_under_limit".into(),
        Requirement::NoUncommittedWrites => "no_uncommitted_writes".into(),
        Requirement::Called(pattern) => format!("called \"{pattern}\"").into(),
    }
}
