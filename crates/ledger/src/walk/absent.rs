//! The walk over segments whose bodies are not in the folder: what they left, or their bodies in an
//! archive.

use std::io;
use std::path::Path;

use faramesh_dpr::Chain;

use super::{Body, Item, Location, Step, Walk};
use crate::compacted::{Compacted, Left};
use crate::damage::{WalkError, damage, hex, io_error};
use crate::{manifest, sealed, segment};

impl Walk {
    /// The next record of a compacted segment; behind its last, the chain goes on from what it left.
    pub(super) fn left(&mut self) -> Option<Item> {
        let compacted = self.compacted.as_mut()?;
        match compacted.next() {
            Some(Left::Digest { hash }) => Some(Item::Digest { seq: compacted.seq(), hash }),
            Some(Left::Kept { hash, offset, record }) => {
                let location = Location { segment: compacted.manifest.segment, offset };
                if self.seals {
                    self.compactions.record(&record);
                }
                Some(Item::Record(Step { location, record, hash, leaf: None }))
            }
            None => {
                self.chain = Chain::resumed(&compacted.carry.resume);
                self.last_id = self.last_id.max(compacted.last_id());
                self.compacted = None;
                None
            }
        }
    }

    /// No segment is left: well in an empty folder, but the last one is never compacted.
    pub(super) fn no_more(&mut self) -> Result<Option<Item>, WalkError> {
        if self.segments == 0 || !self.seals {
            return Ok(None);
        }
        let missing = self.directory.join(segment::file_name(self.segments + 1));
        Err(damage(&missing, 0, self.next_seq(), "segment", "the file", "nothing"))
    }

    /// A segment whose body is not in the folder: its place and its body in the archive, when that is to
    /// be read; else the walk goes on over what it left.
    pub(super) fn absent(&mut self, number: u64, path: &Path) -> Result<Option<Body>, WalkError> {
        let seq = self.next_seq();
        let Some(compacted) = Compacted::load(self.disk.as_ref(), &self.directory, number, seq)? else {
            return Err(damage(path, 0, seq, "segment", "the file", "nothing"));
        };
        let manifest = &compacted.manifest;
        let known = number == 1 || self.chain.seq() > 0;
        if known && (manifest.first_seq, manifest.prev) != (seq, self.chain.hash()) {
            let path = self.directory.join(manifest::file_name(number));
            let expected = format!("record {seq} behind {}", hex(&self.chain.hash()));
            let found = format!("record {} behind {}", manifest.first_seq, hex(&manifest.prev));
            return Err(damage(&path, 0, seq, "manifest.prev", &expected, &found));
        }
        if self.seals {
            self.compactions.absent(&compacted);
            self.archived.push(compacted.told(self.archives.is_some()));
        }
        self.segments = number;
        let Some(archives) = &self.archives else {
            // A body that is read comes to the same at its end.
            self.sealed = sealed::with(&self.sealed, &compacted.manifest);
            self.compacted = Some(compacted);
            return Ok(None);
        };
        let name = segment::file_name(number);
        let location = &compacted.carry.archive;
        let path = self.directory.join(location).join(&name);
        let body = archives.at(location).and_then(|archive| archive.get(&name));
        match body {
            Ok(body) => Ok(Some((path, body, compacted))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(damage(&path, 0, seq, "archive", "the body of a compacted segment", "nothing"))
            }
            Err(error) => Err(io_error(&path, error)),
        }
    }
}
