//! Who asks, by what they present.

use std::net::IpAddr;

use faramesh_gate::{Peer, Remote};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub address: IpAddr,
    /// Names in its certificate, which the listener has checked.
    pub names: Vec<String>,
}

impl Caller {
    /// Who asks with these header fields.
    pub fn peer(&self, headers: &HeaderMap) -> Peer {
        Peer::afar(Remote { address: self.address, token: token(headers), names: self.names.clone() })
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        self.address.to_canonical().is_loopback()
    }
}

/// SHA-256 of the bearer token. Only hashes are compared and kept, so no comparison takes a time that tells how
/// much of a token was right.
fn token(headers: &HeaderMap) -> Option<[u8; 32]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
        .then(|| Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn one_bearer_token_counts() {
        let hash = |text: &str| Some(<[u8; 32]>::from(Sha256::digest(text.as_bytes())));
        for (values, expected) in [
            (&["Bearer abc"][..], hash("abc")),
            (&["bearer  abc "], hash("abc")),
            (&["Basic abc"], None),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["abc"], None),
            (&["Bearer abc", "Bearer abc"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(token(&headers), expected, "{values:?}");
        }
    }
}
