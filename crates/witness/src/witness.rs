//! What a witness answers: a cosignature, or why not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faramesh_dpr::Hash;
use faramesh_ledger::Signer;
use faramesh_verify::{
    Algorithm, EMPTY_ROOT, KeyError, NoteSignature, PublicKey, cosigned_message, verify_consistency,
};

use crate::request::{Request, size};
use crate::state::{Memory, Seen, StateError};

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request says nothing that could be checked.
    #[error("{0}")]
    Malformed(String),
    /// No ledger of this origin is known here.
    #[error("this witness was told of no ledger `{0}`")]
    UnknownOrigin(String),
    /// No known key of the ledger signed it.
    #[error("no key that this witness trusts signed the checkpoint")]
    Signature,
    /// The witness knows a tree of another size, or another tree of the size.
    #[error("the last tree that was cosigned has {0} records")]
    Conflict(u64),
    /// The tree does not continue the last one.
    #[error("the checkpoint does not continue the last one: {0}")]
    Proof(String),
    /// It could not be remembered, so it is not cosigned.
    #[error("the witness could not remember the checkpoint")]
    Memory,
}

/// A witness: a key of its own, and the ledgers that it was told of.
#[derive(Debug)]
pub struct Witness {
    key: PublicKey,
    signer: Arc<dyn Signer>,
    trusted: Vec<PublicKey>,
    memory: Mutex<Memory>,
}

impl Witness {
    /// A witness by the name `name` that believes the keys `trusted`, each of which names its ledger, and
    /// remembers in `folder`.
    ///
    /// # Errors
    /// Its memory cannot be used.
    pub fn open(
        name: &str,
        signer: Arc<dyn Signer>,
        trusted: Vec<PublicKey>,
        folder: &std::path::Path,
    ) -> Result<Self, OpenError> {
        let (_, bytes) = signer.public_key();
        let key = PublicKey::new(name, Algorithm::Cosignature, &bytes)?;
        Ok(Self { key, signer, trusted, memory: Mutex::new(Memory::open(folder)?) })
    }

    /// The key that it cosigns with.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Cosigns a checkpoint that continues the last one of its ledger.
    ///
    /// # Errors
    /// It does not, or that cannot be told.
    pub fn add(&self, request: &Request) -> Result<NoteSignature, Refusal> {
        let text = &request.note.text;
        let (origin, tree) = tree_of(text).ok_or_else(|| {
            Refusal::Malformed("the checkpoint needs an origin, a size and a root".to_owned())
        })?;
        let mut keys = self.trusted.iter().filter(|key| key.name() == origin).peekable();
        if keys.peek().is_none() {
            return Err(Refusal::UnknownOrigin(origin.to_owned()));
        }
        if !keys.any(|key| request.note.verify(key).is_ok()) {
            return Err(Refusal::Signature);
        }
        if request.old > tree.size {
            return Err(Refusal::Malformed("`old` is larger than the checkpoint".to_owned()));
        }
        // One at a time: what is looked at is what is replaced.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let last = memory.seen(origin).unwrap_or(Seen { size: 0, root: EMPTY_ROOT });
        if request.old != last.size || (tree.size == last.size && tree.root != last.root) {
            return Err(Refusal::Conflict(last.size));
        }
        verify_consistency(last.size, &last.root, tree.size, &tree.root, &request.proof)
            .map_err(|error| Refusal::Proof(error.to_string()))?;
        if tree != last {
            memory.remember(origin, tree).map_err(|_| Refusal::Memory)?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signature = self.signer.sign(cosigned_message(now, text).as_bytes());
        let signature = signature.map_err(|_| Refusal::Memory)?;
        Ok(NoteSignature::new(&self.key, [now.to_be_bytes().as_slice(), &signature].concat()))
    }
}

/// Why there is no witness.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its name cannot be one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its memory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The first three lines of a checkpoint of any make: origin, size, root.
fn tree_of(text: &str) -> Option<(&str, Seen)> {
    let mut lines = text.split('\n');
    let origin = lines.next().filter(|origin| !origin.is_empty())?;
    let size = size(lines.next()?).filter(|size| *size > 0)?;
    let root = Hash::try_from(STANDARD.decode(lines.next()?).ok()?).ok()?;
    Some((origin, Seen { size, root }))
}

#[cfg(test)]
mod tests {
    use faramesh_ledger::LocalKeys;
    use faramesh_verify::{Checkpoint, Note, Tree, consistency, origin};
    use sha2::{Digest, Sha256};

    use super::*;

    struct World {
        _folder: tempfile::TempDir,
        witness: Witness,
        ledger: Arc<dyn Signer>,
        key: PublicKey,
        tree: Tree,
        hashes: Vec<Hash>,
    }

    fn signer(folder: &std::path::Path) -> Arc<dyn Signer> {
        std::fs::create_dir_all(folder).unwrap();
        LocalKeys::open(folder, true).unwrap().signers().remove(0)
    }

    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let ledger = signer(&folder.path().join("ledger"));
        let origin = origin("shop", &[1; 32]);
        let key = PublicKey::new(&origin, Algorithm::Ed25519, &ledger.public_key().1).unwrap();
        let own = signer(&folder.path().join("witness"));
        let witness =
            Witness::open("w.example", own, vec![key.clone()], &folder.path().join("state")).unwrap();
        World { _folder: folder, witness, ledger, key, tree: Tree::default(), hashes: Vec::new() }
    }

    impl World {
        fn grow(&mut self, records: usize, salt: u8) {
            for _ in 0..records {
                let hash: Hash =
                    Sha256::digest([self.hashes.len().to_be_bytes().as_slice(), &[salt]].concat()).into();
                self.tree.append(&hash);
                self.hashes.push(hash);
            }
        }

        fn request(&self, old: u64) -> Request {
            let checkpoint = Checkpoint {
                origin: self.key.name().to_owned(),
                size: self.tree.size(),
                root: self.tree.root(),
                instance: "host".to_owned(),
                epoch: 1,
                time: faramesh_time(),
                head: *self.hashes.last().unwrap(),
            };
            let text = checkpoint.text();
            let signature = NoteSignature::new(&self.key, self.ledger.sign(text.as_bytes()).unwrap());
            let Ok(proof) = consistency(&self.tree, old, self.tree.size());
            Request { old, proof, note: Note { text, signatures: vec![signature] } }
        }
    }

    fn faramesh_time() -> faramesh_call::Timestamp {
        faramesh_call::Timestamp(1_764_252_000_123)
    }

    #[test]
    fn what_continues_is_cosigned_and_nothing_else() {
        let mut world = world();
        world.grow(5, 0);
        let first = world.request(0);
        let cosignature = world.witness.add(&first).unwrap();
        let mut note = first.note.clone();
        note.signatures.push(cosignature);
        assert!(note.verify(world.witness.key()).unwrap().is_some_and(|seconds| seconds > 1_700_000_000));
        assert!(world.witness.add(&world.request(5)).is_ok(), "the same again");
        assert_eq!(world.witness.add(&first), Err(Refusal::Conflict(5)));
        world.grow(4, 0);
        assert_eq!(world.witness.add(&world.request(4)), Err(Refusal::Conflict(5)));
        let mut wrong = world.request(5);
        wrong.proof[0][0] ^= 1;
        assert!(matches!(world.witness.add(&wrong), Err(Refusal::Proof(_))));
        assert!(world.witness.add(&world.request(5)).is_ok());
        assert_eq!(world.witness.add(&first), Err(Refusal::Conflict(9)), "yesterday's folder");
    }

    #[test]
    fn a_fork_is_never_cosigned() {
        let mut world = world();
        world.grow(6, 0);
        assert!(world.witness.add(&world.request(0)).is_ok());
        let (mut tree, mut hashes) = (Tree::default(), Vec::new());
        std::mem::swap(&mut tree, &mut world.tree);
        std::mem::swap(&mut hashes, &mut world.hashes);
        world.grow(6, 1);
        assert_eq!(
            world.witness.add(&world.request(6)),
            Err(Refusal::Conflict(6)),
            "another tree of the size"
        );
        world.grow(3, 1);
        assert!(matches!(world.witness.add(&world.request(6)), Err(Refusal::Proof(_))));
    }

    #[test]
    fn only_the_ledgers_that_it_was_told_of() {
        let mut world = world();
        world.grow(2, 0);
        let mut unsigned = world.request(0);
        unsigned.note.signatures[0].signature[3] ^= 1;
        assert_eq!(world.witness.add(&unsigned), Err(Refusal::Signature));
        let mut other = world.request(0);
        other.note.text = other.note.text.replace("shop", "mall");
        assert!(matches!(world.witness.add(&other), Err(Refusal::UnknownOrigin(_))));
        let mut nothing = world.request(0);
        nothing.note.text = "only a line\n".to_owned();
        assert!(matches!(world.witness.add(&nothing), Err(Refusal::Malformed(_))));
        assert!(matches!(world.witness.add(&world.request(3)), Err(Refusal::Malformed(_))));
        assert!(world.witness.add(&world.request(0)).is_ok(), "nothing was remembered of those");
    }
}
