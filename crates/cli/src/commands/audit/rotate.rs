//! `audit rotate-key`: a new key for the checkpoints of a stopped stack. The old key signs the record
//! that announces the new one, so that whoever trusts the old key can trust the new one.
//!
//! Leaves out keys of a key management service, which is where those are rotated.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use faramesh_call::{Timestamp, Value, object};
use faramesh_ledger::{KeyFileError, Ledger, LocalKeys, OpenError, Options, Reader, Signing};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{History, unreadable};
use crate::views::json::text;
use crate::views::table::pairs;
use crate::views::{json, words};

/// What `audit rotate-key` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The ledger's folder instead of the stack's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
}

/// Puts a new key in force.
///
/// # Errors
/// A daemon is at work on the ledger, the ledger is not signed, or a key or file cannot be used.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let History::Folder(folder) = History::open(context, arguments.ledger.as_deref())? else {
        return Err(Failure::new("the ledger is in the memory of a daemon and is not signed"));
    };
    let (old, new, seq) = rotate(&folder)?;
    let value = json::versioned(object! { "replaced" => old, "key" => new, "record" => seq });
    context.console.show(&value, view)?;
    Ok(Exit::Success)
}

fn rotate(folder: &Path) -> Result<(String, String, u64), Failure> {
    let mut records =
        Reader::open(folder).and_then(|reader| reader.records()).map_err(|error| unreadable(&error))?;
    let (_, first) = records
        .next()
        .ok_or_else(|| Failure::new(format!("the ledger in `{}` is empty", folder.display())))?
        .map_err(|error| unreadable(&error))?;
    let mut keys = LocalKeys::open(folder, false).map_err(|error| of_key(&error))?;
    let signers = keys.signers();
    if signers.is_empty() {
        return Err(Failure::new(format!(
            "the ledger in `{}` is not signed with a local key",
            folder.display()
        )));
    }
    let options = |signing| Options {
        signing: Some(signing),
        index: false,
        ..Options::new(folder, &first.stack(), &first.instance())
    };
    let open = |options| Ledger::open(options, now(), &mut |_| ()).map_err(|error| of_open(&error));
    // The ledger verifies and its key is here before another key is made.
    let (ledger, _) = open(options(Signing { signers, ..Signing::default() }))?;
    let old = ledger.status().checkpoint.map(|made| made.key);
    ledger.close();
    drop(ledger);
    let old = old.ok_or_else(|| Failure::new("the policy has `signing = \"off\"`: no key is in force"))?;
    keys.settle(&old).map_err(|error| of_key(&error))?;
    let successor = keys.make_successor().map_err(|error| of_key(&error))?;
    let signing = Signing { signers: keys.signers(), successor: Some(successor), mode: None };
    let (ledger, _) = open(options(signing))?;
    let status = ledger.status();
    ledger.close();
    let new =
        status.checkpoint.map(|made| made.key).ok_or_else(|| Failure::new("the new key is not in force"))?;
    keys.settle(&new).map_err(|error| of_key(&error))?;
    Ok((old.to_string(), new.to_string(), status.last_seq))
}

fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn of_key(error: &KeyFileError) -> Failure {
    Failure::new(error.to_string())
}

fn of_open(error: &OpenError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        OpenError::Locked(_) => failure.hint("stop the daemon first; it takes the new key when it starts"),
        _ => failure,
    }
}

fn view(value: &Value) -> String {
    let rows =
        [("replaced", text(value, &["replaced"]).to_owned()), ("key", text(value, &["key"]).to_owned())];
    format!("{}: the old key signed the change\n{}", words::good("rotated"), pairs(&rows))
}
