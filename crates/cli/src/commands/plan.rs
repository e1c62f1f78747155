//! `faramesh plan`: what `apply` would change: rules, defaults and settings, kinds of calls by proof, and the
//! recorded calls that the new policy decides in another way.

mod calls;
mod counted;
mod replay;
pub mod saved;

use std::path::{Path, PathBuf};

use clap::Args;
use faramesh_call::{Timestamp, Value};
use faramesh_daemon::Layout;
use faramesh_plan::{Engine, Policy, Semantic, compare, semantic};
use owo_colors::OwoColorize;

use crate::client;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::History;
use crate::policy;
use crate::views::json::{self, at, list, text};
use crate::views::progress::Bar;
use crate::views::table::counted;
use crate::views::words;

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Exit with 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Replay the calls of so long: `24h`, `7d`
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    since: String,
    /// Exit with 2 also when a recorded call would be decided in another way, or that cannot be told
    #[arg(long)]
    strict_replay: bool,
    /// Keep the plan in this file, for `faramesh apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Shows what would change.
///
/// # Errors
/// The policy has errors, or what is in force cannot be read.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let since = replay::begins(&arguments.since)?;
    let running = client::of_stack(context)?.map(|(_, status)| status);
    let dev = running.as_ref().is_some_and(|status| text(status, &["daemon", "runtime_mode"]) == "dev");
    let compiled = policy::compiled(context, dev)?;
    let layout = context.layout()?;
    let old = in_force(&layout, running.as_ref())?;
    let mut changes = compare(old.as_ref(), &compiled.policy()?);
    if old.is_some() && !changes.is_empty() {
        changes.semantic = compared(&layout, running.as_ref(), &compiled.bytes)?;
    }
    let replayed = match old.is_some() && !changes.is_empty() {
        true => replayed(&layout, running.as_ref(), &compiled, since, context)?,
        false => None,
    };
    let mut value = changes.to_value();
    if let (Some(replayed), Value::Object(members)) = (&replayed, &mut value) {
        members.insert("replay", replayed.to_value(&arguments.since));
    }
    if let Some(path) = &arguments.out {
        saved::write(path, &compiled, old.as_ref().map(Policy::hash))?;
    }
    context.console.show(&value, |value| view(value, running.is_some()))?;
    if !context.console.is_for_programs() && !changes.is_empty() {
        let file = arguments.out.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default();
        context.console.hint(&format!("{} puts it in force", context.command(&format!("apply{file}"))));
    }
    let is_loud = arguments.strict_replay && replayed.is_some_and(|replayed| !replayed.is_quiet());
    let is_changed = arguments.detailed_exitcode && !changes.is_empty();
    Ok(if is_loud || is_changed { Exit::Changes } else { Exit::Success })
}

/// Where the policy is that the daemon has in force, or that its next start would load.
fn path_in_force(layout: &Layout, status: Option<&Value>) -> PathBuf {
    match status {
        Some(status) => layout.past_policy(text(status, &["daemon", "policy_hash"])),
        None => layout.policy(),
    }
}

/// What the new policy does with calls that the one in force does not.
fn compared(layout: &Layout, status: Option<&Value>, new: &[u8]) -> Result<Option<Semantic>, Failure> {
    let path = path_in_force(layout, status);
    let Some(old) = policy::load_bytes(&path)? else { return Ok(None) };
    let old = policy::readable(&path, Engine::read(&old))?;
    let new = policy::readable(Path::new("governance.fms"), Engine::read(new))?;
    Ok(Some(semantic(&old, &new)))
}

/// The recorded calls under the new policy; `None` while there is no ledger.
fn replayed(
    layout: &Layout,
    status: Option<&Value>,
    new: &policy::Compiled,
    since: Timestamp,
    context: &Context,
) -> Result<Option<replay::Replayed>, Failure> {
    let Some((old, _)) = policy::load_file(&path_in_force(layout, status))? else { return Ok(None) };
    if status.is_none()
        && !layout.resolve(&old.runtime.wal_dir).is_dir()
        && old.runtime.postgres_url.is_none()
    {
        return Ok(None);
    }
    let mut history = History::open(context, None)?;
    let mut bar = Bar::new("deciding again", context);
    let replayed = replay::replay(&mut history, since, &old, &new.program, &mut bar);
    bar.end();
    replayed.map(Some)
}

/// The policy that the daemon has in force; without a daemon, the one that the next start would load.
///
/// # Errors
/// The kept policy cannot be read.
pub fn in_force(layout: &Layout, status: Option<&Value>) -> Result<Option<Policy>, Failure> {
    let path = path_in_force(layout, status);
    policy::load_bytes(&path)?.map(|bytes| policy::readable(&path, Policy::read(&bytes))).transpose()
}

fn view(value: &Value, running: bool) -> String {
    let Some(changes) = changes_text(value) else {
        return format!(
            "{}: the policy is {}",
            words::good("no changes"),
            if running { "in force" } else { "applied" }
        );
    };
    let count = counted(json::number(value, &["changes"]), "change");
    let first = text(value, &["policy", "from"]).is_empty();
    let what = if first { " to a stack that has no policy yet" } else { "" };
    format!("{changes}\n\n{count}{what}")
}

/// The changes for people; `None` when there are none.
pub fn changes_text(value: &Value) -> Option<String> {
    let mut sections = Vec::new();
    let rules = rule_lines(value);
    if !rules.is_empty() {
        sections.push(format!("{}\n{}", words::heading("Rule changes:"), rules.join("\n")));
    }
    let settings = [
        ("agents", "agent", "Agents:"),
        ("defaults", "agent", "Defaults (for calls that no rule matches):"),
        ("attests", "agent", "Attested identity:"),
        ("rate_limits", "rate_limit", "Rates:"),
        ("budgets", "budget", "Budgets:"),
        ("blocks", "block", "Other blocks:"),
        ("redactions", "tool", "Redactions:"),
        ("identities", "identity", "Identity providers:"),
        ("providers", "provider", "Providers:"),
        ("runtime", "setting", "Runtime:"),
    ];
    for (kind, name, title) in settings {
        let entries = list(value, &["diff", kind]);
        if !entries.is_empty() {
            let lines: Vec<String> = entries.iter().map(|entry| setting_line(entry, name)).collect();
            sections.push(format!("{}\n{}", words::heading(title), lines.join("\n")));
        }
    }
    sections.extend(calls::sections(value));
    sections.extend(replay::section(value));
    (!sections.is_empty()).then(|| sections.join("\n\n"))
}

fn rule_lines(value: &Value) -> Vec<String> {
    let of = |kind: &str| list(value, &["diff", "rules", kind]);
    let mut agents: Vec<&str> = Vec::new();
    for kind in ["changed", "added", "removed", "moved"] {
        agents.extend(of(kind).iter().map(|change| text(change, &["agent"])));
    }
    agents.sort_unstable();
    agents.dedup();
    let mut lines = Vec::new();
    for agent in &agents {
        if agents.len() > 1 {
            lines.push(format!("  {agent}"));
        }
        for kind in ["changed", "added", "removed", "moved"] {
            let mine = of(kind).iter().filter(|change| text(change, &["agent"]) == *agent);
            lines.extend(mine.map(|change| rule_line(kind, change)));
        }
    }
    lines
}

fn rule_line(kind: &str, change: &Value) -> String {
    let (from, to) = (text(change, &["from"]), text(change, &["to"]));
    match kind {
        "added" => format!("  {} {to}", "+".green()),
        "removed" => format!("  {} {from}", "-".red()),
        "moved" => {
            let (old, new) = (text(change, &["from_ref"]), text(change, &["ref"]));
            format!("  {} {to}  {}", "↕".yellow(), words::faint(&format!("moved: {old} → {new}")))
        }
        _ => format!("  {} {from} → {}", "~".yellow(), difference(from, to)),
    }
}

/// Words that open a part of a rule which is worth showing by itself.
const CLAUSES: [&str; 10] =
    ["if", "host", "port", "method", "path", "query", "header", "notify", "reason", "explain"];

/// The second text from the first part on that the first one does not have: `if amount < $250`.
fn difference<'a>(from: &str, to: &'a str) -> &'a str {
    let (mut end, mut part) = (0, 0);
    let mut pairs = from.split_inclusive(' ').zip(to.split_inclusive(' '));
    for word in to.split_inclusive(' ') {
        if CLAUSES.contains(&word.trim_end()) {
            part = end;
        }
        if pairs.next().is_none_or(|(old, new)| old.trim_end() != new.trim_end()) {
            break;
        }
        end += word.len();
    }
    to.get(part..).unwrap_or(to)
}

fn setting_line(entry: &Value, name: &str) -> String {
    let name = text(entry, &[name]);
    let side = |key: &str| at(entry, &[key]).and_then(Value::as_str);
    match (side("from"), side("to")) {
        (None, Some(to)) => format!("  {} {name}: {to}", "+".green()),
        (Some(from), None) => format!("  {} {name}: {from}", "-".red()),
        (Some(from), Some(to)) => format!("  {} {name}: {from} → {to}", "~".yellow()),
        (None, None) => format!("    {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_from_its_first_new_clause() {
        for (from, to, expected) in [
            (
                "permit stripe/charge if amount < $500",
                "permit stripe/charge if amount < $250",
                "if amount < $250",
            ),
            ("deny x reason \"a\"", "deny x reason \"b\"", "reason \"b\""),
            ("deny x if a", "deny x", "deny x"),
            ("permit x", "permit x if a", "if a"),
        ] {
            assert_eq!(difference(from, to).trim(), expected);
        }
    }

    #[test]
    fn changes_read_as_in_a_review() {
        let value = faramesh_call::json::parse(
            br#"{"changes":2,"policy":{"from":"sha256:0","to":"sha256:1"},"diff":{"rules":{"added":[{"agent":"bot","to":"deny stripe/payouts"}],
            "removed":[],"moved":[],"changed":[{"agent":"bot","from":"permit stripe/charge if amount < $500",
            "to":"permit stripe/charge if amount < $250"}]},"runtime":[{"setting":"mode","from":"enforce","to":"audit"}]}}"#,
        )
        .unwrap();
        let text = anstream::adapter::strip_str(&changes_text(&value).unwrap()).to_string();
        let expected = "Rule changes:\n  ~ permit stripe/charge if amount < $500 → if amount < $250\n  + deny stripe/payouts\n\nRuntime:\n  ~ mode: enforce → audit";
        assert_eq!(text, expected);
        assert_eq!(changes_text(&Value::Null), None);
    }
}
