//! The address of a webhook: `https://…`, or `http://…` to this machine alone. What is shown of it is
//! scheme, host and port, because the rest of an address is often a secret itself.

use std::fmt;
use std::net::IpAddr;

/// Longest address, in bytes.
const MAX_BYTES: usize = 2_048;

/// An address that records may be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: Box<str>,
    shown: Box<str>,
    is_local: bool,
}

/// Why records cannot be sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address of a web server.
    #[error("this is no address of a web server: write `https://host/path`")]
    NotHttp,
    /// It has a user or a password in it.
    #[error("the address has a user name in it: write it without, and the secret as `token`")]
    User,
    /// It leaves this machine in plain text.
    #[error("it would leave this machine in plain text: write `https://`")]
    PlainText,
    /// It has a fragment, white space, or characters beyond ASCII.
    #[error("the address has characters that an address cannot have: encode them as `%20` and the like")]
    Characters,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Records cannot be sent there.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::NotHttp)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") || text.len() > MAX_BYTES {
            return Err(AddressError::NotHttp);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['#', '\\', '"', '<', '>']) {
            return Err(AddressError::Characters);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(AddressError::User);
        }
        let (host, port) = split(authority).ok_or(AddressError::NotHttp)?;
        let is_valid_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if host.is_empty() || !is_valid_port {
            return Err(AddressError::NotHttp);
        }
        let is_local = is_local(host);
        if scheme == "http" && !is_local {
            return Err(AddressError::PlainText);
        }
        Ok(Self { text: text.into(), shown: format!("{scheme}://{authority}").into(), is_local })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.is_local
    }
}

/// Scheme, host and port.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Host and port of `host:port`, `host`, `[::1]:port`.
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

pub(crate) fn is_local(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_sent_plain_text() {
        for good in [
            "https://siem.example.com/hook?key=secret",
            "HTTPS://siem.example.com:8443",
            "http://127.0.0.1:9000/x",
            "http://127.1.2.3",
            "http://[::1]:9000/",
            "http://localhost:1/",
        ] {
            let address = Address::parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
            assert!(!address.to_string().contains("secret") && !address.to_string().ends_with('/'));
        }
        for (bad, error) in [
            ("", AddressError::NotHttp),
            ("siem.example.com", AddressError::NotHttp),
            ("ftp://siem.example.com", AddressError::NotHttp),
            ("https://", AddressError::NotHttp),
            ("https://:443/", AddressError::NotHttp),
            ("https://host:0/", AddressError::NotHttp),
            ("https://host:99999/", AddressError::NotHttp),
            ("http://[::1/", AddressError::NotHttp),
            ("https://user:password@host/", AddressError::User),
            ("https://host/a b", AddressError::Characters),
            ("https://host/#x", AddressError::Characters),
            ("https://hòst/", AddressError::Characters),
            ("http://127.0.0.1\\@evil.example.com/", AddressError::Characters),
            ("http://siem.example.com/", AddressError::PlainText),
            ("http://127.0.0.1.example.com/", AddressError::PlainText),
            ("http://localhost.example.com/", AddressError::PlainText),
            ("http://10.0.0.1/", AddressError::PlainText),
            ("http://0.0.0.0/", AddressError::PlainText),
            ("http://127.1/", AddressError::PlainText),
        ] {
            assert_eq!(Address::parse(bad), Err(error), "{bad}");
        }
    }
}
