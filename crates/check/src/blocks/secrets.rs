//! What comes from outside while calls are decided: `credential` and `selector`.

use faramesh_program::image::{Credential, Selector, TextSource, WithoutValue};
use faramesh_syntax::ast::{Span, Spanned};

use super::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::members::Settings;
use crate::references::Referred;
use crate::sinks::is_loopback;

/// Least and most milliseconds that a value is good.
const CACHE_MS: (u64, u64) = (1_000, 24 * 3_600 * 1_000);
/// Least and most milliseconds that a value is waited for.
const TIMEOUT_MS: (u64, u64) = (10, 30_000);

impl Checker<'_> {
    pub(super) fn credential(&mut self, block: Block<'_>, names: &mut Names) -> Option<Credential> {
        let (settings, label) = self.block(block);
        let backend = settings.get("backend").and_then(|written| {
            let name = self.filled_text("backend", Some(written))?;
            self.refer(Referred::Provider, &name, written.span);
            Some(name)
        });
        let path = self.filled_text("path", settings.get("path"));
        let scope = self.set("scope", settings.get("scope")).unwrap_or_default();
        let max_scope = self.set("max_scope", settings.get("max_scope"));
        if let (Some(most), Some(written)) = (&max_scope, settings.get("scope"))
            && let Some(beyond) = scope.iter().find(|one| !most.contains(one))
        {
            let message = format!("`scope` has `{beyond}`, which is beyond `max_scope`");
            self.say(codes::CONFLICTING_KEYS, written.span, message, "remove it, or add it to `max_scope`");
        }
        let ttl_ms = self.duration("ttl", settings.get("ttl"));
        let required = self.boolean("required", settings.get("required")).unwrap_or(true);
        let tools = self.patterns("tools", settings.get("tools"));
        if let (Some([]), Some(written)) = (tools.as_deref(), settings.get("tools")) {
            self.filled::<String>("tools", written.span, &[]);
        }
        let Spanned { node: name, span } = label?;
        let tools = match tools {
            Some(tools) => tools,
            None => {
                let pattern = format!("{name}/*");
                self.pattern(&Spanned { node: pattern.clone(), span: *span });
                vec![pattern]
            }
        };
        let credential =
            Credential { name: name.clone(), tools, backend, path, scope, max_scope, ttl_ms, required };
        self.is_new(names, "credential", name, *span).then_some(credential)
    }

    pub(crate) fn selector(&mut self, block: Block<'_>, names: &mut Names) -> Option<Selector> {
        let (settings, label) = self.block(block);
        let complete = self.needs(block, &["source"], "source = \"https://…\"");
        let source = self.url_source("source", &["https", "http"], settings.get("source"));
        if let Some(source) = &source
            && let TextSource::Literal(text) | TextSource::Environment { default: Some(text), .. } =
                &source.node
        {
            self.may_come(text, source.span);
        }
        let cache_ms = self
            .bounded("cache", &settings, CACHE_MS, "60s", |checker, value| checker.duration("cache", value));
        let timeout_ms = self.bounded("timeout", &settings, TIMEOUT_MS, "2s", |checker, value| {
            checker.duration("timeout", value)
        });
        let on_unavailable = self.without_value("on_unavailable", &settings);
        let on_timeout = self.without_value("on_timeout", &settings);
        let label = label?;
        if !self.is_new(names, "selector", &label.node, label.span) || !complete {
            return None;
        }
        let (name, source) = (label.node.clone(), source?.node);
        Some(Selector { name, source, cache_ms, timeout_ms, on_unavailable, on_timeout })
    }

    /// Reports an address that no value may be read from.
    fn may_come(&mut self, url: &str, span: Span) {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            let message = "the address has a user name in it";
            self.say(
                codes::WRONG_VALUE,
                span,
                message,
                "write it without, and the whole address as `env(\"RISK_URL\")` when a part is secret",
            );
        } else if scheme == "http" && !is_loopback(authority) {
            let message = format!("what `{authority}` says would decide calls, and comes in plain text");
            self.say(
                codes::PLAIN_TEXT,
                span,
                message,
                "write `https://`; `http://` is for this machine alone",
            );
        }
    }

    fn without_value(&mut self, key: &str, settings: &Settings<'_>) -> WithoutValue {
        let written = settings.get(key);
        match self.choice(key, &["deny", "defer", "unknown"], written).as_ref().map(|text| text.node.as_str())
        {
            Some("deny") => WithoutValue::Deny,
            Some("defer") => WithoutValue::Defer,
            _ => WithoutValue::Unknown,
        }
    }
}
