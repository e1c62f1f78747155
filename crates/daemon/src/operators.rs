//! The operators' socket: everything an agent must not be able to do. Newline-delimited JSON-RPC, one
//! thread per connection, because operators are few and may wait long.
//!
//! INVARIANT apart: this socket is not the agents' one, so an agent can never approve itself.

mod agents;
mod approvals;
mod audit;
mod compaction;
mod erasure;
mod grants;
mod policy;
mod status;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use faramesh_call::{Object, Value, json, object};
use faramesh_gate::{Gate, Peer};
use faramesh_socket::Listener;
use faramesh_state::Standing;

use crate::running::Facts;
use crate::stop::{StopHandle, StopReason};

/// Longest request, in bytes: a policy of 100,000 rules in hexadecimal fits.
const MAX_REQUEST_BYTES: u64 = 256 << 20;
/// Most operators at once.
const MAX_OPERATORS: usize = 64;
/// Longest wait for an operator to take a reply.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves operators until stopped.
#[derive(Debug)]
pub(crate) struct Operators {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

/// What every request can reach.
#[derive(Debug)]
struct Context {
    gate: Arc<Gate>,
    facts: Arc<Facts>,
    handle: StopHandle,
    /// The agents' socket.
    socket: PathBuf,
    stopping: Arc<AtomicBool>,
    connected: AtomicUsize,
    /// One policy at a time is put in force: what is kept for the next start is what decides now.
    applying: Mutex<()>,
}

/// Why a request was not carried out.
#[derive(Debug)]
struct Failure {
    /// A word that tools can tell apart.
    code: &'static str,
    message: String,
}

impl Failure {
    fn new(code: &'static str, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }

    fn params(message: impl ToString) -> Self {
        Self::new("INVALID_PARAMS", message)
    }
}

type Answer = Result<Object, Failure>;

impl Operators {
    pub(crate) fn serve(
        bound: Listener,
        gate: Arc<Gate>,
        facts: Arc<Facts>,
        handle: StopHandle,
        socket: &Path,
    ) -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let context = Arc::new(Context {
            gate,
            facts,
            handle,
            socket: socket.to_owned(),
            stopping: Arc::clone(&stopping),
            connected: AtomicUsize::new(0),
            applying: Mutex::default(),
        });
        let path = bound.path().to_owned();
        let thread = std::thread::Builder::new()
            .name("operators".to_owned())
            .spawn(move || accept_until_stopped(&bound, &context))?;
        Ok(Self { path, stopping, accepting: Mutex::new(Some(thread)) })
    }

    /// Stops accepting; operators who follow the ledger are let go when it closes.
    pub(crate) fn stop(&self) {
        if self.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        // Wakes the accept; it looks at the flag then.
        let _ = UnixStream::connect(&self.path);
        let thread = self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Operators {
    /// A start that failed later on leaves nobody listening.
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept_until_stopped(bound: &Listener, context: &Arc<Context>) {
    for stream in bound.socket().incoming() {
        if context.stopping.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: no use in asking again at once.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        if context.connected.fetch_add(1, Ordering::AcqRel) >= MAX_OPERATORS {
            context.connected.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let served = Arc::clone(context);
        let spawned = std::thread::Builder::new().name("operator".to_owned()).spawn(move || {
            // An operator who hangs up has said everything.
            let _ = serve_one(&served, &stream);
            served.connected.fetch_sub(1, Ordering::AcqRel);
        });
        if spawned.is_err() {
            context.connected.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn serve_one(context: &Context, stream: &UnixStream) -> io::Result<()> {
    let peer = Peer::of(stream)?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(MAX_REQUEST_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            let failure = Failure::new("TOO_LARGE", "the request is larger than 256 MiB");
            return send(stream, &reply(Value::Null, Err(failure)));
        }
        if !handle(context, &peer, stream, &line)? {
            return Ok(());
        }
    }
}

/// Carries out one request. Returns whether the connection goes on.
fn handle(context: &Context, peer: &Peer, stream: &UnixStream, line: &[u8]) -> io::Result<bool> {
    let request = match json::parse(line) {
        Ok(request) => request,
        Err(error) => {
            send(stream, &reply(Value::Null, Err(Failure::new("NOT_JSON", error))))?;
            return Ok(true);
        }
    };
    let id = request.get("id").cloned().unwrap_or_default();
    let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
    let empty = Object::new();
    let params = request.get("params").and_then(Value::as_object).unwrap_or(&empty);
    let answer = match method {
        "audit.tail" => return audit::tail(context, params, id, stream).map(|()| false),
        "status" => Ok(status::status(context)),
        "apply" => policy::apply(context, peer, params),
        "agent.list" => agents::list(context),
        "agent.show" => agents::show(context, params),
        "agent.kill" => agents::control(context, peer, params, Standing::Killed),
        "agent.isolate" => agents::control(context, peer, params, Standing::Isolated),
        "agent.quiesce" => agents::control(context, peer, params, Standing::Quiesced),
        "agent.delegations" => agents::delegations(context),
        "agent.revoke" => agents::revoke(context, peer, params),
        "agent.resume" => agents::control(context, peer, params, Standing::Running),
        "approvals.list" => approvals::list(context, params),
        "approvals.show" => approvals::show(context, params),
        "approvals.approve" => approvals::answer(context, peer, params, true),
        "approvals.grant" => grants::grant(context, peer, params),
        "approvals.grants" => grants::list(context),
        "approvals.revoke" => grants::revoke(context, peer, params),
        "approvals.deny" => approvals::answer(context, peer, params, false),
        "audit.ls" => audit::ls(context, params),
        "audit.get" => audit::get(context, params),
        "audit.compact" => compaction::compact(context, params),
        "audit.erase" => erasure::erase(context, peer, params),
        "audit.raw" => audit::raw(context, params),
        "shutdown" => {
            send(stream, &reply(id, Ok(Object::new())))?;
            context.handle.stop(StopReason::Operator);
            return Ok(false);
        }
        _ => Err(Failure::new("UNKNOWN_METHOD", format!("there is no method `{}`", method.escape_debug()))),
    };
    send(stream, &reply(id, answer))?;
    Ok(true)
}

fn reply(id: Value, answer: Answer) -> Object {
    let mut reply = object! { "jsonrpc" => "2.0", "id" => id };
    match answer {
        Ok(result) => reply.insert("result", result),
        Err(failure) => reply.insert(
            "error",
            object! {
                "code" => -32_000_i64,
                "message" => failure.message,
                "data" => object! { "code" => failure.code },
            },
        ),
    };
    reply
}

fn send(mut stream: &UnixStream, object: &Object) -> io::Result<()> {
    let mut line = json::canonical(&Value::Object(object.clone()));
    line.push(b'\n');
    stream.write_all(&line)
}

/// A string among the parameters.
fn text<'a>(params: &'a Object, key: &str) -> Result<Option<&'a str>, Failure> {
    match params.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Failure::params(format!("`{key}` must be a string"))),
    }
}

fn needed<'a>(params: &'a Object, key: &str) -> Result<&'a str, Failure> {
    text(params, key)?.ok_or_else(|| Failure::params(format!("`{key}` is missing")))
}

/// A whole number among the parameters.
fn whole(params: &Object, key: &str) -> Result<Option<u64>, Failure> {
    match params.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().and_then(|number| u64::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(Failure::params(format!("`{key}` must be a whole number"))),
        },
    }
}
