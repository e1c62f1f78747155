//! A compacted segment as a walk meets it: digests instead of bodies, kept records among them, and behind
//! them the state that the chain goes on from. Also what the chain itself must say of it.
//!
//! INVARIANT recorded: a body may be absent only when a later record names the segment, the root of its
//! tree and the hash of its carry.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Hash, Kind, Record, RecordId, read_hash};
use faramesh_verify::Frontier;

use crate::carry::{self, Carry};
use crate::damage::{WalkError, damage, hex, io_error};
use crate::disk::{self, Disk};
use crate::durable;
use crate::manifest::{self, Manifest};
use crate::segment;

/// The event of the record of a compaction.
const EVENT: &str = "segment_compacted";
/// Largest file of digests, in bytes: a segment of the smallest records a ledger could hold.
const MAX_DIGESTS_BYTES: usize = 512 << 20;
const DIGEST_BYTES: usize = 32;

/// A segment whose body is in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedSegment {
    /// Its number.
    pub segment: u64,
    /// The number of its first record.
    pub first_seq: u64,
    /// The number of its last record.
    pub last_seq: u64,
    /// Records of it.
    pub records: u64,
    /// Records of it that are also in the ledger's folder, because they are still needed.
    pub kept: u64,
    /// When its first record was made.
    pub first_time: Timestamp,
    /// When its last record was made.
    pub last_time: Timestamp,
    /// Where the body is: `s3://…`, or a folder, which may be relative to the ledger's.
    pub archive: String,
    /// Whether the body was read from there and checked.
    pub checked: bool,
}

/// What a compacted segment left in the folder.
#[derive(Debug)]
pub(crate) struct Compacted {
    pub manifest: Manifest,
    pub carry: Carry,
    pub removal: Removal,
    digests: Vec<u8>,
    next: usize,
    next_kept: usize,
}

/// What the record of a compaction says and what is found, to be held against each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub carry_sha256: Hash,
    pub root: Hash,
    pub file_sha256: Hash,
    pub bytes: u64,
}

impl Removal {
    pub(crate) fn new(manifest: &Manifest, carry_sha256: Hash) -> Self {
        let Manifest { root, file_sha256, bytes, .. } = *manifest;
        Self { carry_sha256, root, file_sha256, bytes }
    }

    /// The first part that differs from what the chain tells, with both.
    fn differs(&self, told: &Self) -> (&'static str, String, String) {
        let hashes = [
            ("carry.sha256", &told.carry_sha256, &self.carry_sha256),
            ("manifest.root", &told.root, &self.root),
            ("manifest.file_sha256", &told.file_sha256, &self.file_sha256),
        ];
        match hashes.into_iter().find(|(_, told, found)| told != found) {
            Some((field, told, found)) => (field, hex(told), hex(found)),
            None => ("manifest.bytes", told.bytes.to_string(), self.bytes.to_string()),
        }
    }
}

/// One record of a compacted segment.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack, while a folder is walked")]
pub(crate) enum Left {
    Digest { hash: Hash },
    Kept { hash: Hash, offset: u64, record: Record },
}

/// The numbers of the compacted segments among the names of a folder.
pub(crate) fn numbers(names: &[String]) -> impl Iterator<Item = u64> + '_ {
    names.iter().filter_map(|name| carry::number_of(name))
}

impl Compacted {
    /// What a segment left; `None` when it was not compacted. `seq` is what its first record should be.
    ///
    /// # Errors
    /// It does not fit together.
    pub(crate) fn load(
        disk: &dyn Disk,
        directory: &Path,
        number: u64,
        seq: u64,
    ) -> Result<Option<Self>, WalkError> {
        let path = directory.join(carry::file_name(number));
        let Some(bytes) = read(disk, &path, carry::MAX_BYTES)? else { return Ok(None) };
        let Some(carry) = Carry::decode(&bytes).filter(|carry| carry.segment == number) else {
            return Err(damage(&path, 0, seq, "carry", "what a compacted segment leaves", "something else"));
        };
        let Some(manifest) = Manifest::read(disk, directory, number, seq)? else {
            let path = directory.join(manifest::file_name(number));
            return Err(damage(&path, 0, seq, "manifest", "that of a compacted segment", "nothing"));
        };
        let digests_path = directory.join(carry::digests_name(number));
        let digests = read(disk, &digests_path, MAX_DIGESTS_BYTES)?.unwrap_or_default();
        check_digests(&digests_path, &digests, &manifest)?;
        let removal = Removal::new(&manifest, Carry::sha256(&bytes));
        let compacted = Self { manifest, carry, removal, digests, next: 0, next_kept: 0 };
        compacted.check_carry(&path)?;
        Ok(Some(compacted))
    }

    fn check_carry(&self, path: &Path) -> Result<(), WalkError> {
        let (manifest, resume) = (&self.manifest, &self.carry.resume);
        if (resume.seq, resume.hash) != (manifest.last_seq, manifest.head) {
            let (expected, found) = (hex(&manifest.head), hex(&resume.hash));
            return Err(damage(path, 0, manifest.last_seq, "carry.head", &expected, &found));
        }
        let mut before = manifest.first_seq.saturating_sub(1);
        for (_, record) in &self.carry.kept {
            let (seq, hash) = (record.seq(), record.hash());
            let digest = seq.checked_sub(manifest.first_seq).and_then(|place| self.digest(place));
            if seq <= before || digest != Some(hash) {
                let expected =
                    digest.map_or_else(|| "a record of this segment".to_owned(), |hash| hex(&hash));
                return Err(damage(path, 0, seq, "record", &expected, &hex(&hash)));
            }
            before = seq;
        }
        Ok(())
    }

    /// The hash of the record at a place, from 0.
    pub(crate) fn digest(&self, place: u64) -> Option<Hash> {
        let start = usize::try_from(place).ok()?.checked_mul(DIGEST_BYTES)?;
        self.digests.get(start..)?.first_chunk().copied()
    }

    /// The next record.
    pub(crate) fn next(&mut self) -> Option<Left> {
        let place = u64::try_from(self.next).ok()?;
        let hash = self.digest(place)?;
        self.next += 1;
        let seq = self.manifest.first_seq.saturating_add(place);
        if let Some((offset, record)) = self.carry.kept.get(self.next_kept).filter(|kept| kept.1.seq() == seq)
        {
            self.next_kept += 1;
            return Some(Left::Kept { hash, offset: *offset, record: record.clone() });
        }
        Some(Left::Digest { hash })
    }

    /// The number of the record that [`Compacted::next`] gave last.
    pub(crate) fn seq(&self) -> u64 {
        let taken = u64::try_from(self.next).unwrap_or(u64::MAX);
        self.manifest.first_seq.saturating_add(taken).saturating_sub(1)
    }

    pub(crate) fn last_id(&self) -> RecordId {
        self.carry.last_id
    }

    /// What is told of it.
    pub(crate) fn told(&self, checked: bool) -> ArchivedSegment {
        told(&self.manifest, &self.carry, checked)
    }
}

fn told(manifest: &Manifest, carry: &Carry, checked: bool) -> ArchivedSegment {
    ArchivedSegment {
        segment: manifest.segment,
        first_seq: manifest.first_seq,
        last_seq: manifest.last_seq,
        records: manifest.records,
        kept: u64::try_from(carry.kept.len()).unwrap_or(u64::MAX),
        first_time: carry.first_time,
        last_time: carry.last_time,
        archive: carry.archive.clone(),
        checked,
    }
}

/// A compacted segment, and the records of it that stayed with their numbers.
pub(crate) type Remains = (ArchivedSegment, Vec<(u64, Record)>);

/// The compacted segments of a folder, oldest first, with the records of them that stayed. What they
/// hold is not held against the chain.
pub(crate) fn list(disk: &dyn Disk, directory: &Path) -> Result<Vec<Remains>, WalkError> {
    let names = disk::retry(|| disk.list(directory)).map_err(|error| io_error(directory, error))?;
    let mut found: Vec<u64> = numbers(&names).collect();
    found.sort_unstable();
    // Where the body is still there, the compaction has not come to its end.
    found.retain(|number| !names.contains(&segment::file_name(*number)));
    let mut segments = Vec::with_capacity(found.len());
    for number in found {
        let path = directory.join(carry::file_name(number));
        let bytes = read(disk, &path, carry::MAX_BYTES)?.unwrap_or_default();
        let manifest = Manifest::read(disk, directory, number, 0)?;
        let (Some(carry), Some(manifest)) = (Carry::decode(&bytes), manifest) else {
            return Err(damage(&path, 0, 0, "carry", "what a compacted segment leaves", "something else"));
        };
        let told = told(&manifest, &carry, false);
        segments.push((told, carry.kept));
    }
    Ok(segments)
}

fn read(disk: &dyn Disk, path: &Path, most: usize) -> Result<Option<Vec<u8>>, WalkError> {
    match durable::read(disk, path, most) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(Vec::new())),
        read => read.map_err(|error| io_error(path, error)),
    }
}

fn check_digests(path: &Path, digests: &[u8], manifest: &Manifest) -> Result<(), WalkError> {
    let wrong = |offset, field: &str, expected: String, found: String| {
        Err(damage(path, offset, manifest.first_seq, field, &expected, &found))
    };
    let expected = manifest.records.saturating_mul(32);
    let found = u64::try_from(digests.len()).unwrap_or(u64::MAX);
    if expected != found {
        return wrong(0, "digests", format!("{expected} bytes"), format!("{found} bytes"));
    }
    let mut frontier = Frontier::default();
    let mut last = manifest.prev;
    for digest in digests.as_chunks::<DIGEST_BYTES>().0 {
        frontier.append(digest);
        last = *digest;
    }
    if last != manifest.head {
        let offset = expected.saturating_sub(32);
        return wrong(offset, "digests.head", hex(&manifest.head), hex(&last));
    }
    if frontier.root() != manifest.root {
        return wrong(0, "digests.root", hex(&manifest.root), hex(&frontier.root()));
    }
    Ok(())
}

/// Which compactions the chain tells of, and which segments are without their body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compactions {
    recorded: BTreeMap<u64, Vec<Removal>>,
    absent: BTreeMap<u64, (Removal, u64)>,
}

impl Compactions {
    /// Takes a record of the walk.
    pub(crate) fn record(&mut self, record: &Record) {
        if record.kind() == Kind::Lifecycle
            && let Some((segment, removal)) = record.detail().and_then(|detail| removal_of(&detail))
        {
            self.tell(segment, removal);
        }
    }

    /// Takes what a record tells.
    pub(crate) fn tell(&mut self, segment: u64, removal: Removal) {
        let recorded = self.recorded.entry(segment).or_default();
        if !recorded.contains(&removal) {
            recorded.push(removal);
        }
    }

    /// A body that is not looked at may be absent when the chain tells of any compaction of its segment.
    pub(crate) fn check_told(&self, segment: u64, directory: &Path) -> Result<(), WalkError> {
        if self.recorded.contains_key(&segment) {
            return Ok(());
        }
        let path = directory.join(segment::file_name(segment));
        Err(damage(&path, 0, 0, "segment", "a record of the segment's compaction", "none"))
    }

    /// What the chain tells, as it can be kept.
    pub(crate) fn save(&self) -> Value {
        let mut all = Vec::new();
        for (segment, removals) in &self.recorded {
            for removal in removals {
                let mut members = Object::new();
                members.insert("segment", *segment);
                members.insert("carry_sha256", hex(&removal.carry_sha256));
                members.insert("root", hex(&removal.root));
                members.insert("file_sha256", hex(&removal.file_sha256));
                members.insert("bytes", removal.bytes);
                all.push(Value::Object(members));
            }
        }
        Value::List(all)
    }

    /// Reads [`Compactions::save`].
    pub(crate) fn load(value: &Value) -> Option<Self> {
        let mut compactions = Self::default();
        for told in value.as_list()? {
            let hash = |key: &str| read_hash(told.get(key)?.as_str()?.as_bytes());
            let removal = Removal {
                carry_sha256: hash("carry_sha256")?,
                root: hash("root")?,
                file_sha256: hash("file_sha256")?,
                bytes: u64::try_from(told.get("bytes")?.as_i64()?).ok()?,
            };
            compactions.tell(u64::try_from(told.get("segment")?.as_i64()?).ok()?, removal);
        }
        Some(compactions)
    }

    /// Takes a segment whose body is not in the folder.
    pub(crate) fn absent(&mut self, compacted: &Compacted) {
        let manifest = &compacted.manifest;
        self.absent.insert(manifest.segment, (compacted.removal.clone(), manifest.last_seq));
    }

    /// Whether the chain tells that a segment was compacted to this.
    pub(crate) fn tells(&self, segment: u64, removal: &Removal) -> bool {
        self.recorded.get(&segment).is_some_and(|recorded| recorded.contains(removal))
    }

    /// The end of the walk: the chain tells of every absent body.
    pub(crate) fn check(&self, directory: &Path) -> Result<(), WalkError> {
        self.check_within(directory, self)
    }

    /// Of every absent body that a walk came by, what others were told of the whole chain tells.
    pub(crate) fn check_within(&self, directory: &Path, told: &Self) -> Result<(), WalkError> {
        for (segment, (removal, seq)) in &self.absent {
            if !told.tells(*segment, removal) {
                let path: PathBuf = directory.join(carry::file_name(*segment));
                let recorded = told.recorded.get(segment).and_then(|recorded| recorded.first());
                let (field, expected, found) = match recorded {
                    Some(recorded) => removal.differs(recorded),
                    None => {
                        let expected = "a record of the segment's compaction".to_owned();
                        ("carry.sha256", expected, hex(&removal.carry_sha256))
                    }
                };
                return Err(damage(&path, 0, *seq, field, &expected, &found));
            }
        }
        Ok(())
    }
}

/// What the record of a compaction says.
pub(crate) fn detail(manifest: &Manifest, removal: &Removal, archive: &str) -> Object {
    let mut detail: Object =
        [("event", Value::from(EVENT)), ("archive", Value::from(archive))].into_iter().collect();
    for (key, number) in [
        ("segment", manifest.segment),
        ("first_seq", manifest.first_seq),
        ("last_seq", manifest.last_seq),
        ("bytes", manifest.bytes),
    ] {
        detail.insert(key, number);
    }
    for (key, hash) in [
        ("carry_sha256", &removal.carry_sha256),
        ("file_sha256", &manifest.file_sha256),
        ("root", &removal.root),
    ] {
        detail.insert(key, hex(hash));
    }
    detail
}

fn removal_of(detail: &Value) -> Option<(u64, Removal)> {
    if detail.get("event")?.as_str()? != EVENT {
        return None;
    }
    let hash = |key: &str| read_hash(detail.get(key)?.as_str()?.as_bytes());
    let segment = u64::try_from(detail.get("segment")?.as_i64()?).ok()?;
    let bytes = u64::try_from(detail.get("bytes")?.as_i64()?).ok()?;
    let (carry_sha256, root, file_sha256) = (hash("carry_sha256")?, hash("root")?, hash("file_sha256")?);
    Some((segment, Removal { carry_sha256, root, file_sha256, bytes }))
}
