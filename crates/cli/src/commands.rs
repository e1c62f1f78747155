//! One file per command; each has its arguments, its work, and its text view beside the JSON one.

pub mod agent;
pub mod apply;
pub mod approvals;
pub mod audit;
pub mod check;
pub mod completions;
pub mod daemon;
pub mod destroy;
pub mod dev;
pub mod explain;
pub mod fmt;
pub mod init;
pub mod lsp;
pub mod plan;
pub mod prices;
pub mod rollback;
pub mod status;
pub mod test;
pub mod version;
pub mod witness;

use crate::arguments::Command;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs one command.
///
/// # Errors
/// It could not do its work; the error says why and what to do.
pub fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments, context),
        Command::Check(arguments) => check::run(&arguments, context),
        Command::Fmt(arguments) => fmt::run(&arguments, context),
        Command::Plan(arguments) => plan::run(&arguments, context),
        Command::Apply(arguments) => apply::run(&arguments, context),
        Command::Dev(arguments) => dev::run(&arguments, context),
        Command::Prices(arguments) => prices::run(&arguments, context),
        Command::Rollback(arguments) => rollback::run(&arguments, context),
        Command::Status(arguments) => status::run(&arguments, context),
        Command::Agent(arguments) => agent::run(&arguments, context),
        Command::Approvals(arguments) => approvals::run(&arguments, context),
        Command::Audit(arguments) => audit::run(&arguments, context),
        Command::Explain(arguments) => explain::run(&arguments, context),
        Command::Destroy(arguments) => destroy::run(&arguments, context),
        Command::Lsp(arguments) => lsp::run(&arguments, context),
        Command::Test(arguments) => test::run(&arguments, context),
        Command::Witness(arguments) => witness::run(&arguments, context),
        Command::Version => version::run(context),
        Command::Completions(arguments) => completions::run(&arguments, context),
        Command::Daemon(arguments) => daemon::run(&arguments, context),
    }
}
