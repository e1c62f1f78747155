//! What a record says about the raw arguments: an HMAC under a key of the stack, so that who holds
//! the key can show what was asked, and who does not cannot guess it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::hex::text_of;

/// A key of the stack, with the state of the HMAC after it: the key costs nothing per record.
#[derive(Clone)]
pub struct CommitmentKey(Hmac<Sha256>);

impl CommitmentKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        // HMAC fills a key with zeros up to the block of its hash.
        let mut block = [0_u8; 64];
        if let Some(front) = block.first_chunk_mut::<32>() {
            *front = *key;
        }
        Self(Hmac::new(&block.into()))
    }

    /// HMAC-SHA-256 over the canonical bytes of the raw arguments, as 64 lower-case digits.
    #[must_use]
    pub fn commit(&self, canonical_args: &[u8]) -> String {
        let mut state = self.0.clone();
        state.update(canonical_args);
        text_of(&state.finalize().into_bytes().into())
    }
}

impl fmt::Debug for CommitmentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CommitmentKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_sha256() {
        let key = [0x0B_u8; 32];
        let mut plain: Hmac<Sha256> = Hmac::new_from_slice(&key).unwrap();
        plain.update(b"{\"amount\":80}");
        let expected = text_of(&plain.finalize().into_bytes().into());
        assert_eq!(CommitmentKey::new(&key).commit(b"{\"amount\":80}"), expected);
        assert_eq!(expected, "d58721f22cbbdaf6547458e30ff55c328007ca242cc14441d0b24a854a95d048");
    }
}
