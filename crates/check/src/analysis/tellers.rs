//! People who are not told, because no provider says how.

use faramesh_program::image::RuleEffect;
use faramesh_syntax::ast::Span;

use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Rule, Stack};

/// Schemes of targets, and the type of the provider that each needs.
const NEEDED: &[(&str, &str)] =
    &[("slack", "slack"), ("pagerduty", "pagerduty"), ("webhook", "webhook"), ("email", "smtp")];

pub(super) fn check(checker: &mut Checker<'_>, stack: &Stack) {
    let provides = |kind: &str| stack.providers.iter().any(|provider| provider.kind == kind);
    let mut told: Vec<&str> = Vec::new();
    for (target, span) in stack.agents.iter().flat_map(targets) {
        let scheme = target.split("://").next().unwrap_or_default();
        let Some((scheme, kind)) = NEEDED.iter().find(|(known, _)| *known == scheme) else { continue };
        if provides(kind) || told.contains(scheme) {
            continue;
        }
        told.push(scheme);
        let message = format!("nobody is told at `{target}`: no provider says how");
        checker.say(codes::ALERT_WITHOUT_PROVIDER, span, message, help(kind));
    }
    for rule in stack.agents.iter().flat_map(rules).filter(|rule| rule.effect != RuleEffect::Defer) {
        let unheard = |notify: &&String| !(is_target(notify) || notify.starts_with('#') && provides("slack"));
        let Some(notify) = rule.notify.iter().find(unheard) else { continue };
        let message = format!("nobody is told at `{notify}`: only a `defer` has approvers who see it");
        let help = match notify.strip_prefix('#') {
            Some(_) => help("slack"),
            None => "write a target, as in `notify \"slack://#channel\"`, or take `notify` away",
        };
        checker.say(codes::ALERT_WITHOUT_PROVIDER, rule.span, message, help);
    }
}

fn is_target(notify: &str) -> bool {
    notify.contains("://")
}

fn rules(agent: &Agent) -> impl Iterator<Item = &Rule> {
    agent.rules.iter().chain(agent.blocks.phases.iter().flat_map(|phase| &phase.rules))
}

/// What an agent's alerts and rules name as targets, and where.
fn targets(agent: &Agent) -> impl Iterator<Item = (&String, Span)> {
    let alerts = agent.blocks.alerts.iter().flat_map(|alert| &alert.notify);
    let rules = rules(agent).flat_map(|rule| rule.notify.iter().map(|notify| (notify, rule.span)));
    alerts.map(|target| (target, agent.span)).chain(rules.filter(|(notify, _)| is_target(notify)))
}

fn help(kind: &str) -> &'static str {
    match kind {
        "slack" => "write `provider \"slack\" { type = \"slack\"  token = env(\"SLACK_TOKEN\") }`",
        "pagerduty" => "write `provider \"pages\" { type = \"pagerduty\"  token = env(\"PAGERDUTY_KEY\") }`",
        "webhook" => "write `provider \"hooks\" { type = \"webhook\"  secret = env(\"WEBHOOK_SECRET\") }`",
        _ => {
            "write `provider \"mail\" { type = \"smtp\"  url = \"smtps://mail.example.com\"  sender = \"faramesh@example.com\" }`"
        }
    }
}
