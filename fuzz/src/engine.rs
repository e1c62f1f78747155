//! A policy's way to a program and a call's way to a verdict.

use faramesh_call::{Call, Timestamp};
use faramesh_check::{Checked, Options, check};
use faramesh_decide::{Input, Moment, NOTHING_SELECTED, NO_PSEUDONYMS, Verdict, decide};
use faramesh_oracle::generate::environment;
use faramesh_program::{Agent, Program, load};
use faramesh_state::State;

/// Checks a policy as `faramesh dev` would.
#[must_use]
pub fn checked(source: &str) -> Checked {
    let options = Options { dev: true, analyse: false, ..Options::new("p", &environment) };
    check(source, &options)
}

/// The bytes of a policy's program; `None` when it is refused.
#[must_use]
pub fn compiled(source: &str) -> Option<Vec<u8>> {
    let stack = checked(source).stack?;
    Some(faramesh_compile::compile_to_bytes(&stack).expect("a checked stack compiles"))
}

/// The program of a policy; `None` when it is refused.
#[must_use]
pub fn program(source: &str) -> Option<Program> {
    compiled(source).map(|bytes| load(&bytes).expect("what was compiled loads"))
}

/// The engine's verdict.
#[must_use]
pub fn verdict<'a>(
    program: &'a Program,
    agent: &'a Agent,
    call: &'a Call,
    now: Timestamp,
    state: &'a State,
) -> Verdict<'a> {
    let moment = Moment { now, entropy: 1 };
    decide(&Input { program, agent, call, commitment: "c0ffee", requester: "uid:1000", state, selected: &NOTHING_SELECTED, pseudonyms: NO_PSEUDONYMS, moment })
}
