//! `faramesh daemon`: the process that `apply` starts. It loads the compiled policy of its folder, and
//! what it says goes to `.faramesh/daemon.log`.

use clap::Args;
use faramesh_daemon::{Daemon, Layout, LedgerKind, Options};

use crate::commands::dev::{not_started, refuse_a_second};
use crate::context::{Context, home, user};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::time;

/// What `daemon` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Leave the terminal's session
    #[arg(long)]
    detach: bool,
    /// The name of the policy's source, for people
    #[arg(long, default_value = crate::policy::FILE_NAME)]
    source: String,
}

/// Runs the daemon until it is stopped.
///
/// # Errors
/// There is no compiled policy, or the daemon does not come up.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    if arguments.detach {
        // A process that leads its group cannot leave; then it has left already.
        let _ = rustix::process::setsid();
    }
    serve(context, &arguments.source)
}

/// Runs the stack's compiled policy in this process.
///
/// # Errors
/// As [`run`].
pub fn serve(context: &Context, source: &str) -> Result<Exit, Failure> {
    refuse_a_second(context)?;
    let layout = context.layout()?;
    let options = options(&layout, source, context)?;
    let console = context.console;
    console.note(&format!("{} starting, pid {}", time::now(), std::process::id()));
    let daemon = Daemon::start(options).map_err(|error| not_started(&error, context))?;
    daemon.stop_on_signals().map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
    console.note(&format!("{} READY, agents at {}", time::now(), daemon.socket().display()));
    let stopped = daemon.wait();
    let abandoned = match stopped.abandoned {
        0 => String::new(),
        calls => format!(", {calls} calls had no reply in time"),
    };
    console.note(&format!("{} stopped by {}{abandoned}", time::now(), stopped.reason.as_str()));
    Ok(Exit::Success)
}

fn options(layout: &Layout, source: &str, context: &Context) -> Result<Options, Failure> {
    let Some((_, bytes)) = crate::policy::load_file(&layout.policy())? else {
        return Err(Failure::new("there is no compiled policy in this folder")
            .hint(format!("{} makes one and starts the daemon", context.command("apply"))));
    };
    Ok(Options {
        directory: layout.directory().to_owned(),
        program: bytes,
        policy_source: source.to_owned(),
        started_by: user(),
        dev: false,
        ledger: LedgerKind::Disk,
        home: home()?,
    })
}
