//! `audit verify`: the whole ledger checked from its first record, by this process, from the files. A
//! ledger in memory has no files: its records are fetched from the daemon and checked here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use faramesh_archive::Known;
use faramesh_call::{Object, Value, object};
use faramesh_ledger::{
    Archives, Demands, Expected, OddSnapshot, RealDisk, RecordsError, Report, WalkError, verify_against,
    verify_memory,
};
use faramesh_ledger_postgres::PostgresError;
use faramesh_verify::{Note, PublicKey};

use super::witnessed::Said;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{Database, History, out_of_reach, raw, unreadable};
use crate::views::progress::Bar;
use crate::views::{json, verified};

/// What `audit verify` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Check this ledger's folder instead of the stack's
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Demand that this public key signed the ledger (a file like `signing.pub`), instead of trusting
    /// the first key that the ledger names
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Ask this witness whether it has seen the ledger as it is here: an older folder that was brought back
    /// is found out
    #[arg(long, value_name = "URL", requires = "witness_key")]
    witness: Option<String>,
    /// The witness's public key: its text, or a file with it
    #[arg(long, value_name = "KEY", requires = "witness")]
    witness_key: Option<String>,
    /// Demand that the ledger begins as this checkpoint says, which somebody else kept: a file like
    /// `witnessed-NAME.note`, a witness's or an auditor's copy; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Also check the bodies of old records, in the archives that the ledger names
    #[arg(long)]
    include_archived: bool,
    /// Where those archives are now: a folder, or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "PLACE", requires = "include_archived")]
    archive: Option<String>,
}

/// Checks the ledger.
///
/// # Errors
/// It cannot be read, or the output cannot be written. A broken ledger is a result, not an error.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let started = Instant::now();
    let pin = arguments.public_key.as_deref().map(read_key).transpose()?;
    let result = match History::open(context, arguments.ledger.as_deref())? {
        History::Folder(folder) => {
            let found = of_files(&folder, pin.as_ref(), arguments, context)?;
            witnessed(arguments, &folder, found)?
        }
        History::Database(_) | History::Daemon(_) if arguments.witness.is_some() => {
            return Err(Failure::new("only a ledger in a folder has checkpoints that a witness could know"));
        }
        History::Database(_) | History::Daemon(_) if !arguments.checkpoint.is_empty() => {
            return Err(Failure::new("only a ledger in a folder is held against a checkpoint"));
        }
        History::Database(database) => of_database(&database, pin.as_ref(), context)?,
        History::Daemon(_) if pin.is_some() => {
            return Err(Failure::new("the ledger is in the memory of a daemon and is not signed"));
        }
        History::Daemon(mut client) => of_memory(raw(&mut client)?)?,
    };
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut value = json::versioned(result);
    if let Value::Object(object) = &mut value {
        object.insert("elapsed_ms", elapsed_ms);
    }
    context.console.show(&value, verified::view)?;
    if json::is_true(&value, &["valid"]) {
        return Ok(Exit::Success);
    }
    context.console.hint("keep it as it is: it is evidence; work on a copy");
    Ok(Exit::Broken)
}

/// What a witness says of a ledger that verifies by itself.
fn witnessed(arguments: &Arguments, folder: &Path, mut found: Object) -> Result<Object, Failure> {
    let (Some(url), Some(key)) = (&arguments.witness, &arguments.witness_key) else { return Ok(found) };
    if found.get("valid").and_then(Value::as_bool) != Some(true) {
        return Ok(found);
    }
    match super::witnessed::ask(folder, url, key)? {
        Said::Same(witness) => {
            found.insert("witness", witness);
            Ok(found)
        }
        Said::Other { seq, expected, found } => Ok(object! {
            "valid" => false,
            "source" => "files",
            "path" => folder.display().to_string(),
            "broken" => object! {
                "file" => folder.join("checkpoints.log").display().to_string(),
                "offset" => 0_u64,
                "seq" => seq,
                "field" => "witness",
                "expected" => expected,
                "found" => found,
            },
        }),
    }
}

/// The key in a file of one line.
pub(in crate::commands) fn read_key(path: &Path) -> Result<PublicKey, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
    text.trim_end().parse().map_err(|error| {
        Failure::new(format!("{}: {error}", path.display()))
            .hint("`signing.pub` beside the ledger is such a file")
    })
}

/// Where bodies that are not in the folder are read, if they are.
pub(super) fn archives(
    is_asked: bool,
    instead: Option<&str>,
    folder: &Path,
) -> Result<Option<Arc<dyn Archives>>, Failure> {
    let instead = instead.map(super::compact::absolute).transpose()?;
    let archives = || -> Arc<dyn Archives> { Arc::new(Known::new(folder, instead)) };
    Ok(is_asked.then(archives))
}

fn of_files(
    folder: &Path,
    pin: Option<&PublicKey>,
    arguments: &Arguments,
    context: &Context,
) -> Result<Object, Failure> {
    let archives = archives(arguments.include_archived, arguments.archive.as_deref(), folder)?;
    let path = folder.display().to_string();
    // Before the ledger, which may go on meanwhile.
    let checkpoints = match expected(folder, &arguments.checkpoint)? {
        Ok(checkpoints) => checkpoints,
        Err(broken) => {
            return Ok(object! { "valid" => false, "source" => "files", "path" => path, "broken" => broken });
        }
    };
    let mut bar = Bar::new("verifying", context);
    let show = &mut |progress| bar.show(progress);
    let demands = Demands { pin, archives, checkpoints: &checkpoints };
    let result = verify_against(Arc::new(RealDisk), folder, demands, show);
    bar.end();
    match result {
        Ok(report) => Ok(described(&report, object! { "source" => "files", "path" => path })),
        Err(WalkError::Damage(damage)) => Ok(object! {
            "valid" => false,
            "source" => "files",
            "path" => path,
            "broken" => object! {
                "file" => damage.file.display().to_string(),
                "offset" => damage.offset,
                "seq" => damage.seq,
                "field" => damage.field.as_str(),
                "expected" => damage.expected.as_str(),
                "found" => damage.found.as_str(),
            },
        }),
        Err(error) => Err(unreadable(&error)),
    }
}

/// The checkpoints that the ledger has to contain: those that are given, and what witnesses cosigned of it.
/// `Err` is the break of a cosignature that does not fit.
fn expected(folder: &Path, given: &[PathBuf]) -> Result<Result<Vec<Expected>, Object>, Failure> {
    let mut all = Vec::new();
    for file in given {
        let bytes = std::fs::read(file).map_err(|error| Failure::file("read", file, &error))?;
        let note = Note::parse(&bytes).map_err(|error| {
            Failure::new(format!("{}: {error}", file.display()))
                .hint("a checkpoint is a signed note, like `witnessed-NAME.note` beside a ledger")
        })?;
        all.push(Expected { file: file.clone(), note });
    }
    let broken = |file: &Path, seq: u64, expected: String, found: String| {
        object! {
            "file" => file.display().to_string(),
            "offset" => 0_u64,
            "seq" => seq,
            "field" => "checkpoint.cosignature",
            "expected" => expected,
            "found" => found,
        }
    };
    let kept = match faramesh_witness::kept(folder) {
        Ok(kept) => kept,
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            let expected = "what a witness cosigned, and its key".to_owned();
            return Ok(Err(broken(folder, 0, expected, error.to_string())));
        }
        Err(error) => return Err(Failure::file("read", folder, &error)),
    };
    for kept in kept {
        if let Err(error) = kept.note.verify(&kept.key) {
            let expected = format!("a cosignature by {}", kept.key);
            return Ok(Err(broken(&kept.file, kept.size, expected, error.to_string())));
        }
        all.push(Expected { file: kept.file, note: kept.note });
    }
    Ok(Ok(all))
}

/// Every chain of the stack, from the database.
fn of_database(database: &Database, pin: Option<&PublicKey>, context: &Context) -> Result<Object, Failure> {
    let mut bar = Bar::new("verifying", context);
    let count = &mut |records| bar.count(records);
    let result = faramesh_ledger_postgres::verify_pinned(&database.address, &database.stack, pin, count);
    bar.end();
    let source = object! { "source" => "postgres", "path" => database.address.to_string() };
    match result {
        Ok(fleet) => {
            let mut value = described(&fleet.total(), source);
            let chains = fleet.chains.iter().map(|(instance, report)| {
                object! {
                    "instance" => instance.as_str(),
                    "records" => report.records,
                    "epochs" => report.epochs,
                    "last" => report.last.map(|time| time.to_string()),
                    "last_hash" => faramesh_program::hex(&report.last_hash),
                    "signing" => signing(report),
                }
            });
            let signed = fleet.chains.iter().filter(|(_, report)| report.signatures.mode.is_some()).count();
            let checkpoints: u64 = fleet.chains.iter().map(|(_, report)| report.signatures.checkpoints).sum();
            value.insert("signatures", checkpoints);
            value.insert("signed_chains", u64::try_from(signed).unwrap_or(u64::MAX));
            value.insert("chains", chains.collect::<Value>());
            Ok(value)
        }
        Err(PostgresError::Damage(damage)) => {
            let mut value = source;
            value.insert("valid", false);
            let broken = object! {
                "table" => damage.table,
                "instance" => damage.instance.as_str(),
                "seq" => damage.seq,
                "field" => damage.field.as_str(),
                "expected" => damage.expected.as_str(),
                "found" => damage.found.as_str(),
            };
            value.insert("broken", broken);
            Ok(value)
        }
        Err(error) => Err(out_of_reach(&error)),
    }
}

fn of_memory(records: Vec<crate::history::Bytes>) -> Result<Object, Failure> {
    match verify_memory(records) {
        Ok(report) => Ok(described(&report, object! { "source" => "daemon" })),
        Err(RecordsError::Broken(broken)) => Ok(object! {
            "valid" => false,
            "source" => "daemon",
            "broken" => object! {
                "seq" => broken.seq,
                "field" => broken.field,
                "expected" => broken.expected.as_str(),
                "found" => broken.found.as_str(),
            },
        }),
        Err(error) => Err(Failure::with(Exit::Broken, error.to_string())),
    }
}

fn described(report: &Report, mut value: Object) -> Object {
    let hash = |hash: &[u8; 32]| faramesh_program::hex(hash);
    let policies = report.policies.iter().map(|(policy, decisions)| {
        object! { "policy" => format!("sha256:{}", hash(policy)), "decisions" => *decisions }
    });
    let agents = report
        .agents
        .iter()
        .map(|(agent, records)| object! { "agent" => agent.as_str(), "records" => *records });
    let silences = report.silences.iter().map(|silence| {
        object! { "record" => silence.seq, "seconds" => silence.lasted.as_secs() }
    });
    let members = object! {
        "valid" => true,
        "records" => report.records,
        "epochs" => report.epochs,
        "segments" => report.segments,
        "first" => report.first.map(|time| time.to_string()),
        "last" => report.last.map(|time| time.to_string()),
        "last_hash" => hash(&report.last_hash),
        "policies" => policies.collect::<Value>(),
        "agents" => agents.collect::<Value>(),
        "dev_records" => report.dev,
        "cuts" => report.cuts.iter().copied().collect::<Value>(),
        "incomplete_bytes" => report.incomplete_bytes,
        "archived" => archived(report),
        "silences" => silences.collect::<Value>(),
        "signatures" => report.signatures.checkpoints,
        "signing" => signing(report),
    };
    for (key, member) in members {
        value.insert(key, member);
    }
    if !report.snapshots.is_empty() {
        let told = |odd: &OddSnapshot| object! { "file" => odd.file.as_str(), "why" => odd.why.as_str() };
        value.insert("snapshots", report.snapshots.iter().map(told).collect::<Value>());
    }
    value
}

/// Keys and checkpoints; null for a ledger that was never signed.
fn signing(report: &Report) -> Value {
    let found = &report.signatures;
    let Some(mode) = found.mode else { return Value::Null };
    let keys = found.keys.iter().map(|signed| {
        object! {
            "key" => signed.key.to_string(),
            "algorithm" => signed.key.algorithm().word(),
            "announced" => signed.announced,
            "checkpoints" => signed.checkpoints,
            "first" => signed.first,
            "last" => signed.last,
        }
    });
    let signing = object! {
        "mode" => mode.word(),
        "origin" => found.origin.as_str(),
        "root" => faramesh_program::hex(&found.root),
        "checkpoints" => found.checkpoints,
        "covered" => found.covered,
        "uncovered" => found.uncovered(),
        "last" => found.last.map(|time| time.to_string()),
        "keys" => keys.collect::<Value>(),
        "incomplete_bytes" => report.incomplete_checkpoint_bytes,
    };
    signing.into()
}

/// What of the ledger is in archives; empty when nothing is.
fn archived(report: &Report) -> Value {
    let archives: std::collections::BTreeSet<&str> =
        report.archived.iter().map(|segment| segment.archive.as_str()).collect();
    let records: u64 = report.archived.iter().map(|segment| segment.records - segment.kept).sum();
    let is_checked = !report.archived.is_empty() && report.archived.iter().all(|segment| segment.checked);
    Value::from(object! {
        "segments" => report.archived.len(),
        "records" => records,
        "checked" => is_checked,
        "archives" => archives.into_iter().map(Value::from).collect::<Value>(),
    })
}
