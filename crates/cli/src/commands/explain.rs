//! `faramesh explain`: why a call was decided as it was. The recorded call is decided again with the
//! policy that was in force then; where that cannot give the recorded trace, the record speaks alone
//! and the output says why. The code of a message of `check` is explained by its page.

mod again;
mod limits;
mod page;
mod subject;
mod view;

use clap::Args;
use faramesh_call::{Object, Timestamp, Value, json as exact, object};
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::Filter;

use crate::commands::audit::unknown;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{Bytes, History};
use crate::views::json::{self, text};
use crate::views::record;

/// Records behind a decision that are searched for its outcome.
const OUTCOME_RECORDS: usize = 10_000;
/// Records that an ambiguous id is shown with.
const SHOWN_CANDIDATES: usize = 10;

/// What `explain` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A decision's or an approval's id, or the beginning of one; `decision` or `approval` may stand before it.
    /// `rule governance.fms:14`, `agent NAME` or `run SESSION` tell what a rule, an agent or a session did.
    /// Or the code or name of a message of `check`: `FPL0012`, `12`, `unreachable-rule`
    #[arg(required = true, num_args = 1..=2, value_name = "ID")]
    words: Vec<String>,
    /// Read this ledger's folder instead of the stack's
    #[arg(long, value_name = "DIR")]
    ledger: Option<std::path::PathBuf>,
}

/// Explains one decision, or one kind of message.
///
/// # Errors
/// There is no such record, several are meant, or history cannot be read.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    if let Some(page) = page::wanted(&arguments.words, context)? {
        context.console.show(&page, page::text)?;
        return Ok(Exit::Success);
    }
    if let [kind, name] = arguments.words.as_slice() {
        let value = match kind.as_str() {
            "rule" => Some(subject::rule(name, arguments, context)?),
            "agent" => Some(subject::agent(name, arguments, context)?),
            "run" => Some(subject::run(name, arguments, context)?),
            _ => None,
        };
        if let Some(value) = value {
            context.console.show(&value, subject::text)?;
            return Ok(Exit::Success);
        }
    }
    let id = wanted(&arguments.words)?;
    let mut history = History::open(context, arguments.ledger.as_deref())?;
    let records = read(&history.get(id)?)?;
    let record = match decision(&records) {
        Some(record) => record.clone(),
        None if records.is_empty() => return Err(unknown(id, context)),
        None => chosen(&records, id, &mut history, context)?,
    };
    let related = related(&record, &mut history)?;
    let layout = context.layout()?;
    let value = json::versioned(explained(&record, again::decide(&record, &layout), related));
    context.console.show(&value, view::text)?;
    Ok(Exit::Success)
}

/// The id among the words.
fn wanted(words: &[String]) -> Result<&str, Failure> {
    match words {
        [id] => Ok(id),
        [kind, id] if matches!(kind.as_str(), "decision" | "approval") => Ok(id),
        _ => Err(Failure::usage("one id is explained at a time").hint(
            "`faramesh explain ID`, `explain rule PLACE`, `explain agent NAME` or `explain run SESSION`",
        )),
    }
}

fn read(records: &[Bytes]) -> Result<Vec<Record>, Failure> {
    let parsed: Result<Vec<Record>, _> = records.iter().map(|bytes| Record::parse(bytes.clone())).collect();
    parsed.map_err(|error| Failure::new(format!("a record cannot be read: {error}")))
}

/// The decision that is meant: the only one, or the one that asked for the approval.
fn decision(records: &[Record]) -> Option<&Record> {
    let decisions: Vec<&Record> = records.iter().filter(|record| record.kind() == Kind::Decision).collect();
    let one_approval = || {
        let first = decisions.first()?.approval_id()?;
        decisions.iter().all(|record| record.approval_id().as_deref() == Some(first.as_str())).then_some(())
    };
    match decisions.as_slice() {
        [one] => Some(*one),
        [first, ..] if one_approval().is_some() => Some(*first),
        _ => None,
    }
}

/// The decision behind records that are none: the parent of an answer or an outcome.
fn chosen(records: &[Record], id: &str, history: &mut History, context: &Context) -> Result<Record, Failure> {
    if let [one] = records {
        let parent = one.parent().map(|parent| parent.into_owned());
        return match parent {
            Some(parent) => {
                let parents = read(&history.get(&parent)?)?;
                decision(&parents).cloned().ok_or_else(|| unknown(&parent, context))
            }
            None => Err(Failure::new(format!("`{id}` is a {} record, which decides nothing", one.kind()))
                .hint(format!("{} shows it", context.command(&format!("audit show {}", one.id()))))),
        };
    }
    let shown: Vec<String> = records
        .iter()
        .take(SHOWN_CANDIDATES)
        .map(|candidate| {
            format!(
                "  {}  {}",
                candidate.id(),
                record::line(&value_of(candidate)).lines().next().unwrap_or_default()
            )
        })
        .collect();
    context.console.note(&shown.join("\n"));
    Err(Failure::new(format!("{} records begin with `{id}`", records.len())).hint("write more of the id"))
}

/// What came of a decision: the answers to its approval, the call that used it, and its outcome.
#[derive(Debug, Default)]
struct Related {
    approval: Vec<Value>,
    outcome: Option<Value>,
}

fn related(record: &Record, history: &mut History) -> Result<Related, Failure> {
    let mut related = Related::default();
    if let Some(approval) = record.approval_id() {
        let others = read(&history.get(&approval)?)?;
        related.approval = others.iter().filter(|other| other.id() != record.id()).map(value_of).collect();
    }
    let filter = Filter {
        kind: Some(Kind::Outcome),
        since: Some(Timestamp(record.time().0)),
        limit: Some(OUTCOME_RECORDS),
        ..Filter::default()
    };
    let own = record.id().to_string();
    let outcomes = read(&history.query(&filter)?)?;
    related.outcome =
        outcomes.iter().find(|other| other.parent().as_deref() == Some(own.as_str())).map(value_of);
    Ok(related)
}

fn value_of(record: &Record) -> Value {
    exact::parse(record.bytes()).unwrap_or_default()
}

fn explained(record: &Record, again: again::Again, related: Related) -> Object {
    let value = value_of(record);
    let summary = object! {
        "effect" => text(&value, &["effect"]),
        "code" => text(&value, &["code"]),
        "tool" => text(&value, &["tool"]),
        "agent" => text(&value, &["agent"]),
    };
    object! {
        "id" => record.id().to_string(),
        "summary" => summary,
        "rules" => again.rules,
        "recomputed" => again.recomputed,
        "note" => again.note,
        "approval" => related.approval,
        "outcome" => related.outcome,
        "chain" => object! {
            "seq" => record.seq(),
            "epoch" => record.epoch(),
            "hash" => faramesh_program::hex(&record.hash()),
            "prev" => faramesh_program::hex(&record.prev()),
        },
        "record" => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_the_id() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(wanted(&words("dpr-1")).unwrap(), "dpr-1");
        assert_eq!(wanted(&words("approval apr-1")).unwrap(), "apr-1");
        for text in ["agent bot", "rule governance.fms:1", "a b"] {
            assert!(wanted(&words(text)).is_err(), "{text}");
        }
    }
}
