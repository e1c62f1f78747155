//! Addresses in settings: hosts and networks, targets of messages, addresses with a scheme, listeners,
//! and texts that may be secret and so stay in the environment.

use std::net::{IpAddr, SocketAddr};

use faramesh_program::image::{HostPattern, TextSource};
use faramesh_syntax::ast::{Span, Spanned, Value};
use faramesh_syntax::{nearest, quote};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;

/// Schemes of targets that people are told at.
const TARGETS: &[&str] = &["slack", "email", "pagerduty", "webhook", "stderr"];
/// Longest host name.
const HOST_BYTES: usize = 253;

/// A host, `*.example.com` or a network; or what to write instead.
pub(crate) fn host_pattern(text: &str) -> Result<HostPattern, &'static str> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let (address, prefix) =
        bare.split_once('/').map_or((bare, None), |(address, prefix)| (address, Some(prefix)));
    if let Ok(address) = address.parse::<IpAddr>() {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => Some(longest),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= longest)
            }
            Some(_) => None,
        };
        let prefix = prefix.ok_or("a network ends in `/` and how many bits count, as in `10.0.0.0/8`")?;
        return Ok(network(address, prefix));
    }
    if text.contains("://") || text.contains('/') {
        return Err("a host has no scheme and no path: write `api.example.com` or `10.0.0.0/8`");
    }
    if text.contains(':') {
        return Err("a host has no port: write `api.example.com`");
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.chars().count())
            && label.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '*'))
            && !label.contains("**")
    };
    if name.len() <= HOST_BYTES && name.split('.').all(is_label) {
        Ok(HostPattern::Name(name))
    } else {
        Err("write a host such as `api.example.com`, `*.example.com` or `10.0.0.0/8`")
    }
}

/// The addresses that share the first `prefix` bits of this one.
fn network(address: IpAddr, prefix: u8) -> HostPattern {
    let bits = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            HostPattern::Network4 { address: (address.to_bits() & mask).to_be_bytes(), prefix }
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            HostPattern::Network6 { address: (address.to_bits() & mask).to_be_bytes(), prefix }
        }
    }
}

/// Whether an address with a scheme has a password in it.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// The scheme of an address that has one and something after it.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let plain = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && !rest.contains(char::is_whitespace);
    plain.then_some(scheme)
}

impl Checker<'_> {
    /// Hosts and networks, sorted.
    pub fn hosts(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Vec<HostPattern>> {
        let mut hosts = Vec::new();
        for text in self.texts(key, value)? {
            match host_pattern(&text.node) {
                Ok(host) => hosts.push(host),
                Err(help) => {
                    let message = format!("`{key}` cannot have `{}`", text.node);
                    self.say(codes::WRONG_VALUE, text.span, message, help);
                }
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        Some(hosts)
    }

    /// Where people are told, sorted.
    pub fn targets(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Vec<String>> {
        let mut targets = Vec::new();
        for text in self.texts(key, value)? {
            targets.extend(self.target(key, &text));
        }
        targets.sort_unstable();
        targets.dedup();
        Some(targets)
    }

    /// One place where people are told, as the daemon reads it.
    pub fn target(&mut self, key: &str, text: &Spanned<String>) -> Option<String> {
        let (scheme, rest) = text.node.split_once("://").unwrap_or(("", &text.node));
        let scheme = scheme.to_ascii_lowercase();
        let help = match scheme.as_str() {
            "stderr" if rest.is_empty() => return Some("stderr://".to_owned()),
            "stderr" => "write `stderr://`, which needs nothing after it".to_owned(),
            "slack" | "pagerduty" | "webhook" if is_filled(rest) => {
                return Some(format!("{scheme}://{rest}"));
            }
            "email"
                if rest
                    .split_once('@')
                    .is_some_and(|(name, domain)| is_filled(name) && is_filled(domain)) =>
            {
                return Some(format!("{scheme}://{rest}"));
            }
            "email" => "write an address, as in `email://oncall@example.com`".to_owned(),
            "slack" => "write a channel, as in `slack://#alerts`".to_owned(),
            "pagerduty" => "write a service, as in `pagerduty://payments`".to_owned(),
            "webhook" => "write a host and path, as in `webhook://hooks.example.com/faramesh`".to_owned(),
            "http" | "https" => format!("write `webhook://{rest}`"),
            other => match nearest(other, TARGETS.iter().copied()) {
                Some(near) => format!("did you mean `{near}://{rest}`?"),
                None => {
                    let forms: Vec<String> = TARGETS.iter().map(|scheme| format!("{scheme}://")).collect();
                    let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
                    format!("begin it with {}", one_of(&forms))
                }
            },
        };
        let message = format!("`{key}` cannot reach anybody at `{}`", text.node);
        self.say(codes::WRONG_VALUE, text.span, message, help);
        None
    }

    /// `address:port` of a listener.
    pub fn listener(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Spanned<SocketAddr>> {
        let text = self.text(value)?;
        let written = text.node.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let parsed = written.as_deref().unwrap_or(&text.node).parse::<SocketAddr>();
        if let Ok(address) = parsed
            && address.port() > 0
        {
            return Some(Spanned { node: address, span: text.span });
        }
        let message = format!("`{key}` cannot listen at `{}`", text.node);
        let help = match text.node.strip_prefix(':') {
            Some(port) => {
                format!("name the address: `127.0.0.1:{port}`, or `0.0.0.0:{port}` for every interface")
            }
            None => "write an IP address and a port, as in `127.0.0.1:8080`".to_owned(),
        };
        self.say(codes::WRONG_VALUE, text.span, message, help);
        None
    }

    /// An address with one of `schemes`, or with any when there are none.
    pub fn url(&mut self, key: &str, schemes: &[&str], text: &str, span: Span) -> Option<()> {
        if scheme(text).is_some_and(|found| schemes.is_empty() || schemes.contains(&found)) {
            return Some(());
        }
        let example = schemes.first().map_or("https", |scheme| *scheme);
        let message = format!("`{key}` cannot be `{text}`");
        self.say(
            codes::WRONG_VALUE,
            span,
            message,
            format!("write an address such as `{example}://example.com`"),
        );
        None
    }

    /// A text, or the variable that the daemon finds it in: its value never enters the program.
    pub fn source(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Spanned<TextSource>> {
        let value = value?;
        let node = match &value.node {
            Value::Env { name, default } => {
                if self.options.strict_env {
                    self.environment(name, default.as_deref(), value.span)?;
                }
                TextSource::Environment { name: name.clone(), default: default.clone() }
            }
            _ => TextSource::Literal(self.filled_text(key, Some(value))?),
        };
        Some(Spanned { node, span: value.span })
    }

    /// As [`Self::source`], of an address with one of `schemes`.
    pub fn url_source(
        &mut self,
        key: &str,
        schemes: &[&str],
        value: Option<&Spanned<Value>>,
    ) -> Option<Spanned<TextSource>> {
        let source = self.source(key, value)?;
        if let Some(text) = written(&source.node) {
            let text = text.to_owned();
            self.url(key, schemes, &text, source.span)?;
            if has_password(&text) {
                return self.secret_in_policy(key, "an address with a password", source.span);
            }
        }
        Some(source)
    }

    /// As [`Self::source`], of a secret, which may only be in the environment.
    pub fn secret(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<Spanned<TextSource>> {
        let source = self.source(key, value)?;
        if written(&source.node).is_some() {
            return self.secret_in_policy(key, "a secret", source.span);
        }
        Some(source)
    }

    fn secret_in_policy<T>(&mut self, key: &str, what: &str, span: Span) -> Option<T> {
        let name: String = key
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
            .collect();
        let message = format!("`{key}` is {what}, and a policy is read by many");
        let help = format!("keep it in the environment: `{key} = env({})`", quote(&name));
        self.say(codes::SECRET_IN_POLICY, span, message, help);
        None
    }
}

/// What a policy says itself.
fn written(source: &TextSource) -> Option<&str> {
    match source {
        TextSource::Literal(text) => Some(text),
        TextSource::Environment { default, .. } => default.as_deref(),
    }
}

fn is_filled(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_networks() {
        let name = |name: &str| Some(HostPattern::Name(name.to_owned()));
        let of = |address: &str, prefix| Some(network(address.parse().unwrap(), prefix));
        for (text, expected) in [
            ("API.example.com.", name("api.example.com")),
            ("*.example.com", name("*.example.com")),
            ("api-*.internal", name("api-*.internal")),
            ("bücher.de", name("bücher.de")),
            ("10.1.2.3/8", of("10.0.0.0", 8)),
            ("10.1.2.3", of("10.1.2.3", 32)),
            ("0.0.0.0/0", of("0.0.0.0", 0)),
            ("[::1]", of("::1", 128)),
            ("fd00:1::/16", of("fd00::", 16)),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0.0/+8", None),
            ("https://example.com", None),
            ("example.com/path", None),
            ("example.com:443", None),
            ("a..b", None),
            ("a b", None),
            ("**.example.com", None),
        ] {
            assert_eq!(host_pattern(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn passwords_in_addresses() {
        for (url, expected) in [
            ("postgres://u:p@db/x", true),
            ("postgres://u@db/x", false),
            ("redis://budgets:6379", false),
            ("https://host/a:b@c", false),
        ] {
            assert_eq!(has_password(url), expected, "{url}");
        }
    }
}
