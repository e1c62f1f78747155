//! Standing grants, for people.

use faramesh_call::{Object, Value, object};
use faramesh_gate::{GrantError, Operator, Peer, Wanted};
use faramesh_state::Grant;
use faramesh_state::grants::Scope;

use super::{Answer, Context, Failure, needed, whole};

pub(super) fn list(context: &Context) -> Answer {
    let grants: Vec<Value> = context.gate.grants().iter().map(|grant| shown(grant).into()).collect();
    Ok(object! { "version" => 1_i64, "grants" => grants })
}

pub(super) fn grant(context: &Context, peer: &Peer, params: &Object) -> Answer {
    let wanted = match params.get("where") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(members)) => {
            members.iter().map(|(name, value)| (name.into(), value.clone())).collect()
        }
        Some(_) => return Err(Failure::params("`where` must be an object")),
    };
    let number =
        |key: &str| whole(params, key)?.ok_or_else(|| Failure::params(format!("`{key}` is missing")));
    let scope =
        Scope { agent: needed(params, "agent")?.into(), tool: needed(params, "tool")?.into(), wanted };
    let wanted = Wanted {
        scope,
        uses: u32::try_from(number("uses")?).unwrap_or(u32::MAX),
        ttl_ms: number("ttl_ms")?,
        reason: needed(params, "reason")?.to_owned(),
    };
    let granted = context.gate.grant(Operator { peer }, wanted).map_err(|error| told(&error))?;
    Ok(object! { "version" => 1_i64, "grant" => shown(&granted) })
}

pub(super) fn revoke(context: &Context, peer: &Peer, params: &Object) -> Answer {
    let (id, reason) = (needed(params, "id")?, needed(params, "reason")?);
    let revoked = context.gate.revoke_grant(Operator { peer }, id, reason).map_err(|error| told(&error))?;
    Ok(object! { "version" => 1_i64, "grant" => shown(&revoked) })
}

fn told(error: &GrantError) -> Failure {
    let code = match error {
        GrantError::UnknownAgent(_) => "UNKNOWN_AGENT",
        GrantError::Unknown(_) => "UNKNOWN",
        GrantError::Bounds(_) => "BOUNDS",
        GrantError::Reason => "REASON",
        GrantError::NotRecorded | GrantError::Late => "LEDGER_UNAVAILABLE",
    };
    Failure::new(code, error)
}

fn shown(grant: &Grant) -> Object {
    let wanted: Object = grant.scope.wanted.iter().map(|(name, value)| (&**name, value.clone())).collect();
    object! {
        "id" => grant.id.clone(),
        "agent_id" => grant.scope.agent.clone(),
        "tool" => grant.scope.tool.clone(),
        "where" => wanted,
        "uses" => u64::from(grant.uses),
        "used" => u64::from(grant.used),
        "granted_at" => grant.at.to_string(),
        "expires_at" => grant.expires_at.to_string(),
        "by" => grant.by.clone(),
        "reason" => grant.reason.clone(),
    }
}
