//! The promises that the gate keeps, each tested through `Gate::ask` and what stands beside it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod ambient;
mod answers;
mod approvals;
mod budgets;
mod clock;
mod completion;
mod control;
mod facts;
mod fail_closed;
mod handovers;
mod honest;
mod last_dollar;
mod limits;
mod one_policy;
mod outside;
mod phases;
mod rates;
mod record_first;
mod redeem;
mod restarts;
mod retries;
mod secrets;
mod selectors;
mod sessions;
mod several;
mod stack;
mod strict;
