//! An agent on another machine: a token of its own, the HTTP door, and what people see of both.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::stack::{Stack, at, text};

/// An address that nobody listens at.
fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn policy(address: &str, hash: &str) -> String {
    format!(
        r#"runtime {{ http_listen = "{address}" }}
identity "tokens" {{ type = "token" }}
agent "remote" {{
  default deny
  attest {{ token = "{hash}" }}
  rules {{ permit docs/search defer docs/write reason "a person looks at it" }}
}}
"#
    )
}

/// The status and the body of a request.
fn ask(url: &str, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn an_agent_elsewhere_is_governed_like_any_other() {
    let stack = Stack::empty();
    let made = stack.json(&["agent", "token"]);
    let (token, hash) = (text(&made, &["token"]), text(&made, &["hash"]));
    assert!(token.starts_with("faramesh_") && token.len() == 52, "{token}");
    let people = stack.run(&["agent", "token"]);
    assert!(people.exit == 0 && people.stdout.contains("attest { token = \"sha256:"), "{}", people.stdout);
    assert!(!people.stdout.contains(token), "each is another");

    let address = free();
    stack.write("governance.fms", &policy(&address, hash));
    let applied = stack.run(&["apply"]);
    assert_eq!(applied.exit, 0, "{}{}", applied.stdout, applied.stderr);
    let status = stack.json(&["status"]);
    let url = text(&status, &["daemon", "http"]).to_owned();
    assert_eq!(text(&status, &["identity"]), "token");
    assert!(stack.run(&["status"]).stdout.contains(&url));

    let call = r#"{"tool":"docs/search"}"#;
    assert_eq!(ask(&url, "POST", "/v1/evaluate", token, call).0, 200);
    assert_eq!(ask(&url, "POST", "/v1/evaluate", "faramesh_wrong", call).0, 401);
    let (status, deferred) = ask(&url, "POST", "/v1/evaluate", token, r#"{"tool":"docs/write"}"#);
    assert_eq!(status, 202, "{deferred}");
    let pending = stack.json(&["approvals", "list"]);
    let id = text(&at(&pending, &["approvals"]).as_list().unwrap()[0], &["id"]).to_owned();
    // The operator is a user of this machine and the requester is a token: they are two.
    let approved = stack.run(&["approvals", "approve", &id, "--reason", "fine"]);
    assert_eq!(approved.exit, 0, "{}", approved.stderr);
    assert_eq!(ask(&url, "POST", "/v1/evaluate", token, r#"{"tool":"docs/write"}"#).0, 200);

    let (status, metrics) = ask(&url, "GET", "/metrics", "", "");
    assert_eq!(status, 200);
    for line in [
        "faramesh_ready 1",
        r#"faramesh_decisions_total{effect="permit",code="POLICY_PERMIT"} 1"#,
        r#"faramesh_decisions_total{effect="defer",code="POLICY_DEFER"} 1"#,
        r#"faramesh_http_requests_total{status="401"} 1"#,
        "faramesh_approvals_pending 0",
        "faramesh_decision_duration_seconds_count 3",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
    }
    let records = stack.run(&["audit", "ls", "--format", "jsonl"]).stdout;
    assert!(records.contains(r#""tier":"http""#) && !records.contains(token), "{records}");

    // What the listener is made of cannot change under it.
    stack.write("governance.fms", &policy("127.0.0.1:1", hash));
    let moved = stack.run(&["apply"]);
    assert!(moved.exit == 1 && moved.stderr.contains("`http_listen` needs a restart"), "{}", moved.stderr);
    assert!(moved.stderr.contains(&format!("~ http_listen: {address} → 127.0.0.1:1\n")), "{}", moved.stderr);
    // A token that is taken out of the policy counts no more.
    let other = text(&stack.json(&["agent", "token"]), &["hash"]).to_owned();
    stack.write("governance.fms", &policy(&address, &other));
    assert_eq!(stack.run(&["apply"]).exit, 0);
    assert_eq!(ask(&url, "POST", "/v1/evaluate", token, call).0, 401);
    assert_eq!(stack.run(&["audit", "verify"]).exit, 0);
}

/// How many records tell of unknown callers, and of how many requests together.
fn strangers(stack: &Stack) -> (usize, u64, String) {
    let run = stack.run(&["audit", "ls", "--kind", "lifecycle", "--limit", "1000", "--format", "jsonl"]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let told: Vec<&str> = run.stdout.lines().filter(|line| line.contains("unknown_callers")).collect();
    let requests = told.iter().map(|line| {
        let record = faramesh_call::json::parse(line.as_bytes()).unwrap();
        assert_eq!(text(&record, &["detail", "code"]), "IDENTITY_UNVERIFIED");
        assert_eq!(
            text(at(&record, &["detail", "addresses"]).as_list().unwrap().first().unwrap(), &["address"]),
            "127.0.0.1"
        );
        u64::try_from(at(&record, &["detail", "requests"]).as_i64().unwrap()).unwrap()
    });
    (told.len(), requests.sum(), told.join("\n"))
}

/// Everybody who was refused is on disk, and whoever knocks for long writes no more than a record a minute.
#[test]
fn strangers_are_recorded_together() {
    let stack = Stack::empty();
    let made = stack.json(&["agent", "token"]);
    stack.write("governance.fms", &policy(&free(), text(&made, &["hash"])));
    let applied = stack.run(&["apply"]);
    assert_eq!(applied.exit, 0, "{}{}", applied.stdout, applied.stderr);
    let url = text(&stack.json(&["status"]), &["daemon", "http"]).to_owned();
    let call = r#"{"tool":"docs/search"}"#;
    let knock = || assert_eq!(ask(&url, "POST", "/v1/evaluate", "not-the-token", call).0, 401);
    knock();
    let begun = std::time::Instant::now();
    while strangers(&stack).0 == 0 {
        assert!(begun.elapsed() < crate::stack::WAIT, "the first is recorded at once");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for _ in 0..300 {
        knock();
    }
    // Two looks of the watch later they are still counted only.
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    assert!(begun.elapsed().as_secs() >= 50 || strangers(&stack).0 == 1, "{}", strangers(&stack).2);
    assert_eq!(stack.run(&["apply", "--stop"]).exit, 0);
    let (records, requests, told) = strangers(&stack);
    assert!(requests == 301 && records <= 3, "{records} {requests}");
    assert!(!told.contains("not-the-token"), "{told}");
    assert_eq!(stack.run(&["audit", "verify"]).exit, 0);
}

#[test]
fn a_door_that_cannot_open_stops_the_start() {
    let stack = Stack::empty();
    let hash = text(&stack.json(&["agent", "token"]), &["hash"]).to_owned();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    stack.write("governance.fms", &policy(&address, &hash));
    let run = stack.run(&["apply"]);
    assert!(run.exit != 0 && run.stderr.contains(&format!("cannot listen at {address}")), "{}", run.stderr);
    let files = "tls_cert_file = \"no.pem\" tls_key_file = \"no.key\"";
    let address = free();
    let tls = policy(&address, &hash).replace(&format!("{address}\""), &format!("{address}\" {files}"));
    stack.write("governance.fms", &tls);
    let run = stack.run(&["apply"]);
    assert!(run.exit != 0 && run.stderr.contains("no.pem"), "{}", run.stderr);
    // A token itself has no place in a policy.
    stack.write("governance.fms", &policy(&free(), "faramesh_secret"));
    let run = stack.run(&["check"]);
    assert!(run.exit == 1 && run.stdout.contains("faramesh agent token"), "{}", run.stdout);
}

#[test]
fn a_door_is_not_ready_while_a_fresh_daemon_denies_every_call() {
    let stack = Stack::empty();
    let made = stack.json(&["agent", "token"]);
    let address = free();
    let policy = policy(&address, text(&made, &["hash"]));
    stack
        .write("governance.fms", &policy.replacen("runtime {", "runtime { cold_start_deny_window = 30s ", 1));
    let applied = stack.run(&["apply"]);
    assert_eq!(applied.exit, 0, "{}{}", applied.stdout, applied.stderr);
    let url = text(&stack.json(&["status"]), &["daemon", "http"]).to_owned();
    let (status, body) = ask(&url, "GET", "/readyz", "", "");
    assert_eq!((status, body.as_str()), (503, r#"{"state":"COLD_START"}"#));
    let call = r#"{"tool":"docs/search"}"#;
    let (status, body) = ask(&url, "POST", "/v1/evaluate", text(&made, &["token"]), call);
    assert!(status == 503 && body.contains("DAEMON_NOT_READY"), "{status} {body}");
    assert!(ask(&url, "GET", "/metrics", "", "").1.lines().any(|line| line == "faramesh_ready 0"));
}
