//! The values of selectors: fetched beside the decisions, kept as long as they are good, and handed to the gate, which
//! only looks at what is there.
//!
//! One thread keeps the times, a few fetch. INVARIANT apart: no decision waits for anything here; a new policy does,
//! for the first values, and only so long.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use faramesh_call::json;
use faramesh_decide::{Fetched, Reading, Selected};
use faramesh_gate::Gate;
use faramesh_program::Program;
use faramesh_program::image::TextSource;
use faramesh_sinks::{Address, FetchError, Fetcher};

use crate::start::now;

/// Largest document that a value is read from.
const MAX_VALUE_BYTES: u64 = 16 << 10;
/// Threads that fetch.
const FETCHERS: usize = 4;
/// Most messages that wait for the thread that keeps the times.
const MAX_MESSAGES: usize = 1_024;
/// Longest that a new policy waits for the first values.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Pauses between attempts while a value cannot be had.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Longest sleep.
const IDLE: Duration = Duration::from_secs(60);

/// The fetching of a daemon.
#[derive(Debug, Default)]
pub(crate) struct Selectors {
    inbox: Mutex<Option<SyncSender<Message>>>,
    status: Arc<Mutex<BTreeMap<Fetched, State>>>,
}

/// How one value stands.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// When the value was fetched, when there is one that is good.
    pub fetched_at: Option<Instant>,
    /// Why the last attempt gave none.
    pub error: Option<String>,
}

#[derive(Debug)]
enum Message {
    /// These are wanted; without `only`, beside those that were.
    Want { wanted: BTreeSet<Fetched>, only: bool, told: SyncSender<()> },
    /// What an attempt gave.
    Came { fetched: Fetched, reading: Result<Reading, (Reading, String)> },
}

/// What is known of one value.
#[derive(Debug)]
struct Kept {
    reading: Reading,
    /// What there is when the value is too old.
    missed: Reading,
    fetched_at: Option<Instant>,
    error: Option<String>,
    failures: u32,
    /// When to fetch again; nothing while it is under way.
    due: Option<Instant>,
}

impl Selectors {
    /// Fetches what a policy reads that is about to be in force, beside what the one in force reads, and waits a
    /// little for what is new.
    pub(crate) fn prepare(&self, program: &Program, gate: &Arc<Gate>) -> io::Result<()> {
        self.want(program, gate, false)
    }

    /// Fetches only what the policy reads that is in force.
    pub(crate) fn settle(&self, program: &Program, gate: &Arc<Gate>) -> io::Result<()> {
        self.want(program, gate, true)
    }

    /// How each value stands.
    pub(crate) fn status(&self, selector: &Fetched) -> Option<State> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).get(selector).cloned()
    }

    fn want(&self, program: &Program, gate: &Arc<Gate>, only: bool) -> io::Result<()> {
        let wanted: BTreeSet<Fetched> =
            program.agents().iter().flat_map(|agent| &agent.selectors).map(Fetched::by).collect();
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.is_none() && wanted.is_empty() {
            return Ok(());
        }
        let sender = match inbox.as_ref() {
            Some(sender) => sender.clone(),
            None => inbox.insert(start(gate, Arc::clone(&self.status))?).clone(),
        };
        drop(inbox);
        let (told, first) = sync_channel(1);
        if sender.send(Message::Want { wanted, only, told }).is_ok() && !only {
            // What does not come by then is not there yet, and each call says what that means for it.
            let _ = first.recv_timeout(FIRST_WAIT);
        }
        Ok(())
    }
}

/// Starts the threads; they end when the gate is gone.
fn start(gate: &Arc<Gate>, status: Arc<Mutex<BTreeMap<Fetched, State>>>) -> io::Result<SyncSender<Message>> {
    let (sender, inbox) = sync_channel(MAX_MESSAGES);
    // As many wait as there can be selectors in a policy, so the thread that keeps the times never does.
    let (jobs, queue) = sync_channel::<Fetched>(MAX_MESSAGES);
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..FETCHERS {
        let (queue, came) = (Arc::clone(&queue), sender.clone());
        thread::Builder::new().name("selector".to_owned()).spawn(move || fetch_all(&queue, &came))?;
    }
    let keeper =
        Keeper { gate: Arc::downgrade(gate), kept: BTreeMap::new(), waiting: Vec::new(), jobs, status };
    thread::Builder::new().name("selectors".to_owned()).spawn(move || keeper.run(&inbox))?;
    Ok(sender)
}

/// Keeps the times and the values.
struct Keeper {
    gate: Weak<Gate>,
    kept: BTreeMap<Fetched, Kept>,
    /// Policies that wait for their first values.
    waiting: Vec<(BTreeSet<Fetched>, SyncSender<()>)>,
    jobs: SyncSender<Fetched>,
    status: Arc<Mutex<BTreeMap<Fetched, State>>>,
}

impl Keeper {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let wait =
                self.next().map_or(IDLE, |next| next.saturating_duration_since(Instant::now())).min(IDLE);
            match inbox.recv_timeout(wait) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.expire();
            self.ask();
            if !self.publish() {
                return;
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        let ends = |(fetched, kept): (&Fetched, &Kept)| Some(kept.fetched_at? + good_for(fetched));
        self.kept.values().filter_map(|kept| kept.due).chain(self.kept.iter().filter_map(ends)).min()
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Want { wanted, only, told } => {
                if only {
                    self.kept.retain(|fetched, _| wanted.contains(fetched));
                }
                for fetched in &wanted {
                    self.kept.entry(fetched.clone()).or_insert_with(|| Kept {
                        reading: Reading::Unavailable,
                        missed: Reading::Unavailable,
                        fetched_at: None,
                        error: None,
                        failures: 0,
                        due: Some(Instant::now()),
                    });
                }
                self.waiting.push((wanted, told));
            }
            Message::Came { fetched, reading } => {
                // Nobody wants it any more when it is not among those that are kept.
                let Some(kept) = self.kept.get_mut(&fetched) else { return };
                let now = Instant::now();
                match reading {
                    Ok(reading) => {
                        let again = good_for(&fetched) / 2;
                        *kept = Kept {
                            reading,
                            missed: Reading::Unavailable,
                            fetched_at: Some(now),
                            error: None,
                            failures: 0,
                            due: Some(now + again),
                        };
                    }
                    Err((reading, why)) => {
                        kept.failures = kept.failures.saturating_add(1);
                        kept.error = Some(why);
                        kept.due = Some(now + pause(kept.failures));
                        // The value that is there stays as long as it is good.
                        if kept.fetched_at.is_none() {
                            kept.reading = reading.clone();
                        }
                        kept.missed = reading;
                    }
                }
            }
        }
        let kept = &self.kept;
        let tried = |fetched: &Fetched| {
            kept.get(fetched).is_none_or(|kept| kept.fetched_at.is_some() || kept.failures > 0)
        };
        self.waiting.retain(|(wanted, told)| {
            let all = wanted.iter().all(tried);
            if all {
                // Whoever waited may have gone.
                let _ = told.try_send(());
            }
            !all
        });
        // A policy that waited in vain is in force since; it is told no more.
        let surplus = self.waiting.len().saturating_sub(MAX_MESSAGES);
        self.waiting.drain(..surplus);
    }

    /// What is too old is there no more.
    fn expire(&mut self) {
        let now = Instant::now();
        for (fetched, kept) in &mut self.kept {
            if kept.fetched_at.is_some_and(|at| now >= at + good_for(fetched)) {
                kept.fetched_at = None;
                kept.reading = kept.missed.clone();
            }
        }
    }

    fn ask(&mut self) {
        let now = Instant::now();
        for (fetched, kept) in &mut self.kept {
            if kept.due.is_some_and(|due| due <= now) && self.jobs.try_send(fetched.clone()).is_ok() {
                kept.due = None;
            }
        }
    }

    /// Hands over how things stand; whether there is still somebody to hand it to.
    fn publish(&self) -> bool {
        let Some(gate) = self.gate.upgrade() else { return false };
        let readings = self.kept.iter().map(|(fetched, kept)| (fetched.clone(), kept.reading.clone()));
        gate.select(Arc::new(readings.collect::<Selected>()));
        let states = self.kept.iter().map(|(fetched, kept)| {
            (fetched.clone(), State { fetched_at: kept.fetched_at, error: kept.error.clone() })
        });
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = states.collect();
        true
    }
}

fn good_for(fetched: &Fetched) -> Duration {
    Duration::from_millis(fetched.cache_ms)
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(MAX_PAUSE)
}

fn fetch_all(queue: &Mutex<Receiver<Fetched>>, came: &SyncSender<Message>) {
    // A connection for each source that this thread was asked for, as long as the policy reads few of them.
    let mut fetchers: BTreeMap<Fetched, Fetcher> = BTreeMap::new();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(fetched) = job else { return };
        if fetchers.len() > MAX_MESSAGES {
            fetchers.clear();
        }
        let reading = fetch(&fetched, &mut fetchers);
        if came.send(Message::Came { fetched, reading }).is_err() {
            return;
        }
    }
}

fn fetch(fetched: &Fetched, fetchers: &mut BTreeMap<Fetched, Fetcher>) -> Result<Reading, (Reading, String)> {
    let failed = |why: String| (Reading::Unavailable, why);
    if !fetchers.contains_key(fetched) {
        let address = address(&fetched.source).map_err(failed)?;
        let timeout = Duration::from_millis(fetched.timeout_ms);
        let fetcher = Fetcher::new(&address, timeout).map_err(|error| failed(error.to_string()))?;
        fetchers.insert(fetched.clone(), fetcher);
    }
    let Some(fetcher) = fetchers.get(fetched) else { return Err(failed("no client".to_owned())) };
    let bytes = fetcher.get(MAX_VALUE_BYTES).map_err(|error| match error {
        FetchError::Late(why) => (Reading::Late, why),
        FetchError::Failed(why) => failed(why),
    })?;
    let value = json::parse(&bytes).map_err(|error| failed(format!("the answer is no JSON: {error}")))?;
    Ok(Reading::Value { value, at: now() })
}

fn address(source: &TextSource) -> Result<Address, String> {
    let text = match source {
        TextSource::Literal(text) => text.clone(),
        TextSource::Environment { name, default } => {
            let set = std::env::var(name).ok().filter(|text| !text.is_empty());
            set.or_else(|| default.clone()).ok_or_else(|| {
                format!("its address is in the environment variable {name}, which is not set")
            })?
        }
    };
    Address::parse(&text).map_err(|error| error.to_string())
}
