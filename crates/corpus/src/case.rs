//! One line of a `.calls` file: a call, when it happens, and what must come of it.

use faramesh_call::{Action, Call, Http, Timestamp, Value, json};

/// Keys of a line; any other is a mistake of its author.
const KEYS: &[&str] = &[
    "agent",
    "tool",
    "args",
    "action",
    "model",
    "session",
    "principal",
    "tags",
    "http",
    "now",
    "expect",
    "rule",
    "code",
    "next",
    "says",
    "shown",
    "redacted",
    "why",
];

/// Friday noon: when a line does not say.
const NOW: &str = "2026-11-20T12:00:00Z";

/// A call and what is expected of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The policy and line that it stands in, for messages: `payments/refunds.calls:3`.
    pub place: String,
    /// The line as written.
    pub line: Value,
    /// The agent that calls; the file's first when the line names none.
    pub agent: Option<String>,
    /// The call.
    pub call: Call,
    /// When it happens.
    pub now: Timestamp,
    /// `permit`, `defer` or `deny`.
    pub expect: String,
}

impl Case {
    /// Reads a line; panics with its place if it is malformed.
    #[must_use]
    pub fn parse(policy: &str, number: usize, line: &str) -> Self {
        let place = format!("{policy}.calls:{number}");
        let line = json::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{place}: {error}"));
        for (key, _) in line.as_object().unwrap_or_else(|| panic!("{place}: no object")).iter() {
            assert!(KEYS.contains(&key), "{place}: no key `{key}`");
        }
        let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
        let must = |key: &str| text(key).unwrap_or_else(|| panic!("{place}: no `{key}`"));
        let now = text("now").unwrap_or_else(|| NOW.to_owned());
        let expect = must("expect");
        assert!(["permit", "defer", "deny"].contains(&expect.as_str()), "{place}: {expect}");
        let call = Call {
            tool: must("tool").into(),
            action: text("action").map_or(Action::ToolCall, |word| {
                Action::parse(&word).unwrap_or_else(|| panic!("{place}: no action `{word}`"))
            }),
            args: line.get("args").cloned().unwrap_or_default(),
            model: text("model").map(Box::from),
            session: text("session").map(Box::from),
            principal: line.get("principal").cloned(),
            tags: line.get("tags").and_then(Value::as_object).cloned(),
            http: line.get("http").map(|http| Box::new(request(&place, http))),
            ..Call::default()
        };
        let now = Timestamp::parse(&now).unwrap_or_else(|| panic!("{place}: no time `{now}`"));
        Self { agent: text("agent"), call, now, expect, place, line }
    }

    /// What the line says under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.line.get(key)
    }
}

fn request(place: &str, http: &Value) -> Http {
    let text = |key: &str| http.get(key).and_then(Value::as_str);
    let object = |key: &str| http.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let port = http.get("port").map_or(Some(443), Value::as_i64).and_then(|port| port.try_into().ok());
    Http {
        host: text("host").unwrap_or_else(|| panic!("{place}: no `http.host`")).into(),
        port: port.unwrap_or_else(|| panic!("{place}: no port")),
        method: text("method").unwrap_or("GET").into(),
        path: text("path").unwrap_or("/").into(),
        query: object("query"),
        headers: object("headers"),
    }
}
