//! The agents' door over HTTP, for those that are not on this machine. Translates requests into calls, asks the
//! gate, and writes replies; it decides nothing.
//!
//! INVARIANT nobody unknown: without a token or a certificate that the policy knows, nothing is asked, and the
//! caller is only counted.
//! INVARIANT bounded: connections, heads, bodies, waits and the time for each have a bound, listed in [`limits`].

mod answer;
mod caller;
mod counts;
mod door;
mod idle;
mod limits;
mod openapi;
mod routes;
mod server;
mod strangers;
mod tls;

pub use counts::{Counts, Served};
pub use limits::{
    BODY_TIME, DRAIN_TIME, HANDSHAKE_TIME, HEAD_TIME, MAX_BODY_BYTES, MAX_CONNECTIONS, MAX_FIELDS,
    MAX_HEAD_BYTES, MAX_STREAMS, MAX_WAITING,
};
pub use openapi::document;
pub use server::{BindError, Server, Stopper};
pub use strangers::Strangers;
pub use tls::{Files, TlsError};
