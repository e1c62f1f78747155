//! A Redis of its own: a temporary folder, a free port, the binary of this machine.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Redis {
    folder: tempfile::TempDir,
    pub port: u16,
    process: Option<Child>,
    extra: Vec<String>,
}

impl Redis {
    /// A running server; `None`, with a word about it, on a machine that has none and is not a CI.
    pub fn start(extra: &[&str]) -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("CI").is_none(), "CI needs Redis: install `redis-server`");
            eprintln!("skipped: no Redis on this machine; install `redis-server`");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let extra = extra.iter().map(|word| (*word).to_owned()).collect();
        let mut redis = Self { folder: tempfile::tempdir().unwrap(), port, process: None, extra };
        redis.run();
        Some(redis)
    }

    pub fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(&self.extra).current_dir(self.folder.path());
        self.process = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis does not come up");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
