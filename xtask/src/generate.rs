//! Hands `gen` over to its own program, which depends on the crates that it describes: `tidy` must not wait
//! for them.

use std::process::{Command, ExitCode};

/// Builds and runs `xtask-gen` with these words.
pub fn run(words: &[&str]) -> Result<ExitCode, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "xtask-gen", "--"])
        .args(words)
        .status()
        .map_err(|error| format!("cannot run `cargo run --package xtask-gen`: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
