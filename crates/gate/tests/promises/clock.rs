//! A clock that a test sets, and records decided again from what they hold. Each thread has its own
//! clock; a gate asks on the thread that calls it.

use std::cell::Cell;
use std::sync::Arc;

use faramesh_call::{Action, Call, Timestamp, Value};
use faramesh_decide::{Input, Moment, Outside, Pseudonyms, Selected, decide};
use faramesh_dpr::{Kind, Record};
use faramesh_gate::Gate;
use faramesh_ledger::Ledger;
use faramesh_program::Program;
use faramesh_state::handovers::carried;
use faramesh_state::{Change, State};

use crate::stack::{Setup, gate, records};

/// 2026-11-20T12:00:00Z, a Friday.
pub const NOON: u64 = 1_795_176_000_000;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(NOON) };
}

pub fn set(now: u64) {
    NOW.set(now);
}

pub fn forward(ms: u64) {
    NOW.set(NOW.get() + ms);
}

pub fn back(ms: u64) {
    NOW.set(NOW.get() - ms);
}

pub fn now() -> Timestamp {
    Timestamp(NOW.get())
}

/// A READY gate with this thread's clock.
pub fn clocked(program: &Arc<Program>, ledger: Ledger, state: State) -> Arc<Gate> {
    gate(program, ledger, Setup { clock: Some(now), state, ..Setup::default() })
}

/// Decides every recorded call again from its record alone; returns how many there were.
pub fn replayed(gate: &Gate, program: &Program) -> usize {
    let mut decided = 0;
    for record in records(gate).iter().filter(|record| record.kind() == Kind::Decision) {
        // What a person answered is named among the inputs, and in a record of its own.
        let answered = record.field("inputs").is_some_and(|inputs| inputs.get("approval").is_some());
        // What is handed on has a name that nobody can guess again.
        let hands_on = record.field("action").is_some_and(|action| action.as_str() == Some("delegate"));
        if answered || hands_on || record.approval().is_some() {
            continue;
        }
        let (changes, code) = decided_again(record, program);
        assert_eq!(Some(code), record.code().as_deref(), "{record:?}");
        assert_eq!(Value::List(changes), record.changes().unwrap_or(Value::List(vec![])), "{record:?}");
        decided += 1;
    }
    decided
}

fn decided_again(record: &Record, program: &Program) -> (Vec<Value>, &'static str) {
    let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| Box::from(&*text));
    let agent = record.agent().unwrap();
    let inputs = record.field("inputs").unwrap_or_default();
    let mut call = Call {
        agent: owned(record.agent()),
        tool: owned(record.tool()).unwrap(),
        action: Action::ToolCall,
        args: record.args().unwrap(),
        session: owned(record.session()),
        delegation: carried(&inputs),
        ..Call::default()
    };
    assert!(!Outside::read_back(&inputs, &mut call).is_withheld());
    let state = State::of_inputs(&agent, record.session().as_deref(), &inputs);
    let selected = Selected::read_back(&inputs);
    let verdict = decide(&Input {
        program,
        agent: program.agent(&agent).unwrap(),
        call: &call,
        commitment: "",
        requester: "",
        state: &state,
        selected: &selected,
        pseudonyms: Pseudonyms::Recorded(&inputs),
        moment: Moment { now: record.time(), entropy: 0 },
    });
    (verdict.changes.iter().map(Change::to_value).collect(), verdict.code.as_str())
}
