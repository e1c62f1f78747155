//! The address of a ledger's database: a `postgres://` URL, with TLS as libpq names it.
//!
//! INVARIANT secret: the password goes to the connection and nowhere else. What is shown of an address
//! is its user, hosts and database; what is wrong with one is told in words of this module alone.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long one host may take to be connected to, unless the URL says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long sent bytes may stay unanswered by the other machine, unless the URL says.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// Longest URL that is read.
const MAX_URL_BYTES: usize = 4_096;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Not at all.
    None,
    /// TLS when the server has it, whoever the server is.
    Prefer,
    /// TLS; the certificate is checked only against roots that are named.
    Require,
    /// TLS with a certificate of a known root.
    VerifyCa,
    /// TLS with a certificate of a known root for this host.
    VerifyFull,
}

/// Where a ledger's database is.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) protection: Protection,
    pub(crate) roots: Option<PathBuf>,
    shown: String,
}

/// Why an address cannot be used. None of these repeats the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no such URL.
    #[error(
        "the address of the ledger's database is no URL like `postgres://user@host:5432/database`, or \
         has a parameter that is not known"
    )]
    Malformed,
    /// It names no host.
    #[error("the address of the ledger's database names no host")]
    NoHost,
    /// `sslmode` is none of the known words.
    #[error("`sslmode` must be disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// The root certificates cannot be used.
    #[error("the root certificates for the ledger's database cannot be used: {0}")]
    Roots(String),
}

impl Address {
    /// Reads a URL. Without `sslmode`, a server on this machine is spoken to without TLS, and every
    /// other must show a certificate of a known root for its name.
    ///
    /// # Errors
    /// It is not the address of a database.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if !known || url.len() > MAX_URL_BYTES {
            return Err(AddressError::Malformed);
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", word)) => mode = Some(protection(word)?),
                Some(("sslrootcert", path)) => {
                    roots = Some(decoded(path).ok_or(AddressError::Malformed)?);
                }
                _ => rest.push(pair),
            }
        }
        let joined = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config = Config::from_str(&joined).map_err(|_| AddressError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::NoHost);
        }
        let local = config.get_hosts().iter().all(is_local);
        let protection = mode.unwrap_or(if local { Protection::None } else { Protection::VerifyFull });
        config.ssl_mode(match protection {
            Protection::None => SslMode::Disable,
            Protection::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED);
        }
        if config.get_application_name().is_none() {
            config.application_name("faramesh");
        }
        // `system` asks for the machine's own roots, as it does in libpq.
        let roots = roots.filter(|path| path != "system").map(PathBuf::from);
        let shown = shown(&config);
        Ok(Self { config, protection, roots, shown })
    }
}

fn protection(word: &str) -> Result<Protection, AddressError> {
    match word {
        "disable" => Ok(Protection::None),
        "prefer" => Ok(Protection::Prefer),
        "require" => Ok(Protection::Require),
        "verify-ca" => Ok(Protection::VerifyCa),
        "verify-full" => Ok(Protection::VerifyFull),
        _ => Err(AddressError::SslMode),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            loopback || name == "localhost"
        }
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(place, host)| {
        let port = config.get_ports().get(place).or(config.get_ports().first()).copied().unwrap_or(5_432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => format!("{}:{port}", folder.display()),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{}/{database}", hosts.join(","))
}

/// The text behind percent signs.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Address").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_their_password() {
        let url = "postgres://ann:s3cret@db.internal:6432/records?sslmode=require&sslrootcert=/a%20b.pem&\
                   application_name=x";
        let address = Address::parse(url).unwrap();
        assert_eq!(address.protection, Protection::Require);
        assert_eq!(address.roots, Some(PathBuf::from("/a b.pem")));
        assert_eq!(address.to_string(), "postgres://ann@db.internal:6432/records");
        assert!(!format!("{address:?} {address}").contains("s3cret"));
    }

    #[test]
    fn a_server_elsewhere_must_show_who_it_is() {
        for (url, expected) in [
            ("postgres://db.internal/x", Protection::VerifyFull),
            ("postgres://a@localhost/x", Protection::None),
            ("postgresql://a@127.0.0.1/x", Protection::None),
            ("postgres://a@[::1]/x", Protection::None),
            ("postgres://a@%2Frun%2Fpostgresql/x", Protection::None),
            ("postgres://localhost,db.internal/x", Protection::VerifyFull),
            ("postgres://db.internal/x?sslmode=verify-ca", Protection::VerifyCa),
            ("postgres://db.internal/x?sslmode=disable", Protection::None),
        ] {
            assert_eq!(Address::parse(url).unwrap().protection, expected, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_address() {
        for (url, expected) in [
            ("mysql://u:s3cret@db/x", AddressError::Malformed),
            ("postgres://u:s3cret@db:port/x", AddressError::Malformed),
            ("postgres://u:s3cret@db/x?s3cret=1", AddressError::Malformed),
            ("postgres://u:s3cret@db/x?sslmode=s3cret", AddressError::SslMode),
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }
}
