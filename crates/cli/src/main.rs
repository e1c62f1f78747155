//! The `faramesh` command: one binary for people and programs.
//!
//! `arguments` is what can be written, `commands/` has one file per command, `views/` is how results
//! look; `exit` and `failure` are how a command ends. Data goes to standard output, everything else
//! to standard error.

mod arguments;
mod client;
mod commands;
mod console;
mod context;
mod detect;
mod exit;
mod failure;
mod history;
mod policy;
mod views;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use context::Context;
use exit::Exit;
use failure::Failure;

/// A decision's memory is taken on one thread and given back on another, after the sync; with many
/// clients the C library's allocator spends a quarter of the daemon's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
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
