//! What a policy declares of a sink, with its secrets resolved, and the sink that this makes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::alerts::{Alerts, Channel, Teller};
use crate::file::LineFile;
use crate::otlp::Otlp;
use crate::secret::Secret;
use crate::signature::SigningSecret;
use crate::sink::{Failure, Sink};
use crate::stderr::Stderr;
use crate::webhook::Webhook;

/// Most records of a batch, whatever is declared.
pub(crate) const MAX_BATCH_RECORDS: usize = 10_000;

/// A sink of a policy.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name in the policy, by which its cursor is kept.
    pub name: String,
    /// Where records go.
    pub destination: Destination,
    /// Where a sink without a cursor begins.
    pub from: From,
    /// How much goes at once.
    pub limits: Limits,
}

/// Where a sink without a cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum From {
    /// At the ledger's first record.
    #[default]
    Beginning,
    /// Behind the last record that there is when the sink is put in force.
    Now,
}

/// How much goes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most records of a batch, 1 to 10,000.
    pub records: usize,
    /// A batch ends with the record that makes it so many bytes.
    pub bytes: usize,
    /// Longest wait for a batch to fill.
    pub wait: Duration,
}

/// Where records go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// The daemon's standard error.
    Stderr,
    /// A file of JSON lines.
    File {
        /// The file.
        path: PathBuf,
        /// Size at which it is set aside and a new one begun, in bytes.
        max_bytes: u64,
        /// Folders that it must not lie in, because the daemon's own files are there.
        apart_from: Vec<PathBuf>,
    },
    /// A web server.
    Webhook {
        /// Its address.
        address: Address,
        /// What requests are signed with.
        secret: SigningSecret,
        /// Sent as `authorization: Bearer …`.
        token: Option<Secret>,
        /// Longest time for one request.
        timeout: Duration,
        /// Certificates that the server's is checked against, in PEM, instead of the system's.
        authorities: Option<PathBuf>,
    },
    /// A collector of OpenTelemetry.
    Otlp {
        /// Its address, below which are `v1/logs` and `v1/traces`.
        address: Address,
        /// Sent as `authorization`.
        authorization: Option<Secret>,
        /// Longest time for one request.
        timeout: Duration,
        /// Certificates that the server's is checked against, in PEM, instead of the system's.
        authorities: Option<PathBuf>,
    },
    /// People, who are told of some records.
    Alerts {
        /// Picks the records and says what is told of them.
        teller: Arc<dyn Teller>,
        /// How people are reached.
        channel: Channel,
    },
    /// One that cannot be used until its declaration or the daemon's environment changes.
    Unusable {
        /// Its type.
        kind: &'static str,
        /// What is wrong and what to do.
        why: String,
    },
}

impl Destination {
    /// The type in the policy.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stderr => "stderr-sink",
            Self::File { .. } => "file-sink",
            Self::Webhook { .. } => "webhook-sink",
            Self::Otlp { .. } => "otlp-sink",
            Self::Alerts { channel, .. } => channel.kind(),
            Self::Unusable { kind, .. } => kind,
        }
    }

    /// Where records go, without secrets.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Stderr => "stderr".to_owned(),
            Self::File { path, .. } => path.display().to_string(),
            Self::Webhook { address, .. } | Self::Otlp { address, .. } => address.to_string(),
            Self::Alerts { channel, .. } => channel.shown(),
            Self::Unusable { .. } => String::new(),
        }
    }

    /// The sink.
    ///
    /// # Errors
    /// It cannot be used now.
    pub(crate) fn open(&self) -> Result<Box<dyn Sink>, Failure> {
        Ok(match self {
            Self::Stderr => {
                let opened = Stderr::open();
                Box::new(opened.map_err(|error| Failure::lasting(format!("no standard error: {error}")))?)
            }
            Self::File { path, max_bytes, apart_from } => {
                Box::new(LineFile::open(path, *max_bytes, apart_from)?)
            }
            Self::Webhook { address, secret, token, timeout, authorities } => {
                let authorities = authorities.as_deref();
                Box::new(Webhook::new(address, secret, token.as_ref(), *timeout, authorities)?)
            }
            Self::Otlp { address, authorization, timeout, authorities } => {
                Box::new(Otlp::new(address, authorization.as_ref(), *timeout, authorities.as_deref())?)
            }
            Self::Alerts { teller, channel } => Box::new(Alerts::new(Arc::clone(teller), channel.clone())?),
            Self::Unusable { why, .. } => return Err(Failure::lasting(why.clone())),
        })
    }
}
