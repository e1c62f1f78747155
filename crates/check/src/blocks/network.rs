//! What an agent reaches and who hears of it: `egress`, `model_policy`, `enforcement`, `alert`.

use faramesh_program::image::{Alert, AlertEvent, Egress, Enforcement, ModelPolicy, Profile};
use faramesh_syntax::ast::{Spanned, Value};
use faramesh_syntax::nearest;

use super::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;
use crate::members::with_nearest;

/// Words of `on`, each with what it means.
const EVENTS: &[(&str, AlertEvent)] = &[
    ("deny", AlertEvent::Deny),
    ("defer", AlertEvent::Defer),
    ("permit", AlertEvent::Permit),
    ("approved", AlertEvent::Approved),
    ("budget_warning", AlertEvent::BudgetWarning),
    ("budget_exceeded", AlertEvent::BudgetExceeded),
    ("rate_exceeded", AlertEvent::RateExceeded),
    ("chain_broken", AlertEvent::ChainBroken),
];

impl Checker<'_> {
    pub(super) fn egress(&mut self, block: Block<'_>) -> Egress {
        let (settings, _) = self.block(block);
        Egress {
            allow: self.hosts("allow", settings.get("allow")).unwrap_or_default(),
            deny: self.hosts("deny", settings.get("deny")).unwrap_or_default(),
        }
    }

    pub(super) fn model_policy(&mut self, block: Block<'_>) -> ModelPolicy {
        let (settings, _) = self.block(block);
        self.needs(block, &["allow", "deny"], "allow = [\"…\"]");
        ModelPolicy {
            allow: self.set("allow", settings.get("allow")),
            deny: self.set("deny", settings.get("deny")).unwrap_or_default(),
        }
    }

    /// The sandbox of an agent; whether it is stricter than the stack's is looked at when both are read.
    pub(super) fn enforcement(&mut self, block: Block<'_>) -> Enforcement {
        let (settings, _) = self.block(block);
        let keys = ["os_tier", "filesystem", "network", "profile", "mcp_proxy_port"];
        self.needs(block, &keys, "os_tier = true");
        let found = Enforcement {
            os_tier: self.boolean("os_tier", settings.get("os_tier")),
            tight_filesystem: self
                .choice("filesystem", &["tight", "normal"], settings.get("filesystem"))
                .map(|text| text.node == "tight"),
            network: self.network(settings.get("network")),
            profile: self.profile("profile", settings.get("profile")),
            mcp_proxy_port: self.port("mcp_proxy_port", settings.get("mcp_proxy_port")),
        };
        for (key, loosens) in [
            ("os_tier", found.os_tier == Some(false)),
            ("filesystem", found.tight_filesystem == Some(false)),
            ("profile", found.profile.is_some_and(|profile| profile < Profile::Full)),
        ] {
            if let (true, Some(value)) = (loosens, settings.get(key)) {
                self.sandbox_keys.push((key, found.clone(), value.span));
            }
        }
        found
    }

    /// How strict a sandbox is.
    pub(crate) fn profile(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Profile> {
        let text = self.choice(key, &["full", "minimal", "off"], value)?;
        Some(match text.node.as_str() {
            "off" => Profile::Off,
            "minimal" => Profile::Minimal,
            _ => Profile::Full,
        })
    }

    fn network(
        &mut self,
        value: Option<&Spanned<Value>>,
    ) -> Option<Vec<faramesh_program::image::HostPattern>> {
        if let Value::String(text) | Value::Word(text) = &value?.node
            && text == "none"
        {
            return Some(Vec::new());
        }
        self.hosts("network", value)
    }

    pub(super) fn alert(&mut self, block: Block<'_>) -> Option<Alert> {
        let (settings, label) = self.block(block);
        let complete = [
            self.needs(block, &["on"], "on = \"deny\""),
            self.needs(block, &["notify"], "notify = \"slack://#alerts\""),
        ];
        let on = self.events(settings.get("on"));
        let notify = self.targets("notify", settings.get("notify")).unwrap_or_default();
        let tools = self.patterns("tools", settings.get("tools")).unwrap_or_default();
        for (key, is_empty) in [("on", on.is_empty()), ("notify", notify.is_empty())] {
            if let (true, Some(Spanned { node: Value::List(items), span })) = (is_empty, settings.get(key)) {
                self.filled(key, *span, items);
            }
        }
        complete.iter().all(|found| *found).then(|| Alert {
            name: label.map(|label| label.node.clone()),
            on,
            notify,
            tools,
        })
    }

    fn events(&mut self, value: Option<&Spanned<Value>>) -> Vec<AlertEvent> {
        let mut events = Vec::new();
        for text in self.texts("on", value).unwrap_or_default() {
            if let Some((_, event)) = EVENTS.iter().find(|(word, _)| *word == text.node) {
                events.push(*event);
                continue;
            }
            let words: Vec<&str> = EVENTS.iter().map(|(word, _)| *word).collect();
            let near = nearest(&text.node, words.iter().copied());
            let diagnostic =
                codes::WRONG_VALUE.at(text.span, format!("nothing is told `on` `{}`", text.node));
            self.report(with_nearest(diagnostic, near, text.span, || format!("write {}", one_of(&words))));
        }
        events.sort_unstable();
        events.dedup();
        events
    }
}
