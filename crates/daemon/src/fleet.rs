//! Leases of ceilings that daemons share: one thread asks the backend, for all calls that wait at once, and hands them
//! back to the gate. While the backend is away, calls are not kept waiting for it.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use faramesh_fleet::{Ask, Fleet, FleetError, Lessee};
use faramesh_gate::{Gate, Lessor, Parked};
use faramesh_program::Program;
use faramesh_program::image::TextSource;
use faramesh_state::limits::{Share, Want, WantOf};

/// Most calls and wishes that wait.
const MAX_WAITING: usize = 4_096;
/// Most of them that are answered at once.
const BATCH: usize = 512;
/// How long new requests of one batch are made: its last calls wait no longer than that and one request.
const BATCH_TIME: Duration = Duration::from_secs(2);
/// How long a backend that failed is left alone, in milliseconds.
const REST_MS: u64 = 1_000;

/// Something to lease for.
enum Job {
    Call(Box<Parked>),
    Wish(Want),
}

/// The part that the gate knows.
#[derive(Debug)]
pub(crate) struct Lessors {
    jobs: SyncSender<Job>,
    /// What is wished for already, by agent and name.
    wished: Mutex<HashSet<(Box<str>, Box<str>)>>,
    began: Instant,
    /// Until when the backend is left alone, in milliseconds since `began`.
    rests_until_ms: AtomicU64,
    status: Mutex<Status>,
}

/// How the backend stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    pub place: String,
    pub leases: u64,
    pub error: Option<String>,
}

/// The part that asks, until the gate is there.
#[derive(Debug)]
pub(crate) struct Asking {
    jobs: Receiver<Job>,
    fleet: Fleet,
}

/// Why there is no backend.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The environment variable is not set.
    #[error("the address of the budgets' backend is in the environment variable {0}, which is not set")]
    NotSet(String),
    /// It cannot be used.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

/// The backend of a policy, when it names one.
pub(crate) fn of(program: &Program, lessee: Lessee) -> Result<Option<(Arc<Lessors>, Asking)>, BackendError> {
    let Some(source) = &program.runtime.budget_backend else { return Ok(None) };
    let url = match source {
        TextSource::Literal(url) => url.clone(),
        TextSource::Environment { name, default } => {
            let set = std::env::var(name).ok().filter(|url| !url.is_empty());
            set.or_else(|| default.clone()).ok_or_else(|| BackendError::NotSet(name.clone()))?
        }
    };
    let fleet = Fleet::at(&url, lessee)?;
    let (sender, jobs) = sync_channel(MAX_WAITING);
    let status = Status { place: fleet.place().to_owned(), ..Status::default() };
    let lessors = Lessors {
        jobs: sender,
        wished: Mutex::default(),
        began: Instant::now(),
        rests_until_ms: AtomicU64::new(0),
        status: Mutex::new(status),
    };
    Ok(Some((Arc::new(lessors), Asking { jobs, fleet })))
}

impl Lessors {
    pub(crate) fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn rests(&self) -> bool {
        self.now_ms() < self.rests_until_ms.load(Ordering::Acquire)
    }

    fn note(&self, result: Result<bool, &FleetError>) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(leased) => {
                status.leases += u64::from(leased);
                status.error = None;
            }
            Err(error) => {
                status.error = Some(error.to_string());
                self.rests_until_ms.store(self.now_ms().saturating_add(REST_MS), Ordering::Release);
            }
        }
    }

    fn forget(&self, want: &Want) {
        let key = (want.agent.clone(), want.key.clone());
        self.wished.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

impl Lessor for Lessors {
    fn park(&self, parked: Parked) -> Result<(), Box<Parked>> {
        let parked = Box::new(parked);
        if self.rests() {
            return Err(parked);
        }
        self.jobs.try_send(Job::Call(parked)).map_err(|refused| match refused {
            TrySendError::Full(Job::Call(parked)) | TrySendError::Disconnected(Job::Call(parked)) => parked,
            TrySendError::Full(Job::Wish(_)) | TrySendError::Disconnected(Job::Wish(_)) => {
                unreachable!("it was a call")
            }
        })
    }

    fn prefetch(&self, want: Want) {
        let key = (want.agent.clone(), want.key.clone());
        let is_new = self.wished.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        if is_new && (self.rests() || self.jobs.try_send(Job::Wish(want.clone())).is_err()) {
            self.forget(&want);
        }
    }
}

impl Asking {
    /// Asks on a thread of its own, for as long as the gate is there.
    pub(crate) fn start(self, lessors: Arc<Lessors>, gate: &Arc<Gate>) -> io::Result<()> {
        let gate = Arc::downgrade(gate);
        let work = move || self.run(&lessors, &gate);
        std::thread::Builder::new().name("leases".to_owned()).spawn(work).map(|_| ())
    }

    fn run(mut self, lessors: &Lessors, gate: &Weak<Gate>) {
        loop {
            let first = match self.jobs.recv_timeout(Duration::from_millis(500)) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let Some(gate) = gate.upgrade() else { return };
            let Some(first) = first else { continue };
            let more: Vec<Job> = self.jobs.try_iter().take(BATCH).collect();
            let jobs: Vec<Job> = std::iter::once(first).chain(more).collect();
            // Those that a slow backend leaves over are decided anew, and ask again if they may.
            let began = Instant::now();
            for ask in asks(&jobs).iter().take_while(|_| began.elapsed() < BATCH_TIME) {
                self.lease(ask, lessors, &gate);
            }
            for job in jobs {
                match job {
                    Job::Call(parked) => gate.resume(*parked),
                    Job::Wish(want) => lessors.forget(&want),
                }
            }
            gate.commit(false);
        }
    }

    fn lease(&mut self, ask: &Ask, lessors: &Lessors, gate: &Gate) {
        if lessors.rests() {
            return;
        }
        let leased = self.fleet.lease(ask);
        lessors.note(leased.as_ref().map(Option::is_some));
        if let Ok(Some(of)) = leased {
            gate.leased(&ask.want.agent, &ask.want.key, of);
        }
    }
}

/// One request for every ceiling: what the neediest call needs, and all of them together.
fn asks(jobs: &[Job]) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for job in jobs {
        let want = match job {
            Job::Call(parked) => &parked.want,
            Job::Wish(want) => want,
        };
        let (money, calls) = needs(&want.of);
        let same = |ask: &&mut Ask| {
            ask.want.agent == want.agent
                && ask.want.key == want.key
                && period(&ask.want.of) == period(&want.of)
        };
        match asks.iter_mut().find(same) {
            Some(ask) => {
                ask.desired = ask.desired.saturating_add(money);
                ask.desired_calls = ask.desired_calls.saturating_add(calls);
                // The least of them: it is better that some go on than none.
                if money > 0 && money < needs(&ask.want.of).0 {
                    ask.want = want.clone();
                }
            }
            None => asks.push(Ask { want: want.clone(), desired: money, desired_calls: calls }),
        }
    }
    asks
}

fn needs(of: &WantOf) -> (u64, u64) {
    let need = |share: &Option<Share>| share.map_or(0, |share| share.need);
    match of {
        WantOf::Sum { money, calls, .. } => (need(money), need(calls)),
        WantOf::Tokens { .. } => (1, 0),
    }
}

fn period(of: &WantOf) -> Option<&faramesh_state::limits::Period> {
    match of {
        WantOf::Sum { period, .. } => Some(period),
        WantOf::Tokens { .. } => None,
    }
}
