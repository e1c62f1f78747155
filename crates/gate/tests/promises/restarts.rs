//! A restart changes no decision: random calls, outcomes, answers and clocks, decided by a daemon
//! that ends now and then and by one that does not, are decided alike; and every record can be
//! decided again from what it holds. `FARAMESH_SOAK=1` tries more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use faramesh_call::{Call, Number, Value};
use faramesh_gate::{Gate, Outcome, OutcomeStatus, Reply};
use faramesh_ledger::Ledger;
use faramesh_program::Program;
use faramesh_state::{State, Status};

use crate::clock::{NOON, back, clocked, forward, now, replayed, set};
use crate::stack::{WAIT, answer, ask, call, memory, on_disk_from, peer, program, token, wire};

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true  timezone = "Europe/Berlin" }
agent "a" {
  default deny
  rules {
    permit pay/* if amount < 50
    defer  pay/*
    permit look
  }
  rate_limit "pay/*": 10 per minute burst 4
  rate_limit "*": 7 per 11s
  budget daily   { max $200 tools ["pay/*"] cost amount warn_at 0.5 on_exceed defer }
  budget session { max_calls 9 }
  budget "hour"  { max $90 window = 1h tools ["pay/card"] cost amount }
  budget monthly { max $1 on_exceed audit }
  session { max_calls 30 max_duration 20h idle_timeout 5h }
  ambient { max_calls_per_day 12 max_customers_per_day 4 max_data_volume = 600 on_exceed defer }
}
agent "b" {
  default permit
  budget "flat" { max $0.02 daily $0.01 window = 90m warn_at 0.9 }
}
"#;

/// Segments of a few records, so that restarts come by many ends of one.
const SEGMENT_BYTES: u64 = 16 << 10;

/// Restarts that did not replay every record.
static FROM_SNAPSHOTS: AtomicUsize = AtomicUsize::new(0);

/// SplitMix64: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// One daemon, and the permits and deferrals that it gave.
struct Daemon {
    gate: Arc<Gate>,
    recent: VecDeque<Reply>,
    waiting: Vec<String>,
}

impl Daemon {
    fn new(gate: Arc<Gate>) -> Self {
        Self { gate, recent: VecDeque::new(), waiting: Vec::new() }
    }

    /// The reply without what differs between two ledgers: its ids.
    fn ask(&mut self, call: Call) -> String {
        let reply = ask(&self.gate, call);
        let wire = wire(&reply);
        if reply.as_denial().is_none() {
            self.recent.push_back(reply);
        } else if wire.get("defer_token").is_some() {
            self.waiting.push(token(&reply));
        }
        let seen = ["effect", "code", "human_message", "retryable", "warnings"];
        let mut told: Vec<String> = seen.iter().map(|key| format!("{:?}", wire.get(key))).collect();
        if wire.get("approval_id").is_none() {
            told.push(format!("{:?}", wire.get("resolution")));
        }
        told.join(" ")
    }

    fn report(&mut self, which: usize, status: OutcomeStatus, cost: Option<i64>) {
        let Some(reply) = self.recent.remove(which) else { return };
        let outcome = Outcome {
            action_id: reply.action_id,
            agent: Some("a".into()),
            status,
            duration_ms: 1,
            cost: cost.map(|cents| Value::Number(Number::new(cents, -2))),
            usage: cost.map(|cents| Value::from(faramesh_call::object! { "output_bytes" => cents })),
            error: None,
        };
        self.gate.outcome(&peer(1000), &outcome).unwrap();
        self.gate.commit(true);
    }

    fn answer(&mut self, which: usize, approved: bool) {
        if which < self.waiting.len() {
            let token = self.waiting.remove(which);
            let approval = self.gate.state().approval(&token).unwrap().clone();
            if approval.status_at(now()) == Status::Pending {
                answer(&self.gate, &token, approved);
            }
        }
    }
}

fn random_call(dice: &mut Dice) -> Call {
    let agent = if dice.below(5) == 0 { "b" } else { "a" };
    let tool = ["pay/card", "pay/wire", "look"][usize::try_from(dice.below(3)).unwrap()];
    let amount = [1, 3, 10, 49, 60][usize::try_from(dice.below(5)).unwrap()];
    let session = [None, Some("s1"), Some("s2"), Some("s3")][usize::try_from(dice.below(4)).unwrap()];
    let args = format!("{{\"amount\":{amount},\"customer\":\"c{}\"}}", dice.below(6));
    Call { session: session.map(Box::from), ..call(agent, tool, &args) }
}

fn move_clock(dice: &mut Dice) {
    match dice.below(12) {
        0 => back(dice.below(7_200_000)),
        1 => forward(dice.below(86_400_000)),
        2 | 3 => forward(dice.below(600_000)),
        _ => forward(dice.below(4_000)),
    }
}

fn restarted(daemon: Daemon, folder: &std::path::Path, program: &Arc<Program>, place: &str) -> Daemon {
    let Daemon { gate, recent, waiting } = daemon;
    let before = gate.state();
    assert!(gate.ledger().is_healthy(), "{place}: {:?}", gate.ledger().status().refusal);
    gate.ledger().close();
    drop(gate);
    let (ledger, state, snapshot) = on_disk_from(folder, SEGMENT_BYTES);
    assert_eq!(state, before, "{place}, from the snapshot {snapshot:?}");
    assert_eq!(state.save(), before.save(), "{place}, from the snapshot {snapshot:?}");
    FROM_SNAPSHOTS.fetch_add(usize::from(snapshot.is_some()), Ordering::Relaxed);
    settled(&ledger, folder);
    Daemon { gate: clocked(program, ledger, state), recent, waiting }
}

/// Waits until what the start did not read was read, and until there is a snapshot of the last sealed segment.
fn settled(ledger: &Ledger, folder: &std::path::Path) {
    let began = Instant::now();
    let last = ledger.status().segment - 1;
    while ledger.status().unchecked > 0 || last > 0 && !folder.join(format!("{last:08}.state")).exists() {
        assert!(ledger.is_healthy(), "{:?}", ledger.status().refusal);
        assert!(began.elapsed() < WAIT, "no snapshot was made");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// One sequence; how many calls were permitted.
fn sequence(seed: u64, program: &Arc<Program>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    set(NOON);
    let (ledger, state, _) = on_disk_from(folder.path(), SEGMENT_BYTES);
    let mut ending = Daemon::new(clocked(program, ledger, state));
    let mut steady = Daemon::new(clocked(program, memory(), State::default()));
    let mut permits = 0;
    for step in 0..80 {
        let place = format!("seed {seed}, step {step}");
        move_clock(&mut dice);
        match dice.below(10) {
            0 => ending = restarted(ending, folder.path(), program, &place),
            1 | 2 => {
                let which = usize::try_from(dice.below(3)).unwrap();
                let status = [OutcomeStatus::Ok, OutcomeStatus::Error, OutcomeStatus::Timeout]
                    [usize::try_from(dice.below(3)).unwrap()];
                let cost = [None, Some(0), Some(25)][usize::try_from(dice.below(3)).unwrap()];
                ending.report(which, status, cost);
                steady.report(which, status, cost);
            }
            3 => {
                let (which, approved) = (usize::try_from(dice.below(2)).unwrap(), dice.below(4) > 0);
                ending.answer(which, approved);
                steady.answer(which, approved);
            }
            _ => {
                let call = random_call(&mut dice);
                let told = ending.ask(call.clone());
                assert_eq!(told, steady.ask(call), "{place}");
                permits += usize::from(told.contains("PERMIT"));
            }
        }
    }
    let limits = |daemon: &Daemon, agent: &str| daemon.gate.state().limits().of(agent).cloned();
    for agent in ["a", "b"] {
        assert_eq!(limits(&ending, agent), limits(&steady, agent), "seed {seed}");
    }
    replayed(&steady.gate, program);
    ending.gate.ledger().close();
    permits
}

#[test]
fn a_restart_changes_no_decision() {
    let program = program(POLICY);
    let sequences = if std::env::var_os("FARAMESH_SOAK").is_some() { 5_000 } else { 20 };
    let permits: usize = (0..sequences).map(|seed| sequence(seed, &program)).sum();
    let least = usize::try_from(sequences).unwrap() * 10;
    let from_snapshots = FROM_SNAPSHOTS.load(Ordering::Relaxed);
    assert!(
        from_snapshots > usize::try_from(sequences).unwrap(),
        "only {from_snapshots} starts were from one"
    );
    assert!(permits > least, "only {permits} calls were permitted");
}
