//! What is left of an agent's rates and budgets: token buckets, sums of budgets, and the
//! reservations that an outcome may still settle. Leaves out what the limits are: that is the
//! policy's, and a decision compares the two.
//!
//! INVARIANT a fold: every change is in a record, so a restart gives the same numbers.
//! INVARIANT bounded: buckets of an agent, sessions of a budget and open reservations each have a
//! largest number; what happens there is written at the constant, and never loosens a limit.

mod bucket;
mod meter;
mod reservation;
mod words;

pub use bucket::{Bucket, MAX_BUCKETS};
pub use meter::{MAX_SESSIONS, Meter, Period, SESSION_KEPT_MS, SLICES, Spent};
pub use reservation::{Charge, MAX_RESERVATIONS, RESERVATION_MS, Reservation, Settled};

use faramesh_call::{Object, Timestamp, Value};
use rustc_hash::FxHashMap;

use reservation::Reservations;

/// What is left of one agent's limits.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AgentLimits {
    buckets: FxHashMap<Box<str>, Bucket>,
    meters: FxHashMap<Box<str>, Meter>,
}

/// What is left of every agent's limits.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Limits {
    agents: FxHashMap<Box<str>, AgentLimits>,
    reservations: Reservations,
}

impl AgentLimits {
    /// The bucket of a rate limit; `None` while it is full.
    #[must_use]
    pub fn bucket(&self, key: &str) -> Option<&Bucket> {
        self.buckets.get(key)
    }

    /// The sums of a budget; `None` while nothing was spent.
    #[must_use]
    pub fn meter(&self, key: &str) -> Option<&Meter> {
        self.meters.get(key)
    }

    /// Whether a bucket that is not remembered yet could be: full ones make room.
    #[must_use]
    pub fn has_room_for_bucket(&self, key: &str, now: Timestamp) -> bool {
        self.buckets.contains_key(key)
            || self.buckets.len() < MAX_BUCKETS
            || self.buckets.values().any(|bucket| bucket.is_full(now))
    }

    fn set_bucket(&mut self, key: &str, bucket: Bucket) {
        if !self.buckets.contains_key(key) && self.buckets.len() >= MAX_BUCKETS {
            self.buckets.retain(|_, known| !known.is_full(bucket.at));
        }
        self.buckets.insert(key.into(), bucket);
    }
}

impl Limits {
    /// What is left of an agent's limits; `None` while it has used none.
    #[must_use]
    pub fn of(&self, agent: &str) -> Option<&AgentLimits> {
        self.agents.get(agent)
    }

    /// Reservations that no outcome has settled yet.
    #[must_use]
    pub fn open_reservations(&self) -> usize {
        self.reservations.len()
    }

    /// The reservation of a decision, while its outcome may still settle it.
    #[must_use]
    pub fn reservation(&self, record: &str, now: Timestamp) -> Option<&Reservation> {
        self.reservations.get(record).filter(|found| now.since_ms(found.at) <= RESERVATION_MS)
    }

    fn agent_mut(&mut self, agent: &str) -> &mut AgentLimits {
        if !self.agents.contains_key(agent) {
            self.agents.insert(agent.into(), AgentLimits::default());
        }
        self.agents.entry(agent.into()).or_default()
    }

    pub(crate) fn take(&mut self, agent: &str, taken: &[(Box<str>, Bucket)]) {
        let limits = self.agent_mut(agent);
        for (key, bucket) in taken {
            limits.set_bucket(key, *bucket);
        }
    }

    pub(crate) fn reserve(&mut self, reservation: &Reservation) {
        let limits = self.agent_mut(&reservation.agent);
        for charge in &reservation.charges {
            limits.meters.entry(charge.meter.clone()).or_default().charge(charge, reservation.at);
        }
        self.reservations.insert(reservation);
    }

    pub(crate) fn settle(&mut self, settled: &Settled) {
        // Exactly once: whatever is no longer reserved was settled, or can no longer be.
        let Some(reservation) = self.reservations.remove(&settled.record) else { return };
        let limits = self.agent_mut(&reservation.agent);
        for charge in &reservation.charges {
            let actual = settled.actual.iter().find(|(meter, _)| *meter == charge.meter);
            if let (Some((_, actual)), Some(meter)) = (actual, limits.meters.get_mut(&charge.meter)) {
                meter.settle(&charge.period, charge.micros, *actual);
            }
        }
    }

    /// What a decision read, so that the same decision can be made from its record alone.
    #[must_use]
    pub fn read_back(agent: &str, inputs: &Value) -> Self {
        let mut limits = Self::default();
        let members = |key: &str| {
            let found = inputs.get(key).and_then(Value::as_object);
            found.into_iter().flat_map(Object::iter)
        };
        let known = limits.agent_mut(agent);
        for (key, bucket) in members("buckets") {
            known.buckets.extend(Bucket::from_value(bucket).map(|bucket| (key.into(), bucket)));
        }
        for (key, meter) in members("meters") {
            known.meters.insert(key.into(), Meter::from_value(meter));
        }
        limits
    }
}
