//! A plan that was looked at, to be applied as it is: the compiled policy, and the one that it was compared with.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use faramesh_call::{Value, json as exact, object};
use faramesh_program::{hex, load, unhex};

use crate::failure::Failure;
use crate::policy::Compiled;
use crate::views::json::{at, text};

/// What the file says that it is.
const KIND: &str = "faramesh.plan/1";
/// Largest plan that is read: a program is far smaller.
const MAX_BYTES: u64 = 256 << 20;

/// A plan from a file.
#[derive(Debug)]
pub struct Saved {
    /// The policy to be put in force.
    pub compiled: Compiled,
    /// The hash of the policy that it was compared with; `None` when there was none.
    pub from: Option<String>,
}

/// Writes a plan, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, compiled: &Compiled, from: Option<&str>) -> Result<(), Failure> {
    let value = object! {
        "kind" => KIND,
        "source" => compiled.source_name.as_str(),
        "policy" => object! { "from" => from, "to" => compiled.program.hash_text() },
        "program" => hex(&compiled.bytes),
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let beside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(&exact::canonical(&Value::Object(value)))?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|error| Failure::file("write", path, &error))
}

/// Reads a plan.
///
/// # Errors
/// The file cannot be read, is no plan, or is not as it was written.
pub fn read(path: &Path) -> Result<Saved, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    if fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        return Err(no_plan(path, "it is larger than 256 MiB"));
    }
    let bytes = fs::read(path).map_err(failed)?;
    let value = exact::parse(&bytes).map_err(|error| no_plan(path, &error.to_string()))?;
    if text(&value, &["kind"]) != KIND {
        return Err(no_plan(path, &format!("`kind` is not `{KIND}`")));
    }
    let bytes = unhex(text(&value, &["program"])).ok_or_else(|| no_plan(path, "`program` is damaged"))?;
    let program = load(&bytes).map_err(|error| no_plan(path, &error.to_string()))?;
    if program.hash_text() != text(&value, &["policy", "to"]) {
        return Err(no_plan(path, "the policy in it is not the one that it names"));
    }
    let from = at(&value, &["policy", "from"]).and_then(Value::as_str).map(str::to_owned);
    let source_name = text(&value, &["source"]).to_owned();
    Ok(Saved { compiled: Compiled { source_name, program: Arc::new(program), bytes }, from })
}

fn no_plan(path: &Path, why: &str) -> Failure {
    Failure::new(format!("`{}` is no plan: {why}", path.display()))
        .hint("`faramesh plan --out FILE` writes one")
}
