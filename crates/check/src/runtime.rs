//! The `runtime` block: settings of the daemon, each with its default.

use faramesh_program::image::{Cloud, LedgerBackend, Listeners, Mode, Runtime, Sandbox, Signing, TextSource};
use faramesh_syntax::ast::{Body, Spanned, Value};
use faramesh_syntax::nearest;
use jiff::tz::TimeZoneDatabase;

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, FILE, Shape, Status};
use crate::members::{Owner, Settings};

const POSTGRES: &[&str] = &["postgres", "postgresql"];

impl Checker<'_> {
    pub fn runtime(&mut self, body: &Body) -> Runtime {
        let Some(Shape::Block { members, open, .. }) =
            definitions::find(FILE, "runtime").map(|found| found.shape)
        else {
            return Runtime::default();
        };
        let owner = Owner { keyword: "runtime", members, open, status: Status::Enforced };
        let settings = self.settings(owner, body);
        let mut runtime = Runtime::default();
        self.identity_of_stack(&settings, &mut runtime);
        self.ledger(&settings, &mut runtime);
        runtime.listeners = self.listeners(&settings);
        runtime.sandbox = self.sandbox(&settings);
        let mut clouds = settings.blocks.iter();
        runtime.cloud = clouds.next().and_then(|block| self.cloud(*block));
        if let Some(second) = clouds.next() {
            self.say(
                codes::DUPLICATE_KEY,
                second.keyword.span,
                "`cloud` is written twice",
                "keep one of the two",
            );
        }
        runtime
    }

    fn identity_of_stack(&mut self, settings: &Settings<'_>, runtime: &mut Runtime) {
        if let Some(mode) = self.choice("mode", &["enforce", "audit"], settings.get("mode")) {
            runtime.mode = if mode.node == "audit" { Mode::Audit } else { Mode::Enforce };
        }
        runtime.socket = self.filled_text("socket", settings.get("socket"));
        runtime.socket_group = self.filled_text("socket_group", settings.get("socket_group"));
        runtime.stack_id = self.identifier("stack_id", settings.get("stack_id"));
        runtime.instance_id = self.identifier("instance_id", settings.get("instance_id"));
        let key = "allow_self_declared_identity";
        runtime.allow_self_declared_identity = self.boolean(key, settings.get(key)).unwrap_or(false);
        if let Some(zone) = self.timezone(settings.get("timezone")) {
            runtime.timezone = zone;
        }
        for (key, place) in [
            ("approval_ttl", &mut runtime.approval_ttl_ms),
            ("wal_retention", &mut runtime.wal_retention_ms),
            ("cold_start_deny_window", &mut runtime.cold_start_deny_window_ms),
        ] {
            if let Some(length) = self.duration(key, settings.get(key)) {
                *place = length;
            }
        }
        let backends = ["redis", "rediss", "postgres", "postgresql"];
        let backend = self.url_source("budget_backend", &backends, settings.get("budget_backend"));
        runtime.budget_backend = backend.map(|source| source.node);
    }

    /// Where the ledger is and when it is signed.
    fn ledger(&mut self, settings: &Settings<'_>, runtime: &mut Runtime) {
        if let Some(folder) = self.filled_text("wal_dir", settings.get("wal_dir")) {
            runtime.wal_dir = folder;
        }
        let backend = self.choice("backend", &["sqlite", "postgres"], settings.get("backend"));
        if let Some(backend) = &backend
            && backend.node == "postgres"
        {
            runtime.backend = LedgerBackend::Postgres;
        }
        let url = self.url_source("postgres_url", POSTGRES, settings.get("postgres_url"));
        let short = self.url_source("wal_backend", POSTGRES, settings.get("wal_backend"));
        if let Some(short) = &short {
            if let Some(backend) = &backend
                && backend.node != "postgres"
            {
                self.conflict(("backend", backend.span), ("wal_backend", short.span));
            }
            if let Some(url) = &url
                && url.node != short.node
            {
                self.conflict(("postgres_url", url.span), ("wal_backend", short.span));
            }
            runtime.backend = LedgerBackend::Postgres;
        }
        runtime.postgres_url = url.or(short).map(|source: Spanned<TextSource>| source.node);
        if runtime.backend == LedgerBackend::Postgres
            && runtime.postgres_url.is_none()
            && settings.get("postgres_url").is_none()
            && settings.get("wal_backend").is_none()
            && let Some(backend) = &backend
        {
            let message = "`backend = \"postgres\"` needs the address of the database";
            self.say(
                codes::MISSING_KEY,
                backend.span,
                message,
                "write `postgres_url = env(\"POSTGRES_URL\")`",
            );
        }
        let signing = self.choice("signing", &["checkpoint", "strict", "off"], settings.get("signing"));
        if let Some(signing) = &signing {
            runtime.signing = match signing.node.as_str() {
                "strict" => Signing::Strict,
                "off" => Signing::Off,
                _ => Signing::Checkpoint,
            };
        }
        if self.boolean("signing_required", settings.get("signing_required")) == Some(true) {
            if let (Some(signing), Some(required)) = (&signing, settings.get("signing_required"))
                && runtime.signing != Signing::Strict
            {
                self.conflict(("signing", signing.span), ("signing_required", required.span));
            }
            runtime.signing = Signing::Strict;
        }
    }

    fn listeners(&mut self, settings: &Settings<'_>) -> Listeners {
        let listeners = Listeners {
            http_listen: self.listens("http_listen", settings.get("http_listen")),
            http_upstream: self.filled_text("http_upstream", settings.get("http_upstream")),
            tls_cert_file: self.filled_text("tls_cert_file", settings.get("tls_cert_file")),
            tls_key_file: self.filled_text("tls_key_file", settings.get("tls_key_file")),
            tls_client_ca_file: self.filled_text("tls_client_ca_file", settings.get("tls_client_ca_file")),
            mcp_proxy_port: self.port("mcp_proxy_port", settings.get("mcp_proxy_port")),
            a2a_listen: self.listens("a2a_listen", settings.get("a2a_listen")),
        };
        if let (Some(upstream), Some(written)) = (&listeners.http_upstream, settings.get("http_upstream")) {
            self.url("http_upstream", &["http", "https"], upstream, written.span);
        }
        for (key, other) in [("tls_cert_file", "tls_key_file"), ("tls_key_file", "tls_cert_file")] {
            if let (Some(written), None) = (settings.get(key), settings.get(other)) {
                let message = format!("`{key}` is of no use without `{other}`");
                self.say(codes::MISSING_KEY, written.span, message, format!("write `{other} = \"…\"`"));
            }
        }
        listeners
    }

    fn sandbox(&mut self, settings: &Settings<'_>) -> Sandbox {
        let mut flag = |key: &str| self.boolean(key, settings.get(key)).unwrap_or(false);
        let (os_tier, strip_ambient_credentials) = (flag("os_tier"), flag("strip_ambient_credentials"));
        let immutable_config = flag("immutable_config");
        Sandbox {
            os_tier,
            agent_enforce_profile: self
                .profile("agent_enforce_profile", settings.get("agent_enforce_profile"))
                .unwrap_or_default(),
            supervised_command: self.filled_text("supervised_command", settings.get("supervised_command")),
            strip_ambient_credentials,
            strip_env: self.set("strip_env", settings.get("strip_env")).unwrap_or_default(),
            immutable_config,
        }
    }

    fn cloud(&mut self, block: Block<'_>) -> Option<Cloud> {
        let (settings, _) = self.block(block);
        self.needs(block, &["url"], "url = \"https://…\"");
        let url = self.url_source("url", &["https", "http"], settings.get("url"));
        let key = self.secret("key", settings.get("key"));
        Some(Cloud { url: url?.node, key: key.map(|key| key.node) })
    }

    /// A name in records and file names.
    fn identifier(&mut self, key: &str, value: Option<&Spanned<Value>>) -> Option<String> {
        let text = self.filled_text(key, value)?;
        let well_formed = text.len() <= 128
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if well_formed {
            return Some(text);
        }
        let message = format!("`{key}` cannot be `{text}`");
        let help = "use at most 128 letters, digits, `.`, `_` and `-`";
        self.say(codes::WRONG_VALUE, value.map(|value| value.span).unwrap_or_default(), message, help);
        None
    }

    /// The zone's name as the database writes it.
    fn timezone(&mut self, value: Option<&Spanned<Value>>) -> Option<String> {
        let text = self.text(value)?;
        // The database in the binary, so that every machine compiles the same program.
        let database = TimeZoneDatabase::bundled();
        if let Ok(zone) = database.get(&text.node)
            && let Some(name) = zone.iana_name()
        {
            return Some(name.to_owned());
        }
        let known: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
        let meant = |word: &str| nearest(word, known.iter().map(String::as_str)).map(str::to_owned);
        let city = |name: &&String| {
            name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&text.node))
        };
        let near = known.iter().find(city).cloned().or_else(|| meant(&text.node));
        let diagnostic = codes::WRONG_VALUE.at(text.span, format!("there is no time zone `{}`", text.node));
        self.report(match near {
            Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")).with_fix(
                text.span,
                format!("\"{near}\""),
                format!("write `{near}`"),
            ),
            None => diagnostic.with_help("write an IANA name such as `Europe/Berlin`, or `UTC`"),
        });
        None
    }
}
