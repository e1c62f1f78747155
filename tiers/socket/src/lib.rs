//! The agents' door: newline-delimited JSON-RPC 2.0 over a Unix socket. Translates lines into calls,
//! asks the gate, and writes replies; it decides nothing.
//!
//! INVARIANT own reply: a reply goes to the connection object that asked, never to a number of a
//! descriptor that may have been reused.
//! INVARIANT bounded: connections, lines, requests in flight, replies not read and waits all have a
//! bound, listed in [`limits`].

mod connection;
mod limits;
mod listen;
mod outbox;
mod reactor;
mod request;
mod respond;
mod waiting;

pub use faramesh_wire::MAX_WAIT_MS;
pub use faramesh_wire::Request;
pub use limits::{MAX_CONNECTIONS, MAX_IN_FLIGHT, MAX_LINE_BYTES, MAX_UNREAD_BYTES, MAX_WAITING};
pub use listen::{ListenError, Listener};
pub use reactor::{Server, Stopper};
pub use request::parse_line;
