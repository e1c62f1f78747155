//! `faramesh fmt`: policies in their one canonical form, in place, or from standard input; or in another
//! spelling beside them.

mod other;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use faramesh_call::{Value, object};
use faramesh_spell::{Converted, Spelling, convert};
use faramesh_syntax::Diagnostic;

use crate::console::Format;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy::{self, Source};
use crate::views::diagnostics::Found;
use crate::views::json;

/// Largest text that is read from standard input, in bytes.
const MAX_INPUT_BYTES: u64 = 64 << 20;

/// What `fmt` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Policies, or `-` for standard input; that of the stack when they are left out
    files: Vec<PathBuf>,
    /// Change nothing; exit with 1 and name the files that would change
    #[arg(long)]
    check: bool,
    /// Write the policy in this spelling: beside the file, which stays, or to standard output for `-`
    #[arg(long, value_enum, value_name = "SPELLING", conflicts_with = "check")]
    to: Option<Form>,
    /// What standard input is written in; files say so by their names
    #[arg(long, value_enum, value_name = "SPELLING", default_value = "fms")]
    from: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// FPL: governance.fms
    Fms,
    /// YAML: governance.fms.yaml
    Yaml,
    /// JSON, which has no comments: governance.fms.json
    Json,
}

impl Form {
    fn spelling(self) -> Spelling {
        match self {
            Self::Fms => Spelling::Fms,
            Self::Yaml => Spelling::Yaml,
            Self::Json => Spelling::Json,
        }
    }
}

/// Formats.
///
/// # Errors
/// A file cannot be read or written, or does not parse.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    if arguments.files.iter().any(|file| file == Path::new("-")) {
        return from_standard_input(arguments, context);
    }
    let files: Vec<Option<&Path>> = if arguments.files.is_empty() {
        vec![None]
    } else {
        arguments.files.iter().map(|file| Some(file.as_path())).collect()
    };
    let mut changed = Vec::new();
    let mut others = Vec::new();
    for file in files {
        let source = policy::read(context, file)?;
        if let Some(to) = arguments.to.map(Form::spelling).filter(|to| *to != source.spelling) {
            others.push(other::write(context, &source, to)?);
            continue;
        }
        let formatted = converted(context, &source, source.spelling)?.text;
        if formatted == source.text {
            continue;
        }
        if !arguments.check {
            replace(Path::new(&source.shown), &formatted)?;
        }
        changed.push(source.shown);
    }
    if !others.is_empty() {
        other::show(context, others, changed)?;
        return Ok(Exit::Success);
    }
    let any = !changed.is_empty();
    let value = json::versioned(object! {
        "changed" => changed.into_iter().collect::<Value>(),
        "written" => !arguments.check,
    });
    if context.console.format == Format::Json || any {
        context.console.show(&value, text)?;
    } else {
        context.console.note("✓ canonical already");
    }
    if arguments.check && any {
        context.console.hint(&format!("{} writes the canonical form", context.command("fmt")));
        return Ok(Exit::WouldChange);
    }
    Ok(Exit::Success)
}

fn text(value: &Value) -> String {
    let word = if json::is_true(value, &["written"]) { "formatted" } else { "would change" };
    let lines: Vec<String> = json::list(value, &["changed"])
        .iter()
        .map(|file| format!("{word}: {}", file.as_str().unwrap_or_default()))
        .collect();
    lines.join("\n")
}

/// The source in the canonical form of a spelling.
fn converted(context: &Context, source: &Source, to: Spelling) -> Result<Converted, Failure> {
    convert(&source.text, source.spelling, to).map_err(|diagnostics| told(context, source, &diagnostics))
}

fn told(context: &Context, source: &Source, diagnostics: &[Diagnostic]) -> Failure {
    let errors: Vec<Diagnostic> = diagnostics.iter().filter(|found| found.is_error()).cloned().collect();
    let found = Found { file: &source.shown, source: &source.text, diagnostics: &errors };
    context.console.note(&format!("{}\n", found.draw()));
    Failure::new(format!("`{}` has {}, so it is left as it is", source.shown, found.tally()))
}

fn from_standard_input(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    if arguments.files.len() > 1 {
        return Err(Failure::usage("`-` stands alone: standard input is one policy"));
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_INPUT_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Failure::file("read", Path::new("-"), &error))?;
    let spelling = arguments.from.spelling();
    let source =
        Source { shown: "-".to_owned(), name: "-".to_owned(), folder: PathBuf::new(), spelling, text };
    let converted = converted(context, &source, arguments.to.map_or(spelling, Form::spelling))?;
    other::left_out(context, &source, &converted);
    let formatted = converted.text;
    if !arguments.check {
        context.console.bytes(formatted.strip_suffix('\n').unwrap_or(&formatted).as_bytes())?;
        return Ok(Exit::Success);
    }
    if formatted == source.text { Ok(Exit::Success) } else { Ok(Exit::WouldChange) }
}

/// Writes beside the file and moves it there, with the permissions that the file had.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // A link stays a link: what it points to is replaced.
    let path = &path.canonicalize().map_err(|error| Failure::file("find", path, &error))?;
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mode = fs::metadata(path)?.permissions().mode();
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}
