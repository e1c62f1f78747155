//! The documentation is held to what it shows: pages of diagnostics, fixes, and every policy printed in
//! a page of `docs/`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod decisions;
mod documents;
mod fixes;
mod forms;
mod pages;
mod sources;
