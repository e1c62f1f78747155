//! How agents stand, and what an operator does about them.

use faramesh_call::{Object, Value, object};
use faramesh_gate::{AgentStatus, ControlError, Operator, Peer};
use faramesh_ledger::Filter;
use faramesh_state::handovers::Delegation;
use faramesh_state::{Control, Standing};

use super::approvals::record_value;
use super::status::budget;
use super::{Answer, Context, Failure, needed};

/// How many of an agent's last records are shown with it.
const RECENT_RECORDS: usize = 20;

pub(super) fn list(context: &Context) -> Answer {
    let agents: Vec<Value> = context.gate.agents().iter().map(|agent| shown(agent).into()).collect();
    Ok(object! { "version" => 1_i64, "agents" => agents })
}

pub(super) fn show(context: &Context, params: &Object) -> Answer {
    let name = needed(params, "agent")?;
    let agents = context.gate.agents();
    let agent = agents
        .iter()
        .find(|agent| *agent.agent == *name)
        .ok_or_else(|| told(&ControlError::Unknown(name.into())))?;
    let filter = Filter {
        agent: Some(name.to_owned()),
        limit: Some(RECENT_RECORDS),
        newest_first: true,
        ..Filter::default()
    };
    let recent = context.gate.ledger().query(&filter).map_err(|error| Failure::new("LEDGER", error))?;
    let budgets = context.gate.budgets();
    let budgets: Vec<Value> =
        budgets.iter().filter(|status| *status.agent == *name).map(|status| budget(status).into()).collect();
    Ok(object! {
        "version" => 1_i64,
        "agent" => shown(agent),
        "budgets" => budgets,
        "recent" => recent.iter().map(record_value).collect::<Vec<Value>>(),
    })
}

pub(super) fn control(context: &Context, peer: &Peer, params: &Object, standing: Standing) -> Answer {
    let agent = needed(params, "agent")?;
    let reason = needed(params, "reason")?;
    let control = context.gate.control(Operator { peer }, agent, standing, reason);
    let control = control.map_err(|error| told(&error))?;
    Ok(object! { "version" => 1_i64, "agent" => members(agent, Some(&control)) })
}

pub(super) fn delegations(context: &Context) -> Answer {
    let delegations: Vec<Value> = context.gate.delegations().iter().map(|found| link(found).into()).collect();
    Ok(object! { "version" => 1_i64, "delegations" => delegations })
}

pub(super) fn revoke(context: &Context, peer: &Peer, params: &Object) -> Answer {
    let token = needed(params, "delegation")?;
    let reason = needed(params, "reason")?;
    let revoked = context.gate.revoke(Operator { peer }, token, reason).map_err(|error| told(&error))?;
    Ok(object! { "version" => 1_i64, "delegation" => link(&revoked) })
}

fn link(delegation: &Delegation) -> Object {
    object! {
        "id" => delegation.id.clone(),
        "from" => delegation.from.clone(),
        "to" => delegation.to.clone(),
        "scope" => delegation.scope.iter().map(|pattern| Value::string(pattern.clone())).collect::<Value>(),
        "made_at" => delegation.at.to_string(),
        "expires_at" => delegation.expires_at.to_string(),
        "under" => delegation.parent.clone(),
        "record" => delegation.record.clone(),
    }
}

fn told(error: &ControlError) -> Failure {
    let code = match error {
        ControlError::Unknown(_) | ControlError::UnknownDelegation(_) => "UNKNOWN",
        ControlError::Already { .. } => "ALREADY",
        ControlError::Reason => "REASON",
        ControlError::NotRecorded | ControlError::Late => "LEDGER_UNAVAILABLE",
    };
    Failure::new(code, error)
}

fn shown(agent: &AgentStatus) -> Object {
    let mut shown = members(&agent.agent, agent.control.as_ref());
    shown.insert("declared", agent.declared);
    shown.insert("pending_approvals", u64::try_from(agent.pending).unwrap_or(u64::MAX));
    shown
}

fn members(agent: &str, control: Option<&Control>) -> Object {
    let standing = control.map_or(Standing::Running, |control| control.standing);
    let mut members = object! { "id" => agent, "standing" => standing.as_str() };
    if let Some(control) = control {
        members.insert("at", control.at.to_string());
        members.insert("by", control.by.clone());
        members.insert("reason", control.reason.clone());
    }
    members
}
