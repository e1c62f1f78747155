//! `approvals grant`, `grants` and `revoke`: answers given beforehand.

use clap::Args;
use faramesh_call::{Object, Value, json as canonical, object};

use crate::client::{self, RequestError};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::json::{at, list, number, text};
use crate::views::record::{safe, short_args};
use crate::views::table::{counted, one_line};
use crate::views::{json, time, words};

/// What `grant` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The agent whose calls are covered
    #[arg(long)]
    agent: String,
    /// The tool, or a pattern of tools such as `stripe/*`
    #[arg(long, value_name = "PATTERN")]
    tool: String,
    /// Cover only calls with this argument: `customer.id=c1`, `amount=25`; several times for several
    #[arg(long = "where", value_name = "NAME=VALUE")]
    wanted: Vec<String>,
    /// How many calls
    #[arg(long, default_value_t = 1)]
    uses: u32,
    /// How long: `30m`, `8h`, at most `30d`
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    ttl: String,
    /// Why; it is recorded with every call that it covers
    #[arg(long)]
    reason: Option<String>,
}

/// Gives a grant.
///
/// # Errors
/// There is no reason, no daemon answers, or it refuses.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    let ttl_ms = time::parse_duration(&arguments.ttl).ok_or_else(|| {
        Failure::usage(format!("`{}` is no duration", arguments.ttl)).hint("write `30m` or `8h`")
    })?;
    let wanted = arguments.wanted.iter().map(|text| member(text)).collect::<Result<Object, _>>()?;
    let reason = reason("a grant", arguments.reason.as_deref(), context)?;
    let mut client = client::needed(context)?;
    let params = object! {
        "agent" => arguments.agent.as_str(),
        "tool" => arguments.tool.as_str(),
        "where" => wanted,
        "uses" => u64::from(arguments.uses),
        "ttl_ms" => ttl_ms,
        "reason" => reason,
    };
    let value = client.request("approvals.grant", params).map_err(|error| told(error, context))?;
    let value = json::versioned(value.as_object().cloned().unwrap_or_default());
    context.console.show(&value, |value| {
        let grant = value.get("grant").unwrap_or(&Value::Null);
        format!("{} {}\n  {}", words::good("granted"), text(grant, &["id"]), covers(grant))
    })?;
    if !context.console.is_for_programs() {
        let command =
            context.command(&format!("approvals revoke {} --reason \"…\"", text(&value, &["grant", "id"])));
        context.console.hint(&format!("{command} takes it back"));
    }
    Ok(Exit::Success)
}

/// Lists the grants that hold.
///
/// # Errors
/// No daemon answers, or the output cannot be written.
pub fn listed(context: &Context) -> Result<Exit, Failure> {
    let value = client::needed(context)?.request("approvals.grants", Object::new())?;
    if list(&value, &["grants"]).is_empty() && !context.console.is_for_programs() {
        context.console.note("nothing is granted beforehand");
        return Ok(Exit::Success);
    }
    context.console.show(&value, |value| {
        let row = |grant: &Value| {
            vec![
                text(grant, &["id"]).to_owned(),
                safe(text(grant, &["agent_id"])),
                safe(text(grant, &["tool"])),
                format!("{} of {}", number(grant, &["used"]), number(grant, &["uses"])),
                time::until(text(grant, &["expires_at"]), time::now()),
                text(grant, &["by"]).to_owned(),
                at(grant, &["where"]).map(short_args).unwrap_or_default(),
            ]
        };
        let header = ["GRANT", "AGENT", "TOOL", "USED", "ENDS", "BY", "WHERE"];
        let rows: Vec<Vec<String>> = list(value, &["grants"]).iter().map(row).collect();
        one_line(&header, &rows, header.len() - 1)
    })?;
    Ok(Exit::Success)
}

/// Takes a grant back.
///
/// # Errors
/// There is no reason, no daemon answers, or it refuses.
pub fn revoke(id: &str, given: Option<&str>, context: &Context) -> Result<Exit, Failure> {
    let reason = reason("taking a grant back", given, context)?;
    let mut client = client::needed(context)?;
    let reply = client.request("approvals.revoke", object! { "id" => id, "reason" => reason });
    let value = reply.map_err(|error| told(error, context))?;
    let value = json::versioned(value.as_object().cloned().unwrap_or_default());
    context.console.show(&value, |value| {
        let grant = value.get("grant").unwrap_or(&Value::Null);
        format!("{} {}\n  it covers no call any more", words::bad("revoked"), text(grant, &["id"]))
    })?;
    Ok(Exit::Success)
}

fn covers(grant: &Value) -> String {
    let wanted = match at(grant, &["where"]).and_then(Value::as_object) {
        Some(members) if !members.is_empty() => {
            format!(" with {}", at(grant, &["where"]).map(short_args).unwrap_or_default())
        }
        _ => String::new(),
    };
    format!(
        "{} of {} by {}{wanted}, that a rule would have a person decide; it ends {}",
        counted(number(grant, &["uses"]), "call"),
        safe(text(grant, &["tool"])),
        safe(text(grant, &["agent_id"])),
        time::until(text(grant, &["expires_at"]), time::now()),
    )
}

/// `customer.id=c1`: a number, `true`, `false` or `null` is one, anything else a text.
fn member(text: &str) -> Result<(String, Value), Failure> {
    let wrong =
        || Failure::usage(format!("`{text}` is not `NAME=VALUE`")).hint("write `--where customer.id=c1`");
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
    let parsed = canonical::parse(value.as_bytes()).ok();
    let scalar = parsed.filter(|value| !matches!(value, Value::List(_) | Value::Object(_)));
    Ok((name.to_owned(), scalar.unwrap_or_else(|| Value::from(value))))
}

fn reason(what: &str, given: Option<&str>, context: &Context) -> Result<String, Failure> {
    let reason = match given {
        Some(reason) => reason.trim().to_owned(),
        None if context.console.can_ask() => context.console.ask("why?")?.trim().to_owned(),
        None => String::new(),
    };
    if reason.is_empty() {
        return Err(Failure::usage(format!("{what} needs a reason"))
            .hint("give one with `--reason \"…\"`; it is recorded"));
    }
    Ok(reason)
}

fn told(error: RequestError, context: &Context) -> Failure {
    let RequestError::Refused { word, message } = &error else { return error.into() };
    let failure = Failure::new(message.clone());
    match word.as_str() {
        "UNKNOWN_AGENT" => failure.hint(format!("{} shows every agent", context.command("agent list"))),
        "UNKNOWN" => failure.hint(format!("{} shows those that hold", context.command("approvals grants"))),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_what_it_looks_like() {
        for (text, value) in [
            ("a=5", Value::from(5_u64)),
            ("a=true", Value::from(true)),
            ("a=c1", Value::from("c1")),
            ("a=\"5\"", Value::from("5")),
            ("a=[1]", Value::from("[1]")),
            ("a=", Value::from("")),
        ] {
            assert_eq!(member(text).unwrap().1, value, "{text}");
        }
        assert!(member("a").is_err() && member("=5").is_err());
    }
}
