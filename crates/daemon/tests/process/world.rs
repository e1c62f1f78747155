//! Stacks in temporary folders, daemons as processes, and clients of both sockets.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use faramesh_call::{Value, json};
use faramesh_daemon::{Daemon, Layout, LedgerKind, Options, admin_socket_of};
use faramesh_program::encode;
use faramesh_program::image::Runtime;

/// Longest wait for a reply, a start or an end.
pub const WAIT: Duration = Duration::from_secs(30);

pub const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "support" {
  default deny
  rules {
    permit kb/*
    permit stripe/refund if amount < 500
    defer  stripe/refund reason "large refunds wait"
    deny   stripe/payouts reason "payouts are made by finance"
  }
}
"#;

pub fn compiled(source: &str) -> Vec<u8> {
    let environment = |_: &str| None;
    let options =
        faramesh_check::Options { dev: true, ..faramesh_check::Options::new("governance.fms", &environment) };
    let checked = faramesh_check::check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let (image, sources) = faramesh_compile::compile(&stack).unwrap();
    encode(&image, &sources).unwrap()
}

/// One stack and the home of its user, in one temporary folder.
pub struct Stack {
    pub folder: PathBuf,
    pub home: PathBuf,
    temporary: Option<tempfile::TempDir>,
    dev: bool,
    environment: Vec<(String, String)>,
}

impl Stack {
    pub fn new(source: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let home = temporary.path().join("home");
        let mut stack = Self::beside(&home, temporary.path(), "shop", source);
        stack.temporary = Some(temporary);
        stack
    }

    /// A stack in a folder of its own, of the user with that home.
    pub fn beside(home: &Path, parent: &Path, name: &str, source: &str) -> Self {
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::create_dir_all(home).unwrap();
        std::fs::write(folder.join("program.bin"), compiled(source)).unwrap();
        Self { folder, home: home.to_owned(), temporary: None, dev: false, environment: Vec::new() }
    }

    pub fn dev(mut self) -> Self {
        self.dev = true;
        self
    }

    /// Has its daemons find a variable in their environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn layout(&self) -> Layout {
        Layout::new(&self.folder)
    }

    /// The folder of the ledger, as a policy has it that says nothing about it.
    pub fn ledger(&self) -> PathBuf {
        self.layout().resolve(&Runtime::default().wal_dir)
    }

    /// Starts this test program again as the daemon of the stack.
    pub fn spawn(&self) -> Running {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "world::the_daemon_itself", "--nocapture"])
            .envs(self.environment.iter().cloned())
            .env("TEST_DAEMON_FOLDER", &self.folder)
            .env("TEST_DAEMON_HOME", &self.home)
            .env("TEST_DAEMON_DEV", if self.dev { "yes" } else { "" })
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running { child, folder: self.folder.clone(), socket: PathBuf::new() }
    }

    /// Starts the daemon and waits until it is READY.
    pub fn start(&self) -> Running {
        let _ = std::fs::remove_file(self.folder.join("ready"));
        let mut running = self.spawn();
        let deadline = Instant::now() + WAIT;
        loop {
            if let Ok(socket) = std::fs::read_to_string(self.folder.join("ready")) {
                running.socket = socket.into();
                return running;
            }
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("the daemon ended with {status}: {}", running.errors());
            }
            assert!(Instant::now() < deadline, "the daemon is not READY");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The daemon, when this program was started as one; otherwise nothing.
#[test]
fn the_daemon_itself() {
    let Some(folder) = std::env::var_os("TEST_DAEMON_FOLDER").map(PathBuf::from) else { return };
    let options = Options {
        program: std::fs::read(folder.join("program.bin")).unwrap(),
        directory: folder.clone(),
        policy_source: "governance.fms".to_owned(),
        started_by: "test".to_owned(),
        dev: std::env::var("TEST_DAEMON_DEV").unwrap() == "yes",
        ledger: LedgerKind::Disk,
        home: std::env::var_os("TEST_DAEMON_HOME").unwrap().into(),
    };
    let daemon = Daemon::start(options).unwrap_or_else(|error| panic!("NOT STARTED: {error}"));
    daemon.stop_on_signals().unwrap();
    let ready = folder.join("ready.new");
    std::fs::write(&ready, daemon.socket().to_str().unwrap()).unwrap();
    std::fs::rename(ready, folder.join("ready")).unwrap();
    let stopped = daemon.wait();
    std::fs::write(folder.join("stopped"), format!("{} {}", stopped.reason.as_str(), stopped.abandoned))
        .unwrap();
}

/// A daemon process; killed when dropped.
pub struct Running {
    pub child: Child,
    pub socket: PathBuf,
    folder: PathBuf,
}

impl Running {
    pub fn agent(&self) -> Client {
        Client::connect(&self.socket)
    }

    pub fn operator(&self) -> Client {
        Client::connect(&admin_socket_of(&self.socket))
    }

    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + WAIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Why it stopped, and how many calls it left without a reply.
    pub fn stopped(&self) -> String {
        std::fs::read_to_string(self.folder.join("stopped")).unwrap()
    }

    pub fn errors(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut errors, &mut text).unwrap();
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Client {
    pub stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Client {
    pub fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        stream.set_read_timeout(Some(WAIT)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    /// The next line; nothing when the daemon is gone.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line);
        read.is_ok_and(|count| count > 0 && line.ends_with('\n')).then_some(line)
    }

    pub fn try_ask(&mut self, line: &str) -> Option<Value> {
        self.stream.write_all(format!("{line}\n").as_bytes()).ok()?;
        Some(json::parse(self.line()?.as_bytes()).unwrap())
    }

    pub fn ask(&mut self, line: &str) -> Value {
        self.try_ask(line).unwrap_or_else(|| panic!("no reply to {line:.200}"))
    }

    pub fn call(&mut self, method: &str, params: &str) -> Value {
        self.ask(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
    }
}

pub fn govern(tool: &str, args: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"govern","params":{{"agent":"support","tool":"{tool}","args":{args}}}}}"#
    )
}

/// A member of a member.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, key| value.get(key).unwrap_or(&Value::Null))
}

pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or("")
}
