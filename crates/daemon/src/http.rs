//! The HTTP door of a daemon, when its policy opens one.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use faramesh_gate::Gate;
use faramesh_http::{BindError, Counts, Files, Server, Stopper};
use faramesh_program::image::{IdentityKind, Listeners};

use crate::layout::Layout;
use crate::metrics::metrics;
use crate::running::Facts;
use crate::stop::{StopHandle, StopReason};
use crate::strangers::Watch;

/// A door that is open.
#[derive(Debug)]
pub(crate) struct Door {
    stopper: Stopper,
    thread: JoinHandle<()>,
    watch: Watch,
}

/// A door that is bound and does not serve yet.
#[derive(Debug)]
pub(crate) struct Bound {
    server: Server,
    counts: Arc<Counts>,
}

/// Binds the door that the policy opens, if it does. Who connects before the daemon is READY waits for it.
pub(crate) fn bind(gate: &Arc<Gate>, facts: &Arc<Facts>) -> Result<Option<Bound>, BindError> {
    let program = gate.program();
    let listeners = &program.runtime.listeners;
    let Some(address) = &listeners.http_listen else { return Ok(None) };
    let by_token = program.identities.iter().any(|provider| provider.kind == IdentityKind::Token);
    let counts = Arc::new(Counts::default());
    let text = {
        let (gate, facts, counts) = (Arc::clone(gate), Arc::clone(facts), Arc::clone(&counts));
        move || metrics(&gate, &facts, &counts)
    };
    let files = files(listeners, &facts.layout, by_token);
    let server = Server::bind(address, files, Arc::clone(gate), text, Arc::clone(&counts))?;
    // It is bound once.
    let _ = facts.http.set(server.url());
    Ok(Some(Bound { server, counts }))
}

fn files(listeners: &Listeners, layout: &Layout, client_optional: bool) -> Option<Files> {
    let resolve = |path: &Option<String>| path.as_deref().map(|path| layout.resolve(path));
    Some(Files {
        certificate: resolve(&listeners.tls_cert_file)?,
        key: resolve(&listeners.tls_key_file)?,
        client_authorities: resolve(&listeners.tls_client_ca_file),
        client_optional,
    })
}

impl Door {
    pub fn open(bound: Bound, gate: &Arc<Gate>, handle: StopHandle) -> io::Result<Self> {
        let Bound { server, counts } = bound;
        let watch = Watch::start(Arc::clone(gate), counts)?;
        let stopper = server.stopper();
        let thread =
            std::thread::Builder::new().name("http".to_owned()).spawn(move || {
                match catch_unwind(AssertUnwindSafe(|| server.run())) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => handle.stop(StopReason::TierFailed(error.to_string())),
                    Err(_) => handle.stop(StopReason::TierFailed("the HTTP door panicked".to_owned())),
                }
            })?;
        Ok(Self { stopper, thread, watch })
    }

    /// Ends it; requests in flight are answered, within a bound.
    pub fn close(self) {
        self.stopper.stop();
        let _ = self.thread.join();
        self.watch.stop();
    }
}
