//! What can go wrong with a ledger in Postgres, told without the password of its address and without
//! the contents of records.

use std::error::Error;

use faramesh_ledger::OpenError;

use crate::address::AddressError;

/// A row of the ledger is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}, instance `{instance}`, record {seq}: `{field}` is {found}, expected {expected}")]
pub struct TableDamage {
    /// The table.
    pub table: &'static str,
    /// The daemon whose chain it is.
    pub instance: String,
    /// The number of the record that stands there or should.
    pub seq: u64,
    /// The part that is wrong: a member of the record or a column of the table.
    pub field: String,
    /// What would be right.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Why a ledger in Postgres cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The database does not answer, or refuses.
    #[error("the ledger's database {place} cannot be used: {reason}")]
    Unreachable {
        /// The address, without its password.
        place: String,
        /// What the database or the network says.
        reason: String,
    },
    /// The tables are those of a newer version.
    #[error(
        "the ledger's tables are of version {found}, and this faramesh knows {known}; install a newer one"
    )]
    Newer {
        /// The version of the tables.
        found: i32,
        /// The version that this program writes.
        known: i32,
    },
    /// The tables are not there, and could not be made.
    #[error("the ledger's tables cannot be made: {reason}; let the owner of the database make them once")]
    NotMigrated {
        /// What the database says.
        reason: String,
    },
    /// Another process writes this chain.
    #[error(
        "another process writes the ledger of instance `{instance}`; give each daemon its own `instance_id`"
    )]
    Locked {
        /// The daemon whose chain it is.
        instance: String,
    },
    /// Recorded history is not as it was written.
    #[error(transparent)]
    Damage(Box<TableDamage>),
    /// The ledger did not begin its epoch.
    #[error(transparent)]
    Ledger(#[from] OpenError),
}

/// What a failed request says, in one line.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", error.message(), error.code().code());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
