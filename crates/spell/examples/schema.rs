//! Writes docs/reference/governance.schema.json, or compares it with `--check`: `cargo xtask schema`.
#![allow(clippy::print_stdout, reason = "a chore talks to the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

/// Where the schema stands in the repository.
const PLACE: &str = "docs/reference/governance.schema.json";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<String, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).ok_or("run it with cargo")?;
    let path = root.join("../..").join(PLACE);
    let text = faramesh_spell::schema();
    match words.as_slice() {
        ["--check"] if std::fs::read_to_string(&path).is_ok_and(|written| written == text) => {
            Ok(format!("schema: {PLACE} is up to date"))
        }
        ["--check"] => {
            Err(format!("error: {PLACE} is not what the definitions say\n  help: run `cargo xtask schema`"))
        }
        [] => {
            let folder = path.parent().ok_or("no folder")?;
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            std::fs::write(&path, text).map_err(|error| format!("cannot write `{PLACE}`: {error}"))?;
            Ok(format!("wrote {PLACE}"))
        }
        _ => Err("usage: cargo xtask schema [--check]".to_owned()),
    }
}
