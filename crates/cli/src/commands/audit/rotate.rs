//! `audit rotate-key`: a new key for the checkpoints of a stopped stack. The old key signs the record
//! that announces the new one, so that whoever trusts the old key can trust the new one.
//!
//! Leaves out keys of a key management service, which is where those are rotated.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use faramesh_call::{Timestamp, Value, object};
use faramesh_daemon::instance_name;
use faramesh_ledger::{KeyFileError, Ledger, LocalKeys, OpenError, Options, Reader, Signing};
use faramesh_ledger_postgres::{PostgresError, open_signed};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{Database, History, out_of_reach, unreadable};
use crate::policy;
use crate::views::json::text;
use crate::views::table::pairs;
use crate::views::{json, words};

const STOP_FIRST: &str = "stop the daemon first; it takes the new key when it starts";

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
    let (old, new, seq) = match History::open(context, arguments.ledger.as_deref())? {
        History::Folder(folder) => {
            let (stack, instance) = names(&folder)?;
            let options = |signing| Options {
                signing,
                index: false,
                ..Options::new(folder.as_path(), &stack, &instance)
            };
            rotate(&folder, &|signing| {
                let opened = Ledger::open(options(Some(signing)), now(), &mut |_| ());
                opened.map(|(ledger, _)| ledger).map_err(|error| of_open(&error))
            })?
        }
        History::Database(database) => in_database(&database, context)?,
        History::Daemon(_) => {
            return Err(Failure::new("the ledger is in the memory of a daemon and is not signed"));
        }
    };
    let value = json::versioned(object! { "replaced" => old, "key" => new, "record" => seq });
    context.console.show(&value, view)?;
    Ok(Exit::Success)
}

/// The stack and the daemon that a folder's ledger is of.
fn names(folder: &Path) -> Result<(String, String), Failure> {
    let mut records =
        Reader::open(folder).and_then(|reader| reader.records()).map_err(|error| unreadable(&error))?;
    let (_, first) = records
        .next()
        .ok_or_else(|| Failure::new(format!("the ledger in `{}` is empty", folder.display())))?
        .map_err(|error| unreadable(&error))?;
    Ok((first.stack().into_owned(), first.instance().into_owned()))
}

/// The chain of this stack's daemon in a database; its keys are in `wal_dir`.
fn in_database(database: &Database, context: &Context) -> Result<Rotated, Failure> {
    let layout = context.layout()?;
    let Some((program, _)) = policy::load_file(&layout.policy())? else {
        return Err(Failure::new("no policy was ever put in force here"));
    };
    let Database { address, stack } = database;
    let instance = instance_name(&program);
    rotate(&layout.resolve(&program.runtime.wal_dir), &|signing| {
        let opened = open_signed(address.clone(), stack, &instance, Some(signing), now(), &mut |_| ());
        opened.map(|(ledger, _)| ledger).map_err(|error| match error {
            PostgresError::Ledger(error) => of_open(&error),
            PostgresError::Locked { .. } => Failure::new(error.to_string()).hint(STOP_FIRST),
            error => out_of_reach(&error),
        })
    })
}

/// The key that was replaced, the one in force, and the last record.
type Rotated = (String, String, u64);

fn rotate(folder: &Path, open: &dyn Fn(Signing) -> Result<Ledger, Failure>) -> Result<Rotated, Failure> {
    let mut keys = LocalKeys::open(folder, false).map_err(|error| of_key(&error))?;
    let signers = keys.signers();
    if signers.is_empty() {
        return Err(Failure::new(format!(
            "the ledger in `{}` is not signed with a local key",
            folder.display()
        )));
    }
    // The ledger verifies and its key is here before another key is made.
    let ledger = open(Signing { signers, ..Signing::default() })?;
    let old = ledger.status().checkpoint.map(|made| made.key);
    ledger.close();
    drop(ledger);
    let old = old.ok_or_else(|| Failure::new("the policy has `signing = \"off\"`: no key is in force"))?;
    keys.settle(&old).map_err(|error| of_key(&error))?;
    let successor = keys.make_successor().map_err(|error| of_key(&error))?;
    let signing = Signing { signers: keys.signers(), successor: Some(successor), mode: None };
    let ledger = open(signing)?;
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
        OpenError::Locked(_) => failure.hint(STOP_FIRST),
        _ => failure,
    }
}

fn view(value: &Value) -> String {
    let rows =
        [("replaced", text(value, &["replaced"]).to_owned()), ("key", text(value, &["key"]).to_owned())];
    format!("{}: the old key signed the change\n{}", words::good("rotated"), pairs(&rows))
}
