//! A new policy in place of the running one, between two decisions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use faramesh_call::{Object, Value};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_program::Program;
use faramesh_state::{Change, Rollouts};

use crate::gate::{Gate, Unrecorded, awaited};
use crate::lifecycle::Lifecycle;
use crate::moment::wall_clock;
use crate::sealing::seals;

/// Why the policy was not put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapError {
    /// The swap could not be recorded.
    #[error("the new policy could not be recorded, so it is not in force")]
    NotRecorded,
    /// The disk does not answer: until the record is on it, nothing is permitted.
    #[error(
        "the ledger has not recorded the new policy yet: nothing is permitted until it has, and then by the new \
         policy; `faramesh status` tells which is in force"
    )]
    Late,
}

impl From<Unrecorded> for SwapError {
    fn from(unrecorded: Unrecorded) -> Self {
        match unrecorded {
            Unrecorded::Refused => Self::NotRecorded,
            Unrecorded::Late => Self::Late,
        }
    }
}

impl Gate {
    /// Puts a policy in force: its record comes first, and every later decision is under it. Calls
    /// that were decided already keep what they got.
    ///
    /// # Errors
    /// The swap could not be recorded; then the old policy stays, or nothing is permitted any more.
    pub fn put_in_force(&self, program: Arc<Program>, by: &str) -> Result<(), SwapError> {
        let detail: Object =
            [("by", Value::from(by)), ("state", Value::from("in_force"))].into_iter().collect();
        let mut draft = Draft::event(Kind::Policy, detail);
        draft.policy = Some(*program.hash());
        draft.dev = self.settings.dev;
        let (completion, recorded) = awaited();
        let now = (self.settings.clock)();
        {
            let mut inner = self.inner();
            let rollouts = inner.state.rollouts().of_policy(rollouts(&program), now);
            let change = (rollouts != Rollouts::default()).then(|| Change::Rollouts(rollouts));
            draft.changes =
                change.as_ref().map(|change| Canonical::from(&Value::List(vec![change.to_value()])));
            self.ledger.append(draft, now, completion).map_err(|_| SwapError::NotRecorded)?;
            inner.state.apply(&change.unwrap_or_else(|| Change::Rollouts(Rollouts::default())));
            self.seals.store(seals(&program), Ordering::Release);
            inner.program = program;
        }
        Ok(self.recorded(&recorded)?)
    }

    /// Moves the daemon on and records that it did.
    ///
    /// # Errors
    /// The change could not be recorded.
    pub fn advance_recorded(&self, to: Lifecycle, facts: Object) -> Result<(), SwapError> {
        let mut detail = facts;
        detail.insert("state", to.as_str());
        let mut draft = Draft::event(Kind::Lifecycle, detail);
        draft.dev = self.settings.dev;
        let (completion, recorded) = awaited();
        self.ledger.append(draft, wall_clock(), completion).map_err(|_| SwapError::NotRecorded)?;
        self.recorded(&recorded)?;
        self.advance(to);
        Ok(())
    }
}

/// The rollouts that a policy begins, by agent and first phase.
fn rollouts(program: &Program) -> impl Iterator<Item = (&str, &str)> {
    program.agents().iter().flat_map(|agent| {
        let rollouts = agent.phases().into_iter().flat_map(|phases| phases.rollouts());
        rollouts.map(|phase| (&*agent.name, &*phase.name))
    })
}
