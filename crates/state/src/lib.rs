//! What a daemon remembers between calls: approvals, and what is left of rates and budgets.
//! It is a fold over the ledger: the only way to change it is a [`Change`], every change is in a
//! record, and replaying the records gives the same state.

pub mod approval;
pub mod change;
pub mod fold;
pub mod grants;
pub mod handovers;
pub mod limits;
pub mod recent;
pub mod rollouts;
pub mod sessions;
pub mod standing;
mod stored;

pub use approval::{Approval, Binding, Resolution, Status};
pub use change::Change;
pub use grants::{Grant, Grants};
pub use handovers::Handovers;
pub use limits::Limits;
pub use recent::Recent;
pub use rollouts::Rollouts;
pub use sessions::{Declared, Said, Sessions};
pub use standing::{Control, Standing};

use std::collections::HashMap;

use faramesh_call::{Timestamp, Value};
use rustc_hash::FxHashMap;

use crate::stored::{Stored, stored};

/// Most approvals that are remembered at once; a defer beyond it is a denial.
pub const MAX_APPROVALS: usize = 10_000;

/// Most links of a chain of delegations.
pub const MAX_CHAIN: usize = 8;

/// Most approvals of one agent that wait, or whose answer still holds.
pub const MAX_APPROVALS_OF_AGENT: usize = 1_000;

/// What saved states begin with. The number rises with every change of the fold or of the bytes that is made
/// between two releases.
const SAVED_BY: &str = concat!("faramesh-state ", env!("CARGO_PKG_VERSION"), " 1\n");

/// The state of one stack.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct State {
    approvals: HashMap<Box<str>, Approval>,
    by_binding: HashMap<Binding, Box<str>>,
    agent_seqs: FxHashMap<Box<str>, u64>,
    limits: Limits,
    controls: FxHashMap<Box<str>, Control>,
    recent: Recent,
    sessions: Sessions,
    rollouts: Rollouts,
    handovers: Handovers,
    grants: Grants,
}

stored! {
    State {
        approvals, by_binding, agent_seqs, limits, controls, recent, sessions, rollouts, handovers, grants,
    }
}

impl State {
    /// The state as bytes, in one form: equal states have equal bytes. They say which release wrote them.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut out = SAVED_BY.as_bytes().to_vec();
        self.put(&mut out);
        out
    }

    /// Reads what [`State::save`] of this release wrote. Another one may fold records in another way.
    #[must_use]
    pub fn load(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(SAVED_BY.as_bytes())?;
        let state = Self::take(&mut rest)?;
        rest.is_empty().then_some(state)
    }
    /// What is left of rates and budgets.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Moves what these limits of an agent have used to another state, where there is none of it yet.
    pub fn move_limits(&mut self, agent: &str, keys: &[Box<str>], to: &mut Self) {
        self.limits.hand_over(agent, keys, &mut to.limits);
    }

    /// A copy without what limits have used.
    #[must_use]
    pub fn without_limits(&self) -> Self {
        Self {
            approvals: self.approvals.clone(),
            by_binding: self.by_binding.clone(),
            agent_seqs: self.agent_seqs.clone(),
            limits: Limits::default(),
            controls: self.controls.clone(),
            recent: Recent::default(),
            sessions: Sessions::default(),
            rollouts: self.rollouts.clone(),
            handovers: self.handovers.clone(),
            grants: self.grants.clone(),
        }
    }

    /// What is known of sessions beside their calls.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Standing grants.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// What agents handed on and started.
    #[must_use]
    pub fn handovers(&self) -> &Handovers {
        &self.handovers
    }

    /// When the rollouts of the policy in force began.
    #[must_use]
    pub fn rollouts(&self) -> &Rollouts {
        &self.rollouts
    }

    /// The calls of the last minutes that have an id.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// The same, to note another.
    pub fn recent_mut(&mut self) -> &mut Recent {
        &mut self.recent
    }

    /// What an operator last did about an agent; `None` when nobody ever did anything.
    #[must_use]
    pub fn control(&self, agent: &str) -> Option<&Control> {
        self.controls.get(agent)
    }

    /// The part of the state that a decision read, from the `inputs` of its record: deciding the call
    /// again over it gives what was decided.
    #[must_use]
    pub fn of_inputs(agent: &str, session: Option<&str>, inputs: &Value) -> Self {
        let control = inputs.get("control").and_then(Control::from_value);
        Self {
            sessions: Sessions::read_back(agent, session, inputs),
            handovers: Handovers::read_back(inputs),
            rollouts: inputs.get("rollouts").and_then(Rollouts::from_value).unwrap_or_default(),
            limits: Limits::read_back(agent, inputs),
            controls: control.map(|control| (agent.into(), control)).into_iter().collect(),
            ..Self::default()
        }
    }

    /// What operators last did about agents, by name.
    pub fn controls(&self) -> impl Iterator<Item = (&str, &Control)> {
        let mut controls: Vec<_> = self.controls.iter().map(|(agent, control)| (&**agent, control)).collect();
        controls.sort_unstable_by_key(|(agent, _)| *agent);
        controls.into_iter()
    }

    /// The approval of that id.
    #[must_use]
    pub fn approval(&self, id: &str) -> Option<&Approval> {
        self.approvals.get(id)
    }

    /// The live approval that covers this very call, if any.
    #[must_use]
    pub fn covering(&self, binding: &Binding, now: Timestamp) -> Option<&Approval> {
        let approval = self.approvals.get(self.by_binding.get(binding)?)?;
        (approval.expires_at > now).then_some(approval)
    }

    /// Every remembered approval, oldest first.
    #[must_use]
    pub fn approvals(&self) -> Vec<&Approval> {
        let mut all: Vec<&Approval> = self.approvals.values().collect();
        // Records are numbered by their ids also within a millisecond.
        let key =
            |approval: &&Approval| (approval.requested_at, approval.record.clone(), approval.id.clone());
        all.sort_by_cached_key(key);
        all
    }

    /// How many approvals wait for a person.
    #[must_use]
    pub fn pending(&self, now: Timestamp) -> usize {
        self.approvals.values().filter(|approval| approval.status_at(now) == Status::Pending).count()
    }

    /// How many approvals of an agent wait for a person.
    #[must_use]
    pub fn pending_of(&self, agent: &str, now: Timestamp) -> usize {
        let of_agent = self.approvals.values().filter(|approval| *approval.binding.agent == *agent);
        of_agent.filter(|approval| approval.status_at(now) == Status::Pending).count()
    }

    /// Whether one more approval can be remembered: used and expired ones make room.
    #[must_use]
    pub fn has_room(&self, now: Timestamp) -> bool {
        self.approvals.len() < MAX_APPROVALS || !self.approvals.values().all(|approval| approval.is_live(now))
    }

    /// Whether one more call of an agent may wait, so that no agent fills the queue for all.
    #[must_use]
    pub fn has_room_for(&self, agent: &str, now: Timestamp) -> bool {
        if self.approvals.len() < MAX_APPROVALS_OF_AGENT {
            return true;
        }
        let of_agent = self.approvals.values().filter(|approval| *approval.binding.agent == *agent);
        of_agent.filter(|approval| approval.is_live(now)).count() < MAX_APPROVALS_OF_AGENT
    }

    /// Applies one change. A change that does not fit the state is ignored: records are replayed
    /// as they are, and what they could not change then they cannot change now.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::ApprovalRequested(approval) => {
                self.make_room(approval.requested_at);
                self.by_binding.insert(approval.binding.clone(), approval.id.clone());
                self.approvals.insert(approval.id.clone(), (**approval).clone());
            }
            Change::ApprovalResolved { id, resolution } => {
                if let Some(approval) = self.approvals.get_mut(id)
                    && approval.status == Status::Pending
                {
                    approval.answer(resolution);
                }
            }
            Change::ApprovalConsumed { id } => {
                if let Some(approval) = self.approvals.get_mut(id) {
                    approval.status = Status::Consumed;
                    self.by_binding.remove(&approval.binding);
                }
            }
            Change::TokensTaken { agent, buckets } => self.limits.take(agent, buckets),
            Change::Reserved(reservation) => self.limits.reserve(reservation),
            Change::Leased(lease) => self.limits.lease(lease),
            Change::Settled(settled) => self.limits.settle(settled),
            Change::Declared(declared) => self.sessions.declare(declared),
            Change::Granted(grant) => self.grants.give(grant),
            Change::GrantUsed { id } => self.grants.count_use(id),
            Change::GrantRevoked { id } => self.grants.revoke(id),
            Change::Delegated(delegation) => self.handovers.delegate(delegation),
            Change::DelegationRevoked { id } => self.handovers.revoke(id),
            Change::Spawned(spawned) => self.handovers.spawn(spawned),
            Change::SpawnEnded { record } => self.handovers.end_spawn(record),
            Change::Rollouts(rollouts) => self.rollouts = rollouts.clone(),
            Change::AgentControlled { agent, control } => self.control_agent(agent, control),
        }
    }

    /// A killed agent's approvals end with it: nothing that was allowed before may run after.
    fn control_agent(&mut self, agent: &str, control: &Control) {
        let mut control = control.clone();
        if control.standing == Standing::Killed {
            control.killed_at = Some(control.at);
            for approval in self.approvals.values_mut().filter(|approval| *approval.binding.agent == *agent) {
                if matches!(approval.status, Status::Pending | Status::Approved) {
                    approval.status = Status::Denied;
                    approval.resolution = Some(Resolution {
                        approved: false,
                        by: control.by.clone(),
                        reason: format!("the agent was killed: {}", control.reason).into(),
                        at: control.at,
                    });
                }
            }
        } else {
            control.killed_at = self.control(agent).and_then(|known| known.killed_at);
        }
        self.controls.insert(agent.into(), control);
    }

    /// Used and expired approvals make room when a new one comes. The time is the record's, so a
    /// replay forgets exactly the same ones.
    fn make_room(&mut self, now: Timestamp) {
        if self.approvals.len() < MAX_APPROVALS {
            return;
        }
        self.approvals.retain(|_, approval| approval.is_live(now));
        self.by_binding.retain(|_, id| self.approvals.contains_key(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval(id: &str, at: u64) -> Approval {
        Approval {
            id: id.into(),
            binding: Binding {
                agent: "a".into(),
                tool: "t".into(),
                commitment: id.into(),
                rule_digest: "d".into(),
            },
            status: Status::Pending,
            requested_at: Timestamp(at),
            expires_at: Timestamp(at + 100),
            requester: "uid:1000".into(),
            record: "dpr-1".into(),
            rule_ref: "governance.fms:1".into(),
            policy: [0; 32],
            session: None,
            reason: None,
            args: Value::Null,
            needed: 1,
            approved_by: vec![],
            resolution: None,
        }
    }

    fn resolution(approved: bool) -> Resolution {
        Resolution { approved, by: "uid:0".into(), reason: "ok".into(), at: Timestamp(5) }
    }

    #[test]
    fn an_approval_lives_once() {
        let mut state = State::default();
        let request = approval("apr-1", 0);
        let binding = request.binding.clone();
        state.apply(&Change::ApprovalRequested(Box::new(request)));
        assert_eq!(state.covering(&binding, Timestamp(1)).unwrap().status, Status::Pending);
        state.apply(&Change::ApprovalResolved { id: "apr-1".into(), resolution: resolution(true) });
        assert_eq!(state.covering(&binding, Timestamp(1)).unwrap().status, Status::Approved);
        assert!(state.covering(&binding, Timestamp(100)).is_none(), "expired");
        state.apply(&Change::ApprovalResolved { id: "apr-1".into(), resolution: resolution(false) });
        assert_eq!(state.approval("apr-1").unwrap().status, Status::Approved, "resolved once");
        state.apply(&Change::ApprovalConsumed { id: "apr-1".into() });
        assert!(state.covering(&binding, Timestamp(1)).is_none());
        assert_eq!(state.approval("apr-1").unwrap().status, Status::Consumed);
    }

    #[test]
    fn expired_approvals_make_room() {
        let mut state = State::default();
        for number in 0..MAX_APPROVALS {
            state.apply(&Change::ApprovalRequested(Box::new(approval(&format!("apr-{number}"), 0))));
        }
        assert!(!state.has_room(Timestamp(99)));
        assert!(state.has_room(Timestamp(100)));
        state.apply(&Change::ApprovalRequested(Box::new(approval("apr-late", 1_000))));
        assert_eq!(state.approvals().len(), 1);
    }
}
