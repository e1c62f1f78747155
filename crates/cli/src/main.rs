//! The `faramesh` binary: the library's command line with an allocator of its own.

use std::process::ExitCode;

/// A decision's memory is taken on one thread and given back on another, after the sync; with many
/// clients the C library's allocator spends a quarter of the daemon's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    faramesh_cli::run()
}
