//! The real `faramesh` binary, as a person or a program runs it: what each command prints and how it
//! ends (`commands`), and whole stories from the first policy to the verified record (`journeys`).
//!
//! Every test has its own home and its own folder, and every wait ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails in these helpers fails the test that called them"
)]

mod agents;
mod commands;
mod copies;
mod fixtures;
mod fleet;
mod init;
mod journeys;
mod keys;
mod plans;
mod postgres;
#[path = "../../../fleet/tests/fleet/redis_server.rs"]
mod redis_server;
mod remote;
mod retention;
mod rollback;
#[allow(dead_code, reason = "the ledger's own tests use all of it")]
#[path = "../../../ledger-postgres/tests/postgres/server.rs"]
mod server;
mod stack;
mod watch;
mod witness;
