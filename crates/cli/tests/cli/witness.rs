//! A witness on another port: it cosigns what the daemon's ledger grows by, and shows that yesterday's folder
//! was brought back, or another ledger put in its place.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use faramesh_call::{Value, json};

use crate::stack::{POLICY, Stack, WAIT, at, govern, text};

/// A running witness.
struct Witness {
    child: Child,
    address: String,
    key: String,
}

impl Witness {
    fn start(state: &Path, trust: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_faramesh"))
            .args([
                "witness",
                "--listen",
                "127.0.0.1:0",
                "--name",
                "w.example",
                "--format",
                "json",
                "--state",
            ])
            .arg(state)
            .arg("--trust")
            .arg(trust)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("the witness did not start: {errors}");
        }
        let ready = json::parse(line.as_bytes()).unwrap();
        let (address, key) = (text(&ready, &["address"]).to_owned(), text(&ready, &["key"]).to_owned());
        Self { child, address, key }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn applied(stack: &Stack, policy: &str) -> std::path::PathBuf {
    stack.write("governance.fms", policy);
    let applied = stack.run(&["apply"]);
    assert_eq!(applied.exit, 0, "{}{}", applied.stdout, applied.stderr);
    std::path::PathBuf::from(text(&stack.json(&["status"]), &["daemon", "socket"]))
}

/// Waits until the daemon's status says what it should of its witness.
fn until(stack: &Stack, what: &str, holds: impl Fn(&Value, u64) -> bool) -> Value {
    let deadline = Instant::now() + WAIT;
    loop {
        let status = stack.json(&["status"]);
        let records = at(&status, &["ledger", "records"]).as_i64().unwrap();
        let witnesses = at(&status, &["witnesses"]).as_list().unwrap().to_vec();
        if witnesses.first().is_some_and(|witness| holds(witness, u64::try_from(records).unwrap())) {
            return status;
        }
        assert!(Instant::now() < deadline, "{what}: {status:?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn size(witness: &Value) -> u64 {
    u64::try_from(at(witness, &["size"]).as_i64().unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn yesterdays_folder_is_found_out() {
    let stack = Stack::with(POLICY);
    let wal = stack.folder().join("faramesh-wal");
    applied(&stack, POLICY);
    let memory = tempfile::tempdir().unwrap();
    let witness = Witness::start(memory.path(), &wal.join("signing.pub"));
    let provider = format!(
        "{POLICY}\nprovider \"w\" {{\n  type = \"witness\"\n  url = \"{}\"\n  key = \"{}\"\n}}\n",
        witness.url(),
        witness.key
    );
    let socket = applied(&stack, &provider);
    until(&stack, "cosigned", |witness, records| size(witness) >= records.min(3));
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let yesterday = stack.folder().join("yesterday");
    copy(&wal, &yesterday);

    let socket = {
        drop(socket);
        applied(&stack, &provider)
    };
    for _ in 0..5 {
        assert_eq!(text(&govern(&socket, "docs/search", "{}"), &["effect"]), "PERMIT");
    }
    let records = at(&stack.json(&["status"]), &["ledger", "records"]).as_i64().unwrap();
    let status = until(&stack, "all cosigned", |witness, _| size(witness) >= u64::try_from(records).unwrap());
    assert!(
        at(&status, &["witnesses"]).as_list().unwrap()[0]
            .get("error")
            .is_none_or(|error| *error == Value::Null)
    );
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);

    let (url, key) = (witness.url(), witness.key.clone());
    let verify = |folder: &Path| {
        let folder = folder.to_str().unwrap().to_owned();
        stack.run(&["audit", "verify", "--ledger", &folder, "--witness", &url, "--witness-key", &key])
    };
    let whole = verify(&wal);
    assert_eq!(whole.exit, 0, "{}{}", whole.stdout, whole.stderr);
    assert!(whole.stdout.contains("cosigned by w.example"), "{}", whole.stdout);
    let alone = stack.run(&["audit", "verify", "--ledger", yesterday.to_str().unwrap()]);
    assert_eq!(alone.exit, 0, "by itself an old folder verifies: {}", alone.stdout);
    let old = verify(&yesterday);
    assert_eq!(old.exit, 1, "{}{}", old.stdout, old.stderr);
    assert!(old.stdout.contains("newer ones were taken away"), "{}", old.stdout);

    // The daemon finds it out as well, and says so.
    fs::rename(&wal, stack.folder().join("today")).unwrap();
    copy(&yesterday, &wal);
    applied(&stack, &provider);
    let status = until(&stack, "alarm", |witness, _| at(witness, &["seen"]).as_i64().is_some());
    let warnings = at(&status, &["warnings"]).as_list().unwrap();
    assert!(
        warnings.iter().any(|warning| warning.as_str().unwrap().starts_with("ALARM: witness `w`")),
        "{warnings:?}"
    );
    let alarms = stack.run(&["audit", "ls", "--kind", "lifecycle", "--format", "jsonl"]);
    assert!(alarms.stdout.contains("\"event\":\"witness_ahead\""), "{}", alarms.stdout);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);

    // What was forked stays a fork, also when it has more records than the witness saw.
    let socket = applied(&stack, POLICY);
    for _ in 0..30 {
        govern(&socket, "docs/search", "{}");
    }
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let forked = verify(&wal);
    assert_eq!(forked.exit, 1, "{}{}", forked.stdout, forked.stderr);
    assert!(
        forked.stdout.contains("does not") && forked.stdout.contains("other records"),
        "{}",
        forked.stdout
    );
    // And the daemon says so as well.
    applied(&stack, &provider);
    until(&stack, "a fork", |witness, _| text(witness, &["error"]).contains("was forked"));
    let alarms = stack.run(&["audit", "ls", "--kind", "lifecycle", "--format", "jsonl"]);
    assert!(alarms.stdout.contains("\"event\":\"witness_forked\""), "{}", alarms.stdout);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);

    // One that was made new under the same name and address knows nothing any more, and the ledger's note says so.
    fs::remove_dir_all(&wal).unwrap();
    fs::rename(stack.folder().join("today"), &wal).unwrap();
    drop(witness);
    let fresh = tempfile::tempdir().unwrap();
    fs::copy(memory.path().join("signing.key"), fresh.path().join("signing.key")).unwrap();
    let witness = Witness::start(fresh.path(), &wal.join("signing.pub"));
    assert_eq!(witness.key, key, "its key was kept, its memory not");
    applied(&stack, &provider.replace(&url, &witness.url()));
    let status =
        until(&stack, "forgot", |witness, _| text(witness, &["error"]).contains("knows none any more"));
    let warnings = at(&status, &["warnings"]).as_list().unwrap();
    assert!(
        warnings.iter().any(|warning| warning.as_str().unwrap().starts_with("ALARM: witness `w`")),
        "{warnings:?}"
    );
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
}

#[test]
fn a_witness_remembers_when_it_is_killed_and_refuses_rubbish() {
    let stack = Stack::with(POLICY);
    let wal = stack.folder().join("faramesh-wal");
    applied(&stack, POLICY);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let memory = tempfile::tempdir().unwrap();
    let witness = Witness::start(memory.path(), &wal.join("signing.pub"));
    let verify = |witness: &Witness| {
        let folder = wal.to_str().unwrap();
        stack
            .run(&[
                "audit",
                "verify",
                "--ledger",
                folder,
                "--witness",
                &witness.url(),
                "--witness-key",
                &witness.key,
            ])
            .exit
    };
    assert_eq!(
        (verify(&witness), verify(&witness)),
        (1, 0),
        "what it sees for the first time proves nothing"
    );
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("GET /add-checkpoint HTTP/1.1\r\n\r\n", "405"),
        ("POST /add-checkpoint HTTP/1.1\r\n\r\n", "411"),
        ("POST /add-checkpoint HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", "413"),
        ("POST /add-checkpoint HTTP/1.1\r\ncontent-length: 4\r\n\r\nold ", "400"),
        ("\0\0\0\0\r\n\r\n", "400"),
    ] {
        let mut stream = TcpStream::connect(&witness.address).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
    }
    let key = witness.key.clone();
    drop(witness);
    let again = Witness::start(memory.path(), &wal.join("signing.pub"));
    assert_eq!(again.key, key, "its key stays");
    assert_eq!(verify(&again), 0);
    let no_witness =
        stack.run(&["audit", "verify", "--witness", "http://127.0.0.1:9", "--witness-key", &key]);
    assert_eq!(no_witness.exit, 1);
    assert!(no_witness.stderr.contains("does not answer"), "{}", no_witness.stderr);
    let other = stack.run(&[
        "audit",
        "verify",
        "--witness",
        &again.url(),
        "--witness-key",
        wal.join("signing.pub").to_str().unwrap(),
    ]);
    assert!(other.exit == 1 && other.stderr.contains("not a cosignature by"), "{}", other.stderr);
}
