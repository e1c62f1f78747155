//! `faramesh daemon`: the process that `apply` starts. It loads the compiled policy of its folder, and
//! what it says goes to `.faramesh/daemon.log`.

use clap::Args;
use faramesh_daemon::{Daemon, Layout, LedgerKind, Options};
use faramesh_program::image::OnLoadFailure;

use crate::commands::dev::{not_started, refuse_a_second};
use crate::context::{Context, home, user};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy::load_file;
use crate::views::time;

/// Most policies of before that are tried.
const MAX_PAST: usize = 100;

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

/// The bytes of the policy to start with; `None` when there is none.
fn policy(layout: &Layout, context: &Context) -> Result<Option<Vec<u8>>, Failure> {
    let failure = match load_file(&layout.policy()) {
        Ok(found) => return Ok(found.map(|(_, bytes)| bytes)),
        Err(failure) => failure,
    };
    // What was in force last says itself whether it may go on.
    let last =
        layout.past_policies().into_iter().take(MAX_PAST).find_map(|path| load_file(&path).ok().flatten());
    match last {
        Some((program, bytes)) if program.system.on_policy_load_failure == OnLoadFailure::KeepLast => {
            context.console.warn(&format!(
                "{} cannot be loaded; `on_policy_load_failure = \"keep_last\"`: {} goes on",
                layout.policy().display(),
                program.hash_text()
            ));
            Ok(Some(bytes))
        }
        _ => Err(failure),
    }
}

fn options(layout: &Layout, source: &str, context: &Context) -> Result<Options, Failure> {
    let Some(bytes) = policy(layout, context)? else {
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
