//! The state as the ledger replays records into it, and keeps it in snapshots.

use faramesh_dpr::Record;
use faramesh_ledger::Fold;
use faramesh_state::State;

/// A state that a ledger is opened into.
#[derive(Debug, Default)]
pub struct Folded(pub State);

impl Fold for Folded {
    fn fresh(&self) -> Box<dyn Fold> {
        Box::new(Self::default())
    }

    fn replay(&mut self, record: &Record) {
        self.0.replay(record);
    }

    fn save(&self) -> Vec<u8> {
        self.0.save()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let Some(state) = State::load(bytes) else { return false };
        self.0 = state;
        true
    }

    fn clear(&mut self) {
        self.0 = State::default();
    }
}
