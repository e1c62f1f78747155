//! Calls: arguments under the names that conditions read, with values that they are compared with.

use faramesh_call::{Action, Call, Http, Number, Object, Timestamp, Value};

use super::choices::Choices;
use super::pools::{ADDRESSES, COMMON_TOOLS, HOSTS, METHODS, NUMBERS, PATHS, TEXTS, TOOLS};

#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Text,
    Address,
    Path,
    Bool,
    List,
}

/// Arguments by the type that conditions take them for.
const ARGUMENTS: &[(&str, Kind)] = &[
    ("amount", Kind::Number),
    ("count", Kind::Number),
    ("number", Kind::Number),
    ("note", Kind::Text),
    ("kind", Kind::Text),
    ("owner", Kind::Text),
    ("bucket", Kind::Text),
    ("to", Kind::Address),
    ("cc", Kind::Address),
    ("path", Kind::Path),
    ("target", Kind::Path),
    ("flag", Kind::Bool),
    ("items", Kind::List),
    ("recipients", Kind::List),
];

/// A moment; some stand at the edges of hours, days and daylight saving.
#[must_use]
pub fn now(choices: &mut Choices<'_>) -> Timestamp {
    let edges = [
        (1, 1_795_176_000_000), // 2026-11-20T12:00:00Z
        (1, 1_774_745_999_999), // a millisecond before summer time in Berlin
        (1, 1_774_746_000_000),
        (1, 1_782_863_999_999), // 2026-06-30T23:59:59.999Z
        (1, 1_782_864_000_000),
    ];
    let start: u64 = choices.weighted(&edges);
    let hours = u64::try_from(choices.below(24 * 7)).unwrap_or(0);
    Timestamp(if choices.percent(50) { start } else { start + hours * 3_600_000 })
}

/// A call.
#[must_use]
pub fn call(choices: &mut Choices<'_>) -> Call {
    let text = |choices: &mut Choices<'_>, pool: &[&str]| -> Option<Box<str>> {
        if choices.percent(50) { Some(choices.pick(pool).into()) } else { None }
    };
    let action = choices.weighted(&[(8, Action::ToolCall), (1, Action::Spawn), (1, Action::ModelCall)]);
    let tool = if choices.percent(70) { choices.pick(COMMON_TOOLS) } else { choices.pick(TOOLS) };
    Call {
        tool: tool.into(),
        action,
        args: arguments(choices),
        session: text(choices, &["s-1", "blue", "a"]),
        model: text(choices, &["gpt-5", "claude", ""]),
        principal: choices.percent(60).then(|| members(choices, &[("role", Kind::Text)]).into()),
        tags: choices.percent(60).then(|| {
            members(choices, &[("team", Kind::Text), ("urgent", Kind::Bool), ("groups", Kind::List)])
        }),
        http: choices.percent(35).then(|| Box::new(request(choices))),
        ..Call::default()
    }
}

fn arguments(choices: &mut Choices<'_>) -> Value {
    if choices.percent(1) {
        return value(choices, Kind::Text);
    }
    let mut args = members(choices, ARGUMENTS);
    let card =
        [("number", Kind::Number), ("brand", Kind::Text), ("valid", Kind::Bool), ("odd key", Kind::Text)];
    let more = [("length", Kind::Text), ("codes", Kind::List)];
    let card: Vec<(&str, Kind)> = card.into_iter().chain(more).collect();
    let groups: [(&str, &[(&str, Kind)]); 8] = [
        ("card", &card),
        ("s3", &[("bucket", Kind::Text)]),
        ("stripe", &[("amount", Kind::Number), ("refund", Kind::List)]),
        ("email", &[("to", Kind::Address)]),
        ("mail", &[("to", Kind::Address)]),
        ("files", &[("path", Kind::Path)]),
        ("web", &[("note", Kind::Text)]),
        ("user", &[("age", Kind::Number)]),
    ];
    for (name, fields) in groups {
        if choices.percent(35) {
            let group = if choices.percent(10) {
                value(choices, Kind::Text)
            } else {
                members(choices, fields).into()
            };
            args.insert(name, group);
        }
    }
    if choices.percent(40) {
        for (name, pool) in [("host", HOSTS), ("method", METHODS)] {
            args.insert(name, choices.pick(pool));
        }
        args.insert("port", value(choices, Kind::Number));
        args.insert("query", members(choices, &[("page", Kind::Text)]));
        let headers = [("x-team", Kind::Text), ("X-Team", Kind::Text), ("x-env", Kind::Text)];
        args.insert("headers", members(choices, &headers));
    }
    args.into()
}

/// An object of most of these members.
fn members(choices: &mut Choices<'_>, of: &[(&str, Kind)]) -> Object {
    let mut object = Object::new();
    for (name, kind) in of {
        let found = choices.weighted(&[(16, Some(*kind)), (5, None)]);
        match found {
            Some(_) if choices.percent(5) => {
                object.insert(*name, Value::Null);
            }
            Some(_) if choices.percent(10) => {
                let other =
                    choices.weighted(&[(2, Kind::Text), (2, Kind::Number), (1, Kind::Bool), (1, Kind::List)]);
                let odd = value(choices, other);
                object.insert(*name, odd);
            }
            Some(kind) => {
                let fitting = value(choices, kind);
                object.insert(*name, fitting);
            }
            None => {}
        }
    }
    object
}

fn value(choices: &mut Choices<'_>, kind: Kind) -> Value {
    match kind {
        Kind::Number => {
            let text = choices.pick(NUMBERS);
            Number::parse(text).map_or(Value::Null, Value::Number)
        }
        Kind::Text => choices.pick(TEXTS).into(),
        Kind::Address => choices.pick(ADDRESSES).into(),
        Kind::Path => choices.pick(PATHS).into(),
        Kind::Bool => choices.percent(50).into(),
        Kind::List => {
            let count = choices.below(4);
            (0..count).map(|_| element(choices)).collect()
        }
    }
}

fn element(choices: &mut Choices<'_>) -> Value {
    match choices.below(8) {
        0 | 1 => value(choices, Kind::Number),
        2 | 3 => value(choices, Kind::Text),
        4 | 5 => value(choices, Kind::Address),
        6 => members(choices, &[("name", Kind::Text)]).into(),
        _ => Value::List(vec![value(choices, Kind::Text), Value::Null]),
    }
}

fn request(choices: &mut Choices<'_>) -> Http {
    let text = |choices: &mut Choices<'_>, name: &str| -> Object {
        let mut object = Object::new();
        if choices.percent(70) {
            object.insert(name, choices.pick(TEXTS));
        }
        object
    };
    Http {
        host: choices.pick(HOSTS).into(),
        port: choices.weighted(&[(3, 443), (2, 80), (1, 8080)]),
        method: choices.pick(METHODS).into(),
        path: choices.pick(PATHS).into(),
        query: text(choices, "page"),
        headers: text(choices, "x-team"),
    }
}
