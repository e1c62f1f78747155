//! Redis: one script for each kind of ceiling, so a lease is one step that nobody comes between.
//!
//! What Redis acknowledges can be lost: when it does not write every step to its disk, or when a replica takes over
//! that did not have it. Daemons that go on tell it what they hold; one that is gone cannot. Where that is not enough,
//! keep the budgets in Postgres.

use faramesh_state::limits::{Of, Share, WantOf};
use redis::{Client, Connection, IntoConnectionInfo, RedisError};

use crate::{Ask, Backend, FleetError, KEPT_SECONDS, LIMIT, Lessee, given, name};

/// Most that is counted: beyond it Lua's numbers are no whole ones any more.
const MOST: u64 = 1 << 53;

/// How long replicas may take to have a lease, in milliseconds.
const WAIT_MS: u32 = 1_000;

/// Leases of a sum: money and calls, each as `Terms::give` has it.
const SUM: &str = include_str!("sum.lua");
/// Leases of tokens of a bucket that Redis refills by its own clock.
const TOKENS: &str = include_str!("tokens.lua");

pub(crate) struct Redis {
    client: Client,
    connection: Option<Connection>,
    place: String,
    /// Replicas that must have a lease before it counts.
    replicas: u32,
}

impl Redis {
    pub fn at(url: &str) -> Result<Self, FleetError> {
        let (url, replicas) = replicas(url)?;
        let info = url.as_str().into_connection_info().map_err(|_| FleetError::Address)?;
        let place = format!("redis at {}", info.addr());
        let client = Client::open(info).map_err(|_| FleetError::Address)?;
        Ok(Self { client, connection: None, place, replicas })
    }

    pub fn place(&self) -> &str {
        &self.place
    }

    fn connection(&mut self) -> Result<&mut Connection, RedisError> {
        if self.connection.is_none() {
            let connection = self.client.get_connection_with_timeout(LIMIT)?;
            connection.set_read_timeout(Some(LIMIT))?;
            connection.set_write_timeout(Some(LIMIT))?;
            self.connection = Some(connection);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| RedisError::from((redis::ErrorKind::Io, "there is no connection")))
    }

    fn run(&mut self, script: &str, key: &str, arguments: &[String]) -> Result<Vec<u64>, FleetError> {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(key).arg(arguments);
        let replicas = self.replicas;
        let asked = self.connection().and_then(|connection| {
            let found = command.query::<Vec<u64>>(connection)?;
            let have = match replicas {
                0 => 0,
                _ => redis::cmd("WAIT").arg(replicas).arg(WAIT_MS).query::<u32>(connection)?,
            };
            Ok((found, have))
        });
        match asked {
            Ok((found, have)) if have >= replicas => Ok(found),
            // A replica that takes over would not know of it.
            Ok((_, have)) => Err(self.failed(format!("{have} of {replicas} replicas have the lease"))),
            Err(error) => {
                // Whatever became of the request, the next one gets a connection of its own.
                self.connection = None;
                Err(self.failed(told(&error)))
            }
        }
    }

    fn failed(&self, reason: String) -> FleetError {
        FleetError::Unreachable { place: self.place.clone(), reason }
    }
}

/// The address without `wait=N`, and that number.
fn replicas(url: &str) -> Result<(String, u32), FleetError> {
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), 0)) };
    let (own, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with("wait="));
    let replicas = own.first().and_then(|pair| pair.strip_prefix("wait=")).map(str::parse).transpose();
    let replicas = replicas.map_err(|_| FleetError::Address)?.unwrap_or(0);
    let rest = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
    Ok((rest, replicas))
}

/// What went wrong, without what was sent.
fn told(error: &RedisError) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    if error.is_connection_refusal() || error.is_io_error() || error.is_connection_dropped() {
        return "it cannot be reached".to_owned();
    }
    // Before it is told a password, it takes no request as long as a lease.
    let is_stranger = error.detail().is_some_and(|detail| detail.contains("unauthenticated"));
    if is_stranger || error.kind() == redis::ErrorKind::AuthenticationFailed {
        return "it does not accept the password, or wants one".to_owned();
    }
    match error.code() {
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => "it does not accept the password, or wants one".to_owned(),
        Some("READONLY") => "it is a replica, which takes no leases".to_owned(),
        Some(code) => format!("it refuses ({code})"),
        None => "it refuses, or speaks another protocol".to_owned(),
    }
}

impl Backend for Redis {
    fn lease(&mut self, lessee: &Lessee, ask: &Ask) -> Result<Option<Of>, FleetError> {
        // Braces keep all of a stack on one node of a cluster.
        let key = format!("faramesh:{{{}}}:{}", lessee.stack, name(&lessee.stack, &ask.want));
        match &ask.want.of {
            WantOf::Sum { money, calls, .. } => {
                let mut arguments = vec![lessee.instance.clone(), KEPT_SECONDS.to_string()];
                for (share, desired) in [(money, ask.desired), (calls, ask.desired_calls)] {
                    arguments.extend(numbers(share.as_ref(), desired));
                }
                let found = self.run(SUM, &key, &arguments)?;
                let [micros, all_micros, calls, all_calls] = found.as_slice() else {
                    return Err(self.failed("it answers nonsense".to_owned()));
                };
                Ok(given(&ask.want, (*micros, *all_micros), (*calls, *all_calls)))
            }
            WantOf::Tokens { count, period_ms, burst } => {
                let desired = ask.desired.max(1).max(u64::from(burst.div_ceil(16)));
                let arguments = [u64::from(*count), *period_ms, u64::from(*burst), desired]
                    .map(|number| number.to_string());
                let tokens = self.run(TOKENS, &key, &arguments)?.first().copied().unwrap_or(0);
                let tokens = u32::try_from(tokens).unwrap_or(0);
                Ok((tokens > 0).then_some(Of::Tokens { tokens, period_ms: *period_ms, burst: *burst }))
            }
        }
    }
}

/// `held need max desired`, or `-1` where nothing is bounded.
fn numbers(share: Option<&Share>, desired: u64) -> [String; 4] {
    match share {
        None => ["0", "0", "-1", "0"].map(str::to_owned),
        Some(share) => {
            [share.held, share.need, share.max, desired].map(|number| number.min(MOST).to_string())
        }
    }
}
