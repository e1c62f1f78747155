//! Ceilings that daemons share: on a real Redis and a real PostgreSQL, and in a simulation with seeds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test that cannot go on should stop"
)]

mod backends;
#[allow(dead_code, reason = "the tests of the ledger need more of it")]
#[path = "../../../ledger-postgres/tests/postgres/server.rs"]
mod postgres_server;
mod redis_server;
mod simulation;
