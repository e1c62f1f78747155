//! Segments made ready before they are needed: zero-filled and synced under a temporary name, so
//! that a record's sync writes data only. A file that grows costs half as much again per sync.
//!
//! Also the reserve: a segment that stands ready for the day when the disk is full. Denials and
//! lifecycle records go on in it; permits wait until there is space again.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::receipt::Unavailable;

/// How long after a failure nothing is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// Zeros that one write puts down.
const FILL_BYTES: usize = 1 << 20;
/// The same beside decisions: what a sync of theirs may have to wait for.
const STEADY_BYTES: usize = 256 << 10;
/// Rest between two portions while there is time, looked at again after each.
const STEADY_PAUSE: Duration = Duration::from_millis(5);
const STEADY_PAUSES: u32 = 6;
/// Rest between writes when nobody waits for the segment.
const GENTLE_PAUSE: Duration = Duration::from_millis(5);
const RESERVE_NAME: &str = "reserve.tmp";

/// A segment that only lacks its header and its name.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub file: Arc<dyn DiskFile>,
    pub path: PathBuf,
    pub capacity: u64,
}

/// Makes segments.
#[derive(Debug)]
pub(crate) struct Preparer {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    segment_bytes: u64,
    reserve_bytes: u64,
    attempts: Mutex<Attempts>,
}

/// Held while a segment is made, so that nobody makes a second one who could wait for the first.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    made: u64,
    failed: Option<(Instant, Unavailable)>,
}

/// How much a segment is hurried.
#[derive(Clone, Copy)]
pub(crate) enum Pace<'a> {
    /// Somebody waits for it.
    Urgent,
    /// It will be needed soon: synced in portions, so that a decision's sync never stands behind all
    /// of it, with rests while this says of the bytes that are done, and of all, that there is time.
    Steady(&'a dyn Fn(u64, u64) -> bool),
    /// It may never be needed: in portions, with rests.
    Gentle,
}

/// Whether a file's name is one that this module gives.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with("prepared-") && name.ends_with(".tmp")
}

impl Preparer {
    pub(crate) fn new(disk: Arc<dyn Disk>, directory: &Path, segment_bytes: u64, reserve_bytes: u64) -> Self {
        Self { disk, directory: directory.into(), segment_bytes, reserve_bytes, attempts: Mutex::default() }
    }

    /// Waits until nobody makes a segment.
    pub(crate) fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, attempts: &mut Attempts) -> PathBuf {
        attempts.made += 1;
        self.directory.join(format!("prepared-{}.tmp", attempts.made))
    }

    /// A segment of at least `needed` bytes, unless one failed a moment ago.
    pub(crate) fn prepare(
        &self,
        attempts: &mut Attempts,
        needed: u64,
        pace: Pace<'_>,
    ) -> Result<Prepared, Unavailable> {
        if let Some((at, reason)) = &attempts.failed
            && at.elapsed() < RETRY_AFTER
        {
            return Err(reason.clone());
        }
        let path = self.path(attempts);
        let capacity = self.segment_bytes.max(needed).next_multiple_of(512);
        let made = self.make(path, capacity, pace).map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Unavailable::DiskFull,
            _ => Unavailable::NoSegment { reason: error.to_string().into() },
        });
        attempts.failed = made.as_ref().err().map(|reason| (Instant::now(), reason.clone()));
        made
    }

    fn make(&self, path: PathBuf, capacity: u64, pace: Pace<'_>) -> io::Result<Prepared> {
        let file = disk::retry(|| self.disk.open(&path, OpenMode::Create))?;
        let filled = fill(file.as_ref(), 0, capacity, pace).and_then(|()| disk::retry(|| file.sync()));
        if let Err(error) = filled {
            // The space that the half-made file took is what others lack now.
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        Ok(Prepared { file, path, capacity })
    }

    /// Gives the reserve another name, so that a new one can be made beside it.
    pub(crate) fn take_reserve(
        &self,
        attempts: &mut Attempts,
        reserve: Prepared,
    ) -> Result<Prepared, Unavailable> {
        let path = self.path(attempts);
        let renamed = disk::retry(|| self.disk.rename(&reserve.path, &path));
        renamed.map_err(|error| Unavailable::NoSegment { reason: error.to_string().into() })?;
        Ok(Prepared { path, ..reserve })
    }

    /// The reserve: the one that an earlier run left, or a new one. Only the preparing thread calls
    /// this, and nobody waits for it.
    pub(crate) fn reserve(&self) -> Option<Prepared> {
        let path = self.directory.join(RESERVE_NAME);
        let capacity = self.reserve_bytes;
        if capacity == 0 {
            return None;
        }
        let left = disk::retry(|| self.disk.open(&path, OpenMode::Write)).ok();
        match left {
            Some(file) if file.length().is_ok_and(|length| length == capacity) => {
                Some(Prepared { file, path, capacity })
            }
            _ => self.make(path, capacity, Pace::Gentle).ok(),
        }
    }
}

/// Writes zeros from `from` to `to`.
pub(crate) fn fill(file: &dyn DiskFile, from: u64, to: u64, pace: Pace<'_>) -> io::Result<()> {
    let portion = if matches!(pace, Pace::Steady(_)) { STEADY_BYTES } else { FILL_BYTES };
    let zeros = vec![0_u8; portion];
    let mut offset = from;
    while offset < to {
        let length = usize::try_from(to - offset).unwrap_or(portion).min(portion);
        disk::write_all_at(file, zeros.get(..length).unwrap_or_default(), offset)?;
        offset += u64::try_from(length).unwrap_or(u64::MAX);
        if !matches!(pace, Pace::Urgent) {
            disk::retry(|| file.sync())?;
        }
        match pace {
            Pace::Urgent => {}
            Pace::Gentle => std::thread::sleep(GENTLE_PAUSE),
            Pace::Steady(has_time) => {
                let mut pauses = STEADY_PAUSES;
                while pauses > 0 && has_time(offset - from, to - from) {
                    std::thread::sleep(STEADY_PAUSE);
                    pauses -= 1;
                }
            }
        }
    }
    Ok(())
}
