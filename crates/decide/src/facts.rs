//! The values of what a condition reads of the past: sums and counts of earlier calls, and what a
//! session is for.

use std::borrow::Cow;

use faramesh_call::Object;
use faramesh_call::money::dollars;
use faramesh_program::facts::Counted;
use faramesh_program::image::Fact;
use faramesh_state::limits::Meter;
use faramesh_state::sessions::Session;

use crate::evaluate::Evaluator;
use crate::outcome::Unknown;
use crate::outside;
use crate::read::{Read, View};
use crate::steps::sums::Sum;
use crate::verdict::Verdict;

impl<'a> Evaluator<'a> {
    /// The value of a fact. Without a state nothing has happened yet.
    pub(crate) fn fact(&self, operand: u32, fact: &Fact) -> Read<'a> {
        match fact {
            Fact::Purpose(purpose) => {
                self.purpose_was_read.set(true);
                Ok(View::Bool(
                    self.known_session().and_then(|known| known.purpose.as_deref()) == Some(purpose),
                ))
            }
            Fact::Selector { name, steps } => self.selected(operand, name, steps),
            _ => self.sum(operand).ok_or(Unknown::Type(None)),
        }
    }

    fn session(&self) -> &'a str {
        self.call.session.as_deref().unwrap_or_default()
    }

    fn known_session(&self) -> Option<&'a Session> {
        self.state.and_then(|state| state.sessions().of(&self.agent.name, self.session()))
    }

    /// The value of a sum or count.
    fn sum(&self, operand: u32) -> Option<View<'a>> {
        let fact = self.agent.limits()?.facts().of_operand(operand)?;
        let mut read = self.facts_read.borrow_mut();
        if !read.contains(&operand) {
            read.push(operand);
        }
        let meter = self.meter(&fact.key);
        let sum = Sum::of_fact(fact, self.session(), self.now, meter);
        Some(match fact.counted {
            Counted::Calls => View::Number(Cow::Owned(sum.calls.into())),
            Counted::Presence => View::Bool(sum.calls > 0),
            Counted::Cost | Counted::Field(_) => View::Number(Cow::Owned(dollars(sum.micros))),
        })
    }

    fn meter(&self, key: &str) -> Option<&'a Meter> {
        self.state?.limits().of(&self.agent.name)?.meter(key)
    }

    /// Notes what was read, so that the record holds it.
    pub(crate) fn note_reads(&self, verdict: &mut Verdict<'_>) {
        outside::note(self.program, self.agent, self.call, &self.outside_read.borrow(), verdict);
        for (key, sums) in self.sums_read() {
            verdict.read_meter(key, sums);
        }
        if self.purpose_was_read.get()
            && let Some(session) = self.known_session()
        {
            verdict.inputs.insert("session", session.to_value());
        }
        self.note_selected(verdict);
    }

    /// The sums and counts that were looked at, as records hold them.
    pub(crate) fn sums_read(&self) -> Vec<(&'a str, Object)> {
        let read = self.facts_read.borrow();
        let facts = read.iter().filter_map(|operand| self.agent.limits()?.facts().of_operand(*operand));
        let sums = facts.map(|fact| {
            let sum = Sum::of_fact(fact, self.session(), self.now, self.meter(&fact.key));
            (&*fact.key, Meter::to_value(sum.parts.iter().copied()))
        });
        sums.collect()
    }
}
