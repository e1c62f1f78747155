//! Clients for the benches: one that waits for each reply, and many that each wait for their own.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

use crate::Outcome;

/// A request as an SDK sends it.
pub const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"govern","params":{"agent":"payments","tool":"stripe/refund","call_id":"5f8a2c7e-9b1d-4e3f-a6c0-d2b4e8f01735","session":"sess-2041","args":{"amount":80,"currency":"usd","customer":"cus_9s6XKzkNRiz8i3","country":"de","note":"item arrived broken","channel":"chat","reason_code":"requested_by_customer"}}}
"#;

/// Calls made by this process.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Digits at the end of the call's id that count calls.
const ID_DIGITS: usize = 12;

/// Requests that differ in the call's id, as those of an SDK do: a repeated id would be a retry, which is
/// answered without a decision.
#[derive(Debug)]
pub struct Calls {
    line: String,
    /// Where the digits of the id are.
    digits: std::ops::Range<usize>,
}

impl Default for Calls {
    fn default() -> Self {
        let end = CALL.find("\",\"session\"").unwrap_or(ID_DIGITS);
        Self { line: CALL.to_owned(), digits: end - ID_DIGITS..end }
    }
}

impl Calls {
    /// The next request.
    pub fn next_line(&mut self) -> &str {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        self.line.replace_range(self.digits.clone(), &format!("{number:012}"));
        &self.line
    }
}

/// One connected client.
#[derive(Debug)]
pub struct Client {
    stream: StdStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Nobody answers there.
    pub fn connect(socket: &Path) -> Outcome<Self> {
        let stream = StdStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, buffer: vec![0; 64 << 10] })
    }

    /// Sends a line and waits for the reply.
    ///
    /// # Errors
    /// The connection broke.
    pub fn ask(&mut self, line: &str) -> Outcome<&[u8]> {
        self.stream.write_all(line.as_bytes())?;
        let mut length = 0;
        loop {
            let space = self.buffer.get_mut(length..).ok_or("the reply is too long")?;
            let count = self.stream.read(space)?;
            if count == 0 {
                return Err("the connection was closed".into());
            }
            length += count;
            if length.checked_sub(1).and_then(|last| self.buffer.get(last)) == Some(&b'\n') {
                return Ok(self.buffer.get(..length).unwrap_or_default());
            }
        }
    }
}

/// Waits for replies. Many clients would not all sleep until the next reply as this one thread does, so
/// it looks a few times more before it does: what is measured is the daemon, not how it is woken.
fn wait(poll: &mut Poll, events: &mut Events, clients: usize) -> Outcome {
    for _ in 0..if clients > 1 { 64 } else { 0 } {
        poll.poll(events, Some(Duration::ZERO))?;
        if !events.is_empty() {
            return Ok(());
        }
        std::thread::yield_now();
    }
    Ok(poll.poll(events, Some(Duration::from_millis(100)))?)
}

/// Has `clients` clients ask for `duration`, each waiting for its own reply; returns replies per second.
///
/// # Errors
/// A connection broke.
pub fn closed_loop(socket: &Path, clients: usize, duration: Duration) -> Outcome<f64> {
    let mut poll = Poll::new()?;
    let mut streams = Vec::with_capacity(clients);
    let mut calls = Calls::default();
    for index in 0..clients {
        let stream = StdStream::connect(socket)?;
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream);
        poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
        stream.write_all(calls.next_line().as_bytes())?;
        streams.push(stream);
    }
    let (mut events, mut scratch) = (Events::with_capacity(1_024), [0; 4_096]);
    let begin = Instant::now();
    let mut replies = 0_u32;
    while begin.elapsed() < duration {
        wait(&mut poll, &mut events, clients)?;
        for event in &events {
            let Some(stream) = streams.get_mut(event.token().0) else { continue };
            let count = match stream.read(&mut scratch) {
                Ok(0) => return Err("the connection was closed".into()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            if scratch.get(count.saturating_sub(1)) == Some(&b'\n') {
                replies += 1;
                stream.write_all(calls.next_line().as_bytes())?;
            }
        }
    }
    Ok(f64::from(replies) / begin.elapsed().as_secs_f64())
}
