//! Ways in which a daemon is told to stop.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Why a daemon stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// SIGTERM or SIGINT.
    Signal,
    /// An operator asked.
    Operator,
    /// The agents' socket stopped serving.
    TierFailed(String),
}

impl StopReason {
    /// The reason as records state it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Signal => "signal",
            Self::Operator => "operator",
            Self::TierFailed(why) => why,
        }
    }
}

/// Tells a daemon to stop, from any thread.
#[derive(Debug, Clone)]
pub struct StopHandle(Sender<StopReason>);

impl StopHandle {
    /// Asks the daemon to drain and stop.
    pub fn stop(&self, reason: StopReason) {
        // A daemon that has stopped already needs no telling.
        let _ = self.0.send(reason);
    }
}

pub(crate) fn pair() -> (StopHandle, Receiver<StopReason>) {
    let (sender, receiver) = channel();
    (StopHandle(sender), receiver)
}

/// Has SIGTERM and SIGINT stop the daemon.
///
/// # Errors
/// The handlers cannot be installed.
pub(crate) fn on_signals(handle: StopHandle) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            handle.stop(StopReason::Signal);
        }
    })?;
    Ok(())
}
