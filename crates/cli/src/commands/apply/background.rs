//! The daemon in the background: started as a process of its own, waited for until it is READY, and
//! stopped through its operators' socket.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use faramesh_call::{Object, Value};
use faramesh_daemon::Layout;

use crate::client::{self, Client};
use crate::context::Context;
use crate::failure::Failure;
use crate::views::json::{number, text};

/// Longest wait for READY: a daemon verifies its whole ledger first.
const READY_WAIT: Duration = Duration::from_secs(300);
/// Longest wait for a daemon to drain and end.
const STOP_WAIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of the log that are shown when the daemon does not come up.
const LOG_LINES: usize = 12;
/// A log that is larger is begun anew.
const MAX_LOG_BYTES: u64 = 1 << 20;
/// Bytes of the log's end that are read.
const LOG_TAIL_BYTES: u64 = 16 << 10;

/// Starts the daemon of the compiled policy; its status when it is READY.
///
/// # Errors
/// It does not come up; the error shows what it said.
pub fn start(layout: &Layout, source: &str, context: &Context) -> Result<Value, Failure> {
    let path = layout.log();
    let log_failed = |error: std::io::Error| Failure::file("write to", &path, &error);
    let anew = fs::metadata(&path).is_ok_and(|log| log.len() > MAX_LOG_BYTES);
    let log = fs::OpenOptions::new()
        .create(true)
        .append(!anew)
        .write(true)
        .truncate(anew)
        .mode(0o600)
        .open(&path)
        .map_err(log_failed)?;
    let own = std::env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find this program: {error}")))?;
    let errors = log.try_clone().map_err(log_failed)?;
    let mut child = Command::new(own)
        // Memory that loading a policy needed goes back at once: of 100,000 rules it is a third.
        .env("MIMALLOC_PURGE_DELAY", std::env::var_os("MIMALLOC_PURGE_DELAY").unwrap_or_else(|| "0".into()))
        .args(["daemon", "--detach", "--no-color", "--source", source, "--dir"])
        .arg(layout.directory())
        .current_dir(layout.directory())
        .stdin(Stdio::null())
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(errors))
        .spawn()
        .map_err(|error| Failure::new(format!("cannot start the daemon: {error}")))?;
    wait_until_ready(&mut child, layout, context)
}

fn wait_until_ready(child: &mut Child, layout: &Layout, context: &Context) -> Result<Value, Failure> {
    let deadline = Instant::now() + READY_WAIT;
    let mut told = false;
    let began = Instant::now();
    while Instant::now() < deadline {
        if let Ok(Some(_)) = child.try_wait() {
            return Err(not_up("the daemon ended before it was READY", layout, context));
        }
        if let Some((_, status)) = client::of_stack(context)?
            && number(&status, &["daemon", "pid"]) == u64::from(child.id())
            && matches!(text(&status, &["daemon", "state"]), "READY" | "DEGRADED")
        {
            return Ok(status);
        }
        if !told && began.elapsed() > Duration::from_secs(2) {
            told = true;
            context.console.note("the daemon verifies its ledger …");
        }
        sleep(LOOK_EVERY);
    }
    Err(not_up("the daemon is not READY after five minutes", layout, context)
        .hint(format!("{} shows where it stands; it goes on by itself", context.command("status"))))
}

fn not_up(what: &str, layout: &Layout, context: &Context) -> Failure {
    let said = last_lines(layout);
    if !said.is_empty() {
        context.console.note(&format!("the end of {}:\n  {}\n", layout.log().display(), said.join("\n  ")));
    }
    Failure::new(what).hint(format!("all that it said is in {}", layout.log().display()))
}

fn last_lines(layout: &Layout) -> Vec<String> {
    let Ok(mut file) = fs::File::open(layout.log()) else { return Vec::new() };
    let length = file.metadata().map_or(0, |log| log.len());
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))
        .and_then(|_| file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(LOG_LINES)).map(|line| (*line).to_owned()).collect()
}

/// Stops a daemon and waits until it has ended.
///
/// # Errors
/// It does not answer, or does not end in time.
pub fn stop(mut client: Client, status: &Value) -> Result<(), Failure> {
    client.request("shutdown", Object::new())?;
    let pid = i32::try_from(number(status, &["daemon", "pid"])).ok().and_then(rustix::process::Pid::from_raw);
    let socket = client.socket.clone();
    drop(client);
    let deadline = Instant::now() + STOP_WAIT;
    while Instant::now() < deadline {
        let lives = match pid {
            Some(pid) => rustix::process::test_kill_process(pid).is_ok() && !is_zombie(pid),
            None => Client::connect(&socket)?.is_some(),
        };
        if !lives {
            return Ok(());
        }
        sleep(LOOK_EVERY);
    }
    Err(Failure::new("the daemon has not ended after 30 seconds")
        .hint("`faramesh status` shows whether it still drains"))
}

/// A process that has ended and that its parent has not asked about.
fn is_zombie(pid: rustix::process::Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}
