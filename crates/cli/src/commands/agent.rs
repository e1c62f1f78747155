//! `faramesh agent`: how agents stand, and what a person does about one that must stop. What is done is
//! in the record before this command says that it counts.

mod token;

use clap::{Args, Subcommand};
use faramesh_call::{Object, Value, object};

use crate::client::{self, Client, RequestError};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{at, list, number, text};
use crate::views::record::safe;
use crate::views::table::{counted, one_line, pairs};
use crate::views::{json, record, time, words};

/// What `agent` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every agent and how it stands
    List,
    /// One agent: how it stands, its budgets, its last actions
    Show {
        /// The agent
        agent: String,
    },
    /// End the agent: every call is denied, its sessions and its approvals have ended
    Kill(Control),
    /// Cut the agent off: its calls are decided and recorded, and none runs
    Isolate(Control),
    /// Let the agent begin nothing new; what runs may finish
    Quiesce(Control),
    /// Let the agent work again as its policy says
    Resume(Control),
    /// Make a bearer token for an agent that calls over HTTP, and its hash for the policy
    Token,
    /// What agents have handed on to others and has not ended
    Delegations,
    /// Take back what an agent handed on
    Revoke {
        /// The delegation, as `agent delegations` lists it
        delegation: String,
        /// Why; it is recorded
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Control {
    /// The agent
    agent: String,
    /// Why; it is recorded, and the agent is told
    #[arg(long)]
    reason: Option<String>,
}

/// Runs one of the subcommands.
///
/// # Errors
/// No daemon answers, it refuses, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    if matches!(arguments.command, Command::Token) {
        token::make(context)?;
        return Ok(Exit::Success);
    }
    let mut client = client::needed(context)?;
    match &arguments.command {
        Command::Token => {}
        Command::List => {
            let reply = client.request("agent.list", Object::new())?;
            context.console.show(&reply, |value| listed(list(value, &["agents"])))?;
        }
        Command::Show { agent } => {
            let reply = client.request("agent.show", object! { "agent" => agent.as_str() });
            let value = reply.map_err(|error| told(error, context))?;
            context.console.show(&value, shown)?;
        }
        Command::Kill(what) => control("kill", what, &mut client, context)?,
        Command::Isolate(what) => control("isolate", what, &mut client, context)?,
        Command::Quiesce(what) => control("quiesce", what, &mut client, context)?,
        Command::Resume(what) => control("resume", what, &mut client, context)?,
        Command::Delegations => {
            let reply = client.request("agent.delegations", Object::new())?;
            let none = list(&reply, &["delegations"]).is_empty();
            if none && !context.console.is_for_programs() {
                context.console.note("nothing is handed on");
            } else {
                context.console.show(&reply, |value| delegations(list(value, &["delegations"])))?;
            }
        }
        Command::Revoke { delegation, reason } => {
            let reason = needed_reason("revoke", delegation, reason.as_deref(), context)?;
            let params = object! { "delegation" => delegation.as_str(), "reason" => reason };
            let value = client.request("agent.revoke", params).map_err(|error| told(error, context))?;
            context.console.show(&value, |value| {
                let made = |key: &str| safe(text(value, &["delegation", key]));
                format!(
                    "{} {}\n  {} acts for {} no longer",
                    words::bad("revoked"),
                    made("id"),
                    made("to"),
                    made("from")
                )
            })?;
        }
    }
    Ok(Exit::Success)
}

/// The reason of an operator's command, asked for on a terminal.
fn needed_reason(word: &str, what: &str, reason: Option<&str>, context: &Context) -> Result<String, Failure> {
    let reason = match reason {
        Some(reason) => reason.trim().to_owned(),
        None if context.console.can_ask() => {
            context.console.ask(&format!("why do you {word} `{what}`?"))?.trim().to_owned()
        }
        None => String::new(),
    };
    if reason.is_empty() {
        return Err(Failure::usage(format!("`agent {word}` needs a reason"))
            .hint("give one with `--reason \"…\"`; it is recorded"));
    }
    Ok(reason)
}

fn control(word: &str, what: &Control, client: &mut Client, context: &Context) -> Result<(), Failure> {
    let reason = needed_reason(word, &what.agent, what.reason.as_deref(), context)?;
    let params = object! { "agent" => what.agent.as_str(), "reason" => reason };
    let reply = client.request(&format!("agent.{word}"), params);
    let value = reply.map_err(|error| told(error, context))?;
    let value = json::versioned(value.as_object().cloned().unwrap_or_default());
    context.console.show(&value, |value| done(value.get("agent").unwrap_or(&Value::Null)))?;
    let stopped = word != "resume" && !context.console.is_for_programs();
    if stopped {
        let command = context.command(&format!("agent resume {} --reason \"…\"", what.agent));
        context.console.hint(&format!("{command} lets it work again"));
    }
    Ok(())
}

fn done(agent: &Value) -> String {
    let effect = match text(agent, &["standing"]) {
        "killed" => "every call is denied; its sessions and approvals have ended",
        "isolated" => "its calls are decided and recorded, and none runs",
        "quiesced" => "new calls are denied; what runs may finish",
        _ => "it works again as its policy says",
    };
    format!("{} {}\n  {effect}", standing(agent), safe(text(agent, &["id"])))
}

fn standing(agent: &Value) -> String {
    match text(agent, &["standing"]) {
        standing @ "running" => words::good(standing),
        standing @ "quiesced" => words::waiting(standing),
        standing => words::bad(standing),
    }
}

fn plain_standing(agent: &Value) -> String {
    let symbol = match text(agent, &["standing"]) {
        "running" => "✓",
        "quiesced" => "⧗",
        _ => "✗",
    };
    format!("{symbol} {}", text(agent, &["standing"]))
}

fn listed(agents: &[Value]) -> String {
    let row = |agent: &Value| {
        let name = safe(text(agent, &["id"]));
        let declared = json::is_true(agent, &["declared"]);
        vec![
            if declared { name } else { format!("{name} (not in the policy)") },
            plain_standing(agent),
            number(agent, &["pending_approvals"]).to_string(),
            time::age(text(agent, &["at"]), time::now()),
            text(agent, &["by"]).to_owned(),
            safe(text(agent, &["reason"])),
        ]
    };
    let header = ["AGENT", "STANDING", "WAITING", "SINCE", "BY", "REASON"];
    let rows: Vec<Vec<String>> = agents.iter().map(row).collect();
    one_line(&header, &rows, header.len() - 1)
}

fn delegations(delegations: &[Value]) -> String {
    let row = |delegation: &Value| {
        let scope =
            list(delegation, &["scope"]).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        vec![
            text(delegation, &["id"]).to_owned(),
            safe(text(delegation, &["from"])),
            safe(text(delegation, &["to"])),
            time::until(text(delegation, &["expires_at"]), time::now()),
            if scope.is_empty() { "as the policy says".to_owned() } else { safe(&scope) },
        ]
    };
    let header = ["DELEGATION", "FROM", "TO", "ENDS", "SCOPE"];
    let rows: Vec<Vec<String>> = delegations.iter().map(row).collect();
    one_line(&header, &rows, header.len() - 1)
}

fn shown(value: &Value) -> String {
    let Some(agent) = value.get("agent") else { return String::new() };
    let since = match text(agent, &["at"]) {
        "" => String::new(),
        at => format!(
            "{} ({} ago) by {}: {}",
            time::day_and_time(at),
            time::age(at, time::now()),
            text(agent, &["by"]),
            safe(text(agent, &["reason"])),
        ),
    };
    let mut rows = vec![("standing", standing(agent)), ("since", since)];
    if !json::is_true(agent, &["declared"]) {
        rows.push(("policy", "declares no agent of this name".to_owned()));
    }
    rows.push(("approvals", format!("{} waiting", counted(number(agent, &["pending_approvals"]), "call"))));
    rows.extend(list(value, &["budgets"]).iter().map(|budget| ("budget", super::status::budget(budget))));
    rows.retain(|(_, value)| !value.is_empty());
    let mut text = format!("{}\n{}", words::heading(&safe(text(agent, &["id"]))), pairs(&rows));
    let recent = at(value, &["recent"]).and_then(Value::as_list).unwrap_or_default();
    if !recent.is_empty() {
        let lines: Vec<String> =
            recent.iter().map(|line| format!("  {}", record::line(line).replace('\n', "\n  "))).collect();
        text.push_str(&format!("\n\n{}\n{}", words::heading("its last records"), lines.join("\n")));
    }
    text
}

/// What the daemon refused, with what to do about it.
fn told(error: RequestError, context: &Context) -> Failure {
    let RequestError::Refused { word, message } = &error else { return error.into() };
    let failure = Failure::new(message.clone());
    match word.as_str() {
        "UNKNOWN" if message.contains("delegation") => {
            failure.hint(format!("{} shows those under way", context.command("agent delegations")))
        }
        "UNKNOWN" => failure.hint(format!("{} shows every agent", context.command("agent list"))),
        "ALREADY" => failure.hint(format!("{} shows who did it, and why", context.command("agent list"))),
        "REASON" => failure.hint("give one with `--reason \"…\"`"),
        "LEDGER_UNAVAILABLE" => failure.hint(format!("{} shows what is wrong", context.command("status"))),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::json::parse;

    #[test]
    fn an_agent_that_stands_says_who_made_it_and_why() {
        let agents = parse(
            br#"[{"id":"a","standing":"running","declared":true,"pending_approvals":0},
                 {"id":"b","standing":"killed","declared":false,"pending_approvals":2,
                  "at":"2026-11-20T09:00:00.000Z","by":"uid:0","reason":"it paid twice"}]"#,
        )
        .unwrap();
        let table = listed(agents.as_list().unwrap());
        assert!(table.contains("✓ running") && table.contains("✗ killed"), "{table}");
        assert!(table.contains("b (not in the policy)") && table.contains("uid:0"), "{table}");
        assert!(done(&agents.as_list().unwrap()[1]).contains("approvals have ended"));
    }
}
