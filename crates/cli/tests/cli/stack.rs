//! A stack in a temporary folder with a home of its own, and the commands that are run on it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use faramesh_call::{Value, json};

/// Longest wait for anything.
pub const WAIT: Duration = Duration::from_secs(30);

/// A policy that permits, defers and denies, for callers that name themselves.
pub const POLICY: &str = r#"runtime {
  allow_self_declared_identity = true
}

agent "support-bot" {
  default deny

  rules {
    permit stripe/refund if amount < $500
    defer stripe/refund if amount < $10000 reason "refunds of $500 and more need a person"
    deny stripe/refund reason "refunds of $10,000 and more go through finance"
    deny stripe/payouts reason "payouts are made by finance"
    permit docs/search
  }

  redact stripe/refund args: ["card.number"]
}
"#;

/// A temporary folder; what it started is stopped with it.
pub struct Stack {
    root: tempfile::TempDir,
    dev: Option<Child>,
}

/// How a command ended.
pub struct Run {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
    root: String,
}

impl Stack {
    /// A folder without a policy.
    pub fn empty() -> Self {
        // A socket's path is limited to about 100 bytes.
        let root = tempfile::Builder::new().prefix("fm").tempdir_in("/tmp").unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        fs::create_dir(root.path().join("stack")).unwrap();
        Self { root, dev: None }
    }

    /// A folder with a policy.
    pub fn with(policy: &str) -> Self {
        let stack = Self::empty();
        stack.write("governance.fms", policy);
        stack
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("stack")
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faramesh"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", self.root.path().join("home"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs a command in the stack's folder, without a terminal.
    /// Starts a command that goes on.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// The same with something on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        // Read beside the wait, because what a pipe does not hold would stop the command.
        let stdout = read_beside(child.stdout.take().unwrap());
        let stderr = read_beside(child.stderr.take().unwrap());
        let deadline = Instant::now() + WAIT;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                child.kill().unwrap();
                panic!("{arguments:?} did not end in time");
            }
            sleep(Duration::from_millis(5));
        }
        let status = child.wait().unwrap();
        let text = |read: JoinHandle<String>| read.join().unwrap();
        let root = self.root.path().canonicalize().unwrap().display().to_string();
        Run { exit: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr), root }
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        let run = self.run(&all);
        assert_eq!(run.exit, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
        json::parse(run.stdout.as_bytes()).unwrap()
    }

    /// Starts `faramesh dev --format json`; its agents' socket.
    pub fn dev(&mut self, arguments: &[&str]) -> PathBuf {
        let mut all = vec!["dev", "--format", "json"];
        all.extend(arguments);
        let child = self
            .command(&all)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let child = self.dev.insert(child);
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("`faramesh dev` did not start: {errors}");
        }
        let ready = json::parse(line.as_bytes()).unwrap();
        assert_eq!(text(&ready, &["event"]), "ready");
        PathBuf::from(text(&ready, &["socket"]))
    }

    /// Has `faramesh dev` stop as Ctrl-C does; what it printed since it was ready.
    pub fn stop_dev(&mut self) -> (i32, String) {
        let output = self.ended_dev();
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).unwrap())
    }

    /// As [`Self::stop_dev`]; what it said on standard error.
    pub fn stop_dev_heard(&mut self) -> String {
        String::from_utf8(self.ended_dev().stderr).unwrap()
    }

    fn ended_dev(&mut self) -> std::process::Output {
        let child = self.dev.take().unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(mut child) = self.dev.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if self.folder().join(".faramesh").is_dir() {
            let _ = self.command(&["apply", "--stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

impl Run {
    /// Everything that a snapshot pins.
    pub fn transcript(&self) -> String {
        let part = |title: &str, text: &str| {
            let text = text.replace(&self.root, "[ROOT]");
            if text.is_empty() { String::new() } else { format!("--- {title}\n{text}") }
        };
        format!("exit {}\n{}{}", self.exit, part("stdout", &self.stdout), part("stderr", &self.stderr))
    }
}

/// Asks the daemon behind `socket` about a call, as an SDK does.
pub fn govern(socket: &Path, tool: &str, args: &str) -> Value {
    let params = format!(r#"{{"agent_id":"support-bot","tool":"{tool}","args":{args}}}"#);
    ask(socket, "govern", &params)
}

/// One request on the agents' socket; its result.
pub fn ask(socket: &Path, method: &str, params: &str) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let reply = json::parse(line.as_bytes()).unwrap();
    reply.get("result").unwrap_or_else(|| panic!("{line}")).clone()
}

/// The text at a path of members.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The value at a path of members, which must be there.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, key| value.get(key).unwrap_or(&Value::Null))
}

fn read_beside(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}
