//! Step 4 for agents that work together. A call that hands on authority, or starts another agent, asks no
//! rule and is held against the agent's `delegate` and `spawn` blocks and the manifest. A call under a delegation is cut
//! down to what was handed on, at every link of the chain. Ends with `DELEGATION_DENIED` or
//! `SPAWN_DENIED`; a grant may want a person.

use faramesh_call::call::{DELEGATE_TOOL, SPAWN_TOOL};
use faramesh_call::{Action, Code, Effect, Object, Value};
use faramesh_program::Agent;
use faramesh_program::handovers::HandedOn;
use faramesh_program::image::Ceiling;
use faramesh_program::tools::matches as matches_tool;
use faramesh_state::handovers::{Delegation, MAX_DELEGATIONS, MAX_SPAWNS, Spawned};
use faramesh_state::{Change, MAX_CHAIN, Standing};

use crate::Flow;
use crate::evaluate::Evaluator;
use crate::input::Input;
use crate::outcome::Outcome;
use crate::verdict::Verdict;

/// How long a delegation lasts when nobody says it, in milliseconds.
const DEFAULT_TTL_MS: u64 = 3_600_000;
/// Most patterns of one delegation.
const MAX_SCOPE: usize = 100;

/// Whether the call only hands on authority or starts an agent: then no rule is asked and nothing spent.
pub(crate) fn is_handover(input: &Input<'_>) -> bool {
    matches!(
        (input.call.action, &*input.call.tool),
        (Action::Delegate, DELEGATE_TOOL) | (Action::Spawn, SPAWN_TOOL)
    )
}

pub(crate) fn step<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if let Some(token) = input.call.delegation.as_deref()
        && let Err(why) = under(input, token, verdict)
    {
        return denied(Code::DelegationDenied, why, verdict);
    }
    if !is_handover(input) {
        return Flow::Continue;
    }
    let (code, asked) = match input.call.action {
        Action::Delegate => (Code::DelegationDenied, delegate(input, verdict)),
        _ => (Code::SpawnDenied, spawn(input, verdict)),
    };
    match asked {
        Ok(()) => Flow::Continue,
        Err(why) => denied(code, why, verdict),
    }
}

/// What a permitted handover changes; the last step, when everything else is settled.
pub(crate) fn make<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Flow {
    if verdict.effect != Effect::Permit || !is_handover(input) {
        return Flow::Continue;
    }
    match asked_delegation(input) {
        Some(Ok(delegation)) if input.call.action == Action::Delegate => {
            verdict.changes.push(Change::Delegated(Box::new(delegation)));
        }
        _ => verdict.changes.push(Change::Spawned(Spawned {
            by: input.agent.name.clone(),
            agent: receiver(input).unwrap_or_default().into(),
            record: Box::default(),
            at: input.moment.now,
        })),
    }
    Flow::Continue
}

fn denied(code: Code, message: String, verdict: &mut Verdict<'_>) -> Flow {
    verdict.effect = Effect::Deny;
    verdict.code = code;
    verdict.message = message;
    Flow::End
}

/// Cuts a call down to the delegations that it is made under.
fn under<'a>(input: &Input<'a>, token: &str, verdict: &mut Verdict<'a>) -> Result<(), String> {
    let now = input.moment.now;
    verdict.inputs.insert("delegation", token);
    let chain = input.state.handovers().chain(token, now);
    let chain = chain.ok_or("this delegation has ended, was revoked, or never was")?;
    let read: Value = chain.iter().map(|link| Value::Object(recorded(link))).collect();
    verdict.inputs.insert("delegations", read);
    if chain.first().is_none_or(|link| *link.to != *input.agent.name) {
        return Err(format!("this delegation is not for agent `{}`", input.agent.name));
    }
    for link in &chain {
        let stopped = input
            .state
            .control(&link.from)
            .is_some_and(|control| matches!(control.standing, Standing::Killed | Standing::Isolated));
        if stopped {
            return Err(format!("an operator stopped agent `{}`, which handed this on", link.from));
        }
        let handed = handed(input, link)
            .ok_or_else(|| format!("the policy no longer lets `{}` hand on to `{}`", link.from, link.to))?;
        let wanted = input.call.tool.as_ref();
        if !in_scope(input, link, handed, verdict) && !is_handover(input) {
            return Err(format!("`{wanted}` is not among what `{}` handed on", link.from));
        }
        verdict.ceiling = verdict.ceiling.max(ceiling(handed));
    }
    Ok(())
}

fn recorded(link: &Delegation) -> Object {
    let mut members = link.to_value();
    members.insert("record", link.record.clone());
    members
}

/// What the policy lets the giver of a delegation hand on to its receiver.
fn handed<'a>(input: &Input<'a>, link: &Delegation) -> Option<&'a HandedOn> {
    input.program.agent(&link.from)?.hands_on().delegate(&link.to)
}

fn in_scope<'a>(input: &Input<'a>, link: &Delegation, handed: &HandedOn, verdict: &mut Verdict<'a>) -> bool {
    let giver = input.program.agent(&link.from).unwrap_or(input.agent);
    let evaluator = Evaluator::of(input).owned_by(giver);
    let asked =
        link.scope.is_empty() || link.scope.iter().any(|pattern| matches_tool(pattern, &input.call.tool));
    let covers = handed.covers(&input.call.tool, |condition| evaluator.condition(condition) == Outcome::True);
    evaluator.note_reads(verdict);
    asked && covers
}

/// The strictest effect that a link still lets through; what the giver itself is cut down to is in the
/// links above it.
fn ceiling(handed: &HandedOn) -> Effect {
    match handed.ceiling {
        Ceiling::Inherited | Ceiling::Permit => Effect::Permit,
        Ceiling::Defer => Effect::Defer,
    }
}

fn receiver<'a>(input: &Input<'a>) -> Option<&'a str> {
    let key = if input.call.action == Action::Delegate { "to" } else { "agent" };
    input.call.args.get(key).and_then(Value::as_str)
}

/// A request to hand on authority.
fn delegate<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Result<(), String> {
    let Some(delegation) = asked_delegation(input) else { return Err(no_receiver(input, "to")) };
    let delegation = delegation?;
    if delegation.parent.is_some()
        && input
            .state
            .handovers()
            .chain(delegation.parent.as_deref().unwrap_or_default(), input.moment.now)
            .is_some_and(|chain| chain.len() >= MAX_CHAIN)
    {
        return Err(format!("authority is handed on {MAX_CHAIN} times at most"));
    }
    if !input.state.handovers().has_room_to_delegate(input.moment.now) {
        return Err(format!("{MAX_DELEGATIONS} delegations are under way already"));
    }
    let open = input.state.handovers().open_between(&input.agent.name, &delegation.to, input.moment.now);
    granted(input, &delegation.to, open, verdict)
}

/// The delegation that a call asks for; `None` when it names no receiver.
fn asked_delegation(input: &Input<'_>) -> Option<Result<Delegation, String>> {
    if input.call.action != Action::Delegate {
        return None;
    }
    let to = receiver(input)?;
    let from = &input.agent.name;
    let Some(handed) = input.agent.hands_on().delegate(to) else {
        return Some(Err(format!("agent `{from}` may not hand on to `{}`", to.escape_debug())));
    };
    let scope = match scope(input) {
        Ok(scope) => scope,
        Err(why) => return Some(Err(why)),
    };
    let wanted_ms = input.call.args.get("ttl_seconds").and_then(Value::as_i64);
    let wanted_ms = wanted_ms
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    let most_ms = handed.ttl_ms.unwrap_or(DEFAULT_TTL_MS);
    let ttl_ms = wanted_ms.unwrap_or(most_ms).min(most_ms);
    let now = input.moment.now;
    Some(Ok(Delegation {
        id: format!("dlg-{:032x}", input.moment.entropy).into(),
        from: from.clone(),
        to: to.into(),
        scope,
        at: now,
        expires_at: now.plus_ms(ttl_ms),
        session: input.call.session.clone().unwrap_or_default(),
        parent: input.call.delegation.clone(),
        record: Box::default(),
    }))
}

fn scope(input: &Input<'_>) -> Result<Vec<Box<str>>, String> {
    let Some(scope) = input.call.args.get("scope").filter(|scope| **scope != Value::Null) else {
        return Ok(Vec::new());
    };
    let patterns: Option<Vec<Box<str>>> = scope
        .as_list()
        .and_then(|patterns| patterns.iter().map(|pattern| pattern.as_str().map(Box::from)).collect());
    match patterns {
        Some(patterns) if !patterns.is_empty() && patterns.len() <= MAX_SCOPE => Ok(patterns),
        _ => Err(format!("`scope` must be a list of 1 to {MAX_SCOPE} tool patterns")),
    }
}

/// A request to start an agent.
fn spawn<'a>(input: &Input<'a>, verdict: &mut Verdict<'a>) -> Result<(), String> {
    let Some(agent) = receiver(input) else { return Err(no_receiver(input, "agent")) };
    let by = &input.agent.name;
    let spawn = input.agent.hands_on().spawn();
    let Some(spawn) = spawn.filter(|spawn| spawn.allow.iter().any(|allowed| *allowed == *agent)) else {
        return Err(format!("agent `{by}` may not start `{}`", agent.escape_debug()));
    };
    let now = input.moment.now;
    let open = input.state.handovers().open_spawns(by, now);
    verdict.inputs.insert("open_spawns", u64::try_from(open).unwrap_or(u64::MAX));
    if let Some(most) = spawn.max_concurrent
        && u32::try_from(open).unwrap_or(u32::MAX) >= most
    {
        return Err(format!("agent `{by}` may have {most} started agents at a time, and has"));
    }
    if !input.state.handovers().has_room_to_spawn(now) {
        return Err(format!("{MAX_SPAWNS} started agents are under way already"));
    }
    granted(input, agent, open, verdict)
}

/// What the manifest says about work from this agent for another.
fn granted<'a>(input: &Input<'a>, to: &str, open: usize, verdict: &mut Verdict<'a>) -> Result<(), String> {
    verdict.effect = Effect::Permit;
    verdict.code = Code::PolicyPermit;
    let from = &*input.agent.name;
    let manifest = input.program.manifest();
    let Some(orchestrator) = manifest.orchestrators.iter().find(|found| *found.agent == *from) else {
        return Ok(());
    };
    let wait = |why: String, verdict: &mut Verdict<'a>| {
        verdict.effect = Effect::Defer;
        verdict.code = Code::PolicyDefer;
        verdict.message = why;
    };
    match manifest.grants.iter().find(|grant| *grant.from == *from && *grant.to == *to) {
        None if orchestrator.undeclared_defers => {
            wait(format!("no grant lets `{from}` hand work to `{to}`, so a person decides"), verdict);
        }
        None => return Err(format!("no grant lets `{from}` hand work to `{to}`")),
        Some(grant) => {
            if let Some(most) = grant.max
                && u32::try_from(open).unwrap_or(u32::MAX) >= most
            {
                return Err(format!("`{from}` may hand {most} pieces of work to `{to}` at a time, and has"));
            }
            if grant.approval {
                wait(format!("a person approves work that `{from}` hands to `{to}`"), verdict);
            }
        }
    }
    Ok(())
}

fn no_receiver(input: &Input<'_>, member: &str) -> String {
    format!("a call of kind `{}` names an agent as `{member}`", input.call.action.as_str())
}

/// The givers of the delegations that a call is made under, each with its session and the names of its
/// budgets that are charged.
pub(crate) fn payers<'a>(input: &Input<'a>) -> Vec<(&'a Agent, &'a str, &'a [Box<str>])> {
    let Some(token) = input.call.delegation.as_deref() else { return Vec::new() };
    let chain = input.state.handovers().chain(token, input.moment.now).unwrap_or_default();
    let payer = |link: &&'a Delegation| {
        let agent = input.program.agent(&link.from)?;
        let handed = agent.hands_on().delegate(&link.to)?;
        (!handed.inherits.is_empty()).then_some((agent, &*link.session, &*handed.inherits))
    };
    chain.iter().filter_map(payer).collect()
}
