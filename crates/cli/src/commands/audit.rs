//! `faramesh audit`: the record of decisions, read from the ledger's files wherever there are files,
//! so that it works without a daemon and trusts none.

mod compact;
mod csv;
mod erase;
mod export;
mod ls;
mod rotate;
mod select;
mod stats;
mod tail;
mod unseal;
mod verify;
mod verify_bundle;
mod witnessed;

pub(super) use verify::read_key;

use clap::{Args, Subcommand};

pub use ls::unknown;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// What `audit` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show records as they are made, until Ctrl-C
    Tail(select::Selection),
    /// List records, the newest last
    Ls(select::Listing),
    /// Show one record whole
    Show(ls::Shown),
    /// End the key of a person, so that what was sealed for them cannot be read any more
    Erase(erase::Arguments),
    /// Send the bodies of old records to an archive
    Compact(compact::Arguments),
    /// Count decisions by effect, agent, tool and reason
    Stats(select::Listing),
    /// Check every record, link, number, policy, checkpoint and signature from the beginning
    Verify(verify::Arguments),
    /// Put a new key for checkpoints in force, while no daemon runs; the old key signs the change
    RotateKey(rotate::Arguments),
    /// Write records to a file: as a bundle that anybody can check, as JSON, lines or a table
    Export(export::Arguments),
    /// Check a bundle; needs nothing but the file
    VerifyBundle(verify_bundle::Arguments),
}

/// Runs one of the subcommands.
///
/// # Errors
/// History cannot be read, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Tail(selection) => tail::run(selection, context),
        Command::Ls(listing) => ls::run(listing, context),
        Command::Show(shown) => ls::show(shown, context),
        Command::Erase(arguments) => erase::run(arguments, context),
        Command::Compact(arguments) => compact::run(arguments, context),
        Command::Stats(listing) => stats::run(listing, context),
        Command::Verify(arguments) => verify::run(arguments, context),
        Command::RotateKey(arguments) => rotate::run(arguments, context),
        Command::Export(arguments) => export::run(arguments, context),
        Command::VerifyBundle(arguments) => verify_bundle::run(arguments, context),
    }
}
