//! How a ledger is kept witnessed: what the witness saw last, what came since, and the next request.
//!
//! INVARIANT bounded: at most [`MAX_SINCE`] hashes are held; a witness that was away for longer is led
//! forwards over older checkpoints.

use faramesh_dpr::Hash;
use faramesh_verify::{Growth, Note, NoteSignature};

use crate::client::{AskError, Client};
use crate::request::Request;

/// Most hashes that are held between the last cosigned checkpoint and the next.
const MAX_SINCE: u64 = 1 << 20;

/// A ledger and one witness of it.
#[derive(Debug)]
pub struct Asking {
    client: Client,
    growth: Growth,
    /// The size that the witness saw last, once it said so.
    seen: Option<u64>,
}

/// A checkpoint with a cosignature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The records that it covers.
    pub size: u64,
    /// The checkpoint with the ledger's signature and the witness's.
    pub note: Note,
}

/// What became of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The checkpoint is cosigned.
    Cosigned(Cosigned),
    /// The witness is further on than this ledger: records are missing here, or the ledger was forked.
    Ahead {
        /// The records that the witness has seen.
        seen: u64,
    },
    /// The witness saw a smaller tree; the hashes from there on are needed.
    Behind,
}

impl Asking {
    /// Begins with a ledger of which nothing was read yet.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, growth: Growth::default(), seen: None }
    }

    /// The same witness, for a ledger that is read from its beginning again; what it said is kept.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { client: self.client.clone(), growth: Growth::default(), seen: self.seen }
    }

    /// The witness's key.
    #[must_use]
    pub fn key(&self) -> &faramesh_verify::PublicKey {
        self.client.key()
    }

    /// How many records were taken.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.growth.size()
    }

    /// The size that the witness saw last, once it said so.
    #[must_use]
    pub fn seen(&self) -> Option<u64> {
        self.seen
    }

    /// Whether more hashes can be taken before the next request.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.growth.size() - self.growth.old() < MAX_SINCE
    }

    /// Takes the hash of the next record.
    pub fn take(&mut self, record: &Hash) {
        self.growth.append(record);
        // What the witness has seen need not be held.
        if let Some(seen) = self.seen.filter(|seen| *seen > self.growth.old()) {
            self.growth.settle(seen);
        }
    }

    /// Asks about a checkpoint of `size` records, all of which were taken.
    ///
    /// # Errors
    /// The witness does not answer, refuses, or answers wrongly.
    pub fn ask(&mut self, size: u64, note: &Note) -> Result<Asked, AskError> {
        let seen = self.seen.unwrap_or(0);
        if seen > size {
            return Ok(Asked::Ahead { seen });
        }
        if self.growth.old() != seen {
            return Ok(Asked::Behind);
        }
        let request = Request { old: seen, proof: self.growth.proof(size), note: note.clone() };
        match self.client.ask(&request) {
            Ok(cosignature) => {
                self.seen = Some(size);
                self.growth.settle(size);
                Ok(Asked::Cosigned(Cosigned { size, note: with(note, cosignature) }))
            }
            Err(AskError::Seen(other)) if other > size || (other == size && other == seen) => {
                self.seen = Some(other);
                Ok(Asked::Ahead { seen: other })
            }
            Err(AskError::Seen(other)) => {
                self.seen = Some(other);
                if other >= self.growth.old() {
                    self.growth.settle(other);
                    // The next request is about the tree that the witness knows.
                    return if self.growth.old() == other {
                        self.ask_once_more(size, note)
                    } else {
                        Ok(Asked::Behind)
                    };
                }
                // It forgot, or it is another witness: everything is read again.
                self.growth = Growth::default();
                Ok(Asked::Behind)
            }
            Err(error) => Err(error),
        }
    }

    fn ask_once_more(&mut self, size: u64, note: &Note) -> Result<Asked, AskError> {
        let old = self.growth.old();
        let request = Request { old, proof: self.growth.proof(size), note: note.clone() };
        match self.client.ask(&request) {
            Ok(cosignature) => {
                self.seen = Some(size);
                self.growth.settle(size);
                Ok(Asked::Cosigned(Cosigned { size, note: with(note, cosignature) }))
            }
            Err(AskError::Seen(seen)) if seen >= size => Ok(Asked::Ahead { seen }),
            Err(error) => Err(error),
        }
    }
}

fn with(note: &Note, cosignature: NoteSignature) -> Note {
    let mut note = note.clone();
    note.signatures.push(cosignature);
    note
}
