//! A generic webhook: a batch is one POST of JSON lines, signed as Standard Webhooks has it. A 2xx means
//! that the receiver has the records; anything else means that they come again.
//!
//! TLS is verified always: against the system's authorities, or against those that the policy names.
//! Redirects are not followed, because what was signed for one place is not meant for another.
//! INVARIANT silent: no message holds the address's path, a secret, or what the receiver said.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use ureq::http::{HeaderMap, StatusCode, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Error};

use crate::address::Address;
use crate::cursor::hex;
use crate::secret::Secret;
use crate::signature::SigningSecret;
use crate::sink::{Batch, Failure, Retry, Sink};

/// How much of an answer is read, so that the connection can be used again.
pub(crate) const MAX_ANSWER_BYTES: u64 = 16 << 10;
/// Largest file of authorities, in bytes.
const MAX_AUTHORITIES_BYTES: u64 = 4 << 20;
/// Connections that wait for the next request.
const IDLE_CONNECTIONS: usize = 1;

pub(crate) struct Webhook {
    agent: Agent,
    address: Address,
    secret: SigningSecret,
    authorization: Option<Secret>,
    timeout: Duration,
}

impl Webhook {
    /// # Errors
    /// The authorities cannot be read.
    pub(crate) fn new(
        address: &Address,
        secret: &SigningSecret,
        token: Option<&Secret>,
        timeout: Duration,
        authorities: Option<&Path>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            agent: client(address, timeout, authorities)?,
            address: address.clone(),
            secret: secret.clone(),
            authorization: token.map(|token| Secret::new(&format!("Bearer {}", token.reveal()))),
            timeout,
        })
    }

    fn post(&self, id: &str, body: &[u8]) -> Result<(StatusCode, HeaderMap), Error> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut request = self
            .agent
            .post(self.address.as_str())
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", self.secret.sign(id, seconds, body));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.reveal());
        }
        let mut response = request.send(body)?;
        let (status, headers) = (response.status(), response.headers().clone());
        // The status has said everything; an answer that does not end costs its connection, no more.
        let _ = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        Ok((status, headers))
    }
}

/// A client for one address: TLS verified, no redirects, bounded time.
///
/// # Errors
/// The authorities cannot be read.
pub(crate) fn client(
    address: &Address,
    timeout: Duration,
    authorities: Option<&Path>,
) -> Result<Agent, Failure> {
    let roots = match authorities {
        Some(file) => read_authorities(file)?,
        None => RootCerts::PlatformVerifier,
    };
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let mut config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(IDLE_CONNECTIONS)
        .max_idle_connections_per_host(IDLE_CONNECTIONS)
        .user_agent(concat!("faramesh/", env!("CARGO_PKG_VERSION")));
    if address.is_local() {
        // What stays on this machine in plain text must not go through somebody else's proxy.
        config = config.proxy(None);
    }
    Ok(config.build().into())
}

impl Sink for Webhook {
    fn deliver(&mut self, batch: &Batch) -> Result<(), Failure> {
        let body = batch.to_lines();
        let (status, headers) = self
            .post(&id_of(batch, &body), &body)
            .map_err(|error| failure(&self.address, self.timeout, &error))?;
        judge(status, &headers, batch.records.len(), SystemTime::now())
    }
}

/// The same for the same records, however often they are sent: receivers drop what they have.
fn id_of(batch: &Batch, body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let digest = hex(digest.get(..8).unwrap_or_default());
    format!("records-{}-{}-{digest}", batch.first_seq, batch.last_seq)
}

pub(crate) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    records: usize,
    now: SystemTime,
) -> Result<(), Failure> {
    let number = status.as_u16();
    let asked = headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    let (why, retry) = match number {
        200..=299 => return Ok(()),
        413 if records > 1 => ("the batch is too large", Retry::Smaller),
        413 => ("a single record is too large for it", Retry::Slowly),
        408 | 425 | 429 | 500..=599 => ("it asks to come again", Retry::BackOff),
        410 => ("the receiver is gone for good: correct `url` or remove the sink", Retry::Slowly),
        401 | 403 => (
            "it does not accept what proves this daemon: `secret`, `token` or `authorization`",
            Retry::Slowly,
        ),
        404 => ("there is no receiver: correct `url`", Retry::Slowly),
        300..=399 => ("redirects are not followed: write the address it leads to as `url`", Retry::Slowly),
        _ => ("it refuses the records", Retry::Slowly),
    };
    let retry = match (retry, asked) {
        (Retry::BackOff, Some(asked)) => Retry::After(asked),
        (retry, _) => retry,
    };
    Err(Failure { message: format!("the receiver answered {number}: {why}"), retry })
}

/// `Retry-After`: seconds, or a date.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(SystemTime::from(date).duration_since(now).unwrap_or_default())
}

/// Why a request found no answer.
pub(crate) fn failure(address: &Address, timeout: Duration, error: &Error) -> Failure {
    Failure::passing(match error {
        Error::Timeout(_) => format!("{address} did not answer within {} s", timeout.as_secs_f32()),
        Error::HostNotFound => format!("the host of {address} cannot be found"),
        Error::Io(error) => format!("no connection to {address}: {}", io_reason(error)),
        Error::Rustls(error) => format!("no safe connection to {address}: {error}"),
        Error::Tls(_) => format!("no safe connection to {address}: the handshake failed"),
        Error::ConnectionFailed => format!("no connection to {address}"),
        Error::Protocol(_) => format!("{address} does not speak HTTP/1.1"),
        Error::ConnectProxyFailed(_) => format!("the proxy does not let through to {address}"),
        _ => format!("the request to {address} failed"),
    })
}

fn io_reason(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => error.to_string(),
        None => error.kind().to_string(),
    }
}

fn read_authorities(file: &Path) -> Result<RootCerts, Failure> {
    let refused = |why: &str| Failure::lasting(format!("`ca_file` {}: {why}", file.display()));
    let length = fs::metadata(file).map_err(|error| refused(&error.to_string()))?.len();
    if length > MAX_AUTHORITIES_BYTES {
        return Err(refused("it is larger than 4 MiB"));
    }
    let pem = fs::read(file).map_err(|error| refused(&error.to_string()))?;
    let mut authorities = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(authority) = item.map_err(|_| refused("it is no PEM file"))? {
            authorities.push(authority);
        }
    }
    if authorities.is_empty() {
        return Err(refused("there is no certificate in it"));
    }
    Ok(RootCerts::new_with_certs(&authorities))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_478);
        let judged = |status: u16, after: Option<&str>, records| {
            let mut headers = HeaderMap::new();
            if let Some(after) = after {
                headers.insert(header::RETRY_AFTER, after.parse().unwrap());
            }
            let judged = judge(StatusCode::from_u16(status).unwrap(), &headers, records, now);
            judged.map_err(|failure| failure.retry)
        };
        let after = |seconds| Err(Retry::After(Duration::from_secs(seconds)));
        assert_eq!(judged(200, None, 5), Ok(()));
        assert_eq!(judged(204, Some("60"), 5), Ok(()));
        assert_eq!(judged(429, Some("60"), 5), after(60));
        assert_eq!(judged(503, Some("Wed, 21 Oct 2015 07:28:00 GMT"), 5), after(2));
        assert_eq!(judged(503, Some("Thu, 21 Oct 2010 07:28:00 GMT"), 5), after(0));
        assert_eq!(judged(503, Some("soon"), 5), Err(Retry::BackOff));
        assert_eq!(judged(500, None, 5), Err(Retry::BackOff));
        assert_eq!(judged(413, None, 5), Err(Retry::Smaller));
        for status in [302, 400, 401, 404, 410, 413, 422] {
            assert_eq!(judged(status, Some("1"), 1), Err(Retry::Slowly), "{status}");
        }
    }

    #[test]
    fn an_id_belongs_to_its_records() {
        let batch =
            |text: &str| Batch { records: vec![Arc::from(text.as_bytes())], first_seq: 3, last_seq: 3 };
        let id = |batch: &Batch| id_of(batch, &batch.to_lines());
        assert_eq!(id(&batch("{}")), id(&batch("{}")));
        assert_ne!(id(&batch("{}")), id(&batch("[]")));
        assert!(id(&batch("{}")).starts_with("records-3-3-"));
    }
}
