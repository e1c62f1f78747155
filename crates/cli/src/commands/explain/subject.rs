//! What is explained besides decisions: a rule with what it decided, an agent with its rules, a session with its
//! calls. The policy is the one in the folder; what it decided is counted by a rule's digest, which stays when
//! lines above it move.

use std::collections::BTreeMap;

use faramesh_call::{Object, Value, object};
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::Filter;
use faramesh_program::{Agent, Program, Rule, hex};

use super::{Arguments, read, value_of};
use crate::context::Context;
use crate::failure::Failure;
use crate::history::History;
use crate::policy::{FILE_NAME, compiled};
use crate::views::json::{self, at, list, number, text as member};
use crate::views::record::{self, safe};
use crate::views::table::pairs;
use crate::views::words;

/// Newest decisions that are counted.
const COUNTED: usize = 10_000;
/// Newest records that are shown of a rule or an agent.
const SHOWN: usize = 5;
/// Newest records that are shown of a session.
const SHOWN_OF_SESSION: usize = 100;

/// A rule, by its place: `governance.fms:14`, or its line alone.
///
/// # Errors
/// No rule begins there, or the policy has errors.
pub(super) fn rule(place: &str, arguments: &Arguments, context: &Context) -> Result<Value, Failure> {
    let policy = compiled(context, true)?;
    let line = place.trim_start_matches(':');
    let place = match line.parse::<u32>() {
        Ok(line) => format!("{}:{line}", policy.source_name),
        Err(_) => place.to_owned(),
    };
    let all =
        || policy.program.agents().iter().flat_map(|agent| agent.all_rules().map(move |rule| (agent, rule)));
    let found: Vec<(&Agent, &Rule)> = all().filter(|(_, rule)| *rule.reference == *place).collect();
    if found.is_empty() {
        return Err(no_rule(&place, all().map(|(_, rule)| &*rule.reference), context));
    }
    let mut rules = Vec::new();
    for (agent, rule) in found {
        let (decisions, note) = decisions(&agent.name, arguments, context)?;
        let digest = hex(&rule.digest);
        let own = decisions.iter().filter(|record| record.rule_digest().as_deref() == Some(digest.as_str()));
        let own: Vec<&Record> = own.collect();
        let mut told = of_rule(rule, own.len());
        told.insert("agent", Value::from(&*agent.name));
        told.insert("recent", own.iter().take(SHOWN).map(|record| value_of(record)).collect::<Value>());
        told.insert("note", Value::from(note));
        rules.push(Value::Object(told));
    }
    Ok(json::versioned(object! { "rules" => rules }))
}

/// An agent: its default, its rules in order, and how often each decided.
///
/// # Errors
/// The policy declares no such agent, or has errors.
pub(super) fn agent(name: &str, arguments: &Arguments, context: &Context) -> Result<Value, Failure> {
    let policy = compiled(context, true)?;
    let agent = policy.program.agent(name).ok_or_else(|| no_agent(name, &policy.program))?;
    let (decisions, note) = decisions(&agent.name, arguments, context)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut effects: BTreeMap<String, usize> = BTreeMap::new();
    for record in &decisions {
        *counts.entry(record.rule_digest().unwrap_or_default()).or_default() += 1;
        *effects.entry(member(&value_of(record), &["effect"]).to_owned()).or_default() += 1;
    }
    let rules = agent
        .all_rules()
        .map(|rule| Value::Object(of_rule(rule, counts.get(&hex(&rule.digest)).copied().unwrap_or(0))));
    let mut by_effect = Object::new();
    for (effect, count) in effects {
        by_effect.insert(effect, u64::try_from(count).unwrap_or(u64::MAX));
    }
    Ok(json::versioned(object! {
        "agent" => &*agent.name,
        "default" => agent.default.as_str(),
        "rules" => rules.collect::<Value>(),
        "decisions" => by_effect,
        "recent" => decisions.iter().take(SHOWN).map(value_of).collect::<Value>(),
        "note" => note,
    }))
}

/// A session: its records, oldest first.
///
/// # Errors
/// History knows no such session.
pub(super) fn run(session: &str, arguments: &Arguments, context: &Context) -> Result<Value, Failure> {
    let mut history = History::open(context, arguments.ledger.as_deref())?;
    let filter = Filter {
        session: Some(session.to_owned()),
        newest_first: true,
        limit: Some(SHOWN_OF_SESSION),
        ..Filter::default()
    };
    let mut records = read(&history.query(&filter)?)?;
    if records.is_empty() {
        return Err(Failure::new(format!("no record is of a session `{session}`")).hint(format!(
            "{} shows the sessions of late calls",
            context.command("audit ls --format json")
        )));
    }
    records.reverse();
    Ok(json::versioned(object! {
        "session" => session,
        "whole" => records.len() < SHOWN_OF_SESSION,
        "records" => records.iter().map(value_of).collect::<Value>(),
    }))
}

/// The newest decisions of an agent; none, with a note, while there is no ledger.
fn decisions(
    agent: &str,
    arguments: &Arguments,
    context: &Context,
) -> Result<(Vec<Record>, Option<String>), Failure> {
    let mut history = match History::open(context, arguments.ledger.as_deref()) {
        Ok(history) => history,
        Err(_) if arguments.ledger.is_none() => {
            return Ok((Vec::new(), Some("there is no ledger yet, so nothing was decided".to_owned())));
        }
        Err(failure) => return Err(failure),
    };
    let filter = Filter {
        agent: Some(agent.to_owned()),
        kind: Some(Kind::Decision),
        newest_first: true,
        limit: Some(COUNTED),
        ..Filter::default()
    };
    let records = read(&history.query(&filter)?)?;
    let note = (records.len() == COUNTED).then(|| format!("of the newest {COUNTED} decisions of the agent"));
    Ok((records, note))
}

fn of_rule(rule: &Rule, decided: usize) -> Object {
    object! {
        "ref" => &*rule.reference,
        "text" => &*rule.text,
        "effect" => rule.effect.as_str(),
        "tool" => &*rule.pattern,
        "reason" => rule.reason.as_deref().map(str::to_owned),
        "digest" => hex(&rule.digest),
        "decided" => u64::try_from(decided).unwrap_or(u64::MAX),
    }
}

fn no_rule<'a>(place: &str, all: impl Iterator<Item = &'a str>, context: &Context) -> Failure {
    let failure = Failure::new(format!("no rule begins at `{place}`"));
    let (file, line) = place.rsplit_once(':').unwrap_or((FILE_NAME, place));
    let Ok(line) = line.parse::<i64>() else {
        return failure
            .hint(format!("name its place, as in {}", context.command("explain rule governance.fms:14")));
    };
    let near = all
        .filter_map(|other| Some((other, other.strip_prefix(file)?.strip_prefix(':')?.parse::<i64>().ok()?)))
        .min_by_key(|(_, other)| (other - line).abs());
    match near {
        Some((near, _)) => failure.hint(format!("the nearest begins at `{near}`")),
        None => failure.hint("an `import`ed rule is named by its pack's file, as decisions show it"),
    }
}

fn no_agent(name: &str, program: &Program) -> Failure {
    let names: Vec<&str> = program.agents().iter().map(|agent| &*agent.name).collect();
    let failure = Failure::new(format!("the policy declares no agent `{name}`"));
    match faramesh_syntax::nearest(name, names.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("it declares {}", names.join(", "))),
    }
}

/// What was asked for, for people.
pub(super) fn text(value: &Value) -> String {
    if let Some(session) = value.get("session").and_then(Value::as_str) {
        let lines: Vec<String> = list(value, &["records"]).iter().map(record::line).collect();
        let title = words::heading(&format!("session {}", safe(session)));
        let mut text = format!("{title}\n{}", lines.join("\n"));
        if !json::is_true(value, &["whole"]) {
            text.push_str(&words::faint("\nits newest; `faramesh audit ls --session` shows more"));
        }
        return text;
    }
    let Some(agent) = value.get("agent").and_then(Value::as_str) else {
        let rules: Vec<String> = list(value, &["rules"]).iter().map(one_rule).collect();
        return rules.join("\n\n");
    };
    let rules = list(value, &["rules"]);
    let width = rules.iter().map(|rule| member(rule, &["ref"]).chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            let decided = number(rule, &["decided"]);
            format!("  {decided:>6}  {:width$}  {}", member(rule, &["ref"]), safe(member(rule, &["text"])))
        })
        .collect();
    lines.push(format!("{:10}{:width$}  default {}", "", "", member(value, &["default"])));
    let mut text = format!(
        "{}\n{}\n{}",
        words::heading(agent),
        words::faint("  how often each rule decided, in the order in which they are tried"),
        lines.join("\n")
    );
    text.push_str(&behind(value));
    text
}

fn one_rule(rule: &Value) -> String {
    let rows = vec![
        ("agent", safe(member(rule, &["agent"]))),
        ("effect", words::effect(member(rule, &["effect"]))),
        ("reason", safe(member(rule, &["reason"]))),
        ("decided", format!("{} calls", number(rule, &["decided"]))),
    ];
    let rows: Vec<(&str, String)> = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let title = format!("{}  {}", member(rule, &["ref"]), safe(member(rule, &["text"])));
    format!("{}\n{}{}", words::heading(&title), pairs(&rows), behind(rule))
}

/// The newest records and the note, when there are any.
fn behind(value: &Value) -> String {
    let mut text = String::new();
    let recent = list(value, &["recent"]);
    if !recent.is_empty() {
        let lines: Vec<String> =
            recent.iter().map(|one| format!("  {}", record::line(one).replace('\n', "\n  "))).collect();
        text.push_str(&format!("\n\n{}\n{}", words::heading("its last decisions"), lines.join("\n")));
    }
    if let Some(note) = at(value, &["note"]).and_then(Value::as_str) {
        text.push_str(&format!("\n\n{}", words::faint(&format!("Note: {note}."))));
    }
    text
}
