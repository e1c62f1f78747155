//! A PostgreSQL of its own: a temporary folder, a free port, the binaries of this machine. As root, it
//! runs as the user `postgres` or `nobody`, because it refuses to run as root.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use faramesh_ledger_postgres::Address;

const START_LIMIT: Duration = Duration::from_secs(30);

pub struct Server {
    folder: tempfile::TempDir,
    binaries: PathBuf,
    user: Option<(u32, u32)>,
    process: Option<Child>,
    pub port: u16,
    extra: Vec<String>,
}

/// The folder of the newest server that is installed.
fn binaries() -> Option<PathBuf> {
    let given = std::env::var_os("FARAMESH_TEST_POSTGRES").map(PathBuf::from);
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    installed.sort();
    let path: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let all = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "postgres", "psql"].iter().all(|name| folder.join(name).exists())
    };
    given.into_iter().chain(installed.into_iter().rev()).chain(path).find(all)
}

/// The user that the server runs as, when this is root.
fn other_user() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let own = Command::new("id").arg("-u").output().unwrap();
    (own.stdout.trim_ascii() == b"0").then(|| of("postgres").or_else(|| of("nobody")).unwrap())
}

impl Server {
    /// A running server; `None`, with a word about it, on a machine that has none and is not a CI.
    pub fn start() -> Option<Self> {
        Self::with(&[])
    }

    pub fn with(extra: &[&str]) -> Option<Self> {
        let Some(binaries) = binaries() else {
            assert!(std::env::var_os("CI").is_none(), "CI needs PostgreSQL: install `postgresql`");
            eprintln!("skipped: no PostgreSQL on this machine; install `postgresql`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let user = other_user();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let extra = extra.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { folder, binaries, user, process: None, port, extra };
        let data = server.data();
        std::fs::create_dir(&data).unwrap();
        server.give(&data);
        let made = server
            .command("initdb")
            .args(["-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        server.run();
        Some(server)
    }

    /// Gives a file to the user that the server runs as.
    pub fn give(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env("LC_ALL", "C");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts the server and waits until it answers.
    pub fn run(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string()).arg("-k").arg(self.data());
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"]);
        for option in &self.extra {
            command.args(["-c", option]);
        }
        self.process = Some(command.stderr(log).stdout(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while self.try_sql("postgres", "SELECT 1").is_err() {
            assert!(began.elapsed() < START_LIMIT, "PostgreSQL does not come up: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// `pg_ctl stop -m immediate`: every backend ends where it is, as in a crash.
    pub fn stop_at_once(&mut self) {
        let data = self.data();
        let mut command = self.command("pg_ctl");
        command.args(["stop", "-m", "immediate", "-D"]).arg(data).stdout(Stdio::null());
        let stopped = command.status().is_ok_and(|status| status.success());
        let mut process = self.process.take().unwrap();
        if !stopped {
            process.kill().unwrap();
        }
        process.wait().unwrap();
    }

    /// Runs SQL as the superuser and gives what it answers.
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql("postgres", sql).unwrap()
    }

    pub fn try_sql(&self, user: &str, sql: &str) -> Result<String, String> {
        let mut command = self.command("psql");
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        command.args(["-U", user, "-d", "postgres", "-p"]).arg(self.port.to_string()).args(["-c", sql]);
        let output = command.output().unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub fn address(&self) -> Address {
        Address::parse(&self.url()).unwrap()
    }

    /// Ends every connection of ledgers.
    pub fn end_connections(&self) -> usize {
        let ended = self.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'faramesh'",
        );
        ended.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.stop_at_once();
        }
    }
}
