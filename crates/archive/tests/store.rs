//! A real S3-compatible server: a compacted ledger whose bodies are there. Skipped, and said so, where
//! `FARAMESH_MOTO` names no `moto_server` and none is on the path.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use faramesh_archive::{Account, S3Archive, open};
use faramesh_call::Timestamp;
use faramesh_ledger::{Archive, Archives, Compaction, Disk, Ledger, Options, RealDisk, verify_archived};
use faramesh_testkit::{decision, policy};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

const NOW: Timestamp = Timestamp(1_795_166_999_999);
const DAY: u64 = 86_400_000;
const WAIT: Duration = Duration::from_secs(20);

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Option<Self> {
        let program = std::env::var("FARAMESH_MOTO").unwrap_or_else(|_| "moto_server".to_owned());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "1000000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            eprintln!(
                "skipped: there is no moto_server (pip install 'moto[server]'; FARAMESH_MOTO names it)"
            );
            return None;
        };
        let server = Self { process, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        // A bucket is made by an empty PUT.
        let agent = ureq::Agent::config_builder().http_status_as_error(true).build().new_agent();
        agent.put(format!("http://127.0.0.1:{port}/bodies")).send_empty().unwrap();
        Some(server)
    }

    fn environment(&self, name: &str) -> Option<String> {
        match name {
            "AWS_ENDPOINT_URL_S3" => Some(format!("http://127.0.0.1:{}", self.port)),
            "AWS_ACCESS_KEY_ID" => Some("key".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("CANARY".to_owned()),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct One(Arc<dyn Archive>);

impl Archives for One {
    fn at(&self, _: &str) -> std::io::Result<Arc<dyn Archive>> {
        Ok(Arc::clone(&self.0))
    }
}

#[test]
fn bodies_go_to_a_store_and_are_verified_there() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let archive = open("s3://bodies/ledgers/one", folder.path(), &|name| server.environment(name)).unwrap();
    assert_eq!(archive.location(), "s3://bodies/ledgers/one");
    let options = Options {
        segment_bytes: 1 << 20,
        first_segment_bytes: 16 << 10,
        reserve_bytes: 0,
        index: false,
        ..Options::new(folder.path(), "payments", "host-1")
    };
    let (ledger, _) = Ledger::open(options, NOW, &mut |_| {}).unwrap();
    ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    for number in 1..=2_000 {
        ledger.append_and_wait(decision("support", number), NOW, WAIT).unwrap();
    }
    let before = Timestamp(NOW.0 + DAY);
    let wanted = Compaction { before, last_seq: u64::MAX, archive: archive.as_ref(), needed: &|_| false };
    let mut done = Vec::new();
    ledger.compact(&wanted, &mut |segment| done.push(segment)).unwrap();
    assert!(done.len() >= 2, "{done:?}");
    assert!(!folder.path().join("00000001.wal").exists());
    drop(ledger);
    let archives: Arc<dyn Archives> = Arc::new(One(Arc::clone(&archive)));
    let verify = || {
        let archives = Some(Arc::clone(&archives));
        verify_archived(Arc::clone(&disk), folder.path(), None, archives, &mut |_| {})
    };
    let report = verify().unwrap();
    assert_eq!(report.agents.get("support"), Some(&2_000));
    // Somebody changes a body in the store.
    let body = archive.get("00000002.wal").unwrap();
    let length = body.length().unwrap();
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    let mut place = 0;
    while place < bytes.len() {
        let offset = u64::try_from(place).unwrap();
        place += body.read_at(bytes.get_mut(place..).unwrap(), offset).unwrap();
    }
    let agent = ureq::Agent::config_builder().build().new_agent();
    let endpoint = format!("http://127.0.0.1:{}", server.port).parse().unwrap();
    let bucket = Bucket::new(endpoint, UrlStyle::Path, "bodies", "us-east-1").unwrap();
    let credentials = Credentials::new("key", "CANARY");
    let object = "ledgers/one/00000002.wal";
    *bytes.get_mut(5_000).unwrap() ^= 1;
    let address = bucket.put_object(Some(&credentials), object).sign(WAIT);
    agent.put(address.as_str()).send(&bytes[..]).unwrap();
    let error = verify().unwrap_err().to_string();
    assert!(error.contains("s3:/") && error.contains("00000002.wal"), "{error}");
    // Another ledger's body is not overwritten.
    let other = RealDisk.open(&folder.path().join("00000003.manifest"), faramesh_ledger::OpenMode::Read);
    let error = archive.put("00000002.wal", other.unwrap().as_ref(), 10, &[0; 32]).unwrap_err();
    assert!(error.to_string().contains("another `00000002.wal`"), "{error}");
    let address = bucket.delete_object(Some(&credentials), object).sign(WAIT);
    agent.delete(address.as_str()).call().unwrap();
    let error = verify().unwrap_err().to_string();
    assert!(error.contains("nothing"), "{error}");
}

#[test]
fn a_store_that_is_not_there_is_told_without_secrets() {
    let environment = |name: &str| match name {
        "AWS_ENDPOINT_URL_S3" => Some("http://127.0.0.1:9".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("CANARY".to_owned()),
        _ => None,
    };
    let archive = open("s3://bodies/x", Path::new("/"), &environment).unwrap();
    let error = format!("{} {archive:?}", archive.get("00000001.wal").unwrap_err());
    assert!(error.contains("cannot be reached") && !error.contains("CANARY"), "{error}");
    let account = Account::of(&environment).unwrap();
    assert!(!format!("{account:?}").contains("CANARY"));
    assert!(S3Archive::new(&account, "", "").is_err());
    let missing = open("s3://bodies", Path::new("/"), &|_| None).unwrap_err().to_string();
    assert!(missing.contains("AWS_ACCESS_KEY_ID is not set"), "{missing}");
    for wrong in ["", "gs://bucket/x", "https://bucket"] {
        assert!(open(wrong, Path::new("/"), &environment).is_err(), "{wrong}");
    }
}
