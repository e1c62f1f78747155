//! Ceilings that daemons share. A backend keeps, for each of them, what every daemon has leased; a daemon leases a
//! part, which is debited whole before it is given, and spends it without asking. Redis with a script, or Postgres
//! with a transaction, behind one interface; the sums are the same in both, and stand in `terms`.
//!
//! INVARIANT never over: what all have leased is at most the ceiling. A part that is lost (its daemon is gone, its
//! answer did not arrive) counts as spent. A backend that lost what it knew is told by each daemon what that one holds.
//! INVARIANT bounded: every request ends within [`LIMIT`].

mod postgres;
mod redis;
mod terms;

use std::time::Duration;

use faramesh_state::limits::{Leased, Of, Want, WantOf};

pub use terms::Terms;

/// Longest time for one request, connecting included.
pub const LIMIT: Duration = Duration::from_secs(2);

/// Who leases: daemons of one stack share ceilings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lessee {
    /// The stack.
    pub stack: String,
    /// This daemon.
    pub instance: String,
}

/// What is asked for: a want, and how much is worth taking at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What is wanted, for the calls that wait.
    pub want: Want,
    /// Micro-dollars, or tokens, that all calls that wait need together.
    pub desired: u64,
    /// Calls that wait.
    pub desired_calls: u64,
}

/// Why nothing could be leased. It names no secret of an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// The address is none of a backend.
    #[error("`budget_backend` must be `redis://…`, `rediss://…` or `postgres://…`")]
    Address,
    /// It does not answer, or says no.
    #[error("{place}: {reason}")]
    Unreachable {
        /// Where it is.
        place: String,
        /// What went wrong.
        reason: String,
    },
}

/// Keeps what every daemon has leased.
trait Backend: Send {
    fn lease(&mut self, lessee: &Lessee, ask: &Ask) -> Result<Option<Of>, FleetError>;
}

/// The backend that a policy names.
pub struct Fleet {
    backend: Box<dyn Backend>,
    lessee: Lessee,
    place: String,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fleet").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Fleet {
    /// The backend at an address. Nothing is connected to before the first lease.
    ///
    /// # Errors
    /// It is no address of a backend.
    pub fn at(url: &str, lessee: Lessee) -> Result<Self, FleetError> {
        let (backend, place): (Box<dyn Backend>, String) = match url.split_once("://") {
            Some(("redis" | "rediss", _)) => {
                let redis = redis::Redis::at(url)?;
                let place = redis.place().to_owned();
                (Box::new(redis), place)
            }
            Some(("postgres" | "postgresql", _)) => {
                let postgres = postgres::Postgres::at(url)?;
                let place = postgres.place().to_owned();
                (Box::new(postgres), place)
            }
            _ => return Err(FleetError::Address),
        };
        Ok(Self { backend, lessee, place })
    }

    /// Where the backend is, without a password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Leases what is wanted; `None` when there is not enough left for it.
    ///
    /// # Errors
    /// Nobody knows whether it was debited; then it counts as spent.
    pub fn lease(&mut self, ask: &Ask) -> Result<Option<Of>, FleetError> {
        self.backend.lease(&self.lessee, ask)
    }
}

/// The name of a ceiling in a backend.
fn name(stack: &str, want: &Want) -> String {
    let period = match &want.of {
        WantOf::Sum { period, .. } => period.to_text(),
        WantOf::Tokens { .. } => "tokens".to_owned(),
    };
    format!("{stack}\u{1f}{}\u{1f}{}\u{1f}{period}", want.agent, want.key)
}

/// How long a backend remembers a ceiling that nobody asks of, in seconds: longer than its window.
const KEPT_SECONDS: u64 = 100 * 86_400;

/// What was given of a sum, as the state takes it; `None` when nothing was.
fn given(want: &Want, micros: (u64, u64), calls: (u64, u64)) -> Option<Of> {
    let WantOf::Sum { period, .. } = &want.of else { return None };
    // A part that does not help the call is kept all the same: it is debited.
    let nothing = micros.0 == 0 && calls.0 == 0;
    let more = Leased { micros: micros.0, calls: calls.0, fleet_micros: micros.1, fleet_calls: calls.1 };
    (!nothing).then(|| Of::Sum { period: period.clone(), more })
}
