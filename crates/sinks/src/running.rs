//! All sinks of a daemon: started, changed and ended as policies come into force. A sink is known by its
//! name: whatever else of its declaration changes, it goes on where it was.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use faramesh_ledger::Ledger;

use crate::config::{Config, From};
use crate::cursor::{Cursors, Kept};
use crate::pace::Pace;
use crate::status::Status;
use crate::worker::{Shared, Worker};

/// The sinks of one ledger.
#[derive(Debug)]
pub struct Sinks {
    ledger: Weak<Ledger>,
    cursors: Cursors,
    pace: Pace,
    workers: Mutex<Vec<Arc<Shared>>>,
}

impl Sinks {
    /// No sinks yet. Cursors are kept in `folder`, which is made for its owner alone; without one they
    /// end with the process.
    #[must_use]
    pub fn new(ledger: &Arc<Ledger>, folder: Option<PathBuf>, pace: Pace) -> Self {
        let cursors = Cursors::new(folder);
        Self { ledger: Arc::downgrade(ledger), cursors, pace, workers: Mutex::default() }
    }

    /// Remembers where sinks begin that begin now. Call it before the policy that declares them is put
    /// in force, so that no record of it is missed.
    ///
    /// # Errors
    /// A cursor cannot be kept.
    pub fn prepare(&self, configs: &[Config]) -> io::Result<()> {
        let Some(ledger) = self.ledger.upgrade() else { return Ok(()) };
        for config in configs.iter().filter(|config| config.from == From::Now) {
            if self.cursors.load(&config.name)? == Kept::Nothing {
                self.cursors.store(&config.name, &ledger.kept_cursor())?;
            }
        }
        Ok(())
    }

    /// Makes these the sinks that run. Never waits: a sink in the middle of a delivery takes its new
    /// configuration, or ends, when that is over.
    pub fn configure(&self, configs: Vec<Config>) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for worker in workers.iter() {
            if configs.iter().all(|config| config.name != worker.name()) {
                worker.configure(None);
            }
        }
        for config in configs {
            let known = workers
                .iter()
                .any(|worker| worker.name() == config.name && worker.configure(Some(config.clone())));
            if !known {
                workers.retain(|worker| worker.name() != config.name);
                workers.push(self.start(config));
            }
        }
        workers.retain(|worker| worker.is_wanted() || !worker.has_ended(Instant::now()));
        workers.sort_by_key(|worker| worker.name());
    }

    fn start(&self, config: Config) -> Arc<Shared> {
        let shared = Arc::new(Shared::new(config));
        let cursors = self.cursors.clone();
        let worker = Worker::new(Arc::clone(&shared), Weak::clone(&self.ledger), cursors, self.pace);
        let thread = std::thread::Builder::new().name("sink".to_owned()).spawn(move || worker.run());
        if let Err(error) = thread {
            shared.failed_to_start(&error.to_string());
        }
        shared
    }

    /// How each sink stands, by name.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        let last = self.ledger.upgrade().map_or(0, |ledger| ledger.last_seq());
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = workers.iter().filter(|worker| worker.is_wanted());
        wanted
            .map(|worker| {
                let status = worker.status();
                Status { lag: last.saturating_sub(status.delivered_seq), ..status }
            })
            .collect()
    }

    /// Has every sink deliver what is left and end, and waits for that, at most so long. What is not
    /// delivered then is delivered after the next start. Returns whether all have ended.
    pub fn stop(&self, wait: Duration) -> bool {
        let by = Instant::now() + wait;
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for worker in workers.iter() {
            worker.end(by);
        }
        workers.iter().all(|worker| worker.has_ended(by))
    }
}

impl Drop for Sinks {
    /// Nobody waits any more; a thread in the middle of a delivery ends after it.
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}
