//! The sums of one budget, each in its period: a session, a day, a month, or a slice of a rolling
//! window. Money that is reserved counts as spent.

use std::collections::BTreeMap;

use faramesh_call::{Object, Timestamp, Value, object};

use super::lease::Leased;
use super::reservation::Charge;
use super::words::whole;
use crate::stored::{Stored, put_text, stored, take_text};

/// Parts of a rolling window. A part counts until all of it is older than the window, so a sum is
/// never below the true one, and what was spent comes back at most 1/64 of a window late.
pub const SLICES: u64 = 64;
/// Most sessions that a budget by session remembers. Beyond it those that were idle for a day are
/// forgotten; when there is none, a call of a further session is denied.
pub const MAX_SESSIONS: usize = 10_000;
/// How long a session is remembered at least, in milliseconds.
pub const SESSION_KEPT_MS: u64 = 86_400_000;

/// What a sum is taken over. Days and months are those of the policy's time zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// The session of this id; calls without one share the empty id.
    Session(Box<str>),
    /// Days since 1970.
    Day(u64),
    /// Months since the year 0.
    Month(u64),
    /// A slice of a rolling window.
    Slice {
        /// Length of a slice, in milliseconds.
        length_ms: u64,
        /// Slices since 1970.
        number: u64,
    },
    /// A slice of a rolling window of one session.
    SessionSlice {
        /// The session's id.
        session: Box<str>,
        /// Length of a slice, in milliseconds.
        length_ms: u64,
        /// Slices since 1970.
        number: u64,
    },
    /// One of several of a day.
    One {
        /// Days since 1970.
        day: u64,
        /// Which one.
        name: Box<str>,
    },
}

/// What was spent in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Micro-dollars, reserved ones included.
    pub micros: u64,
    /// Permitted calls.
    pub calls: u64,
    /// Whether the warning of this period was given.
    pub warned: bool,
    /// The first charge.
    pub first: Timestamp,
    /// The last charge.
    pub at: Timestamp,
    /// What is leased of a ceiling that is shared with other daemons.
    pub leased: Leased,
}

/// The sums of one budget.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meter {
    spent: BTreeMap<Period, Spent>,
}

impl Stored for Period {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(&self.to_text(), out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Self::parse(take_text(bytes)?)
    }
}

stored! {
    Spent { micros, calls, warned, first, at, leased }
    Meter { spent }
}

impl Period {
    /// The period as records write it: `day:20784`.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Session(id) => format!("session:{id}"),
            Self::Day(day) => format!("day:{day}"),
            Self::Month(month) => format!("month:{month}"),
            Self::Slice { length_ms, number } => format!("slice:{length_ms}:{number}"),
            Self::SessionSlice { session, length_ms, number } => {
                format!("session-slice:{length_ms}:{number}:{session}")
            }
            Self::One { day, name } => format!("one:{day}:{name}"),
        }
    }

    /// Reads [`Period::to_text`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "session" => Some(Self::Session(rest.into())),
            "day" => rest.parse().ok().map(Self::Day),
            "month" => rest.parse().ok().map(Self::Month),
            "slice" => {
                let (length_ms, number) = rest.split_once(':')?;
                Some(Self::Slice { length_ms: length_ms.parse().ok()?, number: number.parse().ok()? })
            }
            "session-slice" => {
                let mut parts = rest.splitn(3, ':');
                let (length_ms, number) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                Some(Self::SessionSlice { session: parts.next()?.into(), length_ms, number })
            }
            "one" => {
                let (day, name) = rest.split_once(':')?;
                Some(Self::One { day: day.parse().ok()?, name: name.into() })
            }
            _ => None,
        }
    }

    /// Whether sums of this period still matter once something is charged to `newest`.
    fn outlives(&self, newest: &Self) -> bool {
        match (self, newest) {
            (Self::Session(_), Self::Session(_)) => true,
            (Self::Day(this), Self::Day(newest)) | (Self::Month(this), Self::Month(newest)) => this >= newest,
            (Self::One { day: this, .. }, Self::One { day: newest, .. }) => this >= newest,
            (Self::Slice { length_ms, number }, Self::Slice { length_ms: length, number: newest }) => {
                length_ms == length && number.saturating_add(SLICES) >= *newest
            }
            (
                Self::SessionSlice { session: this, length_ms, number },
                Self::SessionSlice { session, length_ms: length, number: newest },
            ) => this != session || (length_ms == length && number.saturating_add(SLICES) >= *newest),
            // Of a window that the policy had before.
            _ => false,
        }
    }
}

impl Meter {
    /// What was spent in a period.
    #[must_use]
    pub fn spent(&self, period: &Period) -> Spent {
        self.spent.get(period).copied().unwrap_or_default()
    }

    /// Every period that something was spent in, in order.
    pub fn periods(&self) -> impl DoubleEndedIterator<Item = (&Period, &Spent)> {
        self.spent.iter()
    }

    /// Whether one more period can be remembered: only sessions can be too many.
    #[must_use]
    pub fn has_room_for(&self, period: &Period, now: Timestamp) -> bool {
        self.spent.len() < MAX_SESSIONS
            || self.spent.contains_key(period)
            || self.spent.iter().any(|(period, spent)| is_idle(period, spent, now))
    }

    /// The sums of a period, which may be the first that anybody has of it.
    fn open(&mut self, period: &Period, now: Timestamp) -> &mut Spent {
        if !self.spent.contains_key(period) {
            self.forget_before(period);
            if self.spent.len() >= MAX_SESSIONS {
                self.spent.retain(|period, spent| !is_idle(period, spent, now));
            }
        }
        self.spent.entry(period.clone()).or_default()
    }

    pub(super) fn lease(&mut self, period: &Period, more: &Leased, now: Timestamp) {
        let spent = self.open(period, now);
        spent.leased.add(more);
        spent.at = spent.at.max(now);
    }

    pub(super) fn charge(&mut self, charge: &Charge, now: Timestamp) {
        let spent = self.open(&charge.period, now);
        if spent.calls == 0 {
            spent.first = now;
        }
        spent.micros = spent.micros.saturating_add(charge.micros);
        spent.calls = spent.calls.saturating_add(1);
        spent.warned |= charge.warned;
        spent.at = spent.at.max(now);
    }

    /// Forgets what no longer matters once something is charged to a new period.
    fn forget_before(&mut self, newest: &Period) {
        if let Period::SessionSlice { session, length_ms, .. } = newest {
            // Those of one session stand together, oldest first.
            let first = Period::SessionSlice { session: session.clone(), length_ms: *length_ms, number: 0 };
            let gone: Vec<Period> = self
                .spent
                .range(first..)
                .map(|(period, _)| period)
                .take_while(|period| !period.outlives(newest))
                .cloned()
                .collect();
            for period in gone {
                self.spent.remove(&period);
            }
        }
        // They are in order, so when the first and the last stay, all of them do.
        let ends = [self.spent.first_key_value(), self.spent.last_key_value()];
        if ends.into_iter().flatten().any(|(period, _)| !period.outlives(newest)) {
            self.spent.retain(|period, _| period.outlives(newest));
        }
    }

    /// What was spent in periods from one to another, in order.
    pub fn range<'a>(
        &'a self,
        from: &Period,
        to: &Period,
    ) -> impl DoubleEndedIterator<Item = (&'a Period, &'a Spent)> + use<'a> {
        // A range that ends before it begins would panic.
        let to = to.max(from);
        self.spent.range(from.clone()..=to.clone())
    }

    /// Puts what a call cost in place of what was reserved for it.
    pub(super) fn settle(&mut self, period: &Period, reserved: u64, actual: u64) {
        if let Some(spent) = self.spent.get_mut(period) {
            spent.micros = spent.micros.saturating_sub(reserved).saturating_add(actual);
        }
    }

    /// The sums of some periods as records carry them.
    #[must_use]
    pub fn to_value<'a>(periods: impl Iterator<Item = (&'a Period, &'a Spent)>) -> Object {
        let written = |spent: &Spent| {
            let mut members = object! {
                "at" => spent.at.0,
                "calls" => spent.calls,
                "first" => spent.first.0,
                "micros" => spent.micros,
                "warned" => spent.warned,
            };
            if spent.leased != Leased::default() {
                members.insert("leased", spent.leased.to_value());
            }
            members
        };
        periods.map(|(period, spent)| (period.to_text(), written(spent))).collect()
    }

    /// Reads [`Meter::to_value`].
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let members = value.as_object().into_iter().flat_map(Object::iter);
        let spent = members.filter_map(|(period, spent)| {
            let number = |key: &str| whole(spent, key).and_then(|number| u64::try_from(number).ok());
            let read = Spent {
                micros: number("micros")?,
                calls: number("calls")?,
                warned: spent.get("warned").and_then(Value::as_bool)?,
                first: Timestamp(number("first")?),
                at: Timestamp(number("at")?),
                leased: spent.get("leased").and_then(Leased::from_value).unwrap_or_default(),
            };
            Some((Period::parse(period)?, read))
        });
        Self { spent: spent.collect() }
    }
}

/// A slice of a longer window counts for longer.
fn is_idle(period: &Period, spent: &Spent, now: Timestamp) -> bool {
    let counts_ms = match period {
        Period::Slice { length_ms, .. } | Period::SessionSlice { length_ms, .. } => {
            length_ms.saturating_mul(SLICES + 1)
        }
        _ => 0,
    };
    now.since_ms(spent.at) > SESSION_KEPT_MS.max(counts_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(period: Period) -> Charge {
        Charge { meter: "b".into(), period, micros: 10, warned: false, fixed: true, payer: None }
    }

    #[test]
    fn periods_are_read_back() {
        for period in [
            Period::Session("a:b".into()),
            Period::Session("".into()),
            Period::One { day: 20_784, name: "a:b".into() },
            Period::Day(20_784),
            Period::Month(24_323),
            Period::Slice { length_ms: 56_250, number: 31_915_000 },
            Period::SessionSlice { session: "a:b".into(), length_ms: 56_250, number: 31_915_000 },
        ] {
            assert_eq!(Period::parse(&period.to_text()), Some(period));
        }
        assert_eq!(Period::parse("year:1"), None);
    }

    #[test]
    fn old_days_are_forgotten_and_settled_by_nobody() {
        let mut meter = Meter::default();
        meter.charge(&charge(Period::Day(1)), Timestamp(5));
        meter.charge(&charge(Period::Day(2)), Timestamp(6));
        assert_eq!(meter.periods().count(), 1);
        meter.settle(&Period::Day(1), 10, 0);
        assert_eq!(meter.spent(&Period::Day(2)).micros, 10);
        meter.settle(&Period::Day(2), 10, 3);
        assert_eq!(meter.spent(&Period::Day(2)).micros, 3);
    }

    #[test]
    fn sessions_are_bounded() {
        let mut meter = Meter::default();
        let session = |number: usize| Period::Session(number.to_string().into());
        for number in 0..MAX_SESSIONS {
            meter.charge(&charge(session(number)), Timestamp(1_000));
        }
        let later = Timestamp(1_001 + SESSION_KEPT_MS);
        assert!(!meter.has_room_for(&session(MAX_SESSIONS), Timestamp(2_000)));
        assert!(meter.has_room_for(&session(7), Timestamp(2_000)), "a known session goes on");
        assert!(meter.has_room_for(&session(MAX_SESSIONS), later));
        meter.charge(&charge(session(MAX_SESSIONS)), later);
        assert_eq!(meter.periods().count(), 1);
    }
}
