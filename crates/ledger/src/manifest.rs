//! `NNNNNNNN.manifest`: what a sealed segment holds, in one line of canonical JSON. It is made once,
//! when the segment behind it is in use, and compared with the records at every open.
//!
//! INVARIANT derived: all of a manifest but its time follows from the segment, so a missing one is made
//! again and one that differs shows that one of the two was changed.

use std::io;
use std::path::Path;

use faramesh_call::{Object, Timestamp, Value, json};
use faramesh_dpr::{Hash, read_hash};
use faramesh_verify::Frontier;

use crate::damage::{WalkError, damage, hex, io_error};
use crate::disk::Disk;
use crate::durable;
use crate::segment::Header;

const VERSION: &str = "manifest/1";
const SUFFIX: &str = ".manifest";
/// Largest file that can be a manifest, in bytes.
const MAX_BYTES: usize = 4_096;

/// What a sealed segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub segment: u64,
    /// The epoch that began the segment.
    pub epoch: u64,
    pub first_seq: u64,
    /// One less than `first_seq` in a segment without records.
    pub last_seq: u64,
    pub records: u64,
    /// The hash before the first record.
    pub prev: Hash,
    /// The hash of the last record.
    pub head: Hash,
    /// The root of the tree over this segment's records alone.
    pub root: Hash,
    pub file_sha256: Hash,
    /// The length of the file.
    pub bytes: u64,
    pub sealed_at: Timestamp,
}

/// The name of a segment's manifest.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:08}{SUFFIX}")
}

/// The number of a segment by its manifest's name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

impl Manifest {
    /// The members in the order of their comparison, with how each is shown.
    fn members(&self) -> [(&'static str, String); 10] {
        [
            ("segment", self.segment.to_string()),
            ("epoch", self.epoch.to_string()),
            ("first_seq", self.first_seq.to_string()),
            ("last_seq", self.last_seq.to_string()),
            ("records", self.records.to_string()),
            ("prev", hex(&self.prev)),
            ("head", hex(&self.head)),
            ("root", hex(&self.root)),
            ("bytes", self.bytes.to_string()),
            ("file_sha256", hex(&self.file_sha256)),
        ]
    }

    /// The line of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let numbers = [
            ("bytes", self.bytes),
            ("epoch", self.epoch),
            ("first_seq", self.first_seq),
            ("last_seq", self.last_seq),
            ("records", self.records),
            ("segment", self.segment),
        ];
        let hashes = [
            ("file_sha256", &self.file_sha256),
            ("head", &self.head),
            ("prev", &self.prev),
            ("root", &self.root),
        ];
        let mut object = Object::new();
        object.insert("v", VERSION);
        object.insert("sealed_at", self.sealed_at.to_string());
        for (key, number) in numbers {
            object.insert(key, number);
        }
        for (key, hash) in hashes {
            object.insert(key, hex(hash));
        }
        let mut line = json::canonical(&Value::Object(object));
        line.push(b'\n');
        line
    }

    /// Reads what [`Manifest::encode`] writes, and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let value = json::parse(bytes.strip_suffix(b"\n")?).ok()?;
        let number = |key: &str| u64::try_from(value.get(key)?.as_i64()?).ok();
        let hash = |key: &str| read_hash(value.get(key)?.as_str()?.as_bytes());
        let manifest = Self {
            segment: number("segment")?,
            epoch: number("epoch")?,
            first_seq: number("first_seq")?,
            last_seq: number("last_seq")?,
            records: number("records")?,
            prev: hash("prev")?,
            head: hash("head")?,
            root: hash("root")?,
            file_sha256: hash("file_sha256")?,
            bytes: number("bytes")?,
            sealed_at: Timestamp::parse(value.get("sealed_at")?.as_str()?)?,
        };
        (manifest.encode() == bytes).then_some(manifest)
    }

    /// The manifest of a segment; `None` when there is none.
    ///
    /// # Errors
    /// What stands in its file is none, or cannot be read.
    pub(crate) fn read(
        disk: &dyn Disk,
        directory: &Path,
        number: u64,
        seq: u64,
    ) -> Result<Option<Self>, WalkError> {
        let path = directory.join(file_name(number));
        let read = durable::read(disk, &path, MAX_BYTES);
        let bytes = match read {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => bytes,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Vec::new(),
            Err(error) => return Err(io_error(&path, error)),
        };
        match Self::decode(&bytes) {
            Some(manifest) => Ok(Some(manifest)),
            None => Err(damage(&path, 0, seq, "manifest", "a manifest", "something else")),
        }
    }

    /// Puts the manifest in the folder for good.
    pub(crate) fn write(&self, disk: &dyn Disk, directory: &Path) -> io::Result<()> {
        durable::replace(disk, directory, &file_name(self.segment), &self.encode())
    }

    /// Whether the segment is as this manifest says; the time is not compared.
    ///
    /// # Errors
    /// The first member that differs, as damage of the manifest's file.
    pub(crate) fn compare(&self, directory: &Path, found: &Self) -> Result<(), WalkError> {
        let path = directory.join(file_name(found.segment));
        for ((field, told), (_, is)) in self.members().into_iter().zip(found.members()) {
            if told != is {
                let field = format!("manifest.{field}");
                return Err(damage(&path, 0, found.last_seq, &field, &is, &told));
            }
        }
        Ok(())
    }
}

/// What is counted of a segment while it is walked.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    records: u64,
    frontier: Frontier,
    /// When its last record was made.
    pub last_time: Timestamp,
}

impl Default for Tally {
    fn default() -> Self {
        Self { records: 0, frontier: Frontier::default(), last_time: Timestamp(0) }
    }
}

impl Tally {
    pub(crate) fn add_leaf(&mut self, leaf: Hash, time: Timestamp) {
        self.records += 1;
        self.frontier.append_leaf(leaf);
        self.last_time = self.last_time.max(time);
    }

    /// The manifest of the segment that was counted to its end; its time is not set.
    pub(crate) fn manifest(&self, header: &Header, head: Hash, file_sha256: Hash, bytes: u64) -> Manifest {
        Manifest {
            segment: header.number,
            epoch: header.epoch,
            first_seq: header.first_seq,
            last_seq: header.first_seq.saturating_add(self.records).saturating_sub(1),
            records: self.records,
            prev: header.prev,
            head: if self.records == 0 { header.prev } else { head },
            root: self.frontier.root(),
            file_sha256,
            bytes,
            sealed_at: Timestamp(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            segment: 3,
            epoch: 2,
            first_seq: 10,
            last_seq: 19,
            records: 10,
            prev: [1; 32],
            head: [2; 32],
            root: [3; 32],
            file_sha256: [4; 32],
            bytes: 8_192,
            sealed_at: Timestamp(1_795_166_999_999),
        }
    }

    #[test]
    fn manifests_come_back_and_nothing_else_does() {
        let good = manifest().encode();
        assert_eq!(Manifest::decode(&good), Some(manifest()));
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Manifest::decode(&bytes), Some(manifest()), "bit {bit}");
        }
        assert_eq!(Manifest::decode(&[&good[..], b"\n"].concat()), None);
        assert_eq!(Manifest::decode(b""), None);
    }

    #[test]
    fn every_member_is_compared() {
        let good = manifest();
        let folder = Path::new("/ledger");
        assert!(Manifest { sealed_at: Timestamp(1), ..good.clone() }.compare(folder, &good).is_ok());
        let others = [
            ("epoch", Manifest { epoch: 9, ..good.clone() }),
            ("first_seq", Manifest { first_seq: 9, ..good.clone() }),
            ("last_seq", Manifest { last_seq: 9, ..good.clone() }),
            ("records", Manifest { records: 9, ..good.clone() }),
            ("prev", Manifest { prev: [9; 32], ..good.clone() }),
            ("head", Manifest { head: [9; 32], ..good.clone() }),
            ("root", Manifest { root: [9; 32], ..good.clone() }),
            ("bytes", Manifest { bytes: 9, ..good.clone() }),
            ("file_sha256", Manifest { file_sha256: [9; 32], ..good.clone() }),
        ];
        for (field, other) in others {
            let error = other.compare(folder, &good).unwrap_err().to_string();
            assert!(error.contains(&format!("`manifest.{field}`")), "{error}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(number_of(&file_name(12)), Some(12));
        for name in ["1.manifest", "00000001.wal", "00000001.manifest.new.tmp"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
