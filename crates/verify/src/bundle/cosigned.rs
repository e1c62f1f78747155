//! The cosignatures of a bundle's checkpoints: the header names the witnesses, and every signature beside
//! the ledger's own is of one of them and fits.
//!
//! Leaves out whether a witness is to be believed: whoever knows its key demands it.

use faramesh_call::Timestamp;

use super::line::Header;
use super::reader::{Wrong, wrong};
use crate::key::{Algorithm, PublicKey};
use crate::note::Note;

/// Seconds from which on a time has more than four digits of a year.
const END_OF_TIME: u64 = 253_402_300_800;

/// What one witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessSummary {
    /// Its key.
    pub key: PublicKey,
    /// Checkpoints that it cosigned.
    pub checkpoints: u64,
    /// Most records that one of them covers.
    pub size: u64,
    /// When it cosigned that one.
    pub time: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct Cosigned {
    witnesses: Vec<WitnessSummary>,
}

impl Cosigned {
    pub(super) fn new(header: &Header) -> Result<Self, Wrong> {
        let mut witnesses: Vec<WitnessSummary> = Vec::new();
        for key in &header.witnesses {
            let is_known = witnesses.iter().any(|known| is_same(&known.key, key));
            if is_known || key.algorithm() != Algorithm::Cosignature || key.name() == header.origin {
                return wrong(None, "witnesses", "keys of witnesses, each once", key.to_string());
            }
            witnesses.push(WitnessSummary { key: key.clone(), checkpoints: 0, size: 0, time: None });
        }
        Ok(Self { witnesses })
    }

    /// Takes a checkpoint of `size` records, which `signer` signed.
    pub(super) fn checkpoint(&mut self, note: &Note, size: u64, signer: &PublicKey) -> Result<(), Wrong> {
        let own = note.by(signer);
        for signature in &note.signatures {
            if own.is_some_and(|own| std::ptr::eq(own, signature)) {
                continue;
            }
            let by = |known: &&mut WitnessSummary| {
                (known.key.name(), known.key.id()) == (&*signature.name, signature.key_id)
            };
            let Some(witness) = self.witnesses.iter_mut().find(by) else {
                let found = format!("one by {}", signature.name);
                return wrong(Some(size), "checkpoint.cosignature", "a witness that the header names", found);
            };
            let seconds = match witness.key.verify(&note.text, &signature.signature) {
                Ok(Some(seconds)) if seconds < END_OF_TIME => seconds,
                Ok(_) => {
                    let expected = format!("a time that {} can have meant", witness.key);
                    return wrong(Some(size), "checkpoint.cosignature", expected, "one far in the future");
                }
                Err(error) => {
                    let expected = format!("a cosignature by {}", witness.key);
                    return wrong(Some(size), "checkpoint.cosignature", expected, error.to_string());
                }
            };
            witness.checkpoints += 1;
            let seen = (size, Some(Timestamp(seconds.saturating_mul(1_000))));
            if seen > (witness.size, witness.time) {
                (witness.size, witness.time) = seen;
            }
        }
        Ok(())
    }

    /// The end: each witness that is named cosigned, and the demanded one is among them.
    pub(super) fn finish(self, demanded: Option<&PublicKey>) -> Result<Vec<WitnessSummary>, Wrong> {
        if let Some(idle) = self.witnesses.iter().find(|witness| witness.checkpoints == 0) {
            let expected = format!("a cosignature by {}", idle.key);
            return wrong(None, "witnesses", expected, "none");
        }
        if let Some(key) = demanded.filter(|key| !self.witnesses.iter().any(|known| known.key == **key)) {
            let names: Vec<&str> = self.witnesses.iter().map(|witness| witness.key.name()).collect();
            let found = if names.is_empty() { "no witness".to_owned() } else { names.join(", ") };
            return wrong(None, "witnesses", format!("a cosignature by {key}"), found);
        }
        Ok(self.witnesses)
    }
}

/// Whether a signature could be by either.
fn is_same(one: &PublicKey, other: &PublicKey) -> bool {
    (one.name(), one.id()) == (other.name(), other.id())
}
