//! What a daemon has leased of a ceiling that it shares with others: the backend has debited it already, so it is
//! spent for everybody else, and this daemon spends it without asking.

use faramesh_call::{Object, Timestamp, Value, object};

use super::meter::Period;
use super::words::whole;
use crate::stored::stored;

/// What is leased of one sum in one period, and what all daemons together had leased then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leased {
    /// Micro-dollars.
    pub micros: u64,
    /// Calls.
    pub calls: u64,
    /// Micro-dollars of all daemons, this one's included, when it was last told.
    pub fleet_micros: u64,
    /// Calls of all daemons.
    pub fleet_calls: u64,
}

stored! {
    Leased { micros, calls, fleet_micros, fleet_calls }
}

/// A lease as a record carries it: more of what is leased already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The agent whose limit it is.
    pub agent: Box<str>,
    /// The sum or the bucket.
    pub key: Box<str>,
    /// Of what.
    pub of: Of,
    /// When.
    pub at: Timestamp,
}

/// What a lease is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A sum in a period.
    Sum {
        /// The period.
        period: Period,
        /// More of it, and what all daemons have now.
        more: Leased,
    },
    /// Tokens of a rate limit.
    Tokens {
        /// How many.
        tokens: u32,
        /// Token-milliseconds of one token.
        period_ms: u64,
        /// Most tokens at once.
        burst: u32,
    },
}

/// What a decision would need of a shared ceiling, or will need soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The agent whose limit it is.
    pub agent: Box<str>,
    /// The sum or the bucket.
    pub key: Box<str>,
    /// Of what.
    pub of: WantOf,
    /// Whether the call cannot be permitted without it.
    pub urgent: bool,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantOf {
    /// More of a sum in a period.
    Sum {
        /// The period.
        period: Period,
        /// Money, when the ceiling bounds it.
        money: Option<Share>,
        /// Calls, when the ceiling bounds them.
        calls: Option<Share>,
    },
    /// Tokens of a rate limit.
    Tokens {
        /// Tokens that come back in a period.
        count: u32,
        /// The period, in milliseconds.
        period_ms: u64,
        /// Most tokens at once.
        burst: u32,
    },
}

/// What is wanted of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What this daemon has leased.
    pub held: u64,
    /// What it needs beyond that; 0 when it only will soon.
    pub need: u64,
    /// The ceiling of all daemons together.
    pub max: u64,
}

impl Want {
    /// All that is left, for a daemon that shares with nobody.
    #[must_use]
    pub fn all(&self) -> Of {
        let left = |share: &Option<Share>| share.map_or(0, |share| share.max.saturating_sub(share.held));
        let max = |share: &Option<Share>| share.map_or(0, |share| share.max);
        match &self.of {
            WantOf::Sum { period, money, calls } => Of::Sum {
                period: period.clone(),
                more: Leased {
                    micros: left(money),
                    calls: left(calls),
                    fleet_micros: max(money),
                    fleet_calls: max(calls),
                },
            },
            WantOf::Tokens { period_ms, burst, .. } => {
                Of::Tokens { tokens: *burst, period_ms: *period_ms, burst: *burst }
            }
        }
    }
}

impl Leased {
    pub(super) fn add(&mut self, more: &Self) {
        self.micros = self.micros.saturating_add(more.micros);
        self.calls = self.calls.saturating_add(more.calls);
        self.fleet_micros = self.fleet_micros.max(more.fleet_micros);
        self.fleet_calls = self.fleet_calls.max(more.fleet_calls);
    }

    pub(super) fn to_value(self) -> Object {
        object! {
            "calls" => self.calls,
            "fleet_calls" => self.fleet_calls,
            "fleet_micros" => self.fleet_micros,
            "micros" => self.micros,
        }
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let number = |key: &str| whole(value, key).and_then(|number| u64::try_from(number).ok());
        Some(Self {
            micros: number("micros")?,
            calls: number("calls")?,
            fleet_micros: number("fleet_micros")?,
            fleet_calls: number("fleet_calls")?,
        })
    }
}

impl Lease {
    pub(crate) fn to_value(&self) -> Object {
        let mut members = object! { "at" => self.at.0, "change" => "leased", "key" => &*self.key };
        match &self.of {
            Of::Sum { period, more } => {
                members.insert("period", period.to_text());
                members.insert("sum", more.to_value());
            }
            Of::Tokens { tokens, period_ms, burst } => {
                members.insert("burst", u64::from(*burst));
                members.insert("period_ms", *period_ms);
                members.insert("tokens", u64::from(*tokens));
            }
        }
        members
    }

    /// Reads [`Lease::to_value`]; the agent is that of the record it stands in.
    pub(crate) fn from_value(value: &Value, agent: &str) -> Option<Self> {
        let number = |key: &str| whole(value, key).and_then(|number| u64::try_from(number).ok());
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let of = match text("period") {
            Some(period) => {
                Of::Sum { period: Period::parse(period)?, more: Leased::from_value(value.get("sum")?)? }
            }
            None => Of::Tokens {
                tokens: u32::try_from(number("tokens")?).ok()?,
                period_ms: number("period_ms")?,
                burst: u32::try_from(number("burst")?).ok()?,
            },
        };
        Some(Self { agent: agent.into(), key: text("key")?.into(), of, at: Timestamp(number("at")?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_read_back() {
        let more = Leased { micros: 20, calls: 1, fleet_micros: 100, fleet_calls: 9 };
        for of in [
            Of::Sum { period: Period::Day(20_000), more },
            Of::Tokens { tokens: 3, period_ms: 60_000, burst: 10 },
        ] {
            let lease = Lease { agent: "a".into(), key: "daily".into(), of, at: Timestamp(5) };
            assert_eq!(Lease::from_value(&Value::Object(lease.to_value()), "a"), Some(lease));
        }
        assert_eq!(Lease::from_value(&Value::Null, "a"), None);
    }
}
