//! How many calls were decided, how, and how long it took: numbers for people who watch, which decide nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use faramesh_call::{Code, Effect};

use crate::outcome::OutcomeStatus;

const EFFECTS: [Effect; 3] = [Effect::Permit, Effect::Defer, Effect::Deny];
const CODES: usize = Code::ALL.len();
/// Upper bounds of the times that are counted apart, in microseconds.
const BOUNDS: [u64; 12] =
    [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// Counts since the gate was made.
#[derive(Debug)]
pub(crate) struct Counts {
    decisions: [[AtomicU64; CODES]; EFFECTS.len()],
    refusals: [AtomicU64; CODES],
    outcomes: [AtomicU64; OutcomeStatus::ALL.len()],
    within: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    nanoseconds: AtomicU64,
}

/// The counts at one moment; what there was none of is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// Decisions, as they are recorded.
    pub decisions: Vec<(Effect, Code, u64)>,
    /// Calls denied without a decision.
    pub refusals: Vec<(Code, u64)>,
    /// Reports of permitted calls.
    pub outcomes: Vec<(OutcomeStatus, u64)>,
    /// Upper bounds in seconds, and how many decisions took no longer.
    pub within: Vec<(f64, u64)>,
    /// All decisions that were answered.
    pub answered: u64,
    /// The time that they took together, in seconds.
    pub seconds: f64,
}

impl Default for Counts {
    fn default() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            decisions: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            refusals: zeros(),
            outcomes: std::array::from_fn(|_| AtomicU64::new(0)),
            within: std::array::from_fn(|_| AtomicU64::new(0)),
            longer: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

fn add(count: Option<&AtomicU64>) {
    if let Some(count) = count {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn place(code: Code) -> Option<usize> {
    Code::ALL.iter().position(|known| *known == code)
}

impl Counts {
    pub fn decided(&self, effect: Option<Effect>, code: Option<Code>) {
        let row = EFFECTS.iter().position(|known| Some(*known) == effect);
        let count = row.and_then(|row| self.decisions.get(row)?.get(place(code?)?));
        add(count);
    }

    pub fn refused(&self, code: Code) {
        add(place(code).and_then(|place| self.refusals.get(place)));
    }

    pub fn reported(&self, status: OutcomeStatus) {
        let place = OutcomeStatus::ALL.iter().position(|known| *known == status);
        add(place.and_then(|place| self.outcomes.get(place)));
    }

    /// A decision that began at `began` was answered.
    pub fn answered(&self, began: Instant) {
        let took = began.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| micros <= *bound);
        add(Some(place.and_then(|place| self.within.get(place)).unwrap_or(&self.longer)));
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub fn counted(&self) -> Counted {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut counted = Counted::default();
        for (effect, row) in EFFECTS.iter().zip(&self.decisions) {
            let counts = Code::ALL.iter().zip(row).map(|(code, count)| (*effect, *code, load(count)));
            counted.decisions.extend(counts.filter(|(_, _, count)| *count > 0));
        }
        let refusals = Code::ALL.iter().zip(&self.refusals).map(|(code, count)| (*code, load(count)));
        counted.refusals = refusals.filter(|(_, count)| *count > 0).collect();
        let outcomes = OutcomeStatus::ALL.iter().zip(&self.outcomes);
        counted.outcomes = outcomes.map(|(status, count)| (*status, load(count))).collect();
        for (bound, count) in BOUNDS.iter().zip(&self.within) {
            counted.answered += load(count);
            counted.within.push((Duration::from_micros(*bound).as_secs_f64(), counted.answered));
        }
        counted.answered += load(&self.longer);
        counted.seconds = Duration::from_nanos(load(&self.nanoseconds)).as_secs_f64();
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_is_counted_once() {
        let counts = Counts::default();
        for (effect, code) in [
            (Effect::Permit, Code::PolicyPermit),
            (Effect::Deny, Code::PolicyDeny),
            (Effect::Deny, Code::PolicyDeny),
        ] {
            counts.decided(Some(effect), Some(code));
            counts.answered(Instant::now());
        }
        counts.decided(None, None);
        counts.refused(Code::CallInvalid);
        counts.reported(OutcomeStatus::Error);
        counts.longer.fetch_add(1, Ordering::Relaxed);
        let counted = counts.counted();
        let expected = [(Effect::Permit, Code::PolicyPermit, 1), (Effect::Deny, Code::PolicyDeny, 2)];
        assert_eq!(counted.decisions, expected);
        assert_eq!(counted.refusals, [(Code::CallInvalid, 1)]);
        assert_eq!(counted.outcomes.iter().map(|(_, count)| count).sum::<u64>(), 1);
        assert_eq!(
            (counted.within.last().unwrap().1, counted.answered),
            (3, 4),
            "one took longer than any bound"
        );
        assert!(counted.seconds > 0.0);
    }
}
