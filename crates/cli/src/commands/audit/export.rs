//! `audit export`: records as a bundle that anybody can check, or as JSON, lines or a table. What is
//! written to a file appears there whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use faramesh_call::{Value, json as exact};
use faramesh_dpr::Record;
use faramesh_ledger::Filter;
use tempfile::NamedTempFile;

use super::{csv, select};
use crate::bundle::{self, Chain, Folder, Shelf, Source};
use crate::console::Format;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{History, out_of_reach};
use crate::policy;
use crate::views::table::counted;

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// What `audit export` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    listing: select::Listing,
    /// Write to this file instead of standard output; it must not be there yet
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Add the public keys that signed the ledger to JSON; a bundle always has them
    #[arg(long)]
    include_public_keys: bool,
    /// Read the bodies of old records from their archives; else a whole bundle has the hashes of those, and
    /// nothing else does
    #[arg(long)]
    include_archived: bool,
    /// Of a ledger in a database, the daemon whose chain the bundle is of; needless when there is one only
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Where those archives are now: a folder, or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "PLACE", requires = "include_archived")]
    archive: Option<String>,
}

/// Writes records.
///
/// # Errors
/// History cannot be read, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    let filter = arguments.listing.selection.filter()?;
    let history = History::open(context, arguments.listing.ledger.as_deref())?;
    let mut out = Output::open(arguments.out.as_deref())?;
    let format = context.console.format;
    let archived = history.archived()?;
    let is_bundle = matches!(format, Format::Text | Format::Bundle);
    if arguments.include_archived && !is_bundle {
        return Err(Failure::usage("only bundles have archived records")
            .hint("`audit export --ledger DIR` reads a folder of archived segments by itself"));
    }
    if !arguments.include_archived {
        super::ls::note_archived(&archived, &filter, context);
    }
    if arguments.include_public_keys && matches!(format, Format::Jsonl | Format::Csv) {
        return Err(Failure::usage("lines and tables have no place for public keys")
            .hint("use `--format json`, or `--format bundle`, which always has them"));
    }
    let count = match format {
        Format::Text | Format::Bundle => as_bundle(&history, &filter, arguments, context, &mut out)?,
        Format::Json => {
            let keys = if arguments.include_public_keys { Some(public_keys(&history)?) } else { None };
            as_json(history, &filter, keys, &mut out)?
        }
        Format::Jsonl => each(history, &filter, &mut |record| Ok(line(&mut out, record.bytes())?))?,
        Format::Csv => {
            line(&mut out, csv::header().as_bytes())?;
            each(history, &filter, &mut |record| {
                let value = exact::parse(record.bytes()).unwrap_or_default();
                Ok(line(&mut out, csv::row(&value).as_bytes())?)
            })?
        }
    };
    out.finish()?;
    if let Some(path) = &arguments.out {
        context.console.note(&format!("{} written to `{}`", counted(count, "record"), path.display()));
        if matches!(format, Format::Text | Format::Bundle) {
            let command = context.command(&format!("audit verify-bundle {}", path.display()));
            context.console.hint(&format!("{command} checks it anywhere"));
        }
    }
    Ok(Exit::Success)
}

fn line(out: &mut Output, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(b"\n")
}

fn as_bundle(
    history: &History,
    filter: &Filter,
    arguments: &Arguments,
    context: &Context,
    out: &mut Output,
) -> Result<u64, Failure> {
    let instance = instance_of(history, arguments)?;
    let shelf = shelf(history, arguments, &instance)?;
    let program = policy::load_bytes(&context.layout()?.policy())?;
    let programs = program.iter().filter_map(|bytes| faramesh_program::hashed_part(bytes)).collect();
    let written = Source { shelf: shelf.as_ref(), filter, programs }.write(out)?;
    if written.archived > 0 {
        context.console.note(&format!(
            "{} archived: a whole bundle has the hashes, `--include-archived` reads the bodies",
            counted(written.archived, "record")
        ));
    }
    if written.uncovered > 0 {
        context.console.warn(&format!(
            "{} newer than the newest signed checkpoint cannot be proved yet, and left out",
            counted(written.uncovered, "record")
        ));
    }
    Ok(written.records)
}

/// The ledger that is exported.
fn shelf<'a>(
    history: &'a History,
    arguments: &Arguments,
    instance: &'a str,
) -> Result<Box<dyn Shelf + 'a>, Failure> {
    match history {
        History::Folder(path) => {
            let (is_asked, instead) = (arguments.include_archived, arguments.archive.as_deref());
            Ok(Box::new(Folder { path, archives: super::verify::archives(is_asked, instead, path)? }))
        }
        History::Database(database) => Ok(Box::new(Chain { database, instance })),
        History::Daemon(_) => Err(no_bundle("a ledger in memory drops its oldest records")),
    }
}

/// The daemon whose chain is exported; empty when there is but one ledger.
fn instance_of(history: &History, arguments: &Arguments) -> Result<String, Failure> {
    let History::Database(database) = history else {
        return match arguments.instance {
            Some(_) => Err(Failure::usage("only a ledger in a database has the chains of several daemons")),
            None => Ok(String::new()),
        };
    };
    let known = faramesh_ledger_postgres::instances(&database.address, &database.stack);
    let known = known.map_err(|error| out_of_reach(&error))?;
    match (&arguments.instance, known.as_slice()) {
        (Some(wanted), _) if known.contains(wanted) => Ok(wanted.clone()),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Failure::new("the ledger has no record yet")),
        (wanted, _) => {
            let message = match wanted {
                Some(wanted) => format!("no daemon `{wanted}` has a chain in the stack `{}`", database.stack),
                None => "each daemon has a chain of its own, and a bundle is of one".to_owned(),
            };
            Err(Failure::usage(message).hint(format!("`--instance` with one of: {}", known.join(", "))))
        }
    }
}

fn no_bundle(why: &str) -> Failure {
    Failure::new(format!("there is no bundle of this ledger: {why}"))
        .hint("`--format jsonl` writes the records that are there")
}

/// The same value as that of `audit ls --format json`, without holding it.
fn as_json(history: History, filter: &Filter, keys: Option<Value>, out: &mut Output) -> Result<u64, Failure> {
    out.write_all(b"{")?;
    if let Some(keys) = keys {
        out.write_all(b"\"public_keys\":")?;
        out.write_all(&exact::canonical(&keys))?;
        out.write_all(b",")?;
    }
    out.write_all(b"\"records\":[")?;
    let mut is_first = true;
    let count = each(history, filter, &mut |record| {
        if !std::mem::take(&mut is_first) {
            out.write_all(b",")?;
        }
        Ok(out.write_all(record.bytes())?)
    })?;
    out.write_all(b"],\"version\":1}\n")?;
    Ok(count)
}

fn public_keys(history: &History) -> Result<Value, Failure> {
    let History::Folder(path) = history else { return Ok(Value::List(Vec::new())) };
    let survey = bundle::survey(&Folder { path, archives: None }, &Filter::default(), false)?;
    Ok(survey.keys.iter().map(|key| Value::from(key.to_string().as_str())).collect())
}

/// Hands over the records that a filter lets through, oldest first; of a limit the newest.
fn each(
    mut history: History,
    filter: &Filter,
    take: &mut dyn FnMut(&Record) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut left_out = 0;
    if let Some(limit) = filter.limit {
        let mut matched = 0_usize;
        history.each(filter, &mut |_| {
            matched += 1;
            Ok(())
        })?;
        left_out = matched.saturating_sub(limit);
    }
    let (mut count, limit) = (0_u64, filter.limit.unwrap_or(usize::MAX));
    history.each(filter, &mut |record| {
        // Records that were added since the first pass are beyond the limit.
        if left_out > 0 || usize::try_from(count).is_ok_and(|count| count >= limit) {
            left_out = left_out.saturating_sub(1);
            return Ok(());
        }
        count += 1;
        take(record)
    })?;
    Ok(count)
}

/// Where the records go.
enum Output {
    Standard(BufWriter<io::Stdout>),
    File(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Standard(BufWriter::with_capacity(WRITE_BYTES, io::stdout())));
        };
        if path.exists() {
            return Err(exists(path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file =
            NamedTempFile::new_in(folder).map_err(|error| Failure::file("write in", folder, &error))?;
        Ok(Self::File(BufWriter::with_capacity(WRITE_BYTES, file), path.to_owned()))
    }

    /// Everything is written; a file gets its name.
    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Standard(mut out) => Ok(out.flush()?),
            Self::File(out, path) => {
                let failed = |error: &io::Error| Failure::file("write", &path, error);
                let file = out.into_inner().map_err(|error| failed(error.error()))?;
                file.as_file().sync_all().map_err(|error| failed(&error))?;
                match file.persist_noclobber(&path) {
                    Ok(_) => Ok(()),
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&path)),
                    Err(error) => Err(failed(&error.error)),
                }
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File(out, _) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(out, _) => out.flush(),
        }
    }
}

fn exists(path: &Path) -> Failure {
    Failure::with(Exit::Exists, format!("`{}` exists already and is not overwritten", path.display()))
}
