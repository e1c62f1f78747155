//! `faramesh approvals`: the calls that wait for a person. The daemon keeps the queue and decides who
//! may answer; an answer is in the record before this command says that it counts.

mod answer;
mod grant;
mod same;
mod screen;
mod watch;

use clap::{Args, Subcommand};
use faramesh_call::{Value, object};

use crate::client::{self, Client, RequestError};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{list, text};
use crate::views::{approval, json, time};

/// What `approvals` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The calls that wait (or have another status)
    #[command(visible_alias = "pending")]
    List(Selection),
    /// One approval, with all that an approver needs to know
    Show {
        /// The approval, or the beginning of its id
        id: String,
    },
    /// Let the call run once
    Approve(answer::Arguments),
    /// Keep the call from running
    Deny(answer::Arguments),
    /// Answer beforehand: calls of a kind are permitted, so often and so long
    Grant(grant::Arguments),
    /// The standing grants that still hold
    Grants,
    /// Take a standing grant back
    Revoke {
        /// The grant, as `approvals grants` lists it
        id: String,
        /// Why; it is recorded
        #[arg(long)]
        reason: Option<String>,
    },
    /// Watch the calls that wait: on a terminal a screen with keys to open and answer them
    Watch(watch::Arguments),
    /// The calls that were answered, used or have expired
    History(Selection),
}

#[derive(Debug, Args)]
struct Selection {
    /// Of this agent only
    #[arg(long)]
    agent: Option<String>,
    /// With this status only: pending, approved, denied, expired, consumed, all
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,
    /// Deferred since then: `24h`, `2026-11-20`, `2026-11-20T09:30:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
}

const STATUSES: [&str; 6] = ["pending", "approved", "denied", "expired", "consumed", "all"];

/// Runs one of the subcommands.
///
/// # Errors
/// No daemon answers, it refuses, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    match &arguments.command {
        Command::List(selection) => listed(selection, "pending", context),
        Command::Show { id } => show(id, context),
        Command::Approve(arguments) => answer::run(arguments, true, context),
        Command::Deny(arguments) => answer::run(arguments, false, context),
        Command::Grant(arguments) => grant::run(arguments, context),
        Command::Grants => grant::listed(context),
        Command::Revoke { id, reason } => grant::revoke(id, reason.as_deref(), context),
        Command::Watch(arguments) => watch::run(arguments, context),
        Command::History(selection) => listed(selection, "settled", context),
    }
}

/// The approvals with a status (`settled` is every one but `pending`), oldest first.
fn fetch(client: &mut Client, status: &str, agent: Option<&str>) -> Result<Vec<Value>, RequestError> {
    let settled = status == "settled";
    let mut params = object! { "status" => if settled { "all" } else { status } };
    if let Some(agent) = agent {
        params.insert("agent", agent);
    }
    let reply = client.request("approvals.list", params)?;
    let mut approvals = list(&reply, &["approvals"]).to_vec();
    approvals.retain(|approval| !settled || text(approval, &["status"]) != "pending");
    Ok(approvals)
}

fn listed(selection: &Selection, default: &str, context: &Context) -> Result<Exit, Failure> {
    let now = time::now();
    let since = match &selection.since {
        Some(text) => Some(time::parse_point(text, now).map_err(Failure::usage)?),
        None => None,
    };
    let mut client = client::needed(context)?;
    let status = selection.status.as_deref().unwrap_or(default);
    let mut approvals = fetch(&mut client, status, selection.agent.as_deref())?;
    approvals.retain(|approval| {
        since.is_none_or(|since| {
            faramesh_call::Timestamp::parse(text(approval, &["deferred_at"])).is_some_and(|at| at >= since)
        })
    });
    let value = json::versioned(object! { "approvals" => approvals });
    if list(&value, &["approvals"]).is_empty() && !context.console.is_for_programs() {
        context.console.note(if status == "pending" { "nothing waits for a person" } else { "no approvals" });
        return Ok(Exit::Success);
    }
    context.console.show(&value, |value| approval::listed(list(value, &["approvals"]), now))?;
    if status == "pending" && !context.console.is_for_programs() {
        context.console.hint(&format!("{} shows one in full", context.command("approvals show ID")));
        let [approve, _] = approval::answers("ID", &context.place());
        context.console.hint(&format!("`{approve}` lets it run once"));
    }
    Ok(Exit::Success)
}

fn show(id: &str, context: &Context) -> Result<Exit, Failure> {
    let mut client = client::needed(context)?;
    let id = whole_id(&mut client, id, context)?;
    let reply = client.request("approvals.show", object! { "id" => id.as_str() });
    let value = reply.map_err(|error| told(error, &id, context))?;
    context.console.show(&value, |value| approval::shown(value, time::now()))?;
    if text(&value, &["approval", "status"]) == "pending" && !context.console.is_for_programs() {
        let [approve, deny] = approval::answers(&id, &context.place());
        context.console.hint(&format!("`{approve}`"));
        context.console.hint(&format!("`{deny}`"));
    }
    Ok(Exit::Success)
}

/// Fewest characters behind `apr-` that name an approval.
const LEAST_OF_ID: usize = 6;

/// The whole id that a person began to write, when only one approval begins so.
fn whole_id(client: &mut Client, id: &str, context: &Context) -> Result<String, Failure> {
    let approvals = fetch(client, "all", None)?;
    let ids: Vec<&str> = approvals.iter().map(|approval| text(approval, &["id"])).collect();
    if ids.contains(&id) {
        return Ok(id.to_owned());
    }
    let begun = id.strip_prefix("apr-").unwrap_or(id);
    let begins = |known: &&&str| known.strip_prefix("apr-").is_some_and(|known| known.starts_with(begun));
    let found: Vec<&&str> = ids.iter().filter(begins).collect();
    match found.as_slice() {
        // A slip of the finger must not answer whatever waits.
        [_, ..] if begun.len() < LEAST_OF_ID => Err(Failure::usage(format!(
            "`{id}` is too short: an approval is named by {LEAST_OF_ID} characters of its id or more"
        ))
        .hint(format!("{} shows those that wait", context.command("approvals list")))),
        [one] => Ok((**one).to_owned()),
        [] => Err(Failure::new(format!("there is no approval `{id}`"))
            .hint(format!("{} shows those that wait", context.command("approvals list")))),
        several => Err(Failure::usage(format!("{} approvals begin with `{id}`", several.len()))
            .hint("write more of the id")),
    }
}

/// What the daemon refused, with what to do about it.
fn told(error: RequestError, id: &str, context: &Context) -> Failure {
    let RequestError::Refused { word, message } = &error else { return error.into() };
    let failure = Failure::new(message.clone());
    match word.as_str() {
        "UNKNOWN" => failure.hint(format!("{} shows those that wait", context.command("approvals list"))),
        "NOT_PENDING" => failure
            .hint(format!("{} shows who answered it", context.command(&format!("approvals show {id}")))),
        "SAME_PERSON" => failure
            .hint("somebody else must answer: the agent and the approver may not be the same user")
            .hint(format!(
                "as another user: `sudo -u NAME faramesh approvals approve {id}{}`",
                context.place()
            ))
            .hint("or run the agent as a user of its own, with `runtime { socket_group = \"…\" }`")
            .hint("under `faramesh dev` one person may do both"),
        "ANSWERED_ALREADY" => failure.hint("somebody else must approve as well"),
        "REASON" => failure.hint("give one with `--reason \"…\"`"),
        "LEDGER_UNAVAILABLE" => failure.hint(format!("{} shows what is wrong", context.command("status"))),
        _ => failure,
    }
}
