//! Work that nobody waits for, such as the index: it takes the time that decisions leave.

/// Gives this thread the lowest priority. Where that is not to be had, the thread only competes.
pub(crate) fn yield_to_decisions() {
    // Linux keeps a priority for each thread; elsewhere this would slow the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, LOWEST);
}

#[cfg(target_os = "linux")]
const LOWEST: i32 = 19;
