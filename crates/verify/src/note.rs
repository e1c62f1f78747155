//! Signed notes, in the form of C2SP `signed-note`: a text, an empty line, and lines of signatures
//! `— <name> <base64(key id and signature)>`. Reading is strict: what is written is the one form that
//! is read.
//!
//! Leaves out what the text says, and which keys are to be believed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{PublicKey, SignatureError, is_name};

/// Most bytes of a note.
pub const MAX_NOTE_BYTES: usize = 64 << 10;
/// Most signatures of a note.
pub const MAX_SIGNATURES: usize = 64;
/// Most bytes of one signature behind its key id; the longest known is a DER signature of P-384.
const MAX_SIGNATURE_BYTES: usize = 512;
const MARK: &str = "\u{2014} ";

/// A text and its signatures, which nobody has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text that is signed, with the line feed at its end.
    pub text: String,
    /// Its signatures, at least one when it was read.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub key_id: [u8; 4],
    /// The signature; its form depends on the key's algorithm.
    pub signature: Vec<u8>,
}

/// Why bytes are not a signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note is longer than {MAX_NOTE_BYTES} bytes")]
    TooLong,
    /// Not UTF-8, or with control characters.
    #[error("the note is not plain text")]
    Text,
    /// No empty line, nothing before it, or nothing behind it.
    #[error("the note has no text, or no signatures behind an empty line")]
    Parts,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// A line that is no signature.
    #[error("signature line {0} of the note is not `— name base64`")]
    Signature(usize),
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// The bytes are not exactly what [`Note::write`] would write.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Text)?;
        if whole.bytes().any(|byte| (byte < b' ' && byte != b'\n') || byte == 0x7f) {
            return Err(NoteError::Text);
        }
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(NoteError::Parts)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Parts)?;
        if text.is_empty() || lines.is_empty() {
            return Err(NoteError::Parts);
        }
        let mut signatures = Vec::new();
        for (place, line) in lines.split('\n').enumerate() {
            if place >= MAX_SIGNATURES {
                return Err(NoteError::TooMany);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::Signature(place + 1))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The bytes of the note.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            signature.write(&mut out);
        }
        out
    }

    /// The first signature by a key of this name and id.
    #[must_use]
    pub fn by(&self, key: &PublicKey) -> Option<&NoteSignature> {
        self.signatures.iter().find(|signature| signature.name == key.name() && signature.key_id == key.id())
    }

    /// Checks the signature by a key; for a cosignature, its time in Unix seconds.
    ///
    /// # Errors
    /// The note has none by this key, or it does not fit the text.
    pub fn verify(&self, key: &PublicKey) -> Result<Option<u64>, SignatureError> {
        let signature = self.by(key).ok_or(SignatureError::Absent)?;
        key.verify(&self.text, &signature.signature)
    }
}

impl NoteSignature {
    /// A signature by a key.
    #[must_use]
    pub fn new(key: &PublicKey, signature: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), key_id: key.id(), signature }
    }

    /// Reads one line, without its line feed.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(MARK)?.split_once(' ')?;
        if !is_name(name) || encoded.len() > MAX_SIGNATURE_BYTES * 2 {
            return None;
        }
        // The engine refuses missing padding and bits that say nothing, so there is one form only.
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() || signature.len() > MAX_SIGNATURE_BYTES {
            return None;
        }
        Some(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }

    /// Appends the line.
    pub fn write(&self, out: &mut String) {
        let bytes = [&self.key_id[..], &self.signature].concat();
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{MARK}{} {}", self.name, STANDARD.encode(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP `signed-note`, with the keys of Go's `golang.org/x/mod/sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SIGNED: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_published_note_verifies() {
        let note = Note::parse(SIGNED.as_bytes()).unwrap();
        let key: PublicKey = PETER.parse().unwrap();
        assert_eq!(note.verify(&key), Ok(None));
        assert_eq!(note.write(), SIGNED);
        assert_eq!(key.to_string(), PETER);
        let mut changed = note.clone();
        changed.text = changed.text.replace("answer", "Answer");
        assert_eq!(changed.verify(&key), Err(SignatureError::Wrong));
        changed.signatures.clear();
        assert_eq!(changed.verify(&key), Err(SignatureError::Absent));
    }

    #[test]
    fn rubbish_is_refused() {
        let line = SIGNED.lines().last().unwrap();
        let note = |text: &str| Note::parse(text.as_bytes()).map(|_| ());
        assert_eq!(note(&format!("text\n\n{line}\n")), Ok(()));
        assert_eq!(note(&format!("a\n\nb\n\n{line}\n")), Ok(()), "the last empty line is the one");
        for (text, expected) in [
            (String::new(), NoteError::Parts),
            (format!("text\n{line}\n"), NoteError::Parts),
            (format!("\n\n{line}\n"), NoteError::Parts),
            (format!("text\n\n{line}"), NoteError::Parts),
            ("text\n\n\n".to_owned(), NoteError::Parts),
            (format!("te\rxt\n\n{line}\n"), NoteError::Text),
            (format!("te\0xt\n\n{line}\n"), NoteError::Text),
            (format!("text\n\n{line} \n"), NoteError::Signature(1)),
            (format!("text\n\n{line}\nmore\n"), NoteError::Signature(2)),
            (format!("text\n\n{}\n", line.replace('\u{2014}', "-")), NoteError::Signature(1)),
            (format!("text\n\n{}\n", line.replace('=', "")), NoteError::Signature(1)),
            (format!("text\n\n{}\n", line.replace("PeterNeumann", "Peter+Neumann")), NoteError::Signature(1)),
            (format!("text\n\n{}\n", line.replace("JnAM=", "JnAN=")), NoteError::Signature(1)),
            ("text\n\n\u{2014} name AAAAAA==\n".to_owned(), NoteError::Signature(1)),
            (format!("text\n\n{}", format!("{line}\n").repeat(65)), NoteError::TooMany),
            ("a".repeat(MAX_NOTE_BYTES + 1), NoteError::TooLong),
        ] {
            assert_eq!(note(&text), Err(expected), "{text:.200}");
        }
        assert_eq!(Note::parse(b"text\xff\n\n").map(|_| ()), Err(NoteError::Text));
    }
}
