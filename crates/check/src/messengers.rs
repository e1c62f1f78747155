//! Providers that bring alerts to people: `slack`, `pagerduty`, `webhook`, `smtp`. What each takes is checked here; which
//! `alert` uses which is said by the scheme of its target.

use faramesh_program::image::{Setting, SettingValue, TextSource};
use faramesh_syntax::ast::Item;
use faramesh_syntax::nearest;

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;
use crate::members::{Settings, with_nearest};

const KEYS: &[(&str, &[&str])] = &[
    ("slack", &["type", "token", "url", "timeout"]),
    ("pagerduty", &["type", "token", "url", "timeout"]),
    ("webhook", &["type", "secret", "ca_file", "timeout"]),
    ("smtp", &["type", "url", "username", "token", "sender", "ca_file", "timeout"]),
];
/// Longest time for a message, in milliseconds.
const TIMEOUTS: (u64, u64) = (100, 60_000);

/// Whether providers of this type bring alerts.
pub(crate) fn is_messenger(kind: &str) -> bool {
    KEYS.iter().any(|(word, _)| *word == kind)
}

impl Checker<'_> {
    /// The settings of a messenger, sorted by key.
    pub fn messenger(
        &mut self,
        kind: &str,
        block: Block<'_>,
        settings: &Settings<'_>,
    ) -> Vec<(String, Setting)> {
        let known = KEYS.iter().find(|(word, _)| *word == kind).map_or(&[][..], |(_, keys)| keys);
        for item in &block.body.items {
            let Item::Setting { key, .. } = &item.node else { continue };
            if !known.contains(&key.node.as_str()) {
                let near = nearest(&key.node, known.iter().copied());
                let found = codes::UNKNOWN_KEY.at(key.span, format!("a {kind} has no key `{}`", key.node));
                self.report(with_nearest(found, near, key.span, || format!("it takes {}", one_of(known))));
            }
        }
        let (missing, example) = match kind {
            "slack" => (
                settings.get("token").is_none() && settings.get("url").is_none(),
                "token = env(\"SLACK_TOKEN\")",
            ),
            "smtp" if settings.get("url").is_none() => (true, "url = \"smtps://mail.example.com\""),
            "smtp" => (settings.get("sender").is_none(), "sender = \"faramesh@example.com\""),
            "pagerduty" => (settings.get("token").is_none(), "token = env(\"PAGERDUTY_KEY\")"),
            _ => (settings.get("secret").is_none(), "secret = env(\"WEBHOOK_SECRET\")"),
        };
        if missing {
            let key = example.split(' ').next().unwrap_or_default();
            let message = format!("this {kind} has no `{key}`");
            self.say(codes::MISSING_KEY, block.keyword.span, message, format!("write `{example}`"));
        }
        let mut found: Vec<(String, Setting)> = Vec::new();
        let mut keep = |key: &str, value: Option<SettingValue>| {
            found.extend(value.map(|value| (key.to_owned(), Setting::One(value))));
        };
        for key in ["token", "secret"] {
            keep(key, self.secret(key, settings.get(key)).map(|secret| SettingValue::Text(secret.node)));
        }
        // An incoming webhook's address is all that a message to it needs.
        let is_secret = kind == "slack" && settings.get("token").is_none();
        let url = if is_secret {
            self.secret("url", settings.get("url"))
        } else if kind == "smtp" {
            self.url_source("url", &["smtps", "smtp"], settings.get("url"))
        } else {
            self.url_source("url", &["https", "http"], settings.get("url"))
        };
        if let Some(url) = url.as_ref().filter(|_| kind != "smtp")
            && let TextSource::Literal(text) | TextSource::Environment { default: Some(text), .. } = &url.node
        {
            self.may_leave(text, url.span);
        }
        keep("url", url.map(|url| SettingValue::Text(url.node)));
        if kind == "smtp" {
            for (key, value) in self.of_mail(settings) {
                keep(key, Some(value));
            }
        }
        let authorities = self.filled_text("ca_file", settings.get("ca_file"));
        keep("ca_file", authorities.map(|text| SettingValue::Text(TextSource::Literal(text))));
        let timeout = self.bounded("timeout", settings, TIMEOUTS, "10s", |checker, value| {
            checker.duration("timeout", value)
        });
        keep("timeout", timeout.map(SettingValue::Duration));
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        found
    }

    /// What only mail has.
    fn of_mail(&mut self, settings: &Settings<'_>) -> Vec<(&'static str, SettingValue)> {
        if let (Some(given), None) | (None, Some(given)) = (settings.get("username"), settings.get("token")) {
            let help = "write `username = \"…\"` and `token = env(\"SMTP_PASSWORD\")`, or neither";
            self.say(codes::MISSING_KEY, given.span, "`username` and `token` belong together", help);
        }
        let mut source = |key: &'static str| Some((key, self.source(key, settings.get(key))?));
        let found = [source("username"), source("sender")];
        found.into_iter().flatten().map(|(key, source)| (key, SettingValue::Text(source.node))).collect()
    }
}
