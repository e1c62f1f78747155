//! A disk whose n-th operation of a kind fails, once or from then on.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use faramesh_ledger::{Disk, DiskFile, OpenMode};

/// A kind of operation on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Writing to a file.
    Write,
    /// Syncing a file or a folder.
    Sync,
    /// Opening a file.
    Open,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An I/O error.
    Io,
    /// No space is left.
    Full,
    /// Interrupted by a signal.
    Interrupted,
    /// A write takes half of what it was given; on other operations, an I/O error.
    Short,
}

/// How often it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// From then on.
    Forever,
}

#[derive(Debug)]
struct Plan {
    operation: Operation,
    /// The operation that fails, from 1; 0 for none.
    nth: u64,
    fault: Fault,
    times: Times,
    seen: AtomicU64,
    /// No file can grow.
    full: AtomicBool,
}

impl Plan {
    /// The fault of this operation, if it has one.
    fn strike(&self, operation: Operation) -> Option<Fault> {
        if operation != self.operation {
            return None;
        }
        let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        let struck = self.nth > 0 && (seen == self.nth || (self.times == Times::Forever && seen > self.nth));
        struck.then_some(self.fault)
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        self.strike(operation).map_or(Ok(()), |fault| Err(error_of(fault)))
    }
}

fn error_of(fault: Fault) -> io::Error {
    match fault {
        Fault::Io | Fault::Short => io::Error::other("the disk failed on purpose"),
        Fault::Full => ErrorKind::StorageFull.into(),
        Fault::Interrupted => ErrorKind::Interrupted.into(),
    }
}

/// Fails as planned, and is the disk behind it otherwise.
#[derive(Debug, Clone)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    plan: Arc<Plan>,
}

impl FaultyDisk {
    /// Fails the `nth` operation of a kind, from 1; 0 counts only.
    #[must_use]
    pub fn new(inner: Arc<dyn Disk>, operation: Operation, nth: u64, fault: Fault, times: Times) -> Self {
        let plan =
            Plan { operation, nth, fault, times, seen: AtomicU64::new(0), full: AtomicBool::new(false) };
        Self { inner, plan: Arc::new(plan) }
    }

    /// Lets no file grow from now on, or lets them grow again. What is preallocated can be written.
    pub fn fill_up(&self, full: bool) {
        self.plan.full.store(full, Ordering::SeqCst);
    }

    /// How many operations of the kind were made.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.plan.seen.load(Ordering::SeqCst)
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.inner.list(directory)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        self.plan.check(Operation::Open)?;
        Ok(Arc::new(FaultyFile { inner: self.inner.open(path, mode)?, plan: Arc::clone(&self.plan) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plan.check(Operation::Rename)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.plan.check(Operation::Remove)?;
        self.inner.remove(path)
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        self.plan.check(Operation::Sync)?;
        self.inner.sync_dir(directory)
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn DiskFile>,
    plan: Arc<Plan>,
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let end = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.plan.full.load(Ordering::SeqCst) && end > self.inner.length()? {
            return Err(error_of(Fault::Full));
        }
        match self.plan.strike(Operation::Write) {
            None => self.inner.write_at(bytes, offset),
            Some(Fault::Short) if bytes.len() > 1 => {
                self.inner.write_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), offset)
            }
            Some(fault) => Err(error_of(fault)),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.check(Operation::Sync)?;
        self.inner.sync()
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.plan.check(Operation::Write)?;
        self.inner.set_length(length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.inner.try_lock()
    }
}
