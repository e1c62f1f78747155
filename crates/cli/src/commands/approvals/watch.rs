//! `approvals watch`: on a terminal a screen, else new calls and answers as they come. The queue is looked at every second, which
//! is as fast as a person answers and needs no second kind of connection.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use faramesh_call::{Value, json, object};

use super::{fetch, screen};
use crate::client;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::text;
use crate::views::record::safe;
use crate::views::{approval, time, words};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What `watch` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Of this agent only
    #[arg(long)]
    agent: Option<String>,
    /// On a terminal too: print lines instead of a screen with keys
    #[arg(long)]
    lines: bool,
}

/// Watches until the daemon or the person ends it.
///
/// # Errors
/// No daemon answers, or the output cannot be written.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    let mut client = client::needed(context)?;
    if !arguments.lines && context.console.can_ask() && context.console.is_terminal() {
        return screen::run(client, arguments.agent.clone());
    }
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut first = true;
    context.console.note(&words::faint("Calls that wait appear here. Ctrl-C stops watching."));
    loop {
        let approvals = match fetch(&mut client, "all", arguments.agent.as_deref()) {
            Ok(approvals) => approvals,
            Err(client::RequestError::Connection(_)) => {
                context.console.note("the daemon stopped");
                return Ok(Exit::Down);
            }
            Err(error) => return Err(error.into()),
        };
        for approval in &approvals {
            let (id, status) = (text(approval, &["id"]), text(approval, &["status"]));
            let before = known.insert(id.to_owned(), status.to_owned());
            // What was settled before is history, not news.
            let news = before.as_deref() != Some(status) && !(first && status != "pending");
            if news {
                show(approval, status, context)?;
            }
        }
        // The daemon forgets settled approvals; so does this, or it would grow.
        known.retain(|id, _| approvals.iter().any(|approval| text(approval, &["id"]) == id));
        first = false;
        sleep(LOOK_EVERY);
    }
}

fn show(approval: &Value, status: &str, context: &Context) -> Result<(), Failure> {
    if context.console.is_for_programs() {
        let line = object! { "event" => status, "approval" => approval.clone() };
        return context.console.bytes(&json::canonical(&Value::Object(line)));
    }
    let clock = words::faint(&time::clock(&time::now().to_string()));
    let mut shown = format!("{clock}  {}", approval::line(approval));
    let indent = crate::views::record::INDENT;
    match status {
        "pending" => {
            let reason = safe(text(approval, &["context", "reason"]));
            let [approve, deny] = approval::answers(text(approval, &["id"]), &context.place());
            shown.push_str(&format!("\n{indent}{reason}\n{indent}{approve}\n{indent}{deny}"));
        }
        "approved" | "denied" => {
            let (by, reason) =
                (text(approval, &["resolution", "by"]), text(approval, &["resolution", "reason"]));
            shown.push_str(&format!("\n{indent}by {by}: {}", safe(reason)));
        }
        _ => {}
    }
    context.console.out(&shown)
}
