//! The daemon: loads a compiled policy, verifies the ledger, opens its sockets when it is ready, swaps
//! policies between two decisions, and drains before it stops. It cannot parse a policy: it loads
//! program bytes.

mod database;
mod fleet;
mod heartbeat;
mod http;
mod keyfile;
mod layout;
mod metrics;
pub mod offline;
mod operators;
mod options;
mod prices;
mod retention;
mod running;
mod selectors;
mod sinks;
mod start;
mod stop;
mod strangers;
mod witnesses;

pub use database::{DatabaseError, database_of};
pub use fleet::BackendError;
pub use layout::{Layout, admin_socket_of};
pub use options::{LedgerKind, Options};
pub use prices::{TableError, prices_of};
pub use retention::Compacted;
pub use running::{Daemon, Stopped};
pub use start::{StartError, instance_name, stack_name};
pub use stop::{StopHandle, StopReason};
