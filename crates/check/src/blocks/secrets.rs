//! What comes from outside while calls are decided: `credential` and `selector`.

use faramesh_program::image::{Credential, Selector, WithoutValue};
use faramesh_syntax::ast::Spanned;

use super::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::members::Settings;
use crate::references::Referred;

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
        let source = self.url_source("source", &[], settings.get("source"));
        let cache_ms = self.duration("cache", settings.get("cache"));
        let timeout_ms = self.duration("timeout", settings.get("timeout"));
        let on_unavailable = self.without_value("on_unavailable", &settings);
        let on_timeout = self.without_value("on_timeout", &settings);
        let label = label?;
        if !self.is_new(names, "selector", &label.node, label.span) || !complete {
            return None;
        }
        let (name, source) = (label.node.clone(), source?.node);
        Some(Selector { name, source, cache_ms, timeout_ms, on_unavailable, on_timeout })
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
