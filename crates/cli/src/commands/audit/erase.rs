//! `faramesh audit erase`: the end of a person's key. The daemon does it when one runs, because it holds
//! the key in memory; without one it is done here, under the ledger's lock.

use clap::Args;
use faramesh_call::object;
use faramesh_daemon::offline;

use crate::client;
use crate::context::{Context, user};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{self, text};

/// What `audit erase` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The person: the `id` or `sub` of the principal of their calls, or else the session
    #[arg(long)]
    subject: String,
    /// Why, for the record; name a request, not the person
    #[arg(long)]
    reason: String,
}

/// Erases.
///
/// # Errors
/// There is no such key, or it or its record did not come to an end.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let Arguments { subject, reason } = arguments;
    let key = match client::of_stack(context)? {
        Some((mut client, _)) => {
            let params = object! { "subject" => subject.as_str(), "reason" => reason.as_str() };
            text(&client.request("audit.erase", params)?, &["key"]).to_owned()
        }
        None => offline::erase(&context.directory()?, subject, reason, &user())
            .map_err(|error| Failure::new(error.to_string()))?,
    };
    let value = json::versioned(object! { "erased" => true, "key" => key.as_str() });
    context.console.show(&value, |_| {
        format!("erased the key {key}: what was sealed with it cannot be read any more\nthe erasure is in the ledger")
    })?;
    Ok(Exit::Success)
}
