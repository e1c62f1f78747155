//! The seam to whoever folds records to a state: the ledger replays records into it when it is opened, and
//! keeps what came of them beside its segments, so that the next start replays only what came later.
//! What the state is, and what records mean to it, the ledger does not know.

use faramesh_dpr::Record;

/// A state that is folded from records.
///
/// The same records in the same order give the same bytes, whatever was saved and loaded in between:
/// that is what snapshots are held against.
pub trait Fold: Send {
    /// A state of no records.
    fn fresh(&self) -> Box<dyn Fold>;

    /// Takes the next record.
    fn replay(&mut self, record: &Record);

    /// The state as bytes.
    fn save(&self) -> Vec<u8>;

    /// Goes on from what was saved by this release; false, and the state as it was, when it was not.
    fn load(&mut self, bytes: &[u8]) -> bool;

    /// Goes back to a state of no records.
    fn clear(&mut self);
}

/// What is told of records while a ledger is opened.
pub(crate) enum Replay<'a> {
    /// Every record, from the first on.
    Each(&'a mut dyn FnMut(&Record)),
    /// A state that may be loaded and saved.
    State(&'a mut dyn Fold),
}

impl Replay<'_> {
    pub(crate) fn record(&mut self, record: &Record) {
        match self {
            Self::Each(replay) => replay(record),
            Self::State(fold) => fold.replay(record),
        }
    }

    pub(crate) fn load(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Each(_) => false,
            Self::State(fold) => fold.load(bytes),
        }
    }

    pub(crate) fn clear(&mut self) {
        if let Self::State(fold) = self {
            fold.clear();
        }
    }

    pub(crate) fn save(&self) -> Option<Vec<u8>> {
        match self {
            Self::Each(_) => None,
            Self::State(fold) => Some(fold.save()),
        }
    }

    pub(crate) fn fresh(&self) -> Option<Box<dyn Fold>> {
        match self {
            Self::Each(_) => None,
            Self::State(fold) => Some(fold.fresh()),
        }
    }
}
