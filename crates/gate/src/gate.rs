//! The gate's parts: one lock over policy and state, the ledger beside it.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_decide::{Input, Selected, Verdict, decide};
use faramesh_dpr::CommitmentKey;
use faramesh_identity::{Peer, is_known};
use faramesh_ledger::{Commit, Completion, Ledger};
use faramesh_prices::Prices;
use faramesh_program::Program;
use faramesh_program::image::Mode;
use faramesh_seal::Keys;
use faramesh_state::State;

use crate::budgets::{BudgetStatus, budgets};
use crate::counts::{Counted, Counts};
use crate::gaps::Gaps;
use crate::leases::Lessor;
use crate::lifecycle::{Lifecycle, Shared};
use crate::moment::{Entropy, wall_clock};
use crate::repeats::Repeats;
use crate::rollouts::{RolloutStatus, rollouts};
use crate::sealing::seals;

/// Longest wait for a record that an operator or the daemon itself asked for.
const RECORD_WAIT: Duration = Duration::from_secs(10);
/// Longest that a daemon that has just started denies every call.
const MAX_COLD_START: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Waits for one record to be durable.
pub(crate) struct Recorded(Receiver<bool>);

/// Why the record of an operator's change is not on disk. Nothing is permitted on its strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    /// It never will be.
    Refused,
    /// The disk has not answered in time, and may still.
    Late,
}

/// A completion, and the wait for it.
pub(crate) fn awaited() -> (Completion, Recorded) {
    let (sender, receiver) = sync_channel(1);
    let completion: Completion = Box::new(move |result| {
        // Nobody listens any more when the wait ran out.
        let _ = sender.try_send(result.is_ok());
    });
    (completion, Recorded(receiver))
}

/// The engine. It is a field so that a test can put a failing one in its place.
pub type Decider = for<'a> fn(&Input<'a>) -> Verdict<'a>;

/// How a gate is set up.
#[derive(Debug)]
pub struct Settings {
    /// The key of the stack for commitments to arguments.
    pub commitment_key: CommitmentKey,
    /// Whether this is `faramesh dev`: callers are believed, and every record says so.
    pub dev: bool,
    /// The engine.
    pub decider: Decider,
    /// The keys of persons; without them, fields that a policy seals are redacted.
    pub keys: Option<Arc<Keys>>,
    /// What gets leases of ceilings that daemons share; without it, nothing of them can be had.
    pub lessor: Option<Arc<dyn Lessor>>,
    /// The time. It is a field so that a test can have a clock that jumps.
    pub clock: fn() -> Timestamp,
}

impl Settings {
    /// The engine of this project with a key.
    #[must_use]
    pub fn new(commitment_key: CommitmentKey, dev: bool) -> Self {
        Self { commitment_key, dev, decider: decide, keys: None, lessor: None, clock: wall_clock }
    }
}

/// Decides calls. Shared between threads.
pub struct Gate {
    pub(crate) settings: Settings,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) lifecycle: Shared,
    /// Until when a daemon that has just started denies every call, when its policy wants that.
    denies_until: OnceLock<Instant>,
    inner: Mutex<Inner>,
    /// Told when an approval was answered, so that waiting callers are looked at again.
    watchers: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
    started_at: Timestamp,
    /// Whether the policy in force seals anything.
    pub(crate) seals: AtomicBool,
    pub(crate) counts: Arc<Counts>,
}

/// What one decision at a time may touch.
pub(crate) struct Inner {
    pub(crate) program: Arc<Program>,
    pub(crate) state: State,
    pub(crate) entropy: Entropy,
    pub(crate) repeats: Repeats,
    /// What was fetched from outside.
    pub(crate) selected: Arc<Selected>,
    /// What calls of models cost.
    pub(crate) prices: Arc<Prices>,
    /// Calls without an outcome that agents were not told of yet.
    pub(crate) gaps: HashMap<Box<str>, Gaps>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gate").field("lifecycle", &self.lifecycle.get()).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate in `Starting`, over a ledger whose records gave `state`.
    #[must_use]
    pub fn new(settings: Settings, program: Arc<Program>, state: State, ledger: Arc<Ledger>) -> Self {
        let seals = AtomicBool::new(seals(&program));
        Self {
            seals,
            settings,
            ledger,
            lifecycle: Shared::default(),
            denies_until: OnceLock::new(),
            inner: Mutex::new(Inner {
                program,
                state,
                entropy: Entropy::default(),
                repeats: Repeats::default(),
                selected: Arc::default(),
                prices: Arc::new(Prices::bundled()),
                gaps: HashMap::new(),
            }),
            watchers: Mutex::default(),
            started_at: wall_clock(),
            counts: Arc::default(),
        }
    }

    /// A panic while the lock was held was caught before anything was changed, so the state behind
    /// a poisoned lock is whole.
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls were decided since the gate was made, and how.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counts.counted()
    }

    /// Where the daemon stands.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.get()
    }

    /// Moves the daemon on; never back.
    pub fn advance(&self, to: Lifecycle) {
        if to == Lifecycle::Ready && !self.settings.dev {
            self.begin_cold_start();
        }
        self.lifecycle.advance(to);
    }

    fn begin_cold_start(&self) {
        let runtime = &self.program().runtime;
        let window = Duration::from_millis(runtime.cold_start_deny_window_ms);
        if !window.is_zero() && runtime.mode == Mode::Enforce {
            // It begins once.
            let _ = self.denies_until.set(Instant::now() + window.min(MAX_COLD_START));
        }
    }

    /// How much longer a daemon that has just started denies every call.
    #[must_use]
    pub fn cold_start_left(&self) -> Option<Duration> {
        let left = self.denies_until.get()?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The policy that decides now.
    #[must_use]
    pub fn program(&self) -> Arc<Program> {
        Arc::clone(&self.inner().program)
    }

    /// Whether the policy that decides now says who this caller is, or believes callers. Doors that anybody can
    /// reach ask first, so that nobody unknown fills the ledger with refusals.
    #[must_use]
    pub fn knows(&self, peer: &Peer) -> bool {
        is_known(&self.program(), peer, self.settings.dev)
    }

    /// The ledger behind the gate.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Whether this is `faramesh dev`.
    #[must_use]
    pub fn is_dev(&self) -> bool {
        self.settings.dev
    }

    /// A copy of the whole state. It may be large, and decisions wait while it is made.
    #[must_use]
    pub fn state(&self) -> State {
        self.inner().state.clone()
    }

    /// A copy of the state without what limits have used, for operators who look at approvals.
    #[must_use]
    pub fn approvals(&self) -> State {
        self.inner().state.without_limits()
    }

    /// How every budget of the policy in force stands.
    #[must_use]
    pub fn budgets(&self) -> Vec<BudgetStatus> {
        let inner = self.inner();
        budgets(&inner.program, &inner.state, (self.settings.clock)())
    }

    /// How every rollout of the policy in force stands, but those that are over.
    #[must_use]
    pub fn rollouts(&self) -> Vec<RolloutStatus> {
        let inner = self.inner();
        rollouts(&inner.program, &inner.state, (self.settings.clock)())
    }

    /// Puts what was fetched from outside in the place of what decisions looked at until now.
    pub fn select(&self, selected: Arc<Selected>) {
        self.inner().selected = selected;
    }

    /// Puts another table of prices in force, for the outcomes from now on.
    pub fn price(&self, prices: Arc<Prices>) {
        self.inner().prices = prices;
    }

    /// Has `watcher` told whenever an approval was answered. Watchers must return at once.
    pub fn watch_approvals(&self, watcher: Box<dyn Fn() + Send + Sync>) {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    /// Makes what was appended durable and waits for the record behind `recorded`; bounded.
    ///
    /// # Errors
    /// The record is not on disk: refused, or not yet.
    pub(crate) fn recorded(&self, recorded: &Recorded) -> Result<(), Unrecorded> {
        self.ledger.commit(Commit::Handover);
        match recorded.0.recv_timeout(RECORD_WAIT) {
            Ok(true) => Ok(()),
            Ok(false) | Err(RecvTimeoutError::Disconnected) => Err(Unrecorded::Refused),
            Err(RecvTimeoutError::Timeout) => Err(Unrecorded::Late),
        }
    }

    pub(crate) fn approvals_changed(&self) {
        for watcher in self.watchers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            watcher();
        }
    }

    /// Seconds after which it makes sense to ask again while something is unavailable: about as
    /// long as it has been so already, from 1 to 60.
    pub(crate) fn retry_after_seconds(&self) -> u64 {
        (wall_clock().since_ms(self.started_at) / 1_000).clamp(1, 60)
    }
}
