//! A daemon that is READY, until it is told to stop: then it drains, records that it halts, and
//! closes the ledger.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use faramesh_call::{Tier, Timestamp, object};
use faramesh_gate::{Gate, Lifecycle};
use faramesh_sinks::Sinks;
use faramesh_socket::{Server, Stopper};

use crate::fleet::Lessors;
use crate::heartbeat::Heartbeat;
use crate::http::Door;
use crate::layout::Layout;
use crate::operators::Operators;
use crate::options::Options;
use crate::retention::Retention;
use crate::selectors::Selectors;
use crate::stop::{StopHandle, StopReason, on_signals};
use crate::witnesses::Witnesses;

/// Longest wait for calls in flight when the daemon stops.
const DRAIN_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for sinks to deliver what is left when the daemon stops.
const SINKS_WAIT: Duration = Duration::from_secs(2);

/// What is known about a daemon from its start.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) layout: Layout,
    pub(crate) stack: String,
    pub(crate) policy_source: String,
    pub(crate) started_at: Timestamp,
    pub(crate) sinks: Sinks,
    pub(crate) retention: Retention,
    pub(crate) witnesses: Arc<Witnesses>,
    /// What gets leases of shared ceilings, when the policy names a backend.
    pub(crate) lessors: Option<Arc<Lessors>>,
    pub(crate) selectors: Selectors,
    /// Where the HTTP door listens, when there is one.
    pub(crate) http: OnceLock<String>,
    applied_at_ms: AtomicU64,
}

/// The doors of a daemon: the agents' socket, and HTTP where the policy opens it.
pub(crate) struct Doors {
    pub socket: PathBuf,
    pub server: Server,
    pub http: Option<Door>,
}

impl Facts {
    pub(crate) fn new(
        options: &Options,
        layout: &Layout,
        stack: String,
        started_at: Timestamp,
        sinks: Sinks,
    ) -> Self {
        Self {
            layout: layout.clone(),
            stack,
            policy_source: options.policy_source.clone(),
            started_at,
            sinks,
            retention: Retention::default(),
            witnesses: Arc::default(),
            lessors: None,
            selectors: Selectors::default(),
            http: OnceLock::new(),
            applied_at_ms: AtomicU64::new(started_at.0),
        }
    }

    /// The doors that calls come in by.
    pub(crate) fn tiers(&self) -> Vec<&'static str> {
        let http = self.http.get().map(|_| Tier::Http.as_str());
        [Some(Tier::Sdk.as_str()), http].into_iter().flatten().collect()
    }

    /// When the running policy was put in force.
    pub(crate) fn applied_at(&self) -> Timestamp {
        Timestamp(self.applied_at_ms.load(Ordering::Acquire))
    }

    pub(crate) fn applied(&self, at: Timestamp) {
        self.applied_at_ms.store(at.0, Ordering::Release);
    }
}

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    gate: Arc<Gate>,
    facts: Arc<Facts>,
    socket: PathBuf,
    tier: Stopper,
    tier_thread: JoinHandle<()>,
    http: Option<Door>,
    operators: Operators,
    heartbeat: Heartbeat,
    handle: StopHandle,
    stopped: Receiver<StopReason>,
}

/// How a daemon ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Why.
    pub reason: StopReason,
    /// Calls that had no reply when the wait for them ran out.
    pub abandoned: usize,
}

impl Daemon {
    pub(crate) fn run_tiers(
        gate: Arc<Gate>,
        facts: Arc<Facts>,
        doors: Doors,
        operators: Operators,
        handle: StopHandle,
        stopped: Receiver<StopReason>,
    ) -> io::Result<Self> {
        let Doors { socket, server, http } = doors;
        let tier = server.stopper();
        let failed = handle.clone();
        let tier_thread = std::thread::Builder::new().name("agents".to_owned()).spawn(move || {
            // A panic here leaves agents without an answer, which is a denial; the daemon then halts.
            match catch_unwind(AssertUnwindSafe(|| server.run())) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed.stop(StopReason::TierFailed(error.to_string())),
                Err(_) => failed.stop(StopReason::TierFailed("the agents' socket panicked".to_owned())),
            }
        })?;
        let heartbeat = Heartbeat::start(Arc::clone(&gate))?;
        Retention::start(&gate, &facts);
        Witnesses::start(&gate, &facts.witnesses)?;
        Ok(Self { gate, facts, socket, tier, tier_thread, http, operators, heartbeat, handle, stopped })
    }

    /// The agents' socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The gate, for following decisions.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The stack's name.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.facts.stack
    }

    /// A handle that stops the daemon.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.handle.clone()
    }

    /// Has SIGTERM and SIGINT stop the daemon.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn stop_on_signals(&self) -> io::Result<()> {
        on_signals(self.handle.clone())
    }

    /// Waits until the daemon is told to stop, drains it, and ends it.
    #[must_use]
    pub fn wait(self) -> Stopped {
        let reason = self.stopped.recv().unwrap_or(StopReason::Operator);
        // New calls are told DAEMON_NOT_READY from here on; those in flight finish.
        self.gate.advance(Lifecycle::Draining);
        self.facts.retention.stop();
        let deadline = Instant::now() + DRAIN_WAIT;
        while self.tier.in_flight() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        if let Some(door) = self.http {
            door.close();
        }
        let abandoned = self.tier.in_flight();
        self.tier.stop();
        let _ = self.tier_thread.join();
        self.operators.stop();
        self.heartbeat.stop();
        let facts = object! { "reason" => reason.as_str(), "abandoned" => abandoned };
        // A ledger that takes no more records is why some daemons stop.
        let _ = self.gate.advance_recorded(Lifecycle::Halt, facts);
        self.gate.advance(Lifecycle::Halt);
        // What is left goes out now or after the next start.
        self.facts.sinks.stop(SINKS_WAIT);
        self.gate.ledger().close();
        Stopped { reason, abandoned }
    }
}
