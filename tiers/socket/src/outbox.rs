//! Replies on their way to one client. Any thread may put one in; what the socket does not take at
//! once waits here until it is writable again. Only then does the loop ask for that event: asked for
//! always, it would come, and wake the loop, for every reply that a client reads.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::limits::{MAX_IN_FLIGHT, MAX_UNREAD_BYTES};

/// One client's side of the socket, for whoever has a reply for it. Holding it keeps the socket's
/// descriptor from being reused.
#[derive(Debug)]
pub(crate) struct Outbox {
    stream: Arc<UnixStream>,
    /// Where the loop is told to watch for the socket being writable, under this token.
    registry: Arc<Registry>,
    token: Token,
    unread: Mutex<Vec<u8>>,
    closed: AtomicBool,
    in_flight: AtomicUsize,
    /// The client sends no more: when it has every reply, it is done with.
    ending: AtomicBool,
}

impl Outbox {
    pub(crate) fn new(stream: Arc<UnixStream>, registry: Arc<Registry>, token: Token) -> Arc<Self> {
        Arc::new(Self {
            stream,
            registry,
            token,
            unread: Mutex::default(),
            closed: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
        })
    }

    pub(crate) fn request_started(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether another request may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) < MAX_IN_FLIGHT
    }

    /// Whether the client is gone or was disconnected.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Sends one line. Returns whether the connection is to be looked at: it had as many requests in
    /// flight as it may, so that reading from it can go on now, or this was its last reply.
    pub(crate) fn send(&self, line: &[u8]) -> bool {
        self.write(line);
        let before = self.in_flight.fetch_sub(1, Ordering::SeqCst);
        before == MAX_IN_FLIGHT || (before == 1 && self.ending.load(Ordering::SeqCst))
    }

    /// Notes that the client sends no more. Returns whether it has every reply already.
    pub(crate) fn end(&self) -> bool {
        self.ending.store(true, Ordering::SeqCst);
        // Whoever sends the last reply from here on has the connection looked at again.
        !self.is_waiting() && self.unread.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether a reply is still to come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) > 0
    }

    /// Sends what waits, now that the socket takes more.
    pub(crate) fn flush(&self) {
        self.write(&[]);
    }

    fn write(&self, line: &[u8]) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return;
        }
        let waited = !unread.is_empty();
        let mut rest = line;
        if !waited {
            let sent = self.write_some(rest);
            rest = rest.get(sent..).unwrap_or_default();
        }
        unread.extend_from_slice(rest);
        if line.is_empty() && waited {
            let sent = self.write_some(&unread);
            unread.drain(..sent);
        }
        if unread.len() > MAX_UNREAD_BYTES {
            self.close();
            *unread = Vec::new();
        }
        if waited == unread.is_empty() {
            self.watch(!waited);
        }
    }

    /// Has the loop told when the socket takes more, or no longer. Asking says at once whether it
    /// does, so nothing is missed between a full socket and the question.
    fn watch(&self, writable: bool) {
        let readable = Interest::READABLE;
        let interest = if writable { readable | Interest::WRITABLE } else { readable };
        let watched = self.registry.reregister(&mut SourceFd(&self.stream.as_raw_fd()), self.token, interest);
        // Unwatched, the rest of a reply would never leave; a client must not wait for it for ever.
        if watched.is_err() && writable {
            self.close();
        }
    }

    /// Writes until the socket takes no more; a broken socket takes everything, to nowhere.
    fn write_some(&self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match (&*self.stream).write(rest) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return sent,
                Err(_) => {
                    self.close();
                    return bytes.len();
                }
            }
        }
        sent
    }

    /// Ends the connection; the reactor notices and forgets it.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // The other end may have closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
