//! What is recorded without anybody asking: a record a minute while nothing else is recorded, so that a silence in the
//! ledger is a daemon that was not there and not records that were taken away; and the calls whose outcome never came.
//!
//! INVARIANT quiet: a daemon that records decisions adds nothing to them.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use faramesh_call::object;
use faramesh_dpr::{Draft, Kind};
use faramesh_gate::Gate;
use faramesh_ledger::HEARTBEAT;

use crate::start::now;

/// How often the thread looks.
const LOOK: Duration = Duration::from_secs(5);
/// How long a heartbeat may take to be kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thread that records heartbeats.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Heartbeat {
    pub(crate) fn start(gate: Arc<Gate>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            let mut silence = Silence { seq: 0, since: Instant::now() };
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if gate.note_gaps() > 0 {
                    gate.commit(false);
                }
                if silence.is_long(gate.ledger().status().last_seq, Instant::now()) {
                    let mut draft = Draft::event(Kind::Lifecycle, object! { "event" => "heartbeat" });
                    draft.dev = gate.is_dev();
                    // A ledger that takes nothing tells so at the next decision, and in `status`.
                    let _ = gate.ledger().append_and_wait(draft, now(), PATIENCE);
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// Since when which record has been the last.
struct Silence {
    seq: u64,
    since: Instant,
}

impl Silence {
    /// Whether `seq` has been the last record for as long as a heartbeat may be away.
    fn is_long(&mut self, seq: u64, now: Instant) -> bool {
        if self.seq != seq {
            *self = Self { seq, since: now };
        }
        // Looked at every few seconds, so the beat comes before the minute is over rather than after.
        now.duration_since(self.since) + LOOK >= HEARTBEAT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_minute_is_told_and_a_record_ends_it() {
        let start = Instant::now();
        let mut silence = Silence { seq: 0, since: start };
        let mut beats = Vec::new();
        let mut seq = 4;
        for second in (0..200).step_by(5) {
            if second == 30 {
                seq += 1;
            }
            if silence.is_long(seq, start + Duration::from_secs(second)) {
                beats.push(second);
                seq += 1;
            }
        }
        assert_eq!(beats, [85, 145], "{beats:?}");
    }
}
