//! Opening a folder: verify everything (or what no snapshot tells of), replay it, cut an incomplete tail, begin a new epoch. Only
//! when all of that went well are records taken.
//!
//! INVARIANT no repair drops a verifiable record: what is cut is an incomplete batch that nobody was
//! told of; its bytes are set aside in a file, and the cut is the new epoch's first record.

mod error;
mod start;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Draft, Hash, Kind, Record};

pub use self::error::OpenError;
pub(crate) use self::start::Reading;
use self::start::Start;
use crate::begin_signing::Begin;
use crate::commit::Shared;
use crate::compact;
use crate::disk::{self, Disk, DiskFile, OpenMode, RealDisk};
use crate::durable;
use crate::fold::{Fold, Replay};
use crate::ids::Ids;
use crate::indexer::IndexerHandle;
use crate::keeping::Log;
use crate::ledger::{Ledger, Source};
use crate::prepare::{self, Pace, Preparer};
use crate::queue::{Queue, Room};
use crate::sealer::Sealer;
use crate::segment::{self, Header, MAX_NAME_BYTES};
use crate::signatures::CheckpointEnd;
use crate::signer::Signing;
use crate::snapshots::{Alarm, Basis, Snapshots};
use crate::store::{Files, Store};
use crate::voucher::Voucher;
use crate::walk::End;

/// How long the first record of an epoch may take.
const FIRST_RECORD_TIMEOUT: Duration = Duration::from_secs(30);

/// Where and how a ledger is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the segments; made when absent.
    pub directory: PathBuf,
    /// The stack, at most 200 bytes; a folder belongs to one.
    pub stack: String,
    /// This daemon process, at most 200 bytes.
    pub instance: String,
    /// Size of a segment.
    pub segment_bytes: u64,
    /// Size of the first segment, small so that an empty ledger opens at once.
    pub first_segment_bytes: u64,
    /// Size of the segment that stands ready for a full disk; 0 for none.
    pub reserve_bytes: u64,
    /// Whether an index is kept beside the segments.
    pub index: bool,
    /// How the ledger is signed; `None` makes no checkpoints and announces nothing, for tools.
    pub signing: Option<Signing>,
    /// The disk; tests bring another.
    pub disk: Arc<dyn Disk>,
}

impl Options {
    /// A ledger with the usual sizes: segments of 64 MiB, a first one of 8 MiB, a reserve of 64 MiB.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, stack: &str, instance: &str) -> Self {
        Self {
            directory: directory.into(),
            stack: stack.to_owned(),
            instance: instance.to_owned(),
            segment_bytes: 64 << 20,
            first_segment_bytes: 8 << 20,
            reserve_bytes: 64 << 20,
            index: true,
            signing: None,
            disk: Arc::new(RealDisk),
        }
    }
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Records in the ledger, the new epoch's first one included.
    pub records: u64,
    /// The tail that was cut.
    pub cut: Option<Cut>,
    /// The new epoch.
    pub epoch: u64,
    /// The hash of the last record.
    pub last_hash: Hash,
    /// The segment up to whose end records were not replayed, because a snapshot tells what they come to.
    pub snapshot: Option<u64>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// An incomplete tail that was cut: records that were being written when the daemon ended and that
/// nobody was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub file: PathBuf,
    /// Where the cut is.
    pub offset: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// Where they are now.
    pub saved_as: PathBuf,
}

fn io_error(file: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
    move |error| OpenError::Io { file: file.into(), error }
}

fn check_names(options: &Options) -> Result<(), OpenError> {
    for (what, name) in [("stack", &options.stack), ("instance", &options.instance)] {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(OpenError::Name(what));
        }
    }
    Ok(())
}

impl Ledger {
    /// Opens a folder: verifies all of it, calls `replay` with every record in order (the new epoch's
    /// first one included), cuts an incomplete tail, and begins a new epoch.
    ///
    /// # Errors
    /// The folder is in use, is another stack's, is damaged, or cannot be written.
    pub fn open(
        options: Options,
        now: Timestamp,
        replay: &mut dyn FnMut(&Record),
    ) -> Result<(Self, Opened), OpenError> {
        Self::open_with(options, now, &mut Replay::Each(replay), None)
    }

    /// [`Ledger::open`] for a state that can be saved: it is loaded from the newest snapshot that holds, only
    /// the records behind that are verified and replayed, and those before it are read behind this, by a
    /// thread of the ledger. Until that has come to its end, [`Status::unchecked`] tells of it. When it finds
    /// damage, the ledger takes nothing more, and `alarm` is called with what [`OpenError`] would have said.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_folded(
        options: Options,
        now: Timestamp,
        fold: &mut dyn Fold,
        alarm: Alarm,
    ) -> Result<(Self, Opened), OpenError> {
        Self::open_with(options, now, &mut Replay::State(fold), Some(alarm))
    }

    fn open_with(
        options: Options,
        now: Timestamp,
        replay: &mut Replay<'_>,
        alarm: Option<Alarm>,
    ) -> Result<(Self, Opened), OpenError> {
        check_names(&options)?;
        let disk = Arc::clone(&options.disk);
        let lock = lock(disk.as_ref(), &options.directory)?;
        remove_temporaries(disk.as_ref(), &options.directory)?;
        let Start { walk, mut checkpoints, last_id, from, made, agents, mut warnings } =
            start::read(&options, now, replay)?;
        compact::settle(disk.as_ref(), &options.directory, &walk.compactions)?;
        let (end, chain, compactions) = (walk.end().cloned(), walk.chain, walk.compactions);
        let recovered = match end {
            Some(end) => recover(&options, &end, chain.epoch() + 1)?,
            None => Recovered::begin(&options)?,
        };
        let Recovered { active, room, cut, warnings: of_recovery } = recovered;
        warnings.extend(of_recovery);
        if checkpoints.incomplete > 0 {
            warnings.push(format!("cut an incomplete checkpoint of {} bytes", checkpoints.incomplete));
        }
        // The first records of the epoch may go on to another segment.
        let first_unsealed = room.number;
        let queue = Queue::new(&options.stack, &options.instance, chain, Ids::after(last_id), room);
        let mut ledger = Self::begin(&options, queue, active, lock);
        ledger.begin_epoch(now, cut.as_ref(), &mut |record| {
            // The ledger's own first record announces no key.
            let _ = checkpoints.signed.record(record, &record.hash());
            replay.record(record);
        })?;
        if let Some(signing) = &options.signing {
            let CheckpointEnd { signed, offset, .. } = checkpoints;
            let log = || Log::of_folder(disk.as_ref(), &options.directory, offset);
            Begin { signing, now }.run(&ledger, signed, log, &mut |record| replay.record(record))?;
        }
        let sealing = Arc::clone(&ledger.shared);
        let sealer = Sealer::start(disk, &options.directory, sealing, first_unsealed, agents, compactions);
        let snapshot = from.as_ref().map(|from| from.segment);
        if let (Some(fold), Some(alarm)) = (replay.fresh(), alarm) {
            let voucher = Voucher::of(options.signing.as_ref());
            let shared = Arc::clone(&ledger.shared);
            ledger.snapshots =
                Some(Snapshots::start(&sealer, shared, fold, voucher, Basis { from, made }, alarm));
        }
        ledger.sealer = Some(sealer);
        if options.index {
            ledger.indexer = Some(IndexerHandle::start(&options.directory, Arc::clone(&ledger.shared)));
        }
        let status = ledger.status();
        let (records, epoch, last_hash) = (status.records, status.epoch, status.last_hash);
        Ok((ledger, Opened { records, cut, epoch, last_hash, snapshot, warnings }))
    }

    /// The ledger with its threads, before its first record.
    fn begin(options: &Options, queue: Queue, active: Arc<dyn DiskFile>, lock: Arc<dyn DiskFile>) -> Self {
        let (disk, directory) = (Arc::clone(&options.disk), options.directory.clone());
        let (segment_bytes, reserve_bytes) = (options.segment_bytes, options.reserve_bytes);
        let preparer = Preparer::new(Arc::clone(&disk), &directory, segment_bytes, reserve_bytes);
        let store = Store::Files(Files { disk, directory: directory.clone(), active });
        let ledger = Self {
            shared: Arc::new(Shared::new(queue, store, Some(preparer))),
            source: Source::Directory(directory),
            threads: Mutex::default(),
            indexer: None,
            sealer: None,
            snapshots: None,
            _lock: Some(lock),
        };
        ledger.spawn("ledger-commit", Shared::commit_loop);
        ledger.spawn("ledger-prepare", Shared::prepare_loop);
        ledger
    }

    pub(crate) fn begin_epoch(
        &self,
        now: Timestamp,
        cut: Option<&Cut>,
        replay: &mut dyn FnMut(&Record),
    ) -> Result<(), OpenError> {
        let mut detail: Object = [("event", Value::from("epoch_started"))].into_iter().collect();
        if let Some(cut) = cut {
            let name =
                |path: &Path| Value::from(path.file_name().unwrap_or_default().to_string_lossy().as_ref());
            let cut: Object = [
                ("bytes", Value::from(cut.bytes)),
                ("file", name(&cut.file)),
                ("offset", Value::from(cut.offset)),
                ("saved_as", name(&cut.saved_as)),
            ]
            .into_iter()
            .collect();
            detail.insert("cut", cut);
        }
        self.append_replayed(Draft::event(Kind::Lifecycle, detail), now, replay)
    }

    /// Appends a record of the ledger's own, while it is opened and nobody else appends.
    pub(crate) fn append_replayed(
        &self,
        draft: Draft<'_>,
        now: Timestamp,
        replay: &mut dyn FnMut(&Record),
    ) -> Result<(), OpenError> {
        let followed = self.subscribe(1, None);
        self.append_and_wait(draft, now, FIRST_RECORD_TIMEOUT).map_err(OpenError::Write)?;
        if let Some(crate::Event::Record(bytes)) = followed.next_within(FIRST_RECORD_TIMEOUT)
            && let Ok(record) = Record::parse(bytes)
        {
            replay(&record);
        }
        Ok(())
    }
}

fn lock(disk: &dyn Disk, directory: &Path) -> Result<Arc<dyn DiskFile>, OpenError> {
    disk::retry(|| disk.create_dir(directory)).map_err(io_error(directory))?;
    let path = directory.join("lock");
    let file = disk::retry(|| disk.open(&path, OpenMode::Lock)).map_err(io_error(&path))?;
    if !disk::retry(|| file.try_lock()).map_err(io_error(&path))? {
        return Err(OpenError::Locked(directory.into()));
    }
    Ok(file)
}

fn remove_temporaries(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    let names = disk::retry(|| disk.list(directory)).map_err(io_error(directory))?;
    for name in names.iter().filter(|name| prepare::is_temporary(name) || durable::is_temporary(name)) {
        let path = directory.join(name);
        disk::retry(|| disk.remove(&path)).map_err(io_error(&path))?;
    }
    Ok(())
}

struct Recovered {
    active: Arc<dyn DiskFile>,
    room: Room,
    cut: Option<Cut>,
    warnings: Vec<String>,
}

impl Recovered {
    /// The first segment of a new ledger.
    fn begin(options: &Options) -> Result<Self, OpenError> {
        let (disk, directory) = (&options.disk, &options.directory);
        let preparer = Preparer::new(Arc::clone(disk), directory, options.first_segment_bytes, 0);
        let prepared = preparer.prepare(&mut preparer.attempts(), segment::HEADER_BYTES, Pace::Urgent);
        let prepared = prepared.map_err(OpenError::Write)?;
        let header = Header {
            number: 1,
            capacity: prepared.capacity,
            epoch: 1,
            first_seq: 1,
            prev: faramesh_dpr::GENESIS,
            stack: options.stack.as_str().into(),
            instance: options.instance.as_str().into(),
        };
        let path = directory.join(segment::file_name(1));
        let named = disk::write_all_at(prepared.file.as_ref(), &header.encode(), 0)
            .and_then(|()| disk::retry(|| prepared.file.sync()))
            .and_then(|()| disk::retry(|| disk.rename(&prepared.path, &path)))
            .and_then(|()| disk::retry(|| disk.sync_dir(directory)));
        named.map_err(io_error(&path))?;
        let end = prepared.capacity;
        let room = Room { number: 1, offset: segment::HEADER_BYTES, end, ..Room::default() };
        Ok(Self { active: prepared.file, room, cut: None, warnings: Vec::new() })
    }
}

/// Makes the last segment writable behind its last good frame.
fn recover(options: &Options, end: &End, epoch: u64) -> Result<Recovered, OpenError> {
    let (disk, directory) = (options.disk.as_ref(), &options.directory);
    let path = directory.join(segment::file_name(end.segment));
    let file = disk::retry(|| disk.open(&path, OpenMode::Write)).map_err(io_error(&path))?;
    let (mut warnings, mut cut) = (Vec::new(), None);
    if end.incomplete > 0 {
        let saved_as = directory.join(format!("{:08}.cut-{epoch}", end.segment));
        let bytes = u64::try_from(end.incomplete).unwrap_or(u64::MAX);
        let done = set_aside(disk, directory, file.as_ref(), end, &saved_as);
        done.map_err(io_error(&path))?;
        warnings.push(format!("cut an incomplete tail of {bytes} bytes from {}", path.display()));
        cut = Some(Cut { file: path.clone(), offset: end.offset, bytes, saved_as });
    }
    if end.file_length < end.capacity {
        let filled = prepare::fill(file.as_ref(), end.file_length, end.capacity, Pace::Urgent)
            .and_then(|()| disk::retry(|| file.sync()));
        filled.map_err(io_error(&path))?;
        warnings.push(format!("{} was shorter than it must be", path.display()));
    }
    let room = Room { number: end.segment, offset: end.offset, end: end.capacity, ..Room::default() };
    Ok(Recovered { active: file, room, cut, warnings })
}

/// Copies the tail to a file of its own, then puts zeros in its place.
fn set_aside(
    disk: &dyn Disk,
    directory: &Path,
    file: &dyn DiskFile,
    end: &End,
    saved_as: &Path,
) -> io::Result<()> {
    let mut tail = vec![0; end.incomplete];
    let read = disk::read_full_at(file, &mut tail, end.offset)?;
    tail.truncate(read);
    let copy = disk::retry(|| disk.open(saved_as, OpenMode::Create))?;
    disk::write_all_at(copy.as_ref(), &tail, 0)?;
    disk::retry(|| copy.sync())?;
    disk::retry(|| disk.sync_dir(directory))?;
    let to = end.offset.saturating_add(u64::try_from(tail.len()).unwrap_or(u64::MAX));
    prepare::fill(file, end.offset, to, Pace::Urgent)?;
    disk::retry(|| file.sync())
}
