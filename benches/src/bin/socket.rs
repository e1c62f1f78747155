//! Decisions over the socket: one client against a bare sync, many clients against one, the ledger
//! in memory against a bare echo, the start of a daemon, and its memory.

use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use faramesh_benches::wire::{Calls, Client, closed_loop};
use faramesh_benches::{Outcome, Samples, figure, policy, print_machine};
use faramesh_daemon::{Daemon, LedgerKind, Options, StopHandle, StopReason};

const ROUNDS: u32 = 20;
const PER_ROUND: u32 = 200;
const LOAD_TIME: Duration = Duration::from_secs(3);

fn main() -> Outcome {
    print_machine();
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into()))?;
    durable(&folder.path().join("durable"))?;
    on_one_core(|| memory(&folder.path().join("memory"), ""))?;
    memory(&folder.path().join("memory-2"), "_two_cores")?;
    cold_start(&folder.path().join("cold"))
}

struct Running {
    socket: std::path::PathBuf,
    handle: StopHandle,
    thread: JoinHandle<()>,
    started_in: Duration,
}

fn start(folder: &Path, ledger: LedgerKind) -> Outcome<Running> {
    std::fs::create_dir_all(folder)?;
    let source = policy::TWENTY_RULES.replacen("agent", "runtime { socket = \"a.sock\" }\nagent", 1);
    let options = Options {
        directory: folder.to_owned(),
        program: policy::compile(&source)?,
        policy_source: "governance.fms".to_owned(),
        started_by: "bench".to_owned(),
        dev: true,
        ledger,
        home: folder.to_owned(),
    };
    let begin = Instant::now();
    let daemon = Daemon::start(options)?;
    let started_in = begin.elapsed();
    let (socket, handle) = (daemon.socket().to_owned(), daemon.stop_handle());
    let thread = std::thread::spawn(move || drop(daemon.wait()));
    Ok(Running { socket, handle, thread, started_in })
}

impl Running {
    fn stop(self) -> Outcome {
        self.handle.stop(StopReason::Operator);
        self.thread.join().map_err(|_| "the daemon panicked".into())
    }
}

/// A permit waits for one sync; rounds alternate so that both see the same disk.
fn durable(folder: &Path) -> Outcome {
    let running = start(folder, LedgerKind::Disk)?;
    let mut client = Client::connect(&running.socket)?;
    // A new ledger prepares its next segments in the background, once; that is not a permit's cost.
    std::thread::sleep(Duration::from_secs(3));
    let bare = std::fs::File::create(folder.join("bare"))?;
    bare.write_all_at(&vec![0; 8 << 20], 0)?;
    bare.sync_all()?;
    let mut calls = Calls::default();
    let (mut syncs, mut permits) = (Samples::default(), Samples::default());
    let mut offset = 0;
    for _ in 0..ROUNDS {
        syncs.extend(Samples::of(PER_ROUND, || {
            let written = bare.write_all_at(&[b'x'; 512], offset);
            offset += 512;
            drop(written.and_then(|()| rustix::fs::fdatasync(&bare).map_err(Into::into)));
        }));
        let mut failed = None;
        permits.extend(Samples::of(PER_ROUND, || failed = check(client.ask(calls.next_line())).err()));
        if let Some(error) = failed {
            return Err(error);
        }
    }
    let ratio = |percent| permits.percentile_us(percent) / syncs.percentile_us(percent);
    figure("bare_fdatasync_p50", syncs.median_us(), "us", "");
    figure("bare_fdatasync_p99", syncs.percentile_us(99), "us", "");
    figure("durable_permit_p50", permits.median_us(), "us", "");
    figure("durable_permit_p99", permits.percentile_us(99), "us", "");
    figure("durable_permit_p50_over_fdatasync", ratio(50), "x", "at most 1.3");
    figure("durable_permit_p99_over_fdatasync", ratio(99), "x", "at most 2");
    let one = closed_loop(&running.socket, 1, LOAD_TIME)?;
    figure("durable_decisions_1_client", one, "per_second", "");
    for (clients, target) in [(64, "at least 14"), (256, "at least 25")] {
        let rate = closed_loop(&running.socket, clients, LOAD_TIME)?;
        figure(&format!("durable_decisions_{clients}_clients"), rate, "per_second", "");
        figure(&format!("durable_decisions_{clients}_over_1"), rate / one, "x", target);
    }
    running.stop()
}

fn check(reply: Outcome<&[u8]>) -> Outcome {
    let reply = reply?;
    let permitted = reply.windows(8).any(|window| window == b"\"PERMIT\"");
    if permitted { Ok(()) } else { Err(String::from_utf8_lossy(reply).into()) }
}

/// Runs with all threads on one core. Waking a core that has nothing else to do takes a virtual
/// machine tens of microseconds, which would be measured instead of the daemon.
fn on_one_core(work: impl FnOnce() -> Outcome) -> Outcome {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let all = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    let core = (0..CpuSet::MAX_CPU).rev().find(|core| all.is_set(*core)).ok_or("no core to run on")?;
    one.set(core);
    sched_setaffinity(None, &one)?;
    let outcome = work();
    sched_setaffinity(None, &all)?;
    outcome
}

/// Without a disk, what is left is the socket: a bare echo of the same size is the floor.
fn memory(folder: &Path, name: &str) -> Outcome {
    let running = start(folder, LedgerKind::Memory)?;
    let mut client = Client::connect(&running.socket)?;
    let mut calls = Calls::default();
    let reply_bytes = client.ask(calls.next_line())?.len();
    let echo_socket = folder.join("echo.sock");
    let listener = UnixListener::bind(&echo_socket)?;
    let echo = std::thread::spawn(move || echo(&listener, reply_bytes));
    let mut bare = Client::connect(&echo_socket)?;
    let (mut echoes, mut decisions) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        for (client, samples) in [(&mut bare, &mut echoes), (&mut client, &mut decisions)] {
            let mut failed = None;
            samples.extend(Samples::of(PER_ROUND * 5, || {
                failed = client.ask(calls.next_line()).map(drop).err();
            }));
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }
    drop(bare);
    let ratio = decisions.median_us() / echoes.median_us();
    figure(&format!("bare_echo{name}_p50"), echoes.median_us(), "us", "");
    figure(&format!("memory_decision{name}_p50"), decisions.median_us(), "us", "at most 25, or 2 echoes");
    figure(&format!("memory_decision{name}_over_echo"), ratio, "x", "at most 2, or 25 us");
    drop(client);
    echo.join().map_err(|_| "the echo panicked")?;
    running.stop()
}

fn echo(listener: &UnixListener, reply_bytes: usize) {
    let Ok((mut stream, _)) = listener.accept() else { return };
    let mut reply = vec![b'x'; reply_bytes];
    if let Some(last) = reply.last_mut() {
        *last = b'\n';
    }
    let mut request = [0; 4_096];
    while stream.read(&mut request).is_ok_and(|count| count > 0) {
        if send(&mut stream, &reply).is_err() {
            return;
        }
    }
}

fn send(stream: &mut UnixStream, reply: &[u8]) -> std::io::Result<()> {
    stream.write_all(reply)
}

fn cold_start(folder: &Path) -> Outcome {
    let mut starts = Samples::default();
    for round in 0..10 {
        let running = start(&folder.join(round.to_string()), LedgerKind::Disk)?;
        starts.push(running.started_in);
        running.stop()?;
    }
    figure("cold_start_empty_p50", starts.median_us() / 1e3, "ms", "at most 100");
    Ok(())
}
