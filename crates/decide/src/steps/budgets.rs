//! Step 8: every budget and counter that the tool counts for has room for the call; then its cost is
//! reserved. Only a call that would be permitted comes to spend. Ends with `BUDGET_EXCEEDED` or
//! `AMBIENT_EXCEEDED`; a budget may ask for a person instead, or only tell: the warnings are the same
//! codes and `BUDGET_WARNING`.

use faramesh_call::json::canonical;
use faramesh_call::money::{dollars, micros_up};
use faramesh_call::{Code, Effect, Object, Timestamp};
use faramesh_program::Agent;
use faramesh_program::image::OnExceed;
use faramesh_program::limits::{Ceiling, Of};
use faramesh_state::Change;
use faramesh_state::limits::{Charge, MAX_SESSIONS, Meter, Reservation, Want};

use crate::Flow;
use crate::evaluate::Evaluator;
use crate::input::Input;
use crate::read::View;
use crate::steps::approvals;
use crate::steps::facts;
use crate::steps::handovers;
use crate::steps::sessions;
use crate::steps::sums::Sum;
use crate::trace::describe;
use crate::verdict::{Relief, Verdict};

/// What a call costs that nothing says a price of: a tenth of a cent.
pub const FLAT_COST_MICROS: u64 = 1_000;

/// A budget that has no room for the call.
pub(super) struct Exceeded<'a> {
    pub(super) ceiling: &'a Ceiling,
    pub(super) message: String,
    pub(super) resets_at: Option<Timestamp>,
}

/// What the budgets of one call come to.
#[derive(Default)]
pub(super) struct Tally<'a> {
    pub(super) charges: Vec<Charge>,
    pub(super) exceeded: Vec<Exceeded<'a>>,
    pub(super) warnings: Vec<(Code, String)>,
    /// What more of shared ceilings there should be.
    wants: Vec<Want>,
    /// Sums that were read, of another agent when one is named.
    pub(super) read: Vec<(Option<&'a str>, &'a str, Object)>,
}

/// Whose budgets a call counts for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payer<'a> {
    pub(super) agent: &'a Agent,
    pub(super) session: &'a str,
    /// Whether it is the agent that calls.
    pub(super) is_caller: bool,
}

/// Every ceiling that a call counts for: the agent's own, and those that it inherits.
fn ceilings<'a>(input: &Input<'a>) -> Vec<(Payer<'a>, &'a Ceiling)> {
    let tool = &*input.call.tool;
    let of = |agent: &'a Agent| agent.limits().into_iter().flat_map(move |limits| limits.ceilings(tool));
    let session = input.call.session.as_deref().unwrap_or_default();
    let caller = Payer { agent: input.agent, session, is_caller: true };
    let mut found: Vec<_> = of(input.agent).map(|ceiling| (caller, ceiling)).collect();
    for (agent, session, budgets) in handovers::payers(input) {
        let payer = Payer { agent, session, is_caller: false };
        let inherited = of(agent).filter(|ceiling| budgets.contains(&ceiling.budget));
        found.extend(inherited.map(|ceiling| (payer, ceiling)));
    }
    found
}

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if verdict.effect != Effect::Permit || handovers::is_handover(input) {
        return Flow::Continue;
    }
    if input.agent.limits().is_none() && input.call.delegation.is_none() {
        return Flow::Continue;
    }
    let mut tally = Tally::default();
    for (payer, ceiling) in ceilings(input) {
        if let Err(why) = tally.add(input, &payer, ceiling, verdict) {
            return denied(ceiling, why, None, verdict);
        }
    }
    let limits = input.agent.limits();
    tally.charges.extend(limits.and_then(|limits| limits.session()).map(|_| sessions::charge(input)));
    match facts::charges(input) {
        Ok(charges) => tally.charges.extend(charges),
        Err(why) => {
            verdict.effect = Effect::Deny;
            verdict.code = Code::PolicyLimit;
            verdict.message = why;
            verdict.take_back();
            return Flow::End;
        }
    }
    for (payer, key, sums) in std::mem::take(&mut tally.read) {
        match payer {
            Some(payer) => verdict.read_payer(payer, key, sums),
            None => verdict.read_meter(key, sums),
        }
    }
    if tally.charges.is_empty() {
        return Flow::Continue;
    }
    verdict.wants.append(&mut tally.wants);
    if let Some(refused) = tally.exceeded.iter().find(|found| found.ceiling.on_exceed == OnExceed::Deny) {
        return denied(refused.ceiling, refused.message.clone(), refused.resets_at, verdict);
    }
    if ask(input, &tally, verdict) == Flow::End {
        return Flow::End;
    }
    if verdict.effect == Effect::Permit {
        verdict.warnings.append(&mut tally.warnings);
        verdict.changes.push(Change::Reserved(Box::new(Reservation {
            agent: input.agent.name.clone(),
            record: Box::default(),
            at: input.moment.now,
            charges: tally.charges,
        })));
    }
    Flow::Continue
}

impl<'a> Tally<'a> {
    /// Adds one ceiling.
    ///
    /// # Errors
    /// In words, when nobody can say whether it holds.
    fn add(
        &mut self,
        input: &Input<'a>,
        payer: &Payer<'a>,
        ceiling: &'a Ceiling,
        verdict: &mut Verdict<'a>,
    ) -> Result<(), String> {
        if ceiling.of == Of::Customers {
            return self.add_customers(input, payer, ceiling, verdict);
        }
        let now = input.moment.now;
        let other = (!payer.is_caller).then_some(&payer.agent.name);
        let meter = input.state.limits().of(&payer.agent.name).and_then(|known| known.meter(&ceiling.key));
        let cost = if ceiling.max_micros.is_some() { cost(input, payer, ceiling, verdict)? } else { 0 };
        let sum = Sum::read(input.program, ceiling.window, payer.session, now, meter);
        if meter.is_some_and(|meter| !meter.has_room_for(&sum.period, now)) {
            return Err(format!("budget `{}` counts for {MAX_SESSIONS} sessions already", ceiling.budget));
        }
        if !sum.parts.is_empty() {
            let sums = Meter::to_value(sum.parts.iter().copied());
            self.read.push((other.map(|name| &**name), &ceiling.key, sums));
        }
        let mut fits = sum.fits(cost, ceiling);
        if let Some((of, urgent)) = sum.wants(cost, ceiling).filter(|_| ceiling.fleet && fits) {
            fits = !urgent;
            self.wants.push(Want { agent: payer.agent.name.clone(), key: ceiling.key.clone(), of, urgent });
        }
        if !fits {
            let message = match ceiling.fleet {
                true => too_much_for_the_fleet(ceiling, cost),
                false => too_much(ceiling, &sum, cost),
            };
            if ceiling.on_exceed == OnExceed::Audit {
                self.warnings.push((code(ceiling), message));
            } else {
                let resets_at = sum.fits_at(input.program, cost, ceiling);
                self.exceeded.push(Exceeded { ceiling, message, resets_at });
            }
        }
        let warned = fits && !sum.warned && is_near(ceiling, &sum, cost);
        if warned {
            self.warnings.push((Code::BudgetWarning, near(ceiling, &sum, cost)));
        }
        let fixed = ceiling.cost.is_some() || ceiling.max_micros.is_none();
        let (meter, period) = (ceiling.key.clone(), sum.period);
        self.charges.push(Charge { meter, period, micros: cost, warned, fixed, payer: other.cloned() });
        Ok(())
    }
}

/// Budgets that want a person to decide: an approval of this very call covers them, or is asked for.
fn ask<'a>(input: &Input<'a>, tally: &Tally<'_>, verdict: &mut Verdict<'a>) -> Flow {
    let Some(first) = tally.exceeded.first() else { return Flow::Continue };
    let mut names: Vec<&str> = tally.exceeded.iter().map(|found| &*found.ceiling.budget).collect();
    names.dedup();
    verdict.over = Some(names.join(",").into());
    verdict.effect = Effect::Defer;
    verdict.code = Code::PolicyDefer;
    verdict.message = format!("{}; a person decides", first.message);
    let rules_approval = verdict.approval.take();
    let flow = approvals::cover(input, verdict);
    if verdict.effect != Effect::Permit {
        // The approval of the rule stays for when this one is there too.
        let used =
            |change: &Change| matches!(change, Change::ApprovalConsumed { .. } | Change::GrantUsed { .. });
        verdict.changes.retain(|change| !used(change));
    } else if verdict.approval.is_none() {
        verdict.approval = rules_approval;
    }
    flow
}

fn denied(
    ceiling: &Ceiling,
    message: String,
    resets_at: Option<Timestamp>,
    verdict: &mut Verdict<'_>,
) -> Flow {
    verdict.effect = Effect::Deny;
    verdict.code = code(ceiling);
    verdict.message = message;
    verdict.relief = Some(Relief::BudgetReset { at: resets_at });
    verdict.take_back();
    Flow::End
}

pub(super) fn code(ceiling: &Ceiling) -> Code {
    match ceiling.of {
        Of::Budget => Code::BudgetExceeded,
        Of::Calls | Of::Data | Of::Customers => Code::AmbientExceeded,
    }
}

/// What the call costs, in micro-dollars.
fn cost<'a>(
    input: &Input<'a>,
    payer: &Payer<'a>,
    ceiling: &Ceiling,
    verdict: &mut Verdict<'a>,
) -> Result<u64, String> {
    if ceiling.of == Of::Data {
        return Ok(u64::try_from(canonical(&input.call.args).len()).unwrap_or(u64::MAX));
    }
    let Some(operand) = ceiling.cost else { return Ok(FLAT_COST_MICROS) };
    let evaluator = Evaluator::of(input).owned_by(payer.agent);
    let unknown = |why: &str| format!("budget `{}` cannot tell what this call costs: {why}", ceiling.budget);
    let value = evaluator.operand(operand);
    evaluator.note_reads(verdict);
    match value {
        Ok(View::Number(number)) => {
            micros_up(&number).ok_or_else(|| unknown("the amount is below zero or too large"))
        }
        Ok(_) => Err(unknown(&describe(evaluator.type_error(operand), input.program))),
        Err(why) => Err(unknown(&describe(why, input.program))),
    }
}

fn too_much(ceiling: &Ceiling, sum: &Sum<'_>, cost: u64) -> String {
    match (ceiling.max_micros, ceiling.max_calls) {
        (Some(max), _) if ceiling.of == Of::Data => {
            let left = max.saturating_sub(sum.micros);
            format!("this call moves {cost} bytes, and `{}` has {left} of {max} left", ceiling.budget)
        }
        (Some(max), _) if sum.micros.saturating_add(cost) > max => format!(
            "this call costs ${}, and budget `{}` has ${} of ${} left",
            dollars(cost),
            ceiling.budget,
            dollars(max.saturating_sub(sum.micros)),
            dollars(max),
        ),
        (_, max_calls) => {
            let what = if ceiling.of == Of::Budget { "budget " } else { "" };
            let max_calls = max_calls.unwrap_or_default();
            format!("{what}`{}` has room for {max_calls} calls, and all were made", ceiling.budget)
        }
    }
}

fn too_much_for_the_fleet(ceiling: &Ceiling, cost: u64) -> String {
    match ceiling.max_micros {
        Some(max) => format!(
            "this call costs ${}, and no more of the ${} of budget `{}`, which all daemons share, can be had now",
            dollars(cost),
            dollars(max),
            ceiling.budget
        ),
        None => {
            format!("no more calls of budget `{}`, which all daemons share, can be had now", ceiling.budget)
        }
    }
}

/// Whether the call takes the sum to the share of the ceiling at which people are told.
fn is_near(ceiling: &Ceiling, sum: &Sum<'_>, cost: u64) -> bool {
    let Some(share) = ceiling.warn_at_millionths else { return false };
    let reaches = |used: u64, max: u64| u128::from(used) * 1_000_000 >= u128::from(max) * u128::from(share);
    let (micros, calls) = used_by_all(sum);
    ceiling.max_micros.is_some_and(|max| reaches(micros.saturating_add(cost), max))
        || ceiling.max_calls.is_some_and(|max| reaches(calls.saturating_add(1), max.into()))
}

/// What was used, with what other daemons have leased, as far as this one knows.
fn used_by_all(sum: &Sum<'_>) -> (u64, u64) {
    let leased = &sum.leased;
    let others = leased.fleet_micros.saturating_sub(leased.micros);
    let other_calls = leased.fleet_calls.saturating_sub(leased.calls);
    (sum.micros.saturating_add(others), sum.calls.saturating_add(other_calls))
}

fn near(ceiling: &Ceiling, sum: &Sum<'_>, cost: u64) -> String {
    let (micros, calls) = used_by_all(sum);
    let money = ceiling
        .max_micros
        .map(|max| format!("${} of ${}", dollars(micros.saturating_add(cost)), dollars(max)));
    let calls = ceiling.max_calls.map(|max| format!("{} of {max} calls", calls.saturating_add(1)));
    let used = [money, calls].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    format!("budget `{}` has used {used}", ceiling.budget)
}
