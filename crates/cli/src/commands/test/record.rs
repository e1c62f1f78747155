//! `faramesh test record`: calls that a daemon decided become a fixture, with what came of them as what must come of
//! them. A person's answer and an outcome become steps where they belong to the call right before.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use faramesh_call::{Action, Object, Timestamp, Value, json as exact, object};
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::Filter;
use faramesh_state::Change;
use faramesh_state::fold::changes_of;

use super::fixture::MAX_CASES;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::History;
use crate::recorded::call_and_outside;
use crate::views::json::{self, number};
use crate::views::table::counted;
use crate::views::{time, words};

/// What `test record` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Calls since then: `24h`, `7d`, `2026-11-20`, `2026-11-20T09:30:00Z`
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,
    /// Of this agent only
    #[arg(long)]
    agent: Option<String>,
    /// Of this session only
    #[arg(long)]
    session: Option<String>,
    /// The fixture to write, as `tests/yesterday.fmtest.json`; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What becomes of records.
#[derive(Default)]
struct Cases {
    cases: Vec<Value>,
    begins: Option<Timestamp>,
    /// The record of the last call, and the approval that it waits for.
    last: Option<(String, Option<String>)>,
    redacted: u64,
    left: u64,
}

/// Writes the fixture.
///
/// # Errors
/// History cannot be read, there is nothing in it, or the file cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    let since = time::parse_point(&arguments.since, time::now()).map_err(Failure::usage)?;
    let name = arguments.out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(name) = name.strip_suffix(".fmtest.json").filter(|name| !name.is_empty()) else {
        return Err(Failure::usage("`--out` must end with `.fmtest.json`")
            .hint("as in `--out tests/yesterday.fmtest.json`"));
    };
    let mut history = History::open(context, None)?;
    let mut found = Cases::default();
    let is_of = |wanted: &Option<String>, of: Option<std::borrow::Cow<'_, str>>| {
        wanted.as_deref().is_none_or(|wanted| of.as_deref() == Some(wanted))
    };
    // Answers name no session, so calls alone are chosen by it.
    history.each(&Filter { since: Some(since), ..Filter::default() }, &mut |record| {
        let is_call = record.kind() == Kind::Decision;
        if !is_call
            || (is_of(&arguments.agent, record.agent()) && is_of(&arguments.session, record.session()))
        {
            found.add(record);
        }
        Ok(())
    })?;
    let Some(begins) = found.begins else {
        return Err(Failure::new(format!("no call was recorded since {}", arguments.since))
            .hint(format!("{} shows what there is", context.command("audit ls"))));
    };
    let count = found.cases.len();
    let fixture = object! { "fixture" => name, "begins" => begins.to_string(), "cases" => found.cases };
    write(&arguments.out, &fixture)?;
    let value = json::versioned(object! {
        "file" => arguments.out.display().to_string(),
        "cases" => count,
        "redacted" => found.redacted,
        "left_out" => found.left,
    });
    context.console.show(&value, view)?;
    if !context.console.is_for_programs() {
        context.console.hint(&format!(
            "{} plays it; limits begin anew there, and `--update` takes what comes of it",
            context.command(&format!("test --fixture {name}"))
        ));
    }
    Ok(Exit::Success)
}

fn view(value: &Value) -> String {
    let count = |key: &str| number(value, &[key]);
    let mut text = format!(
        "{}: {} in {}",
        words::good("recorded"),
        counted(count("cases"), "case"),
        json::text(value, &["file"])
    );
    if count("redacted") > 0 {
        text.push_str(&format!(
            "\n  {} with redacted arguments: look at what they stand for",
            counted(count("redacted"), "case")
        ));
    }
    if count("left_out") > 0 {
        text.push_str(&format!(
            "\n  {} left out: a fixture has at most {MAX_CASES} cases",
            counted(count("left_out"), "record")
        ));
    }
    text
}

impl Cases {
    fn add(&mut self, record: &Record) {
        if self.cases.len() >= MAX_CASES {
            self.left += 1;
            return;
        }
        let case = match record.kind() {
            Kind::Decision => self.call(record),
            Kind::Approval => self.answer(record),
            Kind::Outcome => self.outcome(record),
            _ => None,
        };
        let Some(mut case) = case else { return };
        case.insert("at", record.time().to_string());
        self.begins.get_or_insert(record.time());
        self.cases.push(Value::Object(case));
    }

    fn call(&mut self, record: &Record) -> Option<Object> {
        // What was refused before any rule keeps no arguments.
        let args = record.args()?;
        let (call, _) = call_and_outside(record);
        let redacted = record
            .field("redacted")
            .is_some_and(|fields| fields.as_list().is_some_and(|fields| !fields.is_empty()));
        self.redacted += u64::from(redacted);
        let mut case = object! {
            "name" => record.id().to_string(),
            "agent_id" => record.agent().map(std::borrow::Cow::into_owned),
            "tool" => &*call.tool,
            "args" => args,
        };
        for (key, text) in [("session", &call.session), ("model", &call.model), ("call_id", &call.call_id)] {
            if let Some(text) = text {
                case.insert(key, &**text);
            }
        }
        if call.action != Action::ToolCall {
            case.insert("action", call.action.as_str());
        }
        if let Some(principal) = call.principal {
            case.insert("principal", principal);
        }
        if let Some(tags) = call.tags {
            case.insert("tags", tags);
        }
        if let Some(selectors) = record.field("inputs").and_then(|inputs| inputs.get("selectors").cloned()) {
            case.insert("selectors", selectors);
        }
        let mut expect = object! { "effect" => record.effect()?.as_str() };
        if let Some(code) = record.code() {
            expect.insert("code", code.as_ref());
        }
        case.insert("expect", expect);
        let asked = changes_of(record).into_iter().find_map(|change| match change {
            Change::ApprovalRequested(approval) => Some(approval.id.to_string()),
            _ => None,
        });
        self.last = Some((record.id().to_string(), asked));
        Some(case)
    }

    fn answer(&mut self, record: &Record) -> Option<Object> {
        let waits = self.last.as_ref()?.1.as_deref()?;
        changes_of(record).into_iter().find_map(|change| match change {
            Change::ApprovalResolved { id, resolution } if *id == *waits => {
                let word = if resolution.approved { "approve" } else { "deny" };
                Some(object! { word => &*resolution.reason })
            }
            _ => None,
        })
    }

    fn outcome(&mut self, record: &Record) -> Option<Object> {
        let (last, _) = self.last.as_ref()?;
        record.parent().filter(|parent| **parent == **last)?;
        let detail = record.detail()?;
        let failed = detail.get("status").and_then(Value::as_str) == Some("error");
        let mut outcome = object! { "status" => if failed { "error" } else { "ok" } };
        if let Some(cost) = detail.get("cost") {
            outcome.insert("cost", cost.clone());
        }
        Some(object! { "outcome" => outcome })
    }
}

/// One case a line: such a file is read and compared by people.
fn write(path: &std::path::Path, fixture: &Object) -> Result<(), Failure> {
    let mut text = String::from("{\n");
    for key in ["fixture", "begins"] {
        let value = fixture.get(key).map(exact::canonical).unwrap_or_default();
        text.push_str(&format!("  \"{key}\": {},\n", String::from_utf8_lossy(&value)));
    }
    text.push_str("  \"cases\": [");
    let cases = fixture.get("cases").and_then(Value::as_list).unwrap_or_default();
    for (place, case) in cases.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        text.push_str(&format!("{comma}\n    {}", String::from_utf8_lossy(&exact::canonical(case))));
    }
    text.push_str("\n  ]\n}\n");
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
