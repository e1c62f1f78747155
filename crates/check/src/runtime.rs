//! The `runtime` block: settings of the daemon, each with its default.

use faramesh_program::image::{Mode, Runtime};
use faramesh_syntax::ast::{Body, Spanned, Value};
use faramesh_syntax::nearest;
use jiff::tz::TimeZoneDatabase;

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, FILE, Shape, Status};
use crate::members::Owner;

impl Checker<'_> {
    pub fn runtime(&mut self, body: &Body) -> Runtime {
        let Some(Shape::Block { members, open, .. }) =
            definitions::find(FILE, "runtime").map(|found| found.shape)
        else {
            return Runtime::default();
        };
        let settings =
            self.settings(Owner { keyword: "runtime", members, open, status: Status::Enforced }, body);
        let mut runtime = Runtime::default();
        if let Some(mode) = self.choice("mode", &["enforce", "audit"], settings.get("mode")) {
            runtime.mode = if mode.node == "audit" { Mode::Audit } else { Mode::Enforce };
        }
        if let Some(backend) = self.choice("backend", &["sqlite", "postgres"], settings.get("backend"))
            && backend.node != "sqlite"
        {
            self.not_yet.add(format!("runtime.backend = \"{}\"", backend.node), backend.span);
        }
        if let Some(folder) = self.filled_text("wal_dir", settings.get("wal_dir")) {
            runtime.wal_dir = folder;
        }
        if let Some(ttl) = self.duration("approval_ttl", settings.get("approval_ttl")) {
            runtime.approval_ttl_ms = ttl;
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
        runtime
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
