//! Hands `schema` over to the crate that makes it: `tidy` must not wait for what that depends on.

use std::process::{Command, ExitCode};

/// Builds and runs the program that writes or compares the schema.
pub fn run(words: &[&str]) -> Result<ExitCode, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "faramesh-spell", "--example", "schema", "--"])
        .args(words)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
