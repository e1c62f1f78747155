//! Ten daemons and one backend, with everything that goes wrong between them: requests that do not arrive, answers that
//! do not, partitions, daemons that are killed and start again from their ledgers, clocks that jump. Whatever the
//! order, what all of them permit in a day is within the ceiling. The same seed is the same schedule.
//! `FARAMESH_SOAK=1` tries ten thousand.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use faramesh_call::{Call, Timestamp, json};
use faramesh_dpr::{CommitmentKey, Kind, Record};
use faramesh_fleet::Terms;
use faramesh_gate::{Gate, Lessor, Lifecycle, Parked, Peer, Settings};
use faramesh_ledger::{Filter, Ledger};
use faramesh_program::{Program, encode, load};
use faramesh_state::State;
use faramesh_state::limits::{Leased, Of, Want, WantOf};

const DAEMONS: usize = 10;
const MAX_MICROS: u64 = 1_000_000_000;
const POLICY: &str = r#"
runtime { budget_backend = "redis://budgets"  allow_self_declared_identity = true }
agent "bot" {
  default deny
  rules { permit pay }
  budget "global-daily" { max $1000 cost amount scope = "fleet" }
}
"#;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static DICE: RefCell<u64> = const { RefCell::new(0) };
}

/// SplitMix64: the same numbers for the same seed.
fn below(bound: u64) -> u64 {
    DICE.with_borrow_mut(|seed| {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    })
}

/// Keeps leases as Redis and Postgres do.
#[derive(Debug, Default)]
struct Memory {
    leased: Mutex<HashMap<(String, usize), u64>>,
    cut_off: Mutex<[bool; DAEMONS]>,
    faults: bool,
}

impl Memory {
    fn lease(&self, daemon: usize, want: &Want) -> Option<Of> {
        if self.cut_off.lock().unwrap()[daemon] || (self.faults && below(8) == 0) {
            return None;
        }
        let WantOf::Sum { period, money: Some(share), .. } = &want.of else { panic!("{want:?}") };
        let name = period.to_text();
        let mut leased = self.leased.lock().unwrap();
        let all = leased.iter().filter(|((known, _), _)| *known == name).map(|(_, micros)| micros).sum();
        let own = leased.get(&(name.clone(), daemon)).copied().unwrap_or(0);
        let terms = Terms { all, own }.corrected(share.held);
        let micros = terms.give(share, share.need);
        leased.insert((name, daemon), terms.own + micros);
        // It is debited, and the answer gets lost.
        if micros == 0 || (self.faults && below(8) == 0) {
            return None;
        }
        let more = Leased { micros, calls: 0, fleet_micros: terms.all + micros, fleet_calls: 0 };
        Some(Of::Sum { period: period.clone(), more })
    }
}

/// Leases at once, on the thread that asks.
#[derive(Debug)]
struct Direct {
    daemon: usize,
    memory: Arc<Memory>,
    gate: OnceLock<Weak<Gate>>,
}

impl Direct {
    fn get(&self, want: &Want) -> Arc<Gate> {
        let gate = self.gate.get().unwrap().upgrade().unwrap();
        if let Some(of) = self.memory.lease(self.daemon, want) {
            gate.leased(&want.agent, &want.key, of);
        }
        gate
    }
}

impl Lessor for Direct {
    fn park(&self, parked: Parked) -> Result<(), Box<Parked>> {
        self.get(&parked.want).resume(parked);
        Ok(())
    }

    // Early leases are taken while the gate is locked; here they come with the next call that needs one.
    fn prefetch(&self, _: Want) {}
}

fn program() -> Arc<Program> {
    let environment = |_: &str| None;
    let options = faramesh_check::Options::new("governance.fms", &environment);
    let checked = faramesh_check::check(POLICY, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    let (image, sources) = faramesh_compile::compile(&stack).unwrap();
    Arc::new(load(&encode(&image, &sources).unwrap()).unwrap())
}

fn now() -> Timestamp {
    Timestamp(NOW.get())
}

fn start(daemon: usize, program: &Arc<Program>, memory: &Arc<Memory>, state: State) -> Arc<Gate> {
    let direct = Arc::new(Direct { daemon, memory: Arc::clone(memory), gate: OnceLock::new() });
    let mut settings = Settings::new(CommitmentKey::new(&[7; 32]), false);
    settings.clock = now;
    settings.lessor = Some(Arc::clone(&direct) as Arc<dyn Lessor>);
    let ledger = Arc::new(Ledger::memory("stack", &format!("daemon-{daemon}"), 100_000));
    let gate = Arc::new(Gate::new(settings, Arc::clone(program), state, ledger));
    direct.gate.set(Arc::downgrade(&gate)).unwrap();
    gate.put_in_force(Arc::clone(program), "test").unwrap();
    gate.advance(Lifecycle::Ready);
    gate
}

fn ask(gate: &Gate, dollars: u64) -> bool {
    let call = Call {
        agent: Some("bot".into()),
        tool: "pay".into(),
        args: json::parse(format!(r#"{{"amount":{dollars}}}"#).as_bytes()).unwrap(),
        ..Call::default()
    };
    let (sender, receiver) = channel();
    gate.ask(&Peer::new(1, 1, None), call, Box::new(move |reply| sender.send(reply).unwrap()));
    gate.commit(true);
    receiver.recv().unwrap().as_denial().is_none()
}

/// What a daemon permitted, by day, from its records; they are what would be read after a crash.
fn permitted(gate: &Gate, by_day: &mut HashMap<String, u64>) {
    let filter = Filter { kind: Some(Kind::Decision), ..Filter::default() };
    for record in gate.ledger().query(&filter).unwrap() {
        let changes = record.changes().unwrap_or_default();
        for change in changes.as_list().unwrap_or_default() {
            let charges = change.get("charges").and_then(|charges| charges.as_list()).unwrap_or_default();
            for charge in charges {
                let micros = charge.get("micros").unwrap().as_i64().unwrap() as u64;
                *by_day.entry(charge.get("period").unwrap().as_str().unwrap().to_owned()).or_default() +=
                    micros;
            }
        }
    }
}

/// The state that a daemon has after a crash: what its ledger says, with what it said before earlier crashes.
fn folded(history: &mut Vec<Record>, gate: &Gate) -> State {
    history.extend(gate.ledger().query(&Filter::default()).unwrap());
    let mut state = State::default();
    history.iter().for_each(|record| state.replay(record));
    state
}

/// One schedule; what was permitted of the busiest day.
fn schedule(seed: u64, program: &Arc<Program>, faults: bool) -> u64 {
    DICE.set(seed);
    NOW.set(1_700_000_000_000);
    let memory = Arc::new(Memory { faults, ..Memory::default() });
    let mut daemons: Vec<Arc<Gate>> =
        (0..DAEMONS).map(|daemon| start(daemon, program, &memory, State::default())).collect();
    let mut by_day = HashMap::new();
    let mut histories = vec![Vec::new(); DAEMONS];
    for _ in 0..400 {
        let daemon = below(DAEMONS as u64) as usize;
        match below(40) {
            0 if faults => {
                let mut cut_off = memory.cut_off.lock().unwrap();
                cut_off[daemon] = !cut_off[daemon];
            }
            1 if faults => {
                permitted(&daemons[daemon], &mut by_day);
                let state = folded(&mut histories[daemon], &daemons[daemon]);
                assert_eq!(state, daemons[daemon].state(), "seed {seed}");
                daemons[daemon] = start(daemon, program, &memory, state);
            }
            2 if faults => NOW.set(NOW.get() + below(7_200_000)),
            3 if faults => NOW.set(NOW.get() - below(3_600_000)),
            _ => {
                let dollars = [1, 2, 5, 20, 90][below(5) as usize];
                ask(&daemons[daemon], dollars);
            }
        }
    }
    daemons.iter().for_each(|gate| permitted(gate, &mut by_day));
    for (day, micros) in &by_day {
        assert!(*micros <= MAX_MICROS, "seed {seed}: {micros} on {day}");
    }
    by_day.into_values().max().unwrap_or(0)
}

#[test]
fn no_schedule_permits_more_than_the_ceiling() {
    let soak = std::env::var_os("FARAMESH_SOAK").is_some();
    let program = program();
    for seed in 0..if soak { 10_000 } else { 100 } {
        schedule(seed, &program, true);
    }
}

#[test]
fn without_faults_nearly_all_of_the_ceiling_is_used() {
    let program = program();
    for seed in 0..10 {
        let used = schedule(seed, &program, false);
        assert!(used > MAX_MICROS / 100 * 95, "seed {seed}: {used}");
    }
}

#[test]
fn a_daemon_that_cannot_lease_spends_what_it_has_and_then_denies() {
    let program = program();
    NOW.set(1_700_000_000_000);
    let memory = Arc::new(Memory::default());
    let gate = start(0, &program, &memory, State::default());
    assert!(ask(&gate, 1));
    memory.cut_off.lock().unwrap()[0] = true;
    let permits = (0..100).filter(|_| ask(&gate, 1)).count();
    // A part is a sixty-fourth: $15.625, of which one was spent.
    assert_eq!(permits, 14);
    let budget = &gate.budgets()[0];
    assert_eq!((budget.spent_micros, budget.fleet.unwrap().micros), (15_000_000, 15_625_000));
    memory.cut_off.lock().unwrap()[0] = false;
    assert!(ask(&gate, 1), "it goes on by itself");
}
