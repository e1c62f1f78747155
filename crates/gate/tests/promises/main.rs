//! The promises that the gate keeps, each tested through `Gate::ask` and what stands beside it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod answers;
mod approvals;
mod fail_closed;
mod honest;
mod limits;
mod one_policy;
mod record_first;
mod redeem;
mod secrets;
mod stack;
mod strict;
