//! `faramesh completions`: a shell's completions, made from the definitions of the commands.

use clap::Args;
use clap_complete::Shell;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// What `completions` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// The output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = crate::command();
    clap_complete::generate(arguments.shell, &mut command, "faramesh", &mut script);
    context.console.bytes(script.trim_ascii_end())?;
    Ok(Exit::Success)
}
