//! A ledger with real signatures, two runs and a change of key, written as bundles: whole, or some of
//! its records. For tests and for the example that makes damaged bundles.

use ed25519_dalek::{Signer as _, SigningKey};
use faramesh_call::{Object, Timestamp, Value};
use faramesh_dpr::{Canonical, Draft, GENESIS, Hash, Kind, Position, Record, RecordId, hash_of};
use faramesh_verify::{
    Algorithm, Announcement, Checkpoint, Header, Note, NoteSignature, PublicKey, Signed, SigningMode, Tree,
    checkpoint_line, consistency, cosigned_message, digest_line, end_line, inclusion, origin, policy_line,
    record_line,
};

const PROGRAM: &[u8] = b"not a real policy, but its hash is what counts";

/// What was added, in order.
#[derive(Clone)]
pub enum Item {
    Record(Vec<u8>),
    /// A note, what it covers, and whether the key in force changed with it.
    Note(Note, u64, bool),
}

pub struct Ledger {
    pub items: Vec<Item>,
    pub tree: Tree,
    pub origin: String,
    pub keys: Vec<PublicKey>,
    stack: String,
    signed: Signed,
    prev: Hash,
    epoch: u64,
    now: u64,
    agent_seq: u64,
    /// The seeds of the witnesses that cosign each checkpoint at which a key changes, and the last one.
    witnesses: Vec<u8>,
}

fn key_of(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The key of a witness.
pub fn witness(seed: u8) -> PublicKey {
    let bytes = key_of(seed).verifying_key().to_bytes();
    PublicKey::new(&format!("w{seed}.example"), Algorithm::Cosignature, &bytes).unwrap()
}

/// Adds the cosignatures of witnesses, made so many seconds after a beginning.
fn cosign(note: &mut Note, witnesses: &[u8], after: u64) {
    for seed in witnesses {
        let seconds = 1_795_788_000 + after;
        let signature = key_of(*seed).sign(cosigned_message(seconds, &note.text).as_bytes()).to_bytes();
        let bytes = [&seconds.to_be_bytes()[..], &signature].concat();
        note.signatures.push(NoteSignature::new(&witness(*seed), bytes));
    }
}

impl Ledger {
    /// A ledger of about `records` records. `seed` chooses its keys, so that two are never the same.
    pub fn new(stack: &str, records: u64, seed: u8) -> Self {
        Self::witnessed(stack, records, seed, &[])
    }

    /// The same, with witnesses.
    pub fn witnessed(stack: &str, records: u64, seed: u8, witnesses: &[u8]) -> Self {
        let mut ledger = Self {
            items: Vec::new(),
            tree: Tree::default(),
            origin: String::new(),
            keys: Vec::new(),
            stack: stack.to_owned(),
            signed: Signed::default(),
            prev: GENESIS,
            epoch: 1,
            now: 1_795_788_000_000 + u64::from(seed),
            agent_seq: 0,
            witnesses: witnesses.to_vec(),
        };
        ledger.event("epoch_started");
        ledger.origin = origin(stack, &ledger.prev);
        ledger.announce(seed, None);
        let policy = Draft { policy: Some(hash_of(PROGRAM)), ..Draft::event(Kind::Policy, Object::new()) };
        ledger.push(policy);
        for place in 0..records {
            ledger.decide(place);
            if place % 7 == 3 {
                ledger.checkpoint(if place > records / 2 { seed + 1 } else { seed }, false);
            }
            if place == records / 3 {
                ledger.epoch += 1;
                ledger.event("epoch_started");
            }
            if place == records / 2 {
                ledger.announce(seed + 1, Some(seed));
                ledger.checkpoint(seed, true);
            }
        }
        ledger.checkpoint(seed + 1, false);
        let Some(Item::Note(newest, ..)) = ledger.items.last_mut() else {
            panic!("no checkpoint at the end")
        };
        cosign(newest, witnesses, records);
        ledger
    }

    fn push(&mut self, draft: Draft<'_>) {
        let mut bytes = Vec::new();
        let seq = self.signed.size() + 1;
        self.now += 40;
        let position = Position {
            stack: &self.stack,
            instance: "host-1",
            epoch: self.epoch,
            seq,
            time: Timestamp(self.now),
            id: RecordId::new(self.now, u128::from(seq)),
            prev: self.prev,
        };
        self.prev = draft.seal(&position, &mut bytes);
        let record = Record::parse(bytes.as_slice()).unwrap();
        self.signed.record(&record, &self.prev).unwrap();
        self.tree.append(&self.prev);
        self.items.push(Item::Record(bytes));
    }

    fn event(&mut self, name: &str) {
        let detail: Object = [("event", Value::from(name))].into_iter().collect();
        self.push(Draft::event(Kind::Lifecycle, detail));
    }

    fn decide(&mut self, place: u64) {
        self.agent_seq += 1;
        let args: Object = [
            ("amount", Value::from(place * 37)),
            ("note", Value::from("„quoted\" \\ und\n\u{1F600} mehr")),
            ("customer", Value::from("cus_9s6XKzkNRiz8i3")),
        ]
        .into_iter()
        .collect();
        self.push(Draft {
            kind: Kind::Decision,
            agent: Some("support".into()),
            agent_seq: Some(self.agent_seq),
            tool: Some(if place.is_multiple_of(3) { "stripe/refund" } else { "docs/search" }.into()),
            args: Some(Canonical::from(args)),
            effect: Some(faramesh_call::Effect::Permit),
            enforced: Some(true),
            code: faramesh_call::Code::ALL.first().copied(),
            policy: Some(hash_of(PROGRAM)),
            ..Draft::default()
        });
    }

    fn public(&self, seed: u8) -> PublicKey {
        PublicKey::new(&self.origin, Algorithm::Ed25519, &key_of(seed).verifying_key().to_bytes()).unwrap()
    }

    fn announce(&mut self, seed: u8, replaces: Option<u8>) {
        let key = self.public(seed);
        let replaces = replaces.map(|seed| self.public(seed));
        self.keys.push(key.clone());
        self.push(Draft::event(
            Kind::Lifecycle,
            Announcement { key, replaces, mode: SigningMode::Checkpoint }.detail(),
        ));
    }

    fn checkpoint(&mut self, seed: u8, changes: bool) {
        let checkpoint: Checkpoint = self.signed.state(Timestamp(self.now));
        let text = checkpoint.text();
        let signature = key_of(seed).sign(text.as_bytes()).to_bytes().to_vec();
        let note = Note { signatures: vec![NoteSignature::new(&self.public(seed), signature)], text };
        self.signed.checkpoint(&note).unwrap();
        let mut note = note;
        if changes {
            cosign(&mut note, &self.witnesses, checkpoint.size);
        }
        self.items.push(Item::Note(note, checkpoint.size, changes));
    }

    fn header(&self, complete: bool) -> Vec<u8> {
        let (keys, origin, stack) = (self.keys.clone(), self.origin.clone(), self.stack.clone());
        let witnesses = self.witnesses.iter().map(|seed| witness(*seed)).collect();
        Header { complete, keys, origin, stack, witnesses }.line()
    }

    /// All of it.
    pub fn complete(&self) -> Vec<u8> {
        self.archived(0)
    }

    /// All of it, but of the first `archived` records only those that have to stay; of the others the hash.
    pub fn archived(&self, archived: u64) -> Vec<u8> {
        let mut out = self.header(true);
        out.extend(policy_line(&hash_of(PROGRAM), PROGRAM));
        let (mut at, mut count) = (0, 0);
        for item in &self.items {
            match item {
                Item::Record(bytes) => {
                    at += 1;
                    if at <= archived && !String::from_utf8_lossy(bytes).contains("\"signing_key\"") {
                        digest_line(at, &hash_of(bytes), &mut out);
                        continue;
                    }
                    count += 1;
                    record_line(at, &hash_of(bytes), None, bytes, &mut out);
                }
                Item::Note(note, ..) => out.extend(checkpoint_line(&note.write(), None)),
            }
        }
        out.extend(end_line(count, &hash_of(&out)));
        out
    }

    /// The records that `wanted` lets through, each with its proof.
    pub fn selected(&self, wanted: impl Fn(&Record) -> bool) -> Vec<u8> {
        let Some(Item::Note(newest, size, _)) = self.items.last() else { panic!("no checkpoint at the end") };
        let mut out = self.header(false);
        out.extend(checkpoint_line(&newest.write(), None));
        out.extend(policy_line(&hash_of(PROGRAM), PROGRAM));
        let (mut at, mut count) = (0, 0);
        for item in &self.items {
            match item {
                Item::Record(bytes) => {
                    at += 1;
                    let record = Record::parse(bytes.as_slice()).unwrap();
                    let announces = String::from_utf8_lossy(bytes).contains("\"signing_key\"");
                    if announces || wanted(&record) {
                        let Ok(proof) = inclusion(&self.tree, at - 1, *size);
                        record_line(at, &hash_of(bytes), Some(&proof), bytes, &mut out);
                        count += 1;
                    }
                }
                Item::Note(note, covered, true) => {
                    let Ok(proof) = consistency(&self.tree, *covered, *size);
                    out.extend(checkpoint_line(&note.write(), Some(&proof)));
                }
                Item::Note(..) => {}
            }
        }
        out.extend(end_line(count, &hash_of(&out)));
        out
    }
}
