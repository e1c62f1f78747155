//! A whole session over a connection in memory: how long a keystroke in a large policy waits for its answers.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own functions")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use faramesh_lsp::{Host, serve};
use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};

const ADDRESS: &str = "file:///stack/governance.fms";
const RULES: usize = 1_000;
const KEYSTROKES: usize = 20;

/// A machine without an environment or packs.
struct Bare;

impl Host for Bare {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn pack(&self, _stack: &Path, _import: &str) -> Option<PathBuf> {
        None
    }
}

struct Client {
    connection: Connection,
    requests: i32,
    /// The version that diagnostics came for last, and how many they were.
    published: (i64, usize),
}

impl Client {
    fn notify(&self, method: &str, params: Value) {
        let note = Notification::new(method.to_owned(), params);
        self.connection.sender.send(Message::Notification(note)).unwrap();
    }

    /// The answer to a request.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let request = Request::new(self.requests.into(), method.to_owned(), params);
        self.connection.sender.send(Message::Request(request)).unwrap();
        loop {
            if let Message::Response(response) = self.next() {
                let answer = serde_json::to_value(&response).unwrap();
                assert!(answer.get("error").is_none(), "{answer}");
                return answer["result"].clone();
            }
        }
    }

    fn next(&mut self) -> Message {
        let message = self.connection.receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        if let Message::Notification(note) = &message {
            let count = note.params["diagnostics"].as_array().unwrap().len();
            self.published = (note.params["version"].as_i64().unwrap(), count);
        }
        message
    }

    /// How many diagnostics there are once those of `version` have come.
    fn published(&mut self, version: i32) -> usize {
        while self.published.0 != i64::from(version) {
            self.next();
        }
        self.published.1
    }
}

fn policy() -> String {
    let rules = (0..RULES).map(|n| format!("    permit tool_{n}/run if amount < {n} and note == \"é😀\"\n"));
    format!("agent \"a\" {{\n  default deny\n  rules {{\n{}  }}\n}}\n", rules.collect::<String>())
}

#[test]
fn a_keystroke_in_a_large_policy_is_answered_at_once() {
    let (server, client) = Connection::memory();
    let served = std::thread::spawn(move || serve(&server, Arc::new(Bare)));
    let mut client = Client { connection: client, requests: 0, published: (0, 0) };
    client.ask("initialize", json!({"capabilities": {}}));
    client.notify("initialized", json!({}));
    let document = json!({"uri": ADDRESS, "languageId": "fpl", "version": 1, "text": policy()});
    client.notify("textDocument/didOpen", json!({"textDocument": document}));
    let first = client.published(1);
    assert!(first > 0, "a stack without an identity has an error");

    let (mut answers, mut diagnostics) = (Vec::new(), Vec::new());
    for stroke in 0..KEYSTROKES {
        let version = i32::try_from(stroke).unwrap() + 2;
        let line = 3 + stroke * (RULES / KEYSTROKES);
        // A digit more in the number of the condition, which stands before wide characters.
        let place = json!({"line": line, "character": format!("    permit tool_{}/run if amount < ", line - 3).len()});
        let change = json!({"range": {"start": place, "end": place}, "text": "1"});
        let begun = Instant::now();
        client.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": ADDRESS, "version": version}, "contentChanges": [change]}),
        );
        let params = json!({"textDocument": {"uri": ADDRESS}, "position": {"line": line, "character": 4}});
        let items = client.ask("textDocument/completion", params);
        answers.push(begun.elapsed());
        assert!(!items.as_array().unwrap().is_empty());
        if client.published(version) == first {
            diagnostics.push(begun.elapsed());
        }
    }
    assert_eq!(diagnostics.len(), KEYSTROKES, "every keystroke leaves the policy as right as it was");
    answers.sort();
    diagnostics.sort();
    let (answer, diagnostic) = (answers[KEYSTROKES / 2], diagnostics[KEYSTROKES / 2]);
    println!("{RULES} rules: completion after {answer:?}, diagnostics after {diagnostic:?}");
    // Without optimisation, and on a machine that does other things too, only gross mistakes show.
    let bound = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 100 });
    assert!(answer < bound && diagnostic < bound, "{answer:?} {diagnostic:?}");

    client.ask("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    served.join().unwrap().unwrap();
}
