//! How long a sink waits before it tries again: doubling from failure to failure up to a bound, and
//! never exactly, so that many daemons do not come back to a server at once.

use std::time::Duration;

use crate::sink::Retry;

/// Longest wait that a server can ask for.
const MAX_ASKED: Duration = Duration::from_secs(3_600);

/// The waits of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After the first failure.
    pub first: Duration,
    /// At most, while failures may be over soon.
    pub most: Duration,
    /// Between tries while somebody has to change something first.
    pub slow: Duration,
    /// How often the ledger is looked at.
    pub look: Duration,
}

impl Default for Pace {
    /// From half a second to a minute; every five minutes; ten looks a second.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            most: Duration::from_secs(60),
            slow: Duration::from_secs(300),
            look: Duration::from_millis(100),
        }
    }
}

impl Pace {
    /// The wait after the `failures`-th failure in a row, counted from 1.
    pub(crate) fn wait(&self, failures: u32, retry: Retry) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.most);
        match retry {
            Retry::Smaller => Duration::ZERO,
            Retry::BackOff => jittered(doubled),
            Retry::Slowly => jittered(self.slow),
            // A server that asks for less than it would get anyway does not speed a failing sink up.
            Retry::After(asked) => asked.min(MAX_ASKED).max(jittered(doubled)),
        }
    }
}

/// Between a half and the whole of a time.
fn jittered(time: Duration) -> Duration {
    let mut random = [0; 4];
    // Without randomness the whole time is as good a wait as any.
    if getrandom::fill(&mut random).is_err() {
        return time;
    }
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    time.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_differ() {
        let pace = Pace::default();
        for (failures, most) in [(1, 500), (2, 1_000), (5, 8_000), (9, 60_000), (u32::MAX, 60_000)] {
            let most = Duration::from_millis(most);
            let waits: Vec<_> = (0..50).map(|_| pace.wait(failures, Retry::BackOff)).collect();
            assert!(waits.iter().all(|wait| *wait <= most && *wait >= most / 2), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| wait != &waits[0]), "{failures}");
        }
        let asked = Duration::from_secs(7);
        assert_eq!(pace.wait(1, Retry::After(asked)), asked);
        assert!(pace.wait(9, Retry::After(Duration::ZERO)) >= Duration::from_secs(30));
        assert_eq!(pace.wait(1, Retry::After(Duration::MAX)), MAX_ASKED);
        assert!(pace.wait(1, Retry::Slowly) >= pace.slow / 2);
    }
}
