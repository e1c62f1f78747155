//! The bundle verifier behind five functions that a page calls: bytes go in through one buffer, the
//! outcome comes out as JSON. `page.html` is the other side.
//!
//! INVARIANT safe: the buffer is made of atomics, so that the page may write to it from outside; no
//! pointer that comes from the page is ever followed.
//! Leaves out everything about bundles: `faramesh-verify` checks them.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use faramesh_call::{json, Value};
use faramesh_verify::{outcome, BundleVerifier};

const INPUT_BYTES: usize = 64 << 10;

/// What the page writes and this crate reads.
static INPUT: [AtomicU8; INPUT_BYTES] = [const { AtomicU8::new(0) }; INPUT_BYTES];
static STATE: Mutex<State> = Mutex::new(State { verifier: None, outcome: Vec::new() });

struct State {
    verifier: Option<BundleVerifier>,
    outcome: Vec<u8>,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn input(length: usize) -> Vec<u8> {
    INPUT.iter().take(length).map(|byte| byte.load(Ordering::Relaxed)).collect()
}

/// Where the page writes.
#[no_mangle]
pub extern "C" fn input_place() -> *const AtomicU8 {
    INPUT.as_ptr()
}

/// How many bytes fit there.
#[no_mangle]
pub extern "C" fn input_size() -> usize {
    INPUT_BYTES
}

/// Begins a check. The input holds the text of a key that must have signed, and behind it that of a witness
/// that must have cosigned; each may be empty. 0 when one is no key.
#[no_mangle]
pub extern "C" fn begin(key_length: usize, witness_length: usize) -> u32 {
    let texts = input(key_length.saturating_add(witness_length));
    let verifier = begun(texts.get(..key_length), texts.get(key_length..));
    let is_begun = verifier.is_some();
    state().verifier = verifier;
    u32::from(is_begun)
}

fn begun(key: Option<&[u8]>, witness: Option<&[u8]>) -> Option<BundleVerifier> {
    let (key, witness) = (std::str::from_utf8(key?).ok()?.trim(), std::str::from_utf8(witness?).ok()?.trim());
    let verifier = match key {
        "" => BundleVerifier::default(),
        key => BundleVerifier::pinned(key.parse().ok()?),
    };
    match witness {
        "" => Some(verifier),
        witness => Some(verifier.witnessed_by(witness.parse().ok()?)),
    }
}

/// Takes `length` bytes of the input. 0 when the bundle is broken, and the rest need not be read.
#[no_mangle]
pub extern "C" fn feed(length: usize) -> u32 {
    let mut state = state();
    let fed = state.verifier.as_mut().is_some_and(|verifier| verifier.feed(&input(length)).is_ok());
    u32::from(fed)
}

/// Ends the check; gives the length of its outcome as JSON, which stands at [`outcome_place`].
#[no_mangle]
pub extern "C" fn finish() -> usize {
    let mut state = state();
    state.outcome = match state.verifier.take() {
        Some(verifier) => json::canonical(&Value::Object(outcome(&verifier.finish()))),
        None => Vec::new(),
    };
    state.outcome.len()
}

/// Where the outcome stands until the next check ends.
#[no_mangle]
pub extern "C" fn outcome_place() -> *const u8 {
    state().outcome.as_ptr()
}
