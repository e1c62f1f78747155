//! Every bound of the socket, in one place.

/// Most connections at once; further ones are closed at once.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Longest request line, in bytes, without its newline.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Most requests of one connection that are not answered yet; reading pauses beyond.
pub const MAX_IN_FLIGHT: usize = 256;
/// Most reply bytes that a client may leave unread; beyond it is disconnected.
pub const MAX_UNREAD_BYTES: usize = 4 << 20;
/// Most polls that wait at once; further ones are answered as they stand.
pub const MAX_WAITING: usize = 4_096;
/// Most bytes that one connection may have read in one turn, so that the others come to theirs.
pub(crate) const TURN_BYTES: usize = 256 << 10;
