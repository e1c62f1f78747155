//! One connection to the database, used by one thread at a time: it blocks, and every wait ends.
//!
//! INVARIANT bounded: no request takes longer than the limit that is given with it; then the
//! connection counts as lost, because nobody knows what became of the request.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use crate::address::{Address, Protection};
use crate::error::{PostgresError, told};
use crate::tls;

/// How long connecting may take, all hosts together.
const CONNECT_LIMIT: Duration = Duration::from_secs(6);
/// How long one request may take. The server gives up a little earlier.
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How long making the tables may take.
pub(crate) const MIGRATION_LIMIT: Duration = Duration::from_secs(60);
/// How long the next row of a long reading may take.
pub(crate) const ROW_LIMIT: Duration = Duration::from_secs(60);

/// What every session is set to. A commit that does not wait for the disk would break the promise of a
/// receipt, so a session whose default is that does not keep it.
const SETTINGS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '90s'; SET client_encoding = 'UTF8'; SET timezone = 'UTC'; \
    SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Why a request did not come back well.
#[derive(Debug)]
pub(crate) struct Failed {
    pub reason: String,
}

impl Failed {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// The server's name for a session, to end it from another when it hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pid: i32,
    started: String,
}

pub(crate) struct Link {
    runtime: Runtime,
    client: Client,
    place: String,
    pub session: Session,
}

impl Link {
    pub(crate) fn connect(address: &Address) -> Result<Self, PostgresError> {
        let place = address.to_string();
        let unreachable = |reason: String| PostgresError::Unreachable { place: address.to_string(), reason };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
        let tls = match address.protection {
            Protection::None => None,
            _ => Some(tls::connector(address)?),
        };
        let connecting = async {
            let client = match tls {
                Some(tls) => {
                    let (client, connection) = address.config.connect(tls).await?;
                    // What ends the connection is told by the request that needs it.
                    tokio::spawn(async move { connection.await.ok() });
                    client
                }
                None => {
                    let (client, connection) = address.config.connect(NoTls).await?;
                    tokio::spawn(async move { connection.await.ok() });
                    client
                }
            };
            client.batch_execute(SETTINGS).await?;
            let own = "SELECT pid, backend_start::text FROM pg_catalog.pg_stat_activity \
                       WHERE pid = pg_backend_pid()";
            let row = client.query_one(own, &[]).await?;
            Ok((client, Session { pid: row.try_get(0)?, started: row.try_get(1)? }))
        };
        let connected = runtime.block_on(async { tokio::time::timeout(CONNECT_LIMIT, connecting).await });
        match connected {
            Ok(Ok((client, session))) => Ok(Self { runtime, client, place, session }),
            Ok(Err(error)) => Err(unreachable(told(&error))),
            Err(_) => Err(unreachable("it does not answer".to_owned())),
        }
    }

    /// Runs requests within a limit.
    pub(crate) fn run<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let (runtime, client) = (&self.runtime, &self.client);
        let done = runtime.block_on(async { tokio::time::timeout(limit, work(client)).await });
        done.unwrap_or_else(|_| Err(Failed::new("it does not answer in time")))
    }

    /// Runs work that bounds its own waits.
    pub(crate) fn long<T>(&mut self, work: impl AsyncFnOnce(&Client) -> T) -> T {
        self.runtime.block_on(work(&self.client))
    }

    /// One row of a query, or none.
    pub(crate) fn row(
        &mut self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, PostgresError> {
        let row = self.run(REQUEST_LIMIT, async |client| {
            client.query_opt(query, params).await.map_err(|error| Failed::new(told(&error)))
        });
        row.map_err(|failed| self.unreachable(failed.reason))
    }

    pub(crate) fn unreachable(&self, reason: impl Into<String>) -> PostgresError {
        PostgresError::Unreachable { place: self.place.clone(), reason: reason.into() }
    }

    /// Takes the lock of a chain; false when another session has it. It ends with the session.
    pub(crate) fn lock(&mut self, stack: &str, instance: &str) -> Result<bool, PostgresError> {
        let name = format!("faramesh\u{1f}{stack}\u{1f}{instance}");
        let query = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
        let row = self.row(query, &[&name])?;
        Ok(row.and_then(|row| row.try_get(0).ok()).unwrap_or(false))
    }

    /// Ends another session of this role, when it is still there.
    pub(crate) fn end(&mut self, session: &Session) -> Result<(), PostgresError> {
        let query = "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                     WHERE pid = $1 AND backend_start::text = $2";
        self.row(query, &[&session.pid, &session.started]).map(|_| ())
    }
}
