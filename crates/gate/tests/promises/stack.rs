//! A stack for tests: a policy, a ledger in memory or in a folder, a gate that is READY.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use faramesh_call::{Call, Tier, Timestamp, Value, json};
use faramesh_dpr::{CommitmentKey, Record};
use faramesh_gate::{Decider, Folded, Gate, Lifecycle, Operator, Peer, PollStatus, Reply, Settings};
use faramesh_ledger::{Filter, Ledger, Options};
use faramesh_program::image::Image;
use faramesh_program::{Program, encode, load};
use faramesh_state::State;

/// Longest wait for a reply.
pub const WAIT: Duration = Duration::from_secs(30);

/// Rules of most tests.
pub const SUPPORT: &str = r#"
runtime { allow_self_declared_identity = true }
agent "support" {
  default deny
  rules {
    permit kb/*
    permit stripe/refund if amount < 500
    defer  stripe/refund reason "large refunds wait"
    defer  mail/send
    deny   stripe/payouts reason "payouts are made by finance"
  }
}
agent "other" {
  default deny
  rules {
    defer stripe/refund reason "large refunds wait"
  }
}
"#;

/// A policy as it is loaded; `change` may alter its compiled form first.
pub fn program_with(source: &str, change: impl FnOnce(&mut Image)) -> Arc<Program> {
    let environment = |_: &str| None;
    let options =
        faramesh_check::Options { dev: true, ..faramesh_check::Options::new("governance.fms", &environment) };
    let checked = faramesh_check::check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let (mut image, sources) = faramesh_compile::compile(&stack).unwrap();
    change(&mut image);
    Arc::new(load(&encode(&image, &sources).unwrap()).unwrap())
}

pub fn program(source: &str) -> Arc<Program> {
    program_with(source, |_| {})
}

/// How a gate is set up, but for its policy and ledger.
#[derive(Default)]
pub struct Setup {
    pub dev: bool,
    pub decider: Option<Decider>,
    pub clock: Option<fn() -> Timestamp>,
    pub state: State,
}

/// A READY gate.
pub fn gate(program: &Arc<Program>, ledger: Ledger, setup: Setup) -> Arc<Gate> {
    let gate = not_ready(program, ledger, setup);
    gate.put_in_force(Arc::clone(program), "test").unwrap();
    gate.advance(Lifecycle::Ready);
    gate
}

/// A gate that is STARTING.
pub fn not_ready(program: &Arc<Program>, ledger: Ledger, setup: Setup) -> Arc<Gate> {
    let mut settings = Settings::new(CommitmentKey::new(&[7; 32]), setup.dev);
    if let Some(decider) = setup.decider {
        settings.decider = decider;
    }
    if let Some(clock) = setup.clock {
        settings.clock = clock;
    }
    Arc::new(Gate::new(settings, Arc::clone(program), setup.state, Arc::new(ledger)))
}

pub fn memory() -> Ledger {
    Ledger::memory("stack", "host", 200_000)
}

/// A READY gate over a ledger in memory.
pub fn in_memory(source: &str) -> Arc<Gate> {
    gate(&program(source), memory(), Setup::default())
}

/// A ledger in a folder, and the state that its records give.
pub fn on_disk(folder: &Path) -> (Ledger, State) {
    let (ledger, state, _) = on_disk_from(folder, 64 << 20);
    (ledger, state)
}

/// The same with segments of a size, and the segment whose snapshot the state was loaded from.
pub fn on_disk_from(folder: &Path, segment_bytes: u64) -> (Ledger, State, Option<u64>) {
    let options = Options {
        index: false,
        reserve_bytes: 0,
        segment_bytes,
        first_segment_bytes: segment_bytes.min(8 << 20),
        ..Options::new(folder, "stack", "host")
    };
    let mut folded = Folded::default();
    let alarm = Box::new(|damage: &str| panic!("{damage}"));
    let (ledger, opened) = Ledger::open_folded(options, Timestamp(1), &mut folded, alarm).unwrap();
    (ledger, folded.0, opened.snapshot)
}

pub fn peer(uid: u32) -> Peer {
    Peer::new(uid, 1, Some("/usr/bin/python3".to_owned()))
}

pub fn call(agent: &str, tool: &str, args: &str) -> Call {
    Call {
        agent: Some(agent.into()),
        tool: tool.into(),
        args: json::parse(args.as_bytes()).unwrap(),
        ..Call::default()
    }
}

/// Asks and commits; the reply comes later.
pub fn asked(gate: &Gate, peer: &Peer, call: Call) -> Receiver<Reply> {
    let (sender, receiver) = channel();
    gate.ask(peer, call, Box::new(move |reply| sender.send(reply).unwrap()));
    gate.commit(true);
    receiver
}

pub fn ask_as(gate: &Gate, uid: u32, call: Call) -> Reply {
    let replies = asked(gate, &peer(uid), call);
    let reply = replies.recv_timeout(WAIT).unwrap();
    assert!(replies.recv().is_err(), "a call is answered once");
    reply
}

/// Asks as user 1000.
pub fn ask(gate: &Gate, call: Call) -> Reply {
    ask_as(gate, 1000, call)
}

pub fn code(reply: &Reply) -> &'static str {
    reply.as_denial().map_or("PERMIT", |denial| denial.code.as_str())
}

pub fn message(reply: &Reply) -> &str {
    reply.as_denial().map_or("", |denial| &denial.message)
}

/// The reply as a client gets it.
pub fn wire(reply: &Reply) -> Value {
    let mut out = Vec::new();
    reply.write_json(true, &mut out);
    json::parse(&out).unwrap()
}

/// The token of a deferral.
pub fn token(reply: &Reply) -> String {
    let wire = wire(reply);
    wire.get("defer_token").and_then(Value::as_str).unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

/// Answers as user 0.
pub fn answer(gate: &Gate, token: &str, approved: bool) {
    gate.answer(Operator { peer: &peer(0) }, token, approved, "looked at it").unwrap();
}

pub fn redeem(gate: &Gate, uid: u32, agent: &str, token: &str) -> PollStatus {
    let (sender, receiver) = channel();
    let tell = move |status| sender.send(status).unwrap();
    gate.redeem(Tier::Sdk, &peer(uid), Some(agent), token, Box::new(tell));
    gate.commit(true);
    receiver.recv_timeout(WAIT).unwrap()
}

/// Every record, oldest first.
pub fn records(gate: &Gate) -> Vec<Record> {
    gate.ledger().query(&Filter::default()).unwrap()
}

/// The record that a reply names.
pub fn record_of(gate: &Gate, reply: &Reply) -> Record {
    let mut found = gate.ledger().get(&reply.action_id).unwrap();
    assert_eq!(found.len(), 1, "{} has {} records", reply.action_id, found.len());
    found.pop().unwrap()
}
