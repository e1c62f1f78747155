//! Providers that copies of records go to: `stderr-sink`, `file-sink`, `webhook-sink`, `otlp-sink`. With `slack`,
//! `pagerduty` and `webhook` (whom `alert` blocks tell) these are the
//! providers that take effect; what each takes is checked here, and every value but secrets and the
//! address is resolved.

use std::net::IpAddr;
use std::path::{Component, Path};

use faramesh_program::image::{Setting, SettingValue, TextSource};
use faramesh_syntax::ast::{Item, Span, Spanned, Value};
use faramesh_syntax::nearest;

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;
use crate::members::{Settings, with_nearest};

/// Keys of every sink.
const COMMON: &[&str] = &["type", "from", "batch_records", "batch_bytes", "batch_wait"];
/// Most records of a batch.
const MAX_BATCH_RECORDS: u64 = 10_000;
/// Sizes that a batch may end at, in bytes.
const BATCH_BYTES: (u64, u64) = (1 << 10, 16 << 20);
/// Longest wait for a batch, in milliseconds.
const MAX_BATCH_WAIT: u64 = 3_600_000;
/// Longest time for a request, in milliseconds.
const MAX_TIMEOUT: u64 = 60_000;
/// Smallest size at which a file is set aside, in bytes.
const MIN_FILE_BYTES: u64 = 64 << 10;

/// Types of sinks that there are not yet: none is a slip of another.
const LATER: &[&str] = &["splunk-sink", "datadog-sink", "elastic-sink", "s3-sink", "gcs-sink"];

/// A type of sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    Stderr,
    File,
    Webhook,
    Otlp,
}

impl Sink {
    const ALL: [Self; 4] = [Self::Stderr, Self::File, Self::Webhook, Self::Otlp];

    /// The sink that a type is.
    pub fn of(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sink| sink.word() == kind)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Stderr => "stderr-sink",
            Self::File => "file-sink",
            Self::Webhook => "webhook-sink",
            Self::Otlp => "otlp-sink",
        }
    }

    /// Its own keys, those that it needs first, each with an example.
    fn own(self) -> &'static [(&'static str, Option<&'static str>)] {
        match self {
            Self::Stderr => &[],
            Self::File => &[("path", Some("path = \"audit/records.jsonl\"")), ("max_size", None)],
            Self::Webhook => &[
                ("url", Some("url = env(\"WEBHOOK_URL\")")),
                ("secret", Some("secret = env(\"WEBHOOK_SECRET\")")),
                ("token", None),
                ("timeout", None),
                ("ca_file", None),
            ],
            Self::Otlp => &[
                ("url", Some("url = \"https://otlp.example.com:4318\"")),
                ("token", None),
                ("authorization", None),
                ("timeout", None),
                ("ca_file", None),
            ],
        }
    }
}

impl Checker<'_> {
    /// The settings of a sink, sorted by key.
    pub fn sink(&mut self, sink: Sink, block: Block<'_>, settings: &Settings<'_>) -> Vec<(String, Setting)> {
        let misspelt = self.keys_of_sink(sink, block);
        for (key, example) in sink.own() {
            if let Some(example) = example
                && !misspelt.contains(key)
                && settings.get(key).is_none()
            {
                let message = format!("this {} has no `{key}`", sink.word());
                self.say(codes::MISSING_KEY, block.keyword.span, message, format!("write `{example}`"));
            }
        }
        let mut found: Vec<(&str, Option<SettingValue>)> = Vec::new();
        let begins = self.choice("from", &["beginning", "now"], settings.get("from"));
        found.push(("from", begins.map(|text| literal(text.node))));
        let records =
            self.bounded("batch_records", settings, (1, MAX_BATCH_RECORDS), "500", |checker, value| {
                checker.count("batch_records", value).map(u64::from)
            });
        found.push(("batch_records", records.map(|records| SettingValue::Number(records.to_string()))));
        let bytes = self.bounded("batch_bytes", settings, BATCH_BYTES, "1mb", |checker, value| {
            checker.bytes("batch_bytes", value)
        });
        found.push(("batch_bytes", bytes.map(SettingValue::Size)));
        let wait = self.bounded("batch_wait", settings, (1, MAX_BATCH_WAIT), "1s", |checker, value| {
            checker.duration("batch_wait", value)
        });
        found.push(("batch_wait", wait.map(SettingValue::Duration)));
        match sink {
            Sink::Stderr => {}
            Sink::File => self.file_sink(settings, &mut found),
            Sink::Webhook => self.server_of_sink(settings, &["secret", "token"], &mut found),
            Sink::Otlp => {
                if let (Some(token), Some(other)) = (settings.get("token"), settings.get("authorization")) {
                    let message = "`token` and `authorization` both say how the daemon proves itself";
                    let found = codes::CONFLICTING_KEYS.at(other.span, message);
                    self.report(
                        found.with_help("keep one of the two").with_label(token.span, "the other one"),
                    );
                }
                self.server_of_sink(settings, &["token", "authorization"], &mut found);
            }
        }
        let found = found.into_iter();
        let mut found: Vec<_> =
            found.filter_map(|(key, value)| Some((key.to_owned(), Setting::One(value?)))).collect();
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        found
    }

    /// Reports keys that a sink does not take; gives those that they may have been meant to be.
    fn keys_of_sink(&mut self, sink: Sink, block: Block<'_>) -> Vec<&'static str> {
        let own = sink.own().iter().map(|(key, _)| *key);
        let known: Vec<&'static str> = own.chain(COMMON.iter().copied()).collect();
        let mut misspelt = Vec::new();
        for item in &block.body.items {
            let Item::Setting { key, .. } = &item.node else { continue };
            if known.contains(&key.node.as_str()) {
                continue;
            }
            let near = nearest(&key.node, known.iter().copied());
            misspelt.extend(known.iter().copied().filter(|known| near == Some(*known)));
            let message = format!("a {} has no key `{}`", sink.word(), key.node);
            let found = codes::UNKNOWN_KEY.at(key.span, message);
            self.report(with_nearest(found, near, key.span, || format!("it takes {}", one_of(&known))));
        }
        misspelt
    }

    /// A number that must lie between two.
    pub(crate) fn bounded(
        &mut self,
        key: &str,
        settings: &Settings<'_>,
        (least, most): (u64, u64),
        example: &str,
        read: impl FnOnce(&mut Self, Option<&Spanned<Value>>) -> Option<u64>,
    ) -> Option<u64> {
        let written = settings.get(key)?;
        let value = read(self, Some(written))?;
        if (least..=most).contains(&value) {
            return Some(value);
        }
        let what = if value < least { "small" } else { "large" };
        let message = format!("`{key}` is too {what}");
        self.say(codes::WRONG_VALUE, written.span, message, format!("write `{key} = {example}`"));
        None
    }

    fn file_sink(&mut self, settings: &Settings<'_>, found: &mut Vec<(&str, Option<SettingValue>)>) {
        let path = self.filled_text("path", settings.get("path"));
        if let (Some(path), Some(written)) = (&path, settings.get("path")) {
            if path.ends_with('/') {
                let message = format!("`{path}` is a folder");
                let help = format!("name the file: `path = \"{path}records.jsonl\"`");
                self.say(codes::WRONG_VALUE, written.span, message, help);
            }
            self.sink_files.push((normal(path), written.span));
        }
        found.push(("path", path.map(literal)));
        let range = (MIN_FILE_BYTES, u64::MAX);
        let size = self
            .bounded("max_size", settings, range, "64mb", |checker, value| checker.bytes("max_size", value));
        found.push(("max_size", size.map(SettingValue::Size)));
    }

    /// What leads to another machine's server; `secrets` are what proves the daemon to it.
    fn server_of_sink(
        &mut self,
        settings: &Settings<'_>,
        secrets: &[&'static str],
        found: &mut Vec<(&str, Option<SettingValue>)>,
    ) {
        let url = self.url_source("url", &["https", "http"], settings.get("url"));
        if let Some(url) = &url
            && let TextSource::Literal(text) | TextSource::Environment { default: Some(text), .. } = &url.node
        {
            self.may_leave(text, url.span);
        }
        found.push(("url", url.map(|url| SettingValue::Text(url.node))));
        for key in secrets {
            let secret = self.secret(key, settings.get(key));
            found.push((key, secret.map(|secret| SettingValue::Text(secret.node))));
        }
        let authorities = self.filled_text("ca_file", settings.get("ca_file"));
        found.push(("ca_file", authorities.map(literal)));
        let timeout = self.bounded("timeout", settings, (100, MAX_TIMEOUT), "10s", |checker, value| {
            checker.duration("timeout", value)
        });
        found.push(("timeout", timeout.map(SettingValue::Duration)));
    }

    /// Reports an address that records may not be sent to.
    pub(crate) fn may_leave(&mut self, url: &str, span: Span) {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        if !user.is_empty() {
            let message = "the address has a user name in it";
            let help = "write it without, and what proves the daemon as `token = env(\"TOKEN\")`";
            self.say(codes::WRONG_VALUE, span, message, help);
        } else if scheme == "http" && !is_loopback(place) {
            let message = format!("records would go to `{place}` in plain text");
            self.say(
                codes::PLAIN_TEXT,
                span,
                message,
                "write `https://`; `http://` is for this machine alone",
            );
        }
    }

    /// A provider of another type: not enforced, or a sink that is misspelt.
    pub fn not_a_sink(&mut self, kind: Option<&str>, block: Block<'_>, settings: &Settings<'_>) {
        let near = kind.and_then(meant);
        let Some((near, written)) = near.zip(settings.get("type")) else {
            return self.not_yet("provider", block.keyword.span);
        };
        let message = format!("there is no provider of type `{}`", kind.unwrap_or_default());
        let found = codes::WRONG_VALUE.at(written.span, message);
        self.report(found.with_help(format!("did you mean `{near}`?")).with_fix(
            written.span,
            format!("\"{near}\""),
            format!("write `{near}`"),
        ));
    }

    /// Reports files of sinks that lie where the daemon keeps its own, and those that two sinks share.
    pub fn places_of_sinks(&mut self, wal_dir: &str) {
        let own = [normal(wal_dir), ".faramesh".to_owned()];
        let mut seen: Vec<(String, Span)> = Vec::new();
        for (path, span) in std::mem::take(&mut self.sink_files) {
            if let Some(folder) = own.iter().find(|own| Path::new(&path).starts_with(own)) {
                let message = format!("`{path}` lies in `{folder}`, where the daemon keeps its own files");
                self.say(
                    codes::WRONG_VALUE,
                    span,
                    message,
                    "write to another folder, as in `audit/records.jsonl`",
                );
            }
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == path) {
                self.report(
                    codes::CONFLICTING_KEYS
                        .at(span, format!("two sinks write to `{path}`"))
                        .with_help("give each a file of its own")
                        .with_label(*first, "the first one"),
                );
            }
            seen.push((path, span));
        }
    }
}

/// The type of sink that a word may be a slip of.
fn meant(kind: &str) -> Option<&'static str> {
    if LATER.contains(&kind) {
        return None;
    }
    nearest(kind, Sink::ALL.map(Sink::word))
}

fn literal(text: String) -> SettingValue {
    SettingValue::Text(TextSource::Literal(text))
}

/// A path without `.`, and without `..` where that can be told.
fn normal(path: &str) -> String {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in Path::new(path).components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => _ = parts.pop(),
            _ => parts.push(part),
        }
    }
    parts.iter().collect::<std::path::PathBuf>().to_string_lossy().into_owned()
}

/// Whether `host` or `host:port` is this machine.
pub(crate) fn is_loopback(place: &str) -> bool {
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    let loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_places() {
        assert_eq!(normal("./a/../faramesh-wal/x"), "faramesh-wal/x");
        assert_eq!(normal("../x"), "../x");
        assert_eq!(normal("/var/./log/x"), "/var/log/x");
        for (place, local) in [
            ("127.0.0.1:9000", true),
            ("localhost", true),
            ("[::1]:9000", true),
            ("[::1]", true),
            ("siem.example.com", false),
            ("localhost.example.com:1", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(place), local, "{place}");
        }
    }

    #[test]
    fn other_sinks_are_not_taken_for_misspelt_ones() {
        for kind in LATER.iter().copied().chain(["vault", "stderr"]) {
            assert_eq!(meant(kind), None, "{kind}");
        }
        assert_eq!(meant("webhook_sink"), Some("webhook-sink"));
    }
}
