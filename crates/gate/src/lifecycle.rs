//! Where a daemon stands. Calls are decided in `Ready` only.

use std::sync::atomic::{AtomicU8, Ordering};

/// The life of a daemon, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifecycle {
    /// The process runs and has opened nothing yet.
    Starting,
    /// The ledger is verified and state is replayed.
    Initializing,
    /// Calls are decided.
    Ready,
    /// No new calls; those in flight finish.
    Draining,
    /// Nothing is decided any more.
    Halt,
}

impl Lifecycle {
    const ALL: [Self; 5] = [Self::Starting, Self::Initializing, Self::Ready, Self::Draining, Self::Halt];

    /// The word in `status` and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Initializing => "INITIALIZING",
            Self::Ready => "READY",
            Self::Draining => "DRAINING",
            Self::Halt => "HALT",
        }
    }
}

/// A lifecycle that threads share. It only moves forward.
#[derive(Debug, Default)]
pub(crate) struct Shared(AtomicU8);

impl Shared {
    pub(crate) fn get(&self) -> Lifecycle {
        let at = usize::from(self.0.load(Ordering::Acquire));
        Lifecycle::ALL.get(at).copied().unwrap_or(Lifecycle::Halt)
    }

    pub(crate) fn advance(&self, to: Lifecycle) {
        let at = Lifecycle::ALL.iter().position(|state| *state == to).unwrap_or(Lifecycle::ALL.len());
        self.0.fetch_max(u8::try_from(at).unwrap_or(u8::MAX), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_moves_forward() {
        let shared = Shared::default();
        assert_eq!(shared.get(), Lifecycle::Starting);
        shared.advance(Lifecycle::Draining);
        shared.advance(Lifecycle::Ready);
        assert_eq!(shared.get(), Lifecycle::Draining);
    }
}
