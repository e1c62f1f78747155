//! The queue of deferred calls, for people.

use faramesh_call::{Object, Timestamp, Value, json, object};
use faramesh_dpr::Record;
use faramesh_gate::{Operator, Peer};
use faramesh_ledger::Filter;
use faramesh_state::{Approval, Status};

use super::{Answer, Context, Failure, needed, text};
use crate::start::now;

/// How many earlier records an approver is shown.
const RECENT_RECORDS: usize = 20;

pub(super) fn list(context: &Context, params: &Object) -> Answer {
    let wanted = text(params, "status")?.unwrap_or("pending");
    let agent = text(params, "agent")?;
    let state = context.gate.approvals();
    let now = now();
    let listed: Vec<Value> = state
        .approvals()
        .into_iter()
        .filter(|approval| wanted == "all" || approval.status_at(now).as_str() == wanted)
        .filter(|approval| agent.is_none_or(|agent| *approval.binding.agent == *agent))
        .map(|approval| shown(approval, now).into())
        .collect();
    Ok(object! { "version" => 1_i64, "approvals" => listed })
}

pub(super) fn show(context: &Context, params: &Object) -> Answer {
    let id = needed(params, "id")?;
    let state = context.gate.approvals();
    let approval =
        state.approval(id).ok_or_else(|| Failure::new("UNKNOWN", format!("there is no approval `{id}`")))?;
    let unreadable = |error| Failure::new("LEDGER", error);
    let ledger = context.gate.ledger();
    let record = ledger.get(&approval.record).map_err(unreadable)?.into_iter().next();
    let filter = Filter {
        agent: Some(approval.binding.agent.to_string()),
        session: approval.session.as_deref().map(str::to_owned),
        limit: Some(RECENT_RECORDS),
        newest_first: true,
        ..Filter::default()
    };
    let recent: Vec<Value> = ledger.query(&filter).map_err(unreadable)?.iter().map(record_value).collect();
    let program = context.gate.program();
    let rule_text = program.agent(&approval.binding.agent).or(program.anonymous_agent()).and_then(|agent| {
        let same = |rule: &&faramesh_program::Rule| {
            *faramesh_program::hex(&rule.digest) == *approval.binding.rule_digest
        };
        agent.all_rules().find(same).map(|rule| rule.text.clone())
    });
    Ok(object! {
        "version" => 1_i64,
        "approval" => shown(approval, now()),
        "record" => record.as_ref().map(record_value),
        "rule_text" => rule_text,
        "recent" => recent,
    })
}

pub(super) fn answer(context: &Context, peer: &Peer, params: &Object, approved: bool) -> Answer {
    let id = needed(params, "id")?;
    let reason = needed(params, "reason")?;
    let approval = context.gate.answer(Operator { peer }, id, approved, reason).map_err(|error| {
        use faramesh_gate::ApprovalError;
        let code = match error {
            ApprovalError::Unknown(_) => "UNKNOWN",
            ApprovalError::NotPending { .. } => "NOT_PENDING",
            ApprovalError::SamePerson(_) => "SAME_PERSON",
            ApprovalError::AnsweredAlready(_) => "ANSWERED_ALREADY",
            ApprovalError::Reason => "REASON",
            ApprovalError::NotRecorded | ApprovalError::Late => "LEDGER_UNAVAILABLE",
        };
        Failure::new(code, error)
    })?;
    Ok(object! { "version" => 1_i64, "approval" => shown(&approval, now()) })
}

/// The bytes of a record as a value; they are canonical, so they always read.
pub(super) fn record_value(record: &Record) -> Value {
    json::parse(record.bytes()).unwrap_or_default()
}

fn shown(approval: &Approval, now: Timestamp) -> Object {
    let status: Status = approval.status_at(now);
    let mut shown = object! {
        "id" => approval.id.clone(),
        "status" => status.as_str(),
        "agent_id" => approval.binding.agent.clone(),
        "tool" => approval.binding.tool.clone(),
        "args" => approval.args.clone(),
        "args_digest" => approval.binding.commitment.clone(),
        "deferred_at" => approval.requested_at.to_string(),
        "expires_at" => approval.expires_at.to_string(),
        "rule_ref" => approval.rule_ref.clone(),
        "context" => object! {
            "session" => approval.session.clone(),
            "reason" => approval.reason.clone(),
            "requester" => approval.requester.clone(),
            "action_id" => approval.record.clone(),
        },
    };
    if approval.needed > 1 {
        shown.insert("approvals_required", u64::from(approval.needed));
        let by: Value = approval.approved_by.iter().map(|by| Value::string(by.clone())).collect();
        shown.insert("approved_by", by);
    }
    if let Some(resolution) = &approval.resolution {
        let resolution = object! {
            "approved" => resolution.approved,
            "by" => resolution.by.clone(),
            "reason" => resolution.reason.clone(),
            "at" => resolution.at.to_string(),
        };
        shown.insert("resolution", resolution);
    }
    shown
}
