//! `NNNNNNNN.carry`: what a compacted segment leaves besides its digests, so that the ledger goes on
//! without the body: the state of the chain behind it, where the body is, and the records that are still
//! needed, whole. Lines of canonical JSON: the head, the agents, the kept records.
//!
//! INVARIANT vouched for: the hash of this file is in the record of the compaction, and each kept record
//! is held against its digest.

use faramesh_call::{Object, Timestamp, Value, json};
use faramesh_dpr::{Hash, Record, RecordId, Resume, hash_of, read_hash};

use crate::damage::hex;

const VERSION: &str = "carry/1";
const SUFFIX: &str = ".carry";
/// Most bytes of the records that one segment keeps.
pub(crate) const MAX_KEPT_BYTES: usize = 16 << 20;
/// Largest file that can be a carry, in bytes.
pub(crate) const MAX_BYTES: usize = 48 << 20;

/// What a compacted segment leaves.
#[derive(Debug, Clone)]
pub(crate) struct Carry {
    pub segment: u64,
    /// The chain behind the segment's last record.
    pub resume: Resume,
    pub first_time: Timestamp,
    pub last_time: Timestamp,
    /// The largest id up to here.
    pub last_id: RecordId,
    /// Where the body is.
    pub archive: String,
    /// Records that are needed, each with the byte of the segment that its frame began at.
    pub kept: Vec<(u64, Record)>,
}

/// The name of a segment's carry.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:08}{SUFFIX}")
}

/// The number of a segment by its carry's name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// The number of a segment by the name of anything that a compaction writes.
pub(crate) fn number_of_left(name: &str) -> Option<u64> {
    let digests = || {
        let number = name.strip_suffix(".digests")?.parse().ok()?;
        (digests_name(number) == name).then_some(number)
    };
    number_of(name).or_else(digests)
}

/// The name of a segment's digests.
pub(crate) fn digests_name(number: u64) -> String {
    format!("{number:08}.digests")
}

impl Carry {
    /// The bytes of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let resume = &self.resume;
        let mut head = Object::new();
        head.insert("v", VERSION);
        for (key, number) in [("segment", self.segment), ("epoch", resume.epoch), ("last_seq", resume.seq)] {
            head.insert(key, number);
        }
        for (key, number) in [("agents", resume.agents.len()), ("kept", self.kept.len())] {
            head.insert(key, number);
        }
        for (key, time) in [("first_time", self.first_time), ("last_time", self.last_time)] {
            head.insert(key, time.to_string());
        }
        head.insert("head", hex(&resume.hash));
        head.insert("policy", resume.policy.map(|policy| hex(&policy)));
        head.insert("last_id", self.last_id.to_string());
        head.insert("archive", self.archive.as_str());
        head.insert("stack", &*resume.stack);
        head.insert("instance", &*resume.instance);
        let mut out = line(head);
        for (agent, seq) in &resume.agents {
            let members = [("agent", Value::from(&**agent)), ("agent_seq", Value::from(*seq))];
            out.extend(line(members.into_iter().collect()));
        }
        for (offset, record) in &self.kept {
            out.extend_from_slice(format!("{{\"offset\":{offset},\"record\":").as_bytes());
            out.extend_from_slice(record.bytes());
            out.extend_from_slice(b"}\n");
        }
        out
    }

    /// Reads what [`Carry::encode`] writes, and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.strip_suffix(b"\n")?.split(|byte| *byte == b'\n');
        let head = json::parse(lines.next()?).ok()?;
        let number = |key: &str| u64::try_from(head.get(key)?.as_i64()?).ok();
        let text = |key: &str| head.get(key)?.as_str();
        let hash = |key: &str| read_hash(text(key)?.as_bytes());
        let policy = match head.get("policy")? {
            Value::Null => None,
            _ => Some(hash("policy")?),
        };
        let mut resume = Resume {
            epoch: number("epoch")?,
            seq: number("last_seq")?,
            hash: hash("head")?,
            policy,
            stack: text("stack")?.into(),
            instance: text("instance")?.into(),
            agents: Vec::new(),
        };
        for _ in 0..number("agents")? {
            let line = json::parse(lines.next()?).ok()?;
            let seq = u64::try_from(line.get("agent_seq")?.as_i64()?).ok()?;
            resume.agents.push((line.get("agent")?.as_str()?.into(), seq));
        }
        let kept: Option<Vec<(u64, Record)>> = lines.map(kept_line).collect();
        let carry = Self {
            segment: number("segment")?,
            resume,
            first_time: Timestamp::parse(text("first_time")?)?,
            last_time: Timestamp::parse(text("last_time")?)?,
            last_id: text("last_id")?.parse().ok()?,
            archive: text("archive")?.to_owned(),
            kept: kept?,
        };
        (carry.encode() == bytes).then_some(carry)
    }

    /// The hash that the record of the compaction names.
    pub(crate) fn sha256(bytes: &[u8]) -> Hash {
        hash_of(bytes)
    }
}

fn line(object: Object) -> Vec<u8> {
    let mut line = json::canonical(&Value::Object(object));
    line.push(b'\n');
    line
}

fn kept_line(line: &[u8]) -> Option<(u64, Record)> {
    let rest = line.strip_prefix(b"{\"offset\":")?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let (digits, rest) = rest.split_at_checked(comma)?;
    let record = rest.strip_prefix(b",\"record\":")?.strip_suffix(b"}")?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, Record::parse(record).ok()?))
}
