//! What a file declares around its agents: `provider`, `trust`, `system`, `manifest`, and the rules that
//! hold between `runtime`, the providers of identity and the agents.

use std::net::SocketAddr;

use faramesh_program::image::{
    Grant, Manifest, OnLoadFailure, Orchestrator, Provider, Runtime, Setting, SettingValue, System,
    TextSource, TrustKey,
};
use faramesh_syntax::ast::{Item, Span, Spanned, Value};

use crate::blocks::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::members::Settings;
use crate::messengers::is_messenger;
use crate::prices::PRICE_TABLE;
use crate::references::Referred;
use crate::sinks::Sink;
use crate::values::{duration_ms, size_bytes};
use crate::witnesses::WITNESS;

/// Ends of the names of keys that hold secrets.
const SECRET_ENDS: &[&str] =
    &["token", "password", "secret", "api_key", "secret_key", "private_key", "client_secret", "pin"];
/// Characters of an Ed25519 key in base64.
const ED25519_TEXT: usize = 44;

impl Checker<'_> {
    pub fn provider(&mut self, block: Block<'_>, names: &mut Names) -> Option<Provider> {
        let (settings, label) = self.block(block);
        let complete = self.needs(block, &["type"], "type = \"vault\"");
        let kind = self.filled_text("type", settings.get("type"));
        let settings = match kind.as_deref().and_then(Sink::of) {
            Some(sink) => self.sink(sink, block, &settings),
            None if kind.as_deref() == Some(WITNESS) => self.witness(block, &settings),
            None if kind.as_deref() == Some(PRICE_TABLE) => self.price_table(block, &settings),
            None if kind.as_deref().is_some_and(is_messenger) => {
                self.messenger(kind.as_deref().unwrap_or_default(), block, &settings)
            }
            None => {
                self.not_a_sink(kind.as_deref(), block, &settings);
                self.open_settings(&settings)
            }
        };
        let label = label?;
        let is_new = self.is_new(names, "provider", &label.node, label.span);
        (complete && is_new).then_some(())?;
        Some(Provider { name: label.node.clone(), kind: kind?, settings })
    }

    /// All settings but `type`, sorted. Environment variables are kept by name.
    pub fn open_settings(&mut self, settings: &Settings<'_>) -> Vec<(String, Setting)> {
        let mut found = Vec::new();
        for (key, value) in settings.iter().filter(|(key, _)| key.node != "type") {
            let setting = self.open_setting(&key.node, value);
            found.extend(setting.map(|setting| (key.node.clone(), setting)));
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        found
    }

    fn open_setting(&mut self, key: &str, value: &Spanned<Value>) -> Option<Setting> {
        let items = match &value.node {
            Value::List(items) => items.as_slice(),
            // One audience and a list of it are the same.
            _ if key == "audience" => std::slice::from_ref(value),
            _ => return self.open_value(key, value).map(Setting::One),
        };
        items.iter().map(|item| self.open_value(key, item)).collect::<Option<Vec<_>>>().map(Setting::List)
    }

    fn open_value(&mut self, key: &str, value: &Spanned<Value>) -> Option<SettingValue> {
        let (wrong, help) = match &value.node {
            Value::String(_) | Value::Word(_) | Value::Env { .. } => {
                return self.open_text(key, value).map(SettingValue::Text);
            }
            Value::Number(text) | Value::Money(text) => {
                return self.number(text, value.span).map(SettingValue::Number);
            }
            Value::Bool(value) => return Some(SettingValue::Bool(*value)),
            Value::Null => return Some(SettingValue::Null),
            Value::Duration(text) => match duration_ms(text) {
                Some(length) => return Some(SettingValue::Duration(length)),
                None => ("this is no whole number of milliseconds", "30s"),
            },
            Value::Size(text) => match size_bytes(text) {
                Some(size) => return Some(SettingValue::Size(size)),
                None => ("this is no whole number of bytes", "10mb"),
            },
            Value::List(_) => ("a list cannot stand in a list", "[\"a\", \"b\"]"),
            Value::Expr(_) => ("this is no constant", "\"…\""),
        };
        self.say(codes::WRONG_VALUE, value.span, wrong, format!("write `{key} = {help}`"));
        None
    }

    fn open_text(&mut self, key: &str, value: &Spanned<Value>) -> Option<TextSource> {
        let folded = key.to_ascii_lowercase();
        let is_secret = SECRET_ENDS.iter().any(|end| folded == *end || folded.ends_with(&format!("_{end}")));
        let source = match &value.node {
            _ if is_secret => self.secret(key, Some(value)),
            Value::String(text) if text.contains("://") => self.url_source(key, &[], Some(value)),
            Value::String(text) => return Some(TextSource::Literal(text.clone())),
            _ => self.source(key, Some(value)),
        };
        source.map(|source| source.node)
    }

    pub fn system(&mut self, block: Block<'_>) -> System {
        let (settings, _) = self.block(block);
        let key = "on_policy_load_failure";
        let keeps = self.choice(key, &["deny_all", "keep_last"], settings.get(key));
        System {
            on_policy_load_failure: match keeps {
                Some(text) if text.node == "keep_last" => OnLoadFailure::KeepLast,
                _ => OnLoadFailure::DenyAll,
            },
            max_output_bytes: self.bytes("max_output_bytes", settings.get("max_output_bytes")),
        }
    }

    pub fn trust(&mut self, block: Block<'_>, keys: &mut Vec<TrustKey>) {
        let (settings, _) = self.block(block);
        for item in &block.body.items {
            if let Item::TrustKey { owner, algorithm, key } = &item.node {
                keys.extend(self.trust_key(&owner.node, &algorithm.node, &key.node, item.span));
            }
        }
        for text in self.texts("keys", settings.get("keys")).unwrap_or_default() {
            let parts = text.node.split_once(' ').map(|(owner, rest)| (owner, rest.trim()));
            let parts = parts.and_then(|(owner, rest)| Some((owner, rest.split_once(':')?)));
            if let Some((owner, (algorithm, key))) = parts {
                keys.extend(self.trust_key(owner, algorithm, key, text.span));
            } else {
                let message = format!("`{}` is no key of an owner", text.node);
                self.say(
                    codes::WRONG_VALUE,
                    text.span,
                    message,
                    "write `\"github.com/owner/repository ed25519:…\"`",
                );
            }
        }
    }

    fn trust_key(&mut self, owner: &str, algorithm: &str, key: &str, span: Span) -> Option<TrustKey> {
        let digits = key.trim_end_matches('=');
        let is_base64 = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        let (message, help) = if algorithm != "ed25519" {
            (format!("there is no kind of key `{algorithm}`"), "write `ed25519:` and the key in base64")
        } else if owner.trim().is_empty() {
            ("this key belongs to nobody".to_owned(), "write `key \"github.com/owner/repository\" ed25519:…`")
        } else if !is_base64 || digits.len() != ED25519_TEXT - 1 || key.len() > ED25519_TEXT {
            (
                "this is no Ed25519 key: one has 32 bytes, which are 44 characters of base64".to_owned(),
                "copy the whole key",
            )
        } else {
            let key = format!("{digits}=");
            return Some(TrustKey { owner: owner.to_owned(), algorithm: algorithm.to_owned(), key });
        };
        self.say(codes::WRONG_VALUE, span, message, help);
        None
    }

    /// One `manifest` statement.
    pub fn manifest(&mut self, item: &Spanned<Item>, names: &mut Names, manifest: &mut Manifest) {
        match &item.node {
            Item::ManifestOrchestrator { agent, undeclared } => {
                self.refer(Referred::Agent, &agent.node, agent.span);
                let undeclared_defers = match undeclared.as_ref().map(|word| (word.node.as_str(), word.span))
                {
                    None | Some(("deny", _)) => false,
                    Some(("defer", _)) => true,
                    Some((other, span)) => {
                        let message = format!("`undeclared` cannot be `{other}`");
                        self.say(codes::WRONG_VALUE, span, message, "write `deny` or `defer`");
                        false
                    }
                };
                if self.is_new(names, "manifest orchestrator", &agent.node, agent.span) {
                    let agent = agent.node.clone();
                    manifest.orchestrators.push(Orchestrator { agent, undeclared_defers });
                }
            }
            Item::ManifestGrant { from, to, max, approval } => {
                for agent in [from, to] {
                    self.refer(Referred::Agent, &agent.node, agent.span);
                }
                let bound =
                    max.as_ref().map(|max| (max.node.parse::<u32>().ok().filter(|max| *max > 0), max.span));
                if let Some((None, span)) = bound {
                    self.say(
                        codes::WRONG_VALUE,
                        span,
                        "`max` takes a whole number above zero",
                        "write `max 10`",
                    );
                }
                let name = format!("{} to {}", from.node, to.node);
                if self.is_new(names, "manifest grant", &name, from.span) {
                    let (from, to, max) =
                        (from.node.clone(), to.node.clone(), bound.and_then(|(max, _)| max));
                    manifest.grants.push(Grant { from, to, max, approval: *approval });
                }
            }
            _ => {}
        }
    }

    /// Reports listeners that anybody could reach, and sandboxes of agents that loosen the stack's.
    pub fn protections(&mut self, runtime: &Runtime, knows_callers: bool) {
        let listeners = &runtime.listeners;
        let (cert, key) = (listeners.tls_cert_file.is_some(), listeners.tls_key_file.is_some());
        let authenticates = listeners.tls_client_ca_file.is_some() || knows_callers;
        for (name, address, span) in std::mem::take(&mut self.open_listeners) {
            let missing = match (cert && key, authenticates) {
                (true, true) => continue,
                (false, true) => "TLS",
                (true, false) => "authentication",
                (false, false) => "TLS and authentication",
            };
            let message = format!("`{name}` listens at `{address}` without {missing}");
            let help = "listen at `127.0.0.1`, or write `tls_cert_file` and `tls_key_file`, and \
                        `tls_client_ca_file` or an `identity` that proves callers from afar";
            self.say(codes::OPEN_LISTENER, span, message, help);
        }
        if runtime.budget_backend.is_none()
            && let Some((what, span)) = self.shared.first().copied()
        {
            let message = format!("this `{what}` is shared by daemons, and nothing says where");
            let help = "write `runtime { budget_backend = env(\"BUDGET_BACKEND\") }`, with `redis://…` or `postgres://…`";
            self.say(codes::MISSING_KEY, span, message, help);
        }
        self.witnessed(runtime);
        for (name, enforcement, span) in std::mem::take(&mut self.sandbox_keys) {
            let sandbox = &runtime.sandbox;
            let loosens = match name {
                "os_tier" => sandbox.os_tier,
                "profile" => {
                    sandbox.os_tier
                        && enforcement.profile.is_some_and(|profile| profile < sandbox.agent_enforce_profile)
                }
                _ => false,
            };
            if loosens {
                let message = format!("`{name}` loosens the sandbox that `runtime` asks for");
                self.say(
                    codes::LOOSER_SANDBOX,
                    span,
                    message,
                    "an agent's sandbox is only ever stricter; remove it",
                );
            }
        }
    }

    /// An address that a daemon listens at.
    pub fn listens(&mut self, key: &'static str, value: Option<&Spanned<Value>>) -> Option<String> {
        let Spanned { node: address, span } = self.listener(key, value)?;
        if !is_loopback(address) {
            self.open_listeners.push((key, address.to_string(), span));
        }
        Some(address.to_string())
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
