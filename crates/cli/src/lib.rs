//! The `faramesh` command: one binary for people and programs. A library beside it, so that the
//! reference and the man pages are made from the same definitions.
//!
//! `arguments` is what can be written, `commands/` has one file per command, `views/` is how results
//! look; `bundle` writes bundles; `recorded` is calls to be decided again; `exit` and `failure` are how a command ends. Data goes to standard output, everything else
//! to standard error.

mod arguments;
mod bundle;
mod catalog;
mod client;
mod commands;
mod console;
mod context;
mod detect;
mod exit;
mod failure;
mod history;
mod policy;
mod recorded;
mod views;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::Arguments;
use context::Context;
use exit::Exit;
use failure::Failure;

/// The command with all of its flags, as help, completions and references show it.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Reads the command line of this process, does what it says, and gives how the process ends.
#[must_use]
pub fn run() -> ExitCode {
    // Before the arguments are read, because their errors are coloured too.
    if std::env::args_os().any(|argument| argument == "--no-color") {
        anstream::ColorChoice::Never.write_global();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    let context = Context::new(&arguments.global);
    match commands::run(arguments.command, &context) {
        Ok(exit) => exit.into(),
        Err(Failure::OutputClosed) => Exit::Success.into(),
        Err(Failure::Told(told)) => {
            context.console.failure(&told);
            told.exit.into()
        }
    }
}
