//! What a start reads of a folder: from the newest snapshot that holds only what is behind it, otherwise, and
//! whenever anything does not fit, every record from the first on.

use std::sync::Arc;

use faramesh_call::Timestamp;
use faramesh_dpr::RecordId;

use super::{OpenError, Options, io_error};
use crate::disk;
use crate::fold::Replay;
use crate::sealed;
use crate::signatures::{CheckpointEnd, Follow};
use crate::snapshot::{self, Snapshot};
use crate::voucher::Voucher;
use crate::walk::{Boundary, Item, Walk};

/// A folder that was read to its end.
pub(super) struct Start {
    pub walk: Walk,
    pub checkpoints: CheckpointEnd,
    /// The largest id.
    pub last_id: RecordId,
    /// The snapshot that the start went on from, without its state.
    pub from: Option<Snapshot>,
    /// The snapshot that can be made of the last sealed segment.
    pub made: Option<Snapshot>,
    /// The last own number of each agent, when records of agents are in an archive.
    pub agents: Vec<(Box<str>, u64)>,
    pub warnings: Vec<String>,
}

/// A snapshot that holds, and the segments before its end whose bodies are in an archive.
struct Found {
    snapshot: Snapshot,
    archived: Vec<u64>,
}

/// Reads a folder.
///
/// # Errors
/// It is damaged, another stack's, or cannot be read.
pub(super) fn read(options: &Options, now: Timestamp, replay: &mut Replay<'_>) -> Result<Start, OpenError> {
    let mut warnings = Vec::new();
    if let Some(found) = newest(options, replay, &mut warnings)? {
        let file = snapshot::file_name(found.snapshot.segment);
        match go_on(options, now, found, replay) {
            Ok(start) => return Ok(Start { warnings, ..start }),
            // Whatever it is, a walk over everything tells it with its place.
            Err(error) => warnings.push(format!("the start from {file} did not work out: {error}")),
        }
        replay.clear();
    }
    let follow = Follow::open(options.disk.as_ref(), &options.directory)?;
    let walk = Walk::whole(Arc::clone(&options.disk), &options.directory, false)?;
    let start = to_the_end(options, now, Reading { walk, follow, last_id: RecordId::default() }, replay)?;
    Ok(Start { warnings, ..start })
}

/// The newest snapshot that holds; the state is loaded from it.
fn newest(
    options: &Options,
    replay: &mut Replay<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<Found>, OpenError> {
    if matches!(replay, Replay::Each(_)) {
        return Ok(None);
    }
    let (disk, directory) = (options.disk.as_ref(), &options.directory);
    let names = disk::retry(|| disk.list(directory)).map_err(io_error(directory))?;
    for number in snapshot::numbers(&names) {
        match held(options, &names, number, replay) {
            Ok(found) => return Ok(Some(found)),
            Err(why) => {
                let file = snapshot::file_name(number);
                warnings.push(format!("{file} was not used, records were read in its place: {why}"));
            }
        }
    }
    Ok(None)
}

fn held(options: &Options, names: &[String], number: u64, replay: &mut Replay<'_>) -> Result<Found, String> {
    let (disk, directory) = (options.disk.as_ref(), &options.directory);
    let voucher = Voucher::of(options.signing.as_ref());
    let read = snapshot::read(disk, directory, number, &voucher);
    let mut snapshot = read.ok_or("it is not there")??;
    if *snapshot.resume.stack != *options.stack {
        return Err("it is that of another stack".to_owned());
    }
    let sealed = sealed::look(disk, directory, names, number)?;
    if sealed.digest != snapshot.sealed {
        return Err("the sealed segments are not those that it was made of".to_owned());
    }
    if !replay.load(&snapshot.take_state()) {
        return Err("another release made it".to_owned());
    }
    Ok(Found { snapshot, archived: sealed.archived })
}

/// Reads what is behind a snapshot.
fn go_on(
    options: &Options,
    now: Timestamp,
    found: Found,
    replay: &mut Replay<'_>,
) -> Result<Start, OpenError> {
    let (disk, directory) = (options.disk.as_ref(), &options.directory);
    let Found { snapshot, archived } = found;
    let follow = Follow::resumed(disk, directory, snapshot.signed.clone(), snapshot.log_offset)?;
    let walk = Walk::resumed(Arc::clone(&options.disk), directory, &snapshot, false)?;
    let reading = Reading { walk, follow, last_id: snapshot.last_id };
    let mut start = to_the_end(options, now, reading, replay)?;
    for number in &archived {
        start.walk.compactions.check_told(*number, directory)?;
    }
    if !archived.is_empty() {
        start.agents = agents_of(&start.walk);
    }
    Ok(Start { from: Some(snapshot), ..start })
}

/// A walk, the checkpoints beside it, and the largest id so far.
pub(crate) struct Reading {
    pub walk: Walk,
    pub follow: Follow,
    pub last_id: RecordId,
}

impl Reading {
    /// The snapshot at a boundary that the walk has just come by, before what is behind it is taken.
    pub(crate) fn snapshot(&self, boundary: Boundary, state: Vec<u8>) -> Option<Snapshot> {
        Some(Snapshot::new(
            boundary.manifest.segment,
            boundary.resume?,
            self.last_id.max(self.walk.last_id),
            boundary.sealed,
            (self.follow.place(), self.follow.signed.clone()),
            boundary.compactions,
            state,
        ))
    }
}

/// Walks to the end, seals what was not sealed, and replays every record that is there.
fn to_the_end(
    options: &Options,
    now: Timestamp,
    mut reading: Reading,
    replay: &mut Replay<'_>,
) -> Result<Start, OpenError> {
    let last_sealed = reading.walk.last_sealed_waiting();
    reading.walk.resumes = matches!(replay, Replay::State(_));
    let mut made = None;
    loop {
        let item = reading.walk.next_item()?;
        let passed = reading.walk.give_manifests(now);
        if let Some(boundary) = passed.filter(|passed| passed.manifest.segment == last_sealed) {
            made = replay.save().and_then(|state| reading.snapshot(boundary, state));
        }
        let step = match item {
            None => break,
            Some(Item::Record(step)) => step,
            Some(Item::Digest { hash, .. }) => {
                reading.follow.digest(&hash)?;
                continue;
            }
        };
        if step.record.seq() == 1 && step.record.stack() != options.stack {
            let (expected, found) = (options.stack.clone(), step.record.stack().into_owned());
            return Err(OpenError::OtherStack { expected, found });
        }
        reading.follow.record(&step)?;
        reading.last_id = reading.last_id.max(step.record.id());
        replay.record(&step.record);
    }
    let Reading { walk, follow, last_id } = reading;
    let agents = if walk.archived.is_empty() { Vec::new() } else { agents_of(&walk) };
    let (checkpoints, last_id) = (follow.end()?, last_id.max(walk.last_id));
    Ok(Start { walk, checkpoints, last_id, from: None, made, agents, warnings: Vec::new() })
}

fn agents_of(walk: &Walk) -> Vec<(Box<str>, u64)> {
    walk.chain.resume().map(|resume| resume.agents).unwrap_or_default()
}
