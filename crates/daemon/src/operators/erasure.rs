//! The end of a person's key, asked for by an operator.

use faramesh_call::{Object, object};
use faramesh_gate::{EraseError, Peer};

use super::{Answer, Context, Failure, needed};

pub(super) fn erase(context: &Context, peer: &Peer, params: &Object) -> Answer {
    let (subject, reason) = (needed(params, "subject")?, needed(params, "reason")?);
    let erased = context.gate.erase(subject, reason, peer.user());
    let key = erased.map_err(|error| {
        let code = match error {
            EraseError::Unknown => "UNKNOWN",
            EraseError::Text => "INVALID_PARAMS",
            EraseError::Keys(_) => "IO",
            EraseError::NotRecorded => "LEDGER_UNAVAILABLE",
        };
        Failure::new(code, error)
    })?;
    Ok(object! { "key" => key.to_string() })
}
