//! The first pass over a ledger that is exported: its keys, its newest checkpoint, the checkpoints at
//! which keys changed, and, for picked records, the nodes of its tree. Everything is checked on the way,
//! so that no bundle is made of a ledger that does not verify.

use std::collections::{BTreeSet, VecDeque};

use faramesh_dpr::{Hash, Kind, Record};
use faramesh_ledger::{Filter, Held};
use faramesh_verify::{Break, Note, PublicKey, Signed};

use super::cosignatures::Cosignatures;
use super::nodes::NodeFile;
use super::nodes_failed;
use super::shelf::Shelf;
use crate::exit::Exit;
use crate::failure::Failure;

/// Most policies that are remembered.
const MAX_POLICIES: usize = 4_096;

/// What the first pass found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Records at the time of the first pass; later ones are not exported.
    pub size: u64,
    /// The stack.
    pub stack: String,
    /// The name of the ledger.
    pub origin: String,
    /// Every key that was in force.
    pub keys: Vec<PublicKey>,
    /// Those up to the one that signed the newest checkpoint, which may put another in force.
    pub signers: Vec<PublicKey>,
    /// The records that announce keys; bounded, because keys are.
    pub announcements: BTreeSet<u64>,
    /// The checkpoints at which another key or way of signing came into force, and those that are cosigned.
    pub changes: VecDeque<(u64, Note)>,
    /// The newest checkpoint, and what it covers.
    pub newest: Option<(u64, Note)>,
    /// What witnesses cosigned of the ledger.
    pub cosignatures: Cosignatures,
    /// Policies that decided.
    pub policies: BTreeSet<Hash>,
    /// Records whose bodies are in an archive, and were not read there.
    pub archived: u64,
    /// Records that the filter lets through.
    pub matched: u64,
    /// The nodes of the tree, when proofs are needed.
    pub nodes: Option<NodeFile>,
}

/// Reads the whole ledger once.
///
/// # Errors
/// It cannot be read, has no record, or is not as it was written.
pub fn survey(shelf: &dyn Shelf, filter: &Filter, with_nodes: bool) -> Result<Survey, Failure> {
    let mut survey = Survey::default();
    if with_nodes {
        survey.nodes = Some(NodeFile::new().map_err(|error| nodes_failed(&error))?);
    }
    survey.cosignatures = shelf.cosignatures()?;
    let mut signed = Signed::default();
    shelf.each(&mut |held, notes| {
        match held {
            Held::Record(record) => survey.take(&record, filter, &mut signed)?,
            Held::Digest(seq, hash) => {
                signed.digest(&hash);
                survey.archived += 1;
                survey.append(seq, &hash)?;
            }
        }
        for note in notes {
            let changes = signed.pending().is_some();
            let signer = signed.key().filter(|key| survey.signers.last() != Some(*key)).cloned();
            survey.signers.extend(signer);
            signed.checkpoint(&note).map_err(|broken| told(&broken))?;
            survey.cosignatures.checkpoint(signed.size(), &note)?;
            if changes {
                survey.changes.push_back((signed.size(), note.clone()));
            }
            survey.newest = Some((signed.size(), note));
        }
        Ok(true)
    })?;
    if survey.size == 0 {
        return Err(Failure::new("the ledger has no record yet"));
    }
    survey.cosignatures.finish()?;
    survey.earlier();
    let summary = signed.finish(None).map_err(|broken| told(&broken))?;
    survey.origin = summary.origin;
    survey.keys = summary.keys.into_iter().map(|held| held.key).collect();
    Ok(survey)
}

impl Survey {
    /// The earlier checkpoints of a bundle of picked records: those at which something changed, and those
    /// that a witness cosigned.
    fn earlier(&mut self) {
        for (size, note) in self.cosignatures.checkpoints() {
            // Of one size there is one only.
            if let Err(place) = self.changes.binary_search_by_key(size, |(size, _)| *size) {
                self.changes.insert(place, (*size, note.clone()));
            }
        }
        // The newest checkpoint is in the bundle already.
        self.changes.retain(|(size, note)| {
            self.newest.as_ref().is_none_or(|(newest_size, newest)| size != newest_size || note != newest)
        });
    }

    fn take(&mut self, record: &Record, filter: &Filter, signed: &mut Signed) -> Result<(), Failure> {
        let hash = record.hash();
        let before = (signed.pending().map(|(seq, _)| seq), signed.mode(), signed.key().cloned());
        signed.record(record, &hash).map_err(|broken| told(&broken))?;
        let after = (signed.pending().map(|(seq, _)| seq), signed.mode(), signed.key().cloned());
        if before != after {
            self.announcements.insert(record.seq());
        }
        if self.stack.is_empty() {
            self.stack = record.stack().into_owned();
        }
        self.matched += u64::from(filter.matches(record));
        let policy = record.policy().filter(|_| record.kind() == Kind::Decision);
        if let Some(policy) = policy.filter(|_| self.policies.len() < MAX_POLICIES) {
            self.policies.insert(policy);
        }
        self.append(record.seq(), &hash)
    }

    fn append(&mut self, seq: u64, hash: &Hash) -> Result<(), Failure> {
        self.size = seq;
        match &mut self.nodes {
            Some(nodes) => nodes.append(hash).map_err(|error| nodes_failed(&error)),
            None => Ok(()),
        }
    }
}

fn told(broken: &Break) -> Failure {
    Failure::with(Exit::Broken, format!("the ledger is not as it was written: {broken}"))
        .hint("`faramesh audit verify` checks it from the beginning")
        .hint("keep the folder as it is: it is evidence")
}
