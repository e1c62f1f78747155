//! The one place where the order is written: identify, decide, record, reply, outcome. Tiers ask
//! here and nowhere else; [`Gate::ask`] cannot fail, it can only deny.
//!
//! INVARIANT record first: a permit is made from a [`faramesh_ledger::Receipt`], and only the ledger
//! makes those, after the sync.
//! INVARIANT one policy: a call is decided and recorded under one lock, and a swap takes the same one.

mod approvals;
mod ask;
mod budgets;
mod control;
mod counts;
mod deferred;
mod folded;
mod gaps;
mod gate;
mod grants;
mod leases;
mod lifecycle;
mod moment;
mod outcome;
mod record;
mod repeats;
mod reply;
mod revoke;
mod rollouts;
mod sealing;
mod sessions;
mod swap;

pub use approvals::{ApprovalError, Operator};
pub use budgets::BudgetStatus;
pub use control::{AgentStatus, ControlError};
pub use counts::Counted;
pub use deferred::PollStatus;
pub use faramesh_identity::{Peer, Remote};
pub use faramesh_state::Said;
pub use folded::Folded;
pub use gate::{Decider, Gate, Settings};
pub use grants::{GrantError, Wanted};
pub use leases::{Alone, Lessor, Parked};
pub use lifecycle::Lifecycle;
pub use outcome::{Outcome, OutcomeStatus};
pub use reply::{Denial, Handed, Reply, Resolution, Respond, Warning};
pub use rollouts::RolloutStatus;
pub use sealing::{EraseError, erasure};
pub use sessions::{Declaration, Told};
pub use swap::SwapError;
