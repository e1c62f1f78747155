//! Checkpoints of a real ledger: made, recovered, verified, refused; signers and disks that fail.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use faramesh_call::Timestamp;
use faramesh_ledger::{
    Damage, Disk, Ledger, LocalKeys, OpenError, Opened, Options, RealDisk, Report, SignError, Signer,
    Signing, SigningError, Unavailable, WalkError, verify_pinned,
};
use faramesh_testkit::{Fault, FaultyDisk, ForgetfulDisk, Operation, Seed, Times, decision, policy};
use faramesh_verify::{Algorithm, PublicKey, SigningMode};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);
const DIRECTORY: &str = "/ledger";

/// A key in memory that can be told to fail.
#[derive(Debug)]
struct TestKey {
    key: ed25519_dalek::SigningKey,
    fails: AtomicBool,
}

impl TestKey {
    fn new(seed: u8) -> Arc<Self> {
        Arc::new(Self {
            key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32]),
            fails: AtomicBool::new(false),
        })
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> (Algorithm, Vec<u8>) {
        (Algorithm::Ed25519, self.key.verifying_key().to_bytes().to_vec())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(SignError("the key is away".to_owned()));
        }
        Ok(ed25519_dalek::Signer::sign(&self.key, message).to_bytes().to_vec())
    }
}

fn shared(key: &Arc<TestKey>) -> Arc<dyn Signer> {
    key.clone()
}

fn signed_by(keys: &[&Arc<TestKey>], mode: SigningMode) -> Signing {
    let signers = keys.iter().map(|key| shared(key)).collect();
    Signing { mode: Some(mode), signers, successor: None }
}

fn open_on(
    disk: Arc<dyn Disk>,
    directory: &Path,
    signing: Option<Signing>,
) -> Result<(Ledger, Opened), OpenError> {
    let options = Options {
        segment_bytes: 256 << 10,
        first_segment_bytes: 64 << 10,
        reserve_bytes: 0,
        index: false,
        signing,
        disk,
        ..Options::new(directory, "payments", "host-1")
    };
    Ledger::open(options, NOW, &mut |_| ())
}

fn open(disk: &ForgetfulDisk, signing: Signing) -> Result<(Ledger, Opened), OpenError> {
    open_on(Arc::new(disk.clone()), Path::new(DIRECTORY), Some(signing))
}

fn check(disk: &ForgetfulDisk, pin: Option<&PublicKey>) -> Result<Report, Box<Damage>> {
    match verify_pinned(Arc::new(disk.clone()), Path::new(DIRECTORY), pin, &mut |_| ()) {
        Ok(report) => Ok(report),
        Err(WalkError::Damage(damage)) => Err(damage),
        Err(error) => panic!("{error}"),
    }
}

fn append(ledger: &Ledger, count: u64) {
    for agent_seq in 1..=count {
        let seq = ledger.status().last_seq * 1_000 + agent_seq;
        ledger.append_and_wait(decision("support", seq), NOW, WAIT).unwrap();
    }
}

fn log() -> PathBuf {
    Path::new(DIRECTORY).join("checkpoints.log")
}

/// A ledger of three runs with a few checkpoints.
fn filled(key: &Arc<TestKey>) -> ForgetfulDisk {
    let disk = ForgetfulDisk::new();
    for _ in 0..3 {
        let (ledger, _) = open(&disk, signed_by(&[key], SigningMode::Checkpoint)).unwrap();
        if ledger.status().epoch == 1 {
            ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
        }
        append(&ledger, 5);
        ledger.close();
    }
    disk
}

#[test]
fn a_ledger_is_signed_and_goes_on_being_signed() {
    let key = TestKey::new(1);
    let report = check(&filled(&key), None).unwrap();
    let signatures = report.signatures;
    assert_eq!((report.records, report.epochs), (20, 3));
    assert_eq!((signatures.checkpoints, signatures.covered, signatures.uncovered()), (3, 20, 0));
    assert_eq!(signatures.keys.len(), 1, "announced once");
    assert_eq!(signatures.keys[0].announced, 2);
}

#[test]
fn a_checkpoint_is_made_every_second_while_records_come() {
    let (key, disk) = (TestKey::new(1), ForgetfulDisk::new());
    let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Checkpoint)).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    let started = Instant::now();
    while ledger.status().checkpoint.unwrap().size < 3 {
        assert!(started.elapsed() < WAIT, "{:?}", ledger.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = ledger.status().checkpoint.unwrap();
    assert_eq!((status.lag, status.error), (0, None));
    assert_eq!(check(&disk, None).unwrap().signatures.checkpoints, 1, "verified while the ledger is open");
}

#[test]
fn every_byte_of_the_checkpoints_counts() {
    let key = TestKey::new(1);
    let disk = filled(&key);
    let bytes = disk.contents(&log()).unwrap();
    for place in (0..bytes.len()).step_by(3) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 7);
        let fork = disk.fork();
        fork.overwrite(&log(), &changed);
        let damage = check(&fork, None).unwrap_err();
        assert_eq!(damage.file, log(), "byte {place}: {damage}");
        assert!(damage.offset <= u64::try_from(place).unwrap(), "{damage}");
        let refused = open(&fork, signed_by(&[&key], SigningMode::Checkpoint)).unwrap_err();
        assert!(matches!(refused, OpenError::Damage(_)), "byte {place}: {refused}");
    }
    let ends: Vec<usize> =
        bytes.windows(11).enumerate().filter(|(_, at)| at == b"checkpoint ").map(|(at, _)| at).collect();
    let entries: Vec<&[u8]> = ends
        .iter()
        .zip(ends.iter().skip(1).chain([&bytes.len()]))
        .map(|(from, to)| &bytes[*from..*to])
        .collect();
    for (what, changed) in [
        ("swapped", [entries[1], entries[0], entries[2]].concat()),
        ("doubled late", [entries[0], entries[1], entries[2], entries[0]].concat()),
        ("rubbish between", [entries[0], b"\n", entries[1], entries[2]].concat()),
    ] {
        let fork = disk.fork();
        fork.overwrite(&log(), &changed);
        assert!(check(&fork, None).is_err(), "{what}");
    }
}

#[test]
fn records_below_a_checkpoint_cannot_be_cut() {
    let key = TestKey::new(1);
    let disk = filled(&key);
    let path = Path::new(DIRECTORY).join("00000001.wal");
    let bytes = disk.contents(&path).unwrap();
    // The last frame begins at the last magic; zeros from there on look like an unused end.
    let text = b"\"seq\":20";
    let place = bytes.windows(text.len()).rposition(|window| window == text).unwrap();
    let start = bytes[..place].windows(text.len()).rposition(|window| window == b"\"seq\":19").unwrap();
    let frame = (start..place).rev().find(|at| bytes[*at..].starts_with(&bytes[4096..4100])).unwrap();
    let mut cut = bytes.clone();
    cut[frame..].fill(0);
    disk.overwrite(&path, &cut);
    let damage = check(&disk, None).unwrap_err();
    assert_eq!((damage.seq, damage.field.as_str()), (20, "checkpoint.size"), "{damage}");
    assert_eq!((damage.file.clone(), damage.found.as_str()), (log(), "20"));
    let refused = open(&disk, signed_by(&[&key], SigningMode::Checkpoint)).unwrap_err();
    assert!(matches!(refused, OpenError::Damage(_)), "{refused}");
}

#[test]
fn an_entry_that_was_being_written_is_cut_and_said() {
    let key = TestKey::new(1);
    let disk = filled(&key);
    let bytes = disk.contents(&log()).unwrap();
    let last = bytes.windows(11).rposition(|at| at == b"checkpoint ").unwrap();
    for end in (last + 1..bytes.len()).step_by(7) {
        let fork = disk.fork();
        fork.overwrite(&log(), &bytes[..end]);
        let report = check(&fork, None).unwrap();
        assert_eq!(report.incomplete_checkpoint_bytes, u64::try_from(end - last).unwrap());
        let (ledger, opened) = open(&fork, signed_by(&[&key], SigningMode::Checkpoint)).unwrap();
        assert!(
            opened.warnings.iter().any(|warning| warning.contains("incomplete checkpoint")),
            "{opened:?}"
        );
        ledger.close();
        assert_eq!(check(&fork, None).unwrap().signatures.uncovered(), 0);
    }
}

#[test]
fn another_key_does_not_sign_this_ledger() {
    let (first, second) = (TestKey::new(1), TestKey::new(2));
    let disk = filled(&first);
    let refused = open(&disk, signed_by(&[&second], SigningMode::Checkpoint)).unwrap_err();
    let OpenError::Signing(SigningError::OtherKey { expected }) = &refused else { panic!("{refused}") };
    assert!(check(&disk, Some(expected)).is_ok());
    let other = PublicKey::new(expected.name(), Algorithm::Ed25519, &second.public_key().1).unwrap();
    assert!(check(&disk, Some(&other)).is_err());
    assert!(open(&disk, Signing { mode: None, ..Signing::default() }).is_err(), "no key at all");
}

#[test]
fn a_key_is_replaced_and_the_old_one_signs_it() {
    let (first, second) = (TestKey::new(1), TestKey::new(2));
    let disk = filled(&first);
    let successor: Arc<dyn Signer> = shared(&second);
    let change = Signing { mode: None, successor: Some(successor), ..signed_by(&[&first], SigningMode::Off) };
    // Without the old key's signature there is no new key.
    first.fail(true);
    let fork = disk.fork();
    let refused = open(&fork, change.clone()).unwrap_err();
    assert!(matches!(refused, OpenError::Signing(SigningError::Change { .. })), "{refused}");
    first.fail(false);
    // What was announced and not signed is signed at the next start, also of a daemon that knows both.
    let (ledger, _) = open(&fork, signed_by(&[&first, &second], SigningMode::Checkpoint)).unwrap();
    append(&ledger, 3);
    ledger.close();
    assert_eq!(check(&fork, None).unwrap().signatures.keys.len(), 2);

    let (ledger, _) = open(&disk, change).unwrap();
    append(&ledger, 3);
    ledger.close();
    let report = check(&disk, None).unwrap();
    let keys = &report.signatures.keys;
    assert_eq!(keys.iter().map(|key| key.checkpoints).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(report.signatures.mode, Some(SigningMode::Checkpoint), "the way of signing stays");
    for key in keys {
        assert!(check(&disk, Some(&key.key)).is_ok());
    }
    assert!(open(&disk, signed_by(&[&first], SigningMode::Checkpoint)).is_err(), "the old key is out");
    assert!(open(&disk, signed_by(&[&second], SigningMode::Checkpoint)).is_ok());
}

#[test]
fn off_is_signed_before_it_holds() {
    let key = TestKey::new(1);
    let disk = filled(&key);
    assert!(open(&disk.fork(), signed_by(&[], SigningMode::Off)).is_err(), "not without the key");
    for _ in 0..2 {
        let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Off)).unwrap();
        assert_eq!(ledger.status().checkpoint, None);
        append(&ledger, 2);
        ledger.close();
    }
    let report = check(&disk, None).unwrap();
    assert_eq!(report.signatures.mode, Some(SigningMode::Off));
    assert_eq!((report.signatures.checkpoints, report.signatures.covered), (4, 22), "announced once");
    let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Strict)).unwrap();
    append(&ledger, 2);
    ledger.close();
    assert_eq!(check(&disk, None).unwrap().signatures.uncovered(), 0);
    // A ledger that was never signed needs no key to stay so.
    let (ledger, _) = open(&ForgetfulDisk::new(), signed_by(&[], SigningMode::Off)).unwrap();
    append(&ledger, 0);
}

#[test]
fn a_signer_that_fails_stops_nothing_by_default() {
    let (key, disk) = (TestKey::new(1), ForgetfulDisk::new());
    key.fail(true);
    let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Checkpoint)).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    append(&ledger, 5);
    let started = Instant::now();
    while ledger.status().checkpoint.unwrap().error.is_none() {
        assert!(started.elapsed() < WAIT);
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = ledger.status().checkpoint.unwrap();
    assert_eq!((status.size, status.lag, status.error.as_deref()), (0, 8, Some("the key is away")));
    append(&ledger, 5);
    key.fail(false);
    while ledger.status().checkpoint.unwrap().lag > 0 {
        assert!(started.elapsed() < WAIT, "{:?}", ledger.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ledger.status().checkpoint.unwrap().error, None);
    ledger.close();
    assert_eq!(check(&disk, None).unwrap().signatures.uncovered(), 0);
}

#[test]
fn strict_answers_only_what_is_signed() {
    let (key, disk) = (TestKey::new(1), ForgetfulDisk::new());
    let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Strict)).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    for agent_seq in 1..=5 {
        let receipt = ledger.append_and_wait(decision("support", agent_seq), NOW, WAIT).unwrap();
        assert!(ledger.status().checkpoint.unwrap().size >= receipt.seq());
        assert_eq!(check(&disk, None).unwrap().signatures.covered, receipt.seq(), "synced before the answer");
    }
    key.fail(true);
    let denied = ledger.append_and_wait(decision("support", 6), NOW, WAIT).unwrap_err();
    assert!(matches!(denied, Unavailable::Unsigned { .. }), "{denied}");
    let kept = ledger.status().last_seq;
    let denied = ledger.append_and_wait(decision("support", 7), NOW, WAIT).unwrap_err();
    assert!(matches!(denied, Unavailable::Unsigned { .. }), "{denied}");
    assert_eq!(ledger.status().last_seq, kept, "no further permit is recorded that nobody can give");
    assert!(ledger.is_healthy(), "it recovers by itself");
    key.fail(false);
    let started = Instant::now();
    let mut agent_seq = 8;
    while ledger.append_and_wait(decision("support", agent_seq), NOW, WAIT).is_err() {
        assert!(started.elapsed() < WAIT, "{:?}", ledger.status());
        agent_seq += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(ledger);
    assert_eq!(check(&disk, None).unwrap().signatures.uncovered(), 0);
    key.fail(true);
    let refused = open(&disk, signed_by(&[&key], SigningMode::Strict)).unwrap_err();
    assert!(matches!(refused, OpenError::Signing(SigningError::Strict { .. })), "{refused}");
}

#[test]
fn whatever_write_fails_the_checkpoints_stay_whole() {
    let key = TestKey::new(1);
    let mut later = 0;
    for operation in [Operation::Write, Operation::Sync] {
        for fault in [Fault::Io, Fault::Short, Fault::Full] {
            for nth in 1..24 {
                let inner = ForgetfulDisk::new();
                let faulty = FaultyDisk::new(Arc::new(inner.clone()), operation, nth, fault, Times::Once);
                let signing = signed_by(&[&key], SigningMode::Strict);
                let opened = open_on(Arc::new(faulty), Path::new(DIRECTORY), Some(signing.clone()));
                let mut acknowledged = 0;
                if let Ok((ledger, _)) = opened {
                    for agent_seq in 1..6 {
                        let draft = if agent_seq == 1 { policy() } else { decision("support", agent_seq) };
                        if let Ok(receipt) = ledger.append_and_wait(draft, NOW, WAIT) {
                            acknowledged = receipt.seq();
                        }
                    }
                    ledger.close();
                }
                inner.power_cut(&mut Seed(nth));
                let Ok((ledger, _)) = open(&inner, signing) else {
                    panic!("{operation:?} {nth} {fault:?}: {:?}", check(&inner, None))
                };
                ledger.close();
                let report = check(&inner, None).unwrap();
                assert!(report.records >= acknowledged, "{operation:?} {nth} {fault:?}");
                assert_eq!(report.signatures.uncovered(), 0, "{operation:?} {nth} {fault:?}");
                later += u64::from(acknowledged > 0);
            }
        }
    }
    assert!(later > 20, "most faults strike while records are taken: {later}");
}

#[test]
fn a_power_cut_leaves_checkpoints_that_verify() {
    let key = TestKey::new(1);
    for seed in 0..60 {
        let disk = ForgetfulDisk::new();
        let mut seed = Seed(seed);
        let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Strict)).unwrap();
        ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
        let mut acknowledged = 0;
        for agent_seq in 1..=seed.below(20) {
            let receipt = ledger.append_and_wait(decision("support", agent_seq), NOW, WAIT).unwrap();
            acknowledged = receipt.seq();
        }
        disk.power_cut(&mut seed);
        drop(ledger);
        let (ledger, _) = open(&disk, signed_by(&[&key], SigningMode::Strict)).unwrap();
        ledger.close();
        let report = check(&disk, None).unwrap();
        assert!(report.records >= acknowledged);
        assert_eq!(report.signatures.uncovered(), 0);
    }
}

#[test]
fn the_private_key_is_in_no_other_file_and_in_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let keys = LocalKeys::open(folder.path(), true).unwrap();
    let signing = Signing { mode: Some(SigningMode::Checkpoint), signers: keys.signers(), successor: None };
    let mut texts = vec![format!("{keys:?} {signing:?}")];
    let (ledger, opened) = open_on(Arc::new(RealDisk), folder.path(), Some(signing.clone())).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    append(&ledger, 3);
    texts.push(format!("{opened:?} {ledger:?} {:?}", ledger.status()));
    let key = ledger.status().checkpoint.unwrap().key;
    ledger.close();
    keys.clone().settle(&key).unwrap();
    let pem = std::fs::read_to_string(folder.path().join("signing.key")).unwrap();
    let encoded: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
    // The secret is the last 32 bytes of the structure, so the last 42 characters before the padding.
    let tail = &encoded[encoded.len() - 42..];
    let secret: Vec<u8> = secret_of(&pem);
    let other = tempfile::tempdir().unwrap();
    let refused =
        open_on(Arc::new(RealDisk), folder.path(), Some(signed_by(&[&TestKey::new(3)], SigningMode::Strict)));
    texts.push(format!("{:?}", refused.unwrap_err()));
    std::fs::write(other.path().join("signing.key"), &pem[..pem.len() - 40]).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(other.path().join("signing.key"), mode).unwrap();
    let error = LocalKeys::open(other.path(), true).unwrap_err();
    texts.push(format!("{error} {error:?}"));
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    for text in texts {
        for shape in [tail, hex.as_str(), list.trim_matches(['[', ']'])] {
            assert!(!text.contains(shape), "{text}");
        }
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "signing.key" {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        for shape in [tail.as_bytes(), hex.as_bytes(), secret.as_slice()] {
            assert!(!bytes.windows(shape.len()).any(|window| window == shape), "{entry:?}");
        }
    }
}

/// The private bytes of a key file, the way another program would read them.
fn secret_of(pem: &str) -> Vec<u8> {
    use ed25519_dalek::pkcs8::DecodePrivateKey;
    ed25519_dalek::SigningKey::from_pkcs8_pem(pem).unwrap().to_bytes().to_vec()
}

#[test]
fn a_silence_within_a_run_is_told() {
    let disk = ForgetfulDisk::new();
    let mut now = NOW;
    for _ in 0..2 {
        let (ledger, _) = open(&disk, signed_by(&[], SigningMode::Off)).unwrap();
        for seconds in [100, 119, 121, 1] {
            now = now.plus_ms(seconds * 1_000);
            ledger.append_and_wait(policy(), now, WAIT).unwrap();
        }
        ledger.close();
    }
    let silences = check(&disk, None).unwrap().silences;
    let found: Vec<_> = silences.iter().map(|silence| (silence.seq, silence.lasted.as_secs())).collect();
    assert_eq!(found, [(4, 121), (7, 441), (9, 121)], "the second run began with an earlier clock");
}
