//! What a budget has used in the window that a call falls into, and when there is room again.
//!
//! INVARIANT a clock that went back opens no window: a sum is taken over the latest day, month or
//! slice that anything was charged to.

use faramesh_call::Timestamp;
use faramesh_program::Program;
use faramesh_program::facts::FactMeter;
use faramesh_program::image::Window;
use faramesh_program::limits::Ceiling;
use faramesh_state::limits::{Leased, Meter, Period, SLICES, Share, Spent, WantOf};

/// What was used in one window.
#[derive(Debug)]
pub struct Sum<'a> {
    /// What a call now is charged to.
    pub period: Period,
    /// Micro-dollars.
    pub micros: u64,
    /// Calls.
    pub calls: u64,
    /// Whether the warning of the window was given.
    pub warned: bool,
    /// What is leased of the period, where daemons share the ceiling.
    pub leased: Leased,
    /// What it was added up from, oldest first.
    pub parts: Vec<(&'a Period, &'a Spent)>,
}

impl<'a> Sum<'a> {
    /// Reads the window that a call of `session` falls into at `now`.
    #[must_use]
    pub fn read(
        program: &Program,
        window: Window,
        session: &str,
        now: Timestamp,
        meter: Option<&'a Meter>,
    ) -> Self {
        Self::over(period(program, window, session, now, meter), meter)
    }

    /// Reads a sum or count that conditions look at, as [`Sum::read`] reads a window.
    pub(crate) fn of_fact(fact: &FactMeter, session: &str, now: Timestamp, meter: Option<&'a Meter>) -> Self {
        Self::over(fact_period(fact, session, now, meter), meter)
    }

    fn over(period: Period, meter: Option<&'a Meter>) -> Self {
        let parts: Vec<_> =
            meter.into_iter().flat_map(|meter| meter.range(&first(&period), &period)).collect();
        let (mut micros, mut calls, mut warned) = (0_u64, 0_u64, false);
        for (_, spent) in &parts {
            micros = micros.saturating_add(spent.micros);
            calls = calls.saturating_add(spent.calls);
            warned |= spent.warned;
        }
        // Shared ceilings have no rolling windows: the period is the window.
        let leased = parts.last().filter(|(last, _)| **last == period).map(|(_, spent)| spent.leased);
        Self { micros, calls, warned, leased: leased.unwrap_or_default(), parts, period }
    }

    /// Whether one more call of this cost is within a ceiling.
    pub(crate) fn fits(&self, cost: u64, ceiling: &Ceiling) -> bool {
        let money =
            ceiling.max_micros.is_none_or(|max| self.micros.checked_add(cost).is_some_and(|sum| sum <= max));
        money && ceiling.max_calls.is_none_or(|max| self.calls < u64::from(max))
    }

    /// What a shared ceiling wants leased for one more call of this cost, or before long; nothing while there is
    /// enough. A part is at most 1/64 of the ceiling, so what a daemon that is gone takes with it is little.
    pub(crate) fn wants(&self, cost: u64, ceiling: &Ceiling) -> Option<(WantOf, bool)> {
        let share = |held: u64, used: u64, more: u64, max: u64| {
            let after = used.saturating_add(more);
            let need = after.saturating_sub(held);
            let is_low = held.saturating_sub(after) < max.div_ceil(SLICES).div_ceil(2);
            (Share { held, need, max }, need > 0, is_low)
        };
        let money = ceiling.max_micros.map(|max| share(self.leased.micros, self.micros, cost, max));
        let calls = ceiling.max_calls.map(|max| share(self.leased.calls, self.calls, 1, max.into()));
        let both = [&money, &calls];
        let urgent = both.iter().any(|share| share.as_ref().is_some_and(|(_, needs, _)| *needs));
        let is_low = both.iter().any(|share| share.as_ref().is_some_and(|(_, _, low)| *low));
        let only = |share: Option<(Share, bool, bool)>| share.map(|(share, _, _)| share);
        let of = WantOf::Sum { period: self.period.clone(), money: only(money), calls: only(calls) };
        (urgent || is_low).then_some((of, urgent))
    }

    /// When a call of this cost fits, if nothing else is charged; `None` when it never does.
    pub(crate) fn fits_at(&self, program: &Program, cost: u64, ceiling: &Ceiling) -> Option<Timestamp> {
        if ceiling.max_micros.is_some_and(|max| cost > max) || ceiling.max_calls == Some(0) {
            return None;
        }
        match &self.period {
            Period::Slice { .. } => self.slices_pass(cost, ceiling),
            _ => self.resets_at(program),
        }
    }

    /// When the window begins anew, or the first of a rolling one comes back; `None` for sessions, and
    /// when nothing was used.
    #[must_use]
    pub fn resets_at(&self, program: &Program) -> Option<Timestamp> {
        match &self.period {
            Period::Session(_) => None,
            Period::Day(day) => Some(program.day_begins(day.saturating_add(1))),
            Period::Month(month) => program.month_begins(month.saturating_add(1)),
            Period::Slice { .. } => self.parts.first().and_then(|(part, _)| gone(part)),
            // No ceiling has windows of these.
            Period::SessionSlice { .. } | Period::One { .. } => None,
        }
    }

    /// When enough slices are older than the window.
    fn slices_pass(&self, cost: u64, ceiling: &Ceiling) -> Option<Timestamp> {
        let (mut micros, mut calls) = (self.micros, self.calls);
        self.parts.iter().find_map(|(part, spent)| {
            micros = micros.saturating_sub(spent.micros);
            calls = calls.saturating_sub(spent.calls);
            let money = ceiling.max_micros.is_none_or(|max| micros.saturating_add(cost) <= max);
            let fits = money && ceiling.max_calls.is_none_or(|max| calls < u64::from(max));
            fits.then(|| gone(part))?
        })
    }
}

/// When all of a slice is older than its window.
fn gone(part: &Period) -> Option<Timestamp> {
    let Period::Slice { length_ms, number } = part else { return None };
    Some(Timestamp(number.saturating_add(SLICES).saturating_add(1).saturating_mul(*length_ms)))
}

/// What a call is charged to.
fn period(program: &Program, window: Window, session: &str, now: Timestamp, meter: Option<&Meter>) -> Period {
    let known = || meter.into_iter().flat_map(Meter::periods).rev().map(|(period, _)| period);
    match window {
        Window::Session => Period::Session(session.into()),
        Window::Daily => {
            let day = program.local_day(now);
            let latest =
                known().find_map(|found| if let Period::Day(day) = found { Some(*day) } else { None });
            Period::Day(day.max(latest.unwrap_or(0)))
        }
        Window::Monthly => {
            let month = program.local_month(now);
            let latest =
                known().find_map(|found| if let Period::Month(month) = found { Some(*month) } else { None });
            Period::Month(month.max(latest.unwrap_or(0)))
        }
        Window::Rolling(window_ms) => {
            let length = window_ms.div_ceil(SLICES).max(1);
            let latest = known().find_map(|found| match found {
                Period::Slice { length_ms, number } if *length_ms == length => Some(*number),
                _ => None,
            });
            Period::Slice { length_ms: length, number: (now.0 / length).max(latest.unwrap_or(0)) }
        }
    }
}

/// The first period that counts in the window that ends with another.
fn first(current: &Period) -> Period {
    let mut first = current.clone();
    if let Period::Slice { number, .. } | Period::SessionSlice { number, .. } = &mut first {
        *number = number.saturating_sub(SLICES);
    }
    first
}

/// What a call adds to in a sum or count.
fn fact_period(fact: &FactMeter, session: &str, now: Timestamp, meter: Option<&Meter>) -> Period {
    let session: Box<str> = if fact.by_session { session.into() } else { Box::default() };
    let Some(window_ms) = fact.window_ms else { return Period::Session(session) };
    let length_ms = window_ms.div_ceil(SLICES).max(1);
    let slice = |number: u64| {
        if fact.by_session {
            Period::SessionSlice { session: session.clone(), length_ms, number }
        } else {
            Period::Slice { length_ms, number }
        }
    };
    let latest = meter.and_then(|meter| {
        meter.range(&slice(0), &slice(u64::MAX)).next_back().and_then(|(period, _)| match period {
            Period::Slice { number, .. } | Period::SessionSlice { number, .. } => Some(*number),
            _ => None,
        })
    });
    slice((now.0 / length_ms).max(latest.unwrap_or(0)))
}
