//! Any bytes as a program, as they are and with a checksum that makes them pass: refused, or a program that
//! decides and explains without a panic.

use std::sync::OnceLock;

use faramesh_call::{Call, Timestamp};
use faramesh_oracle::generate::{Choices, call};
use faramesh_program::load;
use faramesh_state::State;
use sha2::{Digest, Sha256};

use crate::engine::verdict;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    try_to_load(bytes);
    let body = bytes.get(..bytes.len().saturating_sub(32)).unwrap_or_default();
    let mut forged = body.to_vec();
    forged.extend_from_slice(&Sha256::digest(body));
    try_to_load(&forged);
}

fn try_to_load(bytes: &[u8]) {
    static CALLS: OnceLock<Vec<Call>> = OnceLock::new();
    let calls = CALLS.get_or_init(|| (0..4).map(|seed| call(&mut Choices::seeded(seed))).collect());
    let Ok(program) = load(bytes) else { return };
    for agent in program.agents().iter().take(4) {
        for call in calls {
            let state = State::default();
            let verdict = verdict(&program, agent, call, Timestamp(1_795_176_000_000), &state);
            drop(verdict.trace.lines(&program, agent));
        }
    }
}
