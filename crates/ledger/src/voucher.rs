//! Who vouches for a snapshot: the keys that the ledger is opened with. Whoever can write to the folder but has
//! none of them cannot have a start believe in another state.

use std::sync::Arc;

use faramesh_verify::{Note, NoteSignature, Signed, SigningMode};

use crate::signer::{Signer, Signing, named};

/// Who signs snapshots, and whose are believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voucher {
    signers: Vec<Arc<dyn Signer>>,
    required: bool,
}

impl Voucher {
    /// The keys that the ledger is opened with. A ledger that is not signed has no key that could vouch for
    /// a snapshot, and none that vouches for its records.
    pub(crate) fn of(signing: Option<&Signing>) -> Self {
        let Some(signing) = signing else { return Self::default() };
        let signers = signing.successor.iter().chain(&signing.signers).cloned().collect();
        Self { signers, required: signing.mode != Some(SigningMode::Off) }
    }

    /// A line of a signature by the key in force, where one is needed.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn sign(&self, signed: &Signed, text: String) -> Result<Option<String>, String> {
        if !self.required {
            return Ok(None);
        }
        let known = |signer: &&Arc<dyn Signer>| {
            signed.key().is_some() && named(signer.as_ref(), signed.origin()).ok().as_ref() == signed.key()
        };
        let signer = self.signers.iter().find(known).or_else(|| self.signers.first());
        let Some(signer) = signer else { return Err("there is no key to sign it with".to_owned()) };
        let key = named(signer.as_ref(), signed.origin()).map_err(|error| error.to_string())?;
        let signature = signer.sign(text.as_bytes()).map_err(|error| error.to_string())?;
        let note = Note { text, signatures: vec![NoteSignature::new(&key, signature)] };
        note.verify(&key).map_err(|error| format!("the signer does not sign as {key}: {error}"))?;
        let mut line = String::new();
        note.signatures.iter().for_each(|signature| signature.write(&mut line));
        Ok(Some(line))
    }

    /// Whether one of the keys signed a text, where that is needed.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub(crate) fn check(&self, signed: &Signed, text: String, line: Option<&str>) -> Result<(), String> {
        if !self.required {
            return Ok(());
        }
        let note = line.and_then(|line| note_of(text, line)).ok_or("it has no signature")?;
        let keys = self.signers.iter().filter_map(|signer| named(signer.as_ref(), signed.origin()).ok());
        let mut keys = keys.filter(|key| note.verify(key).is_ok());
        keys.next().map(|_| ()).ok_or_else(|| "no key of this daemon signed it".to_owned())
    }
}

/// A text with a line of a signature.
pub(crate) fn note_of(text: String, line: &str) -> Option<Note> {
    let signature = NoteSignature::parse(line.strip_suffix('\n').unwrap_or(line))?;
    Some(Note { text, signatures: vec![signature] })
}
