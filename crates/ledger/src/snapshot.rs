//! `NNNNNNNN.state`: what a start has to know of the records up to the end of a sealed segment, so that it
//! replays only those behind: the chain, keys and checkpoints, compactions, and the caller's state. A line
//! that vouches for the rest, a head and the agents in lines of canonical JSON, then the bytes of the state.
//!
//! INVARIANT derived: it is believed only when its digest is right, a key of this daemon signed it (where
//! the ledger is signed), and the sealed segments are the ones that it was made of, by their manifests and
//! lengths. Otherwise it is as if it were not there. INVARIANT held against: whoever starts from one has
//! the records read all the same, behind READY (`recheck`).

use std::io;
use std::path::Path;

use faramesh_call::{Object, Value, json};
use faramesh_dpr::{Hash, RecordId, Resume, hash_of, read_hash};
use faramesh_verify::{PublicKey, Signed};

use crate::compacted::Compactions;
use crate::damage::hex;
use crate::disk::{self, Disk};
use crate::durable;
use crate::voucher::{Voucher, note_of};

const VERSION: &str = "state/1";
const SUFFIX: &str = ".state";
/// Largest snapshot, in bytes. Of a state that is larger none is made, and a start reads every record.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// Most of them that are the caller's state.
const MAX_STATE_BYTES: usize = 56 << 20;
/// Snapshots that are kept: the newest, and the one before in case the newest does not hold.
const KEPT: usize = 2;

/// What the records up to the end of a sealed segment come to.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The segment behind whose last record it stands.
    pub segment: u64,
    pub resume: Resume,
    /// The largest id up to here.
    pub last_id: RecordId,
    /// The digest over the manifests of all segments up to here, see `crate::sealed`.
    pub sealed: Hash,
    /// Where in `checkpoints.log` the first checkpoint of more records than these begins.
    pub log_offset: u64,
    pub signed: Signed,
    pub compactions: Compactions,
    /// The caller's state, until it is taken out.
    state: Vec<u8>,
    /// Its digest, which stays.
    state_sha256: Hash,
}

/// The name of the snapshot at the end of a segment.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:08}{SUFFIX}")
}

/// The number of a segment by the name of its snapshot.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// The segments that have snapshots, the newest first.
pub(crate) fn numbers(names: &[String]) -> Vec<u64> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable_by(|left, right| right.cmp(left));
    numbers
}

/// What a key signs to vouch for a snapshot: never the text of a checkpoint, whose first line is a name and
/// whose second is a number.
fn vouched(signed: &Signed, segment: u64, sha256: &Hash) -> String {
    format!("faramesh {VERSION}\n{}\nsegment {segment}\n{}\n", signed.origin(), hex(sha256))
}

/// The first line of the file.
fn front(sha256: &Hash, signature: Option<&str>) -> Vec<u8> {
    let mut front = Object::new();
    front.insert("v", VERSION);
    front.insert("sha256", hex(sha256));
    front.insert("signature", signature);
    let mut out = Vec::new();
    line(front, &mut out);
    out
}

fn number(value: &Value, key: &str) -> Option<u64> {
    u64::try_from(value.get(key)?.as_i64()?).ok()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn hash(value: &Value, key: &str) -> Option<Hash> {
    read_hash(text(value, key)?.as_bytes())
}

fn line(object: Object, out: &mut Vec<u8>) {
    out.extend(json::canonical(&Value::Object(object)));
    out.push(b'\n');
}

fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, behind) = rest.split_at_checked(end)?;
    *rest = behind.get(1..)?;
    Some(line)
}

impl Snapshot {
    pub(crate) fn new(
        segment: u64,
        resume: Resume,
        last_id: RecordId,
        sealed: Hash,
        (log_offset, signed): (u64, Signed),
        compactions: Compactions,
        state: Vec<u8>,
    ) -> Self {
        let state_sha256 = hash_of(&state);
        Self { segment, resume, last_id, sealed, log_offset, signed, compactions, state, state_sha256 }
    }

    /// Whether the state is one that a snapshot is made of.
    pub(crate) fn fits(&self) -> bool {
        self.state.len() <= MAX_STATE_BYTES
    }

    /// The caller's state, which is not held any longer.
    pub(crate) fn take_state(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state)
    }

    /// The bytes that a digest is made of.
    fn body(&self) -> Vec<u8> {
        let Self {
            segment,
            resume,
            last_id,
            sealed,
            log_offset,
            signed,
            compactions,
            state,
            state_sha256: _,
        } = self;
        let mut head = Object::new();
        for (key, number) in [
            ("segment", *segment),
            ("epoch", resume.epoch),
            ("last_seq", resume.seq),
            ("log_offset", *log_offset),
            ("agents", u64::try_from(resume.agents.len()).unwrap_or(u64::MAX)),
        ] {
            head.insert(key, number);
        }
        head.insert("head", hex(&resume.hash));
        head.insert("policy", resume.policy.map(|policy| hex(&policy)));
        head.insert("stack", &*resume.stack);
        head.insert("instance", &*resume.instance);
        head.insert("last_id", last_id.to_string());
        head.insert("sealed", hex(sealed));
        head.insert("signed", signed.save());
        head.insert("compactions", compactions.save());
        let mut out = Vec::with_capacity(state.len() + (4 << 10));
        line(head, &mut out);
        for (agent, seq) in &resume.agents {
            let members = [("agent", Value::from(&**agent)), ("agent_seq", Value::from(*seq))];
            line(members.into_iter().collect(), &mut out);
        }
        out.extend_from_slice(state);
        out
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// Why nobody vouches for it, or that it is too large.
    pub(crate) fn encode(&self, voucher: &Voucher) -> Result<Vec<u8>, String> {
        let body = self.body();
        if body.len() > MAX_BYTES {
            return Err(format!("it has more than {} MiB", MAX_BYTES >> 20));
        }
        let sha256 = hash_of(&body);
        let signature = voucher.sign(&self.signed, vouched(&self.signed, self.segment, &sha256))?;
        let mut out = front(&sha256, signature.as_deref());
        out.extend(body);
        Ok(out)
    }

    /// Reads what [`Snapshot::encode`] writes.
    ///
    /// # Errors
    /// Why it is not to be used.
    pub(crate) fn decode(bytes: &[u8], voucher: &Voucher) -> Result<Self, String> {
        let Unvouched { snapshot, text, signature } = Unvouched::decode(bytes)?;
        voucher.check(&snapshot.signed, text, signature.as_deref())?;
        Ok(snapshot)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        let head = json::parse(next_line(&mut rest)?).ok()?;
        let policy = match head.get("policy")? {
            Value::Null => None,
            _ => Some(hash(&head, "policy")?),
        };
        let mut resume = Resume {
            epoch: number(&head, "epoch")?,
            seq: number(&head, "last_seq")?,
            hash: hash(&head, "head")?,
            policy,
            stack: text(&head, "stack")?.into(),
            instance: text(&head, "instance")?.into(),
            agents: Vec::new(),
        };
        for _ in 0..number(&head, "agents")? {
            let line = json::parse(next_line(&mut rest)?).ok()?;
            resume.agents.push((text(&line, "agent")?.into(), number(&line, "agent_seq")?));
        }
        let signed = Signed::load(head.get("signed")?)?;
        if signed.size() != resume.seq {
            return None;
        }
        Some(Self::new(
            number(&head, "segment")?,
            resume,
            text(&head, "last_id")?.parse().ok()?,
            hash(&head, "sealed")?,
            (number(&head, "log_offset")?, signed),
            Compactions::load(head.get("compactions")?)?,
            rest.to_vec(),
        ))
    }

    /// The first part in which another snapshot of the same place differs.
    pub(crate) fn differs(&self, other: &Self) -> Option<&'static str> {
        let state = (self.state_sha256 != other.state_sha256).then_some("state");
        self.differs_but_in_state(other).or(state)
    }

    /// The same for a reader who knows no state.
    pub(crate) fn differs_but_in_state(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            ("chain", self.resume == other.resume),
            ("last_id", self.last_id == other.last_id),
            ("manifests", self.sealed == other.sealed),
            ("checkpoints", self.signed.save() == other.signed.save() && self.log_offset == other.log_offset),
            ("compactions", self.compactions.save() == other.compactions.save()),
        ];
        parts.into_iter().find(|(_, same)| !same).map(|(part, _)| part)
    }
}

/// A snapshot whose digest is right, and which nobody was asked about.
#[derive(Debug)]
pub(crate) struct Unvouched {
    pub snapshot: Snapshot,
    /// What a key signs.
    text: String,
    signature: Option<String>,
}

impl Unvouched {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut rest = bytes;
        let told = next_line(&mut rest).and_then(|line| json::parse(line).ok());
        let told = told.ok_or("it is none")?;
        if text(&told, "v") != Some(VERSION) {
            return Err("it is of another version".to_owned());
        }
        let (sha256, signature) = (hash_of(rest), text(&told, "signature"));
        if !bytes.starts_with(&front(&sha256, signature)) {
            return Err("its digest is wrong".to_owned());
        }
        let snapshot = Snapshot::read(rest).ok_or("it cannot be read")?;
        let text = vouched(&snapshot.signed, snapshot.segment, &sha256);
        Ok(Self { snapshot, text, signature: signature.map(str::to_owned) })
    }

    /// Whether a key signed it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let note = self.signature.as_deref().and_then(|line| note_of(self.text.clone(), line));
        note.is_some_and(|note| note.verify(key).is_ok())
    }
}

/// [`read`] for whoever holds it against the records, and asks about the key then.
pub(crate) fn read_unvouched(
    disk: &dyn Disk,
    directory: &Path,
    number: u64,
) -> Option<Result<Unvouched, String>> {
    let bytes = bytes_of(disk, directory, number)?;
    Some(bytes.and_then(|bytes| Unvouched::decode(&bytes)).map(|mut unvouched| {
        // Nobody looks at it.
        unvouched.snapshot.take_state();
        unvouched
    }))
}

fn bytes_of(disk: &dyn Disk, directory: &Path, number: u64) -> Option<Result<Vec<u8>, String>> {
    let read = durable::read(disk, &directory.join(file_name(number)), MAX_BYTES + (1 << 20));
    read.map_err(|error| error.to_string()).transpose()
}

/// Reads the snapshot of a segment; `None` when there is none.
pub(crate) fn read(
    disk: &dyn Disk,
    directory: &Path,
    number: u64,
    voucher: &Voucher,
) -> Option<Result<Snapshot, String>> {
    let bytes = match bytes_of(disk, directory, number)? {
        Ok(bytes) => bytes,
        Err(why) => return Some(Err(why)),
    };
    let read = Snapshot::decode(&bytes, voucher).and_then(|snapshot| {
        if snapshot.segment == number {
            Ok(snapshot)
        } else {
            Err("it is that of another segment".to_owned())
        }
    });
    Some(read)
}

/// Puts a snapshot in the folder for good, and takes away those that it makes needless.
///
/// # Errors
/// Why it is not there; nothing is lost then.
pub(crate) fn write(
    disk: &dyn Disk,
    directory: &Path,
    snapshot: &Snapshot,
    voucher: &Voucher,
) -> Result<(), String> {
    let bytes = snapshot.encode(voucher)?;
    let name = file_name(snapshot.segment);
    durable::replace(disk, directory, &name, &bytes).map_err(|error| error.to_string())?;
    let names = disk::retry(|| disk.list(directory)).map_err(|error| error.to_string())?;
    for old in numbers(&names).into_iter().filter(|number| *number < snapshot.segment).skip(KEPT - 1) {
        // One that stays is taken away after the next.
        let _ = disk::retry(|| disk.remove(&directory.join(file_name(old))));
    }
    Ok(())
}

/// Takes every snapshot away for good: what they were made of is about to change.
pub(crate) fn remove_all(disk: &dyn Disk, directory: &Path) -> io::Result<()> {
    let names = disk::retry(|| disk.list(directory))?;
    let numbers = numbers(&names);
    for number in &numbers {
        match disk::retry(|| disk.remove(&directory.join(file_name(*number)))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    if numbers.is_empty() { Ok(()) } else { disk::retry(|| disk.sync_dir(directory)) }
}
