//! A ledger of records, checkpoints and keys, made here with real signatures: what verifies, and what
//! each kind of tampering is told as.

#![expect(clippy::unwrap_used, reason = "a test ends here")]

use ed25519_dalek::{Signer as _, SigningKey};
use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Draft, GENESIS, Hash, Kind, Position, RecordId, hash_of};
use faramesh_verify::{
    Algorithm, Announcement, Break, Note, NoteSignature, PublicKey, Signed, SigningMode, Verifier, origin,
};

/// What is done to a ledger before it is checked.
type Change = fn(&mut Ledger);

const STACK: &str = "books";

/// Records and notes in order, as a verifier takes them.
#[derive(Clone)]
enum Item {
    Record(Vec<u8>),
    Note(Note),
}

struct Ledger {
    items: Vec<Item>,
    signed: Signed,
    prev: Hash,
    epoch: u64,
    now: u64,
    origin: String,
}

fn key_of(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

impl Ledger {
    fn new() -> Self {
        let mut ledger = Self {
            items: Vec::new(),
            signed: Signed::default(),
            prev: GENESIS,
            epoch: 1,
            now: 1_795_788_000_000,
            origin: String::new(),
        };
        ledger.event("epoch_started");
        ledger.origin = origin(STACK, &ledger.prev);
        ledger
    }

    fn signing() -> Self {
        let mut ledger = Self::new();
        ledger.announce(1, None, SigningMode::Checkpoint);
        ledger
    }

    fn lifecycle(&mut self, detail: Object) {
        let mut bytes = Vec::new();
        let seq = self.signed.size() + 1;
        let position = Position {
            stack: STACK,
            instance: "host",
            epoch: self.epoch,
            seq,
            time: Timestamp(self.now),
            id: RecordId::default(),
            prev: self.prev,
        };
        self.prev = Draft::event(Kind::Lifecycle, detail).seal(&position, &mut bytes);
        let record = faramesh_dpr::Record::parse(bytes.as_slice()).unwrap();
        // Wrong announcements are made on purpose; the verifier is the one to tell.
        let _ = self.signed.record(&record, &hash_of(&bytes));
        self.items.push(Item::Record(bytes));
    }

    fn event(&mut self, name: &str) {
        self.lifecycle([("event", Value::from(name))].into_iter().collect());
    }

    fn public(&self, seed: u8) -> PublicKey {
        let bytes = key_of(seed).verifying_key().to_bytes();
        PublicKey::new(&self.origin, Algorithm::Ed25519, &bytes).unwrap()
    }

    fn announce(&mut self, seed: u8, replaces: Option<u8>, mode: SigningMode) {
        let announcement =
            Announcement { key: self.public(seed), replaces: replaces.map(|seed| self.public(seed)), mode };
        self.lifecycle(announcement.detail());
    }

    fn note(&self, seed: u8, change: impl FnOnce(String) -> String) -> Note {
        let text = change(self.signed.state(Timestamp(self.now)).text());
        let signature = key_of(seed).sign(text.as_bytes()).to_bytes().to_vec();
        Note { signatures: vec![NoteSignature::new(&self.public(seed), signature)], text }
    }

    fn checkpoint(&mut self, seed: u8) {
        let note = self.note(seed, |text| text);
        let _ = self.signed.checkpoint(&note);
        self.items.push(Item::Note(note));
    }

    fn verify(&self, pin: Option<PublicKey>) -> Result<faramesh_verify::Summary, Break> {
        let mut verifier = pin.map_or_else(Verifier::default, Verifier::pinned);
        for item in &self.items {
            match item {
                Item::Record(bytes) => drop(verifier.record(bytes.as_slice())?),
                Item::Note(note) => drop(verifier.checkpoint(note)?),
            }
        }
        verifier.finish()
    }

    fn broken(&self) -> (u64, String) {
        let broken = self.verify(None).unwrap_err();
        (broken.seq, broken.field)
    }
}

#[test]
fn a_signed_ledger_verifies() {
    let mut ledger = Ledger::signing();
    for place in 0..20 {
        ledger.event("tick");
        if place % 3 == 0 {
            ledger.checkpoint(1);
        }
        if place == 9 {
            ledger.epoch = 2;
        }
    }
    let summary = ledger.verify(Some(ledger.public(1))).unwrap();
    assert_eq!((summary.size, summary.checkpoints, summary.covered, summary.uncovered()), (22, 7, 21, 1));
    assert_eq!(summary.mode, Some(SigningMode::Checkpoint));
    let [key] = summary.keys.as_slice() else { panic!("{summary:?}") };
    assert_eq!((key.announced, key.checkpoints, key.first, key.last), (2, 7, 1, 21));
    let pinned = ledger.verify(Some(ledger.public(2))).unwrap_err();
    assert_eq!(pinned.field, "checkpoint.signature");
    assert!(pinned.expected.contains("pinned"), "{pinned}");
}

#[test]
fn a_key_is_replaced_by_its_own_checkpoint_only() {
    let mut ledger = Ledger::signing();
    ledger.checkpoint(1);
    ledger.announce(2, Some(1), SigningMode::Checkpoint);
    assert_eq!(ledger.verify(None).unwrap().pending, Some(3));
    ledger.event("tick");
    // The new key cannot sign itself in.
    let mut early = Ledger { items: ledger.items.clone(), signed: ledger.signed.clone(), ..Ledger::new() };
    (early.prev, early.origin) = (ledger.prev, ledger.origin.clone());
    early.checkpoint(2);
    assert_eq!(early.broken(), (4, "checkpoint.signature".to_owned()));
    ledger.checkpoint(1);
    ledger.event("tick");
    ledger.checkpoint(2);
    let summary = ledger.verify(Some(ledger.public(1))).unwrap();
    let spans: Vec<_> = summary.keys.iter().map(|key| (key.first, key.last, key.checkpoints)).collect();
    assert_eq!(spans, [(1, 4, 2), (5, 5, 1)]);
    assert!(ledger.verify(Some(ledger.public(2))).is_ok());
    // The old key is not in force any more.
    ledger.event("tick");
    ledger.checkpoint(1);
    assert_eq!(ledger.broken(), (6, "checkpoint.signature".to_owned()));
}

#[test]
fn announcements_that_do_not_follow() {
    let cases: &[(&str, Change)] = &[
        ("another key without a word of the first", |ledger| {
            ledger.announce(2, None, SigningMode::Checkpoint)
        }),
        ("one that replaces a third", |ledger| ledger.announce(2, Some(3), SigningMode::Checkpoint)),
        ("the same key again as its own successor", |ledger| {
            ledger.announce(1, Some(1), SigningMode::Checkpoint);
        }),
        ("a change before the last was signed", |ledger| {
            ledger.announce(2, Some(1), SigningMode::Checkpoint);
            ledger.announce(1, None, SigningMode::Off);
        }),
        ("a key of another name", |ledger| {
            ledger.origin.push('x');
            ledger.announce(2, Some(1), SigningMode::Checkpoint);
        }),
        ("no key at all", |ledger| ledger.event("signing_key")),
    ];
    for (what, change) in cases {
        let mut ledger = Ledger::signing();
        ledger.checkpoint(1);
        change(&mut ledger);
        let broken = ledger.verify(None).unwrap_err();
        assert_eq!((broken.seq, broken.field.as_str()), (ledger.signed.size(), "detail"), "{what}: {broken}");
    }
}

#[test]
fn checkpoints_of_another_state_are_told() {
    let cases: [(&str, &str, &str); 6] = [
        ("\n3\n", "\n4\n", "checkpoint.size"),
        ("\n3\n", "\n2\n", "checkpoint.size"),
        ("epoch 1", "epoch 2", "checkpoint.epoch"),
        ("instance host", "instance other", "checkpoint.instance"),
        ("/books/", "/looks/", "checkpoint.origin"),
        ("head ", "tail ", "checkpoint"),
    ];
    for (from, to, field) in cases {
        let mut ledger = Ledger::signing();
        ledger.event("tick");
        let note = ledger.note(1, |text| text.replacen(from, to, 1));
        ledger.items.push(Item::Note(note));
        assert_eq!(ledger.broken().1, field, "{from} {to}");
    }
    for line in [2, 6] {
        let mut ledger = Ledger::signing();
        ledger.event("tick");
        let note = ledger.note(1, |text| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let at = lines[line].len() - 10;
            let other = if lines[line].as_bytes()[at] == b'a' { "b" } else { "a" };
            lines[line].replace_range(at..=at, other);
            lines.join("\n") + "\n"
        });
        ledger.items.push(Item::Note(note));
        let expected = if line == 2 { "checkpoint.root" } else { "checkpoint.head" };
        assert_eq!(ledger.broken(), (3, expected.to_owned()));
    }
}

#[test]
fn every_single_bit_of_a_small_ledger_is_under_a_signature() {
    let mut ledger = Ledger::signing();
    ledger.event("tick");
    ledger.checkpoint(1);
    for (place, item) in ledger.items.clone().iter().enumerate() {
        match item {
            Item::Record(bytes) => {
                for bit in 0..bytes.len() * 8 {
                    let mut changed = bytes.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    ledger.items[place] = Item::Record(changed);
                    assert!(ledger.verify(None).is_err(), "record {place}, bit {bit}");
                }
            }
            Item::Note(note) => {
                let written = note.write().into_bytes();
                for bit in 0..written.len() * 8 {
                    let mut changed = written.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let Ok(changed) = Note::parse(&changed) else { continue };
                    ledger.items[place] = Item::Note(changed);
                    assert!(ledger.verify(None).is_err(), "note, bit {bit}");
                }
            }
        }
        ledger.items[place] = item.clone();
    }
    assert!(ledger.verify(None).is_ok());
}

#[test]
fn checkpoints_cannot_be_taken_away_unseen() {
    let mut ledger = Ledger::signing();
    for _ in 0..5 {
        ledger.now += 20_000;
        ledger.event("tick");
    }
    assert_eq!(ledger.broken(), (2, "checkpoint".to_owned()));
    ledger.checkpoint(1);
    assert!(ledger.verify(None).is_ok(), "a later checkpoint covers them");
    // A pause between two runs is no silence of the signer.
    ledger.event("tick");
    ledger.now += 1_000_000;
    ledger.epoch += 1;
    ledger.event("epoch_started");
    assert_eq!(ledger.verify(None).map(|summary| summary.uncovered()), Ok(2));
    // Off is announced, and signed by the key.
    ledger.announce(1, None, SigningMode::Off);
    ledger.checkpoint(1);
    for _ in 0..5 {
        ledger.now += 20_000;
        ledger.event("tick");
    }
    assert_eq!(ledger.verify(None).map(|summary| summary.mode), Ok(Some(SigningMode::Off)));
}

#[test]
fn records_in_an_archive_are_checked_by_their_hashes() {
    let mut ledger = Ledger::signing();
    for _ in 0..4 {
        ledger.event("tick");
    }
    ledger.checkpoint(1);
    ledger.event("tick");
    ledger.checkpoint(1);
    let mut verifier = Verifier::default();
    for (place, item) in ledger.items.iter().enumerate() {
        match item {
            Item::Record(bytes) if place == 1 => drop(verifier.kept(bytes.as_slice()).unwrap()),
            Item::Record(bytes) if place < 6 => verifier.digest(&hash_of(bytes)),
            Item::Record(bytes) => drop(verifier.record(bytes.as_slice()).unwrap()),
            Item::Note(note) => drop(verifier.checkpoint(note).unwrap()),
        }
    }
    let summary = verifier.finish().unwrap();
    assert_eq!((summary.covered, summary.checkpoints), (7, 2));
    assert_eq!(verifier.head(), ledger.prev);
}
