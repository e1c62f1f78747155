//! A fixture: a file `tests/*.fmtest.json` with calls in order and what must come of them.

use std::path::{Path, PathBuf};

use faramesh_call::{Action, Call, Object, Timestamp, Value, json};

use crate::failure::Failure;
use crate::views::time;

/// Largest file, in bytes, and most cases of one.
const MAX_FILE_BYTES: u64 = 16 << 20;
pub const MAX_CASES: usize = 10_000;
/// When a fixture begins that does not say it: a Monday at nine, UTC.
const BEGINS: &str = "2026-01-05T09:00:00Z";
const CASE_KEYS: &[&str] = &[
    "name",
    "tool",
    "args",
    "agent_id",
    "principal",
    "session",
    "model",
    "action",
    "call_id",
    "tags",
    "selectors",
    "at",
    "wait",
    "approve",
    "deny",
    "outcome",
    "expect",
];
const EXPECT_KEYS: &[&str] = &["effect", "code", "rule_ref", "message"];

/// One file.
#[derive(Debug, Clone)]
pub struct Fixture {
    pub path: PathBuf,
    pub name: String,
    pub begins: Timestamp,
    pub cases: Vec<Case>,
    /// The file as it was read, for `--update`.
    pub source: Object,
}

/// What happens in one case.
#[derive(Debug, Clone)]
pub enum Step {
    /// A call.
    Call(Box<Call>),
    /// A person answers the last call that waits.
    Answer { approved: bool, reason: String },
    /// The last permitted call ends.
    Outcome { ok: bool, cost: Option<Value> },
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    /// How far the clock goes before it, in milliseconds; or to when.
    pub wait_ms: u64,
    pub at: Option<Timestamp>,
    /// What selectors give from here on, as records hold it.
    pub selectors: Option<Value>,
    pub step: Step,
    pub expect: Expect,
}

/// What must come of a call; what is `None` may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    pub effect: Option<String>,
    pub code: Option<String>,
    pub rule_ref: Option<String>,
    /// A part of the message.
    pub message: Option<String>,
}

/// The fixtures of a folder, by name.
///
/// # Errors
/// The folder cannot be read, or a file is no fixture.
pub fn read_all(folder: &Path, only: Option<&str>) -> Result<Vec<Fixture>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file("read", folder, &error)),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths
        .retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".fmtest.json")));
    paths.sort();
    let fixtures = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(fixtures.into_iter().filter(|fixture| only.is_none_or(|only| fixture.name == only)).collect())
}

fn read(path: &Path) -> Result<Fixture, Failure> {
    let size = std::fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?.len();
    if size > MAX_FILE_BYTES {
        return Err(Failure::new(format!("{} is larger than 16 MiB", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let value = json::parse(&bytes).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    fixture(path, &value).map_err(|why| {
        Failure::new(format!("{}: {why}", path.display()))
            .hint("a fixture is `{\"fixture\":…,\"agent_id\":…,\"cases\":[{\"name\",\"tool\",\"args\",\"expect\":{\"effect\"}}]}`")
    })
}

fn fixture(path: &Path, value: &Value) -> Result<Fixture, String> {
    let Value::Object(source) = value else { return Err("it is no JSON object".to_owned()) };
    known(source, &["fixture", "agent_id", "begins", "cases"], "the fixture")?;
    let name = text(source, "fixture")?.ok_or("`fixture`, its name, is missing")?.to_owned();
    let begins = text(source, "begins")?.unwrap_or(BEGINS);
    let begins = Timestamp::parse(begins).ok_or_else(|| format!("`begins` is no time: `{begins}`"))?;
    let agent = text(source, "agent_id")?;
    let cases = source.get("cases").and_then(Value::as_list).ok_or("`cases` must be a list")?;
    if cases.len() > MAX_CASES {
        return Err(format!("more than {MAX_CASES} cases"));
    }
    let case = |(place, case): (usize, &Value)| {
        let members = case.as_object().ok_or_else(|| format!("case {} is no object", place + 1))?;
        read_case(members, agent, place).map_err(|why| format!("case {}: {why}", place + 1))
    };
    let cases = cases.iter().enumerate().map(case).collect::<Result<_, _>>()?;
    Ok(Fixture { path: path.into(), name, begins, cases, source: source.clone() })
}

fn read_case(members: &Object, agent: Option<&str>, place: usize) -> Result<Case, String> {
    known(members, CASE_KEYS, "a case")?;
    let tool = text(members, "tool")?;
    let answers = [("approve", true), ("deny", false)];
    let answer =
        answers.into_iter().find_map(|(key, approved)| Some((text(members, key).transpose()?, approved)));
    let outcome = members.get("outcome");
    let step = match (tool, answer, outcome) {
        (Some(tool), None, None) => Step::Call(Box::new(call(members, tool, agent)?)),
        (None, Some((reason, approved)), None) => Step::Answer { approved, reason: reason?.to_owned() },
        (None, None, Some(outcome)) => Step::Outcome {
            ok: match outcome.get("status").and_then(Value::as_str) {
                Some("ok") | None => true,
                Some("error") => false,
                Some(_) => return Err("`outcome.status` is `ok` or `error`".to_owned()),
            },
            cost: outcome.get("cost").cloned(),
        },
        _ => return Err("it needs one of `tool`, `approve`, `deny` and `outcome`".to_owned()),
    };
    let wait_ms = match text(members, "wait")? {
        Some(wait) => time::parse_duration(wait).ok_or_else(|| format!("`wait` is no duration: `{wait}`"))?,
        None => 0,
    };
    let at = match text(members, "at")? {
        Some(at) => Some(Timestamp::parse(at).ok_or_else(|| format!("`at` is no time: `{at}`"))?),
        None => None,
    };
    let expect = match members.get("expect") {
        Some(Value::Object(expect)) => read_expect(expect)?,
        Some(_) => return Err("`expect` must be an object".to_owned()),
        None if matches!(step, Step::Call(_)) => return Err("`expect` is missing".to_owned()),
        None => Expect::default(),
    };
    let selectors = match members.get("selectors") {
        Some(Value::Object(selectors)) => Some(read_selectors(selectors)?),
        Some(_) => return Err("`selectors` must be an object".to_owned()),
        None => None,
    };
    let name = text(members, "name")?.map_or_else(|| format!("case {}", place + 1), str::to_owned);
    Ok(Case { name, wait_ms, at, selectors, step, expect })
}

/// What selectors give, in the form in which a record's inputs have it.
fn read_selectors(selectors: &Object) -> Result<Value, String> {
    for (name, reading) in selectors.iter() {
        let missing = reading.get("missing").map(Value::as_str);
        if !matches!(
            (reading.get("value"), missing),
            (Some(_), None) | (None, Some(Some("late" | "unavailable")))
        ) {
            let name = name.escape_debug();
            return Err(format!(
                "`selectors.{name}` is `{{\"value\": …}}`, or `{{\"missing\": …}}` with `late` or `unavailable`"
            ));
        }
    }
    Ok(Value::Object([("selectors", Value::Object(selectors.clone()))].into_iter().collect()))
}

fn read_expect(members: &Object) -> Result<Expect, String> {
    known(members, EXPECT_KEYS, "`expect`")?;
    let owned = |key: &str| text(members, key).map(|text| text.map(str::to_owned));
    let effect = owned("effect")?.map(|effect| effect.to_ascii_lowercase());
    if effect.as_deref().is_some_and(|effect| !["permit", "defer", "deny"].contains(&effect)) {
        return Err("`expect.effect` is `permit`, `defer` or `deny`".to_owned());
    }
    Ok(Expect { effect, code: owned("code")?, rule_ref: owned("rule_ref")?, message: owned("message")? })
}

fn call(members: &Object, tool: &str, agent: Option<&str>) -> Result<Call, String> {
    let boxed = |key: &str| text(members, key).map(|text| text.map(Box::from));
    let action = text(members, "action")?;
    Ok(Call {
        agent: boxed("agent_id")?.or(agent.map(Box::from)),
        tool: tool.into(),
        action: match action {
            Some(word) => Action::parse(word).ok_or_else(|| format!("`action` is none: `{word}`"))?,
            None => Action::ToolCall,
        },
        args: members.get("args").cloned().unwrap_or_else(|| Value::Object(Object::new())),
        principal: members.get("principal").cloned(),
        tags: members.get("tags").and_then(Value::as_object).cloned(),
        session: boxed("session")?,
        model: boxed("model")?,
        call_id: boxed("call_id")?,
        ..Call::default()
    })
}

fn known(members: &Object, keys: &[&str], what: &str) -> Result<(), String> {
    match members.iter().find(|(key, _)| !keys.contains(key)) {
        Some((key, _)) => Err(format!("{what} has no `{}`; it has {}", key.escape_debug(), keys.join(", "))),
        None => Ok(()),
    }
}

fn text<'a>(members: &'a Object, key: &str) -> Result<Option<&'a str>, String> {
    match members.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` must be a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Fixture, String> {
        fixture(Path::new("x.fmtest.json"), &json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_fixture_is_read() {
        let read = parsed(
            r#"{"fixture":"refunds","agent_id":"bot","cases":[
                {"name":"small","tool":"refund","args":{"amount":5},"expect":{"effect":"PERMIT"}},
                {"approve":"talked to her"},
                {"outcome":{"status":"error"},"wait":"1h"}]}"#,
        )
        .unwrap();
        assert_eq!((read.name.as_str(), read.cases.len()), ("refunds", 3));
        assert_eq!(read.cases[0].expect.effect.as_deref(), Some("permit"));
        assert!(matches!(read.cases[1].step, Step::Answer { approved: true, .. }));
        assert_eq!(read.cases[2].wait_ms, 3_600_000);
    }

    #[test]
    fn mistakes_are_named() {
        let case = |inside: &str| format!(r#"{{"fixture":"x","cases":[{{{inside}}}]}}"#);
        for (text, says) in [
            ("[]".to_owned(), "no JSON object"),
            (r#"{"cases":[]}"#.to_owned(), "`fixture`"),
            (case(r#""tool":"x","expcet":{}"#), "a case has no `expcet`"),
            (case(r#""tool":"x""#), "`expect` is missing"),
            (case(r#""tool":"x","expect":{"effect":"allow"}"#), "`permit`, `defer` or `deny`"),
            (case(r#""tool":"x","approve":"y","expect":{}"#), "one of `tool`"),
            (case(r#""tool":5,"expect":{}"#), "`tool` must be a text"),
            (case(r#""approve":"y","wait":"soon""#), "no duration"),
            (case(r#""tool":"x","selectors":{"risk":5},"expect":{}"#), "`selectors.risk` is"),
        ] {
            let why = parsed(&text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
