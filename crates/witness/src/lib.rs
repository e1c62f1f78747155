//! A witness of ledgers: a process that another host runs and that cosigns the checkpoints of ledgers it
//! was told of, as long as each is the continuation of the one before. Whoever takes records away, or
//! brings yesterday's folder back, finds that the witness has seen more.
//!
//! The wire is C2SP `tlog-witness`: `POST /add-checkpoint`. By topic: `request` is the body of one,
//! `state` what a witness remembers, `witness` what it answers, `server` HTTP on the one side, `client` on
//! the other, `asking` how a daemon's ledger is kept witnessed, `kept` what it keeps of that.
//!
//! INVARIANT one tree: no two different trees of one size are cosigned, and none that is not the
//! continuation of the last; the memory of it is durable before a cosignature leaves.

mod asking;
mod client;
mod kept;
mod request;
mod server;
mod state;
mod witness;

pub use asking::{Asked, Asking, AskingError, Cosigned};
pub use client::{AskError, Client};
pub use kept::{Kept, MAX_WITNESSES, is_kept, keep, kept, kept_size};
pub use request::{MAX_REQUEST_BYTES, Request, RequestError};
pub use server::Server;
pub use state::StateError;
pub use witness::{Refusal, Witness};
