//! How a ledger's folder is kept witnessed: what the witness saw last, what came since, and the next request.
//!
//! INVARIANT bounded: at most as many hashes are held as there is room for; a witness that is further behind is
//! led forwards over older checkpoints.

use std::path::Path;

use faramesh_ledger::{Hashes, ReadError, Reader};
use faramesh_verify::{Growth, Note, NoteSignature};

use crate::client::{AskError, Client};
use crate::request::Request;

/// Most hashes that are held between the last cosigned checkpoint and the next.
const ROOM: u64 = 1 << 20;
/// Hashes that are read at once.
const BATCH: u64 = 4_096;

/// A ledger and one witness of it.
#[derive(Debug)]
pub struct Asking {
    client: Client,
    growth: Growth,
    /// Where `growth` is read on; nothing was read without it.
    hashes: Option<Hashes>,
    /// The size that the witness saw last, once it said so.
    seen: Option<u64>,
    room: u64,
}

/// A checkpoint with a cosignature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The records that it covers: fewer than were asked about when the witness is led on.
    pub size: u64,
    /// The checkpoint with the ledger's signature and the witness's.
    pub note: Note,
    /// Whether the witness knew nothing of this ledger before: such a cosignature proves nothing of the past.
    pub is_first: bool,
}

/// What became of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The checkpoint, or an older one on the way to it, is cosigned.
    Cosigned(Cosigned),
    /// The witness has seen more records than the checkpoint covers. When no newer one is here, records are
    /// missing.
    Ahead {
        /// The records that the witness has seen.
        seen: u64,
    },
    /// The ledger is not the continuation of what the witness has seen.
    Forked {
        /// The records that the witness has seen.
        seen: u64,
    },
    /// What the witness has seen, or the folder, changed meanwhile: to be asked again.
    Moved,
}

/// Why nothing came of asking.
#[derive(Debug, thiserror::Error)]
pub enum AskingError {
    /// The witness.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The folder.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The witness is far behind, and there is no step on the way.
    #[error(
        "the witness has seen {seen} records, and no checkpoint among the {room} behind them is here to lead it on"
    )]
    NoStep {
        /// The records that it has seen.
        seen: u64,
        /// How many can be held.
        room: u64,
    },
}

impl Asking {
    /// Begins with a witness that said nothing yet.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_room(client, ROOM)
    }

    /// The same, for at most `room` hashes.
    #[must_use]
    pub fn with_room(client: Client, room: u64) -> Self {
        Self { client, growth: Growth::default(), hashes: None, seen: None, room: room.max(1) }
    }

    /// The witness's key.
    #[must_use]
    pub fn key(&self) -> &faramesh_verify::PublicKey {
        self.client.key()
    }

    /// Asks about the newest checkpoint of the ledger in `folder`, which covers `size` records.
    ///
    /// # Errors
    /// The witness does not answer, refuses, or answers wrongly; or the folder cannot be read.
    pub fn ask(&mut self, folder: &Path, size: u64, note: &Note) -> Result<Asked, AskingError> {
        let seen = match self.seen {
            Some(seen) => seen,
            None => match self.introduced(note) {
                Ok(cosignature) => return Ok(self.cosigned(size, note, cosignature, true)),
                Err(AskError::Seen(seen)) if seen > 0 => *self.seen.insert(seen),
                Err(error) => return Err(error.into()),
            },
        };
        if seen > size {
            // It is heard again the next time: it may have been asked about a newer checkpoint.
            self.seen = None;
            return Ok(Asked::Ahead { seen });
        }
        if size - seen <= self.room {
            return self.ask_about(folder, seen, size, note);
        }
        let most = seen + self.room;
        match older(folder, most)?.filter(|(size, _)| *size > seen) {
            Some((size, note)) => self.ask_about(folder, seen, size, &note),
            None => Err(AskingError::NoStep { seen, room: self.room }),
        }
    }

    /// A request from nothing needs no proof: a witness that knows nothing cosigns, any other says how much it
    /// has seen.
    fn introduced(&self, note: &Note) -> Result<NoteSignature, AskError> {
        self.client.ask(&Request { old: 0, proof: Vec::new(), note: note.clone() })
    }

    fn ask_about(&mut self, folder: &Path, seen: u64, size: u64, note: &Note) -> Result<Asked, AskingError> {
        if !self.read(folder, seen, size)? {
            return Ok(Asked::Moved);
        }
        let request = Request { old: seen, proof: self.growth.proof(size), note: note.clone() };
        match self.client.ask(&request) {
            Ok(cosignature) => Ok(self.cosigned(size, note, cosignature, false)),
            // Of the same size, and not the same.
            Err(AskError::Seen(other)) if other == seen && seen == size => Ok(Asked::Forked { seen }),
            Err(AskError::Seen(other)) if other != seen => {
                self.seen = None;
                Ok(Asked::Moved)
            }
            Err(AskError::Refused { status: 422, .. }) => {
                self.seen = None;
                Ok(Asked::Forked { seen })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the ledger's first `size` records, and holds those that the witness has not seen. `false` when
    /// there are not so many yet.
    fn read(&mut self, folder: &Path, seen: u64, size: u64) -> Result<bool, ReadError> {
        if self.growth.old() > seen || self.growth.size() > size {
            self.hashes = None;
        }
        let hashes = match &mut self.hashes {
            Some(hashes) => hashes,
            None => {
                self.growth = Growth::default();
                self.hashes.insert(Reader::open(folder)?.hashes()?)
            }
        };
        self.growth.settle(seen);
        while self.growth.size() < size {
            let count = (size - self.growth.size()).min(BATCH);
            let growth = &mut self.growth;
            let taken = match hashes.take(count, &mut |hash| growth.append(hash)) {
                Ok(taken) => taken,
                Err(error) => {
                    self.hashes = None;
                    return Err(error);
                }
            };
            self.growth.settle(seen);
            if taken < count {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn cosigned(&mut self, size: u64, note: &Note, cosignature: NoteSignature, is_first: bool) -> Asked {
        self.seen = Some(size);
        let mut note = note.clone();
        note.signatures.push(cosignature);
        Asked::Cosigned(Cosigned { size, note, is_first })
    }
}

/// The newest checkpoint in a folder that covers no more than so many records.
fn older(folder: &Path, most: u64) -> Result<Option<(u64, Note)>, ReadError> {
    let mut found = None;
    for checkpoint in Reader::open(folder)?.checkpoints()? {
        let (size, note) = checkpoint?;
        if size > most {
            break;
        }
        found = Some((size, note));
    }
    Ok(found)
}
