//! Public keys and what they sign. A key has a name (the ledger's origin, or a witness), an algorithm
//! and bytes; its text is the verifier key of C2SP `signed-note`, `<name>+<id>+<base64>`.
//!
//! INVARIANT bound to its name: the id is taken over name, algorithm and bytes, so a signature names
//! all three. INVARIANT strict: a key that signs for everybody (of small order) is refused, and so is
//! a text that [`PublicKey`] would not write.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;
use sha2::{Digest, Sha256};

const MAX_NAME_BYTES: usize = 1_024;
const P256: &[u8] = b"\xffecdsa-p256-sha256\n";
const P384: &[u8] = b"\xffecdsa-p384-sha384\n";

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Ed25519 over the text; 32-byte keys, 64-byte signatures.
    Ed25519,
    /// An Ed25519 cosignature of a witness: the time, and a signature over both.
    Cosignature,
    /// ECDSA on P-256 with SHA-256; keys are uncompressed points, signatures DER.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384; keys are uncompressed points, signatures DER.
    EcdsaP384,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519, Self::Cosignature];

    /// The bytes that stand for it before a key.
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &[1],
            Self::Cosignature => &[4],
            Self::EcdsaP256 => P256,
            Self::EcdsaP384 => P384,
        }
    }

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Cosignature => "ed25519-cosignature",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Point {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
}

/// A public key with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: Box<str>,
    algorithm: Algorithm,
    bytes: Box<[u8]>,
    point: Point,
    id: [u8; 4],
}

/// Why a key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `<name>+<8 digits>+<base64>`.
    #[error("a public key is written `<name>+<id of 8 digits>+<base64>`")]
    Form,
    /// Empty, too long, or with a space or a plus.
    #[error("the name of a key is empty, too long, or has a space, a plus or a control character")]
    Name,
    /// An algorithm that is not known.
    #[error("the key is of an algorithm that is not known")]
    Algorithm,
    /// Bytes that are no key of the algorithm, or a weak one.
    #[error("the bytes are no key of its algorithm")]
    Bytes,
    /// The id does not fit name and key.
    #[error("the id of the key does not fit its name and bytes")]
    Id,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none by this key.
    #[error("there is no signature by this key")]
    Absent,
    /// Not of the form that the algorithm has.
    #[error("the signature is malformed")]
    Form,
    /// It does not fit the text.
    #[error("the signature does not fit the text")]
    Wrong,
}

/// Whether a key may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '+')
}

impl PublicKey {
    /// A key of its raw bytes: 32 for Ed25519, an uncompressed point for ECDSA.
    ///
    /// # Errors
    /// The name cannot be one, or the bytes are no key.
    pub fn new(name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        let uncompressed = bytes.first() == Some(&4);
        let point = match algorithm {
            Algorithm::Ed25519 | Algorithm::Cosignature => {
                let bytes = bytes.try_into().map_err(|_| KeyError::Bytes)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Bytes)?;
                if key.is_weak() {
                    return Err(KeyError::Bytes);
                }
                Point::Ed25519(key)
            }
            Algorithm::EcdsaP256 if uncompressed => {
                Point::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(|_| KeyError::Bytes)?)
            }
            Algorithm::EcdsaP384 if uncompressed => {
                Point::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(|_| KeyError::Bytes)?)
            }
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => return Err(KeyError::Bytes),
        };
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update(b"\n")
            .chain_update(algorithm.mark())
            .chain_update(bytes)
            .finalize();
        let id = digest.first_chunk().copied().unwrap_or_default();
        Ok(Self { name: name.into(), algorithm, bytes: bytes.into(), point, id })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its raw bytes, without the algorithm.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first four bytes of the hash over name, algorithm and key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The id as 8 digits.
    #[must_use]
    pub fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }

    /// Checks a signature over the text of a note; for a cosignature, gives its time in Unix seconds.
    ///
    /// # Errors
    /// The signature is malformed or does not fit.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, SignatureError> {
        match (&self.point, self.algorithm) {
            (Point::Ed25519(key), Algorithm::Cosignature) => {
                let (seconds, signature) = signature.split_first_chunk().ok_or(SignatureError::Form)?;
                let seconds = u64::from_be_bytes(*seconds);
                let message = cosigned_message(seconds, text);
                verify_ed25519(key, message.as_bytes(), signature).map(|()| Some(seconds))
            }
            (Point::Ed25519(key), _) => verify_ed25519(key, text.as_bytes(), signature).map(|()| None),
            (Point::P256(key), _) => {
                let signature =
                    p256::ecdsa::DerSignature::from_bytes(signature).map_err(|_| SignatureError::Form)?;
                key.verify(text.as_bytes(), &signature).map_err(|_| SignatureError::Wrong).map(|()| None)
            }
            (Point::P384(key), _) => {
                let signature =
                    p384::ecdsa::DerSignature::from_bytes(signature).map_err(|_| SignatureError::Form)?;
                key.verify(text.as_bytes(), &signature).map_err(|_| SignatureError::Wrong).map(|()| None)
            }
        }
    }
}

/// What a witness signs: that it saw the text at a time, in Unix seconds. The signature is the time as
/// 8 bytes, the largest first, and the Ed25519 signature of this.
#[must_use]
pub fn cosigned_message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

fn verify_ed25519(
    key: &ed25519_dalek::VerifyingKey,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| SignatureError::Form)?;
    key.verify_strict(message, &signature).map_err(|_| SignatureError::Wrong)
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        if encoded.len() > 256 {
            return Err(KeyError::Form);
        }
        let marked = STANDARD.decode(encoded).map_err(|_| KeyError::Form)?;
        let known = Algorithm::ALL
            .iter()
            .find_map(|algorithm| Some((*algorithm, marked.strip_prefix(algorithm.mark())?)));
        let (algorithm, bytes) = known.ok_or(KeyError::Algorithm)?;
        let key = Self::new(name, algorithm, bytes)?;
        if key.id_text() == id { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marked = [self.algorithm.mark(), &self.bytes].concat();
        write!(formatter, "{}+{}+{}", self.name, self.id_text(), STANDARD.encode(marked))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}
