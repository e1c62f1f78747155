//! Selectors of a running daemon: fetched before the first call, fetched again while they are good, gone when they are
//! too old, and of a new policy when it is applied.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faramesh_call::Value;

use crate::world::{Running, Stack, WAIT, at, compiled, govern, text};

/// A server that answers every request with what is in it; nothing answers nobody.
#[derive(Clone, Default)]
struct Source(Arc<Mutex<Option<(u16, String)>>>);

impl Source {
    fn say(&self, status: u16, body: &str) {
        *self.0.lock().unwrap() = Some((status, body.to_owned()));
    }

    fn fall_silent(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// Serves, and gives the address.
    fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let says = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let says = says.clone();
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let mut stream = stream;
                    while lines.by_ref().map_while(Result::ok).find(String::is_empty).is_some() {
                        let said = says.0.lock().unwrap().clone();
                        let Some((status, body)) = said else {
                            std::thread::sleep(Duration::from_secs(60));
                            return;
                        };
                        let length = body.len();
                        let reply = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
                        if stream.write_all(reply.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        format!("http://{address}/risk?key=hush-hush")
    }
}

fn policy(source: &str) -> String {
    format!(
        r#"runtime {{ allow_self_declared_identity = true }}
agent "support" {{
  default deny
  selector "risk" {{ source = "{source}" cache = "1s" timeout = "200ms" on_timeout = defer }}
  rules {{ permit pay if risk.score < 50 }}
}}"#
    )
}

/// Asks until something comes of it.
fn asks_until(running: &Running, effect: &str) -> Value {
    let until = Instant::now() + WAIT;
    loop {
        let reply = running.agent().ask(&govern("pay", "{}"));
        if text(&reply, "result.effect") == effect {
            return reply;
        }
        assert!(Instant::now() < until, "{reply:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_value_is_there_for_the_first_call_and_no_longer_than_it_is_good() {
    let source = Source::default();
    source.say(200, r#"{"score":10}"#);
    let stack = Stack::new(&policy(&source.serve()));
    let running = stack.start();
    let first = running.agent().ask(&govern("pay", "{}"));
    assert_eq!(text(&first, "result.effect"), "PERMIT", "{first:?}");
    source.say(200, r#"{"score":70}"#);
    asks_until(&running, "DENY");
    source.say(200, r#"{"score":20}"#);
    asks_until(&running, "PERMIT");
    // The source is gone: its value is used until it is too old, and then there is none.
    source.say(500, "");
    asks_until(&running, "DENY");
    let status = running.operator().call("status", "{}");
    let warnings = format!("{:?}", at(&status, "result.warnings"));
    assert!(
        warnings.contains("selector `risk` has no value") && warnings.contains("answered 500"),
        "{warnings}"
    );
    assert!(!warnings.contains("hush-hush"), "{warnings}");
    assert_eq!(at(&status, "result.selectors").as_list().unwrap().len(), 1);
    source.fall_silent();
    asks_until(&running, "DEFER");
    source.say(200, r#"{"score":1"#);
    asks_until(&running, "DENY");
    source.say(200, &format!(r#"{{"score":1,"note":"{}"}}"#, "x".repeat(20_000)));
    asks_until(&running, "DENY");
    source.say(200, r#"{"score":1}"#);
    asks_until(&running, "PERMIT");
}

#[test]
fn a_new_policy_has_its_values_when_it_is_in_force() {
    let (old, new) = (Source::default(), Source::default());
    old.say(200, r#"{"score":99}"#);
    new.say(200, r#"{"score":1}"#);
    let stack = Stack::new(&policy(&old.serve()));
    let running = stack.start();
    assert_eq!(text(&running.agent().ask(&govern("pay", "{}")), "result.effect"), "DENY");
    let program: String = compiled(&policy(&new.serve())).iter().map(|byte| format!("{byte:02x}")).collect();
    let reply = running.operator().call("apply", &format!(r#"{{"program":"{program}"}}"#));
    assert_eq!(at(&reply, "error"), &Value::Null, "{reply:?}");
    assert_eq!(text(&running.agent().ask(&govern("pay", "{}")), "result.effect"), "PERMIT");
}
