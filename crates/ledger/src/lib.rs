//! The ledger: every decision is in it, in order, before its reply leaves. [`Ledger`] takes records
//! and hands out the only [`Receipt`]s; [`Reader`] and [`verify()`] read the same files without it.
//!
//! By topic: `queue` gives records their place, `commit` keeps them (`store`), `prepare` makes
//! segments, `frame` and `segment` are the bytes, `walk` reads and verifies them, `torn` judges the
//! end, `open` recovers, `manifest` and `sealer` tell what sealed segments hold, `compact` sends their
//! bodies to an `archive`, and `compacted` and `carry` are what stays. `snapshot` is what a start goes on from,
//! of a state that is a `fold`, `snapshots` makes them, and `sealed` is what they are made of. `backend` and `retry` serve ledgers
//! that are kept elsewhere, `index` and `indexer` find records fast, `follow` tells who listens, `feed`
//! gives every record to who copies, `checkpointer` signs (`signer`, `local_key`, `keeping`), `signatures` checks
//! what was signed, `expected` holds checkpoints that others kept against it.
//! Leaves out what records mean.

mod archive;
mod backend;
mod background;
mod begin_signing;
mod carry;
mod checkpoint_log;
mod checkpointer;
mod commit;
mod compact;
mod compacted;
mod damage;
mod disk;
mod durable;
mod expected;
mod feed;
mod filter;
mod fold;
mod follow;
mod frame;
mod ids;
mod index;
mod indexer;
mod keeping;
mod ledger;
mod local_key;
mod manifest;
mod open;
mod prepare;
mod queue;
mod reader;
mod receipt;
mod retry;
mod sealed;
mod sealer;
mod segment;
mod signatures;
mod signer;
mod snapshot;
mod snapshots;
mod store;
mod torn;
mod verify;
mod voucher;
mod walk;
mod ways;

pub use archive::{Archive, Archives, DEFAULT_ARCHIVE, FolderArchive, taken};
pub use backend::{Backend, Foundation, KeepError, Shelf, Waiting};
pub use checkpointer::CheckpointStatus;
pub use commit::Commit;
pub use compact::{CompactError, Compaction};
pub use compacted::ArchivedSegment;
pub use damage::{Damage, WalkError};
pub use disk::{Disk, DiskFile, OpenMode, RealDisk};
pub use expected::Expected;
pub use feed::{Fed, Feed};
pub use filter::{Filter, Wanted};
pub use fold::Fold;
pub use follow::{Event, Subscription, Waker};
pub use index::Cursor;
pub use keeping::{Notes, Signatures};
pub use ledger::{DEFAULT_MEMORY_RECORDS, Ledger, Status};
pub use local_key::{KeyFileError, LocalKey, LocalKeys};
pub use open::{Cut, OpenError, Opened, Options};
pub use reader::{Checkpoints, Hashes, Held, ReadError, Reader, Records, Whole};
pub use receipt::{Appended, Completion, Receipt, Unavailable};
pub use segment::MAX_NAME_BYTES;
pub use signer::{SignError, Signer, Signing, SigningError};
pub use snapshots::Alarm;
pub use verify::{
    Demands, HEARTBEAT, OddSnapshot, Progress, RecordsError, Report, Silence, verify, verify_against,
    verify_archived, verify_memory, verify_on, verify_pinned,
};
pub use walk::Location;
