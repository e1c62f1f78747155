//! The ledger on a real PostgreSQL, which each test starts for itself: many chains, lost connections and
//! servers, killed writers, fenced writers, damage, months, roles, TLS.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod chains;
mod damage;
mod fencing;
mod load;
mod loss;
mod measure;
mod schema;
mod server;
mod signing;
mod tls;
