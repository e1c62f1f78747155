//! What people are told, against receivers that keep what came and answer as told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faramesh_call::{Value, json, object};
use faramesh_sinks::{
    Address, Channel, Config, Destination, From, Secret, SigningSecret, State, Status, Teller, Told,
};

use crate::server::base64;
use crate::setting::{KEY, append, limits, open, sinks, status_when};

/// Head and body of each request, and how the next ones are answered.
#[derive(Clone, Default)]
struct Receiver {
    requests: Arc<Mutex<Vec<(String, Value)>>>,
    script: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Receiver {
    fn start(script: &[(u16, &'static str)]) -> (Self, Address) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/CANARY-PATH", listener.local_addr().unwrap());
        let receiver = Self::default();
        receiver.script.lock().unwrap().extend(script.iter().copied());
        let serving = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.serve(stream);
            }
        });
        (receiver, Address::parse(&url).unwrap())
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        self.requests.lock().unwrap().push((head, json::parse(&body).unwrap()));
        let (status, answer) = self.script.lock().unwrap().pop_front().unwrap_or((200, r#"{"ok":true}"#));
        let length = answer.len();
        let reply =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}");
        stream.write_all(reply.as_bytes()).unwrap();
    }

    fn came(&self, count: usize) -> Vec<(String, Value)> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let requests = self.requests.lock().unwrap().clone();
            if requests.len() >= count {
                return requests;
            }
            assert!(Instant::now() < until, "{} of {count} came", requests.len());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Tells of every record that `append` wrote with an even number.
#[derive(Debug)]
struct Even;

impl Teller for Even {
    fn told(&self, record: &[u8]) -> Option<Told> {
        let record = json::parse(record).ok()?;
        let number: u32 = record.get("detail")?.as_str()?.split(' ').next()?.parse().ok()?;
        let line = format!("<!channel> number {number} & more");
        number.is_multiple_of(2).then(|| Told {
            id: format!("dpr-{number}"),
            line: line.clone(),
            fields: object! { "number" => u64::from(number) },
        })
    }
}

const TIMEOUT: Duration = Duration::from_secs(2);

fn run(channel: Channel, records: usize, folder: &Path, so: impl Fn(&Status) -> bool) -> Status {
    let ledger = open(folder);
    append(&ledger, records);
    let sinks = sinks(&ledger, folder);
    let destination = Destination::Alerts { teller: Arc::new(Even), channel };
    let name = "alert x".to_owned();
    sinks.configure(vec![Config { name, destination, from: From::Beginning, limits: limits(500) }]);
    status_when(&sinks, "alert x", so)
}

fn delivered(status: &Status) -> bool {
    status.lag == 0 && status.state == State::Healthy
}

fn slack(address: Address, token: Option<&str>) -> Channel {
    Channel::Slack { channel: "#alerts".to_owned(), address, token: token.map(Secret::new), timeout: TIMEOUT }
}

#[test]
fn slack_is_told_once_for_a_batch_and_again_after_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let script = [(503, ""), (200, r#"{"ok":false,"error":"ratelimited"}"#)];
    let (receiver, address) = Receiver::start(&script);
    let status = run(slack(address, Some("CANARY-TOKEN")), 100, folder.path(), delivered);
    assert_eq!((status.failures, status.kind), (0, "slack-alert"));
    let requests = receiver.came(3);
    assert_eq!(requests.len(), 3);
    let (head, body) = &requests[2];
    assert!(head.contains("authorization: Bearer CANARY-TOKEN"), "{head}");
    assert_eq!(body.get("channel").unwrap().as_str(), Some("#alerts"));
    let text = body.get("text").unwrap().as_str().unwrap();
    assert!(text.starts_with("&lt;!channel&gt; number 0 &amp; more\n"), "{text}");
    assert_eq!(text.lines().count(), 31);
    assert!(text.ends_with("and 20 more: `faramesh audit ls` shows them"), "{text}");
    assert!(requests.iter().all(|(_, other)| other == body));
}

#[test]
fn an_incoming_webhook_of_slack_answers_in_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, address) = Receiver::start(&[(200, "ok")]);
    run(slack(address, None), 1, folder.path(), delivered);
    let requests = receiver.came(1);
    assert!(!requests[0].0.contains("authorization"), "{}", requests[0].0);
}

#[test]
fn a_refusal_is_told_to_operators_without_secrets() {
    for (script, part) in [
        ((200, r#"{"ok":false,"error":"channel_not_found"}"#), "invite it"),
        ((200, r#"{"ok":false,"error":"CANARY-ANSWER"}"#), "refuses"),
        ((401, "CANARY-ANSWER"), "token"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (_receiver, address) = Receiver::start(&[script; 50]);
        let status =
            run(slack(address, Some("CANARY-TOKEN")), 1, folder.path(), |status| status.state == State::Down);
        let (message, _) = status.last_error.clone().unwrap();
        assert!(message.contains(part), "{message}");
        assert!(!format!("{status:?}").contains("CANARY"), "{status:?}");
    }
}

#[test]
fn pagerduty_is_sent_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, address) = Receiver::start(&[(202, r#"{"status":"success"}"#)]);
    let channel = Channel::PagerDuty { address, key: Secret::new("KEY"), timeout: TIMEOUT };
    run(channel, 3, folder.path(), delivered);
    let requests = receiver.came(1);
    let text = |path: &[&str]| {
        let found = path.iter().try_fold(&requests[0].1, |value, key| value.get(key));
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    assert_eq!((text(&["routing_key"]), text(&["event_action"])), ("KEY".to_owned(), "trigger".to_owned()));
    assert_eq!(text(&["dedup_key"]), "dpr-0");
    assert_eq!(text(&["payload", "summary"]), "<!channel> number 0 & more (and 1 more)");
    assert_eq!(
        (text(&["payload", "source"]), text(&["payload", "severity"])),
        ("faramesh".to_owned(), "warning".to_owned())
    );
}

#[test]
fn a_webhook_is_signed_and_nothing_is_sent_when_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, address) = Receiver::start(&[]);
    let secret = SigningSecret::parse(&format!("whsec_{}", base64(KEY))).unwrap();
    let channel = Channel::Webhook { address, secret: secret.clone(), timeout: TIMEOUT, authorities: None };
    run(channel.clone(), 0, folder.path(), delivered);
    assert!(receiver.requests.lock().unwrap().is_empty());
    let folder = tempfile::tempdir().unwrap();
    run(channel, 2, folder.path(), delivered);
    let requests = receiver.came(1);
    let (head, body) = &requests[0];
    let header = |name: &str| {
        let prefix = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("{head}"))
    };
    let seconds = header("webhook-timestamp").parse().unwrap();
    assert_eq!(
        header("webhook-signature"),
        secret.sign(header("webhook-id"), seconds, &json::canonical(body))
    );
    assert_eq!(body.get("type").unwrap().as_str(), Some("faramesh.alert"));
    assert_eq!(body.get("alerts").unwrap().as_list().unwrap().len(), 1);
}
