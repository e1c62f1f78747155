//! Sinks over real ledgers, files and a real web server: every record arrives, in order, whatever fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "tests"
)]

mod alerts;
mod kill;
mod server;
mod setting;
mod swap;
mod tls;
mod webhook;
