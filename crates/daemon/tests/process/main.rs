//! The daemon as a process of its own, with real sockets, real signals and a ledger on disk.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod bounds;
mod erasure;
mod kill;
mod operators;
mod selectors;
mod sinks;
mod start;
mod stop;
mod world;
