//! Work that nobody waits for, such as the index: it takes the time that decisions leave.

/// Gives this thread the time that nobody else wants. Where that is not to be had, it only competes.
pub(crate) fn yield_to_decisions() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        use thread_priority::{set_thread_priority_and_policy, thread_native_id};

        // With the lowest priority of the usual policy, a decision that becomes ready while this thread runs
        // may have to wait for the end of its slice. The idle policy makes way at once.
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_thread_makes_way() {
        let policy = std::thread::spawn(|| {
            super::yield_to_decisions();
            std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default()
        });
        let stat = policy.join().unwrap_or_default();
        // After the name in brackets, the policy is the 39th field: 5 is SCHED_IDLE.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        assert_eq!(fields.split_whitespace().nth(38), Some("5"), "{stat}");
    }
}
