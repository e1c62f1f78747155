//! What was handed on is taken back: by the agent that handed it on, or by an operator.

use std::sync::Arc;

use faramesh_call::{Code, Value, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_identity::{Peer, identify};
use faramesh_state::Change;
use faramesh_state::handovers::Delegation;

use crate::approvals::{MAX_REASON_BYTES, Operator};
use crate::control::ControlError;
use crate::gate::{Gate, awaited};
use crate::lifecycle::Lifecycle;
use crate::record::recorded;
use crate::sessions::Told;

impl Gate {
    /// Takes back what the calling agent handed on. The caller must [`Gate::commit`] afterwards.
    pub fn take_back(&self, peer: &Peer, claimed: Option<&str>, token: &str, told: Told) {
        if self.lifecycle() != Lifecycle::Ready {
            return told(Err((Code::DaemonNotReady, "the daemon is not ready".to_owned())));
        }
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let program = Arc::clone(&inner.program);
        let (agent, identity) = match identify(&program, peer, claimed, self.settings.dev) {
            Ok((agent, identity)) => (agent, recorded(&identity)),
            Err(refused) => return told(Err((refused.code, refused.message))),
        };
        // One of somebody else's is as unknown as one that never was.
        let known = inner.state.handovers().delegation(token, now);
        let Some(known) = known.filter(|known| *known.from == *agent.name).cloned() else {
            let message = "this agent handed on nothing of that token, or it has ended".to_owned();
            return told(Err((Code::CallInvalid, message)));
        };
        let change = Change::DelegationRevoked { id: known.id.clone() };
        let mut draft = self.revoked(&known, &change, identity.subject.clone());
        draft.identity = Some(identity);
        let completion = Box::new(move |result: Result<_, _>| {
            told(match result {
                Ok(_) => Ok(()),
                Err(_) => Err((Code::LedgerUnavailable, "it could not be recorded".to_owned())),
            });
        });
        if self.ledger.append(draft, now, completion).is_ok() {
            inner.state.apply(&change);
        }
    }

    /// Takes back what an agent handed on, as an operator.
    ///
    /// # Errors
    /// Nothing was taken back; the error says why.
    pub fn revoke(
        &self,
        operator: Operator<'_>,
        token: &str,
        reason: &str,
    ) -> Result<Delegation, ControlError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(ControlError::Reason);
        }
        let (completion, waiting) = awaited();
        let known = {
            let mut inner = self.inner();
            let now = (self.settings.clock)();
            let known = inner.state.handovers().delegation(token, now).cloned();
            let known = known.ok_or_else(|| ControlError::UnknownDelegation(token.into()))?;
            let change = Change::DelegationRevoked { id: known.id.clone() };
            let mut draft = self.revoked(&known, &change, operator.peer.user().into());
            draft.reason = Some(reason.into());
            self.ledger.append(draft, now, completion).map_err(|_| ControlError::NotRecorded)?;
            inner.state.apply(&change);
            known
        };
        self.recorded(&waiting)?;
        Ok(known)
    }

    /// The delegations that have not ended.
    #[must_use]
    pub fn delegations(&self) -> Vec<Delegation> {
        let inner = self.inner();
        inner.state.handovers().delegations((self.settings.clock)()).into_iter().cloned().collect()
    }

    fn revoked<'a>(
        &self,
        known: &'a Delegation,
        change: &Change,
        by: std::borrow::Cow<'_, str>,
    ) -> Draft<'a> {
        let detail = object! { "by" => &*by, "event" => "delegation_revoked" };
        Draft {
            agent: Some((&*known.from).into()),
            parent: Some((&*known.record).into()),
            changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
            dev: self.settings.dev,
            ..Draft::event(Kind::Lifecycle, detail)
        }
    }
}
