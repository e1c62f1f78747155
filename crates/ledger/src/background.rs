//! Work that nobody waits for, such as the index: it takes the time that decisions leave.

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
pub(crate) fn yield_to_decisions() -> Yielding {
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
