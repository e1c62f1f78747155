//! Identities, redactions and the daemon's settings as a comparison shows them: each by a name, with a text that
//! differs when it does.

use std::collections::{BTreeMap, BTreeSet};

use faramesh_program::image::{
    AgentImage, FieldStep, IdentityProvider, LedgerBackend, Listeners, Mode, Redaction, Runtime, Sandbox,
    SettingValue, Signing, TextSource,
};
use faramesh_program::{Image, hex};

use crate::blocks::duration;
use crate::providers;

/// What proves that a caller is an agent.
pub(crate) fn attest(agent: &AgentImage) -> Option<String> {
    let attest = agent.attest.as_ref()?;
    let uid = attest.uid.map(|uid| format!("uid = {uid}"));
    let exe = attest.exe.as_ref().map(|exe| format!("exe = \"{exe}\""));
    let tokens = attest.tokens.iter().map(|token| format!("token = \"sha256:{}\"", hex(token)));
    let certificate = attest.certificate.as_ref().map(|name| format!("certificate = \"{name}\""));
    let facts = uid.into_iter().chain(exe).chain(tokens).chain(certificate);
    Some(facts.collect::<Vec<_>>().join(" "))
}

/// The redacted fields of each of an agent's tools.
pub(crate) fn redactions(agent: &AgentImage) -> Vec<(String, String)> {
    let mut fields: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for redaction in &agent.redactions {
        fields
            .entry(&redaction.pattern)
            .or_default()
            .extend(redaction.fields.iter().map(|field| format!("{}{}", written(field), sealed(redaction))));
    }
    fields
        .into_iter()
        .map(|(pattern, fields)| {
            let fields: Vec<String> = fields.into_iter().collect();
            (format!("{} {pattern}", agent.name), fields.join(", "))
        })
        .collect()
}

/// How the fields of a redaction are kept, when they are.
fn sealed(redaction: &Redaction) -> String {
    match (redaction.seal, redaction.subject.as_slice()) {
        (false, _) => String::new(),
        (true, []) => " seal".to_owned(),
        (true, subject) => format!(" seal by {}", written(subject)),
    }
}

fn written(field: &[FieldStep]) -> String {
    let mut text = String::new();
    for step in field {
        match step {
            FieldStep::Key(key) if text.is_empty() => text.push_str(key),
            FieldStep::Key(key) => text.push_str(&format!(".{key}")),
            FieldStep::Each => text.push_str("[]"),
        }
    }
    text
}

/// The identity providers of a policy.
pub(crate) fn identities(image: &Image) -> Vec<(String, String)> {
    let entry = |identity: &IdentityProvider| {
        (identity.name.clone(), providers::text(identity.kind.as_str(), &identity.settings))
    };
    image.identities.iter().map(entry).collect()
}

/// Every setting by the name that an author gives it.
pub(crate) fn runtime(runtime: &Runtime) -> Vec<(String, String)> {
    let mode = if runtime.mode == Mode::Audit { "audit" } else { "enforce" };
    let mut settings = vec![
        ("mode".to_owned(), mode.to_owned()),
        ("wal_dir".to_owned(), runtime.wal_dir.clone()),
        ("approval_ttl".to_owned(), duration(runtime.approval_ttl_ms)),
        ("allow_self_declared_identity".to_owned(), runtime.allow_self_declared_identity.to_string()),
        ("timezone".to_owned(), runtime.timezone.clone()),
        ("wal_retention".to_owned(), duration(runtime.wal_retention_ms)),
        ("cold_start_deny_window".to_owned(), duration(runtime.cold_start_deny_window_ms)),
    ];
    let signing = match runtime.signing {
        Signing::Checkpoint => "checkpoint",
        Signing::Strict => "strict",
        Signing::Off => "off",
    };
    let backend = match runtime.backend {
        LedgerBackend::Sqlite => "sqlite",
        LedgerBackend::Postgres => "postgres",
    };
    settings.push(("signing".to_owned(), signing.to_owned()));
    settings.push(("backend".to_owned(), backend.to_owned()));
    let source = |source: &TextSource| providers::one(&SettingValue::Text(source.clone()));
    for (name, value) in
        [("postgres_url", &runtime.postgres_url), ("budget_backend", &runtime.budget_backend)]
    {
        settings.extend(value.as_ref().map(|value| (name.to_owned(), source(value))));
    }
    for (name, text, default) in [
        ("sandbox", format!("{:?}", runtime.sandbox), format!("{:?}", Sandbox::default())),
        ("cloud", format!("{:?}", runtime.cloud), "None".to_owned()),
    ] {
        if text != default {
            settings.push((name.to_owned(), text));
        }
    }
    let Listeners {
        http_listen,
        http_upstream,
        tls_cert_file,
        tls_key_file,
        tls_client_ca_file,
        mcp_proxy_port,
        a2a_listen,
    } = &runtime.listeners;
    settings.extend(mcp_proxy_port.map(|port| ("mcp_proxy_port".to_owned(), port.to_string())));
    let optional = [
        ("http_listen", http_listen),
        ("http_upstream", http_upstream),
        ("tls_cert_file", tls_cert_file),
        ("tls_key_file", tls_key_file),
        ("tls_client_ca_file", tls_client_ca_file),
        ("a2a_listen", a2a_listen),
        ("socket", &runtime.socket),
        ("socket_group", &runtime.socket_group),
        ("stack_id", &runtime.stack_id),
        ("instance_id", &runtime.instance_id),
    ];
    settings.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))));
    settings
}
