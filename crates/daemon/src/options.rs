//! How a daemon is started.

use std::path::PathBuf;

/// Where decisions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerKind {
    /// Where the policy says: on disk in its `wal_dir`, or in its database.
    Disk,
    /// On disk, in this folder.
    DiskAt(PathBuf),
    /// In memory, for `faramesh dev`: gone with the process.
    Memory,
}

/// How a daemon is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The stack's folder.
    pub directory: PathBuf,
    /// The compiled policy.
    pub program: Vec<u8>,
    /// What the policy was compiled from, for people: `governance.fms`.
    pub policy_source: String,
    /// Who started the daemon, for the record of the policy.
    pub started_by: String,
    /// Whether this is `faramesh dev`.
    pub dev: bool,
    /// Where decisions are kept.
    pub ledger: LedgerKind,
    /// The user's home folder, where sockets are by default.
    pub home: PathBuf,
}
