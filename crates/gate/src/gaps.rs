//! Permitted calls of which nobody said what came: each gets a record, and the agent is told beside its next decision.
//! Only calls that count for a limit are waited for.
//!
//! INVARIANT once: the record ends the wait, so no call is told of twice.

use faramesh_call::{Code, Value, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_state::Change;
use faramesh_state::limits::{RESERVATION_MS, Settled};

use crate::gate::Gate;
use crate::lifecycle::Lifecycle;
use crate::reply::Warning;

/// Most calls that one look tells of; the others wait for the next.
const MAX_AT_ONCE: usize = 100;
/// What such a record says of how the call ended.
const STATUS: &str = "unknown";

/// Calls of an agent without an outcome.
#[derive(Debug)]
pub(crate) struct Gaps {
    first: Box<str>,
    count: u64,
}

impl Gate {
    /// Records the calls whose outcome did not come within an hour, and gives how many there were. The caller must
    /// [`Gate::commit`] afterwards.
    pub fn note_gaps(&self) -> usize {
        if self.lifecycle() != Lifecycle::Ready {
            return 0;
        }
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let gone: Vec<_> = inner
            .state
            .limits()
            .without_outcome(now)
            .take(MAX_AT_ONCE)
            .map(|reservation| (reservation.agent.clone(), reservation.record.clone()))
            .collect();
        let mut noted = 0;
        for (agent, record) in gone {
            // What was reserved stays spent: the call may have done all that it was permitted.
            let change = Change::Settled(Settled { record: record.clone(), actual: Vec::new() });
            let draft = Draft {
                kind: Kind::Outcome,
                agent: Some((&*agent).into()),
                code: Some(Code::RuntimeGap),
                parent: Some((&*record).into()),
                changes: Some(Canonical::from(&Value::List(vec![change.to_value()]))),
                detail: Some(Canonical::from(object! { "status" => STATUS })),
                dev: self.settings.dev,
                ..Draft::default()
            };
            // Nobody waits for it; a ledger that takes nothing says so at the next decision.
            if self.ledger.append(draft, now, Box::new(|_| {})).is_err() {
                break;
            }
            inner.state.apply(&change);
            inner.gaps.entry(agent).or_insert_with(|| Gaps { first: record, count: 0 }).count += 1;
            noted += 1;
        }
        noted
    }
}

/// What an agent is told of such calls.
pub(crate) fn warning(gaps: &Gaps) -> Warning {
    let minutes = RESERVATION_MS / 60_000;
    let others = match gaps.count.saturating_sub(1) {
        0 => String::new(),
        1 => " and another call".to_owned(),
        others => format!(" and {others} other calls"),
    };
    let message = format!("nobody said what came of {}{others} within {minutes} minutes", gaps.first);
    Warning { code: Code::RuntimeGap, message }
}
