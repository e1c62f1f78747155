//! The blocks of an agent, and what a policy says beside its agents, as a comparison shows them: each by a name, with
//! a text that differs when it does.

use std::net::{Ipv4Addr, Ipv6Addr};

use faramesh_call::money::dollars;
use faramesh_program::Image;
use faramesh_program::image::{
    AgentImage, AlertEvent, BlocksImage, Budget, Ceiling, HostPattern, NextPhase, OnExceed, Operand,
    RateLimit, Requirement, RuleImage, Sharing, Window,
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
pub(crate) fn others(agent: &AgentImage) -> Entries {
    let mut entries = Vec::new();
    let name = &agent.name;
    let mut add = |block: &str, text: Option<String>| {
        entries.extend(text.map(|text| (format!("{name} {block}"), text)));
    };
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
    add(
        "egress",
        egress.as_ref().map(|egress| format!("allow {} deny {}", hosts(&egress.allow), hosts(&egress.deny))),
    );
    add(
        "model_policy",
        model_policy.as_ref().map(|models| {
            let allow = models.allow.as_ref().map_or_else(|| "every model".to_owned(), |allow| list(allow));
            format!("allow {allow} deny {}", list(&models.deny))
        }),
    );
    let bounds = [
        session.max_duration_ms.map(|ms| format!("max_duration {}", duration(ms))),
        session.idle_timeout_ms.map(|ms| format!("idle_timeout {}", duration(ms))),
        session.max_calls.map(|max| format!("max_calls {max}")),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    add("session", (!bounds.is_empty()).then(|| bounds.join(" ")));
    add(
        "spawn",
        spawn.as_ref().map(|spawn| {
            let most = spawn.max_concurrent.map(|most| format!(" max_concurrent {most}")).unwrap_or_default();
            format!("allow {}{most}", list(&spawn.allow))
        }),
    );
    for delegate in delegates {
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
        let text = format!("scope {scope}{ttl} ceiling {ceiling} inherits {}", list(&delegate.inherits));
        add(&format!("delegate {}", delegate.to), Some(text));
    }
    for (place, phase) in phases.iter().enumerate() {
        let mut parts = vec![format!("number {}", place + 1)];
        parts.extend(phase.duration_ms.map(|ms| format!("duration {}", duration(ms))));
        parts.extend(phase.next.as_ref().map(|next| match next {
            NextPhase::Enforce => "next enforce".to_owned(),
            NextPhase::Phase(name) => format!("next {name}"),
        }));
        parts.push(format!("tools {}", list(&phase.tools)));
        parts.extend(phase.default.map(|default| format!("default {}", default.as_str())));
        let rules: Vec<&str> = phase.rules.iter().map(|rule: &RuleImage| rule.text.as_str()).collect();
        add(&format!("phase {}", phase.name), Some(format!("{}: {}", parts.join(" "), rules.join("; "))));
    }
    let required: Vec<String> = completion_gate
        .iter()
        .map(|requirement| match requirement {
            Requirement::NoPendingApprovals => "no_pending_approvals".to_owned(),
            Requirement::BudgetUnderLimit => "budget_under_limit".to_owned(),
            Requirement::NoUncommittedWrites => "no_uncommitted_writes".to_owned(),
            Requirement::Called(tool) => format!("called {tool}"),
        })
        .collect();
    add("completion_gate", (!required.is_empty()).then(|| required.join(", ")));
    for credential in credentials {
        add(&format!("credential {}", credential.name), Some(format!("{credential:?}")));
    }
    for selector in selectors {
        add(&format!("selector {}", selector.name), Some(format!("{selector:?}")));
    }
    add(
        "ambient",
        ambient.map(|ambient| {
            let bounds = [
                ambient.max_customers_per_day.map(|most| format!("max_customers_per_day {most}")),
                ambient.max_data_volume_bytes.map(|most| format!("max_data_volume {most} bytes")),
                ambient.max_calls_per_day.map(|most| format!("max_calls_per_day {most}")),
            ];
            let bounds: Vec<String> = bounds.into_iter().flatten().collect();
            format!("{} on_exceed {}", bounds.join(" "), exceed(ambient.on_exceed))
        }),
    );
    add("enforcement", enforcement.as_ref().map(|enforcement| format!("{enforcement:?}")));
    let alerts = alerts.iter().map(|alert| {
        let on: Vec<&str> = alert.on.iter().map(|event| event_word(*event)).collect();
        let tools =
            if alert.tools.is_empty() { String::new() } else { format!(" tools {}", alert.tools.join(", ")) };
        format!("on {} → {}{tools}", on.join(", "), alert.notify.join(", "))
    });
    let alerts: Vec<String> = alerts.collect();
    add("alert", (!alerts.is_empty()).then(|| alerts.join("; ")));
    entries
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
mod tests {
    use crate::compare::{Policy, Setting, compare};

    fn policy(source: &str) -> Policy {
        let environment = |_: &str| None;
        let options =
            faramesh_check::Options { dev: true, ..faramesh_check::Options::new("p.fms", &environment) };
        let checked = faramesh_check::check(source, &options);
        let stack = checked.stack.unwrap_or_else(|| panic!("{source}: {:?}", checked.diagnostics));
        Policy::read(&faramesh_compile::compile_to_bytes(&stack).unwrap()).unwrap()
    }

    fn of_agent(block: &str) -> String {
        format!(
            "agent \"bot\" {{ default deny\n rules {{ permit look permit act }}\n {block} }}\nagent \"w\" {{ default deny\n rules {{ permit look }} }}"
        )
    }

    #[test]
    fn a_change_of_any_block_is_told() {
        for (old, new, expected) in [
            ("", r#"rate_limit "act": 5 per minute"#, "bot act: nothing → 5 per 1m burst 5"),
            (
                r#"budget daily { max $10 }"#,
                r#"budget daily { max $20 }"#,
                "bot daily: max $10 window daily on_exceed deny → max $20 window daily on_exceed deny",
            ),
            (r#"egress { allow = ["a.example"] }"#, "", "bot egress: allow [a.example] deny [] → nothing"),
            (
                "",
                r#"model_policy { deny = ["x-*"] }"#,
                "bot model_policy: nothing → allow every model deny [x-*]",
            ),
            ("session { max_calls 2 }", "session { max_calls 3 }", "bot session: max_calls 2 → max_calls 3"),
            (
                "",
                r#"spawn { allow = ["w"] max_concurrent = 2 }"#,
                "bot spawn: nothing → allow [w] max_concurrent 2",
            ),
            ("", r#"completion_gate { require called "act" }"#, "bot completion_gate: nothing → called act"),
            (
                r#"phase "p" { permit look }"#,
                r#"phase "p" { permit act }"#,
                "bot phase p: number 1 tools []: permit look → number 1 tools []: permit act",
            ),
            (
                "",
                "ambient { max_calls_per_day = 5 }",
                "bot ambient: nothing → max_calls_per_day 5 on_exceed deny",
            ),
            ("", r#"alert { on = "deny" notify = "stderr://" }"#, "bot alert: nothing → on deny → stderr://"),
        ] {
            let changes = compare(Some(&policy(&of_agent(old))), &policy(&of_agent(new)));
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
            let line = |setting: &Setting| {
                format!("{}: {} → {}", setting.name, side(&setting.from), side(&setting.to))
            };
            let told: Vec<String> =
                changes.rate_limits.iter().chain(&changes.budgets).chain(&changes.blocks).map(line).collect();
            assert_eq!(told, [expected], "{old} → {new}");
            assert_eq!(changes.count(), 1);
        }
    }

    #[test]
    fn two_policies_are_never_taken_for_one() {
        let source = of_agent("");
        for (old, new) in [
            (source.clone(), format!("runtime {{ signing = \"off\" }}\n{source}")),
            (source.clone(), format!("runtime {{ wal_retention = 10d }}\n{source}")),
            (source.clone(), format!("manifest grant bot to w max 3\n{source}")),
            (source.clone(), source.replacen("permit look", "permit look if amount < 5", 1)),
            (source.clone(), source.replacen("agent \"bot\" {", "agent \"bot\" { framework = \"x\"", 1)),
        ] {
            let (old, new) = (policy(&old), policy(&new));
            assert_eq!(compare(Some(&old), &new).is_empty(), old.hash() == new.hash());
            assert!(compare(Some(&new), &new).is_empty());
        }
    }
}
