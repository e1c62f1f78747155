//! What a sink is: something that takes a batch of records, or says why not and when to try again.
//! Everything else (cursors, order, patience) is the worker's business, the same for every sink.

use std::sync::Arc;
use std::time::Duration;

/// Records to deliver, oldest first. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The bytes of each record, canonical, as they are in the ledger.
    pub records: Vec<Arc<[u8]>>,
    /// The number of the first record.
    pub first_seq: u64,
    /// The number of the last record.
    pub last_seq: u64,
}

impl Batch {
    /// The records as JSON lines: each one's bytes and a line feed. Canonical JSON has none inside.
    #[must_use]
    pub fn to_lines(&self) -> Vec<u8> {
        let bytes = self.records.iter().map(|record| record.len() + 1).sum();
        let mut lines = Vec::with_capacity(bytes);
        for record in &self.records {
            lines.extend_from_slice(record);
            lines.push(b'\n');
        }
        lines
    }
}

/// When a delivery that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Soon, and less often the longer it fails.
    BackOff,
    /// Not before so long.
    After(Duration),
    /// Now and then: somebody has to change something first.
    Slowly,
    /// At once with fewer records, because these are too many; slowly when it is one already.
    Smaller,
}

/// Why a delivery failed. The message is shown to operators: it says what is wrong and what to do,
/// and holds neither secrets nor anything that the other side said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
}

impl Failure {
    /// A failure that may be over soon.
    #[must_use]
    pub fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: Retry::BackOff }
    }

    /// A failure that lasts until somebody does something.
    #[must_use]
    pub fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: Retry::Slowly }
    }
}

/// A destination of records.
pub trait Sink: Send {
    /// Delivers a batch. It may block, for a bounded time: the sink has a thread of its own. When it
    /// comes back well the records are as safe at the destination as they get there; when not, the same
    /// records come again, some of which may have arrived.
    ///
    /// # Errors
    /// The batch did not arrive, or not all of it, or nobody knows.
    fn deliver(&mut self, batch: &Batch) -> Result<(), Failure>;
}
