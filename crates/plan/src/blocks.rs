//! The blocks of an agent, and what a policy says beside its agents, as a comparison shows them: each by a name, with
//! a text that differs when it does.

use std::net::{Ipv4Addr, Ipv6Addr};

use faramesh_call::money::dollars;
use faramesh_program::Image;
use faramesh_program::image::{
    AgentImage, Alert, AlertEvent, Ambient, BlocksImage, Budget, Ceiling, Delegate, Egress, HostPattern,
    ModelPolicy, NextPhase, OnExceed, Operand, Phase, RateLimit, Requirement, RuleImage, Selector,
    SessionLimits, Sharing, Spawn, TextSource, Window, WithoutValue,
};

type Entries = Vec<(String, String)>;

/// The rates of an agent.
pub(crate) fn rates(agent: &AgentImage) -> Entries {
    let text = |rate: &RateLimit| {
        format!("{} per {} burst {}{}", rate.count, duration(rate.period_ms), rate.burst, shared(rate.scope))
    };
    let entry = |rate: &RateLimit| (format!("{} {}", agent.name, rate.pattern), text(rate));
    // Two of one pattern are one entry with both.
    joined(agent.blocks.rate_limits.iter().map(entry))
}

/// The budgets of an agent.
pub(crate) fn budgets(agent: &AgentImage, image: &Image) -> Entries {
    let entry = |budget: &Budget<u32>| (format!("{} {}", agent.name, budget.id), of_budget(budget, image));
    agent.blocks.budgets.iter().map(entry).collect()
}

fn of_budget(budget: &Budget<u32>, image: &Image) -> String {
    let mut parts = Vec::new();
    let mut add = |part: Option<String>| parts.extend(part);
    add(budget.max_micros.map(|max| format!("max ${}", dollars(max))));
    add(budget.daily_micros.map(|max| format!("daily ${}", dollars(max))));
    add(budget.max_calls.map(|max| format!("max_calls {max}")));
    add(Some(match budget.window {
        Window::Session => "window session".to_owned(),
        Window::Daily => "window daily".to_owned(),
        Window::Monthly => "window monthly".to_owned(),
        Window::Rolling(ms) => format!("window {}", duration(ms)),
    }));
    add(budget.warn_at_millionths.map(|at| format!("warn_at {}.{:06}", at / 1_000_000, at % 1_000_000)));
    add(Some(format!("on_exceed {}", exceed(budget.on_exceed))));
    add((!budget.tools.is_empty()).then(|| format!("tools {}", budget.tools.join(", "))));
    add(budget.cost.map(|cost| format!("cost {}", operand(cost, image))));
    format!("{}{}", parts.join(" "), shared(budget.scope))
}

fn operand(index: u32, image: &Image) -> String {
    let at = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
    match image.operands.get(at(index)) {
        Some(Operand::Path(path)) => {
            image.paths.get(at(*path)).map(|path| path.text.clone()).unwrap_or_default()
        }
        Some(Operand::Constant(constant)) => format!("{:?}", image.constants.get(at(*constant))),
        other => format!("{other:?}"),
    }
}

/// Every other block of an agent.
pub(crate) fn others(agent: &AgentImage, image: &Image) -> Entries {
    let BlocksImage {
        rate_limits: _,
        budgets: _,
        egress,
        model_policy,
        session,
        spawn,
        delegates,
        phases,
        completion_gate,
        credentials,
        selectors,
        ambient,
        enforcement,
        alerts,
    } = &agent.blocks;
    let one = |block: &str, text: Option<String>| text.map(|text| (block.to_owned(), text));
    let entries = [
        one("egress", egress.as_ref().map(of_egress)),
        one("model_policy", model_policy.as_ref().map(of_models)),
        one("session", of_session(session)),
        one("spawn", spawn.as_ref().map(of_spawn)),
    ];
    let mut entries: Entries = entries.into_iter().flatten().collect();
    entries.extend(
        delegates.iter().map(|delegate| (format!("delegate {}", delegate.to), of_delegate(delegate))),
    );
    let numbered = phases.iter().zip(1..);
    entries
        .extend(numbered.map(|(phase, number)| (format!("phase {}", phase.name), of_phase(phase, number))));
    entries.extend(one("completion_gate", of_gate(completion_gate)));
    entries
        .extend(credentials.iter().map(|block| (format!("credential {}", block.name), format!("{block:?}"))));
    entries.extend(selectors.iter().map(|block| (format!("selector {}", block.name), of_selector(block))));
    entries.extend(one("ambient", ambient.as_ref().map(|ambient| of_ambient(ambient, image))));
    entries.extend(one("enforcement", enforcement.as_ref().map(|block| format!("{block:?}"))));
    entries.extend(one("alert", of_alerts(alerts)));
    entries.into_iter().map(|(block, text)| (format!("{} {block}", agent.name), text)).collect()
}

fn of_egress(egress: &Egress) -> String {
    format!("allow {} deny {}", hosts(&egress.allow), hosts(&egress.deny))
}

fn of_models(models: &ModelPolicy) -> String {
    let allow = models.allow.as_ref().map_or_else(|| "every model".to_owned(), |allow| list(allow));
    format!("allow {allow} deny {}", list(&models.deny))
}

fn of_session(session: &SessionLimits) -> Option<String> {
    words(&[
        session.max_duration_ms.map(|ms| format!("max_duration {}", duration(ms))),
        session.idle_timeout_ms.map(|ms| format!("idle_timeout {}", duration(ms))),
        session.max_calls.map(|max| format!("max_calls {max}")),
    ])
}

fn of_spawn(spawn: &Spawn) -> String {
    let most = spawn.max_concurrent.map(|most| format!(" max_concurrent {most}")).unwrap_or_default();
    format!("allow {}{most}", list(&spawn.allow))
}

fn of_delegate(delegate: &Delegate<u32>) -> String {
    let scope = delegate.scope.as_ref().map_or_else(
        || "every tool".to_owned(),
        |scope| scope.iter().map(|tool| tool.text.as_str()).collect::<Vec<_>>().join(", "),
    );
    let ttl = delegate.ttl_ms.map(|ms| format!(" ttl {}", duration(ms))).unwrap_or_default();
    let ceiling = match delegate.ceiling {
        Ceiling::Inherited => "inherited",
        Ceiling::Permit => "permit",
        Ceiling::Defer => "defer",
    };
    format!("scope {scope}{ttl} ceiling {ceiling} inherits {}", list(&delegate.inherits))
}

fn of_phase(phase: &Phase<RuleImage>, number: u64) -> String {
    let next = phase.next.as_ref().map(|next| match next {
        NextPhase::Enforce => "next enforce".to_owned(),
        NextPhase::Phase(name) => format!("next {name}"),
    });
    let parts = [
        Some(format!("number {number}")),
        phase.duration_ms.map(|ms| format!("duration {}", duration(ms))),
        next,
        Some(format!("tools {}", list(&phase.tools))),
        phase.default.map(|default| format!("default {}", default.as_str())),
    ];
    let rules: Vec<&str> = phase.rules.iter().map(|rule| rule.text.as_str()).collect();
    format!("{}: {}", words(&parts).unwrap_or_default(), rules.join("; "))
}

fn of_gate(requirements: &[Requirement]) -> Option<String> {
    let required: Vec<String> = requirements
        .iter()
        .map(|requirement| match requirement {
            Requirement::NoPendingApprovals => "no_pending_approvals".to_owned(),
            Requirement::BudgetUnderLimit => "budget_under_limit".to_owned(),
            Requirement::NoUncommittedWrites => "no_uncommitted_writes".to_owned(),
            Requirement::Called(tool) => format!("called {tool}"),
        })
        .collect();
    (!required.is_empty()).then(|| required.join(", "))
}

fn of_ambient(ambient: &Ambient<u32>, image: &Image) -> String {
    let parts = [
        ambient.customer.map(|customer| format!("customer {}", operand(customer, image))),
        ambient.max_customers_per_day.map(|most| format!("max_customers_per_day {most}")),
        ambient.max_data_volume_bytes.map(|most| format!("max_data_volume {most} bytes")),
        ambient.max_calls_per_day.map(|most| format!("max_calls_per_day {most}")),
        Some(format!("on_exceed {}", exceed(ambient.on_exceed))),
    ];
    words(&parts).unwrap_or_default()
}

fn of_selector(selector: &Selector) -> String {
    let without = |word: &str, then: WithoutValue| {
        let then = match then {
            WithoutValue::Unknown => "unknown",
            WithoutValue::Defer => "defer",
            WithoutValue::Deny => "deny",
        };
        Some(format!("{word} {then}"))
    };
    let source = match &selector.source {
        TextSource::Literal(text) => text.clone(),
        TextSource::Environment { name, .. } => format!("env({name:?})"),
    };
    let parts = [
        Some(source),
        selector.cache_ms.map(|cache| format!("cache {}", duration(cache))),
        selector.timeout_ms.map(|timeout| format!("timeout {}", duration(timeout))),
        without("on_unavailable", selector.on_unavailable),
        without("on_timeout", selector.on_timeout),
    ];
    words(&parts).unwrap_or_default()
}

fn of_alerts(alerts: &[Alert]) -> Option<String> {
    let text = |alert: &Alert| {
        let on: Vec<&str> = alert.on.iter().map(|event| event_word(*event)).collect();
        let tools =
            if alert.tools.is_empty() { String::new() } else { format!(" tools {}", alert.tools.join(", ")) };
        format!("on {} → {}{tools}", on.join(", "), alert.notify.join(", "))
    };
    (!alerts.is_empty()).then(|| alerts.iter().map(text).collect::<Vec<_>>().join("; "))
}

/// The parts that are there, as one text; `None` when none is.
fn words(parts: &[Option<String>]) -> Option<String> {
    let there: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    (!there.is_empty()).then(|| there.join(" "))
}

/// What the policy says beside its agents, its providers and the settings that are told one by one.
pub(crate) fn beside(image: &Image) -> Entries {
    let mut entries = Vec::new();
    for orchestrator in &image.manifest.orchestrators {
        let undeclared = if orchestrator.undeclared_defers { "defer" } else { "deny" };
        entries.push((
            format!("manifest orchestrator {}", orchestrator.agent),
            format!("undeclared {undeclared}"),
        ));
    }
    for grant in &image.manifest.grants {
        let most = grant.max.map_or_else(|| "any number".to_owned(), |max| format!("max {max}"));
        let waits = if grant.approval { ", each approved" } else { "" };
        entries.push((format!("manifest grant {} to {}", grant.from, grant.to), format!("{most}{waits}")));
    }
    for key in &image.trust {
        entries.push((format!("trust {}", key.owner), format!("{} {}", key.algorithm, key.key)));
    }
    for import in &image.imports {
        entries.push(("import".to_owned(), format!("{import:?}")));
    }
    entries.push(("system".to_owned(), format!("{:?}", image.system)));
    joined(entries.into_iter())
}

/// Entries of one name made one, in their order.
fn joined(entries: impl Iterator<Item = (String, String)>) -> Entries {
    let mut all: Entries = Vec::new();
    for (name, text) in entries {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.push_str(&format!("; {text}")),
            None => all.push((name, text)),
        }
    }
    all
}

fn event_word(event: AlertEvent) -> &'static str {
    match event {
        AlertEvent::Deny => "deny",
        AlertEvent::Defer => "defer",
        AlertEvent::Permit => "permit",
        AlertEvent::Approved => "approved",
        AlertEvent::BudgetWarning => "budget_warning",
        AlertEvent::BudgetExceeded => "budget_exceeded",
        AlertEvent::RateExceeded => "rate_exceeded",
        AlertEvent::ChainBroken => "chain_broken",
    }
}

fn exceed(on: OnExceed) -> &'static str {
    match on {
        OnExceed::Deny => "deny",
        OnExceed::Defer => "defer",
        OnExceed::Audit => "audit",
    }
}

fn shared(scope: Sharing) -> &'static str {
    match scope {
        Sharing::Instance => "",
        Sharing::Fleet => " scope fleet",
    }
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.join(", "))
}

fn hosts(patterns: &[HostPattern]) -> String {
    let host = |pattern: &HostPattern| match pattern {
        HostPattern::Name(name) => name.clone(),
        HostPattern::Network4 { address, prefix } => format!("{}/{prefix}", Ipv4Addr::from(*address)),
        HostPattern::Network6 { address, prefix } => format!("{}/{prefix}", Ipv6Addr::from(*address)),
    };
    list(&patterns.iter().map(host).collect::<Vec<_>>())
}

/// A duration in the largest unit that divides it.
pub(crate) fn duration(ms: u64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let whole = units.into_iter().find(|(_, length)| ms > 0 && ms.is_multiple_of(*length));
    whole.map_or_else(|| format!("{ms}ms"), |(unit, length)| format!("{}{unit}", ms / length))
}

#[cfg(test)]
mod tests;
