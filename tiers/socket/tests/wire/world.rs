//! A served socket for tests, over a gate with a ledger in memory, and a client of it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use faramesh_call::{Value, json};
use faramesh_dpr::CommitmentKey;
use faramesh_gate::{Gate, Lifecycle, Operator, Peer, Settings};
use faramesh_ledger::{Filter, Ledger};
use faramesh_program::{encode, load};
use faramesh_socket::{Listener, Server, Stopper};
use faramesh_state::State;

/// Longest wait for a reply.
const WAIT: Duration = Duration::from_secs(30);

pub const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "support-bot" {
  default deny
  rules {
    permit kb/*
    permit plain
    permit stripe/refund if amount < 500
    defer  stripe/refund reason "large refunds wait"
    permit refund if amount < 500
    defer  refund reason "large refunds wait"
    deny   stripe/payouts reason "payouts are made by finance"
  }
}
"#;

pub struct World {
    pub gate: Arc<Gate>,
    pub path: PathBuf,
    pub stopper: Stopper,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::with(POLICY)
    }

    pub fn with(policy: &str) -> Self {
        let environment = |_: &str| None;
        let options = faramesh_check::Options {
            dev: true,
            ..faramesh_check::Options::new("governance.fms", &environment)
        };
        let checked = faramesh_check::check(policy, &options);
        let (image, sources) = faramesh_compile::compile(&checked.stack.unwrap()).unwrap();
        let program = Arc::new(load(&encode(&image, &sources).unwrap()).unwrap());
        let settings = Settings::new(CommitmentKey::new(&[7; 32]), false);
        let ledger = Arc::new(Ledger::memory("stack", "host", 1_000_000));
        let gate = Arc::new(Gate::new(settings, Arc::clone(&program), State::default(), ledger));
        gate.put_in_force(program, "test").unwrap();
        gate.advance(Lifecycle::Ready);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let server = Server::new(Listener::bind(&path, None).unwrap(), Arc::clone(&gate)).unwrap();
        let stopper = server.stopper();
        let thread = Some(std::thread::spawn(|| server.run().unwrap()));
        Self { gate, path, stopper, thread, _folder: folder }
    }

    pub fn client(&self) -> Client {
        Client::new(UnixStream::connect(&self.path).unwrap())
    }

    /// Another user's answer to a deferral.
    pub fn answer(&self, token: &str, approved: bool) {
        let operator = Peer::new(4_000_000, 1, None);
        self.gate.answer(Operator { peer: &operator }, token, approved, "looked at it").unwrap();
    }

    /// The tool and arguments of the last record.
    pub fn last_call(&self) -> (String, String) {
        let records = self.gate.ledger().query(&Filter::default()).unwrap();
        let record = records.last().unwrap();
        let args = json::canonical(&record.args().unwrap_or_default());
        (record.tool().unwrap_or_default().into_owned(), String::from_utf8(args).unwrap())
    }

    pub fn stop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

pub struct Client {
    pub stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Client {
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(WAIT)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    pub fn send(&mut self, line: &str) {
        self.stream.write_all(line.as_bytes()).unwrap();
    }

    /// The next line, or nothing when the server closed.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    pub fn receive(&mut self) -> Value {
        let line = self.line();
        json::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    pub fn ask(&mut self, line: &str) -> Value {
        self.send(&format!("{line}\n"));
        self.receive()
    }
}

pub fn govern(id: &str, tool: &str, args: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"govern","params":{{"agent":"support-bot","tool":"{tool}","args":{args}}}}}"#
    )
}

/// A member of a member.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, key| value.get(key).unwrap_or(&Value::Null))
}

pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or("")
}
