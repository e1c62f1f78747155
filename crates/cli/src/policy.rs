//! The policy's source, checked and compiled. The daemon gets the bytes that come out of here.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_check::{Checked, Options};
use faramesh_plan::Policy;
use faramesh_program::{LoadError, Program, load};
use faramesh_spell::{Spelling, check};
use faramesh_syntax::Severity;

use crate::catalog::Catalogs;
use crate::context::Context;
use crate::failure::Failure;
use crate::views::diagnostics::Found;

/// The file that governs a stack, unless it is in another spelling.
pub const FILE_NAME: &str = "governance.fms";
/// Largest source that is read; the parser has its own, smaller limit and names it.
const MAX_SOURCE_BYTES: u64 = 64 << 20;
/// Names that people give to a policy in YAML or JSON, and the one that is read.
const OTHER_NAMES: &[(&str, Spelling)] = &[
    ("governance.yaml", Spelling::Yaml),
    ("governance.yml", Spelling::Yaml),
    ("governance.fms.yml", Spelling::Yaml),
    ("governance.json", Spelling::Json),
];

/// A policy's source.
#[derive(Debug)]
pub struct Source {
    /// The path as messages show it.
    pub shown: String,
    /// The name of the file, as records show it.
    pub name: String,
    /// The folder that it is in.
    pub folder: PathBuf,
    /// What it is written in.
    pub spelling: Spelling,
    /// The text.
    pub text: String,
}

/// A policy that can be put in force.
#[derive(Debug)]
pub struct Compiled {
    /// The name of its source, for people.
    pub source_name: String,
    /// The program.
    pub program: Arc<Program>,
    /// The program's bytes.
    pub bytes: Vec<u8>,
}

/// Every file that could govern the stack and is there, in the usual spelling first.
pub fn present(directory: &Path) -> Vec<Spelling> {
    Spelling::ALL.into_iter().filter(|spelling| directory.join(spelling.file_name()).is_file()).collect()
}

/// A file of the stack, as messages show it.
pub fn path_of(context: &Context, spelling: Spelling) -> PathBuf {
    let shown = context.shown();
    let name = spelling.file_name();
    if shown == Path::new(".") { PathBuf::from(name) } else { shown.join(name) }
}

/// The one file that governs the stack; governance.fms if there is none.
fn find(context: &Context) -> Result<PathBuf, Failure> {
    let found = present(&context.directory()?);
    if let [first, second, ..] = found.as_slice() {
        let (first, second) = (path_of(context, *first), path_of(context, *second));
        let message = format!(
            "both `{}` and `{}` are there, and one file governs a stack",
            first.display(),
            second.display()
        );
        return Err(Failure::usage(message)
            .hint(format!("remove or rename the one that is out of date, such as `{}`", second.display())));
    }
    Ok(path_of(context, found.first().copied().unwrap_or(Spelling::Fms)))
}

/// Reads `file`, or the stack's policy in whichever spelling.
///
/// # Errors
/// There is no such file or more than one, or it is no text.
pub fn read(context: &Context, file: Option<&Path>) -> Result<Source, Failure> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => find(context)?,
    };
    let name =
        path.file_name().map_or_else(|| FILE_NAME.to_owned(), |name| name.to_string_lossy().into_owned());
    let mut bytes = Vec::new();
    let opened = fs::File::open(&path).and_then(|file| file.take(MAX_SOURCE_BYTES).read_to_end(&mut bytes));
    if let Err(error) = opened {
        let failure = Failure::file("read", &path, &error);
        return Err(if error.kind() == std::io::ErrorKind::NotFound {
            missing(context, &path, failure)
        } else {
            failure
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(format!("`{}` is not UTF-8 text: byte {at} is none", path.display()))
            .hint("save the file as UTF-8")
    })?;
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let spelling = Spelling::of_file(&name);
    Ok(Source { shown: path.display().to_string(), name, folder, spelling, text })
}

fn missing(context: &Context, path: &Path, failure: Failure) -> Failure {
    let other = OTHER_NAMES.iter().find(|(name, _)| path.with_file_name(name).is_file());
    match other {
        Some((name, spelling)) => {
            failure.hint(format!("`{name}` is there: rename it to `{}`, which is read", spelling.file_name()))
        }
        None => failure
            .hint(format!("{} writes one with every tool that it finds", context.command("init")))
            .hint("or give the stack's folder with `--dir DIR`"),
    }
}

/// Checks a source as `faramesh dev` (`dev`) or as a stack in force would.
pub fn checked(source: &Source, dev: bool, strict_env: bool) -> Checked {
    let environment = |name: &str| std::env::var(name).ok();
    let file_name = source.name.clone();
    let packs = Catalogs::of(&source.folder);
    let options = Options { strict_env, dev, packs: &packs, ..Options::new(file_name, &environment) };
    let mut checked = check(&source.text, source.spelling, &options);
    // A person reads a file from its beginning, whichever stage found what.
    checked.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    checked
}

/// What was found in the packs of a policy.
pub fn in_packs(checked: &Checked) -> Vec<Found<'_>> {
    let packs = checked.packs.iter();
    packs
        .map(|pack| Found { file: &pack.file, source: &pack.source, diagnostics: &pack.diagnostics })
        .collect()
}

/// Reads, checks and compiles; messages about the source go to standard error.
///
/// # Errors
/// The source cannot be read or has errors.
pub fn compiled(context: &Context, dev: bool) -> Result<Compiled, Failure> {
    let source = read(context, None)?;
    let checked = checked(&source, dev, false);
    let found = Found { file: &source.shown, source: &source.text, diagnostics: &checked.diagnostics };
    for found in in_packs(&checked).into_iter().chain([found]) {
        if found.count(Severity::Error) + found.count(Severity::Warning) > 0 {
            context.console.note(&format!("{}\n", found.draw()));
        }
    }
    let Some(stack) = checked.stack else {
        return Err(Failure::new(format!("`{}` has {}", source.shown, found.tally()))
            .hint(format!("{} shows them again", context.command("check"))));
    };
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(format!("`{}` cannot be compiled: {error}", source.shown))
    };
    let bytes = faramesh_compile::compile_to_bytes(&stack).map_err(|error| unusable(&error))?;
    let program = Arc::new(load(&bytes).map_err(|error| unusable(&error))?);
    Ok(Compiled { source_name: source.name, program, bytes })
}

impl Compiled {
    /// The policy as it decides.
    ///
    /// # Errors
    /// The bytes do not load, which would be a fault of the compiler.
    pub fn program(&self) -> Result<Program, Failure> {
        readable(Path::new(&self.source_name), load(&self.bytes))
    }

    /// The policy as it is compared with others.
    ///
    /// # Errors
    /// The bytes do not read, which would be a fault of the compiler.
    pub fn policy(&self) -> Result<Policy, Failure> {
        readable(Path::new(&self.source_name), Policy::read(&self.bytes))
    }
}

/// A compiled policy's bytes; `None` when there is no such file.
///
/// # Errors
/// The file cannot be read.
pub fn load_bytes(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

/// A compiled policy that reads, or why it does not.
///
/// # Errors
/// The bytes were no compiled policy.
pub fn readable<T>(path: &Path, result: Result<T, LoadError>) -> Result<T, Failure> {
    result.map_err(|error| {
        Failure::new(format!("`{}` cannot be used: {error}", path.display()))
            .hint("remove it and run `faramesh apply`")
    })
}

/// Loads a compiled policy from a file; `None` when there is no such file.
///
/// # Errors
/// The file cannot be read or is no compiled policy.
pub fn load_file(path: &Path) -> Result<Option<(Program, Vec<u8>)>, Failure> {
    let Some(bytes) = load_bytes(path)? else { return Ok(None) };
    let program = readable(path, load(&bytes))?;
    Ok(Some((program, bytes)))
}
