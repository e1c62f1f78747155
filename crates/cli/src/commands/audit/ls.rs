//! `audit ls` and `audit show`: records as a table, as values, as a spreadsheet, or as they are stored.

use std::path::PathBuf;

use clap::Args;
use faramesh_call::{Value, json as exact, object};
use faramesh_ledger::{ArchivedSegment, Filter};

use super::{csv, select};
use crate::console::Format;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{Bytes, History};
use crate::views::json::{list, text};
use crate::views::record::{safe, short_args};
use crate::views::table::{counted, one_line};
use crate::views::{json, time, words};

/// Records of a listing when nothing else is asked for.
const DEFAULT_LIMIT: usize = 100;

/// What `audit show` takes.
#[derive(Debug, Args)]
pub struct Shown {
    /// A record's id, the beginning of one, or an approval's id
    id: String,
    /// Open sealed fields with the keys of the stack
    #[arg(long)]
    unseal: bool,
    /// Read this ledger's folder instead of the stack's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
}

/// Lists records.
///
/// # Errors
/// History cannot be read, or the output cannot be written.
pub fn run(listing: &select::Listing, context: &Context) -> Result<Exit, Failure> {
    let mut filter = listing.selection.filter()?;
    let limit = *filter.limit.get_or_insert(DEFAULT_LIMIT);
    let mut history = History::open(context, listing.ledger.as_deref())?;
    let mut records = history.query(&filter)?;
    records.reverse();
    print(&records, context, listed)?;
    if context.console.format == Format::Text {
        match records.len() {
            0 => context.console.note("no records"),
            found if found == limit => {
                context.console.hint(&format!("these are the newest {limit}; `--limit N` shows more"));
            }
            _ => {}
        }
        if records.len() < limit {
            note_archived(&history.archived()?, &filter, context);
        }
    }
    Ok(Exit::Success)
}

/// Tells of records that may be asked for and whose bodies are elsewhere.
pub fn note_archived(archived: &[ArchivedSegment], filter: &Filter, context: &Context) {
    let begins_later =
        |segment: &ArchivedSegment| filter.since.is_some_and(|since| segment.last_time < since);
    let ends_earlier =
        |segment: &ArchivedSegment| filter.until.is_some_and(|until| segment.first_time >= until);
    let mut asked = archived.iter().filter(|segment| !begins_later(segment) && !ends_earlier(segment));
    let Some(first) = asked.next() else { return };
    let last = asked.next_back().unwrap_or(first);
    let (from, to) = (first.first_time.to_string(), last.last_time.to_string());
    context.console.note(&format!(
        "records {} to {} ({} to {}) are archived in {}",
        first.first_seq,
        last.last_seq,
        time::day_and_time(&from),
        time::day_and_time(&to),
        safe(&last.archive),
    ));
}

/// Shows the records that an id names.
///
/// # Errors
/// There is none, or as [`run`].
pub fn show(shown: &Shown, context: &Context) -> Result<Exit, Failure> {
    let mut history = History::open(context, shown.ledger.as_deref())?;
    let mut records = history.get(&shown.id)?;
    if records.is_empty() {
        return Err(match history.archived_with(&shown.id)? {
            Some(segment) => elsewhere(&shown.id, &segment),
            None => unknown(&shown.id, context),
        });
    }
    if shown.unseal {
        records = super::unseal::records(&records, context)?;
    }
    print(&records, context, |value| {
        let shown: Vec<String> = list(value, &["records"]).iter().map(json::indented).collect();
        shown.join("\n\n")
    })?;
    Ok(Exit::Success)
}

/// The record's body is in an archive.
fn elsewhere(id: &str, segment: &ArchivedSegment) -> Failure {
    let (file, place) = (format!("{:08}.wal", segment.segment), safe(&segment.archive));
    Failure::new(format!("the body of `{id}` is archived: `{file}` in {place}"))
        .hint("`--ledger DIR` reads a folder of archived segments as a ledger of its own")
}

/// No record has that id.
pub fn unknown(id: &str, context: &Context) -> Failure {
    Failure::new(format!("there is no record `{id}`"))
        .hint(format!("{} lists records with their ids", context.command("audit ls")))
}

fn print(records: &[Bytes], context: &Context, view: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
    let values = || records.iter().map(|bytes| exact::parse(bytes).unwrap_or_default());
    match context.console.format {
        Format::Jsonl => records.iter().try_for_each(|bytes| context.console.bytes(bytes)),
        Format::Csv => {
            context.console.bytes(csv::header().as_bytes())?;
            values().try_for_each(|record| context.console.bytes(csv::row(&record).as_bytes()))
        }
        Format::Text if records.is_empty() => Ok(()),
        Format::Text | Format::Json | Format::Bundle => {
            let value = json::versioned(object! { "records" => values().collect::<Value>() });
            context.console.show(&value, view)
        }
    }
}

fn listed(value: &Value) -> String {
    let records = list(value, &["records"]);
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    let total = counted(u64::try_from(records.len()).unwrap_or(u64::MAX), "record");
    format!("{}\n{total}", one_line(&["TIME", "WHAT", "AGENT", "TOOL", "ID", "ARGS"], &rows, 5))
}

fn row(record: &Value) -> Vec<String> {
    let what = match text(record, &["effect"]) {
        "" => format!("· {}", text(record, &["kind"])),
        effect => words::plain_effect(effect),
    };
    vec![
        time::day_and_time(text(record, &["time"])).get(5..).unwrap_or_default().to_owned(),
        what,
        safe(text(record, &["agent"])),
        safe(text(record, &["tool"])),
        text(record, &["id"]).to_owned(),
        record.get("args").map(short_args).unwrap_or_default(),
    ]
}
