//! Step 10: a defer that a live approval covers becomes a permit, once; one that a person denied
//! becomes a denial; any other asks for an approval. Codes: `APPROVED`, `APPROVAL_DENIED`,
//! `POLICY_DEFER`, and `POLICY_LIMIT` when the queue is full.

use faramesh_call::{Code, Effect};
use faramesh_program::hex;
use faramesh_program::image::Mode;
use faramesh_state::fold::{DEFAULT_RULE, shown};
use faramesh_state::{Approval, Binding, Change, MAX_APPROVALS, Status};

use crate::Flow;
use crate::input::Input;
use crate::steps::redact;
use crate::verdict::{ApprovalUse, Verdict};

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    // In audit mode nothing waits, so nobody is asked.
    if verdict.effect != Effect::Defer || input.program.runtime.mode == Mode::Audit {
        return Flow::Continue;
    }
    let binding = Binding {
        agent: input.agent.name.clone(),
        tool: input.call.tool.clone(),
        commitment: input.commitment.into(),
        rule_digest: verdict.rule.map_or_else(|| DEFAULT_RULE.into(), |rule| hex(&rule.digest).into()),
    };
    match input.state.covering(&binding, input.moment.now) {
        Some(approval) => answered(approval, verdict),
        None => ask(input, binding, verdict),
    }
    Flow::Continue
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

fn ask(input: &Input<'_>, binding: Binding, verdict: &mut Verdict<'_>) {
    let now = input.moment.now;
    if !input.state.has_room(now) {
        verdict.effect = Effect::Deny;
        verdict.code = Code::PolicyLimit;
        verdict.message = format!("{MAX_APPROVALS} calls wait for approval, or for their retry, already");
        return;
    }
    let id: Box<str> = format!("apr-{:032x}", input.moment.entropy).into();
    verdict.changes.push(Change::ApprovalRequested(Box::new(Approval {
        id: id.clone(),
        binding,
        status: Status::Pending,
        requested_at: now,
        expires_at: now.plus_ms(input.program.runtime.approval_ttl_ms),
        requester: input.requester.into(),
        record: Box::default(),
        rule_ref: verdict.rule.map_or_else(|| DEFAULT_RULE.into(), |rule| rule.reference.clone()),
        policy: *input.program.hash(),
        session: input.call.session.clone(),
        reason: Some(verdict.message.as_str().into()),
        args: shown(&redact::shown_args(input)),
        resolution: None,
    })));
    verdict.approval = Some(ApprovalUse { id, status: Status::Pending.as_str(), by: None, reason: None });
}
