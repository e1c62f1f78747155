//! A door for tests, over a gate with a ledger in memory, and clients of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use faramesh_call::{Value, json};
use faramesh_dpr::CommitmentKey;
use faramesh_gate::{Gate, Lifecycle, Operator, Peer, Settings};
use faramesh_http::{Counts, Files, Server, Stopper};
use faramesh_ledger::{Filter, Ledger};
use faramesh_program::{encode, load};
use faramesh_state::State;

/// Longest wait for an answer.
pub const WAIT: Duration = Duration::from_secs(30);
/// The tokens whose hashes are in [`POLICY`].
pub const BOT: &str = "bot-secret";
pub const OTHER: &str = "other-secret";

/// The hashes are those of the tokens above.
pub const POLICY: &str = r#"
identity "token" { type = "token" }
identity "mtls" { type = "mtls" }
agent "bot" {
  default deny
  attest { token = "sha256:f5da2fc8f86c0dc8dc3c63f4e33a8e9fb7cbef3e0a41b2d20d21bb4e3b1c9a55" }
  rules {
    permit refund if amount < 500
    defer  refund reason "large refunds wait"
    deny   payout reason "payouts are made by finance"
    permit search
  }
  rate_limit "search": 2 per hour
}
agent "other" {
  default deny
  attest { token = "sha256:0000000000000000000000000000000000000000000000000000000000000001" }
  rules { permit search }
}
agent "named" {
  default deny
  attest { certificate = "spiffe://example.org/named" }
  rules { permit search }
}
"#;

pub struct World {
    pub gate: Arc<Gate>,
    pub address: SocketAddr,
    pub stopper: Stopper,
    pub counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        json::parse(self.body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn text(&self, member: &str) -> String {
        self.json().get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(POLICY, None)
    }

    pub fn with(policy: &str, tls: Option<Files>) -> Self {
        let policy = policy
            .replace("f5da2fc8f86c0dc8dc3c63f4e33a8e9fb7cbef3e0a41b2d20d21bb4e3b1c9a55", &hash(BOT))
            .replace("0000000000000000000000000000000000000000000000000000000000000001", &hash(OTHER));
        let environment = |_: &str| None;
        let options = faramesh_check::Options::new("governance.fms", &environment);
        let checked = faramesh_check::check(&policy, &options);
        let stack = checked.stack.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        let (image, sources) = faramesh_compile::compile(&stack).unwrap();
        let program = Arc::new(load(&encode(&image, &sources).unwrap()).unwrap());
        let settings = Settings::new(CommitmentKey::new(&[7; 32]), false);
        let ledger = Arc::new(Ledger::memory("stack", "host", 1_000_000));
        let gate = Arc::new(Gate::new(settings, Arc::clone(&program), State::default(), ledger));
        gate.put_in_force(program, "test").unwrap();
        gate.advance(Lifecycle::Ready);
        let counts = Arc::new(Counts::default());
        let text = || "faramesh_ready 1\n".to_owned();
        let server = Server::bind("127.0.0.1:0", tls, Arc::clone(&gate), text, Arc::clone(&counts)).unwrap();
        let (address, stopper) = (server.address(), server.stopper());
        let thread = Some(std::thread::spawn(|| server.run().unwrap()));
        Self { gate, address, stopper, counts, thread }
    }

    /// One request on a connection of its own.
    pub fn request(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Got {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream.write_all(head(method, path, fields, body.len()).as_bytes()).unwrap();
        // Whoever is refused at the head need not read the rest.
        let _ = stream.write_all(body.as_bytes());
        answer(&mut stream)
    }

    /// A request of the agent `bot`.
    pub fn post(&self, path: &str, body: &str) -> Got {
        self.request("POST", path, &[("Authorization", &bearer(BOT)), JSON], body)
    }

    pub fn get(&self, path: &str) -> Got {
        self.request("GET", path, &[("Authorization", &bearer(BOT))], "")
    }

    /// A person's answer to a deferral.
    pub fn answer(&self, token: &str, approved: bool) {
        let operator = Peer::new(4_000_000, 1, None);
        self.gate.answer(Operator { peer: &operator }, token, approved, "looked at it").unwrap();
    }

    pub fn records(&self) -> usize {
        self.gate.ledger().query(&Filter::default()).unwrap().len()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || ended.is_ok(), "the door panicked");
        }
    }
}

pub const JSON: (&str, &str) = ("Content-Type", "application/json");

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub fn hash(token: &str) -> String {
    use sha2::{Digest, Sha256};
    faramesh_program::hex(&Sha256::digest(token.as_bytes()))
}

pub fn head(method: &str, path: &str, fields: &[(&str, &str)], length: usize) -> String {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// Everything that comes until the other end closes.
pub fn answer(stream: &mut impl Read) -> Got {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Got { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}
