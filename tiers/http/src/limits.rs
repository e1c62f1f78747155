//! Every bound of the door, in one place.

use std::time::Duration;

/// Most connections at once; further ones wait to be accepted.
pub const MAX_CONNECTIONS: usize = 1_024;
/// Largest head of a request, in bytes.
pub const MAX_HEAD_BYTES: usize = 32 << 10;
/// Most header fields of a request.
pub const MAX_FIELDS: usize = 64;
/// Most requests at once on one connection of HTTP/2; a client that opens more breaks the protocol.
pub const MAX_STREAMS: u32 = 64;
/// Most requests that a client of HTTP/2 may open and take back, before they are looked at, until its connection ends.
pub(crate) const MAX_TAKEN_BACK: usize = 64;
/// Most bytes of a body that a client of HTTP/2 may send ahead of being read, and of a reply that are kept for it.
pub(crate) const MAX_AHEAD_BYTES: u32 = 256 << 10;
/// Most bodies that are read at once, over all connections.
pub(crate) const MAX_BODIES: usize = MAX_CONNECTIONS;
/// Largest body of a request, in bytes: arguments of 1 MiB, and what stands around them.
pub const MAX_BODY_BYTES: usize = (1 << 20) + (64 << 10);
/// Longest time for a TLS handshake.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Longest time for the head of a request, and so the longest pause between two.
pub const HEAD_TIME: Duration = Duration::from_secs(30);
/// Longest time for a body.
pub const BODY_TIME: Duration = Duration::from_secs(30);
/// Longest time for requests in flight when the daemon stops.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);
/// Most requests that wait for a person at once; further ones are answered as they stand.
pub const MAX_WAITING: usize = 512;
