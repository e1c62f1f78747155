//! A policy in another spelling: written beside the one that is there, which stays, and never over
//! anything.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use faramesh_call::{Object, Value, object};
use faramesh_spell::{Converted, Spelling};

use super::converted;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy::Source;
use crate::views::json;
use crate::views::table::counted;

/// Writes `source` in another spelling; gives what was done.
pub(super) fn write(context: &Context, source: &Source, to: Spelling) -> Result<Object, Failure> {
    let converted = converted(context, source, to)?;
    let path = beside(Path::new(&source.shown), to);
    let created = fs::OpenOptions::new().write(true).create_new(true).open(&path);
    match created
        .and_then(|mut file| file.write_all(converted.text.as_bytes()).and_then(|()| file.sync_all()))
    {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("`{}` exists already and is not overwritten", path.display());
            let word = name(to);
            return Err(Failure::with(Exit::Exists, message).hint(format!(
                "move it away, or write elsewhere: `faramesh fmt --from {} --to {word} - < {}`",
                name(source.spelling),
                source.shown
            )));
        }
        Err(error) => return Err(Failure::file("write", &path, &error)),
    }
    left_out(context, source, &converted);
    Ok(object! {
        "from" => source.shown.as_str(),
        "to" => path.display().to_string(),
        "comments_left_out" => u64::try_from(converted.comments_left_out).unwrap_or(u64::MAX),
    })
}

/// Says what the other spelling could not hold.
pub(super) fn left_out(context: &Context, source: &Source, converted: &Converted) {
    let count = u64::try_from(converted.comments_left_out).unwrap_or(u64::MAX);
    if count > 0 {
        let comments = counted(count, "comment");
        context.console.warn(&format!("{comments} of `{}` left out: JSON has no comments", source.shown));
    }
    if converted.schema_left_out {
        context.console.warn(&format!("`$schema` of `{}` is left out: FPL has none", source.shown));
    }
}

/// Shows what was written.
pub(super) fn show(context: &Context, written: Vec<Object>, formatted: Vec<String>) -> Result<(), Failure> {
    let value = json::versioned(object! {
        "converted" => written.into_iter().collect::<Value>(),
        "changed" => formatted.into_iter().collect::<Value>(),
    });
    context.console.show(&value, text)?;
    context.console.hint("one file governs a stack: remove the old one when the new one is what you want");
    Ok(())
}

fn text(value: &Value) -> String {
    let field = |item: &Value, key: &str| json::text(item, &[key]).to_owned();
    let mut lines: Vec<String> = json::list(value, &["changed"])
        .iter()
        .map(|file| format!("formatted: {}", file.as_str().unwrap_or_default()))
        .collect();
    lines.extend(
        json::list(value, &["converted"])
            .iter()
            .map(|item| format!("wrote: {} (from {})", field(item, "to"), field(item, "from"))),
    );
    lines.join("\n")
}

/// The word for a spelling on the command line.
fn name(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::Fms => "fms",
        Spelling::Yaml => "yaml",
        Spelling::Json => "json",
    }
}

/// The path of the same policy in another spelling.
fn beside(path: &Path, to: Spelling) -> PathBuf {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let stem =
        [".yaml", ".yml", ".json"].iter().find_map(|suffix| file.strip_suffix(suffix)).unwrap_or(&file);
    let stem = stem.strip_suffix(".fms").unwrap_or(stem);
    path.with_file_name(match to {
        Spelling::Fms => format!("{stem}.fms"),
        other => format!("{stem}.fms.{}", name(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside() {
        for (path, to, expected) in [
            ("governance.fms", Spelling::Yaml, "governance.fms.yaml"),
            ("a/governance.fms.yaml", Spelling::Json, "a/governance.fms.json"),
            ("a/governance.fms.json", Spelling::Fms, "a/governance.fms"),
            ("policy.yml", Spelling::Fms, "policy.fms"),
            ("policy", Spelling::Yaml, "policy.fms.yaml"),
        ] {
            assert_eq!(beside(Path::new(path), to), Path::new(expected));
        }
    }
}
