//! What a permitted call has taken from its agent's budgets, until its outcome says what it cost.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use faramesh_call::{Object, Timestamp, Value, object};

use super::meter::Period;
use super::words::whole;
use crate::stored::stored;

/// How long an outcome may settle what was reserved, in milliseconds. After that it stays spent.
pub const RESERVATION_MS: u64 = 3_600_000;
/// Most reservations that wait for an outcome. Beyond it the oldest stays spent as it is.
pub const MAX_RESERVATIONS: usize = 100_000;

/// What one call takes from one budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The sums that it goes to.
    pub meter: Box<str>,
    /// The period.
    pub period: Period,
    /// Micro-dollars that are reserved.
    pub micros: u64,
    /// Whether this call gives the warning of the period.
    pub warned: bool,
    /// Whether the policy says what the call costs; else the outcome does.
    pub fixed: bool,
    /// The agent whose sums these are, when it is not the one that calls.
    pub payer: Option<Box<str>>,
}

/// Between the payer and the sum, in names of sums that are not the caller's own.
pub const PAYER_END: &str = "\n\n";

impl Charge {
    /// The sum's name among those of one call.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match &self.payer {
            None => Cow::Borrowed(&self.meter),
            Some(payer) => Cow::Owned(format!("{payer}{PAYER_END}{}", self.meter)),
        }
    }
}

/// What one call has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The agent that called.
    pub agent: Box<str>,
    /// The record of the permit.
    pub record: Box<str>,
    /// When it was permitted.
    pub at: Timestamp,
    /// From each budget.
    pub charges: Vec<Charge>,
}

/// What a call cost in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The record of the permit.
    pub record: Box<str>,
    /// Micro-dollars for each of the sums that it was charged to.
    pub actual: Vec<(Box<str>, u64)>,
}

/// How much longer a reservation is kept, so that somebody can tell that no outcome came.
const KEPT_MS: u64 = 600_000;

/// Open reservations, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reservations {
    by_record: HashMap<Box<str>, u64>,
    in_order: BTreeMap<u64, Reservation>,
}

stored! {
    Charge { meter, period, micros, warned, fixed, payer }
    Reservation { agent, record, at, charges }
    Reservations { by_record, in_order }
}

impl Reservations {
    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.in_order.values()
    }

    pub(super) fn get(&self, record: &str) -> Option<&Reservation> {
        self.in_order.get(self.by_record.get(record)?)
    }

    pub(super) fn insert(&mut self, reservation: &Reservation) {
        while let Some(oldest) = self.in_order.first_entry() {
            let expired = reservation.at.since_ms(oldest.get().at) > RESERVATION_MS + KEPT_MS;
            if !expired && self.by_record.len() < MAX_RESERVATIONS {
                break;
            }
            let gone = oldest.remove();
            self.by_record.remove(&gone.record);
        }
        let number = self.in_order.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        self.by_record.insert(reservation.record.clone(), number);
        self.in_order.insert(number, reservation.clone());
    }

    pub(super) fn remove(&mut self, record: &str) -> Option<Reservation> {
        self.in_order.remove(&self.by_record.remove(record)?)
    }
}

impl Reservation {
    /// What the call cost, by how it ended and what was reported. A call that failed costs nothing;
    /// one that did not end in time may have cost everything.
    #[must_use]
    pub fn settled(&self, failed: bool, reported_micros: Option<u64>) -> Settled {
        let actual = |charge: &Charge| match (charge.fixed, reported_micros) {
            (false, Some(reported)) => reported,
            _ if failed => 0,
            _ => charge.micros,
        };
        Settled {
            record: self.record.clone(),
            actual: self.charges.iter().map(|charge| (charge.name().into(), actual(charge))).collect(),
        }
    }

    pub(crate) fn to_value(&self) -> Object {
        let charges = self.charges.iter().map(|charge| {
            let mut members = object! {
                "fixed" => charge.fixed,
                "meter" => &*charge.meter,
                "micros" => charge.micros,
                "period" => charge.period.to_text(),
                "warned" => charge.warned,
            };
            if let Some(payer) = &charge.payer {
                members.insert("payer", payer.clone());
            }
            members
        });
        object! { "at" => self.at.0, "change" => "reserved", "charges" => charges.collect::<Value>() }
    }

    /// Reads [`Reservation::to_value`]; agent and record are those of the record it stands in.
    pub(crate) fn from_value(value: &Value, agent: &str, record: &str) -> Option<Self> {
        let at = Timestamp(u64::try_from(whole(value, "at")?).ok()?);
        let charges = value.get("charges")?.as_list()?.iter().map(|charge| {
            let text = |key: &str| charge.get(key).and_then(Value::as_str);
            let flag = |key: &str| charge.get(key).and_then(Value::as_bool);
            Some(Charge {
                meter: text("meter")?.into(),
                period: Period::parse(text("period")?)?,
                micros: u64::try_from(whole(charge, "micros")?).ok()?,
                warned: flag("warned")?,
                fixed: flag("fixed")?,
                payer: text("payer").map(Into::into),
            })
        });
        let charges = charges.collect::<Option<_>>()?;
        Some(Self { agent: agent.into(), record: record.into(), at, charges })
    }
}

impl Settled {
    pub(crate) fn to_value(&self) -> Object {
        let actual = self.actual.iter().map(|(meter, micros)| (&**meter, *micros)).collect::<Object>();
        object! { "change" => "settled", "decision" => &*self.record, "micros" => actual }
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let micros = value.get("micros")?;
        let actual = micros
            .as_object()?
            .iter()
            .map(|(meter, _)| Some((meter.into(), u64::try_from(whole(micros, meter)?).ok()?)));
        let record = value.get("decision")?.as_str()?.into();
        Some(Self { record, actual: actual.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(record: usize, at: u64) -> Reservation {
        Reservation {
            agent: "a".into(),
            record: record.to_string().into(),
            at: Timestamp(at),
            charges: vec![],
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let mut open = Reservations::default();
        for number in 0..=MAX_RESERVATIONS {
            open.insert(&reservation(number, 5));
        }
        assert_eq!(open.len(), MAX_RESERVATIONS);
        assert!(open.get("0").is_none() && open.get("1").is_some());
        open.insert(&reservation(usize::MAX, 6 + RESERVATION_MS + KEPT_MS));
        assert_eq!((open.len(), open.by_record.len()), (1, 1), "what expired is gone");
    }

    #[test]
    fn settled_once() {
        let mut open = Reservations::default();
        open.insert(&reservation(1, 5));
        assert!(open.remove("1").is_some());
        assert!(open.remove("1").is_none());
    }
}
