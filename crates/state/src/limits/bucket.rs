//! A token bucket, in whole numbers: what is missing is counted in token-milliseconds, so that a
//! refill of `count` tokens in `period_ms` milliseconds is exactly `count` units a millisecond, and
//! one token is `period_ms` units. Nothing is ever rounded in an agent's favour.

use faramesh_call::{Object, Timestamp, Value, object};

use super::words::{number, whole};
use crate::stored::stored;

/// Most buckets of one agent, those of earlier policies included. When none of them is full, a call
/// that needs one more is denied.
pub const MAX_BUCKETS: usize = 20_000;

/// How far a bucket is from full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Token-milliseconds that were missing at `at`.
    pub missing: u128,
    /// When that was: the latest time that the bucket knows.
    pub at: Timestamp,
    /// When it is full again.
    pub full_at: Timestamp,
}

stored! {
    Bucket { missing, at, full_at }
}

impl Bucket {
    /// A bucket that nothing was taken from.
    #[must_use]
    pub fn full(now: Timestamp) -> Self {
        Self { missing: 0, at: now, full_at: now }
    }

    /// Takes one token of a bucket with room for `burst`, that gets back `count` in `period_ms`.
    ///
    /// A clock that went back refills nothing until it is past the latest time that was seen.
    ///
    /// # Errors
    /// There is none; the error is the number of milliseconds after which there is one.
    pub fn take(&self, count: u32, period_ms: u64, burst: u32, now: Timestamp) -> Result<Self, u64> {
        let token = u128::from(period_ms);
        let rate = u128::from(count.max(1));
        let room = token.saturating_mul(u128::from(burst));
        let refilled = rate.saturating_mul(u128::from(now.since_ms(self.at)));
        // A policy with a smaller burst than before finds the bucket empty, not below that.
        let missing = self.missing.min(room).saturating_sub(refilled);
        let taken = missing.saturating_add(token);
        let after = |units: u128| u64::try_from(units.div_ceil(rate)).unwrap_or(u64::MAX);
        if taken > room {
            return Err(after(taken - room).saturating_add(self.at.since_ms(now)));
        }
        let at = now.max(self.at);
        Ok(Self { missing: taken, at, full_at: at.plus_ms(after(taken)) })
    }

    /// A bucket of leased tokens before the first lease: it gets nothing back by itself, so it is never full.
    #[must_use]
    pub fn empty(period_ms: u64, burst: u32, now: Timestamp) -> Self {
        let missing = u128::from(period_ms).saturating_mul(u128::from(burst));
        Self { missing, at: now, full_at: Timestamp(u64::MAX) }
    }

    /// With some leased tokens more.
    #[must_use]
    pub fn put(&self, tokens: u32, period_ms: u64) -> Self {
        let units = u128::from(period_ms).saturating_mul(u128::from(tokens));
        Self { missing: self.missing.saturating_sub(units), ..*self }
    }

    /// How many leased tokens there are.
    #[must_use]
    pub fn leased(&self, period_ms: u64, burst: u32) -> u64 {
        let token = u128::from(period_ms.max(1));
        let room = token.saturating_mul(u128::from(burst));
        u64::try_from(room.saturating_sub(self.missing) / token).unwrap_or(u64::MAX)
    }

    /// Takes one leased token; `None` when there is none.
    #[must_use]
    pub fn take_leased(&self, period_ms: u64, burst: u32) -> Option<Self> {
        let missing = self.missing.saturating_add(u128::from(period_ms));
        (self.leased(period_ms, burst) > 0).then_some(Self { missing, ..*self })
    }

    /// Whether nothing is missing any more.
    #[must_use]
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.full_at <= now
    }

    /// The bucket as records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        object! {
            "at" => self.at.0,
            "full_at" => self.full_at.0,
            "missing" => number(self.missing),
        }
    }

    /// Reads [`Bucket::to_value`].
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let time = |key: &str| whole(value, key).and_then(|at| u64::try_from(at).ok()).map(Timestamp);
        Some(Self { missing: whole(value, "missing")?, at: time("at")?, full_at: time("full_at")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes until there is none; how many there were, and the wait for the next.
    fn drain(mut bucket: Bucket, limit: (u32, u64, u32), now: u64) -> (u32, Bucket, u64) {
        let mut taken = 0;
        loop {
            match bucket.take(limit.0, limit.1, limit.2, Timestamp(now)) {
                Ok(after) => bucket = after,
                Err(wait) => return (taken, bucket, wait),
            }
            taken += 1;
        }
    }

    #[test]
    fn a_burst_then_the_rate() {
        let limit = (10, 60_000, 3);
        let (taken, bucket, wait) = drain(Bucket::full(Timestamp(0)), limit, 1_000);
        assert_eq!((taken, wait), (3, 6_000));
        assert!(bucket.take(10, 60_000, 3, Timestamp(6_999)).is_err());
        let (taken, bucket, _) = drain(bucket, limit, 7_000);
        assert_eq!(taken, 1, "the wait was exact");
        let (taken, ..) = drain(bucket, limit, 1_000_000);
        assert_eq!(taken, 3, "never more than the burst");
    }

    #[test]
    fn thirds_are_exact() {
        let mut bucket = Bucket::full(Timestamp(0));
        let mut taken = 0;
        for now in 0..30_000 {
            while let Ok(after) = bucket.take(3, 1_000, 1, Timestamp(now)) {
                bucket = after;
                taken += 1;
            }
        }
        assert_eq!(taken, 1 + 29 * 3 + 2, "three a second, no more and no less");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let (_, bucket, _) = drain(Bucket::full(Timestamp(0)), (1, 1_000, 5), 10_000);
        let (taken, bucket, wait) = drain(bucket, (1, 1_000, 5), 4_000);
        assert_eq!((taken, wait), (0, 7_000), "until it is where it was, and a token more");
        assert_eq!(drain(bucket, (1, 1_000, 5), 12_000).0, 2);
    }

    #[test]
    fn written_and_read() {
        let bucket = Bucket { missing: u128::from(u64::MAX) * 7, at: Timestamp(5), full_at: Timestamp(9) };
        assert_eq!(Bucket::from_value(&Value::Object(bucket.to_value())), Some(bucket));
    }
}
