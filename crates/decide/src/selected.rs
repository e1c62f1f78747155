//! What selectors gave: values from outside that conditions read. They are fetched beside the decisions, and a
//! decision only looks at what is there. A record keeps what was looked at, under `inputs.selectors`, so that the
//! call can be decided again.

use std::collections::BTreeMap;

use faramesh_call::{Object, Timestamp, Value, object};
use faramesh_program::image::{Selector, Step, TextSource, WithoutValue};

use crate::evaluate::Evaluator;
use crate::outcome::Unknown;
use crate::read::{Read, View};
use crate::verdict::Verdict;

/// The member of `inputs`.
const MEMBER: &str = "selectors";
/// What a record says of a value that was not there.
const MISSING: &str = "missing";

/// What a selector gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A value.
    Value {
        /// The value.
        value: Value,
        /// When it was fetched.
        at: Timestamp,
    },
    /// It could not be had.
    Unavailable,
    /// It did not come in time.
    Late,
}

/// What is fetched: selectors that agree on all of it share one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fetched {
    /// Where from.
    pub source: TextSource,
    /// How long a value is good, in milliseconds.
    pub cache_ms: u64,
    /// How long to wait for it, in milliseconds.
    pub timeout_ms: u64,
}

impl Fetched {
    /// How long a value is good when the policy does not say.
    pub const DEFAULT_CACHE_MS: u64 = 60_000;
    /// How long to wait for a value when the policy does not say.
    pub const DEFAULT_TIMEOUT_MS: u64 = 2_000;

    /// What a selector fetches.
    #[must_use]
    pub fn by(selector: &Selector) -> Self {
        Self {
            source: selector.source.clone(),
            cache_ms: selector.cache_ms.unwrap_or(Self::DEFAULT_CACHE_MS),
            timeout_ms: selector.timeout_ms.unwrap_or(Self::DEFAULT_TIMEOUT_MS),
        }
    }
}

/// What all selectors gave, at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selected {
    fetched: BTreeMap<Fetched, Reading>,
    /// For a decision that is made again: what its record says, by place.
    recorded: Option<BTreeMap<Box<str>, Reading>>,
}

/// Nothing was fetched.
pub static NOTHING_SELECTED: Selected = Selected { fetched: BTreeMap::new(), recorded: None };

impl FromIterator<(Fetched, Reading)> for Selected {
    fn from_iter<I: IntoIterator<Item = (Fetched, Reading)>>(readings: I) -> Self {
        Self { fetched: readings.into_iter().collect(), recorded: None }
    }
}

impl Selected {
    /// What the `inputs` of a record say that was read.
    #[must_use]
    pub fn read_back(inputs: &Value) -> Self {
        let kept = inputs.get(MEMBER).and_then(Value::as_object);
        let recorded = kept.into_iter().flat_map(Object::iter).map(|(place, kept)| {
            let reading = match (kept.get("value"), kept.get(MISSING).and_then(Value::as_str)) {
                (Some(value), _) => Reading::Value {
                    value: value.clone(),
                    at: kept.get("at").and_then(Value::as_str).and_then(Timestamp::parse).unwrap_or_default(),
                },
                (None, Some("late")) => Reading::Late,
                _ => Reading::Unavailable,
            };
            (Box::from(place), reading)
        });
        Self { fetched: BTreeMap::new(), recorded: Some(recorded.collect()) }
    }

    /// Whether a decision over these readings looked at nothing that the record does not know.
    #[must_use]
    pub fn covers(&self, inputs: &Object) -> bool {
        let (Some(known), Some(read)) = (&self.recorded, inputs.get(MEMBER).and_then(Value::as_object))
        else {
            return true;
        };
        read.iter().all(|(place, _)| known.keys().any(|known| leads_to(known, place)))
    }

    /// What was read at a place, or at the nearest above it, with the steps that are left from there.
    fn at<'s>(
        &self,
        selector: &Selector,
        owner: Option<&str>,
        steps: &'s [Step],
    ) -> Option<(&Reading, &'s [Step])> {
        let Some(recorded) = &self.recorded else {
            return Some((self.fetched.get(&Fetched::by(selector))?, steps));
        };
        (0..=steps.len()).rev().find_map(|length| {
            let (taken, left) = steps.split_at_checked(length)?;
            Some((recorded.get(&*place(owner, &selector.name, taken))?, left))
        })
    }
}

/// The name of a place, the same in every policy that reads it: `risk.score`, `planner: risk.score` for a selector
/// of an agent that handed on.
#[must_use]
pub fn place(owner: Option<&str>, name: &str, steps: &[Step]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('.', "\\.");
    let mut place = owner.map_or_else(String::new, |owner| format!("{}: ", escaped(owner)));
    place.push_str(&escaped(name));
    for step in steps {
        match step {
            Step::Key(key) => place.push_str(&format!(".{}", escaped(key))),
            Step::Index(index) => place.push_str(&format!(".{index}")),
        }
    }
    place
}

/// Whether what was read at one place tells what is at another.
fn leads_to(known: &str, place: &str) -> bool {
    place.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What was read of a selector: its place, and what a record keeps.
pub(crate) type Noted = (String, Object);

impl<'a> Evaluator<'a> {
    /// The value of a selector, or of a member of it. A member that is not there cannot be had either.
    pub(crate) fn selected(&self, operand: u32, name: &str, steps: &[Step]) -> Read<'a> {
        let owner = (self.owner.name != self.agent.name).then_some(&*self.owner.name);
        let Some(selector) = self.owner.selector(name) else { return Err(Unknown::Type(None)) };
        let found = self.selected.at(selector, owner, steps);
        let note = |kept: Object| {
            let mut read = self.selectors_read.borrow_mut();
            let place = place(owner, name, steps);
            if read.iter().all(|(known, _)| *known != place) {
                read.push((place, kept));
            }
        };
        let missing = |why: &str, then: WithoutValue| {
            note(object! { MISSING => why });
            Unknown::Missing { operand, then }
        };
        let unavailable = || missing("unavailable", selector.on_unavailable);
        match found {
            Some((Reading::Value { value, at }, steps)) => {
                let value = member(value, steps).ok_or_else(unavailable)?;
                note(object! { "value" => value.clone(), "at" => at.to_string() });
                Ok(View::from(value))
            }
            Some((Reading::Late, _)) => Err(missing("late", selector.on_timeout)),
            Some((Reading::Unavailable, _)) | None => Err(unavailable()),
        }
    }

    /// Notes what selectors gave, so that the record holds it.
    pub(crate) fn note_selected(&self, verdict: &mut Verdict<'_>) {
        let read = self.selectors_read.take();
        if read.is_empty() {
            return;
        }
        let mut kept = match verdict.inputs.remove(MEMBER) {
            Some(Value::Object(kept)) => kept,
            _ => Object::new(),
        };
        for (place, reading) in read {
            kept.insert(place, reading);
        }
        verdict.inputs.insert(MEMBER, kept);
    }
}

fn member<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |at, step| match (step, at) {
        (Step::Key(key), Value::Object(members)) => members.get(key),
        (Step::Index(index), Value::List(items)) => items.get(usize::try_from(*index).ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_collide_and_lead_to_what_is_below() {
        let steps = [Step::Key("a.b".into()), Step::Index(0)];
        assert_eq!(place(None, "risk", &steps), "risk.a\\.b.0");
        assert_eq!(place(Some("planner"), "risk", &[]), "planner: risk");
        assert!(leads_to("risk", "risk.score"));
        assert!(leads_to("risk", "risk"));
        assert!(!leads_to("risk.score", "risk"));
        assert!(!leads_to("risk", "risky"));
    }
}
