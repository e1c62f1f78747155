//! Steps 5 and 6 for agents with phases: which stage of the work a session is in, and which rollout is
//! under way for a tool. Ends with `PHASE_DENIED`.
//!
//! A stage only limits: of what it says and what the agent's own rules say, the stricter counts. A
//! rollout decides its tools in place of the agent's own rules, but for `deny!`.

use faramesh_call::{Code, Effect};
use faramesh_program::phases::{Phase, Phases, Rollout};
use faramesh_state::Rollouts;

use crate::input::Input;
use crate::verdict::Verdict;

/// What the phases of an agent say about one call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Says<'a> {
    /// Nothing.
    Nothing,
    /// The rules of this rollout decide.
    Decides(&'a Phase),
    /// The rollout of this name ended.
    Ended(&'a Phase),
    /// The rules of this stage decide as well.
    Limits(&'a Phase),
    /// The stage of this name does not show the tool.
    Hides(&'a Phase),
}

/// Finds out what the phases say, and notes what was read.
pub(crate) fn says<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Says<'a> {
    let Some(phases) = input.agent.phases() else { return Says::Nothing };
    match rollout(input, phases, verdict) {
        Says::Nothing => stage(input, phases, verdict),
        found => found,
    }
}

fn rollout<'a>(input: &Input<'a>, phases: &'a Phases, verdict: &mut Verdict<'a>) -> Says<'a> {
    let (agent, now) = (&*input.agent.name, input.moment.now);
    let mut ended = None;
    for first in phases.rollouts() {
        // One that nobody began begins now.
        let began = input.state.rollouts().began(agent, &first.name).unwrap_or(now);
        let read = || Rollouts::default().of_policy([(agent, &*first.name)].into_iter(), began).to_value();
        match phases.at(first, began, now) {
            Rollout::Active(phase, _) if phase.is_about(&input.call.tool) => {
                verdict.inputs.insert("rollouts", read());
                return Says::Decides(phase);
            }
            Rollout::Enforced(phase) if phase.is_about(&input.call.tool) => {
                ended.get_or_insert_with(|| (phase, read()));
            }
            _ => {}
        }
    }
    let Some((phase, read)) = ended else { return Says::Nothing };
    verdict.inputs.insert("rollouts", read);
    Says::Ended(phase)
}

fn stage<'a>(input: &Input<'a>, phases: &'a Phases, verdict: &mut Verdict<'a>) -> Says<'a> {
    let Some(first) = phases.stages().next() else { return Says::Nothing };
    let session = input.call.session.as_deref().unwrap_or_default();
    let known = input.state.sessions().of(&input.agent.name, session);
    if let Some(known) = known {
        verdict.inputs.insert("session", known.to_value());
    }
    // A stage that the policy no longer has is like none: the session begins anew.
    let entered = known.and_then(|known| known.stage.as_deref());
    let named = entered.and_then(|name| phases.stages().find(|stage| *stage.name == *name));
    let stage = named.unwrap_or(first);
    if stage.is_about(&input.call.tool) { Says::Limits(stage) } else { Says::Hides(stage) }
}

/// The denial of a call that a phase does not let through.
pub(crate) fn denied(message: String, verdict: &mut Verdict<'_>) {
    verdict.effect = Effect::Deny;
    verdict.code = Code::PhaseDenied;
    verdict.message = message;
    verdict.next = None;
}
