//! `audit tail`: records as the daemon keeps them, one per line.

use std::collections::BTreeMap;

use faramesh_call::{Value, json as exact};
use faramesh_ledger::Filter;

use super::{csv, select};
use crate::client::{self, Client};
use crate::console::Format;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{History, params};
use crate::views::json::{at, number, text};
use crate::views::record;
use crate::views::table::counted;

/// Earlier records that are shown when a time and no number is given.
const EARLIER_RECORDS: usize = 1_000;

/// Follows the ledger.
///
/// # Errors
/// No daemon answers, or the output cannot be written.
pub fn run(selection: &select::Selection, context: &Context) -> Result<Exit, Failure> {
    context.console.no_bundle()?;
    let filter = selection.filter()?;
    let mut client = client::needed(context)?;
    // Following begins before the past is read, so that nothing falls between the two.
    let live = Filter { since: None, limit: None, newest_first: false, ..filter.clone() };
    client.request("audit.tail", params(&live))?;
    let printer = Printer { context };
    if context.console.format == Format::Csv {
        context.console.bytes(csv::header().as_bytes())?;
    }
    // A database holds the chains of several daemons, each with numbers of its own.
    let mut shown: BTreeMap<String, u64> = BTreeMap::new();
    if selection.asks_for_earlier() {
        let earlier = Filter { limit: Some(filter.limit.unwrap_or(EARLIER_RECORDS)), ..filter };
        for bytes in History::open(context, None)?.query(&earlier)?.iter().rev() {
            let record = exact::parse(bytes).unwrap_or_default();
            let last = shown.entry(text(&record, &["instance"]).to_owned()).or_default();
            *last = (*last).max(number(&record, &["seq"]));
            printer.record(&record)?;
        }
    }
    follow(&mut client, &printer, &shown)
}

fn follow(
    client: &mut Client,
    printer: &Printer<'_>,
    shown: &BTreeMap<String, u64>,
) -> Result<Exit, Failure> {
    client.wait_forever()?;
    while let Some(line) = client.next_line()? {
        match text(&line, &["method"]) {
            "record" => {
                let record = at(&line, &["params"]).cloned().unwrap_or_default();
                let last = shown.get(text(&record, &["instance"])).copied().unwrap_or(0);
                if number(&record, &["seq"]) > last {
                    printer.record(&record)?;
                }
            }
            "lagged" => {
                let lost = counted(number(&line, &["params", "records"]), "record");
                printer
                    .context
                    .console
                    .warn(&format!("{lost} came too fast and are not shown; `faramesh audit ls` has them"));
            }
            _ => {}
        }
    }
    printer.context.console.note("the daemon stopped");
    Ok(Exit::Success)
}

struct Printer<'a> {
    context: &'a Context,
}

impl Printer<'_> {
    fn record(&self, record: &Value) -> Result<(), Failure> {
        let console = self.context.console;
        match console.format {
            Format::Text => console.out(&record::line(record)),
            Format::Csv => console.bytes(csv::row(record).as_bytes()),
            // A record has one canonical form: these are the bytes as they are stored.
            Format::Json | Format::Jsonl | Format::Bundle => console.bytes(&exact::canonical(record)),
        }
    }
}
