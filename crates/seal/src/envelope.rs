//! A sealed value as it stands in a record: `sealed:1:KEY:NONCE:TEXT`, the id of the key in hexadecimal,
//! nonce and cipher text in base64 for addresses. XChaCha20-Poly1305, whose nonces are long enough to be
//! random; what is bound with it is the id of the key and the commitment to the call's arguments, so a
//! value moved to another record does not open there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use faramesh_call::{Value, json};
use zeroize::Zeroizing;

const PREFIX: &str = "sealed:1:";
/// What is bound with a value, so that nothing else under the key is taken for one.
const CONTEXT: &str = "faramesh sealed field 1";
const NONCE_BYTES: usize = 24;

/// The id of a key: random, so that it says nothing of the person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(crate) [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl KeyId {
    fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }
}

/// The key of one person. It is never printed, and wiped from memory at its end.
#[derive(Clone)]
pub struct SubjectKey {
    pub(crate) id: KeyId,
    pub(crate) key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SubjectKey({})", self.id)
    }
}

impl SubjectKey {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a value of a call whose arguments have this commitment.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn seal(&self, value: &Value, commitment: &str) -> Result<String, getrandom::Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let plain = Zeroizing::new(json::canonical(value));
        let bound = bound(self.id, commitment);
        let payload = Payload { msg: &plain, aad: &bound };
        let cipher = XChaCha20Poly1305::new((&*self.key).into());
        // It fails for texts beyond 256 GiB, and arguments have at most one MiB.
        let text = cipher.encrypt(&XNonce::from(nonce), payload);
        let text = text.map_err(|_| getrandom::Error::UNSUPPORTED)?;
        let (nonce, text) = (URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(text));
        Ok(format!("{PREFIX}{}:{nonce}:{text}", self.id))
    }

    /// Opens what was sealed; `None` when it was not sealed with this key for these arguments.
    pub(crate) fn open(&self, sealed: &Sealed, commitment: &str) -> Option<Value> {
        let bound = bound(self.id, commitment);
        let payload = Payload { msg: &sealed.text, aad: &bound };
        let cipher = XChaCha20Poly1305::new((&*self.key).into());
        let plain = Zeroizing::new(cipher.decrypt(&XNonce::from(sealed.nonce), payload).ok()?);
        json::parse(&plain).ok()
    }
}

fn bound(id: KeyId, commitment: &str) -> Vec<u8> {
    format!("{CONTEXT}\n{id}\n{commitment}").into_bytes()
}

/// A sealed value, taken apart.
pub(crate) struct Sealed {
    pub(crate) key: KeyId,
    nonce: [u8; NONCE_BYTES],
    text: Vec<u8>,
}

impl Sealed {
    /// Reads a text of a record; `None` when it is no sealed value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (key, rest) = text.strip_prefix(PREFIX)?.split_once(':')?;
        let (nonce, text) = rest.split_once(':')?;
        let nonce = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        Some(Self { key: KeyId::parse(key)?, nonce, text: URL_SAFE_NO_PAD.decode(text).ok()? })
    }
}

/// Whether a text of a record is a sealed value.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    Sealed::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8) -> SubjectKey {
        SubjectKey { id: KeyId([id; 16]), key: Zeroizing::new([id; 32]) }
    }

    #[test]
    fn what_is_sealed_opens_only_where_it_was() {
        let value = json::parse(br#"{"card":{"number":"4242","valid":[1,2.50,null,true]}}"#).unwrap();
        let (one, other) = (key(1), key(2));
        let text = one.seal(&value, "c1").unwrap();
        assert!(is_sealed(&text) && !text.contains("4242"), "{text}");
        assert_ne!(text, one.seal(&value, "c1").unwrap(), "nonces are fresh");
        let sealed = Sealed::parse(&text).unwrap();
        assert_eq!(one.open(&sealed, "c1"), Some(value));
        assert_eq!(one.open(&sealed, "c2"), None, "bound to the call");
        assert_eq!(other.open(&sealed, "c1"), None);
        assert_eq!(format!("{one:?}"), format!("SubjectKey({})", "01".repeat(16)), "no key is printed");
        for flipped in text.char_indices().skip(PREFIX.len() + 33) {
            let mut changed = text.clone();
            let other = if flipped.1 == 'A' { "B" } else { "A" };
            changed.replace_range(flipped.0..=flipped.0, other);
            let opened = Sealed::parse(&changed).and_then(|sealed| one.open(&sealed, "c1"));
            assert_eq!(opened, None, "{changed}");
        }
    }

    #[test]
    fn other_texts_are_not_sealed() {
        for text in ["", "sealed:1:", "[redacted]", "sealed:1:zz:AA:AA", "sealed:2:00:AA:AA"] {
            assert!(!is_sealed(text), "{text}");
        }
    }
}
