//! Kept records, told to whoever follows: `audit tail`, `faramesh dev`. A follower that is too slow
//! never holds a decision up: it loses records, and is told how many.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Most followers at once; further ones get nothing but [`Event::Closed`].
pub const MAX_FOLLOWERS: usize = 256;

/// What a follower gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The bytes of a kept record.
    Record(Arc<[u8]>),
    /// So many records were dropped here because the follower was slow.
    Lagged(u64),
    /// The ledger is closed.
    Closed,
}

/// Called after something was put into a subscription, from the thread that commits: it must be
/// short and must not call the ledger.
pub type Waker = Box<dyn Fn() + Send + Sync>;

/// One follower of the ledger; dropping it ends it.
pub struct Subscription {
    inner: Arc<Follower>,
}

struct Follower {
    state: Mutex<FollowerState>,
    arrived: Condvar,
    capacity: usize,
    waker: Option<Waker>,
}

#[derive(Default)]
struct FollowerState {
    records: VecDeque<Arc<[u8]>>,
    /// Records dropped in front of those that wait.
    lagged: u64,
    closed: bool,
}

impl FollowerState {
    fn pop(&mut self) -> Option<Event> {
        if self.lagged > 0 {
            return Some(Event::Lagged(std::mem::take(&mut self.lagged)));
        }
        self.records.pop_front().map(Event::Record).or(self.closed.then_some(Event::Closed))
    }
}

impl Subscription {
    /// The next event, if one waits.
    #[must_use]
    pub fn try_next(&self) -> Option<Event> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// The next event, or `None` when none came within `timeout`.
    #[must_use]
    pub fn next_within(&self, timeout: Duration) -> Option<Event> {
        let state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let empty =
            |state: &mut FollowerState| state.records.is_empty() && state.lagged == 0 && !state.closed;
        let waited = self.inner.arrived.wait_timeout_while(state, timeout, empty);
        waited.unwrap_or_else(PoisonError::into_inner).0.pop()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Subscription(..)")
    }
}

/// The followers of one ledger.
#[derive(Default)]
pub(crate) struct Tail {
    followers: Mutex<Vec<Weak<Follower>>>,
    any: AtomicBool,
    closed: AtomicBool,
}

impl Tail {
    pub(crate) fn subscribe(&self, capacity: usize, waker: Option<Waker>) -> Subscription {
        let state = FollowerState { closed: self.closed.load(Ordering::Acquire), ..FollowerState::default() };
        let (arrived, capacity) = (Condvar::new(), capacity.max(1));
        let inner = Arc::new(Follower { state: Mutex::new(state), arrived, capacity, waker });
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| follower.strong_count() > 0);
        if followers.len() < MAX_FOLLOWERS {
            followers.push(Arc::downgrade(&inner));
            self.any.store(true, Ordering::Release);
        } else {
            inner.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        }
        Subscription { inner }
    }

    /// Whether anybody follows; when not, records need not be copied.
    pub(crate) fn is_followed(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    pub(crate) fn publish(&self, records: &[Arc<[u8]>]) {
        self.each(|follower, state| {
            state.records.extend(records.iter().cloned());
            let over = state.records.len().saturating_sub(follower.capacity);
            state.records.drain(..over);
            state.lagged = state.lagged.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
        });
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.each(|_, state| state.closed = true);
    }

    fn each(&self, mut change: impl FnMut(&Follower, &mut FollowerState)) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| {
            let Some(follower) = follower.upgrade() else { return false };
            change(&follower, &mut follower.state.lock().unwrap_or_else(PoisonError::into_inner));
            follower.arrived.notify_all();
            if let Some(waker) = &follower.waker {
                waker();
            }
            true
        });
        self.any.store(!followers.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(byte: u8) -> Arc<[u8]> {
        Arc::from(vec![byte])
    }

    #[test]
    fn a_slow_follower_is_told_what_it_lost() {
        let tail = Tail::default();
        assert!(!tail.is_followed());
        let slow = tail.subscribe(2, None);
        tail.publish(&[record(1)]);
        tail.publish(&[record(2), record(3), record(4)]);
        assert_eq!(slow.try_next(), Some(Event::Lagged(2)));
        assert_eq!(slow.try_next(), Some(Event::Record(record(3))));
        tail.publish(&[record(5)]);
        assert_eq!(slow.try_next(), Some(Event::Record(record(4))));
        assert_eq!(slow.try_next(), Some(Event::Record(record(5))));
        assert_eq!(slow.next_within(Duration::from_millis(1)), None);
        tail.close();
        assert_eq!(slow.next_within(Duration::from_secs(9)), Some(Event::Closed));
        assert_eq!(tail.subscribe(2, None).try_next(), Some(Event::Closed));
        drop(slow);
        tail.publish(&[]);
        assert!(!tail.is_followed());
    }
}
