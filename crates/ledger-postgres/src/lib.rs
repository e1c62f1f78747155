//! The ledger's Postgres backend: the same canonical records in one table, partitioned by month, with
//! a chain for every daemon of a stack. [`open`] gives a `Ledger` whose receipts wait for the commit;
//! [`Reader`] and [`verify`] read the table without a daemon.
//!
//! Each chain is signed by its daemon, when that has a key: `notes` keeps the checkpoints.
//!
//! By topic: `address` and `tls` say where the database is, `link` is one connection, `schema` makes
//! the tables, `rows` writes records and holds rows against them, `writer` keeps batches, `chain`
//! walks one chain verified, `fleet` all of a stack, `reader` answers filters.
//! Leaves out what records mean.

mod address;
mod chain;
mod error;
mod fleet;
mod leases;
mod link;
mod notes;
mod open;
mod reader;
mod rows;
mod schema;
mod tls;
mod writer;

pub use address::{Address, AddressError};
pub use chain::each;
pub use error::{PostgresError, TableDamage};
pub use fleet::{Fleet, instances, verify, verify_pinned};
pub use leases::{Leases, Row};
pub use open::{open, open_signed};
pub use reader::Reader;
