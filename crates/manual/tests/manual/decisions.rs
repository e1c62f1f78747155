//! Calls as tables of the documentation write them, and what a policy decides about them:
//! `` | `refund {"amount":5} principal {"role":"clerk"} at 2026-11-20T08:00:00Z` | defer | … | ``

use faramesh_call::{Call, Http, Object, Timestamp, Value, json};
use faramesh_decide::{Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, decide};
use faramesh_program::{Program, encode, load};
use faramesh_state::State;

use crate::sources::checked;

/// Friday noon: when a table does not say.
const NOW: &str = "2026-11-20T12:00:00Z";

/// A policy that can decide.
pub struct Policy(Program);

/// A row of a table: a call and what becomes of it.
pub struct Row {
    call: Call,
    now: Timestamp,
    agent: Option<String>,
    /// `permit`, `defer` or `deny`.
    pub decision: String,
}

impl Policy {
    /// The policy of a source; nothing if it is refused.
    pub fn read(source: &str) -> Option<Self> {
        let stack = checked(source, "").stack?;
        let (image, sources) = faramesh_compile::compile(&stack).unwrap();
        Some(Self(load(&encode(&image, &sources).unwrap()).unwrap()))
    }

    /// What is decided about a call.
    pub fn decide(&self, row: &Row) -> String {
        let agents = self.0.agents();
        let agent = match &row.agent {
            None => agents.first(),
            Some(name) => agents.iter().find(|agent| *agent.name == **name),
        };
        let state = State::default();
        let verdict = decide(&Input {
            program: &self.0,
            agent: agent.unwrap_or_else(|| panic!("no agent {:?}", row.agent)),
            call: &row.call,
            commitment: "c0ffee",
            requester: "uid:1000",
            state: &state,
            selected: &NOTHING_SELECTED,
            pseudonyms: NO_PSEUDONYMS,
            moment: Moment { now: row.now, entropy: 1 },
        });
        verdict.effect.to_string()
    }
}

impl Row {
    /// Reads a row; nothing if its second cell is no decision.
    pub fn read(line: &str) -> Option<Self> {
        let line = line.replace("\\|", "\u{1}");
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect();
        let (written, decision) = (cells.get(1)?, cells.get(2)?);
        if !["permit", "defer", "deny"].contains(&decision.as_str()) || !written.starts_with('`') {
            return None;
        }
        let written = written.trim_matches('`').trim();
        let (tool, mut rest) = written.split_once(' ').unwrap_or((written, ""));
        let mut row = Self {
            call: Call { tool: tool.into(), args: Value::Object(Object::default()), ..Call::default() },
            now: Timestamp::parse(NOW).unwrap(),
            agent: None,
            decision: decision.clone(),
        };
        while !rest.is_empty() {
            let (key, after) = if rest.starts_with('{') {
                ("args", rest)
            } else {
                rest.split_once(' ').unwrap_or((rest, ""))
            };
            let (value, after) = word(after);
            row.set(key, value).unwrap_or_else(|| panic!("cannot read `{written}`"));
            rest = after;
        }
        Some(row)
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        let data = || json::parse(value.as_bytes()).ok();
        match key {
            "args" => self.call.args = data()?,
            "http" => self.call.http = Some(Box::new(request(&data()?)?)),
            "principal" => self.call.principal = Some(data()?),
            "tags" => self.call.tags = Some(data()?.as_object()?.clone()),
            "model" => self.call.model = Some(value.into()),
            "session" => self.call.session = Some(value.into()),
            "at" => self.now = Timestamp::parse(value)?,
            "as" => self.agent = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }
}

/// The word or object that a text begins with, and what follows it.
fn word(text: &str) -> (&str, &str) {
    if !text.starts_with('{') {
        return text.split_once(' ').unwrap_or((text, ""));
    }
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..=index], text[index + 1..].trim_start());
        }
    }
    panic!("not closed: {text}");
}

fn request(value: &Value) -> Option<Http> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let object = |key: &str| value.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    Some(Http {
        host: text("host")?.into(),
        port: value.get("port").map_or(Some(443), Value::as_i64)?.try_into().ok()?,
        method: text("method").unwrap_or("GET").into(),
        path: text("path").unwrap_or("/").into(),
        query: object("query"),
        headers: object("headers"),
    })
}
