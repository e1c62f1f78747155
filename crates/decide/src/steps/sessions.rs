//! Step 4: the session has not lasted, paused or called too long. What counts are its permitted calls:
//! the first begins it. A session that has expired stays so; a new one begins anew. Ends with
//! `SESSION_EXPIRED`.

use faramesh_call::{Code, Effect};
use faramesh_program::image::{SessionLimits, Window};
use faramesh_program::limits::SESSION_KEY;
use faramesh_state::limits::{Charge, MAX_SESSIONS, Meter, Period, Spent};

use crate::Flow;
use crate::input::Input;
use crate::steps::sums::Sum;
use crate::verdict::{Relief, Verdict};

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let Some(session) = input.agent.limits().and_then(|limits| limits.session()) else {
        return Flow::Continue;
    };
    let now = input.moment.now;
    let meter = input.state.limits().of(&input.agent.name).and_then(|known| known.meter(SESSION_KEY));
    let sum = Sum::read(input.program, Window::Session, id(input), now, meter);
    if meter.is_some_and(|meter| !meter.has_room_for(&sum.period, now)) {
        return expired(format!("{MAX_SESSIONS} sessions of this agent are under way already"), verdict);
    }
    verdict.read_meter(SESSION_KEY, Meter::to_value(sum.parts.iter().copied()));
    let killed_at = input.state.control(&input.agent.name).and_then(|control| control.killed_at);
    let why = sum.parts.first().and_then(|(_, spent)| match killed_at {
        Some(killed_at) if spent.first <= killed_at => {
            Some("an operator killed the agent, and this session ended with it".to_owned())
        }
        _ => over(session, spent, now.0),
    });
    why.map_or(Flow::Continue, |why| expired(why, verdict))
}

/// What a permitted call adds to its session.
pub(crate) fn charge(input: &Input<'_>) -> Charge {
    let period = Period::Session(id(input).into());
    Charge { meter: SESSION_KEY.into(), period, micros: 0, warned: false, fixed: true, payer: None }
}

fn id<'a>(input: &Input<'a>) -> &'a str {
    input.call.session.as_deref().unwrap_or_default()
}

/// Why a session is over, if it is.
fn over(limits: &SessionLimits, spent: &Spent, now: u64) -> Option<String> {
    let seconds = |ms: u64| ms.div_ceil(1_000);
    if let Some(max) = limits.max_calls.filter(|max| spent.calls >= u64::from(*max)) {
        return Some(format!("a session may make {max} calls, and this one has"));
    }
    if let Some(max) = limits.max_duration_ms.filter(|max| now.saturating_sub(spent.first.0) > *max) {
        return Some(format!("a session may last {} s, and this one is older", seconds(max)));
    }
    let idle = limits.idle_timeout_ms.filter(|max| now.saturating_sub(spent.at.0) > *max)?;
    Some(format!("a session may pause for {} s, and this one paused longer", seconds(idle)))
}

fn expired(why: String, verdict: &mut Verdict<'_>) -> Flow {
    verdict.effect = Effect::Deny;
    verdict.code = Code::SessionExpired;
    verdict.message = why;
    verdict.relief = Some(Relief::Operator);
    Flow::End
}
