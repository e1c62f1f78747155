//! A new policy for a running daemon.

use std::sync::{Arc, PoisonError};

use faramesh_call::{Object, object};
use faramesh_gate::{Lifecycle, Peer};
use faramesh_program::image::{IdentityKind, Runtime};
use faramesh_program::{Program, load, unhex};

use super::{Answer, Context, Failure, needed, text};
use crate::prices::prices_of;
use crate::sinks::declared;
use crate::start::now;

pub(super) fn apply(context: &Context, peer: &Peer, params: &Object) -> Answer {
    if context.gate.lifecycle() != Lifecycle::Ready {
        return Err(Failure::new("DAEMON_NOT_READY", "the daemon is not READY"));
    }
    let bytes = unhex(needed(params, "program")?)
        .ok_or_else(|| Failure::params("`program` must be the bytes of a policy in hexadecimal"))?;
    let program = load(&bytes).map_err(|error| Failure::new("PROGRAM_INVALID", error))?;
    let _alone = context.applying.lock().unwrap_or_else(PoisonError::into_inner);
    let running = context.gate.program();
    let setting =
        needs_restart(&running.runtime, &program.runtime).or_else(|| client_certificates(&running, &program));
    if let Some(setting) = setting {
        let message = format!("a change of `{setting}` needs a restart of the daemon");
        return Err(Failure::new("RESTART_NEEDED", message));
    }
    let previous_hash = running.hash_text().to_owned();
    // What was looked at before, and what is replaced, are one: between the two, somebody else may have been here.
    if text(params, "if_policy")?.is_some_and(|expected| expected != previous_hash) {
        let message = format!("another policy came into force meanwhile: {previous_hash}");
        return Err(Failure::new("POLICY_CHANGED", message));
    }
    let policy_hash = program.hash_text().to_owned();
    let changed = policy_hash != previous_hash;
    let prices = prices_of(&program, &context.facts.layout).map_err(|error| Failure::new("IO", error))?;
    let sinks = declared(&program, &context.facts.layout);
    let prepared = context.facts.sinks.prepare(&sinks);
    prepared.map_err(|error| Failure::new("IO", format!("cannot keep the cursor of a sink: {error}")))?;
    // Positions in the source are outside the hash: the same policy is put in force again, so that
    // records name the lines that the author sees now.
    let by = text(params, "by")?.map_or_else(|| peer.user().to_owned(), str::to_owned);
    context
        .facts
        .layout
        .keep_policy(&policy_hash, &bytes)
        .map_err(|error| Failure::new("IO", format!("cannot keep the policy in .faramesh: {error}")))?;
    let no_thread = |error| Failure::new("IO", format!("cannot start a thread: {error}"));
    context.facts.selectors.prepare(&program, &context.gate).map_err(no_thread)?;
    let program = Arc::new(program);
    context
        .gate
        .put_in_force(Arc::clone(&program), &by)
        .map_err(|error| Failure::new("LEDGER_UNAVAILABLE", error))?;
    context.gate.price(Arc::new(prices));
    context.facts.selectors.settle(&program, &context.gate).map_err(no_thread)?;
    context.facts.sinks.configure(sinks);
    context.facts.applied(now());
    Ok(object! { "policy_hash" => policy_hash, "previous_hash" => previous_hash, "changed" => changed })
}

/// Whether clients may come without a certificate is known to the listener from its start.
fn client_certificates(running: &Program, new: &Program) -> Option<&'static str> {
    let by_token =
        |program: &Program| program.identities.iter().any(|provider| provider.kind == IdentityKind::Token);
    let listens =
        new.runtime.listeners.http_listen.is_some() && new.runtime.listeners.tls_client_ca_file.is_some();
    (listens && by_token(running) != by_token(new)).then_some("identity")
}

/// The first setting that differs and is only read when a daemon starts.
fn needs_restart(running: &Runtime, new: &Runtime) -> Option<&'static str> {
    [
        ("signing", running.signing != new.signing),
        ("wal_dir", running.wal_dir != new.wal_dir),
        ("backend", running.backend != new.backend),
        ("postgres_url", running.postgres_url != new.postgres_url),
        ("budget_backend", running.budget_backend != new.budget_backend),
        ("http_listen", running.listeners.http_listen != new.listeners.http_listen),
        ("tls_cert_file", running.listeners.tls_cert_file != new.listeners.tls_cert_file),
        ("tls_key_file", running.listeners.tls_key_file != new.listeners.tls_key_file),
        ("tls_client_ca_file", running.listeners.tls_client_ca_file != new.listeners.tls_client_ca_file),
        ("socket", running.socket != new.socket),
        ("socket_group", running.socket_group != new.socket_group),
        ("stack_id", running.stack_id != new.stack_id),
        ("instance_id", running.instance_id != new.instance_id),
    ]
    .into_iter()
    .find_map(|(setting, differs)| differs.then_some(setting))
}
