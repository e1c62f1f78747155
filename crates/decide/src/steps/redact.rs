//! Step 11: fields that a policy names never reach a record. Values are replaced, keys stay, so a
//! reader sees that something was there. Always runs; never ends the call.

use faramesh_call::Value;
use faramesh_program::image::FieldStep;

use crate::Flow;
use crate::input::Input;
use crate::verdict::Verdict;

/// What stands in a record for a redacted value.
pub const REDACTED: &str = "[redacted]";

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    let (args, redacted) = redact(input);
    if !redacted.is_empty() {
        verdict.redacted_args = Some(args.unwrap_or_default());
        verdict.redacted = redacted;
    }
    Flow::Continue
}

/// The arguments as people may see them.
pub(crate) fn shown_args(input: &Input<'_>) -> Value {
    redact(input).0.unwrap_or_else(|| input.call.args.clone())
}

/// The redacted arguments, when a redaction applies, and the fields that it took.
fn redact(input: &Input<'_>) -> (Option<Value>, Vec<String>) {
    if !input.agent.redacts() {
        return (None, Vec::new());
    }
    let mut redactions = input.agent.redactions(&input.call.tool).peekable();
    if redactions.peek().is_none() {
        return (None, Vec::new());
    }
    let mut args = input.call.args.clone();
    let mut redacted = Vec::new();
    for field in redactions.flat_map(|redaction| &redaction.fields) {
        if replace(&mut args, field) {
            redacted.push(written(field));
        }
    }
    redacted.sort();
    redacted.dedup();
    (Some(args), redacted)
}

/// Replaces the field, wherever it is present. Depth is the length of the field's path.
fn replace(value: &mut Value, steps: &[FieldStep]) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        *value = Value::from(REDACTED);
        return true;
    };
    match (step, value) {
        (FieldStep::Key(key), Value::Object(object)) => {
            object.get_mut(key).is_some_and(|member| replace(member, rest))
        }
        // A list where the policy expects one value must not be a way around it.
        (FieldStep::Each, Value::List(items)) => {
            items.iter_mut().filter_map(|item| replace(item, rest).then_some(())).count() > 0
        }
        (FieldStep::Key(_), Value::List(items)) => {
            items.iter_mut().filter_map(|item| replace(item, steps).then_some(())).count() > 0
        }
        (FieldStep::Each, value @ Value::Object(_)) => replace(value, rest),
        // Text where the policy expects an object may hold the very thing that is to be hidden.
        (_, value @ Value::String(_)) => {
            *value = Value::from(REDACTED);
            true
        }
        _ => false,
    }
}

fn written(steps: &[FieldStep]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            FieldStep::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            FieldStep::Each => text.push_str("[]"),
        }
    }
    text
}
