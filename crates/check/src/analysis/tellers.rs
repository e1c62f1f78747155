//! Alerts that reach nobody, because no provider says how.

use crate::checker::Checker;
use crate::codes;
use crate::stack::Stack;

/// Schemes of targets, and the type of the provider that each needs.
const NEEDED: &[(&str, &str)] =
    &[("slack", "slack"), ("pagerduty", "pagerduty"), ("webhook", "webhook"), ("email", "smtp")];

pub(super) fn check(checker: &mut Checker<'_>, stack: &Stack) {
    let mut told: Vec<&str> = Vec::new();
    for agent in &stack.agents {
        for target in agent.blocks.alerts.iter().flat_map(|alert| &alert.notify) {
            let scheme = target.split("://").next().unwrap_or_default();
            let Some((scheme, kind)) = NEEDED.iter().find(|(known, _)| *known == scheme) else { continue };
            let provides = stack.providers.iter().any(|provider| provider.kind == *kind);
            if provides || told.contains(scheme) {
                continue;
            }
            told.push(scheme);
            let message = format!("nobody is told at `{target}`: no provider says how");
            let help = match *kind {
                "slack" => "write `provider \"slack\" { type = \"slack\"  token = env(\"SLACK_TOKEN\") }`",
                "pagerduty" => {
                    "write `provider \"pages\" { type = \"pagerduty\"  token = env(\"PAGERDUTY_KEY\") }`"
                }
                "webhook" => {
                    "write `provider \"hooks\" { type = \"webhook\"  secret = env(\"WEBHOOK_SECRET\") }`"
                }
                _ => {
                    "write `provider \"mail\" { type = \"smtp\"  url = \"smtps://mail.example.com\"  sender = \"faramesh@example.com\" }`"
                }
            };
            checker.say(codes::ALERT_WITHOUT_PROVIDER, agent.span, message, help);
        }
    }
}
