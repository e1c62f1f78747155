//! The sinks that a policy declares, with what the daemon's environment adds: addresses and secrets are
//! looked up when a policy is put in force. A sink that cannot be used is down and says why; no start
//! and no decision depends on it.

mod alerts;

pub(crate) use alerts::tell_of_damage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use faramesh_ledger::Ledger;
use faramesh_program::Program;
use faramesh_program::image::{Provider, Setting, SettingValue, TextSource};
use faramesh_sinks::{Address, Config, Destination, From, Limits, Pace, Secret, SigningSecret, Sinks};

use crate::layout::Layout;
use crate::options::{LedgerKind, Options};

const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 1 << 20;
/// Longest wait for a batch to fill, over the network and on this machine.
const BATCH_WAIT: Duration = Duration::from_secs(1);
const LOCAL_BATCH_WAIT: Duration = Duration::from_millis(100);
const FILE_BYTES: u64 = 64 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The sinks of a daemon, none yet. Those of a ledger in memory forget their cursors with it.
pub(crate) fn of_daemon(ledger: &Arc<Ledger>, options: &Options, layout: &Layout) -> Sinks {
    let folder = (options.ledger != LedgerKind::Memory).then(|| layout.sinks());
    Sinks::new(ledger, folder, Pace::default())
}

/// The sinks that a policy declares.
pub(crate) fn declared(program: &Program, layout: &Layout) -> Vec<Config> {
    let environment = |name: &str| std::env::var(name).ok();
    let settings = |provider| Settings { provider, environment: &environment };
    let sinks = program.providers.iter().filter_map(|provider| settings(provider).config(program, layout));
    sinks.chain(alerts::declared(program, layout, &environment)).collect()
}

/// The settings of one provider.
struct Settings<'a> {
    provider: &'a Provider,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Settings<'_> {
    fn config(&self, program: &Program, layout: &Layout) -> Option<Config> {
        let (kind, destination) = match self.provider.kind.as_str() {
            "stderr-sink" => ("stderr-sink", Ok(Destination::Stderr)),
            "file-sink" => ("file-sink", self.file(program, layout)),
            "webhook-sink" => ("webhook-sink", self.webhook(layout)),
            "otlp-sink" => ("otlp-sink", self.otlp(layout)),
            _ => return None,
        };
        let wait = if matches!(kind, "webhook-sink" | "otlp-sink") { BATCH_WAIT } else { LOCAL_BATCH_WAIT };
        let size = |key: &str| self.number(key).and_then(|number| usize::try_from(number).ok());
        Some(Config {
            name: self.provider.name.clone(),
            destination: destination.unwrap_or_else(|why| Destination::Unusable { kind, why }),
            from: match self.text("from") {
                Ok(Some(from)) if from == "now" => From::Now,
                _ => From::Beginning,
            },
            limits: Limits {
                records: size("batch_records").unwrap_or(BATCH_RECORDS),
                bytes: size("batch_bytes").unwrap_or(BATCH_BYTES),
                wait: self.number("batch_wait").map_or(wait, Duration::from_millis),
            },
        })
    }

    fn file(&self, program: &Program, layout: &Layout) -> Result<Destination, String> {
        let apart_from = vec![layout.resolve(&program.runtime.wal_dir), layout.runtime_folder()];
        Ok(Destination::File {
            path: layout.resolve(&self.needed("path")?),
            max_bytes: self.number("max_size").unwrap_or(FILE_BYTES),
            apart_from,
        })
    }

    fn webhook(&self, layout: &Layout) -> Result<Destination, String> {
        let said = |key: &str, error: &dyn std::fmt::Display| format!("`{key}`: {error}");
        let address = Address::parse(&self.needed("url")?).map_err(|error| said("url", &error))?;
        let secret = SigningSecret::parse(&self.needed("secret")?).map_err(|error| said("secret", &error))?;
        let token = self.header("token")?;
        Ok(Destination::Webhook {
            address,
            secret,
            token: token.as_deref().map(Secret::new),
            timeout: self.number("timeout").map_or(TIMEOUT, Duration::from_millis),
            authorities: self.text("ca_file")?.map(|path| -> PathBuf { layout.resolve(&path) }),
        })
    }

    fn otlp(&self, layout: &Layout) -> Result<Destination, String> {
        let address = Address::parse(&self.needed("url")?).map_err(|error| format!("`url`: {error}"))?;
        let bearer = self.header("token")?.map(|token| format!("Bearer {token}"));
        let authorization = bearer.or(self.header("authorization")?);
        Ok(Destination::Otlp {
            address,
            authorization: authorization.as_deref().map(Secret::new),
            timeout: self.number("timeout").map_or(TIMEOUT, Duration::from_millis),
            authorities: self.text("ca_file")?.map(|path| -> PathBuf { layout.resolve(&path) }),
        })
    }

    /// A text that goes into a header.
    fn header(&self, key: &str) -> Result<Option<String>, String> {
        let text = self.text(key)?;
        if text.as_ref().is_some_and(|text| !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '))
        {
            return Err(format!("`{key}`: it has characters that cannot stand in a header"));
        }
        Ok(text)
    }

    fn value(&self, key: &str) -> Option<&SettingValue> {
        let (_, setting) = self.provider.settings.iter().find(|(name, _)| name == key)?;
        if let Setting::One(value) = setting { Some(value) } else { None }
    }

    /// A number, or milliseconds, or bytes.
    fn number(&self, key: &str) -> Option<u64> {
        match self.value(key)? {
            SettingValue::Number(text) => text.parse().ok(),
            SettingValue::Duration(number) | SettingValue::Size(number) => Some(*number),
            _ => None,
        }
    }

    /// # Errors
    /// The variable that holds it is not set.
    fn text(&self, key: &str) -> Result<Option<String>, String> {
        let (name, default) = match self.value(key) {
            Some(SettingValue::Text(TextSource::Literal(text))) => return Ok(Some(text.clone())),
            Some(SettingValue::Text(TextSource::Environment { name, default })) => (name, default),
            _ => return Ok(None),
        };
        let found = (self.environment)(name).filter(|text| !text.is_empty()).or_else(|| default.clone());
        found.map(Some).ok_or_else(|| {
            format!(
                "`{key}`: {name} is not set in the daemon's environment: set it and start the daemon anew"
            )
        })
    }

    fn needed(&self, key: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, settings: &[(&str, SettingValue)], secret: Option<&str>) -> Config {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), Setting::One(value.clone())));
        let provider =
            Provider { name: "siem".to_owned(), kind: kind.to_owned(), settings: settings.collect() };
        let environment = |name: &str| (name == "S").then_some(secret?.to_owned());
        let image = faramesh_program::image::Image::default();
        let bytes = faramesh_program::encode(&image, &faramesh_program::image::Sources::default()).unwrap();
        let program = faramesh_program::load(&bytes).unwrap();
        let layout = Layout::new(std::path::Path::new("/srv/shop"));
        Settings { provider: &provider, environment: &environment }.config(&program, &layout).unwrap()
    }

    fn literal(text: &str) -> SettingValue {
        SettingValue::Text(TextSource::Literal(text.to_owned()))
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let config = read("file-sink", &[("path", literal("audit/x.jsonl"))], None);
        assert_eq!(config.destination.shown(), "/srv/shop/audit/x.jsonl");
        assert_eq!(config.limits, Limits { records: 500, bytes: 1 << 20, wait: LOCAL_BATCH_WAIT });
        assert_eq!(config.from, From::Beginning);
        let set = [("batch_records", SettingValue::Number("7".to_owned())), ("from", literal("now"))];
        let config = read("stderr-sink", &set, None);
        assert_eq!((config.limits.records, config.from), (7, From::Now));
    }

    #[test]
    fn what_the_environment_lacks_is_said_without_what_it_has() {
        let secret = SettingValue::Text(TextSource::Environment { name: "S".to_owned(), default: None });
        let settings = [("url", literal("https://siem.example.com/x")), ("secret", secret)];
        let why = |value| match read("webhook-sink", &settings, value).destination {
            Destination::Unusable { why, .. } => why,
            other => panic!("{other:?}"),
        };
        assert!(why(None).contains("S is not set in the daemon's environment"));
        let wrong = why(Some("CANARY"));
        assert!(wrong.contains("whsec_") && !wrong.contains("CANARY"), "{wrong}");
        let good = read("webhook-sink", &settings, Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(good.destination.shown(), "https://siem.example.com");
    }
}
