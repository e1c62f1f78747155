//! What is left of an agent's rates and budgets: token buckets, sums of budgets, and the
//! reservations that an outcome may still settle. Leaves out what the limits are: that is the
//! policy's, and a decision compares the two.
//!
//! INVARIANT a fold: every change is in a record, so a restart gives the same numbers.
//! INVARIANT bounded: buckets of an agent, sessions of a budget and open reservations each have a
//! largest number; what happens there is written at the constant, and never loosens a limit.

mod bucket;
mod lease;
mod meter;
mod reservation;
pub(crate) mod words;

pub use bucket::{Bucket, MAX_BUCKETS};
pub use lease::{Lease, Leased, Of, Share, Want, WantOf};
pub use meter::{MAX_SESSIONS, Meter, Period, SESSION_KEPT_MS, SLICES, Spent};
pub use reservation::{Charge, MAX_RESERVATIONS, PAYER_END, RESERVATION_MS, Reservation, Settled};

use faramesh_call::{Object, Timestamp, Value};
use rustc_hash::FxHashMap;

use crate::change::Change;
use crate::stored::stored;
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

stored! {
    AgentLimits { buckets, meters }
    Limits { agents, reservations }
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

    /// The reservations of an agent that an outcome may still settle.
    pub fn open_of(&self, agent: &str, now: Timestamp) -> impl Iterator<Item = &Reservation> {
        let open = self.reservations.iter().filter(move |found| now.since_ms(found.at) <= RESERVATION_MS);
        open.filter(move |found| *found.agent == *agent)
    }

    /// The reservations that ended without an outcome, the oldest first.
    pub fn without_outcome(&self, now: Timestamp) -> impl Iterator<Item = &Reservation> {
        // They are in order, but for a clock that went back.
        self.reservations.iter().take_while(move |found| now.since_ms(found.at) > RESERVATION_MS)
    }

    /// The reservation of a decision, while its outcome may still settle it.
    #[must_use]
    pub fn reservation(&self, record: &str, now: Timestamp) -> Option<&Reservation> {
        self.reservations.get(record).filter(|found| now.since_ms(found.at) <= RESERVATION_MS)
    }

    pub(crate) fn hand_over(&mut self, agent: &str, keys: &[Box<str>], to: &mut Self) {
        let Some(known) = self.agents.get_mut(agent) else { return };
        let into = to.agent_mut(agent);
        for key in keys {
            if let Some(bucket) = known.buckets.remove(key) {
                into.buckets.entry(key.clone()).or_insert(bucket);
            }
            if let Some(meter) = known.meters.remove(key) {
                into.meters.entry(key.clone()).or_insert(meter);
            }
        }
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

    pub(crate) fn lease(&mut self, lease: &Lease) {
        let limits = self.agent_mut(&lease.agent);
        match &lease.of {
            Of::Sum { period, more } => {
                limits.meters.entry(lease.key.clone()).or_default().lease(period, more, lease.at);
            }
            Of::Tokens { tokens, period_ms, burst } => {
                let bucket = limits.bucket(&lease.key).copied();
                let bucket = bucket.unwrap_or_else(|| Bucket::empty(*period_ms, *burst, lease.at));
                limits.set_bucket(&lease.key, bucket.put(*tokens, *period_ms));
            }
        }
    }

    pub(crate) fn reserve(&mut self, reservation: &Reservation) {
        for charge in &reservation.charges {
            let limits = self.agent_mut(charge.payer.as_ref().unwrap_or(&reservation.agent));
            limits.meters.entry(charge.meter.clone()).or_default().charge(charge, reservation.at);
        }
        self.reservations.insert(reservation);
    }

    pub(crate) fn settle(&mut self, settled: &Settled) {
        // Exactly once: whatever is no longer reserved was settled, or can no longer be.
        let Some(reservation) = self.reservations.remove(&settled.record) else { return };
        for charge in &reservation.charges {
            let limits = self.agent_mut(charge.payer.as_ref().unwrap_or(&reservation.agent));
            let name = charge.name();
            let actual = settled.actual.iter().find(|(meter, _)| **meter == *name);
            if let (Some((_, actual)), Some(meter)) = (actual, limits.meters.get_mut(&charge.meter)) {
                meter.settle(&charge.period, charge.micros, *actual);
            }
        }
    }

    /// Whether a change that was recorded `at` is still part of what is counted.
    pub(crate) fn need(&self, change: &Change, at: Timestamp, now: Timestamp) -> bool {
        match change {
            Change::TokensTaken { agent, buckets } => self.of(agent).is_some_and(|limits| {
                // A later call's bucket says all that this one said.
                buckets.iter().any(|(key, bucket)| limits.bucket(key) == Some(bucket) && !bucket.is_full(now))
            }),
            Change::Leased(lease) => self.of(&lease.agent).is_some_and(|limits| match &lease.of {
                Of::Sum { period, .. } => limits
                    .meter(&lease.key)
                    .is_some_and(|meter| meter.spent(period).leased != Leased::default()),
                Of::Tokens { .. } => limits.bucket(&lease.key).is_some(),
            }),
            Change::Reserved(reservation) => {
                let counted = |charge: &Charge| {
                    let payer = charge.payer.as_ref().unwrap_or(&reservation.agent);
                    let meter = self.of(payer).and_then(|limits| limits.meter(&charge.meter));
                    meter.is_some_and(|meter| meter.spent(&charge.period).calls > 0)
                };
                reservation.charges.iter().any(counted)
            }
            // An outcome names its permit and not the period; it came within a bounded time of it.
            Change::Settled(settled) => settled.actual.iter().any(|(key, _)| {
                let key = key.rsplit_once(PAYER_END).map_or(&**key, |(_, meter)| meter);
                let meters = self.agents.values().filter_map(|limits| limits.meter(key));
                meters
                    .flat_map(Meter::periods)
                    .any(|(_, spent)| spent.first <= at && at.since_ms(spent.at) <= RESERVATION_MS)
            }),
            // Records of operators and policies are kept whole by their kind; sessions are no limits.
            Change::Declared(_)
            | Change::Rollouts(_)
            | Change::Granted(_)
            | Change::GrantUsed { .. }
            | Change::GrantRevoked { .. }
            | Change::Delegated(_)
            | Change::DelegationRevoked { .. }
            | Change::Spawned(_)
            | Change::SpawnEnded { .. }
            | Change::AgentControlled { .. }
            | Change::ApprovalRequested(_)
            | Change::ApprovalResolved { .. }
            | Change::ApprovalConsumed { .. } => false,
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
        for (payer, meters) in members("payers") {
            let known = limits.agent_mut(payer);
            for (key, meter) in meters.as_object().into_iter().flat_map(Object::iter) {
                known.meters.insert(key.into(), Meter::from_value(meter));
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(record: &str, day: u64, at: u64) -> Change {
        let charge = Charge {
            meter: "daily".into(),
            period: Period::Day(day),
            micros: 5,
            warned: false,
            fixed: false,
            payer: None,
        };
        Change::Reserved(Box::new(Reservation {
            agent: "a".into(),
            record: record.into(),
            at: Timestamp(at),
            charges: vec![charge],
        }))
    }

    #[test]
    fn what_is_still_counted_is_needed() {
        let mut limits = Limits::default();
        let (first, second) = (reserved("r1", 1, 1_000), reserved("r2", 2, 90_000_000));
        let settled = Change::Settled(Settled { record: "r1".into(), actual: vec![("daily".into(), 3)] });
        let apply = |limits: &mut Limits, change: &Change| match change {
            Change::Reserved(reservation) => limits.reserve(reservation),
            Change::Settled(settled) => limits.settle(settled),
            _ => unreachable!("no other change here"),
        };
        let needed = |limits: &Limits, change: &Change, at: u64| {
            limits.need(change, Timestamp(at), Timestamp(100_000_000))
        };
        apply(&mut limits, &first);
        apply(&mut limits, &settled);
        assert!(needed(&limits, &first, 1_000) && needed(&limits, &settled, 2_000));
        // The next day begins, and the first one is no longer counted.
        apply(&mut limits, &second);
        assert!(!needed(&limits, &first, 1_000) && !needed(&limits, &settled, 2_000));
        assert!(needed(&limits, &second, 90_000_000));
    }
}
