//! Sealed fields of records, opened for an operator who may read the stack's keys.

use std::sync::Arc;

use faramesh_call::{Value, json};
use faramesh_seal::Opener;

use crate::context::Context;
use crate::failure::Failure;
use crate::history::Bytes;
use crate::views::json::text;

/// The records with what is sealed in their arguments opened. Says how many fields stay sealed.
///
/// # Errors
/// The keys cannot be read.
pub fn records(records: &[Bytes], context: &Context) -> Result<Vec<Bytes>, Failure> {
    let folder = context.layout()?.subjects();
    let opener = Opener::open(&folder).map_err(|error| {
        Failure::new(error.to_string()).hint("run the command as the user who runs the daemon, or as root")
    })?;
    let mut closed = 0;
    let opened = records.iter().map(|bytes| {
        let Ok(mut record) = json::parse(bytes) else { return Arc::clone(bytes) };
        let commitment = text(&record, &["args_commitment"]).to_owned();
        if let Value::Object(members) = &mut record
            && let Some(args) = members.get_mut("args")
        {
            closed += opener.unseal(args, &commitment).1;
        }
        Bytes::from(json::canonical(&record))
    });
    let opened = opened.collect();
    if closed > 0 {
        let fields = if closed == 1 { "field" } else { "fields" };
        let why = "the key was erased, or is elsewhere";
        context.console.note(&format!("{closed} sealed {fields} cannot be opened: {why}"));
    }
    Ok(opened)
}
