//! `approve --same` and `deny --same`: one reason for every call that waits with the same tool and exactly
//! the same arguments. Each call is answered by itself and has a record of its own, and whatever one
//! person may not answer stays as it is: a quorum, the caller's own calls, an answer that came first.

use faramesh_call::{Value, object};

use super::{answer, fetch, told};
use crate::client::{Client, RequestError};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::text;
use crate::views::{approval, json, time};

/// Answers an approval and all others of its kind.
///
/// # Errors
/// Nobody agreed, there is no reason, no daemon answers, or it refuses the first of them.
pub fn run(
    client: &mut Client,
    id: &str,
    arguments: &answer::Arguments,
    approved: bool,
    context: &Context,
) -> Result<Exit, Failure> {
    let waiting = alike(client, id, context)?;
    let ids: Vec<&str> = waiting.iter().map(|approval| text(approval, &["id"])).collect();
    if !arguments.yes {
        agree(&waiting, approved, context)?;
    }
    let reason = match &arguments.reason {
        Some(reason) => reason.trim().to_owned(),
        None => answer::ask(approved, context)?,
    };
    if reason.is_empty() {
        return Err(answer::missing_reason());
    }
    let method = if approved { "approvals.approve" } else { "approvals.deny" };
    let mut answered = Vec::new();
    let mut refused = Vec::new();
    for id in ids {
        match client.request(method, object! { "id" => id, "reason" => reason.as_str() }) {
            Ok(reply) => answered.push(reply.get("approval").cloned().unwrap_or_default()),
            Err(RequestError::Refused { word, message }) => {
                refused.push(object! { "id" => id, "word" => word, "message" => message }.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let exit = if refused.is_empty() { Exit::Success } else { Exit::Failed };
    let value = json::versioned(object! { "approvals" => answered, "refused" => Value::List(refused) });
    context.console.show(&value, view)?;
    Ok(exit)
}

/// The pending approvals of the same tool and arguments as this one, itself among them.
fn alike(client: &mut Client, id: &str, context: &Context) -> Result<Vec<Value>, Failure> {
    let shown = client.request("approvals.show", object! { "id" => id });
    let shown = shown.map_err(|error| told(error, id, context))?;
    let kind = |approval: &Value| {
        (text(approval, &["tool"]).to_owned(), text(approval, &["args_digest"]).to_owned())
    };
    let wanted = kind(shown.get("approval").unwrap_or(&Value::Null));
    if wanted.1.is_empty() {
        return Err(
            Failure::new("this daemon does not say which calls are alike").hint("answer them one by one")
        );
    }
    let mut waiting = fetch(client, "pending", None)?;
    waiting.retain(|approval| kind(approval) == wanted);
    if waiting.is_empty() {
        return Err(Failure::new(format!("no call like that of `{id}` waits"))
            .hint(format!("{} shows who answered it", context.command(&format!("approvals show {id}")))));
    }
    Ok(waiting)
}

fn agree(waiting: &[Value], approved: bool, context: &Context) -> Result<(), Failure> {
    let word = if approved { "approve" } else { "deny" };
    if !context.console.can_ask() {
        return Err(Failure::usage(format!(
            "this would {word} {} calls, and nobody can be asked",
            waiting.len()
        ))
        .hint("`--yes` agrees beforehand"));
    }
    context.console.note(&approval::listed(waiting, time::now()));
    let answer = context.console.ask(&format!("\n{word} all {}? [y/N]", waiting.len()))?;
    if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new("nothing was answered"))
    }
}

fn view(value: &Value) -> String {
    let answered = json::list(value, &["approvals"]).iter().map(approval::line);
    let refused = json::list(value, &["refused"]).iter();
    let refused = refused
        .map(|refused| format!("not answered: {}: {}", text(refused, &["id"]), text(refused, &["message"])));
    answered.chain(refused).collect::<Vec<_>>().join("\n")
}
