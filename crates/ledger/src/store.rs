//! Where batches go: to segments on disk, to a bounded list in memory, or to a backend elsewhere.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use faramesh_dpr::Record;

use crate::backend::{Backend, KeepError, waiting};
use crate::disk::{self, Disk, DiskFile};
use crate::queue::{Batch, Next};
use crate::segment;

/// The writing side of a ledger; one thread holds it at a time.
pub(crate) enum Store {
    Files(Files),
    Memory(Arc<Memory>),
    Remote(Box<dyn Backend>),
}

impl Store {
    /// Keeps a batch: when this returns well, every record of it survives what the backend survives.
    pub(crate) fn keep(&mut self, batch: &mut Batch) -> Result<(), KeepError> {
        match self {
            Self::Files(files) => Ok(files.keep(batch)?),
            Self::Memory(memory) => {
                memory.keep(batch);
                Ok(())
            }
            Self::Remote(backend) => backend.keep(&waiting(batch)),
        }
    }
}

/// Segments in a folder.
pub(crate) struct Files {
    pub disk: Arc<dyn Disk>,
    pub directory: PathBuf,
    pub active: Arc<dyn DiskFile>,
}

impl Files {
    /// Writes and syncs. A segment is synced before its successor is named, so that only the last
    /// one can have an incomplete tail.
    fn keep(&mut self, batch: &mut Batch) -> io::Result<()> {
        for run in &mut batch.runs {
            match run.segment.take() {
                Some(next) => self.begin(&next, &run.bytes)?,
                None if run.bytes.is_empty() => {}
                None => {
                    disk::write_all_at(self.active.as_ref(), &run.bytes, run.offset)?;
                    disk::retry(|| self.active.sync())?;
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, next: &Next, frames: &[u8]) -> io::Result<()> {
        let file = &next.prepared.file;
        disk::write_all_at(file.as_ref(), &next.header, 0)?;
        disk::write_all_at(file.as_ref(), frames, segment::HEADER_BYTES)?;
        disk::retry(|| file.sync())?;
        let path = self.directory.join(segment::file_name(next.number));
        disk::retry(|| self.disk.rename(&next.prepared.path, &path))?;
        disk::retry(|| self.disk.sync_dir(&self.directory))?;
        self.active = Arc::clone(file);
        Ok(())
    }
}

/// The newest records of a ledger that is not on disk.
pub(crate) struct Memory {
    records: Mutex<VecDeque<Arc<[u8]>>>,
    capacity: usize,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { records: Mutex::default(), capacity: capacity.max(1) }
    }

    fn keep(&self, batch: &Batch) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in &batch.entries {
            if records.len() >= self.capacity {
                records.pop_front();
            }
            records.push_back(Arc::from(batch.record(entry)));
        }
    }

    /// Kept records behind a number, oldest first, each with its own; at most `most`.
    pub(crate) fn behind(&self, seq: u64, most: usize) -> Vec<(u64, Arc<[u8]>)> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let first = records.front().and_then(|record| Record::parse(Arc::clone(record)).ok());
        let Some(first) = first.map(|record| record.seq()) else { return Vec::new() };
        let skipped = usize::try_from(seq.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        let numbers = first.max(seq.saturating_add(1))..;
        numbers.zip(records.iter().skip(skipped).take(most).cloned()).collect()
    }

    /// The kept records, oldest first.
    pub(crate) fn records(&self) -> Vec<Arc<[u8]>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
