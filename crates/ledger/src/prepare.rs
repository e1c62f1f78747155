//! Segments made ready before they are needed: zero-filled and synced under a temporary name, so
//! that a record's sync writes data only. A file that grows costs half as much again per sync.
//!
//! Also the reserve: a segment that stands ready for the day when the disk is full. Denials and
//! lifecycle records go on in it; permits wait until there is space again.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::receipt::Unavailable;

/// How long after a failure nothing is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// Zeros that one write puts down.
const FILL_BYTES: usize = 1 << 20;
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

/// Makes segments; its lock is held while it does.
#[derive(Debug)]
pub(crate) struct Preparer {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    pub segment_bytes: u64,
    pub reserve_bytes: u64,
    made: u64,
    failed: Option<(Instant, Unavailable)>,
}

/// Whether a file's name is one that this module gives.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with("prepared-") && name.ends_with(".tmp")
}

impl Preparer {
    pub(crate) fn new(disk: Arc<dyn Disk>, directory: &Path, segment_bytes: u64, reserve_bytes: u64) -> Self {
        Self { disk, directory: directory.into(), segment_bytes, reserve_bytes, made: 0, failed: None }
    }

    /// A segment of at least `needed` bytes, unless one failed a moment ago.
    pub(crate) fn prepare(&mut self, needed: u64, gentle: bool) -> Result<Prepared, Unavailable> {
        if let Some((at, reason)) = &self.failed
            && at.elapsed() < RETRY_AFTER
        {
            return Err(reason.clone());
        }
        self.made += 1;
        let path = self.directory.join(format!("prepared-{}.tmp", self.made));
        let capacity = self.segment_bytes.max(needed).next_multiple_of(512);
        self.make(path, capacity, gentle).map_err(|error| {
            let reason = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Unavailable::DiskFull,
                _ => Unavailable::NoSegment { reason: error.to_string().into() },
            };
            self.failed = Some((Instant::now(), reason.clone()));
            reason
        })
    }

    fn make(&mut self, path: PathBuf, capacity: u64, gentle: bool) -> io::Result<Prepared> {
        let file = disk::retry(|| self.disk.open(&path, OpenMode::Create))?;
        let filled = fill(file.as_ref(), 0, capacity, gentle).and_then(|()| disk::retry(|| file.sync()));
        if let Err(error) = filled {
            // The space that the half-made file took is what others lack now.
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        self.failed = None;
        Ok(Prepared { file, path, capacity })
    }

    /// Gives the reserve another name, so that a new one can be made beside it.
    pub(crate) fn take_reserve(&mut self, reserve: Prepared) -> Result<Prepared, Unavailable> {
        self.made += 1;
        let path = self.directory.join(format!("prepared-{}.tmp", self.made));
        let renamed = disk::retry(|| self.disk.rename(&reserve.path, &path));
        renamed.map_err(|error| Unavailable::NoSegment { reason: error.to_string().into() })?;
        Ok(Prepared { path, ..reserve })
    }

    /// The reserve: the one that an earlier run left, or a new one.
    pub(crate) fn reserve(&mut self) -> Option<Prepared> {
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
            _ => self.make(path, capacity, true).ok(),
        }
    }
}

/// Writes zeros from `from` to `to`.
pub(crate) fn fill(file: &dyn DiskFile, from: u64, to: u64, gentle: bool) -> io::Result<()> {
    let zeros = vec![0_u8; FILL_BYTES];
    let mut offset = from;
    while offset < to {
        let length = usize::try_from(to - offset).unwrap_or(FILL_BYTES).min(FILL_BYTES);
        disk::write_all_at(file, zeros.get(..length).unwrap_or_default(), offset)?;
        offset += u64::try_from(length).unwrap_or(u64::MAX);
        if gentle {
            // In small portions, so that a decision's sync never stands behind all of it.
            disk::retry(|| file.sync())?;
            std::thread::sleep(GENTLE_PAUSE);
        }
    }
    Ok(())
}
