//! `audit verify-bundle`: a bundle checked with nothing but the file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use faramesh_call::{Object, Value};
use faramesh_verify::{BundleBreak, BundleReport, BundleVerifier, PublicKey, outcome};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{list, number, text};
use crate::views::record::safe;
use crate::views::table::{counted, grouped, pairs, table};
use crate::views::verified::break_of;
use crate::views::{json, time, words};

const READ_BYTES: usize = 256 << 10;

/// What `audit verify-bundle` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The bundle
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Demand that the key in this file signed the ledger; else the first key that it names is believed
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Demand that the witness of this key cosigned: its text, or a file with it
    #[arg(long, value_name = "KEY")]
    witness_key: Option<String>,
}

/// Checks a bundle.
///
/// # Errors
/// It cannot be read, or the output cannot be written. A broken bundle is a result, not an error.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let pin = arguments.public_key.as_deref().map(super::verify::read_key).transpose()?;
    let witness = arguments.witness_key.as_deref().map(super::witnessed::read_key).transpose()?;
    let is_demanded = witness.is_some();
    let result = verify(&arguments.file, pin.clone(), witness)?;
    let mut value: Object = outcome(&result);
    value.insert("path", arguments.file.display().to_string().as_str());
    value.insert("pinned", pin.is_some());
    value.insert("witness_demanded", is_demanded);
    context.console.show(&json::versioned(value), view)?;
    Ok(if result.is_ok() { Exit::Success } else { Exit::Broken })
}

fn verify(
    path: &Path,
    pin: Option<PublicKey>,
    witness: Option<PublicKey>,
) -> Result<Result<BundleReport, BundleBreak>, Failure> {
    let unreadable = |error: &std::io::Error| Failure::file("read", path, error);
    let mut file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut verifier = pin.map_or_else(BundleVerifier::default, BundleVerifier::pinned);
    if let Some(witness) = witness {
        verifier = verifier.witnessed_by(witness);
    }
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut buffer).map_err(|error| unreadable(&error))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() || verifier.feed(bytes).is_err() {
            return Ok(verifier.finish());
        }
    }
}

fn view(value: &Value) -> String {
    if !json::is_true(value, &["valid"]) {
        return broken(value);
    }
    let (records, size) = (number(value, &["records"]), number(value, &["size"]));
    let complete = json::is_true(value, &["complete"]);
    let held = if complete {
        "all records of the ledger as it was then, in one unbroken chain".to_owned()
    } else {
        format!("each is proved to be one of the {} records of the ledger", grouped(size))
    };
    let mut rows = vec![
        ("stack", safe(text(value, &["stack"]))),
        ("ledger", text(value, &["origin"]).to_owned()),
        ("records", format!("{}: {held}", grouped(records))),
        ("archived", archived(value)),
        ("from", time::day_and_time(text(value, &["first"]))),
        ("to", time::day_and_time(text(value, &["last"]))),
        ("signatures", signatures(value, records, complete)),
        ("witnesses", witnesses(value)),
    ];
    rows.retain(|(_, shown)| !shown.is_empty());
    let mut shown = format!("{}: the bundle is as it was written\n{}", words::good("verified"), pairs(&rows));
    let keys = list(value, &["keys"])
        .iter()
        .map(|key| vec![text(key, &["key"]).to_owned(), grouped(number(key, &["checkpoints"]))]);
    let policies = list(value, &["policies"]).iter().map(|policy| {
        let program = if json::is_true(policy, &["program"]) { "yes" } else { "no" };
        vec![
            text(policy, &["policy"]).to_owned(),
            grouped(number(policy, &["decisions"])),
            program.to_owned(),
        ]
    });
    let (keys, policies): (Vec<_>, Vec<_>) = (keys.collect(), policies.collect());
    if !keys.is_empty() {
        shown.push_str(&format!("\n\n{}", table(&["KEY", "CHECKPOINTS"], &keys)));
    }
    if !policies.is_empty() {
        shown.push_str(&format!("\n\n{}", table(&["POLICY", "DECISIONS", "PROGRAM IS HERE"], &policies)));
    }
    shown
}

fn signatures(value: &Value, records: u64, complete: bool) -> String {
    let checkpoints = number(value, &["checkpoints"]);
    if checkpoints == 0 {
        return "none: the chain shows changes, not who wrote it".to_owned();
    }
    let uncovered = records.saturating_sub(number(value, &["covered"]));
    let rest = match uncovered {
        0 => String::new(),
        _ if !complete => String::new(),
        uncovered => format!("; {} behind the last", counted(uncovered, "record")),
    };
    let trust = if json::is_true(value, &["pinned"]) {
        "the key you gave signed"
    } else {
        "the first key is believed as it is; `--public-key FILE` demands one that you know"
    };
    format!("{}{rest}; {trust}", counted(checkpoints, "checkpoint"))
}

/// How many records are hashes only.
fn archived(value: &Value) -> String {
    match number(value, &["archived"]) {
        0 => String::new(),
        archived => format!("{}, of which the bundle has the hashes", counted(archived, "record")),
    }
}

/// Who cosigned, how much and when.
fn witnesses(value: &Value) -> String {
    let told = list(value, &["witnesses"]).iter().map(|witness| {
        let name = text(witness, &["key"]).split('+').next().unwrap_or_default();
        let (size, when) =
            (grouped(number(witness, &["size"])), time::day_and_time(text(witness, &["time"])));
        format!("{} cosigned {size} records at {when}", safe(name))
    });
    let told = told.collect::<Vec<_>>().join("; ");
    if told.is_empty() || json::is_true(value, &["witness_demanded"]) {
        return told;
    }
    format!("{told}; `--witness-key KEY` demands one that you know")
}

fn broken(value: &Value) -> String {
    let members = ["line", "record", "field", "expected", "found"];
    break_of(value, &members, "the bundle is not as it was written")
}
