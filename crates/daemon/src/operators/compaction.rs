//! Old segments sent to the archive, asked for by an operator.

use faramesh_call::{Object, Timestamp};

use super::{Answer, Context, Failure, text, whole};
use crate::retention;

pub(super) fn compact(context: &Context, params: &Object) -> Answer {
    let Some(before) = whole(params, "before_ms")? else {
        return Err(Failure::params("`before_ms` is missing"));
    };
    let archive = text(params, "archive")?;
    let compacted = retention::of_daemon(&context.gate, &context.facts, Timestamp(before), archive);
    Ok(compacted.to_object())
}
