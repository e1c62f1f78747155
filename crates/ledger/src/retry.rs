//! What a commit does while its backend cannot be reached: the same batch is tried again until it is
//! kept. Whoever waits is answered after a moment; what comes meanwhile is refused at once.
//!
//! INVARIANT same batch: records that have their place in the chain are kept or nothing more is, so
//! a batch is never dropped and the next never overtakes it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::backend::KeepError;
use crate::commit::{Shared, locked};
use crate::queue::Batch;
use crate::receipt::Unavailable;

/// How long callers wait for a backend that went away before they are refused: a lost connection is
/// made again within it.
const PATIENCE: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Shared {
    /// Tries a batch until it is kept, can never be, or the ledger is closed.
    pub(crate) fn keep_trying(&self, batch: &mut Batch, first: String) -> Result<(), KeepError> {
        let (began, mut pause, mut reason) = (Instant::now(), FIRST_PAUSE, first);
        let mut refusing = false;
        loop {
            if !refusing && began.elapsed() >= PATIENCE {
                self.turn_away(batch, &reason);
                refusing = true;
            }
            if self.stops_within(pause) {
                return Err(KeepError::Lost(reason));
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match locked(&self.store).keep(batch) {
                Err(KeepError::Unreachable(again)) => reason = again,
                Ok(()) => {
                    self.take_again();
                    return Ok(());
                }
                lost => return lost,
            }
        }
    }

    /// Answers everybody who waits. Their records keep their places and are kept later.
    fn turn_away(&self, batch: &mut Batch, reason: &str) {
        self.healthy.store(false, Ordering::Release);
        let refusal = Unavailable::Unreachable { reason: reason.into() };
        let mut completions: Vec<_> =
            batch.entries.iter_mut().filter_map(|entry| entry.completion.take()).collect();
        if let Ok(mut queue) = self.queue() {
            queue.refusal.get_or_insert_with(|| refusal.clone());
            completions.extend(queue.batch.entries.iter_mut().filter_map(|entry| entry.completion.take()));
        }
        for completion in completions {
            let _ = catch_unwind(AssertUnwindSafe(|| completion(Err(refusal.clone()))));
        }
    }

    /// Takes records again, when nothing else stands against it.
    fn take_again(&self) {
        let Ok(mut queue) = self.queue() else { return };
        if matches!(queue.refusal, Some(Unavailable::Unreachable { .. })) {
            queue.refusal = None;
        }
        if queue.refusal.is_none() {
            self.healthy.store(true, Ordering::Release);
        }
    }

    /// Waits; true when the ledger is being closed.
    fn stops_within(&self, pause: Duration) -> bool {
        let Ok(queue) = self.queue() else { return true };
        let waited = self.work.wait_timeout_while(queue, pause, |queue| !queue.stopping);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }
}
