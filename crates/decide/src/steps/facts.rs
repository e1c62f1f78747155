//! What a permitted call adds to the sums and counts that its agent's conditions read.

use faramesh_call::Value;
use faramesh_call::money::micros_up;
use faramesh_program::facts::{Counted, FactMeter};
use faramesh_program::image::Step;
use faramesh_state::limits::{Charge, MAX_SESSIONS};

use crate::input::Input;
use crate::steps::budgets::FLAT_COST_MICROS;
use crate::steps::sums::Sum;

/// The charges of this call.
///
/// # Errors
/// In words, when there is no room to remember another session: then nobody could say later what it did.
pub(crate) fn charges(input: &Input<'_>) -> Result<Vec<Charge>, String> {
    let Some(limits) = input.agent.limits() else { return Ok(Vec::new()) };
    let now = input.moment.now;
    let known = input.state.limits().of(&input.agent.name);
    let session = input.call.session.as_deref().unwrap_or_default();
    let charge = |fact: &FactMeter| {
        let meter = known.and_then(|known| known.meter(&fact.key));
        let period = Sum::of_fact(fact, session, now, meter).period;
        if meter.is_some_and(|meter| !meter.has_room_for(&period, now)) {
            return Err(format!("{MAX_SESSIONS} sessions of this agent are counted already"));
        }
        let (micros, fixed) = match &fact.counted {
            Counted::Calls | Counted::Presence => (0, true),
            Counted::Cost => (FLAT_COST_MICROS, false),
            Counted::Field(steps) => (amount(&input.call.args, steps), true),
        };
        Ok(Charge { meter: fact.key.clone(), period, micros, warned: false, fixed, payer: None })
    };
    limits.facts().of_tool(&input.call.tool).map(charge).collect()
}

/// A field as it is added up, in millionths. What is absent or below zero adds nothing; what is no number
/// may be one to the tool, so it counts as more than anything.
fn amount(args: &Value, steps: &[Step]) -> u64 {
    let mut at = args;
    for step in steps {
        let next = match (step, at) {
            (Step::Key(key), Value::Object(object)) => object.get(key),
            (Step::Index(index), Value::List(items)) => {
                usize::try_from(*index).ok().and_then(|index| items.get(index))
            }
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return 0,
        }
    }
    match at {
        Value::Null => 0,
        Value::Number(number) if number.is_negative() => 0,
        Value::Number(number) => micros_up(number).unwrap_or(u64::MAX),
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::json;

    #[test]
    fn what_cannot_be_added_up_counts_as_more_than_anything() {
        let of = |args: &str| {
            amount(&json::parse(args.as_bytes()).unwrap(), &[Step::Key("a".into()), Step::Key("b".into())])
        };
        for (args, expected) in [
            (r#"{"a":{"b":12.5}}"#, 12_500_000),
            (r#"{"a":{"b":0.0000001}}"#, 1),
            (r#"{"a":{"b":-5}}"#, 0),
            (r#"{"a":{"b":null}}"#, 0),
            (r#"{"a":{}}"#, 0),
            (r#"{"a":"x"}"#, 0),
            (r#"{"a":{"b":"12.5"}}"#, u64::MAX),
            (r#"{"a":{"b":1e30}}"#, u64::MAX),
            (r#"{"a":{"b":[1]}}"#, u64::MAX),
        ] {
            assert_eq!(of(args), expected, "{args}");
        }
    }
}
