//! An operator does something about an agent. It counts when its record is durable.

use faramesh_call::{Object, Timestamp, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_program::Program;
use faramesh_state::{Change, Control, Standing, State};

use crate::approvals::{MAX_REASON_BYTES, Operator};
use crate::gate::{Gate, Unrecorded, awaited};

/// Why nothing was done about an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No such agent in the policy, and nothing was done about one of that name before.
    #[error("there is no agent `{0}`")]
    Unknown(Box<str>),
    /// No delegation of that token is under way.
    #[error("no delegation `{0}` is under way")]
    UnknownDelegation(Box<str>),
    /// It stands so already.
    #[error("agent `{agent}` is {standing} already")]
    Already {
        /// Which agent.
        agent: Box<str>,
        /// Where it stands.
        standing: &'static str,
    },
    /// No reason, or one that is too long.
    #[error("a reason of 1 to {MAX_REASON_BYTES} bytes is needed")]
    Reason,
    /// It could not be recorded.
    #[error("it could not be recorded, so nothing was done")]
    NotRecorded,
    /// The disk does not answer.
    #[error(
        "the ledger has not recorded it yet: it counts once it has; `faramesh agent show` tells where the agent \
         stands"
    )]
    Late,
}

impl From<Unrecorded> for ControlError {
    fn from(unrecorded: Unrecorded) -> Self {
        match unrecorded {
            Unrecorded::Refused => Self::NotRecorded,
            Unrecorded::Late => Self::Late,
        }
    }
}

/// How one agent stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentStatus {
    /// Its name.
    pub agent: Box<str>,
    /// Whether the policy in force declares it.
    pub declared: bool,
    /// What an operator last did about it.
    pub control: Option<Control>,
    /// Its approvals that wait for a person.
    pub pending: usize,
}

impl Gate {
    /// Kills, isolates, quiesces or resumes an agent. Calls that were decided before keep what they got;
    /// every later one is decided under it.
    ///
    /// # Errors
    /// Nothing was done; the error says why.
    pub fn control(
        &self,
        operator: Operator<'_>,
        agent: &str,
        standing: Standing,
        reason: &str,
    ) -> Result<Control, ControlError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(ControlError::Reason);
        }
        let (completion, recorded) = awaited();
        let control = {
            let mut inner = self.inner();
            let now = (self.settings.clock)();
            may_control(&inner.program, &inner.state, agent, standing)?;
            let by = operator.peer.user();
            let control =
                Control { standing, by: by.into(), reason: reason.into(), at: now, killed_at: None };
            let change = Change::AgentControlled { agent: agent.into(), control };
            let draft = draft(agent, standing, operator, reason, &change, self.settings.dev);
            self.ledger.append(draft, now, completion).map_err(|_| ControlError::NotRecorded)?;
            inner.state.apply(&change);
            inner.state.control(agent).cloned().ok_or_else(|| ControlError::Unknown(agent.into()))?
        };
        self.recorded(&recorded)?;
        // Whoever waits for an approval of a killed agent is told now.
        self.approvals_changed();
        Ok(control)
    }

    /// How every agent stands: those of the policy in its order, then those that only an operator knows.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentStatus> {
        let inner = self.inner();
        let now = (self.settings.clock)();
        let declared = inner.program.agents().iter().map(|agent| (&*agent.name, true));
        let others = inner.state.controls().filter(|(name, _)| !is_declared(&inner.program, name));
        let names = declared.chain(others.map(|(name, _)| (name, false)));
        names.map(|(name, declared)| status(&inner.state, name, declared, now)).collect()
    }
}

fn is_declared(program: &Program, agent: &str) -> bool {
    program.agents().iter().any(|declared| *declared.name == *agent)
}

fn status(state: &State, agent: &str, declared: bool, now: Timestamp) -> AgentStatus {
    AgentStatus {
        agent: agent.into(),
        declared,
        control: state.control(agent).cloned(),
        pending: state.pending_of(agent, now),
    }
}

fn may_control(
    program: &Program,
    state: &State,
    agent: &str,
    standing: Standing,
) -> Result<(), ControlError> {
    let known = state.control(agent);
    if known.is_none() && !is_declared(program, agent) {
        return Err(ControlError::Unknown(agent.into()));
    }
    let stands = known.map_or(Standing::Running, |control| control.standing);
    if stands == standing {
        return Err(ControlError::Already { agent: agent.into(), standing: standing.as_str() });
    }
    Ok(())
}

fn draft<'a>(
    agent: &'a str,
    standing: Standing,
    operator: Operator<'_>,
    reason: &'a str,
    change: &Change,
    dev: bool,
) -> Draft<'a> {
    let detail: Object = object! { "by" => operator.peer.user(), "standing" => standing.as_str() };
    Draft {
        agent: Some(agent.into()),
        reason: Some(reason.into()),
        changes: Some(Canonical::from(&faramesh_call::Value::List(vec![change.to_value()]))),
        dev,
        ..Draft::event(Kind::Emergency, detail)
    }
}
