//! Sinks: copies of records to where people and other systems read them. Each sink has a thread and a
//! cursor over the ledger: at least once, in order, in bounded batches, retried until it works.
//!
//! By topic: `sink` is what one does, `worker` drives it, `running` holds all of a daemon's, `cursor`
//! remembers how far each is, `pace` says when to try again, `config` what was declared, `status` how
//! each stands; `stderr`, `file`, `otlp` and `webhook` (with `signature` and `address`) are the sinks there are, and
//! `alerts` is the one that tells people of records that somebody else picks. `fetch` reads what others have, with the
//! same care for the way there.
//! Leaves out what records mean, and every decision. INVARIANT apart: nothing that decides waits for
//! anything here. INVARIANT never skip: a cursor moves only when a sink said that it has the records.

mod address;
mod alerts;
mod config;
mod cursor;
mod fetch;
mod file;
mod mail;
mod otlp;
mod pace;
mod running;
mod secret;
mod signature;
mod sink;
mod status;
mod stderr;
mod webhook;
mod worker;

pub use address::{Address, AddressError};
pub use alerts::{Channel, Teller, Told, tell};
pub use config::{Config, Destination, From, Limits};
pub use cursor::delivered;
pub use fetch::{FetchError, Fetcher};
pub use mail::{Mail, MailServer, MailServerError};
pub use pace::Pace;
pub use running::Sinks;
pub use secret::Secret;
pub use signature::{SigningSecret, SigningSecretError};
pub use sink::{Batch, Failure, Retry, Sink};
pub use status::{State, Status};
