//! Questions about whole policies, written as people write them. Every example is put before the engine.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod agreement;
mod reach;
mod statements;
mod world;
