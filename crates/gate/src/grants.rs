//! A person answers calls beforehand: a standing grant, or takes one back. Either counts when its record is
//! durable.

use faramesh_call::{Object, Value, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_state::Change;
use faramesh_state::grants::{Grant, MAX_GRANTS, MAX_WHERE, Scope};

use crate::approvals::{MAX_REASON_BYTES, Operator};
use crate::gate::{Gate, Unrecorded, awaited};

/// Longest grant, in milliseconds.
const MAX_TTL_MS: u64 = 30 * 86_400_000;
/// Most calls of a grant.
const MAX_USES: u32 = 10_000;

/// What a person wants to grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it covers.
    pub scope: Scope,
    /// For how many calls.
    pub uses: u32,
    /// For how long, in milliseconds.
    pub ttl_ms: u64,
    /// Why.
    pub reason: String,
}

/// Why a grant was not given, or not taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No such agent.
    #[error("the policy declares no agent `{0}`")]
    UnknownAgent(Box<str>),
    /// No such grant, or it has ended.
    #[error("there is no grant `{0}` that still holds")]
    Unknown(Box<str>),
    /// Something that it asks for is out of bounds.
    #[error("{0}")]
    Bounds(String),
    /// No reason, or one that is too long.
    #[error("a reason of 1 to {MAX_REASON_BYTES} bytes is needed")]
    Reason,
    /// It could not be recorded.
    #[error("it could not be recorded, so it does not count")]
    NotRecorded,
    /// The disk does not answer.
    #[error("the ledger has not recorded it yet: it counts once it has; `faramesh approvals grants` tells")]
    Late,
}

impl From<Unrecorded> for GrantError {
    fn from(unrecorded: Unrecorded) -> Self {
        match unrecorded {
            Unrecorded::Refused => Self::NotRecorded,
            Unrecorded::Late => Self::Late,
        }
    }
}

impl Gate {
    /// Gives a standing grant: calls that a rule defers and that it covers are permitted, so often and so
    /// long.
    ///
    /// # Errors
    /// Nothing was granted; the error says why.
    pub fn grant(&self, operator: Operator<'_>, wanted: Wanted) -> Result<Grant, GrantError> {
        let reason = wanted.reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(GrantError::Reason);
        }
        bounded(&wanted)?;
        let (completion, recorded) = awaited();
        let grant = {
            let mut inner = self.inner();
            let now = (self.settings.clock)();
            if !inner.program.agents().iter().any(|agent| agent.name == wanted.scope.agent) {
                return Err(GrantError::UnknownAgent(wanted.scope.agent));
            }
            if !inner.state.grants().has_room(now) {
                return Err(GrantError::Bounds(format!("{MAX_GRANTS} grants hold already")));
            }
            let mut scope = wanted.scope;
            // As a replay of the record gives it.
            scope.wanted.sort_by(|(left, _), (right, _)| left.cmp(right));
            scope.wanted.dedup_by(|(left, _), (right, _)| left == right);
            let entropy = inner.entropy.take().map_err(|_| GrantError::NotRecorded)?;
            let grant = Grant {
                id: format!("grt-{entropy:032x}").into(),
                scope,
                uses: wanted.uses,
                used: 0,
                at: now,
                expires_at: now.plus_ms(wanted.ttl_ms),
                by: operator.peer.user().into(),
                reason: reason.into(),
            };
            let change = Change::Granted(Box::new(grant.clone()));
            let draft = self.grant_draft(&grant, "granted", &grant.by, &change, &grant.reason);
            self.ledger.append(draft, now, completion).map_err(|_| GrantError::NotRecorded)?;
            inner.state.apply(&change);
            grant
        };
        self.recorded(&recorded)?;
        Ok(grant)
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// Nothing was taken back; the error says why.
    pub fn revoke_grant(&self, operator: Operator<'_>, id: &str, reason: &str) -> Result<Grant, GrantError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(GrantError::Reason);
        }
        let (completion, recorded) = awaited();
        let grant = {
            let mut inner = self.inner();
            let now = (self.settings.clock)();
            let known = inner.state.grants().get(id).filter(|grant| grant.holds(now)).cloned();
            let grant = known.ok_or_else(|| GrantError::Unknown(id.into()))?;
            let change = Change::GrantRevoked { id: grant.id.clone() };
            let draft = self.grant_draft(&grant, "revoked", operator.peer.user(), &change, reason);
            self.ledger.append(draft, now, completion).map_err(|_| GrantError::NotRecorded)?;
            inner.state.apply(&change);
            grant
        };
        self.recorded(&recorded)?;
        Ok(grant)
    }

    /// The standing grants that still hold.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let inner = self.inner();
        let now = (self.settings.clock)();
        let all = inner.state.grants().all();
        all.into_iter().filter(|grant| grant.holds(now)).cloned().collect()
    }

    fn grant_draft<'a>(
        &self,
        grant: &'a Grant,
        status: &'static str,
        by: &str,
        change: &Change,
        reason: &'a str,
    ) -> Draft<'a> {
        let detail: Object = object! { "by" => by, "grant" => grant.id.clone(), "status" => status };
        Draft {
            agent: Some((&*grant.scope.agent).into()),
            tool: Some((&*grant.scope.tool).into()),
            reason: Some(reason.into()),
            changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
            dev: self.settings.dev,
            ..Draft::event(Kind::Grant, detail)
        }
    }
}

fn bounded(wanted: &Wanted) -> Result<(), GrantError> {
    let bounds = |message: String| Err(GrantError::Bounds(message));
    if wanted.uses == 0 || wanted.uses > MAX_USES {
        return bounds(format!("a grant covers 1 to {MAX_USES} calls"));
    }
    if wanted.ttl_ms == 0 || wanted.ttl_ms > MAX_TTL_MS {
        return bounds("a grant lasts 30 days at most".to_owned());
    }
    if wanted.scope.tool.trim().is_empty() || wanted.scope.tool.len() > faramesh_call::call::MAX_TOOL_BYTES {
        return bounds("a grant names a tool, or a pattern of tools".to_owned());
    }
    if wanted.scope.wanted.len() > MAX_WHERE {
        return bounds(format!("a grant asks for {MAX_WHERE} arguments at most"));
    }
    Ok(())
}
