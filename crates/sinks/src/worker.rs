//! One sink at work: read a batch behind the cursor, deliver it until that goes well, keep the cursor,
//! go on. It runs on a thread of its own, sees a new configuration between two tries, and keeps the
//! batch in hand and the cursor when one comes.
//!
//! INVARIANT bounded: one batch is held. INVARIANT never skip: whatever fails is tried again, and a
//! cursor that cannot be used begins at the ledger's first record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faramesh_call::Timestamp;
use faramesh_ledger::{Cursor, Feed, Ledger};

use crate::config::{Config, MAX_BATCH_RECORDS};
use crate::cursor::{Cursors, Kept};
use crate::pace::Pace;
use crate::sink::{Batch, Failure, Retry, Sink};
use crate::status::{State, Status};

/// What a worker and those who steer it share.
#[derive(Debug)]
pub(crate) struct Shared {
    orders: Mutex<Orders>,
    changed: Condvar,
    status: Mutex<Status>,
}

#[derive(Debug, Default)]
struct Orders {
    /// What to be; nothing ends the worker.
    config: Option<Arc<Config>>,
    /// Counts the configurations.
    generation: u64,
    /// Until when to deliver what is left, and then end.
    ends_at: Option<Instant>,
    /// The thread has ended.
    ended: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(config: Config) -> Self {
        let status = Status {
            name: config.name.clone(),
            kind: config.destination.kind(),
            destination: config.destination.shown(),
            state: State::Healthy,
            delivered_seq: 0,
            lag: 0,
            delivered: 0,
            last_delivery: None,
            last_error: None,
            failures: 0,
            note: None,
        };
        let orders = Orders { config: Some(Arc::new(config)), ..Orders::default() };
        Self { orders: Mutex::new(orders), changed: Condvar::new(), status: Mutex::new(status) }
    }

    pub(crate) fn name(&self) -> String {
        locked(&self.status).name.clone()
    }

    /// Gives the worker another configuration, or none, which ends it; false when it has ended already.
    pub(crate) fn configure(&self, config: Option<Config>) -> bool {
        let mut orders = locked(&self.orders);
        if orders.ended {
            return false;
        }
        if let Some(config) = &config {
            let mut status = locked(&self.status);
            status.kind = config.destination.kind();
            status.destination = config.destination.shown();
        }
        orders.config = config.map(Arc::new);
        orders.generation += 1;
        self.changed.notify_all();
        true
    }

    /// Whether it is to be, and to be shown.
    pub(crate) fn is_wanted(&self) -> bool {
        locked(&self.orders).config.is_some()
    }

    /// Has the worker deliver what is left and end, by a time.
    pub(crate) fn end(&self, by: Instant) {
        locked(&self.orders).ends_at = Some(by);
        self.changed.notify_all();
    }

    /// Waits for the thread's end; false when it has not ended by then.
    pub(crate) fn has_ended(&self, by: Instant) -> bool {
        let mut orders = locked(&self.orders);
        while !orders.ended {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            orders = self.changed.wait_timeout(orders, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn status(&self) -> Status {
        locked(&self.status).clone()
    }

    /// Says that no thread could be had.
    pub(crate) fn failed_to_start(&self, why: &str) {
        locked(&self.orders).ended = true;
        self.failed(&Failure::lasting(format!("no thread for the sink: {why}")), 1);
    }

    fn failed(&self, failure: &Failure, failures: u32) {
        let mut status = locked(&self.status);
        status.state = if failure.retry == Retry::Slowly { State::Down } else { State::Degraded };
        status.last_error = Some((failure.message.clone(), now()));
        status.failures = failures;
    }

    fn note(&self, note: String) {
        locked(&self.status).note = Some(note);
    }

    /// Waits until something is ordered, at most so long. A worker that is to end does not wait.
    fn wait(&self, generation: u64, time: Duration) {
        let orders = locked(&self.orders);
        let same = |orders: &mut Orders| orders.generation == generation && orders.ends_at.is_none();
        drop(self.changed.wait_timeout_while(orders, time, same));
    }
}

fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The thread's own side.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    /// Held only while it is read, so that a hanging delivery does not keep a ledger open.
    ledger: Weak<Ledger>,
    cursors: Cursors,
    pace: Pace,
    name: String,
    feed: Option<Feed>,
    held: Option<(Batch, Cursor)>,
    /// Delivered, and not kept yet.
    unkept: Option<Cursor>,
    /// When records were first seen that are not read yet.
    waiting_since: Option<Instant>,
    /// Most records of the next batch, when a receiver wants fewer.
    most: usize,
    failures: u32,
}

/// What came of one step.
enum Step {
    /// Something was done: go on.
    Done,
    /// There is nothing to do.
    Idle,
    /// The ledger is gone.
    Gone,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, ledger: Weak<Ledger>, cursors: Cursors, pace: Pace) -> Self {
        let name = shared.name();
        Self {
            shared,
            ledger,
            cursors,
            pace,
            name,
            feed: None,
            held: None,
            unkept: None,
            waiting_since: None,
            most: MAX_BATCH_RECORDS,
            failures: 0,
        }
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        // A panic in a sink must not leave those who wait for its end waiting.
        let _ = catch_unwind(AssertUnwindSafe(|| self.work()));
        locked(&shared.orders).ended = true;
        shared.changed.notify_all();
    }

    fn work(&mut self) {
        let mut sink: Option<Box<dyn Sink>> = None;
        let mut seen = 0;
        loop {
            let (config, generation, ends_at) = {
                let mut orders = locked(&self.shared.orders);
                let Some(config) = orders.config.clone() else {
                    // Under the lock, so that nobody orders anything of a worker that ends.
                    orders.ended = true;
                    return;
                };
                (config, orders.generation, orders.ends_at)
            };
            if generation != seen {
                (sink, seen, self.failures, self.most) = (None, generation, 0, MAX_BATCH_RECORDS);
            }
            if ends_at.is_some_and(|by| by <= Instant::now()) {
                return;
            }
            match self.step(&config, &mut sink, ends_at.is_some()) {
                Ok(Step::Done) => {}
                Ok(Step::Gone) => return,
                Ok(Step::Idle) if ends_at.is_some() => return,
                Ok(Step::Idle) => self.shared.wait(generation, self.pace.look),
                Err(failure) => {
                    let retry = failure.retry;
                    self.failures = self.failures.saturating_add(1);
                    self.shared.failed(&failure, self.failures);
                    if ends_at.is_some() {
                        return;
                    }
                    self.shared.wait(generation, self.pace.wait(self.failures, retry));
                }
            }
        }
    }

    fn step(
        &mut self,
        config: &Config,
        sink: &mut Option<Box<dyn Sink>>,
        is_last: bool,
    ) -> Result<Step, Failure> {
        self.keep_cursor()?;
        // Opened before there is anything to deliver, so that a mistake shows at once.
        if sink.is_none() {
            *sink = Some(config.destination.open()?);
        }
        if self.held.is_none() {
            match self.read(config, is_last)? {
                Step::Done => {}
                other => {
                    self.recovered();
                    return Ok(other);
                }
            }
        }
        if let (Some((batch, cursor)), Some(open)) = (self.held.take(), sink.as_mut()) {
            let result = catch_unwind(AssertUnwindSafe(|| open.deliver(&batch)));
            let result = result.unwrap_or_else(|_| Err(Failure::passing("the sink failed inside")));
            if let Err(failure) = result {
                *sink = None;
                self.give_back(failure.retry, batch, cursor);
                return Err(failure);
            }
            self.delivered(&batch, cursor);
            self.keep_cursor()?;
            self.recovered();
        }
        Ok(Step::Done)
    }

    /// Takes the next batch in hand, when there is one and it is full or old enough.
    fn read(&mut self, config: &Config, is_last: bool) -> Result<Step, Failure> {
        let Some(ledger) = self.ledger.upgrade() else { return Ok(Step::Gone) };
        let unreadable = |error| Failure::passing(format!("the ledger cannot be read: {error}"));
        let mut feed = match self.feed.take() {
            Some(feed) => feed,
            None => self.begin(&ledger)?,
        };
        let after = feed.cursor().seq;
        let lag = ledger.last_seq().saturating_sub(after);
        let most = config.limits.records.min(self.most).max(1);
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let is_full = usize::try_from(lag).unwrap_or(usize::MAX) >= most;
        if lag == 0 || !is_full && !is_last && since.elapsed() < config.limits.wait {
            if lag == 0 {
                self.waiting_since = None;
            }
            self.feed = Some(feed);
            return Ok(Step::Idle);
        }
        // A feed that failed is opened anew at the kept cursor.
        let fed = feed.read(&ledger, most, config.limits.bytes).map_err(unreadable)?;
        self.feed = Some(feed);
        let (Some(first), Some(last)) = (fed.first(), fed.last()) else { return Ok(Step::Idle) };
        let (first_seq, cursor) = (first.cursor.seq, last.cursor);
        if first_seq > after + 1 {
            let gone = first_seq - after - 1;
            self.shared.note(format!("the ledger in memory dropped {gone} records before they were sent"));
        }
        let records: Vec<_> = fed.into_iter().map(|fed| fed.record).collect();
        if records.len() >= most || u64::try_from(records.len()).unwrap_or(u64::MAX) == lag {
            self.waiting_since = None;
        }
        self.held = Some((Batch { records, first_seq, last_seq: cursor.seq }, cursor));
        Ok(Step::Done)
    }

    /// A feed behind the kept cursor, or from the first record when there is no cursor that fits.
    fn begin(&self, ledger: &Ledger) -> Result<Feed, Failure> {
        let unreadable =
            |error: &dyn std::fmt::Display| Failure::passing(format!("the sink cannot begin: {error}"));
        let kept = self.cursors.load(&self.name).map_err(|error| unreadable(&error))?;
        let cursor = match kept {
            Kept::Cursor(cursor) => cursor,
            Kept::Nothing => Cursor::START,
            Kept::Damaged => {
                let note = "its cursor was damaged: every record of the ledger is sent again";
                self.shared.note(note.to_owned());
                Cursor::START
            }
        };
        if let Some(feed) = Feed::behind(ledger, cursor).map_err(|error| unreadable(&error))? {
            locked(&self.shared.status).delivered_seq = cursor.seq;
            return Ok(feed);
        }
        let note = "its cursor belongs to another ledger: every record of this one is sent";
        self.shared.note(note.to_owned());
        let feed = Feed::behind(ledger, Cursor::START).map_err(|error| unreadable(&error))?;
        feed.ok_or_else(|| Failure::passing("the ledger has no beginning"))
    }

    /// Keeps a batch that did not arrive, or lets it be read anew in smaller parts.
    fn give_back(&mut self, retry: Retry, batch: Batch, cursor: Cursor) {
        if retry == Retry::Smaller && batch.records.len() > 1 {
            self.most = batch.records.len() / 2;
            self.feed = None;
        } else {
            self.held = Some((batch, cursor));
        }
    }

    fn delivered(&mut self, batch: &Batch, cursor: Cursor) {
        self.unkept = Some(cursor);
        self.most = self.most.saturating_add(1).min(MAX_BATCH_RECORDS);
        let mut status = locked(&self.shared.status);
        status.delivered_seq = cursor.seq;
        status.delivered += u64::try_from(batch.records.len()).unwrap_or(0);
        status.last_delivery = Some(now());
    }

    fn keep_cursor(&mut self) -> Result<(), Failure> {
        let Some(cursor) = self.unkept else { return Ok(()) };
        let kept = self.cursors.store(&self.name, &cursor);
        kept.map_err(|error| Failure::passing(format!("the sink's cursor cannot be kept: {error}")))?;
        self.unkept = None;
        Ok(())
    }

    fn recovered(&mut self) {
        if self.failures > 0 || locked(&self.shared.status).state != State::Healthy {
            self.failures = 0;
            let mut status = locked(&self.shared.status);
            (status.state, status.failures, status.last_error) = (State::Healthy, 0, None);
        }
    }
}
