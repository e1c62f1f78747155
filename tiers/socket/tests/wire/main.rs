//! The agents' socket, as clients meet it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod legacy;
mod lines;
mod many;
mod polls;
mod sessions;
mod world;
