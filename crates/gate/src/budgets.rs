//! What is left of every budget, for operators. Changes nothing.

use faramesh_call::Timestamp;
use faramesh_decide::Sum;
use faramesh_program::image::Window;
use faramesh_program::limits::{Ceiling, Of};
use faramesh_program::{Agent, Program};
use faramesh_state::State;
use faramesh_state::limits::{Leased, Meter, Period};

/// Sessions that are shown of one budget, those of the latest calls.
const SHOWN_SESSIONS: usize = 10;
/// Most lines.
const SHOWN: usize = 1_000;

/// How one budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStatus {
    /// The agent.
    pub agent: Box<str>,
    /// The budget's name.
    pub id: Box<str>,
    /// The session, for a budget by session.
    pub session: Option<Box<str>>,
    /// Micro-dollars, reserved ones included.
    pub spent_micros: u64,
    /// The ceiling on money.
    pub max_micros: Option<u64>,
    /// Permitted calls, or what else is counted.
    pub calls: u64,
    /// The ceiling on them.
    pub max_calls: Option<u64>,
    /// What is counted: `calls`, `customers` or `bytes`.
    pub unit: &'static str,
    /// What is leased of it, when daemons share it.
    pub fleet: Option<Leased>,
    /// When the window begins anew, or the first of a rolling one comes back.
    pub resets_at: Option<Timestamp>,
}

/// How every budget of a policy stands, in the order of agents and budgets.
#[must_use]
pub(crate) fn budgets(program: &Program, state: &State, now: Timestamp) -> Vec<BudgetStatus> {
    let mut found = Vec::new();
    for agent in program.agents() {
        for ceiling in agent.limits().map(|limits| limits.all_ceilings()).unwrap_or_default() {
            let meter = state.limits().of(&agent.name).and_then(|known| known.meter(&ceiling.key));
            for session in sessions(ceiling, meter) {
                let sum = Sum::read(program, ceiling.window, session.unwrap_or_default(), now, meter);
                found.push(line(program, agent, ceiling, session, &sum));
            }
            if found.len() >= SHOWN {
                return found;
            }
        }
    }
    found
}

/// The sessions to show; one line without a session for every other window.
fn sessions<'a>(ceiling: &Ceiling, meter: Option<&'a Meter>) -> Vec<Option<&'a str>> {
    if ceiling.window != Window::Session {
        return vec![None];
    }
    let mut known: Vec<(Timestamp, &str)> = meter
        .into_iter()
        .flat_map(Meter::periods)
        .filter_map(|(period, spent)| match period {
            Period::Session(id) => Some((spent.at, &**id)),
            _ => None,
        })
        .collect();
    known.sort_unstable_by(|left, right| right.cmp(left));
    known.into_iter().take(SHOWN_SESSIONS).map(|(_, id)| Some(id)).collect()
}

fn line(
    program: &Program,
    agent: &Agent,
    ceiling: &Ceiling,
    session: Option<&str>,
    sum: &Sum<'_>,
) -> BudgetStatus {
    let max_calls = ceiling.max_calls.map(u64::from);
    // What ceilings say of micro-dollars, one on data says of bytes.
    let (spent_micros, max_micros, calls, max_calls, unit) = match ceiling.of {
        Of::Data => (0, None, sum.micros, ceiling.max_micros, "bytes"),
        Of::Customers => (0, None, sum.calls, max_calls, "customers"),
        Of::Budget | Of::Calls => (sum.micros, ceiling.max_micros, sum.calls, max_calls, "calls"),
    };
    BudgetStatus {
        agent: agent.name.clone(),
        id: ceiling.budget.clone(),
        session: session.map(Into::into),
        spent_micros,
        max_micros,
        calls,
        max_calls,
        unit,
        fleet: ceiling.fleet.then_some(sum.leased),
        resets_at: sum.resets_at(program),
    }
}
