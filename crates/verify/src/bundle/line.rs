//! One line of a bundle, read and written. Every line is canonical JSON with exactly the members of its
//! kind, so there is one form of each; a record's line is taken apart without building its value.
//!
//! Leaves out whether what a line says is true.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faramesh_call::{Object, Value, json};
use faramesh_dpr::{Hash, read_hash, write_hash};

use super::BUNDLE_VERSION;
use crate::key::PublicKey;
use crate::proof::MAX_PROOF;

/// Most bytes of a line, without its line feed.
pub const MAX_LINE_BYTES: usize = 16 << 20;
/// Most bytes of a compiled policy that a line can carry.
pub const MAX_PROGRAM_BYTES: usize = 8 << 20;
/// Most keys of a ledger.
const MAX_KEYS: usize = 4_096;
/// Most witnesses; a note has no room for more.
const MAX_WITNESSES: usize = 63;

/// The first line: what the bundle is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whether it holds every record of the ledger, from the first on.
    pub complete: bool,
    /// Every key that was in force, oldest first; of picked records up to the one that signed the newest
    /// checkpoint.
    pub keys: Vec<PublicKey>,
    /// The name of the ledger.
    pub origin: String,
    /// The stack.
    pub stack: String,
    /// The witnesses that cosigned checkpoints of the bundle; as the bundle says.
    pub witnesses: Vec<PublicKey>,
}

/// A line as it was read.
#[derive(Debug)]
pub(super) enum Line<'a> {
    Header(Header),
    Checkpoint {
        note: String,
        consistency: Option<Vec<Hash>>,
    },
    Policy {
        hash: Hash,
        program: Vec<u8>,
    },
    Record(RecordLine<'a>),
    /// A record whose body is in an archive.
    Digest {
        at: u64,
        hash: Hash,
    },
    End {
        records: u64,
        sha256: Hash,
    },
}

/// A record with its number, its hash and, when it was picked from a ledger, its proof.
#[derive(Debug)]
pub(super) struct RecordLine<'a> {
    pub at: u64,
    pub hash: Hash,
    pub proof: Option<Vec<Hash>>,
    pub bytes: &'a [u8],
}

impl<'a> Line<'a> {
    /// Reads a line; `None` when it is none that is written here.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.starts_with(b"{\"at\":") {
            return record(bytes);
        }
        let value = json::parse(bytes).ok()?;
        if json::canonical(&value) != bytes {
            return None;
        }
        let Value::Object(object) = &value else { return None };
        match object.iter().next()?.0 {
            "bundle" => header(object).map(Self::Header),
            "checkpoint" => checkpoint(object),
            "policy" => policy(object),
            "end" => end(object),
            _ => None,
        }
    }
}

/// The number that a record's line begins with, even when the rest of the line is rubbish.
pub(super) fn number_of(bytes: &[u8]) -> Option<u64> {
    number(bytes.strip_prefix(b"{\"at\":")?).map(|(number, _)| number)
}

/// A number from 1 without leading zeros, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take(21).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at_checked(length)?;
    if digits.first() == Some(&b'0') {
        return None;
    }
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

fn record(bytes: &[u8]) -> Option<Line<'_>> {
    let (at, rest) = number(bytes.strip_prefix(b"{\"at\":")?)?;
    let (digits, rest) = rest.strip_prefix(b",\"hash\":\"")?.split_at_checked(64)?;
    let hash = read_hash(digits)?;
    if rest == b"\"}" {
        return Some(Line::Digest { at, hash });
    }
    let rest = rest.strip_prefix(b"\",")?;
    let (proof, rest) = match rest.strip_prefix(b"\"proof\":[") {
        None => (None, rest),
        Some(rest) => {
            let end = rest.iter().take(MAX_PROOF * 48).position(|byte| *byte == b']')?;
            let (hashes, rest) = rest.split_at_checked(end)?;
            (Some(proof_of(hashes)?), rest.strip_prefix(b"],")?)
        }
    };
    let bytes = rest.strip_prefix(b"\"record\":")?.strip_suffix(b"}")?;
    Some(Line::Record(RecordLine { at, hash, proof, bytes }))
}

/// Quoted hashes between commas.
fn proof_of(bytes: &[u8]) -> Option<Vec<Hash>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let unquoted = |part: &[u8]| hash_of_base64(part.strip_prefix(b"\"")?.strip_suffix(b"\"")?);
    bytes.split(|byte| *byte == b',').map(unquoted).collect()
}

fn hash_of_base64(text: &[u8]) -> Option<Hash> {
    // The engine refuses missing padding and bits that say nothing, so there is one form only.
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn header(object: &Object) -> Option<Header> {
    let text = |member| object.get(member).and_then(Value::as_str);
    let witnesses = match object.get("witnesses") {
        None => Vec::new(),
        // Where there are none they are not named, so that there is one form.
        Some(witnesses) => keys(witnesses, MAX_WITNESSES).filter(|witnesses| !witnesses.is_empty())?,
    };
    let members = 5 + usize::from(!witnesses.is_empty());
    if object.len() != members || text("bundle")? != BUNDLE_VERSION {
        return None;
    }
    let keys = keys(object.get("keys")?, MAX_KEYS)?;
    let complete = object.get("complete")?.as_bool()?;
    let (origin, stack) = (text("origin")?.to_owned(), text("stack")?.to_owned());
    Some(Header { complete, keys, origin, stack, witnesses })
}

fn keys(value: &Value, most: usize) -> Option<Vec<PublicKey>> {
    let keys = value.as_list()?;
    let read = |key: &Value| key.as_str()?.parse().ok();
    if keys.len() > most { None } else { keys.iter().map(read).collect() }
}

fn checkpoint<'a>(object: &Object) -> Option<Line<'a>> {
    let note = object.get("checkpoint")?.as_str()?.to_owned();
    let consistency = match object.get("consistency") {
        None => None,
        Some(hashes) => {
            let hashes = hashes.as_list()?;
            if hashes.len() > MAX_PROOF {
                return None;
            }
            let hash = |hash: &Value| hash_of_base64(hash.as_str()?.as_bytes());
            Some(hashes.iter().map(hash).collect::<Option<Vec<Hash>>>()?)
        }
    };
    let members = 1 + usize::from(consistency.is_some());
    (object.len() == members).then_some(Line::Checkpoint { note, consistency })
}

fn policy<'a>(object: &Object) -> Option<Line<'a>> {
    let policy = object.get("policy")?.as_object()?;
    let text = |member| policy.get(member).and_then(Value::as_str);
    let hash = read_hash(text("hash")?.strip_prefix("sha256:")?.as_bytes())?;
    let program = STANDARD.decode(text("program")?).ok()?;
    (object.len() == 1 && policy.len() == 2).then_some(Line::Policy { hash, program })
}

fn end<'a>(object: &Object) -> Option<Line<'a>> {
    let end = object.get("end")?.as_object()?;
    let records = u64::try_from(end.get("records")?.as_i64()?).ok()?;
    let sha256 = read_hash(end.get("sha256")?.as_str()?.as_bytes())?;
    (object.len() == 1 && end.len() == 2).then_some(Line::End { records, sha256 })
}

fn hashes(proof: &[Hash]) -> Value {
    proof.iter().map(|hash| Value::from(STANDARD.encode(hash).as_str())).collect()
}

fn hex(hash: &Hash) -> String {
    crate::checkpoint::hex(hash)
}

fn line(object: Object) -> Vec<u8> {
    let mut out = json::canonical(&Value::Object(object));
    out.push(b'\n');
    out
}

impl Header {
    /// The line, with its line feed.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let texts =
            |keys: &[PublicKey]| keys.iter().map(|key| Value::from(key.to_string().as_str())).collect();
        let keys: Value = texts(&self.keys);
        let members = [
            ("bundle", Value::from(BUNDLE_VERSION)),
            ("complete", Value::from(self.complete)),
            ("keys", keys),
            ("origin", Value::from(self.origin.as_str())),
            ("stack", Value::from(self.stack.as_str())),
        ];
        let mut members: Object = members.into_iter().collect();
        if !self.witnesses.is_empty() {
            members.insert("witnesses", texts(&self.witnesses));
        }
        line(members)
    }
}

/// The line of a checkpoint, with its line feed. Only an earlier one of a picked bundle has a proof
/// that its tree is the beginning of the newest one's.
#[must_use]
pub fn checkpoint_line(note: &str, consistency: Option<&[Hash]>) -> Vec<u8> {
    let mut members: Object = [("checkpoint", Value::from(note))].into_iter().collect();
    if let Some(proof) = consistency {
        members.insert("consistency", hashes(proof));
    }
    line(members)
}

/// The line of a compiled policy of at most [`MAX_PROGRAM_BYTES`], with its line feed.
#[must_use]
pub fn policy_line(hash: &Hash, program: &[u8]) -> Vec<u8> {
    let members = [
        ("hash", Value::from(format!("sha256:{}", hex(hash)).as_str())),
        ("program", Value::from(STANDARD.encode(program).as_str())),
    ];
    let policy: Object = members.into_iter().collect();
    line([("policy", Value::Object(policy))].into_iter().collect())
}

/// Appends the line of a record, with its line feed.
pub fn record_line(at: u64, hash: &Hash, proof: Option<&[Hash]>, record: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"at\":{at},\"hash\":\"").as_bytes());
    write_hash(hash, out);
    out.extend_from_slice(b"\",");
    if let Some(proof) = proof {
        let hashes: Vec<String> = proof.iter().map(|hash| format!("\"{}\"", STANDARD.encode(hash))).collect();
        out.extend_from_slice(format!("\"proof\":[{}],", hashes.join(",")).as_bytes());
    }
    out.extend_from_slice(b"\"record\":");
    out.extend_from_slice(record);
    out.extend_from_slice(b"}\n");
}

/// Appends the line of a record of a complete bundle whose body is in an archive, with its line feed.
pub fn digest_line(at: u64, hash: &Hash, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"at\":{at},\"hash\":\"").as_bytes());
    write_hash(hash, out);
    out.extend_from_slice(b"\"}\n");
}

/// The last line, with its line feed: how many records there are, and the hash of all bytes before.
#[must_use]
pub fn end_line(records: u64, sha256: &Hash) -> Vec<u8> {
    let members = [("records", Value::from(records)), ("sha256", Value::from(hex(sha256).as_str()))];
    let end: Object = members.into_iter().collect();
    line([("end", Value::Object(end))].into_iter().collect())
}
