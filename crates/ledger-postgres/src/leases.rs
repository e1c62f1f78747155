//! What daemons have leased of ceilings that they share, in two tables beside those of the ledger. Each change is one
//! transaction behind a lock of the ceiling's name.

use tokio_postgres::Client;

use crate::address::Address;
use crate::error::{PostgresError, told};
use crate::link::{Failed, Link};

/// Longest time for one lease.
const LEASE_LIMIT: std::time::Duration = std::time::Duration::from_secs(2);
/// One lease in so many clears what nobody asked of for a hundred days.
const CLEAR_EVERY: u32 = 1_000;

const TABLES: &str = "SELECT pg_advisory_xact_lock(7046029254386353131); \
    CREATE SCHEMA IF NOT EXISTS faramesh; \
    CREATE TABLE IF NOT EXISTS faramesh.leases (name text, instance text, micros bigint NOT NULL, \
        calls bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (name, instance)); \
    CREATE TABLE IF NOT EXISTS faramesh.lease_buckets (name text PRIMARY KEY, missing numeric NOT NULL, \
        at timestamptz NOT NULL)";

/// Leases in a database.
pub struct Leases {
    address: Address,
    link: Option<Link>,
    made: u32,
}

/// What is leased of a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Micro-dollars.
    pub micros: u64,
    /// Calls.
    pub calls: u64,
}

impl Leases {
    /// Leases in the database at an address. Nothing is connected to yet.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, link: None, made: 0 }
    }

    /// Changes what one daemon has leased of a sum. `change` is given what all have and what this one has, and gives
    /// what this one has then.
    ///
    /// # Errors
    /// Nobody knows whether it was changed.
    pub fn sum(
        &mut self,
        name: &str,
        instance: &str,
        change: impl FnOnce(Row, Row) -> Row,
    ) -> Result<(), PostgresError> {
        self.transaction(async |client| {
            lock(client, name).await?;
            let query = "SELECT COALESCE(sum(micros), 0)::bigint, COALESCE(sum(calls), 0)::bigint, \
                COALESCE(sum(micros) FILTER (WHERE instance = $2), 0)::bigint, \
                COALESCE(sum(calls) FILTER (WHERE instance = $2), 0)::bigint FROM faramesh.leases WHERE name = $1";
            let row = client.query_one(query, &[&name, &instance]).await?;
            let number = |place: usize| {
                row.try_get::<_, i64>(place).map(|number| u64::try_from(number).unwrap_or(0))
            };
            let all = Row { micros: number(0)?, calls: number(1)? };
            let own = Row { micros: number(2)?, calls: number(3)? };
            let changed = change(all, own);
            let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            let keep = "INSERT INTO faramesh.leases (name, instance, micros, calls) VALUES ($1, $2, $3, $4) \
                ON CONFLICT (name, instance) DO UPDATE SET micros = $3, calls = $4, at = now()";
            client
                .execute(keep, &[&name, &instance, &signed(changed.micros), &signed(changed.calls)])
                .await
                .map(|_| ())
        })
    }

    /// Takes up to `desired` tokens of a bucket with room for `burst` (the third of `rate`), that gets back `count` in
    /// `period_ms` by the database's clock. Gives how many.
    ///
    /// # Errors
    /// Nobody knows whether any were taken.
    pub fn tokens(&mut self, name: &str, rate: (u32, u64, u32), desired: u64) -> Result<u64, PostgresError> {
        let (count, period_ms, burst) = rate;
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (count, burst) = (i64::from(count), i64::from(burst));
        let (period, desired) = (signed(period_ms), signed(desired));
        let mut taken = 0;
        self.transaction(async |client| {
            lock(client, name).await?;
            // Everything is in token-milliseconds: a refill is `count` of them a millisecond, a token is `period`.
            let query = "WITH known AS (SELECT missing, at FROM faramesh.lease_buckets WHERE name = $1), \
                refilled AS (SELECT GREATEST(0, LEAST(COALESCE((SELECT missing FROM known), 0), $4::bigint::numeric * $3::bigint) \
                    - $2::bigint * GREATEST(0, floor(EXTRACT(EPOCH FROM clock_timestamp() \
                        - COALESCE((SELECT at FROM known), clock_timestamp())) * 1000))) AS missing), \
                given AS (SELECT missing, LEAST($5::bigint::numeric, \
                    floor(($4::bigint::numeric * $3::bigint - missing) / $3::bigint)) AS tokens FROM refilled) \
                INSERT INTO faramesh.lease_buckets (name, missing, at) \
                SELECT $1, missing + tokens * $3::bigint, clock_timestamp() FROM given \
                ON CONFLICT (name) DO UPDATE SET missing = excluded.missing, \
                    at = GREATEST(faramesh.lease_buckets.at, excluded.at) \
                RETURNING (SELECT tokens::bigint FROM given)";
            let row = client.query_one(query, &[&name, &count, &period, &burst, &desired]).await?;
            taken = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
            Ok(())
        })?;
        Ok(taken)
    }

    fn transaction(
        &mut self,
        work: impl AsyncFnOnce(&Client) -> Result<(), tokio_postgres::Error>,
    ) -> Result<(), PostgresError> {
        self.made = self.made.wrapping_add(1);
        let clears = self.made.is_multiple_of(CLEAR_EVERY);
        let mut link = match self.link.take() {
            Some(link) => link,
            None => {
                let mut link = Link::connect(&self.address)?;
                let made = link.run(LEASE_LIMIT, async |client| {
                    let tables = format!("BEGIN; {TABLES}; COMMIT");
                    client.batch_execute(&tables).await.map_err(|error| Failed::new(told(&error)))
                });
                made.map_err(|failed| link.unreachable(failed.reason))?;
                link
            }
        };
        let done = link.run(LEASE_LIMIT, async |client| {
            let all = async {
                client.batch_execute("BEGIN").await?;
                work(client).await?;
                if clears {
                    client
                        .batch_execute("DELETE FROM faramesh.leases WHERE at < now() - interval '100 days'")
                        .await?;
                }
                client.batch_execute("COMMIT").await
            };
            all.await.map_err(|error: tokio_postgres::Error| Failed::new(told(&error)))
        });
        match done {
            Ok(()) => {
                self.link = Some(link);
                Ok(())
            }
            // Whatever became of it, the next one gets a connection of its own.
            Err(failed) => Err(link.unreachable(failed.reason)),
        }
    }
}

async fn lock(client: &Client, name: &str) -> Result<(), tokio_postgres::Error> {
    client.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&name]).await.map(|_| ())
}
