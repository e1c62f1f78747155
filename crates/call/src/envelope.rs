//! SDKs wrap a tool's arguments in envelopes of their own: `{args, kwargs}`, `{input}`,
//! `{_positional}`, `{framework, method, tool_name, input}`. A rule on `amount` must see the amount in every one of them.

use crate::value::{Object, Value};

/// How many envelopes may be nested.
const MAX_ENVELOPES: u32 = 4;
/// Every envelope has one of these.
const ENVELOPE_KEYS: [&str; 4] = ["_positional", "args", "input", "kwargs"];

/// The tool's own arguments, without the envelopes around them.
///
/// An envelope is removed only when nothing stands beside it, so no argument is hidden or lost.
#[must_use]
pub fn unwrap(mut args: Value) -> Value {
    for _ in 0..MAX_ENVELOPES {
        match unwrap_once(args) {
            (inner, true) => args = inner,
            (inner, false) => return inner,
        }
    }
    args
}

fn unwrap_once(args: Value) -> (Value, bool) {
    let Value::Object(mut object) = args else { return (args, false) };
    // Nearly every call comes without an envelope.
    if !object.iter().any(|(key, _)| ENVELOPE_KEYS.contains(&key)) {
        return (Value::Object(object), false);
    }
    let keys: Vec<&str> = object.iter().map(|(key, _)| key).collect();
    match keys.as_slice() {
        ["input"] if object.get("input").is_some_and(|input| input.as_object().is_some()) => {
            (object.remove("input").unwrap_or_default(), true)
        }
        ["_positional"] => match object.get("_positional").and_then(Value::as_list) {
            Some([Value::Object(only)]) => (Value::Object(only.clone()), true),
            _ => (Value::Object(object), false),
        },
        ["args", "kwargs"] | ["kwargs"] => unwrap_python(object),
        ["args"] if matches!(object.get("args").and_then(Value::as_list), Some([] | [Value::Object(_)])) => {
            unwrap_python(object)
        }
        _ if ["framework", "input", "method", "tool_name"].iter().all(|key| keys.contains(key)) => {
            (unwrap_framework(object.remove("input").unwrap_or_default()), true)
        }
        _ => (Value::Object(object), false),
    }
}

/// What framework hooks put under `input`: the arguments, a whole tool call of the framework, or
/// the one string of a single-input tool.
fn unwrap_framework(input: Value) -> Value {
    match input {
        Value::Object(mut call)
            if call.get("type").and_then(Value::as_str) == Some("tool_call")
                && call.get("args").is_some() =>
        {
            call.remove("args").unwrap_or_default()
        }
        Value::Object(args) => Value::Object(args),
        other => Value::Object([("input", other)].into_iter().collect()),
    }
}

/// `{args: [...], kwargs: {...}}`: the keywords are the arguments, a lone object among the
/// positional ones is too, and anything else stays reachable as `_positional`.
fn unwrap_python(object: Object) -> (Value, bool) {
    let positional = object.get("args").map_or(Some(&[][..]), Value::as_list);
    let keywords = match object.get("kwargs") {
        None => Some(Object::new()),
        Some(value) => value.as_object().cloned(),
    };
    let (Some(positional), Some(mut keywords)) = (positional, keywords) else {
        return (Value::Object(object), false);
    };
    match positional {
        [] => (Value::Object(keywords), true),
        [Value::Object(only)] if keywords.is_empty() => (Value::Object(only.clone()), true),
        _ if keywords.get("_positional").is_none() => {
            keywords.insert("_positional", Value::List(positional.to_vec()));
            // Not a step to repeat: `_positional` is where these arguments now are.
            (Value::Object(keywords), false)
        }
        _ => (Value::Object(object), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{canonical, parse};

    #[test]
    fn envelopes() {
        for (wrapped, expected) in [
            (r#"{"amount":5}"#, r#"{"amount":5}"#),
            (r#"{"args":[],"kwargs":{"amount":5}}"#, r#"{"amount":5}"#),
            (r#"{"args":[{"amount":5}],"kwargs":{}}"#, r#"{"amount":5}"#),
            (r#"{"args":["x"],"kwargs":{"amount":5}}"#, r#"{"_positional":["x"],"amount":5}"#),
            (r#"{"input":{"amount":5}}"#, r#"{"amount":5}"#),
            (r#"{"input":"text"}"#, r#"{"input":"text"}"#),
            (r#"{"input":{"amount":5},"amount":9}"#, r#"{"amount":9,"input":{"amount":5}}"#),
            (r#"{"_positional":[{"amount":5}]}"#, r#"{"amount":5}"#),
            (r#"{"_positional":["x"]}"#, r#"{"_positional":["x"]}"#),
            (r#"{"args":[],"kwargs":{"input":{"amount":5}}}"#, r#"{"amount":5}"#),
            (
                r#"{"framework":"langchain","method":"invoke","tool_name":"refund","tool_call_id":null,"input":{"amount":5}}"#,
                r#"{"amount":5}"#,
            ),
            (
                r#"{"framework":"langchain","method":"invoke","tool_name":"refund","tool_call_id":"c1","input":{"name":"refund","args":{"amount":5},"id":"c1","type":"tool_call"}}"#,
                r#"{"amount":5}"#,
            ),
            (r#"{"framework":"f","method":"run","tool_name":"t","input":"80"}"#, r#"{"input":"80"}"#),
            (r#"{"args":"x"}"#, r#"{"args":"x"}"#),
            ("null", "null"),
        ] {
            let unwrapped = canonical(&unwrap(parse(wrapped.as_bytes()).unwrap()));
            assert_eq!(String::from_utf8(unwrapped).unwrap(), expected, "{wrapped}");
        }
    }
}
