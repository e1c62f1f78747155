//! HTTP/1.1 for a witness: one request a connection, `POST /add-checkpoint`, a thread each, because
//! ledgers are few and ask every few seconds. TLS is for the proxy in front.
//!
//! INVARIANT bounded: connections, the size of a request, and the time that it may take.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::request::{MAX_REQUEST_BYTES, Request};
use crate::witness::{Refusal, Witness};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 64;
/// Most bytes of the head of a request, and most headers.
const MAX_HEAD_BYTES: usize = 16 << 10;
const MAX_HEADERS: usize = 64;
/// Longest time for a request to arrive and be answered.
const PATIENCE: Duration = Duration::from_secs(10);
const PATH: &str = "/add-checkpoint";

/// A witness that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    witness: Arc<Witness>,
    connected: Arc<AtomicUsize>,
}

/// An answer: status, and a body of text.
struct Answer {
    status: u16,
    reason: &'static str,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn text(status: u16, reason: &'static str, body: impl ToString) -> Self {
        Self { status, reason, kind: "text/plain; charset=utf-8", body: format!("{}\n", body.to_string()) }
    }
}

/// A place among the connections, given back also when its thread panics.
struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind(address: SocketAddr, witness: Witness) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address)?,
            witness: Arc::new(witness),
            connected: Arc::default(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until the process ends.
    ///
    /// # Errors
    /// Nobody can be accepted any more.
    pub fn run(&self) -> io::Result<()> {
        for stream in self.listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors: no use in asking again at once.
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            if self.connected.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
                self.connected.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let (witness, slot) = (Arc::clone(&self.witness), Slot(Arc::clone(&self.connected)));
            // A thread that cannot be started gives its slot back with the closure.
            let _ = std::thread::Builder::new().name("witness".to_owned()).spawn(move || {
                let _slot = slot;
                // A client that hangs up has no use for an answer.
                let _ = serve(stream, &witness);
            });
        }
        Ok(())
    }
}

fn serve(mut stream: TcpStream, witness: &Witness) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE))?;
    let answer = match read(&mut stream, deadline)? {
        Ok(body) => answer(&body, witness),
        Err(answer) => answer,
    };
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.reason,
        answer.kind,
        answer.body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(answer.body.as_bytes())?;
    stream.flush()
}

fn answer(body: &[u8], witness: &Witness) -> Answer {
    let request = match Request::parse(body) {
        Ok(request) => request,
        Err(error) => return Answer::text(400, "Bad Request", error),
    };
    match witness.add(&request) {
        Ok(cosignature) => {
            let mut line = String::new();
            cosignature.write(&mut line);
            Answer { status: 200, reason: "OK", kind: "text/plain; charset=utf-8", body: line }
        }
        Err(Refusal::Conflict(size)) => {
            Answer { status: 409, reason: "Conflict", kind: "text/x.tlog.size", body: format!("{size}\n") }
        }
        Err(refusal) => {
            let (status, reason) = match &refusal {
                Refusal::Malformed(_) => (400, "Bad Request"),
                Refusal::UnknownOrigin(_) => (404, "Not Found"),
                Refusal::Signature => (403, "Forbidden"),
                Refusal::Proof(_) => (422, "Unprocessable Entity"),
                Refusal::Conflict(_) | Refusal::Memory => (500, "Internal Server Error"),
            };
            Answer::text(status, reason, refusal)
        }
    }
}

/// Reads a request whole; its body, or the answer to one that is none.
fn read(stream: &mut TcpStream, deadline: Instant) -> io::Result<Result<Vec<u8>, Answer>> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(head)) => match body_length(&request) {
                Ok(length) => break (head, length),
                Err(answer) => return Ok(Err(answer)),
            },
            Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD_BYTES => {
                return Ok(Err(Answer::text(431, "Request Header Fields Too Large", "the head is too long")));
            }
            Ok(httparse::Status::Partial) => more(stream, &mut bytes, deadline)?,
            Err(error) => return Ok(Err(Answer::text(400, "Bad Request", error))),
        }
    };
    while bytes.len() < head + length {
        more(stream, &mut bytes, deadline)?;
    }
    bytes.truncate(head + length);
    Ok(Ok(bytes.split_off(head)))
}

fn body_length(request: &httparse::Request<'_, '_>) -> Result<usize, Answer> {
    let path = request.path.unwrap_or_default();
    if path != PATH {
        return Err(Answer::text(404, "Not Found", format!("this is a witness: it answers `POST {PATH}`")));
    }
    if request.method != Some("POST") {
        return Err(Answer::text(405, "Method Not Allowed", format!("`{PATH}` takes POST")));
    }
    let mut lengths =
        request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length =
        lengths.next().and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    match (length, lengths.next()) {
        (Some(length), None) if length <= MAX_REQUEST_BYTES => Ok(length),
        (Some(_), None) => Err(Answer::text(413, "Content Too Large", "the body is too long")),
        _ => Err(Answer::text(411, "Length Required", "one `content-length` is needed")),
    }
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    let mut piece = [0; 4_096];
    match stream.read(&mut piece)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
            Ok(())
        }
    }
}
