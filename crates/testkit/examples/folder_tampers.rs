//! Writes damaged folders of small signed ledgers to standard output, each behind a line of JSON with what was
//! done, the files' lengths and the verdict of this workspace: other verifiers have to agree with it.
//!
//! `folder_tampers COUNT`: the same places each time, of ledgers with keys of their own. Ends in a panic when one is
//! not told.
//!
//! Not damaged are the two things that nothing binds: when a manifest was made (and, once the body is archived,
//! the run that began it), which are for people, and a manifest or an earlier checkpoint that is gone: the first
//! is made again, the second is covered by later ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use faramesh_call::{Code, Effect, Object, Timestamp, Value, json};
use faramesh_dpr::{Canonical, Draft, Kind};
use faramesh_ledger::{
    Compaction, DEFAULT_ARCHIVE, Demands, Disk, Expected, FolderArchive, Ledger, LocalKeys, Options, Signing,
    WalkError, verify_against,
};
use faramesh_testkit::{ForgetfulDisk, Seed, policy, policy_hash};

const NOW: Timestamp = Timestamp(1_795_788_000_000);
const WAIT: Duration = Duration::from_secs(20);
const FOLDER: &str = "/ledger";
const FRAME: usize = 24;
const HEADER: usize = 512;
/// Records of a run.
const RUN: u64 = 12;

type Files = BTreeMap<String, Vec<u8>>;

/// A ledger at its end, and as it was after each run before.
struct Base {
    name: &'static str,
    files: Files,
    older: Vec<Files>,
    last: Expected,
}

fn options(disk: &ForgetfulDisk, signing: Signing) -> Options {
    Options {
        segment_bytes: 8 << 10,
        first_segment_bytes: 6 << 10,
        reserve_bytes: 0,
        index: false,
        signing: Some(signing),
        disk: Arc::new(disk.clone()),
        ..Options::new(FOLDER, "books & more", "host-1")
    }
}

fn small(agent_seq: u64) -> Draft<'static> {
    let args: Object = [("amount", Value::from(agent_seq * 37)), ("note", Value::from("„zwei\" \u{1F600}"))]
        .into_iter()
        .collect();
    Draft {
        kind: Kind::Decision,
        agent: Some("support".into()),
        agent_seq: Some(agent_seq),
        tool: Some("stripe/refund".into()),
        args: Some(Canonical::from(args)),
        effect: Some(Effect::Permit),
        enforced: Some(true),
        code: Some(Code::PolicyPermit),
        policy: Some(policy_hash()),
        ..Draft::default()
    }
}

fn files(disk: &ForgetfulDisk) -> Files {
    let is_part = |name: &String| {
        [".wal", ".manifest", ".digests", ".carry"].iter().any(|end| name.ends_with(end))
            || name == "checkpoints.log"
    };
    let names = disk.list(Path::new(FOLDER)).unwrap().into_iter().filter(is_part);
    names.map(|name| (name.clone(), disk.contents(&Path::new(FOLDER).join(&name)).unwrap())).collect()
}

/// A ledger of three runs with a change of key before the third; perhaps its beginning is archived.
fn ledger(name: &'static str, is_compacted: bool) -> Base {
    let (disk, home) = (ForgetfulDisk::new(), temporary());
    let mut older = Vec::new();
    let mut last = None;
    for run in 0..3_u64 {
        let mut keys = LocalKeys::open(&home, true).unwrap();
        let successor = (run == 2).then(|| keys.make_successor().unwrap());
        let signing = Signing { signers: keys.signers(), successor, ..Signing::default() };
        let day = Timestamp(NOW.0 + run * 86_400_000);
        let (ledger, ..) = Ledger::open(options(&disk, signing), day, &mut |_| {}).unwrap();
        ledger.append_and_wait(policy(), day, WAIT).unwrap();
        for place in 0..RUN {
            // Ten seconds apart: a run without a checkpoint is longer than the minute that may be.
            ledger.append_and_wait(small(run * RUN + place + 1), day.plus_ms(place * 10_000), WAIT).unwrap();
        }
        if run == 2 && is_compacted {
            let shared: Arc<dyn Disk> = Arc::new(disk.clone());
            let archive = FolderArchive::of_ledger(shared, Path::new(FOLDER), DEFAULT_ARCHIVE);
            let wanted =
                Compaction { before: day, last_seq: u64::MAX, archive: &archive, needed: &|_| false };
            ledger.compact(&wanted, &mut |_| {}).unwrap();
        }
        ledger.close();
        keys.settle(&ledger.status().checkpoint.unwrap().key).unwrap();
        last = ledger.last_checkpoint();
        drop(ledger);
        older.push(files(&disk));
    }
    std::fs::remove_dir_all(&home).unwrap();
    let files = older.pop().unwrap();
    assert_eq!(is_compacted, files.keys().any(|name| name.ends_with(".digests")));
    Base { name, files, older, last: Expected { file: PathBuf::from("kept.note"), note: last.unwrap().1 } }
}

fn temporary() -> PathBuf {
    let place = std::env::temp_dir().join(format!("folder-tampers-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    place
}

/// Where the frames of a segment begin, and where the last one ends.
fn frames(file: &[u8]) -> Vec<usize> {
    let (mut starts, mut start) = (Vec::new(), HEADER);
    while file.get(start..start + FRAME).is_some_and(|head| head.starts_with(b"FRMF")) {
        starts.push(start);
        start += (FRAME + length(file, start)).next_multiple_of(8);
    }
    starts.push(start);
    starts
}

fn length(file: &[u8], start: usize) -> usize {
    usize::try_from(u32::from_le_bytes(file[start + 8..start + 12].try_into().unwrap())).unwrap()
}

/// Where the entries of the log begin, and its end.
fn entries(log: &[u8]) -> Vec<usize> {
    let word = b"checkpoint ";
    let mut starts: Vec<usize> = (0..log.len()).filter(|place| log[*place..].starts_with(word)).collect();
    starts.push(log.len());
    starts
}

/// A number below another.
fn below(seed: &mut Seed, bound: usize) -> usize {
    usize::try_from(seed.below(u64::try_from(bound).unwrap())).unwrap()
}

fn pick<'a>(seed: &mut Seed, names: &'a [String]) -> &'a String {
    &names[below(seed, names.len())]
}

const WAYS: [&str; 18] = [
    "bit",
    "byte",
    "zeros",
    "swapped bytes",
    "swapped frames",
    "swapped segments",
    "swapped checkpoints",
    "dropped frame",
    "dropped segment",
    "dropped log",
    "doubled frame",
    "doubled segment",
    "doubled checkpoint",
    "spliced frame",
    "spliced file",
    "sealed edit",
    "truncated",
    "older",
];

/// Damages the files of a ledger; gives whether only somebody who kept a checkpoint can tell.
fn damage(base: &Base, other: &Base, way: &str, seed: &mut Seed) -> (Files, bool) {
    let mut files = base.files.clone();
    let names: Vec<String> = files.keys().cloned().collect();
    let segments: Vec<String> = names.iter().filter(|name| name.ends_with(".wal")).cloned().collect();
    let (name, segment) = (pick(seed, &names).clone(), pick(seed, &segments).clone());
    let mut is_hidden = false;
    match way {
        "bit" | "byte" | "zeros" | "swapped bytes" => bytes(files.get_mut(&name).unwrap(), &name, way, seed),
        "truncated" => {
            let file = files.get_mut(&name).unwrap();
            // Within what is used: the zeros behind it say nothing.
            let used = file.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let place = below(seed, used);
            if seed.coin() {
                file.truncate(place);
            } else {
                file[place..].fill(0);
            }
            is_hidden = true;
        }
        "swapped segments" => {
            let (one, two) = (files[&segment].clone(), pick(seed, &segments).clone());
            let two_bytes = files.insert(two, one).unwrap();
            files.insert(segment, two_bytes);
        }
        "dropped segment" => drop(files.remove(&segment)),
        "dropped log" => drop(files.remove("checkpoints.log")),
        "doubled segment" => {
            let next: u64 = segments.last().unwrap()[..8].parse::<u64>().unwrap() + 1;
            let copy = files[&segment].clone();
            files.insert(format!("{next:08}.wal"), copy);
        }
        "spliced file" => {
            drop(files.insert(name.clone(), other.files.get(&name).cloned().unwrap_or_default()))
        }
        "older" => {
            files = base.older[below(seed, base.older.len())].clone();
            is_hidden = true;
        }
        "swapped checkpoints" | "doubled checkpoint" => {
            log(files.get_mut("checkpoints.log").unwrap(), way, seed)
        }
        _ => {
            let foreign = other.files.iter().find(|(name, _)| name.ends_with(".wal")).unwrap().1;
            framed(files.get_mut(&segment).unwrap(), foreign, way, seed);
            if way == "sealed edit" {
                files.remove(&segment.replace(".wal", ".manifest"));
            }
        }
    }
    (files, is_hidden)
}

fn bytes(file: &mut [u8], name: &str, way: &str, seed: &mut Seed) {
    let place = below(seed, file.len() - 1);
    if name.ends_with(".manifest") {
        let text = String::from_utf8_lossy(file).into_owned();
        let free = |member: &str, until: char| {
            let start = text.find(member).unwrap();
            start..start + text[start..].find(until).unwrap() + 1
        };
        let is_free = [free("\"sealed_at\":", ','), free("\"epoch\":", ',')]
            .iter()
            .any(|free| free.contains(&place) || free.contains(&(place + 1)));
        if is_free {
            return;
        }
    }
    match way {
        "bit" => file[place] ^= 1 << below(seed, 8),
        "byte" => file[place] = u8::try_from(below(seed, 256)).unwrap(),
        "swapped bytes" => file.swap(place, place + 1),
        _ if name.ends_with(".manifest") => file[place] = 0,
        _ => {
            let end = (place + 1 + below(seed, 64)).min(file.len());
            file[place..end].fill(0);
        }
    }
}

fn log(log: &mut Vec<u8>, way: &str, seed: &mut Seed) {
    let starts = entries(log);
    let mut parts: Vec<Vec<u8>> = starts.windows(2).map(|pair| log[pair[0]..pair[1]].to_vec()).collect();
    let (one, two) = (below(seed, parts.len()), below(seed, parts.len()));
    if way == "swapped checkpoints" {
        parts.swap(one, two);
    } else {
        parts.insert(two, parts[one].clone());
    }
    *log = parts.concat();
}

/// Damage to whole frames of a segment, which keeps its length.
fn framed(file: &mut Vec<u8>, foreign: &[u8], way: &str, seed: &mut Seed) {
    let (starts, size) = (frames(file), file.len());
    if starts.len() < 3 {
        return;
    }
    let parts: Vec<Vec<u8>> = starts.windows(2).map(|pair| file[pair[0]..pair[1]].to_vec()).collect();
    let (one, two) = (below(seed, parts.len()), below(seed, parts.len()));
    let mut parts = parts;
    match way {
        "swapped frames" => parts.swap(one, two),
        "dropped frame" => drop(parts.remove(one)),
        "doubled frame" => parts.insert(two, parts[one].clone()),
        "spliced frame" => {
            let starts = frames(foreign);
            let place = below(seed, starts.len() - 1);
            parts[one] = foreign[starts[place]..starts[place + 1]].to_vec();
        }
        _ => edit(&mut parts[one], seed),
    }
    let mut whole = file[..HEADER].to_vec();
    whole.extend(parts.concat());
    whole.resize(size.max(whole.len()), 0);
    if whole[size..].iter().all(|byte| *byte == 0) {
        whole.truncate(size);
    }
    *file = whole;
}

/// Changes a letter or digit of a record, and makes its checksum fit.
fn edit(frame: &mut [u8], seed: &mut Seed) {
    let end = FRAME + length(frame, 0);
    let place = (0..100)
        .map(|_| FRAME + below(seed, end - FRAME))
        .find(|place| frame[*place].is_ascii_alphanumeric())
        .unwrap();
    let (letters, was) = (b"0123456789abcdefXYZ", frame[place]);
    let other: Vec<u8> = letters.iter().copied().filter(|letter| *letter != was).collect();
    frame[place] = other[below(seed, other.len())];
    let covered = [&frame[..12], &frame[16..end]].concat();
    let checksum = crc32c::crc32c(&covered).to_le_bytes();
    frame[12..16].copy_from_slice(&checksum);
}

/// The verdict: what is wrong, or how many bytes behind the last record look like a batch that a sudden end
/// left: they are told, and no damage, because nobody can have relied on them.
fn judge(files: &Files, kept: Option<&Expected>) -> Result<u64, faramesh_ledger::Damage> {
    let disk = ForgetfulDisk::new();
    disk.create_dir(Path::new(FOLDER)).unwrap();
    for (name, bytes) in files {
        disk.overwrite(&Path::new(FOLDER).join(name), bytes);
    }
    let demands =
        Demands { checkpoints: kept.map(std::slice::from_ref).unwrap_or_default(), ..Demands::default() };
    match verify_against(Arc::new(disk), Path::new(FOLDER), demands, &mut |_| {}) {
        Ok(report) => Ok(report.incomplete_bytes + report.incomplete_checkpoint_bytes),
        Err(WalkError::Damage(damage)) => Err(*damage),
        Err(WalkError::Io { file, error }) => panic!("{}: {error}", file.display()),
    }
}

fn write(out: &mut impl Write, name: &str, files: &Files, kept: Option<&Expected>) -> bool {
    let found = judge(files, kept);
    let broken = found.as_ref().err().map(|damage| -> Object {
        let file = damage.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        [
            ("file", Value::from(file.as_str())),
            ("offset", Value::from(damage.offset)),
            ("seq", Value::from(damage.seq)),
            ("field", Value::from(damage.field.as_str())),
        ]
        .into_iter()
        .collect()
    });
    let lengths: Object = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), Value::from(u64::try_from(bytes.len()).unwrap())))
        .collect();
    let mut told: Object = [("name", Value::from(name))].into_iter().collect();
    told.insert("broken", broken.map_or(Value::Null, Value::Object));
    told.insert("files", lengths);
    told.insert("incomplete", *found.as_ref().unwrap_or(&0));
    told.insert("kept", kept.map(|kept| kept.note.write()));
    out.write_all(&json::canonical(&Value::Object(told))).unwrap();
    out.write_all(b"\n").unwrap();
    files.values().for_each(|bytes| out.write_all(bytes).unwrap());
    found == Ok(0)
}

/// Where damage that was not told is.
fn difference(base: &Base, files: &Files) -> String {
    let changed = base.files.iter().find(|(name, bytes)| files.get(*name) != Some(bytes));
    let Some((name, bytes)) = changed else { return "another file".to_owned() };
    let Some(found) = files.get(name) else { return format!("{name} is gone") };
    let place =
        bytes.iter().zip(found).position(|(one, other)| one != other).unwrap_or(bytes.len().min(found.len()));
    let shown = |bytes: &[u8]| {
        String::from_utf8_lossy(&bytes[place.min(bytes.len())..]).chars().take(60).collect::<String>()
    };
    format!("{name}, byte {place}: {:?}, not {:?}", shown(found), shown(bytes))
}

fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let bases = [ledger("whole", false), ledger("archived", true)];
    let others = [ledger("other", false), ledger("other", true)];
    for base in &bases {
        assert!(write(&mut out, &format!("sound: {}", base.name), &base.files, Some(&base.last)));
    }
    let (mut seed, mut made) = (Seed(7), 0);
    while made < count {
        let place = below(&mut seed, bases.len());
        let (base, way) = (&bases[place], WAYS[below(&mut seed, WAYS.len())]);
        let (files, is_hidden) = damage(base, &others[place], way, &mut seed);
        if files == base.files {
            continue;
        }
        let name = format!("{way}: {} {made}", base.name);
        let kept = is_hidden.then_some(&base.last);
        assert!(!write(&mut out, &name, &files, kept), "{name} is not told: {}", difference(base, &files));
        made += 1;
    }
    out.flush().unwrap();
}
