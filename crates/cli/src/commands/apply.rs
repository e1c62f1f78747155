//! `faramesh apply`: the policy in force. A daemon that runs gets the new program between two
//! decisions; where none runs, one is started in the background and waited for until it is READY.
//! Applying the same policy again changes nothing.

mod background;

use std::path::PathBuf;

use clap::Args;
use faramesh_call::{Object, Value, object};
use faramesh_daemon::Layout;
use faramesh_plan::Policy;
use faramesh_program::hex;

use crate::client::{self, Client, RequestError};
use crate::commands::daemon::serve;
use crate::commands::dev::{refuse_a_second, short};
use crate::commands::plan::{self, saved::Saved};
use crate::context::{Context, user};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy::{self, Compiled};
use crate::views::json::text;
use crate::views::{json, words};

pub use background::stop;

/// What `apply` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A plan that `plan --out FILE` kept: exactly that is put in force, when nothing changed since
    #[arg(value_name = "FILE", conflicts_with = "stop")]
    plan: Option<PathBuf>,
    /// Stop the stack's daemon
    #[arg(long)]
    stop: bool,
    /// Run the daemon in this process
    #[arg(long, conflicts_with = "stop")]
    foreground: bool,
    /// Use no network (there is nothing to fetch yet)
    #[arg(long)]
    offline: bool,
}

/// Puts the policy in force.
///
/// # Errors
/// The policy has errors, the daemon does not come up, or it refuses the policy.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    if arguments.stop {
        return stopped(context);
    }
    if arguments.foreground {
        refuse_a_second(context)?;
    }
    let running = client::of_stack(context)?;
    let dev = running.as_ref().is_some_and(|(_, status)| text(status, &["daemon", "runtime_mode"]) == "dev");
    let layout = context.layout()?;
    let before = plan::in_force(&layout, running.as_ref().map(|(_, status)| status))?;
    let compiled = match &arguments.plan {
        Some(path) => planned(plan::saved::read(path)?, before.as_ref(), context)?,
        None => policy::compiled(context, dev)?,
    };
    if let Some((client, status)) = running {
        if dev {
            context
                .console
                .note("the daemon that runs is `faramesh dev`'s: it gets the policy and ends with it");
        }
        return swap(client, &status, &compiled, before.as_ref(), context);
    }
    show_changes(before.as_ref(), &compiled.policy()?, context);
    keep(&layout, &compiled)?;
    if arguments.foreground {
        return serve(context, &compiled.source_name);
    }
    let status = background::start(&layout, &compiled.source_name, context)?;
    let changed = before.is_none_or(|before| before.hash() != compiled.program.hash_text());
    report(context, "started", changed, None, &status)
}

/// The policy of a plan, when what it was compared with is in force still, or the plan itself is.
fn planned(saved: Saved, before: Option<&Policy>, context: &Context) -> Result<Compiled, Failure> {
    let now = before.map(Policy::hash);
    if now == saved.from.as_deref() || now == Some(saved.compiled.program.hash_text()) {
        return Ok(saved.compiled);
    }
    let name =
        |hash: Option<&str>| hash.map_or_else(|| "no policy".to_owned(), |hash| short(hash).to_owned());
    let (then, now) = (name(saved.from.as_deref()), name(now));
    Err(Failure::new(format!("the plan was made when {then} was in force, and {now} is by now"))
        .hint(format!("{} makes another", context.command("plan --out FILE"))))
}

/// The policy's bytes where the daemon finds them when it starts.
fn keep(layout: &Layout, compiled: &Compiled) -> Result<(), Failure> {
    let kept =
        layout.create().and_then(|()| layout.keep_policy(compiled.program.hash_text(), &compiled.bytes));
    kept.map_err(|error| Failure::file("write to", &layout.runtime_folder(), &error))
}

pub(super) fn show_changes(before: Option<&Policy>, after: &Policy, context: &Context) {
    let changes = faramesh_plan::compare(before, after);
    if let Some(text) = plan::changes_text(&changes.to_value()) {
        context.console.note(&format!("{text}\n"));
    }
}

fn swap(
    mut client: Client,
    status: &Value,
    compiled: &Compiled,
    before: Option<&Policy>,
    context: &Context,
) -> Result<Exit, Failure> {
    let hash = compiled.program.hash_text();
    let after = compiled.policy()?;
    // A rule that is on another line is the same rule; its records should name the new line.
    let lines_moved = before.is_none_or(|before| before.sources() != after.sources());
    // A file beside the policy may say something else by now.
    let has_files = compiled.program.providers.iter().any(|provider| provider.kind == "price-table");
    if text(status, &["daemon", "policy_hash"]) == hash && !lines_moved && !has_files {
        return report(context, "unchanged", false, Some(hash), status);
    }
    show_changes(before, &after, context);
    let params = object! {
        "program" => hex(&compiled.bytes),
        "source" => compiled.source_name.as_str(),
        "by" => user(),
        // Nothing is replaced that was not compared.
        "if_policy" => text(status, &["daemon", "policy_hash"]),
    };
    let reply = client.request("apply", params).map_err(|error| refused(error, context))?;
    let changed = json::is_true(&reply, &["changed"]);
    let previous = text(&reply, &["previous_hash"]).to_owned();
    let status = client.request("status", Object::new())?;
    report(context, if changed { "swapped" } else { "unchanged" }, changed, Some(&previous), &status)
}

pub(super) fn refused(error: RequestError, context: &Context) -> Failure {
    let RequestError::Refused { word, message } = &error else { return error.into() };
    let failure = Failure::new(message.clone());
    match word.as_str() {
        "RESTART_NEEDED" => failure
            .hint("the running policy stays in force; a swap cannot change this setting")
            .hint(format!("{}, then {}", context.command("apply --stop"), context.command("apply"))),
        "POLICY_CHANGED" => {
            failure.hint(format!("{} shows what is in force", context.command("rollback --list")))
        }
        "DAEMON_NOT_READY" => failure.hint(format!("{} shows where it stands", context.command("status"))),
        "LEDGER_UNAVAILABLE" => failure.hint(format!("{} shows what is wrong", context.command("status"))),
        _ => failure,
    }
}

fn report(
    context: &Context,
    action: &str,
    changed: bool,
    previous: Option<&str>,
    status: &Value,
) -> Result<Exit, Failure> {
    let value = json::versioned(object! {
        "action" => action,
        "changed" => changed,
        "policy_hash" => text(status, &["daemon", "policy_hash"]),
        "previous_hash" => previous.map(str::to_owned),
        "pid" => json::number(status, &["daemon", "pid"]),
        "socket" => text(status, &["daemon", "socket"]),
        "stack" => text(status, &["stack"]),
    });
    context.console.show(&value, view)?;
    if !context.console.is_for_programs() {
        for warning in json::list(status, &["warnings"]) {
            context.console.note(&format!("  ! {}", warning.as_str().unwrap_or_default()));
        }
        if action == "started" {
            context.console.note(&format!(
                "\nIn the agent's shell:\n  export FARAMESH_SOCKET={}",
                text(&value, &["socket"])
            ));
        }
    }
    Ok(Exit::Success)
}

fn view(value: &Value) -> String {
    let policy = short(text(value, &["policy_hash"])).to_owned();
    match text(value, &["action"]) {
        "started" => {
            let pid = json::number(value, &["pid"]);
            format!("{}: policy {policy} is in force, daemon pid {pid}", words::good("started"))
        }
        "swapped" => {
            let previous = short(text(value, &["previous_hash"])).to_owned();
            format!(
                "{}: policy {policy} is in force instead of {previous}; calls in flight keep theirs",
                words::good("swapped")
            )
        }
        _ => format!("{}: policy {policy} is in force already", words::good("no changes")),
    }
}

fn stopped(context: &Context) -> Result<Exit, Failure> {
    let Some((client, status)) = client::of_stack(context)? else {
        context.console.show(&json::versioned(object! { "action" => "none" }), |_| {
            "no daemon of this stack runs".to_owned()
        })?;
        return Ok(Exit::Success);
    };
    stop(client, &status)?;
    let value = json::versioned(
        object! { "action" => "stopped", "pid" => json::number(&status, &["daemon", "pid"]) },
    );
    context
        .console
        .show(&value, |value| format!("{}: pid {}", words::good("stopped"), json::number(value, &["pid"])))?;
    Ok(Exit::Success)
}
