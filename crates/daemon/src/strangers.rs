//! Records of callers at the HTTP door that nobody knows: at once when one comes, then at most one a minute for all
//! that came since, and one when the daemon stops.
//!
//! INVARIANT bounded: whoever knocks adds no more to the ledger than a quiet daemon's heartbeats do.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use faramesh_call::{Code, Object, Tier, Value, object};
use faramesh_dpr::{Draft, Kind};
use faramesh_gate::Gate;
use faramesh_http::{Counts, Strangers};

use crate::start::now;

/// How often the thread looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a record the next one is.
const PAUSE: Duration = Duration::from_secs(60);
/// How long a record may take to be kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thread that records unknown callers.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn start(gate: Arc<Gate>, counts: Arc<Counts>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("strangers".to_owned()).spawn(move || {
            let mut next = Instant::now();
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if Instant::now() >= next && record(&gate, &counts) {
                    next = Instant::now() + PAUSE;
                }
            }
            record(&gate, &counts);
        })?;
        Ok(Self { stop, thread })
    }

    /// Records what is left, and ends.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// Records who came, if anybody did.
fn record(gate: &Gate, counts: &Counts) -> bool {
    let Some(strangers) = counts.take_strangers() else { return false };
    let mut draft = Draft::event(Kind::Lifecycle, detail(&strangers));
    draft.dev = gate.is_dev();
    if gate.ledger().append_and_wait(draft, now(), PATIENCE).is_err() {
        // A ledger that takes nothing tells so in `status`; these are told when it takes something again.
        counts.give_back(strangers);
    }
    true
}

fn detail(strangers: &Strangers) -> Object {
    let address = |(address, count): &(std::net::IpAddr, u64)| -> Value {
        object! { "address" => address.to_string(), "count" => *count }.into()
    };
    object! {
        "event" => "unknown_callers",
        "code" => Code::IdentityUnverified.as_str(),
        "tier" => Tier::Http.as_str(),
        "requests" => strangers.requests,
        "handshakes" => strangers.handshakes,
        "addresses" => strangers.addresses.iter().map(address).collect::<Value>(),
        "elsewhere" => strangers.elsewhere,
    }
}
