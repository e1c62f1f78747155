//! Ceilings that daemons share. A call that needs more of one than this daemon has leased waits, off the loop of its
//! door, until the backend was asked; then it is decided as any other. What was leased is a record before it is used.
//!
//! INVARIANT never over: the backend debits a lease before it gives it, and a lease that gets lost counts as spent.
//! INVARIANT bounded: a call is parked a few times at most, and only while the lessor takes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;

use faramesh_call::{Call, Timestamp, object};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_identity::Peer;
use faramesh_state::Change;
use faramesh_state::limits::{Bucket, Lease, Of, Want, WantOf};

use crate::gate::Gate;
use crate::reply::Respond;

/// How often one call is parked at most: it may count for several shared ceilings.
pub(crate) const MAX_PARKED: u8 = 4;
/// Most tokens that a lease without others takes at once.
const MAX_TOKENS: u32 = 1_000;

/// Gets leases from the backend that daemons share. It must take what it is given at once, or give it back.
pub trait Lessor: Send + Sync + std::fmt::Debug {
    /// Takes a call that cannot be decided before something is leased; it comes back by [`Gate::resume`].
    ///
    /// # Errors
    /// It has too many already, or cannot reach the backend: the call is decided with what there is.
    fn park(&self, parked: Parked) -> Result<(), Box<Parked>>;

    /// Notes that something should be leased before it is needed.
    fn prefetch(&self, want: Want);
}

/// A call that waits for a lease.
pub struct Parked {
    /// What it needs.
    pub want: Want,
    pub(crate) peer: Peer,
    pub(crate) call: Call,
    pub(crate) respond: Respond,
    pub(crate) began: Instant,
    pub(crate) times: u8,
}

impl std::fmt::Debug for Parked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Parked").field("want", &self.want).finish_non_exhaustive()
    }
}

/// An agent, and the name of its rate.
type Name = (Box<str>, Box<str>);

/// The lessor of a daemon that shares with nobody: of `faramesh dev` and `faramesh test`. It gives all that there is.
#[derive(Debug, Default)]
pub struct Alone {
    gate: OnceLock<Weak<Gate>>,
    /// Rates get their tokens back here.
    buckets: Mutex<HashMap<Name, Bucket>>,
}

impl Alone {
    /// Serves this gate.
    pub fn serve(&self, gate: &Arc<Gate>) {
        // There is one.
        let _ = self.gate.set(Arc::downgrade(gate));
    }

    /// Tokens that came back; nothing when there is none.
    fn tokens(&self, want: &Want, now: Timestamp) -> Option<Of> {
        let WantOf::Tokens { count, period_ms, burst } = want.of else { return Some(want.all()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            buckets.entry((want.agent.clone(), want.key.clone())).or_insert_with(|| Bucket::full(now));
        let mut tokens = 0;
        while tokens < burst.min(MAX_TOKENS)
            && let Ok(after) = bucket.take(count, period_ms, burst, now)
        {
            *bucket = after;
            tokens += 1;
        }
        (tokens > 0).then_some(Of::Tokens { tokens, period_ms, burst })
    }
}

impl Lessor for Alone {
    fn park(&self, parked: Parked) -> Result<(), Box<Parked>> {
        let Some(gate) = self.gate.get().and_then(Weak::upgrade) else { return Err(Box::new(parked)) };
        if let Some(of) = self.tokens(&parked.want, (gate.settings.clock)()) {
            gate.leased(&parked.want.agent, &parked.want.key, of);
        }
        gate.resume(parked);
        Ok(())
    }

    // What is needed comes with the call that needs it.
    fn prefetch(&self, _: Want) {}
}

impl Gate {
    /// Decides a call that was parked, with what is leased now. The caller must [`Gate::commit`] afterwards.
    pub fn resume(&self, parked: Parked) {
        let Parked { peer, call, respond, began, times, .. } = parked;
        self.ask_again(&peer, call, respond, began, times);
    }

    /// Takes what the backend gave: it is in the ledger before any call is charged to it.
    pub fn leased(&self, agent: &str, key: &str, of: Of) {
        let mut inner = self.inner();
        let now = (self.settings.clock)();
        let change = Change::Leased(Box::new(Lease { agent: agent.into(), key: key.into(), of, at: now }));
        let detail = object! { "event" => "leased" };
        let draft = Draft {
            agent: Some(agent.into()),
            changes: Some(Canonical::from(&faramesh_call::Value::List(vec![change.to_value()]))),
            dev: self.settings.dev,
            ..Draft::event(Kind::Lifecycle, detail)
        };
        // A lease that cannot be recorded is lost: the backend counts it as spent.
        if self.ledger.append(draft, now, Box::new(|_| {})).is_ok() {
            inner.state.apply(&change);
        }
    }
}
