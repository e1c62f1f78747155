//! The tables: made by whoever starts first and may, checked by everybody. Migrations run in order,
//! each in one transaction behind an advisory lock, and each may be run again.

use tokio_postgres::Client;

use crate::error::{PostgresError, told};
use crate::link::{Failed, Link, MIGRATION_LIMIT};

/// Every migration; its place, counted from 1, is the version that it leads to.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// The version that this program reads and writes.
pub(crate) fn known() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Makes the tables when they are not there, and refuses those of a newer version.
pub(crate) fn migrate(link: &mut Link) -> Result<(), PostgresError> {
    let found = version(link)?;
    if found > known() {
        return Err(PostgresError::Newer { found, known: known() });
    }
    let from = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(from) {
        let applied = link.run(MIGRATION_LIMIT, async |client| apply(client, migration).await);
        applied.map_err(|failed| PostgresError::NotMigrated { reason: failed.reason })?;
    }
    Ok(())
}

/// Refuses tables of another version than this program's.
pub(crate) fn check(link: &mut Link) -> Result<(), PostgresError> {
    let (found, known) = (version(link)?, known());
    if found > known {
        return Err(PostgresError::Newer { found, known });
    }
    if found < known {
        let reason = format!("they are of version {found}, not {known}");
        return Err(PostgresError::NotMigrated { reason });
    }
    Ok(())
}

async fn apply(client: &Client, migration: &str) -> Result<(), Failed> {
    let begun = client.batch_execute("BEGIN; SET LOCAL statement_timeout = '50s'").await;
    begun.map_err(|error| Failed::new(told(&error)))?;
    let applied = client.batch_execute(migration).await;
    let end = if applied.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = client.batch_execute(end).await;
    applied.and(ended).map_err(|error| Failed::new(told(&error)))
}

/// The version of the tables; 0 when there are none.
fn version(link: &mut Link) -> Result<i32, PostgresError> {
    let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
                 ON n.oid = c.relnamespace WHERE n.nspname = 'faramesh' AND c.relname = 'schema_version')";
    let row = link.row(there, &[])?;
    if !row.and_then(|row| row.try_get::<_, bool>(0).ok()).unwrap_or(false) {
        return Ok(0);
    }
    let row = link.row("SELECT coalesce(max(version), 0) FROM faramesh.schema_version", &[])?;
    Ok(row.and_then(|row| row.try_get(0).ok()).unwrap_or(0))
}
