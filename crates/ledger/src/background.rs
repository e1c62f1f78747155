//! Work that nobody waits for, such as the index: it takes the time that decisions leave, and ends when it is told to.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::commit::locked;

#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadId, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// A thread that makes way, for whoever comes to wait for it after all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Yielding {
    #[cfg(target_os = "linux")]
    thread: ThreadId,
}

/// Gives this thread the time that nobody else wants. Where that is not to be had, it only competes.
fn yield_to_decisions() -> Yielding {
    #[cfg(target_os = "linux")]
    {
        let yielding = Yielding { thread: thread_native_id() };
        yielding.make_way();
        yielding
    }
    #[cfg(not(target_os = "linux"))]
    Yielding {}
}

impl Yielding {
    /// Has the thread make way. It must not have been joined.
    pub(crate) fn make_way(self) {
        // With the lowest priority of the usual policy, a decision that becomes ready while this thread runs
        // may have to wait for the end of its slice. The idle policy makes way at once.
        #[cfg(target_os = "linux")]
        self.follow(NormalThreadSchedulePolicy::Idle);
    }

    /// Has the thread compete like others, because somebody waits for it: on a busy machine, what nobody else wants may
    /// be nothing. It must not have been joined.
    pub(crate) fn compete(self) {
        #[cfg(target_os = "linux")]
        self.follow(NormalThreadSchedulePolicy::Other);
    }

    #[cfg(target_os = "linux")]
    fn follow(self, policy: NormalThreadSchedulePolicy) {
        let policy = ThreadSchedulePolicy::Normal(policy);
        let _ = set_thread_priority_and_policy(self.thread, ThreadPriority::Min, policy);
    }
}

/// The end of a thread, as it and those who end it see it.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    told: Mutex<bool>,
    changed: Condvar,
    /// The thread, while it makes way.
    yielding: Mutex<Option<Yielding>>,
}

impl Ending {
    /// Has this thread make way until somebody waits for its end.
    pub(crate) fn make_way(&self) {
        let mut known = locked(&self.yielding);
        // Whoever told it to end waits for it already.
        if !self.is_told() {
            *known = Some(yield_to_decisions());
        }
    }

    /// Has the thread compete while somebody waits for it, or make way again. Nothing once it was told to end: a thread
    /// that was joined is no more.
    pub(crate) fn hurry(&self, hurry: bool) {
        // Held, so that the thread is not joined meanwhile.
        let yielding = locked(&self.yielding);
        match *yielding {
            Some(yielding) if hurry => yielding.compete(),
            Some(yielding) => yielding.make_way(),
            None => {}
        }
    }

    /// Tells the thread to end. Whoever joins it does so after this.
    pub(crate) fn tell(&self) {
        *locked(&self.told) = true;
        if let Some(yielding) = locked(&self.yielding).take() {
            yielding.compete();
        }
        self.changed.notify_all();
    }

    /// Whether the thread is to end.
    pub(crate) fn is_told(&self) -> bool {
        *locked(&self.told)
    }

    /// Waits; true when the thread is to end.
    pub(crate) fn pause(&self, duration: Duration) -> bool {
        self.pause_unless(duration, || false)
    }

    /// Waits, but no longer than until `so` is; whoever makes it so calls [`Ending::look`].
    pub(crate) fn pause_unless(&self, duration: Duration, so: impl Fn() -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(locked(&self.told), duration, |told| !*told && !so());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Has the thread look again.
    pub(crate) fn look(&self) {
        self.changed.notify_all();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_thread_makes_way_and_competes_again() {
        let policy = std::thread::spawn(|| {
            let stat = || std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
            let yielding = super::yield_to_decisions();
            let made_way = stat();
            yielding.compete();
            [made_way, stat()]
        });
        let stats = policy.join().unwrap_or_default();
        for (stat, expected) in stats.iter().zip(["5", "0"]) {
            // After the name in brackets, the policy is the 39th field: 5 is SCHED_IDLE.
            let fields = stat.rsplit(')').next().unwrap_or_default();
            assert_eq!(fields.split_whitespace().nth(38), Some(expected), "{stat}");
        }
    }
}
