//! Step 10: a defer that a live approval covers becomes a permit, once; one that a person denied
//! becomes a denial; any other asks for an approval. Codes: `APPROVED`, `APPROVAL_DENIED`,
//! `POLICY_DEFER`, and `POLICY_LIMIT` when the queue is full. The answer is looked up before budgets,
//! because only a call that would be permitted spends; the request comes after them, because a budget
//! may want a person too.

use faramesh_call::{Code, Effect};
use faramesh_program::hex;
use faramesh_program::image::Mode;
use faramesh_program::tools::matches;
use faramesh_state::fold::{BUDGET_REFERENCE, BUDGET_RULE, DEFAULT_RULE, shown};
use faramesh_state::{Approval, Binding, Change, Grant, MAX_APPROVALS, MAX_APPROVALS_OF_AGENT, Status};

use crate::Flow;
use crate::input::Input;
use crate::steps::redact;
use crate::verdict::{ApprovalUse, Verdict};

/// A person's answer to this very call, when there is one.
pub(crate) fn cover<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if !waits(input, verdict) {
        return Flow::Continue;
    }
    let approval = input.state.covering(&binding(input, verdict), input.moment.now);
    // A grant covers what waits already as well; what a person answered stays answered.
    let waits = approval.is_none_or(|approval| approval.status == Status::Pending);
    match (granted(input, verdict).filter(|_| waits), approval) {
        (Some(grant), _) => permitted(grant, verdict),
        (None, Some(approval)) => answered(approval, verdict),
        (None, None) => {}
    }
    Flow::Continue
}

/// A request for an answer, unless this very call waits already.
pub(crate) fn ask<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if waits(input, verdict) && verdict.approval.is_none() {
        request(input, binding(input, verdict), verdict);
    }
    Flow::Continue
}

/// In audit mode nothing waits, so nobody is asked.
fn waits(input: &Input<'_>, verdict: &Verdict<'_>) -> bool {
    verdict.effect == Effect::Defer && input.program.runtime.mode != Mode::Audit
}

/// What the approval of this call is good for: it is a rule that asks, the default, or budgets.
fn binding(input: &Input<'_>, verdict: &Verdict<'_>) -> Binding {
    let rule_digest = match (&verdict.over, verdict.rule) {
        (Some(budgets), _) => format!("{BUDGET_RULE}{budgets}").into(),
        (None, Some(rule)) => hex(&rule.digest).into(),
        (None, None) => DEFAULT_RULE.into(),
    };
    Binding {
        agent: input.agent.name.clone(),
        tool: input.call.tool.clone(),
        commitment: input.commitment.into(),
        rule_digest,
    }
}

/// A standing grant that covers the call. What several people must answer, and what goes beyond a
/// budget, is never granted beforehand; nobody grants their own calls.
fn granted<'a>(input: &Input<'a>, verdict: &Verdict<'_>) -> Option<&'a Grant> {
    let several = verdict.rule.is_some_and(|rule| rule.approvals_required > 1);
    if several || verdict.over.is_some() {
        return None;
    }
    let grants = input.state.grants().of(&input.agent.name, input.moment.now);
    grants.into_iter().find(|grant| {
        *grant.by != *input.requester
            && matches(&grant.scope.tool, &input.call.tool)
            && grant.scope.fits(&input.call.args)
    })
}

fn permitted(grant: &Grant, verdict: &mut Verdict<'_>) {
    verdict.inputs.insert("approval", &*grant.id);
    verdict.effect = Effect::Permit;
    verdict.code = Code::Approved;
    verdict.message = String::new();
    verdict.next = None;
    verdict.changes.push(Change::GrantUsed { id: grant.id.clone() });
    verdict.approval = Some(ApprovalUse {
        id: grant.id.clone(),
        status: "granted",
        by: Some(grant.by.clone()),
        reason: Some(grant.reason.clone()),
    });
}

fn answered(approval: &Approval, verdict: &mut Verdict<'_>) {
    let resolution = approval.resolution.as_ref();
    let mut used = ApprovalUse {
        id: approval.id.clone(),
        status: approval.status.as_str(),
        by: resolution.map(|resolution| resolution.by.clone()),
        reason: resolution.map(|resolution| resolution.reason.clone()),
    };
    match approval.status {
        Status::Approved => {
            used.status = Status::Consumed.as_str();
            verdict.inputs.insert("approval", &*approval.id);
            verdict.effect = Effect::Permit;
            verdict.code = Code::Approved;
            verdict.message = String::new();
            verdict.next = None;
            verdict.changes.push(Change::ApprovalConsumed { id: approval.id.clone() });
        }
        Status::Denied => {
            verdict.effect = Effect::Deny;
            verdict.code = Code::ApprovalDenied;
            verdict.message = used.reason.as_deref().unwrap_or("a person denied this call").to_owned();
        }
        // The same call waits already: no second request for it.
        _ => {}
    }
    verdict.approval = Some(used);
}

fn request(input: &Input<'_>, binding: Binding, verdict: &mut Verdict<'_>) {
    let now = input.moment.now;
    if !input.state.has_room(now) {
        verdict.effect = Effect::Deny;
        verdict.code = Code::PolicyLimit;
        verdict.message = format!("{MAX_APPROVALS} calls wait for approval, or for their retry, already");
        return;
    }
    if !input.state.has_room_for(&input.agent.name, now) {
        verdict.effect = Effect::Deny;
        verdict.code = Code::PolicyLimit;
        verdict.message = format!(
            "{MAX_APPROVALS_OF_AGENT} calls of this agent wait for approval, or for their retry, already"
        );
        return;
    }
    let id: Box<str> = format!("apr-{:032x}", input.moment.entropy).into();
    let rule_ref = match (&verdict.over, verdict.rule) {
        (Some(budgets), _) => format!("{BUDGET_REFERENCE}{budgets}").into(),
        (None, Some(rule)) => rule.reference.clone(),
        (None, None) => DEFAULT_RULE.into(),
    };
    verdict.changes.push(Change::ApprovalRequested(Box::new(Approval {
        id: id.clone(),
        binding,
        status: Status::Pending,
        requested_at: now,
        expires_at: now.plus_ms(input.program.runtime.approval_ttl_ms),
        requester: input.requester.into(),
        record: Box::default(),
        rule_ref,
        policy: *input.program.hash(),
        session: input.call.session.clone(),
        reason: Some(verdict.message.as_str().into()),
        args: shown(&redact::shown_args(input)),
        needed: match verdict.over {
            Some(_) => 1,
            None => verdict.rule.map_or(1, |rule| rule.approvals_required),
        },
        approved_by: Vec::new(),
        resolution: None,
    })));
    verdict.approval = Some(ApprovalUse { id, status: Status::Pending.as_str(), by: None, reason: None });
}
