//! One client: bytes in, whole lines out.

use std::io::{self, Read};
use std::sync::Arc;

use faramesh_gate::Peer;
use mio::net::UnixStream;
use mio::{Registry, Token};

use crate::limits::{MAX_LINE_BYTES, TURN_BYTES};
use crate::outbox::Outbox;

/// One connected client.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Arc<UnixStream>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) outbox: Arc<Outbox>,
    /// Tells events of this connection from those of an earlier one in its place.
    pub(crate) token: Token,
    /// The other end will send no more: what is left is read to its end, because no event follows.
    pub(crate) hung_up: bool,
    /// The other end will not even read.
    pub(crate) deaf: bool,
    lines: Lines,
}

/// What a turn of reading left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The socket has no more for now.
    Drained,
    /// There may be more; come back after the others.
    More,
    /// Too many requests are in flight; come back when one is answered.
    Paused,
    /// The client says no more and waits for replies; come back when it has them.
    Ended,
    /// The client is gone.
    Gone,
}

/// A line, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A whole line without its newline.
    Whole(&'a [u8]),
    /// A line that was longer than the bound; all of it was thrown away.
    TooLong,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream, peer: Peer, token: Token, registry: Arc<Registry>) -> Self {
        let stream = Arc::new(stream);
        let outbox = Outbox::new(Arc::clone(&stream), registry, token);
        let peer = Arc::new(peer);
        Self { stream, peer, outbox, token, hung_up: false, deaf: false, lines: Lines::default() }
    }

    /// Reads for one turn and hands every whole line to `handle`.
    pub(crate) fn read(&mut self, scratch: &mut [u8], handle: &mut impl FnMut(Line<'_>)) -> Progress {
        let mut read_bytes = 0;
        while read_bytes < TURN_BYTES {
            if self.outbox.is_closed() {
                return Progress::Gone;
            }
            if !self.outbox.has_room() {
                return Progress::Paused;
            }
            match (&*self.stream).read(scratch) {
                Ok(0) if self.deaf || self.outbox.end() => return Progress::Gone,
                Ok(0) => return Progress::Ended,
                Ok(count) => {
                    self.lines.feed(scratch.get(..count).unwrap_or_default(), handle);
                    read_bytes += count;
                    // A short read is the end of what there is; the next bytes wake us again.
                    if count < scratch.len() && !self.hung_up {
                        return Progress::Drained;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Drained,
                Err(_) => return Progress::Gone,
            }
        }
        Progress::More
    }
}

/// Splits bytes into lines. Keeps at most one unfinished line of bounded length.
#[derive(Debug, Default)]
struct Lines {
    unfinished: Vec<u8>,
    /// Inside a line that is too long: everything up to its newline is thrown away.
    skipping: bool,
}

impl Lines {
    fn feed(&mut self, mut bytes: &[u8], handle: &mut impl FnMut(Line<'_>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if self.unfinished.len() + line.len() > MAX_LINE_BYTES {
                handle(Line::TooLong);
            } else if self.unfinished.is_empty() {
                handle(Line::Whole(line));
            } else {
                self.unfinished.extend_from_slice(line);
                handle(Line::Whole(&self.unfinished));
            }
            self.unfinished.clear();
        }
        if self.skipping {
            return;
        }
        if self.unfinished.len() + bytes.len() > MAX_LINE_BYTES {
            handle(Line::TooLong);
            self.unfinished = Vec::new();
            self.skipping = true;
        } else {
            self.unfinished.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, &mut |line| {
                found.push(match line {
                    Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Line::TooLong => "TOO LONG".to_owned(),
                });
            });
        }
        found
    }

    #[test]
    fn lines_across_reads() {
        assert_eq!(lines(&[b"ab", b"c\nd\n\ne", b"\n"]), ["abc", "d", "", "e"]);
    }

    #[test]
    fn a_long_line_is_reported_once_and_skipped() {
        let long = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(lines(&[&long, b"x", b"xxxx", b"x\nnext\n"]), ["TOO LONG", "next"]);
        assert_eq!(lines(&[&long, b"\nnext\n"])[1], "next");
    }
}
