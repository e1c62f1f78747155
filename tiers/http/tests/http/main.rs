//! The HTTP door: decisions by status, callers by what they present, bounds, TLS.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod bounds;
mod callers;
mod calls;
mod many;
mod secure;
mod world;
