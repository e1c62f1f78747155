//! `faramesh dev`: the whole stack in this process, with decisions on the screen as they are made.
//!
//! The ledger is in memory unless `--persist` names a folder, and callers are believed when they say
//! who they are: the banner says so, and so does every record.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use faramesh_call::{Value, json as exact, object};
use faramesh_daemon::{Daemon, LedgerKind, Options, StartError, Stopped, admin_socket_of};
use faramesh_ledger::Event;

use crate::client;
use crate::context::{Context, home, user};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy::{self, Compiled};
use crate::views::json::{number, text};
use crate::views::table::counted;
use crate::views::{approval, record, words};

/// Records that wait for a slow terminal.
const FOLLOWED_RECORDS: usize = 8_192;
/// How long one wait for a record is.
const WAIT: Duration = Duration::from_secs(1);

/// What `dev` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Keep the ledger in this folder instead of in memory
    #[arg(long, value_name = "DIR")]
    persist: Option<PathBuf>,
}

/// Runs the stack until it is stopped.
///
/// # Errors
/// The policy has errors, or the daemon does not come up.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    refuse_a_second(context)?;
    let compiled = policy::compiled(context, true)?;
    let directory = context.directory()?;
    let ledger = match &arguments.persist {
        None => LedgerKind::Memory,
        Some(folder) => LedgerKind::DiskAt(std::env::current_dir()?.join(folder)),
    };
    let options = Options {
        directory,
        program: compiled.bytes.clone(),
        policy_source: compiled.source_name.clone(),
        started_by: user(),
        dev: true,
        ledger,
        home: home()?,
    };
    let daemon = Daemon::start(options).map_err(|error| not_started(&error, context))?;
    daemon.stop_on_signals().map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
    let followed = daemon.gate().ledger().subscribe(FOLLOWED_RECORDS, None);
    announce(context, &daemon, &compiled, arguments)?;
    let stop = daemon.stop_handle();
    let waiting = thread::Builder::new().name("wait".to_owned()).spawn(move || daemon.wait())?;
    let mut seen = Seen::default();
    let result = follow(context, &followed, &mut seen);
    if result.is_err() {
        // Nobody reads any more: the agents must not go on under a daemon that nobody watches.
        stop.stop(faramesh_daemon::StopReason::Operator);
    }
    let stopped = waiting.join().map_err(|_| Failure::new("the daemon ended with a fault"))?;
    context.console.note(&seen.summary(&stopped, context, arguments));
    result.map(|()| Exit::Success)
}

/// Commands find a stack's daemon by its folder, so there is one at a time.
///
/// # Errors
/// A daemon of this stack runs.
pub fn refuse_a_second(context: &Context) -> Result<(), Failure> {
    let Some((_, status)) = client::of_stack(context)? else { return Ok(()) };
    let pid = number(&status, &["daemon", "pid"]);
    let failure = Failure::new(format!("a daemon of this stack runs already, pid {pid}"));
    Err(failure
        .hint(format!("{} gives it the policy as it is now", context.command("apply")))
        .hint(format!("{} stops it", context.command("apply --stop"))))
}

/// Why the daemon did not come up, and what to do.
pub fn not_started(error: &StartError, context: &Context) -> Failure {
    let failure = Failure::new(format!("the daemon cannot start: {error}"));
    match error {
        StartError::Ledger(_) => failure
            .hint(format!("{} names the file and the record", context.command("audit verify")))
            .hint("another daemon may hold this ledger: `faramesh status` shows it"),
        StartError::Listen(_) => failure
            .hint(format!("{} shows the daemon that holds the socket", context.command("status")))
            .hint("name another socket with `runtime { socket = \"…\" }`"),
        _ => failure,
    }
}

fn announce(
    context: &Context,
    daemon: &Daemon,
    compiled: &Compiled,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let socket = daemon.socket().display().to_string();
    if context.console.is_for_programs() {
        let ready = object! {
            "event" => "ready",
            "socket" => socket,
            "admin_socket" => admin_socket_of(daemon.socket()).display().to_string(),
            "stack" => daemon.stack(),
            "policy_hash" => compiled.program.hash_text(),
        };
        return context.console.bytes(&exact::canonical(&Value::Object(ready)));
    }
    let console = context.console;
    let agents: Vec<&str> = compiled.program.agents().iter().map(|agent| agent.name.as_ref()).collect();
    let ledger = match &arguments.persist {
        None => "in memory, gone when this ends (`--persist DIR` keeps it)".to_owned(),
        Some(folder) => format!("in {}", folder.display()),
    };
    // A ledger on disk is signed as under `apply`.
    let off = match &arguments.persist {
        None => "attested identity (agents name themselves), signatures, sandbox",
        Some(_) => "attested identity (agents name themselves), sandbox",
    };
    console.note(&format!("{} governs {}", words::heading("faramesh dev"), agents.join(", ")));
    console.note(&crate::views::table::pairs(&[
        ("  policy", format!("{} ({})", compiled.source_name, short(compiled.program.hash_text()))),
        ("  socket", socket.clone()),
        ("  ledger", ledger),
        ("  off", off.to_owned()),
    ]));
    console.note("\nIn the agent's shell:");
    console.note(&format!("  export FARAMESH_SOCKET={socket}\n"));
    console.note(&words::faint("Decisions appear here. Ctrl-C stops."));
    Ok(())
}

/// The beginning of a policy's hash.
pub fn short(hash: &str) -> &str {
    let end = "sha256:".len() + 12;
    hash.get(..end).unwrap_or(hash)
}

fn follow(
    context: &Context,
    followed: &faramesh_ledger::Subscription,
    seen: &mut Seen,
) -> Result<(), Failure> {
    loop {
        match followed.next_within(WAIT) {
            Some(Event::Record(bytes)) if context.console.is_for_programs() => {
                seen.count(&exact::parse(&bytes).unwrap_or_default());
                context.console.bytes(&bytes)?;
            }
            Some(Event::Record(bytes)) => {
                let record = exact::parse(&bytes).unwrap_or_default();
                seen.count(&record);
                if let Some(shown) = shown(&record, &context.place()) {
                    context.console.out(&shown)?;
                }
            }
            Some(Event::Lagged(records)) if context.console.is_for_programs() => {
                let lagged = object! { "event" => "lagged", "records" => records };
                context.console.bytes(&exact::canonical(&Value::Object(lagged)))?;
            }
            Some(Event::Lagged(records)) => {
                let skipped = counted(records, "record");
                context.console.out(&words::faint(&format!(
                    "… {skipped} not shown: they came faster than the screen"
                )))?;
            }
            Some(Event::Closed) => return Ok(()),
            None => {}
        }
    }
}

/// A record as the screen shows it; the daemon's own life is not news here.
fn shown(record: &Value, place: &str) -> Option<String> {
    let kind = text(record, &["kind"]);
    if !matches!(kind, "decision" | "approval" | "policy") {
        return None;
    }
    let mut shown = record::line(record);
    let waits = text(record, &["effect"]) == "defer" && text(record, &["approval", "status"]) == "pending";
    if kind == "decision" && waits {
        let [approve, deny] = approval::answers(text(record, &["approval", "id"]), place);
        shown.push_str(&format!("\n{0}{approve}\n{0}{deny}", record::INDENT));
    }
    Some(shown)
}

/// What was seen, for the last line.
#[derive(Debug, Default)]
struct Seen {
    permits: u64,
    defers: u64,
    denies: u64,
    answers: u64,
}

impl Seen {
    fn count(&mut self, record: &Value) {
        match (text(record, &["kind"]), text(record, &["effect"])) {
            ("decision", "permit") => self.permits += 1,
            ("decision", "defer") => self.defers += 1,
            ("decision", "deny") => self.denies += 1,
            ("approval", _) => self.answers += 1,
            _ => {}
        }
    }

    fn summary(&self, stopped: &Stopped, context: &Context, arguments: &Arguments) -> String {
        let decisions = self.permits + self.defers + self.denies;
        let mut text = format!(
            "\n{} ({} permitted, {} deferred, {} denied), {}; stopped by {}",
            counted(decisions, "decision"),
            self.permits,
            self.defers,
            self.denies,
            counted(self.answers, "answer"),
            stopped.reason.as_str(),
        );
        if stopped.abandoned > 0 {
            let abandoned = u64::try_from(stopped.abandoned).unwrap_or(u64::MAX);
            text.push_str(&format!("; {} had no reply in time", counted(abandoned, "call")));
        }
        match &arguments.persist {
            Some(folder) => {
                let words = format!("audit verify --ledger {}", folder.display());
                text.push_str(&format!("\nthe record stays: {}", context.command(&words)));
            }
            None => text.push_str("\nthe record was in memory and is gone"),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defer_shows_the_commands_that_answer_it() {
        let record = exact::parse(
            br#"{"kind":"decision","effect":"defer","code":"POLICY_DEFER","tool":"t","agent":"a","reason":"r",
            "approval":{"id":"apr-1","status":"pending"},"time":"2026-11-20T09:30:00.123Z","rule":{"ref":"governance.fms:9"}}"#,
        )
        .unwrap();
        let text = anstream::adapter::strip_str(&shown(&record, " --dir x").unwrap()).to_string();
        assert!(text.contains("⧗ defer   a  t  governance.fms:9"), "{text}");
        assert!(text.contains("faramesh approvals approve apr-1 --dir x --reason"), "{text}");
        let lifecycle = exact::parse(br#"{"kind":"lifecycle","time":"2026-11-20T09:30:00.123Z"}"#).unwrap();
        assert_eq!(shown(&lifecycle, ""), None);
    }

    #[test]
    fn hashes_are_shortened() {
        assert_eq!(short("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short("x"), "x");
    }
}
