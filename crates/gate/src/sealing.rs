//! Fields that a policy seals, and the end of a person's key. A sealed field is in the record encrypted
//! under the key of the person behind the call: the claim `id` or `sub` of its principal, else the
//! session; or, where the policy says so, of the person that an argument names. Without any of these it is
//! redacted, because nobody could ever have it erased.
//!
//! INVARIANT never plain: what cannot be sealed is not recorded, and the call is not permitted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use faramesh_call::{Call, Object, Value};
use faramesh_decide::{Input, REDACTED, sealed_args};
use faramesh_dpr::{Draft, Kind};
use faramesh_program::Program;
use faramesh_program::image::FieldStep;
use faramesh_seal::{KeyId, KeysError};

use crate::gate::{Gate, awaited};
use crate::moment::wall_clock;

/// Claims that name a person, the first that is there.
const CLAIMS: [&str; 2] = ["id", "sub"];
/// Longest name of a person, and longest reason of an erasure, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 10;

/// Why an erasure did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nothing was ever sealed for them, or it is erased already.
    #[error("there is no key of this subject: nothing is sealed for them, or it was erased already")]
    Unknown,
    /// No subject or reason, or one that is too long.
    #[error("a subject and a reason of 1 to {MAX_TEXT_BYTES} bytes each are needed")]
    Text,
    /// The key cannot be written over.
    #[error("the key may still be there: {0}")]
    Keys(#[from] KeysError),
    /// The key is gone, and the ledger does not say so.
    #[error(
        "the key is gone, and the erasure is not recorded yet: run it again when the ledger takes records"
    )]
    NotRecorded,
}

/// Who a call is about, as far as keys go: the person whom the argument at `steps` names, or without steps the
/// person behind the call.
fn subject(call: &Call, steps: &[FieldStep]) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let is_sound = |subject: &String| (1..=MAX_TEXT_BYTES).contains(&subject.len());
    if !steps.is_empty() {
        return argument(&call.args, steps).and_then(text).filter(is_sound);
    }
    let principal = call.principal.as_ref();
    let claim = |name: &&str| principal.and_then(|claims| claims.get(name)).and_then(text);
    let named = principal.and_then(text).or_else(|| CLAIMS.iter().find_map(claim));
    let subject = named.or_else(|| call.session.as_deref().map(str::to_owned));
    subject.filter(is_sound)
}

/// The one value at a place of the arguments.
fn argument<'a>(args: &'a Value, steps: &[FieldStep]) -> Option<&'a Value> {
    steps.iter().try_fold(args, |value, step| match step {
        FieldStep::Key(key) => value.get(key),
        FieldStep::Each => None,
    })
}

/// Whether a policy seals anything.
pub(crate) fn seals(program: &Program) -> bool {
    program.agents().iter().any(faramesh_program::Agent::seals)
}

impl Gate {
    /// Has the key of a call's person on disk before the call is decided, because decisions wait for
    /// each other and must not wait for a sync. What fails here fails again where it counts.
    pub(crate) fn make_key(&self, call: &Call) {
        if !self.seals.load(Ordering::Acquire) {
            return;
        }
        let program = self.program();
        let Some(keys) = &self.settings.keys else { return };
        let agents = program.agents().iter().filter(|agent| agent.seals());
        let sealing =
            agents.flat_map(|agent| agent.redactions(&call.tool)).filter(|redaction| redaction.seal);
        let subjects: BTreeSet<String> =
            sealing.filter_map(|redaction| subject(call, &redaction.subject)).collect();
        for subject in subjects {
            let _ = keys.of(&subject);
        }
    }

    /// The arguments for the record when some of them are sealed; `None` when none is.
    ///
    /// # Errors
    /// There is no key to seal with: nothing of the call may be recorded.
    pub(crate) fn sealed_args(&self, input: &Input<'_>, commitment: &str) -> Result<Option<Value>, ()> {
        let Some(keys) = self.settings.keys.as_ref().filter(|_| input.agent.seals()) else { return Ok(None) };
        // Of each person once, as few as the policy has redactions of the tool.
        let mut known = BTreeMap::new();
        let mut failed = false;
        let mut seal = |value: &Value, steps: &[FieldStep]| {
            let Some(subject) = subject(input.call, steps) else { return Value::from(REDACTED) };
            let key = known.entry(subject).or_insert_with_key(|subject| keys.of(subject).ok());
            let sealed = key.as_ref().and_then(|key| key.seal(value, commitment).ok());
            failed |= sealed.is_none();
            sealed.map_or_else(|| Value::from(REDACTED), Value::from)
        };
        let args = sealed_args(input, &mut seal);
        if failed { Err(()) } else { Ok(args) }
    }

    /// Ends the key of a person for good, and records that it ended. Gives the id of the key.
    ///
    /// # Errors
    /// The key or its record did not come to an end; the error says which, and trying again is safe.
    pub fn erase(&self, subject: &str, reason: &str, by: &str) -> Result<KeyId, EraseError> {
        let is_sound = |text: &str| (1..=MAX_TEXT_BYTES).contains(&text.trim().len());
        if !is_sound(subject) || !is_sound(reason) {
            return Err(EraseError::Text);
        }
        let keys = self.settings.keys.as_ref().ok_or(EraseError::Unknown)?;
        let erased = keys.erase(subject)?.ok_or(EraseError::Unknown)?;
        let mut draft = erasure(erased.key, reason, by);
        draft.dev = self.settings.dev;
        let (completion, recorded) = awaited();
        let appended = self.ledger.append(draft, wall_clock(), completion);
        appended.map_err(|_| EraseError::NotRecorded)?;
        self.recorded(&recorded).map_err(|_| EraseError::NotRecorded)?;
        keys.forget(subject)?;
        Ok(erased.key)
    }
}

/// The record of an erasure. It names the key and not the person, who is to be forgotten.
#[must_use]
pub fn erasure(key: KeyId, reason: &str, by: &str) -> Draft<'static> {
    let detail: Object = [
        ("by", Value::from(by)),
        ("event", Value::from("key_erased")),
        ("key", Value::from(key.to_string())),
        ("reason", Value::from(reason.trim())),
    ]
    .into_iter()
    .collect();
    Draft::event(Kind::Erasure, detail)
}
