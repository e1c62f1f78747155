//! Step 2: what an operator did about the agent. Ends with `AGENT_KILLED` or `AGENT_QUIESCED`. The
//! calls of an isolated agent go through every other step, so that the record shows what it would have
//! done, and end with `AGENT_ISOLATED`.

use faramesh_call::{Code, Effect, object};
use faramesh_state::{Control, Standing};

use crate::Flow;
use crate::input::Input;
use crate::verdict::{Relief, Verdict};

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let Some(control) = input.state.control(&input.agent.name) else { return Flow::Continue };
    verdict.inputs.insert("control", control.to_value());
    let (code, done) = match control.standing {
        Standing::Running | Standing::Isolated => return Flow::Continue,
        Standing::Killed => (Code::AgentKilled, "killed"),
        Standing::Quiesced => (Code::AgentQuiesced, "quiesced"),
    };
    refuse(code, done, control, verdict);
    Flow::End
}

/// Whatever the other steps came to, a call of an isolated agent does not run and changes nothing.
pub(crate) fn isolate<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) {
    let control = input.state.control(&input.agent.name);
    let Some(control) = control.filter(|control| control.standing == Standing::Isolated) else { return };
    let shadow = object! { "code" => verdict.code.as_str(), "effect" => verdict.effect.as_str() };
    verdict.inputs.insert("shadow", shadow);
    verdict.changes.clear();
    verdict.warnings.clear();
    verdict.approval = None;
    refuse(Code::AgentIsolated, "isolated", control, verdict);
}

fn refuse(code: Code, done: &str, control: &Control, verdict: &mut Verdict<'_>) {
    verdict.effect = Effect::Deny;
    verdict.code = code;
    verdict.message = format!("an operator {done} this agent: {}", control.reason);
    verdict.next = None;
    verdict.relief = Some(Relief::Operator);
}
