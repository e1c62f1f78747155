//! Signatures of webhooks as Standard Webhooks has them: HMAC-SHA-256 over id, time and body under a
//! shared secret, `v1,` and base64. The receiver computes the same and compares.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Fewest and most bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secret that a sender and a receiver share. It is never printed.
#[derive(Clone)]
pub struct SigningSecret(Hmac<Sha256>);

/// Why a text is no secret. It never says what the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not `whsec_` and 24 to 64 bytes in base64: make one with `openssl rand -base64 32`")]
pub struct SigningSecretError;

impl SigningSecret {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// The text is something else.
    pub fn parse(text: &str) -> Result<Self, SigningSecretError> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| BYTES.contains(&bytes.len())).ok_or(SigningSecretError)?;
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| SigningSecretError)
    }

    /// The value of `webhook-signature`; `seconds` since 1970 are what `webhook-timestamp` says.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_made_by_others() {
        // Made with `openssl dgst -sha256 -mac HMAC` over "msg_1.1614265330.{\"test\":2432232314}".
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_1", 1_614_265_330, br#"{"test":2432232314}"#);
        assert_eq!(signature, "v1,mJoyILdRg5beWr8Qd9VefeLaVFTOHXBDoM1YbgH3xCQ=");
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn what_is_no_secret() {
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_§", &long] {
            assert!(SigningSecret::parse(text).is_err(), "{text}");
        }
    }
}
