//! `faramesh rollback`: the policy that was in force before, or any earlier one, put in force again. The
//! ledger says which there were, `.faramesh/policies` has their bytes. A rollback is a policy like any
//! other: recorded, and to be rolled back itself.

use clap::Args;
use faramesh_call::{Object, Value, object};
use faramesh_plan::Policy;
use faramesh_program::hex;

use crate::client::{self, Client};
use crate::commands::apply::{refused, show_changes};
use crate::commands::dev::short;
use crate::context::{Context, user};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::views::json::{list, text};
use crate::views::record::safe;
use crate::views::table::table;
use crate::views::{json, time, words};

/// Most policy records that are looked at, the newest.
const MAX_RECORDS: u64 = 10_000;

/// What `rollback` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The policy to go back to, as `--list` names it: `v3`, or the beginning of its hash
    #[arg(long, value_name = "POLICY")]
    to: Option<String>,
    /// Show the policies that have been in force, and change nothing
    #[arg(long, conflicts_with = "to")]
    list: bool,
}

/// A policy that was in force for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    /// Counted from the first policy; unknown when that is too far back.
    number: Option<usize>,
    hash: String,
    since: String,
    by: String,
}

/// Puts an earlier policy in force.
///
/// # Errors
/// No daemon answers, there is no such policy, or the daemon refuses it.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let Some((mut client, status)) = client::of_stack(context)? else {
        return Err(Failure::new("no daemon of this stack runs, so no policy is in force")
            .hint(format!("{} puts the one of this folder in force", context.command("apply"))));
    };
    let current = text(&status, &["daemon", "policy_hash"]).to_owned();
    let versions = versions(&mut client)?;
    if arguments.list {
        context.console.show(&described(&versions, &current), listed)?;
        return Ok(Exit::Success);
    }
    let wanted = match &arguments.to {
        Some(name) => named(&versions, name, context)?,
        None => before(&versions, &current).ok_or_else(|| {
            Failure::new("there is no earlier policy to go back to")
                .hint(format!("{} shows those that were in force", context.command("rollback --list")))
        })?,
    };
    back_to(wanted, client, &status, context)
}

fn back_to(wanted: &Version, mut client: Client, status: &Value, context: &Context) -> Result<Exit, Failure> {
    let current = text(status, &["daemon", "policy_hash"]);
    if wanted.hash == current {
        return Err(Failure::new(format!("{} is the policy in force", wanted.name())));
    }
    let layout = context.layout()?;
    let path = layout.past_policy(&wanted.hash);
    let bytes = policy::load_bytes(&path)?.ok_or_else(|| {
        Failure::new(format!("the bytes of {} are not in {}", wanted.name(), path.display()))
            .hint("apply its source from your version control instead")
    })?;
    let after = policy::readable(&path, Policy::read(&bytes))?;
    if after.hash() != wanted.hash {
        return Err(Failure::new(format!("{} holds another policy than its name says", path.display())));
    }
    let before = super::plan::in_force(&layout, Some(status))?;
    show_changes(before.as_ref(), &after, context);
    let source = text(status, &["daemon", "policy_source"]);
    let params =
        object! { "program" => hex(&bytes), "source" => source, "by" => user(), "if_policy" => current };
    client.request("apply", params).map_err(|error| refused(error, context))?;
    let value = json::versioned(object! {
        "action" => "rolled_back",
        "policy" => wanted.name(),
        "policy_hash" => wanted.hash.as_str(),
        "previous_hash" => current,
    });
    context.console.show(&value, |value| {
        format!(
            "{}: {} ({}) is in force instead of {}; calls in flight keep theirs",
            words::good("rolled back"),
            text(value, &["policy"]),
            short(text(value, &["policy_hash"])),
            short(text(value, &["previous_hash"])),
        )
    })?;
    if !context.console.is_for_programs() {
        context.console.hint(&format!(
            "{source} still says the newer policy: {} puts it in force again",
            context.command("apply")
        ));
    }
    Ok(Exit::Success)
}

impl Version {
    /// `v3`, or the beginning of its hash.
    fn name(&self) -> String {
        self.number.map_or_else(|| short(&self.hash).to_owned(), |number| format!("v{number}"))
    }
}

/// The policies that have been in force, the oldest first. One that was put in force again, by a restart,
/// is the same.
fn versions(client: &mut Client) -> Result<Vec<Version>, Failure> {
    let params = object! { "kind" => "policy", "limit" => MAX_RECORDS, "newest_first" => true };
    let reply = client.request("audit.ls", params)?;
    let mut records: Vec<&Value> = list(&reply, &["records"]).iter().collect();
    records.sort_by_key(|record| json::number(record, &["seq"]));
    let mut versions = distinct(&records);
    if u64::try_from(records.len()).is_ok_and(|count| count >= MAX_RECORDS) {
        // The first policy is not among them: a number would name another one later.
        versions.iter_mut().for_each(|version| version.number = None);
    }
    Ok(versions)
}

fn distinct(records: &[&Value]) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for record in records {
        let hash = text(record, &["policy"]);
        if versions.last().is_some_and(|last| last.hash == hash) {
            continue;
        }
        versions.push(Version {
            number: Some(versions.len() + 1),
            hash: hash.to_owned(),
            since: text(record, &["time"]).to_owned(),
            by: text(record, &["detail", "by"]).to_owned(),
        });
    }
    versions
}

/// The newest policy before the one in force.
fn before<'a>(versions: &'a [Version], current: &str) -> Option<&'a Version> {
    let now = versions.iter().rposition(|version| version.hash == current)?;
    versions.get(..now)?.iter().rev().find(|version| version.hash != current)
}

fn named<'a>(versions: &'a [Version], name: &str, context: &Context) -> Result<&'a Version, Failure> {
    let hint = || format!("{} shows those that were in force", context.command("rollback --list"));
    let number = name.strip_prefix('v').and_then(|digits| digits.parse::<usize>().ok());
    if let Some(found) = versions.iter().find(|version| number.is_some() && version.number == number) {
        return Ok(found);
    }
    let begins = |version: &&Version| {
        version.hash.starts_with(name)
            || version.hash.strip_prefix("sha256:").is_some_and(|hex| hex.starts_with(name))
    };
    let found: Vec<&Version> = versions.iter().rev().filter(begins).collect();
    match found.as_slice() {
        [first, rest @ ..] if name.len() >= 6 && rest.iter().all(|other| other.hash == first.hash) => {
            Ok(first)
        }
        [] => Err(Failure::new(format!("no policy `{name}` was in force")).hint(hint())),
        _ => Err(Failure::usage(format!("`{name}` does not name one policy")).hint(hint())),
    }
}

fn described(versions: &[Version], current: &str) -> Value {
    let now = versions.iter().rposition(|version| version.hash == current);
    let entry = |(place, version): (usize, &Version)| -> Value {
        object! {
            "policy" => version.name(),
            "policy_hash" => version.hash.as_str(),
            "since" => version.since.as_str(),
            "by" => version.by.as_str(),
            "in_force" => Some(place) == now,
        }
        .into()
    };
    let policies: Vec<Value> = versions.iter().enumerate().map(entry).collect();
    let described: Object = object! { "policies" => policies };
    json::versioned(described)
}

fn listed(value: &Value) -> String {
    let row = |policy: &Value| {
        vec![
            text(policy, &["policy"]).to_owned(),
            short(text(policy, &["policy_hash"])).to_owned(),
            time::day_and_time(text(policy, &["since"])),
            safe(text(policy, &["by"])),
            if json::is_true(policy, &["in_force"]) { "✓ in force".to_owned() } else { String::new() },
        ]
    };
    let rows: Vec<Vec<String>> = list(value, &["policies"]).iter().map(row).collect();
    table(&["POLICY", "HASH", "SINCE", "BY", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::json::parse;

    #[test]
    fn a_restart_makes_no_version_and_the_one_before_is_another() {
        let record = |seq: u32, hash: &str| {
            parse(
                format!(r#"{{"seq":{seq},"policy":"{hash}","time":"t{seq}","detail":{{"by":"ann"}}}}"#)
                    .as_bytes(),
            )
            .unwrap()
        };
        let records = [record(1, "a"), record(4, "a"), record(6, "b"), record(8, "a"), record(9, "c")];
        let versions = distinct(&records.iter().collect::<Vec<_>>());
        let hashes: Vec<&str> = versions.iter().map(|version| version.hash.as_str()).collect();
        assert_eq!(hashes, ["a", "b", "a", "c"]);
        assert_eq!(before(&versions, "c").unwrap().number, Some(3));
        assert_eq!(before(&versions[..3], "a").unwrap().number, Some(2));
        assert_eq!(before(&versions[..1], "a"), None);
        assert_eq!(before(&versions, "unknown"), None);
    }
}
