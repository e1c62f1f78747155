//! Sinks of a running daemon: declared in the policy, shown in `status`, changed by `apply`, and never in
//! the way of a decision.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use faramesh_call::Value;
use faramesh_dpr::Record;
use faramesh_ledger::Reader;

use crate::world::{POLICY, Running, Stack, WAIT, at, compiled, govern, text};

const SECRET: &str = "whsec_Q0FOQVJZLUtFWS1vZi0zMi1ieXRlcy0wMDAwMDAwMCE=";

fn with_sinks(providers: &str) -> String {
    format!("{providers}\n{POLICY}")
}

fn apply(running: &Running, source: &str) {
    let program: String = compiled(source).iter().map(|byte| format!("{byte:02x}")).collect();
    let reply = running.operator().call("apply", &format!(r#"{{"program":"{program}"}}"#));
    assert_eq!(at(&reply, "error"), &Value::Null, "{reply:?}");
}

/// A sink in `status`, when something is so.
fn sink_when(running: &Running, name: &str, so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + WAIT;
    loop {
        let reply = running.operator().call("status", "{}");
        let sinks = at(&reply, "result.ledger.sinks").as_list().unwrap().to_vec();
        match sinks.into_iter().find(|sink| text(sink, "name") == name) {
            Some(sink) if so(&sink) => return sink,
            other => assert!(Instant::now() < until, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn number(value: &Value, key: &str) -> i64 {
    value.get(key).and_then(Value::as_i64).unwrap_or(-1)
}

/// Numbers of the records in a file, each once.
fn seqs(stack: &Stack, file: &str) -> Vec<u64> {
    let bytes = std::fs::read(stack.folder.join(file)).unwrap();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut seqs: Vec<u64> = lines.map(|line| Record::parse(line).unwrap().seq()).collect();
    seqs.dedup();
    seqs
}

#[test]
fn a_file_gets_every_record_through_kills_and_changes() {
    let source = with_sinks(r#"provider "archive" { type = "file-sink" path = "audit/records.jsonl" }"#);
    let stack = Stack::new(&source);
    for _ in 0..3 {
        let running = stack.start();
        let mut agent = running.agent();
        for _ in 0..30 {
            assert_eq!(text(&agent.ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
        }
        running.kill();
    }
    let running = stack.start();
    apply(&running, POLICY);
    assert!(
        at(&running.operator().call("status", "{}"), "result.ledger.sinks").as_list().unwrap().is_empty()
    );
    running.agent().ask(&govern("kb/search", "{}"));
    apply(&running, &source);
    let sink = sink_when(&running, "archive", |sink| number(sink, "lag") == 0);
    assert_eq!((text(&sink, "status"), text(&sink, "type")), ("HEALTHY", "file-sink"));
    let mut running = running;
    running.terminate();
    running.ended();
    let kept = u64::try_from(Reader::open(stack.ledger()).unwrap().records().unwrap().count()).unwrap();
    let mut seen = seqs(&stack, "audit/records.jsonl");
    let next = seen.iter().fold(1, |next, seq| {
        assert!(*seq <= next, "record {next} was skipped");
        next.max(seq + 1)
    });
    assert_eq!(next, kept + 1, "the record of the end is there as well");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(u64::try_from(seen.len()).unwrap(), kept);
    assert!(stack.layout().sinks().join("archive.cursor").exists());
}

#[test]
fn a_sink_that_is_down_is_shown_and_in_nobodys_way() {
    // Bound and never answered: connections are made and hang.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let source = with_sinks(&format!(
        r#"provider "siem" {{ type = "webhook-sink" url = env("SIEM_URL") secret = env("SIEM_SECRET")
               timeout = 1s batch_wait = 10ms }}
           provider "unset" {{ type = "webhook-sink" url = "http://127.0.0.1:{port}" secret = env("SIEM_UNSET") }}"#
    ));
    let url = format!("http://127.0.0.1:{port}/hook/CANARY-PATH");
    let stack = Stack::new(&source).with("SIEM_URL", &url).with("SIEM_SECRET", SECRET);
    let mut running = stack.start();
    let mut agent = running.agent();
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let begun = Instant::now();
        assert_eq!(text(&agent.ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_millis(900), "{slowest:?}");
    let sink = sink_when(&running, "siem", |sink| text(sink, "status") == "DEGRADED");
    assert!(number(&sink, "lag") > 200 && number(&sink, "delivered_seq") == 0, "{sink:?}");
    assert!(text(&sink, "last_error.message").contains("did not answer within 1 s"), "{sink:?}");
    assert_eq!(text(&sink, "destination"), format!("http://127.0.0.1:{port}"));
    let unset = sink_when(&running, "unset", |sink| text(sink, "status") == "DOWN");
    assert!(text(&unset, "last_error.message").contains("SIEM_UNSET is not set"), "{unset:?}");
    let status = format!("{:?}", running.operator().call("status", "{}"));
    assert!(status.contains("the sink `siem` is"), "{status}");
    // An end waits for no sink that hangs.
    let begun = Instant::now();
    running.terminate();
    running.ended();
    assert!(begun.elapsed() < Duration::from_secs(8));
    let seen = status
        + &running.errors()
        + &std::fs::read_to_string(stack.layout().sinks().join("siem.cursor")).unwrap_or_default();
    assert!(!seen.contains("CANARY") && !seen.contains(SECRET), "{seen}");
}

#[test]
fn standard_error_gets_lines() {
    let stack = Stack::new(&with_sinks(r#"provider "console" { type = "stderr-sink" }"#)).dev();
    let mut running = stack.start();
    running.agent().ask(&govern("kb/search", r#"{"q":"lines"}"#));
    running.terminate();
    running.ended();
    let errors = running.errors();
    let records: Vec<_> = errors.lines().filter_map(|line| Record::parse(line.as_bytes()).ok()).collect();
    assert!(records.iter().any(|record| record.tool().as_deref() == Some("kb/search")), "{errors}");
}
