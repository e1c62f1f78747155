//! A disk in memory that a power cut can befall: of what was not synced, each sector, each length and
//! each change of a folder may or may not have arrived.
//!
//! Folders are flat: a file is known by its whole path. Changes of names arrive in their order, as
//! with a journal; sectors arrive in any.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faramesh_ledger::{Disk, DiskFile, OpenMode};

use crate::seed::Seed;

const SECTOR_BYTES: usize = 512;

#[derive(Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that were written since the last sync.
    dirty: BTreeSet<usize>,
    locked: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Name(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    live: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: Vec<Change>,
    /// Rises with each power cut; files opened before it are dead.
    generation: u64,
}

impl State {
    fn change(&mut self, change: Change) {
        apply(&mut self.live, &change);
        self.pending.push(change);
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &Change) {
    match change {
        Change::Name(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        Change::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Change::Remove(path) => {
            names.remove(path);
        }
    }
}

/// A disk in memory that forgets what was not synced when its power is cut.
#[derive(Debug, Clone, Default)]
pub struct ForgetfulDisk(Arc<Mutex<State>>);

impl ForgetfulDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy that goes its own way, with nothing locked.
    #[must_use]
    pub fn fork(&self) -> Self {
        let state = self.state();
        let unlocked = |inode: &Inode| Inode {
            live: inode.live.clone(),
            durable: inode.durable.clone(),
            dirty: inode.dirty.clone(),
            locked: false,
        };
        let copy = State {
            inodes: state.inodes.iter().map(unlocked).collect(),
            live: state.live.clone(),
            durable: state.durable.clone(),
            pending: state.pending.clone(),
            generation: state.generation,
        };
        Self(Arc::new(Mutex::new(copy)))
    }

    /// What is in a file; `None` when there is none.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = *state.live.get(path)?;
        state.inodes.get(inode).map(|inode| inode.live.clone())
    }

    /// Replaces what is in a file, behind everybody's back; a new file is made when there is none.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let inode = Inode { live: bytes.to_vec(), durable: bytes.to_vec(), ..Inode::default() };
        state.inodes.push(inode);
        let number = state.inodes.len() - 1;
        state.live.insert(path.to_path_buf(), number);
        state.durable.insert(path.to_path_buf(), number);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the power: what was synced stays, the rest arrives or not as the seed has it. Open files
    /// fail from now on, and their locks are gone.
    pub fn power_cut(&self, seed: &mut Seed) {
        let mut state = self.state();
        state.generation += 1;
        let kept =
            usize::try_from(seed.below(u64::try_from(state.pending.len()).unwrap_or(0) + 1)).unwrap_or(0);
        let pending = std::mem::take(&mut state.pending);
        for change in pending.iter().take(kept) {
            apply(&mut state.durable, change);
        }
        state.live = state.durable.clone();
        for inode in &mut state.inodes {
            for sector in std::mem::take(&mut inode.dirty) {
                if seed.coin() {
                    arrive(inode, sector);
                }
            }
            inode.live = inode.durable.clone();
            inode.locked = false;
        }
    }
}

/// Brings one sector of a file to its durable form; a hole in front of it reads as zeros.
fn arrive(inode: &mut Inode, sector: usize) {
    let start = sector.saturating_mul(SECTOR_BYTES);
    let end = (start + SECTOR_BYTES).min(inode.live.len());
    if inode.durable.len() < end {
        inode.durable.resize(end, 0);
    }
    if let (Some(to), Some(from)) = (inode.durable.get_mut(start..end), inode.live.get(start..end)) {
        to.copy_from_slice(from);
    }
}

impl Disk for ForgetfulDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.live.keys().filter(|path| path.parent() == Some(directory));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let known = state.live.get(path).copied();
        let inode = match (known, mode) {
            (Some(inode), OpenMode::Create) => {
                // Emptying an existing file is not undone by a cut here, which only loses more.
                if let Some(inode) = state.inodes.get_mut(inode) {
                    (inode.live, inode.durable) = (Vec::new(), Vec::new());
                    inode.dirty.clear();
                }
                inode
            }
            (Some(inode), _) => inode,
            (None, OpenMode::Create | OpenMode::Lock) => {
                state.inodes.push(Inode::default());
                let inode = state.inodes.len() - 1;
                state.change(Change::Name(path.to_path_buf(), inode));
                inode
            }
            (None, _) => return Err(ErrorKind::NotFound.into()),
        };
        let generation = state.generation;
        drop(state);
        Ok(Arc::new(ForgetfulFile { disk: self.clone(), inode, generation }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.live.contains_key(from) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change(Change::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.live.contains_key(path) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change(Change::Remove(path.to_path_buf()));
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut state = self.state();
        for change in std::mem::take(&mut state.pending) {
            apply(&mut state.durable, &change);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct ForgetfulFile {
    disk: ForgetfulDisk,
    inode: usize,
    generation: u64,
}

impl ForgetfulFile {
    fn with<T>(&self, work: impl FnOnce(&mut Inode) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.generation != self.generation {
            return Err(io::Error::other("the power was cut"));
        }
        state.inodes.get_mut(self.inode).map(work).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl DiskFile for ForgetfulFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|inode| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(inode.live.len());
            let rest = inode.live.get(start..).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
                to.copy_from_slice(from);
            }
            length
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with(|inode| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = start.saturating_add(bytes.len());
            if inode.live.len() < end {
                inode.live.resize(end, 0);
            }
            if let Some(to) = inode.live.get_mut(start..end) {
                to.copy_from_slice(bytes);
            }
            inode.dirty.extend(start / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
            bytes.len()
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|inode| {
            for sector in std::mem::take(&mut inode.dirty) {
                arrive(inode, sector);
            }
        })
    }

    fn length(&self) -> io::Result<u64> {
        self.with(|inode| u64::try_from(inode.live.len()).unwrap_or(u64::MAX))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.with(|inode| {
            // As with emptying a file: a cut is not undone by a power cut here.
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            inode.live.resize(length, 0);
            inode.durable.truncate(length);
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.with(|inode| !std::mem::replace(&mut inode.locked, true))
    }
}

impl Drop for ForgetfulFile {
    fn drop(&mut self) {
        // Only the holder of a lock keeps such a file open; others open files to write and read.
        let _ = self.with(|inode| inode.locked = false);
    }
}
