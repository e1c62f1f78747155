//! How rollouts stand, for operators. Changes nothing.

use faramesh_call::Timestamp;
use faramesh_program::Program;
use faramesh_program::phases::Rollout;
use faramesh_state::State;

/// Most lines.
const SHOWN: usize = 1_000;

/// How one rollout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStatus {
    /// The agent.
    pub agent: Box<str>,
    /// The phase that it is in.
    pub phase: Box<str>,
    /// When its first phase began.
    pub began: Timestamp,
    /// When the phase ends.
    pub ends: Option<Timestamp>,
    /// Whether it ended and denies its tools.
    pub enforced: bool,
}

/// How every rollout of a policy stands, but those that are over.
pub(crate) fn rollouts(program: &Program, state: &State, now: Timestamp) -> Vec<RolloutStatus> {
    let mut found = Vec::new();
    for agent in program.agents() {
        let Some(phases) = agent.phases() else { continue };
        for first in phases.rollouts() {
            let began = state.rollouts().began(&agent.name, &first.name).unwrap_or(now);
            let (phase, ends, enforced) = match phases.at(first, began, now) {
                Rollout::Active(phase, ends) => (phase, ends, false),
                Rollout::Enforced(phase) => (phase, None, true),
                Rollout::Over => continue,
            };
            let (agent, phase) = (agent.name.clone(), phase.name.clone());
            found.push(RolloutStatus { agent, phase, began, ends, enforced });
            if found.len() >= SHOWN {
                return found;
            }
        }
    }
    found
}
