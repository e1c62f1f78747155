//! `max_customers_per_day`: which customers a call touches, and whether there is room for those that were not touched
//! today. Records and state know them by names that tell nothing, made with the stack's key.

use std::fmt;

use faramesh_call::{Object, Value};
use faramesh_program::image::OnExceed;
use faramesh_program::limits::{AMBIENT_CUSTOMER_KEY, Ceiling};
use faramesh_state::limits::{Charge, MAX_SESSIONS, Meter, Period};

use crate::evaluate::Evaluator;
use crate::input::Input;
use crate::outcome::Unknown;
use crate::read::View;
use crate::steps::budgets::{Exceeded, Payer, Tally, code};
use crate::steps::sums::Sum;
use crate::trace::describe;
use crate::verdict::Verdict;

/// The member of `inputs`.
const MEMBER: &str = "customers";
/// Arguments that tell the customers of a call, when the policy does not say.
const USUAL: &[&str] = &["customer_id", "customer", "customer_ids", "customers"];
/// Most customers of one call.
const MAX_CUSTOMERS: usize = 1_000;

/// How customers are named in records.
#[derive(Clone, Copy)]
pub enum Pseudonyms<'a> {
    /// By this function of what the call says.
    Made(&'a dyn Fn(&[u8]) -> String),
    /// As these inputs of a record have them; where they have none, as the call says.
    Recorded(&'a Value),
}

/// For decisions that nobody records.
pub const NO_PSEUDONYMS: Pseudonyms<'static> = Pseudonyms::Recorded(&Value::Null);

impl fmt::Debug for Pseudonyms<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Made(_) => "Made(..)",
            Self::Recorded(_) => "Recorded(..)",
        })
    }
}

impl<'a> Tally<'a> {
    /// Adds the ceiling on customers.
    ///
    /// # Errors
    /// In words, when nobody can say whether it holds.
    pub(super) fn add_customers(
        &mut self,
        input: &Input<'a>,
        payer: &Payer<'a>,
        ceiling: &'a Ceiling,
        verdict: &mut Verdict<'a>,
    ) -> Result<(), String> {
        let now = input.moment.now;
        let touched = touched(input, payer, ceiling, verdict)?;
        if touched.is_empty() {
            return Ok(());
        }
        verdict.inputs.insert(MEMBER, touched.iter().map(|name| Value::from(&**name)).collect::<Value>());
        let known = input.state.limits().of(&payer.agent.name);
        let meters =
            [&*ceiling.key, AMBIENT_CUSTOMER_KEY].map(|key| known.and_then(|known| known.meter(key)));
        let [count, each] = meters;
        let sum = Sum::read(input.program, ceiling.window, payer.session, now, count);
        let Period::Day(day) = sum.period else { return Err("a day has no number".to_owned()) };
        let other = (!payer.is_caller).then_some(&payer.agent.name);
        if !sum.parts.is_empty() {
            let sums = Meter::to_value(sum.parts.iter().copied());
            self.read.push((other.map(|name| &**name), &ceiling.key, sums));
        }
        let mut seen = Object::new();
        let mut new = Vec::new();
        for name in touched {
            let period = Period::One { day, name };
            match each.and_then(|each| each.range(&period, &period).next()) {
                Some(found) => {
                    Meter::to_value(std::iter::once(found)).into_iter().for_each(|(period, spent)| {
                        seen.insert(period, spent);
                    })
                }
                None => new.push(period),
            }
        }
        if !seen.is_empty() {
            self.read.push((other.map(|name| &**name), AMBIENT_CUSTOMER_KEY, seen));
        }
        if new.iter().any(|period| each.is_some_and(|each| !each.has_room_for(period, now))) {
            return Err(format!("`{}` counts {MAX_SESSIONS} customers already", ceiling.budget));
        }
        let more = u64::try_from(new.len()).unwrap_or(u64::MAX);
        self.hold_against(ceiling, &sum, more, input);
        for period in new {
            let charge = |meter: &str, period: Period| Charge {
                meter: meter.into(),
                period,
                micros: 0,
                warned: false,
                fixed: true,
                payer: other.cloned(),
            };
            self.charges.push(charge(&ceiling.key, Period::Day(day)));
            self.charges.push(charge(AMBIENT_CUSTOMER_KEY, period));
        }
        Ok(())
    }

    /// Notes what is beyond the ceiling.
    fn hold_against(&mut self, ceiling: &'a Ceiling, sum: &Sum<'_>, more: u64, input: &Input<'a>) {
        let max = u64::from(ceiling.max_calls.unwrap_or_default());
        if sum.calls.saturating_add(more) > max {
            let those =
                if more == 1 { "a customer that was" } else { &format!("{more} customers that were") };
            let message = format!(
                "this call touches {those} not touched today, and `{}` has room for {} of {max}",
                ceiling.budget,
                max.saturating_sub(sum.calls)
            );
            if ceiling.on_exceed == OnExceed::Audit {
                self.warnings.push((code(ceiling), message));
            } else {
                let resets_at = (more <= max).then(|| sum.resets_at(input.program)).flatten();
                self.exceeded.push(Exceeded { ceiling, message, resets_at });
            }
        }
    }
}

/// The customers of a call, each once, by the names that records have for them.
fn touched<'a>(
    input: &Input<'a>,
    payer: &Payer<'a>,
    ceiling: &Ceiling,
    verdict: &mut Verdict<'a>,
) -> Result<Vec<Box<str>>, String> {
    if let Pseudonyms::Recorded(inputs) = input.pseudonyms
        && let Some(names) = inputs.get(MEMBER).and_then(Value::as_list)
    {
        return Ok(names.iter().filter_map(Value::as_str).map(Box::from).collect());
    }
    let unknown = |why: &str| format!("`{}` cannot tell whom this call touches: {why}", ceiling.budget);
    let found = match ceiling.cost {
        Some(operand) => {
            let evaluator = Evaluator::of(input).owned_by(payer.agent);
            let value = evaluator.operand(operand);
            evaluator.note_reads(verdict);
            match value {
                Ok(View::Text(text)) => vec![text.into_owned()],
                Ok(View::Number(number)) => vec![number.to_string()],
                Ok(View::List(items)) => {
                    ids(items.iter()).ok_or_else(|| unknown("a list has an element that is no id"))?
                }
                // A call that says nothing of customers touches none.
                Ok(View::Null) | Err(Unknown::Absent(_)) => Vec::new(),
                Ok(_) => return Err(unknown("it is neither a text, a number nor a list of them")),
                Err(why) => return Err(unknown(&describe(why, input.program))),
            }
        }
        None => {
            let values = USUAL.iter().filter_map(|key| input.call.args.get(key));
            ids(values)
                .ok_or_else(|| unknown("an argument for it is neither a text, a number nor a list of them"))?
        }
    };
    if found.len() > MAX_CUSTOMERS {
        return Err(unknown(&format!("they are more than {MAX_CUSTOMERS}")));
    }
    let mut names: Vec<Box<str>> = found
        .into_iter()
        .map(|id| match input.pseudonyms {
            Pseudonyms::Made(make) => make(format!("customer\0{id}").as_bytes()).chars().take(32).collect(),
            Pseudonyms::Recorded(_) => id.into(),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The ids among values, lists opened; `None` when one of them is no id.
fn ids<'v>(values: impl Iterator<Item = &'v Value>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for value in values {
        match value {
            Value::Null => {}
            Value::List(items) => {
                for item in items {
                    found.push(id(item)?);
                }
            }
            value => found.push(id(value)?),
        }
    }
    Some(found)
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
