//! The compiled engine and the oracle decide random calls under random policies alike.
//!
//! `FARAMESH_ORACLE_SEED` repeats or varies a run, `FARAMESH_ORACLE_PAIRS` sets its length, and
//! `FARAMESH_SOAK=1` makes it ten million. A disagreement is made small before it is shown.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking, and its numbers are small"
)]

mod engine;
mod random;
mod shrink;
mod small;
mod tally;
