//! `faramesh audit compact`: the bodies of old segments sent to an archive. The daemon does it when one
//! runs; without one it is done here, under the ledger's lock.

use std::path::Path;

use clap::Args;
use faramesh_call::{Value, object};
use faramesh_daemon::offline;

use crate::client;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{list, number, text};
use crate::views::record::safe;
use crate::views::table::{counted, table};
use crate::views::time::{day_and_time, now, parse_point};
use crate::views::{json, words};

/// What `audit compact` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Segments all of whose records are older than this: `90d`, `2026-11-20`
    #[arg(long, value_name = "AGE")]
    older_than: String,
    /// Where the bodies go: a folder, or `s3://BUCKET/PREFIX`; else what FARAMESH_ARCHIVE names in the
    /// daemon's environment, else `archive` in the ledger's folder
    #[arg(long, value_name = "PLACE")]
    archive: Option<String>,
}

/// Compacts.
///
/// # Errors
/// The age cannot be read, the ledger cannot be opened, or an archive does not take a body. What was
/// compacted before is told.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let before = parse_point(&arguments.older_than, now()).map_err(Failure::usage)?;
    let archive = arguments.archive.as_deref().map(absolute).transpose()?;
    let outcome = match client::of_stack(context)? {
        Some((mut client, _)) => {
            // A store may be slow, and a ledger long.
            client.wait_forever()?;
            let params = object! { "before_ms" => before.0, "archive" => archive };
            client.request("audit.compact", params)?
        }
        None => {
            let compacted = offline::compact(&context.directory()?, before, archive.as_deref());
            compacted.map_err(|error| Failure::new(error.to_string()))?.to_object().into()
        }
    };
    let value = json::versioned(object! {
        "segments" => outcome.get("segments").cloned().unwrap_or_default(),
    });
    context.console.show(&value, view)?;
    match text(&outcome, &["error"]) {
        "" => Ok(Exit::Success),
        error => Err(Failure::new(format!("not all was archived: {}", safe(error)))
            .hint("nothing is lost: what is not in the archive is in the ledger as before")),
    }
}

/// A folder as the daemon can find it, wherever it runs.
pub(super) fn absolute(location: &str) -> Result<String, Failure> {
    if location.contains("://") {
        return Ok(location.to_owned());
    }
    let path = std::path::absolute(location);
    let path = path.map_err(|error| Failure::file("find", Path::new(location), &error))?;
    Ok(path.to_string_lossy().into_owned())
}

fn view(value: &Value) -> String {
    let segments = list(value, &["segments"]);
    if segments.is_empty() {
        return "nothing to archive: no sealed segment is old enough, and delivered by every sink".to_owned();
    }
    let rows: Vec<Vec<String>> = segments
        .iter()
        .map(|segment| {
            vec![
                number(segment, &["segment"]).to_string(),
                format!("{}–{}", number(segment, &["first_seq"]), number(segment, &["last_seq"])),
                day_and_time(text(segment, &["last"])),
                number(segment, &["kept"]).to_string(),
                safe(text(segment, &["archive"])),
            ]
        })
        .collect();
    let records = segments.iter().map(|segment| number(segment, &["records"])).sum();
    let heading = words::heading(&format!("archived {}", counted(records, "record")));
    format!("{heading}\n{}", table(&["SEGMENT", "RECORDS", "LAST", "KEPT", "ARCHIVE"], &rows))
}
