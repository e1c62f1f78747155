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
    let (args, redacted) = redact(input, &mut |_, _| Value::from(REDACTED));
    if !redacted.is_empty() {
        verdict.redacted_args = Some(args.unwrap_or_default());
        verdict.redacted = redacted;
    }
    Flow::Continue
}

/// The arguments as people may see them.
pub(crate) fn shown_args(input: &Input<'_>) -> Value {
    redact(input, &mut |_, _| Value::from(REDACTED)).0.unwrap_or_else(|| input.call.args.clone())
}

/// Makes of a value what stands in the record; with the way to the argument that names the person it is sealed for,
/// which is empty for the person behind the call.
pub type Seal<'a> = &'a mut dyn FnMut(&Value, &[FieldStep]) -> Value;

/// The arguments for the record, with what `seal` makes of each value that the policy wants sealed;
/// `None` when it wants none of this tool's sealed. What is not kept at all goes first, so that no seal
/// holds it.
pub fn sealed_args(input: &Input<'_>, seal: Seal<'_>) -> Option<Value> {
    let seals = input.agent.redacts() && input.agent.redactions(&input.call.tool).any(|found| found.seal);
    if seals { redact(input, seal).0 } else { None }
}

/// The redacted arguments, when a redaction applies, and the fields that it took.
fn redact(input: &Input<'_>, seal: Seal<'_>) -> (Option<Value>, Vec<String>) {
    if !input.agent.redacts() {
        return (None, Vec::new());
    }
    let mut redactions = input.agent.redactions(&input.call.tool).peekable();
    if redactions.peek().is_none() {
        return (None, Vec::new());
    }
    let mut args = input.call.args.clone();
    let mut redacted = Vec::new();
    let mut take = |fields: &[Vec<FieldStep>], with: &mut dyn FnMut(&mut Value)| {
        for field in fields {
            if replace(&mut args, field, with) {
                redacted.push(written(field));
            }
        }
    };
    let (sealed, gone): (Vec<_>, Vec<_>) = redactions.partition(|redaction| redaction.seal);
    for redaction in gone {
        take(&redaction.fields, &mut |value| *value = Value::from(REDACTED));
    }
    for redaction in sealed {
        take(&redaction.fields, &mut |value| {
            if value.as_str() != Some(REDACTED) {
                *value = seal(value, &redaction.subject);
            }
        });
    }
    redacted.sort();
    redacted.dedup();
    (Some(args), redacted)
}

/// Replaces the field, wherever it is present. Depth is the length of the field's path.
fn replace(value: &mut Value, steps: &[FieldStep], with: &mut dyn FnMut(&mut Value)) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        with(value);
        return true;
    };
    match (step, value) {
        (FieldStep::Key(key), Value::Object(object)) => {
            object.get_mut(key).is_some_and(|member| replace(member, rest, with))
        }
        // A list where the policy expects one value must not be a way around it.
        (FieldStep::Each, Value::List(items)) => {
            items.iter_mut().filter_map(|item| replace(item, rest, with).then_some(())).count() > 0
        }
        (FieldStep::Key(_), Value::List(items)) => {
            items.iter_mut().filter_map(|item| replace(item, steps, with).then_some(())).count() > 0
        }
        (FieldStep::Each, value @ Value::Object(_)) => replace(value, rest, with),
        // Text where the policy expects an object may hold the very thing that is to be hidden.
        (_, value @ Value::String(_)) => {
            with(value);
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
