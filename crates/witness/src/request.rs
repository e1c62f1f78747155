//! The body of `POST /add-checkpoint`: `old` and a size, the hashes of a consistency proof, an empty line,
//! and a signed checkpoint.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faramesh_dpr::Hash;
use faramesh_verify::{MAX_NOTE_BYTES, MAX_PROOF, Note, NoteError};

/// Most bytes of a body.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + 8_192;

/// A request to cosign a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The size of the last tree that the witness is thought to know.
    pub old: u64,
    /// The proof that the new tree continues that one.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

/// Why a body is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Too long, or no text.
    #[error("the body is longer than {MAX_REQUEST_BYTES} bytes, or is no text")]
    Text,
    /// The first line.
    #[error("the first line must be `old` and a size")]
    Old,
    /// A line of the proof.
    #[error("line {0} must be a hash in base64, and there are {MAX_PROOF} at most")]
    Proof(usize),
    /// No empty line.
    #[error("an empty line must stand between the proof and the checkpoint")]
    Parts,
    /// The checkpoint.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// It is not exactly of the form that [`Request::write`] gives it.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::Text);
        }
        let text = std::str::from_utf8(body).map_err(|_| RequestError::Text)?;
        let (head, note) = text.split_once("\n\n").ok_or(RequestError::Parts)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(size);
        let old = old.ok_or(RequestError::Old)?;
        let mut proof = Vec::new();
        for (place, line) in lines.enumerate() {
            let hash = STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
            match hash {
                Some(hash) if place < MAX_PROOF => proof.push(hash),
                _ => return Err(RequestError::Proof(place + 2)),
            }
        }
        Ok(Self { old, proof, note: Note::parse(note.as_bytes())? })
    }

    /// The body.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = format!("old {}\n", self.old);
        for hash in &self.proof {
            // Writing to a text cannot fail.
            let _ = writeln!(out, "{}", STANDARD.encode(hash));
        }
        out.push('\n');
        out.push_str(&self.note.write());
        out
    }
}

/// Digits without a leading zero.
pub(crate) fn size(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "a text\n\n\u{2014} name AAAAAAA=\n";

    #[test]
    fn a_body_is_read_as_it_is_written() {
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        for proof in [vec![], vec![[7; 32]; 3]] {
            let request = Request { old: 42, proof, note: note.clone() };
            assert_eq!(Request::parse(request.write().as_bytes()), Ok(request));
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let hash = STANDARD.encode([7; 32]);
        for (body, expected) in [
            (String::new(), RequestError::Parts),
            ("old 4".to_owned(), RequestError::Parts),
            (format!("old 04\n\n{NOTE}"), RequestError::Old),
            (format!("new 4\n\n{NOTE}"), RequestError::Old),
            (format!("old 4\nAAAA\n\n{NOTE}"), RequestError::Proof(2)),
            (format!("old 4\n{}\n{NOTE}", format!("{hash}\n").repeat(66)), RequestError::Proof(67)),
            ("x".repeat(MAX_REQUEST_BYTES + 1), RequestError::Text),
        ] {
            assert_eq!(Request::parse(body.as_bytes()), Err(expected), "{body:.80}");
        }
        assert!(matches!(Request::parse(b"old 4\n\nnone"), Err(RequestError::Note(_))));
        assert_eq!(Request::parse(b"old 4\n\xff\n\n"), Err(RequestError::Text));
    }
}
