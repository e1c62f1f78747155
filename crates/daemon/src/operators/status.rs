//! What a daemon says about itself, honestly: which protections are active and which are not.

use std::collections::BTreeMap;

use faramesh_call::money::dollars;
use faramesh_call::{Object, Value, object};
use faramesh_decide::Fetched;
use faramesh_dpr::{Hash, write_hash};
use faramesh_gate::{BudgetStatus, Lifecycle, RolloutStatus};
use faramesh_identity::believes_callers;
use faramesh_ledger::CheckpointStatus;
use faramesh_program::image::Mode;
use faramesh_sinks as sinks;
use faramesh_state::{Standing, Status};
use faramesh_verify::SigningMode;

use super::Context;
use crate::start::{identity_word, now};
use crate::witnesses;

pub(super) fn status(context: &Context) -> Object {
    let gate = &context.gate;
    let program = gate.program();
    let ledger = gate.ledger().status();
    let state = gate.approvals();
    let now = now();
    let believes = believes_callers(&program, gate.is_dev());
    let mode = if program.runtime.mode == Mode::Audit { "audit" } else { "enforce" };
    let pending: Vec<_> = state
        .approvals()
        .into_iter()
        .filter(|approval| approval.status_at(now) == Status::Pending)
        .map(|approval| now.since_ms(approval.requested_at) / 1_000)
        .collect();
    let lifecycle = gate.lifecycle();
    let unsigned = ledger.checkpoint.as_ref().is_some_and(|made| made.error.is_some());
    let degraded = lifecycle == Lifecycle::Ready && (!ledger.healthy || ledger.disk_full || unsigned);
    let daemon = object! {
        "state" => if degraded { "DEGRADED" } else { lifecycle.as_str() },
        "pid" => u64::from(std::process::id()),
        "uptime_seconds" => now.since_ms(context.facts.started_at) / 1_000,
        "directory" => context.facts.layout.directory().display().to_string(),
        "socket" => context.socket.display().to_string(),
        "http" => context.facts.http.get().map(String::as_str),
        "policy_hash" => program.hash_text(),
        "policy_source" => context.facts.policy_source.as_str(),
        "applied_at" => context.facts.applied_at().to_string(),
        "runtime_mode" => if gate.is_dev() { "dev" } else { mode },
        "os_tier" => object! { "enabled" => false, "mechanism" => Value::Null },
        "wal" => object! {
            "backend" => ledger.backend,
            "path" => ledger.directory.as_ref().map(|path| path.display().to_string()),
            "place" => ledger.place.as_deref(),
        },
        "enforcement" => context.facts.tiers().into_iter().collect::<Value>(),
        "version" => env!("CARGO_PKG_VERSION"),
    };
    let sinks = context.facts.sinks.status();
    let retention = context.facts.retention.error();
    object! {
        "version" => 1_i64,
        "stack" => context.facts.stack.as_str(),
        "identity" => identity_word(&program, gate.is_dev()),
        "daemon" => daemon,
        "providers" => Vec::<Value>::new(),
        "budgets" => gate.budgets().iter().map(budget).collect::<Value>(),
        "fleet" => context.facts.lessors.as_ref().map(|lessors| fleet(&lessors.status())),
        "selectors" => selectors(context).into_iter().collect::<Value>(),
        "rollouts" => gate.rollouts().iter().map(rollout).collect::<Value>(),
        "witnesses" => context.facts.witnesses.status().iter().map(witness).collect::<Value>(),
        "approvals" => object! {
            "pending" => pending.len(),
            "oldest_age_seconds" => pending.iter().max().copied(),
        },
        "ledger" => ledger_members(&ledger, &sinks),
        "warnings" => [
            unwitnessed(context),
            unshared(context),
            unselected(context),
            stopped(context),
            cold(context),
            warnings(gate.is_dev(), mode, believes, &ledger, &sinks, retention),
        ]
        .concat()
        .into_iter()
        .collect::<Value>(),
    }
}

fn ledger_members(ledger: &faramesh_ledger::Status, sinks: &[sinks::Status]) -> Object {
    object! {
        "records" => ledger.records,
        "last_seq" => ledger.last_seq,
        "last_hash" => hash_text(&ledger.last_hash),
        "epoch" => ledger.epoch,
        "verified" => ledger.healthy && ledger.unchecked == 0,
        "signed" => ledger.checkpoint.is_some(),
        "checkpoint" => ledger.checkpoint.as_ref().map(checkpoint),
        "index_lag" => ledger.index_lag,
        "sinks" => sinks.iter().map(sink).collect::<Value>(),
    }
}

fn hash_text(hash: &Hash) -> String {
    let mut text = Vec::new();
    write_hash(hash, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// How a budget stands, in the words of `status`.
pub(super) fn budget(status: &BudgetStatus) -> Object {
    object! {
        "agent" => &*status.agent,
        "id" => &*status.id,
        "session" => status.session.as_deref(),
        "spent_usd" => dollars(status.spent_micros),
        "max_usd" => status.max_micros.map(dollars),
        "calls" => status.calls,
        "max_calls" => status.max_calls,
        "unit" => status.unit,
        "scope" => if status.fleet.is_some() { "fleet" } else { "instance" },
        "leased_usd" => status.fleet.filter(|_| status.max_micros.is_some()).map(|fleet| dollars(fleet.micros)),
        "leased_calls" => status.fleet.filter(|_| status.max_calls.is_some()).map(|fleet| fleet.calls),
        "resets_at" => status.resets_at.map(|at| at.to_string()),
    }
}

/// How the backend of shared budgets stands.
fn fleet(status: &crate::fleet::Status) -> Object {
    object! {
        "backend" => status.place.as_str(),
        "leases" => status.leases,
        "error" => status.error.as_deref(),
    }
}

/// How the selectors of all agents stand.
fn selectors(context: &Context) -> Vec<Object> {
    let program = context.gate.program();
    let all =
        program.agents().iter().flat_map(|agent| agent.selectors.iter().map(move |found| (agent, found)));
    all.map(|(agent, selector)| {
        let state = context.facts.selectors.status(&Fetched::by(selector));
        let age = state.as_ref().and_then(|state| state.fetched_at).map(|at| at.elapsed().as_secs());
        object! {
            "agent" => &*agent.name,
            "name" => selector.name.as_str(),
            "has_value" => age.is_some(),
            "age_seconds" => age,
            "error" => state.and_then(|state| state.error),
        }
    })
    .collect()
}

/// Selectors without a value, each once however many agents have it.
fn unselected(context: &Context) -> Vec<String> {
    let program = context.gate.program();
    let all: BTreeMap<Fetched, &str> = program
        .agents()
        .iter()
        .flat_map(|agent| &agent.selectors)
        .map(|found| (Fetched::by(found), &*found.name))
        .collect();
    let told = |(fetched, name): (&Fetched, &&str)| {
        let state = context.facts.selectors.status(fetched)?;
        let error = state.error?;
        let what = if state.fetched_at.is_some() { "keeps its last value" } else { "has no value" };
        Some(format!("selector `{name}` {what}: {error}"))
    };
    all.iter().filter_map(told).collect()
}

/// How a rollout stands, in the words of `status`.
fn rollout(status: &RolloutStatus) -> Object {
    object! {
        "agent" => &*status.agent,
        "phase" => &*status.phase,
        "began" => status.began.to_string(),
        "ends" => status.ends.map(|at| at.to_string()),
        "enforced" => status.enforced,
    }
}

/// How a witness stands, in the words of `status`.
fn witness(status: &witnesses::Status) -> Object {
    object! {
        "name" => status.name.as_str(),
        "url" => status.url.as_str(),
        "key" => status.key.as_str(),
        "size" => status.size,
        "time" => status.time.map(|time| time.to_string()),
        "error" => status.error.as_deref(),
        "seen" => status.alarm.map(witnesses::Alarm::seen),
    }
}

/// How a sink stands, in the words of `status`.
fn sink(status: &sinks::Status) -> Object {
    let error = status
        .last_error
        .as_ref()
        .map(|(message, at)| Value::from(object! { "message" => message.as_str(), "at" => at.to_string() }));
    object! {
        "name" => status.name.as_str(),
        "type" => status.kind,
        "destination" => status.destination.as_str(),
        "status" => status.state.as_str(),
        "lag" => status.lag,
        "delivered_seq" => status.delivered_seq,
        "delivered" => status.delivered,
        "last_delivery" => status.last_delivery.map(|at| at.to_string()),
        "last_error" => error,
        "failures" => u64::from(status.failures),
        "note" => status.note.clone(),
    }
}

fn checkpoint(made: &CheckpointStatus) -> Object {
    object! {
        "mode" => made.mode.word(),
        "key" => made.key.to_string(),
        "size" => made.size,
        "time" => made.time.map(|time| time.to_string()),
        "lag" => made.lag,
        "error" => made.error.as_deref(),
    }
}

fn warnings(
    dev: bool,
    mode: &str,
    believes: bool,
    ledger: &faramesh_ledger::Status,
    sinks: &[sinks::Status],
    retention: Option<String>,
) -> Vec<String> {
    let mut warnings: Vec<String> = sinks.iter().filter_map(behind).collect();
    warnings.extend(retention.map(|error| format!("old records could not be archived: {error}")));
    let mut add = |warning: &str| warnings.push(warning.to_owned());
    if dev {
        add("started by `faramesh dev`: every record is marked as such");
    }
    if mode == "audit" {
        add("audit mode: every call is permitted, whatever the policy says");
    }
    if believes {
        add("agents name themselves: identity is self-declared, not attested");
    }
    if ledger.backend == "memory" {
        add("the ledger is in memory and ends with the daemon");
    }
    if let Some(refusal) = &ledger.refusal {
        add(refusal);
    }
    if ledger.unchecked > 0 {
        let (count, what) = (ledger.unchecked, "are still being read again, in the background");
        add(&format!("the start went on from a snapshot: {count} records from before it {what}"));
    }
    if ledger.disk_full {
        add("the disk is full: only denials are recorded, nothing is permitted");
    }
    match &ledger.checkpoint {
        None => add("records are hash-chained but not signed"),
        Some(made) if made.error.is_some() && made.mode == SigningMode::Strict => {
            add("checkpoints cannot be signed: nothing is permitted");
        }
        Some(made) if made.error.is_some() => {
            add("checkpoints cannot be signed: the newest records are hash-chained only");
        }
        Some(_) => {}
    }
    warnings
}

/// What witnesses say that an operator must know.
fn unwitnessed(context: &Context) -> Vec<String> {
    let statuses = context.facts.witnesses.status();
    let told = |status: &witnesses::Status| {
        let error = status.error.as_ref()?;
        let word = if status.alarm.is_some() { "ALARM: " } else { "" };
        Some(format!("{word}witness `{}`: {error}", status.name))
    };
    statuses.iter().filter_map(told).collect()
}

/// What keeps shared budgets from being leased.
fn unshared(context: &Context) -> Vec<String> {
    let error = context.facts.lessors.as_ref().and_then(|lessors| lessors.status().error);
    error.map(|error| format!("no more of shared budgets can be had: {error}")).into_iter().collect()
}

/// The agents that an operator stopped.
fn stopped(context: &Context) -> Vec<String> {
    let agents = context.gate.agents();
    let controls = agents.iter().filter_map(|agent| Some((&agent.agent, agent.control.as_ref()?)));
    controls
        .filter(|(_, control)| control.standing != Standing::Running)
        .map(|(agent, control)| {
            format!("agent `{agent}` is {}: {}", control.standing.as_str(), control.reason)
        })
        .collect()
}

/// Whether a daemon that has just started denies every call still.
fn cold(context: &Context) -> Vec<String> {
    let left = context.gate.cold_start_left().map(|left| left.as_secs().saturating_add(1));
    let told =
        |left| format!("`cold_start_deny_window`: every call is denied for another {left} s after the start");
    left.map(told).into_iter().collect()
}

/// What an operator should know of a sink that does not deliver.
fn behind(status: &sinks::Status) -> Option<String> {
    if let Some((message, _)) = &status.last_error {
        return Some(format!("the sink `{}` is {} records behind: {message}", status.name, status.lag));
    }
    status.note.as_ref().map(|note| format!("the sink `{}`: {note}", status.name))
}
