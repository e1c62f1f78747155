//! `approvals approve` and `approvals deny`: a person's answer, with its reason.

use clap::Args;
use faramesh_call::{Value, object};

use super::{same, told, whole_id};
use crate::client;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{list, number, text};
use crate::views::record::{safe, short_args};
use crate::views::{approval, json, time, words};

/// What `approve` and `deny` take.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The approval, or the beginning of its id
    id: String,
    /// Why; it is recorded, and the agent is told when the answer is no
    #[arg(long)]
    pub(super) reason: Option<String>,
    /// Answer every call that waits with the same tool and exactly the same arguments, of whichever agent
    #[arg(long)]
    same: bool,
    /// With `--same`: do not ask whether to answer all of them
    #[arg(long, requires = "same")]
    pub(super) yes: bool,
}

/// Answers one approval.
///
/// # Errors
/// There is no reason, no daemon answers, or it refuses.
pub fn run(arguments: &Arguments, approved: bool, context: &Context) -> Result<Exit, Failure> {
    let mut client = client::needed(context)?;
    let id = whole_id(&mut client, &arguments.id, context)?;
    if arguments.same {
        return same::run(&mut client, &id, arguments, approved, context);
    }
    let method = if approved { "approvals.approve" } else { "approvals.deny" };
    let reason = match &arguments.reason {
        Some(reason) => reason.trim().to_owned(),
        None => {
            if context.console.can_ask() {
                let shown = client.request("approvals.show", object! { "id" => id.as_str() });
                let shown = shown.map_err(|error| told(error, &id, context))?;
                context.console.note(&approval::shown(&shown, time::now()));
            }
            ask(approved, context)?
        }
    };
    if reason.is_empty() {
        return Err(missing_reason());
    }
    let reply = client.request(method, object! { "id" => id.as_str(), "reason" => reason });
    let value = reply.map_err(|error| told(error, &id, context))?;
    let value = json::versioned(value.as_object().cloned().unwrap_or_default());
    context.console.show(&value, view)?;
    Ok(Exit::Success)
}

pub(super) fn ask(approved: bool, context: &Context) -> Result<String, Failure> {
    if !context.console.can_ask() {
        return Err(missing_reason());
    }
    let word = if approved { "approve" } else { "deny" };
    context.console.ask(&format!("\nwhy do you {word} it?"))
}

pub(super) fn missing_reason() -> Failure {
    Failure::usage("an answer needs a reason").hint("give one with `--reason \"…\"`; it is recorded")
}

fn view(value: &Value) -> String {
    let Some(approval) = value.get("approval") else { return String::new() };
    let what = format!(
        "{} {}",
        safe(text(approval, &["tool"])),
        approval.get("args").map(short_args).unwrap_or_default()
    );
    let agent = safe(text(approval, &["agent_id"]));
    let effect = if text(approval, &["status"]) == "pending" {
        let by = list(approval, &["approved_by"]).len();
        format!(
            "{by} of {} people have approved; others must as well",
            number(approval, &["approvals_required"])
        )
    } else if text(approval, &["status"]) == "approved" {
        let until = time::until(text(approval, &["expires_at"]), time::now());
        format!("the agent's next identical call is permitted, once; the approval ends {until}")
    } else {
        "the agent is told your reason when it asks again".to_owned()
    };
    let status = words::status(text(approval, &["status"]));
    format!("{status} {}\n  {} for {agent}\n  {effect}", text(approval, &["id"]), what.trim_end())
}
