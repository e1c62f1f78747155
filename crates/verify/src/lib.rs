//! Whether a ledger can be believed: the Merkle tree over its records, signed checkpoints of that
//! tree, the keys that sign them, and proofs about single records. Every front end checks with this
//! crate: `audit verify`, bundles, the browser page.
//!
//! By topic: `merkle` is the tree, `proof` what is proved about it, `note` signed text, `key` who
//! signed, `checkpoint` what is signed, `announcement` what the chain says of it, `signed` the history of keys and checkpoints, `verifier` all
//! of it together with the chain.
//! Leaves out files, sockets, clocks and randomness: bytes come in, a report or the first break goes out.

mod announcement;
mod bundle;
mod checkpoint;
mod key;
mod merkle;
mod note;
mod percent;
mod proof;
mod signed;
mod summary;
mod verifier;

pub use announcement::{Announcement, SIGNING_KEY, SigningMode};
pub use bundle::{
    BUNDLE_VERSION, BundleBreak, BundleReport, BundleVerifier, Header, MAX_LINE_BYTES, MAX_PROGRAM_BYTES,
    PolicyUse, WitnessSummary, checkpoint_line, digest_line, end_line, outcome, policy_line, record_line,
};
pub use checkpoint::{Checkpoint, CheckpointError, MAX_CHECKPOINT_BYTES, origin};
pub use key::{Algorithm, KeyError, PublicKey, SignatureError, cosigned_message};
pub use merkle::{EMPTY_ROOT, Frontier, Growth, Nodes, Tree, leaf, node, range_root};
pub use note::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature};
pub use proof::{MAX_PROOF, ProofError, consistency, inclusion, verify_consistency, verify_inclusion};
pub use signed::Signed;
pub use summary::{KeySummary, Summary};
pub use verifier::{Break, Verifier};
