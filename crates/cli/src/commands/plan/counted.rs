//! Limits that the policy in force does not have, counted over the recorded calls as a daemon would have counted them
//! from the beginning of the window. What both policies count is read from the records.

use std::collections::BTreeMap;

use faramesh_call::money::micros_up;
use faramesh_call::{Timestamp, Value};
use faramesh_dpr::Record;
use faramesh_program::limits::{AMBIENT_CUSTOMER_KEY, Of, SESSION_KEY};
use faramesh_program::{Agent, Program};
use faramesh_state::limits::{Charge, Reservation};
use faramesh_state::{Change, State};

use crate::views::json::{at, text};

/// What is counted anew.
#[derive(Debug, Default)]
pub struct Counted {
    /// The names in the state, by agent.
    keys: BTreeMap<Box<str>, Vec<Box<str>>>,
    state: State,
}

impl Counted {
    /// The limits of the new policy that the old one does not have.
    pub fn new(old: &Program, new: &Program) -> Self {
        let fresh = |agent: &Agent| {
            let known = old.agent(&agent.name).map(keys).unwrap_or_default();
            let keys: Vec<_> = keys(agent).into_iter().filter(|key| !known.contains(key)).collect();
            (!keys.is_empty()).then(|| (agent.name.clone(), keys))
        };
        Self { keys: new.agents().iter().filter_map(fresh).collect(), state: State::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Puts what was counted so far into a state that a record gave, for one decision.
    pub fn lend(&mut self, state: &mut State) {
        self.keys.iter().for_each(|(agent, keys)| self.state.move_limits(agent, keys, state));
    }

    /// Takes it back, and counts what a permitted call adds.
    pub fn take_back(&mut self, state: &mut State, record: &Record, changes: &[Change]) {
        self.keys.iter().for_each(|(agent, keys)| state.move_limits(agent, keys, &mut self.state));
        for change in changes {
            let Some(change) = self.own(record, change) else { continue };
            self.state.apply(&change);
        }
    }

    /// What of a change is about these limits.
    fn own(&self, record: &Record, change: &Change) -> Option<Change> {
        let counts = |agent: &str, key: &str| {
            self.keys.get(agent).is_some_and(|keys| keys.iter().any(|known| **known == *key))
        };
        match change {
            Change::TokensTaken { agent, buckets } => {
                let buckets: Vec<_> = buckets.iter().filter(|(key, _)| counts(agent, key)).cloned().collect();
                (!buckets.is_empty()).then(|| Change::TokensTaken { agent: agent.clone(), buckets })
            }
            Change::Reserved(reservation) => {
                let payer =
                    |charge: &Charge| charge.payer.clone().unwrap_or_else(|| reservation.agent.clone());
                let charges: Vec<_> = reservation
                    .charges
                    .iter()
                    .filter(|charge| counts(&payer(charge), &charge.meter))
                    .cloned()
                    .collect();
                (!charges.is_empty()).then(|| {
                    Change::Reserved(Box::new(Reservation {
                        record: record.id().to_string().into(),
                        charges,
                        ..(**reservation).clone()
                    }))
                })
            }
            _ => None,
        }
    }

    /// Counts what came of a call.
    pub fn outcome(&mut self, record: &Record) {
        let Some(parent) = record.parent() else { return };
        let now: Timestamp = record.time();
        let Some(reservation) = self.state.limits().reservation(&parent, now) else { return };
        let detail = record.detail().unwrap_or_default();
        let cost = detail.get("cost").or_else(|| at(&detail, &["priced", "usd"]));
        let reported = cost.and_then(Value::as_number).and_then(micros_up);
        let settled = reservation.settled(text(&detail, &["status"]) == "error", reported);
        self.state.apply(&Change::Settled(settled));
    }
}

/// The names of an agent's limits in the state, but those that daemons share: what of those can be had, nobody knows.
fn keys(agent: &Agent) -> Vec<Box<str>> {
    let Some(limits) = agent.limits() else { return Vec::new() };
    let ceilings = limits.all_ceilings().iter().filter(|ceiling| !ceiling.fleet);
    let mut keys: Vec<Box<str>> = ceilings.map(|ceiling| ceiling.key.clone()).collect();
    if limits.all_ceilings().iter().any(|ceiling| ceiling.of == Of::Customers) {
        keys.push(AMBIENT_CUSTOMER_KEY.into());
    }
    keys.extend(limits.all_rates().iter().filter(|rate| !rate.fleet).map(|rate| rate.key.clone()));
    keys.extend(limits.session().map(|_| SESSION_KEY.into()));
    keys
}
