//! A daemon that is told to stop drains: what was asked is answered, and the end is recorded.

use std::io::Write;

use faramesh_ledger::{Filter, Reader, verify};

use crate::world::{POLICY, Running, Stack, at, govern, text};
use faramesh_daemon::admin_socket_of;

fn assert_halted(stack: &Stack, running: &mut Running, reason: &str) {
    let status = running.ended();
    assert!(status.success(), "{status}: {}", running.errors());
    assert_eq!(running.stopped(), format!("{reason} 0"));
    assert!(!running.socket.exists() && !admin_socket_of(&running.socket).exists());
    let records = Reader::open(stack.ledger()).unwrap().query(&Filter::default()).unwrap();
    let detail = records.last().unwrap().detail().unwrap();
    assert_eq!((text(&detail, "state"), text(&detail, "reason")), ("HALT", reason));
    let states: Vec<_> = records
        .iter()
        .filter_map(|record| Some(text(&record.detail()?, "state").to_owned()))
        .filter(|state| !state.is_empty())
        .collect();
    assert_eq!(states, ["in_force", "READY", "HALT"]);
    verify(&stack.ledger(), &mut |_| {}).unwrap();
}

#[test]
fn sigterm_drains() {
    let stack = Stack::new(POLICY);
    let mut running = stack.start();
    let mut waiting = running.agent();
    let deferred = waiting.ask(&govern("stripe/refund", r#"{"amount":8000}"#));
    let token = text(&deferred, "result.defer_token").to_owned();
    let poll = format!(
        r#"{{"jsonrpc":"2.0","id":9,"method":"poll_defer","params":{{"defer_token":"{token}","wait_ms":60000}}}}"#
    );
    waiting.stream.write_all(format!("{poll}\n").as_bytes()).unwrap();
    let mut clients: Vec<_> = (0..8).map(|_| running.agent()).collect();
    let lines = (govern("kb/search", "{}") + "\n").repeat(50);
    for client in &mut clients {
        client.stream.write_all(lines.as_bytes()).unwrap();
    }
    // The first reply shows that the daemon has read; the others are in flight.
    let mut replies: Vec<Vec<String>> =
        clients.iter_mut().map(|client| vec![client.line().unwrap()]).collect();
    running.terminate();
    for (client, replies) in clients.iter_mut().zip(&mut replies) {
        replies.extend(std::iter::from_fn(|| client.line()));
    }
    let told = waiting.line().expect("a poll that waits is answered");
    assert!(told.contains("pending"), "{told}");
    assert_halted(&stack, &mut running, "signal");
    let recorded = Reader::open(stack.ledger()).unwrap();
    let mut permits = 0;
    for reply in replies.iter().flatten() {
        let reply = faramesh_call::json::parse(reply.as_bytes()).unwrap();
        match text(&reply, "result.effect") {
            "PERMIT" => {
                permits += 1;
                assert_eq!(recorded.get(text(&reply, "result.action_id")).unwrap().len(), 1);
            }
            _ => assert_eq!(text(&reply, "result.code"), "DAEMON_NOT_READY", "{reply:?}"),
        }
    }
    assert!(permits >= 8, "{permits}");
    // Every decision that was recorded was answered.
    let filter = Filter { tool: Some("kb/search".to_owned()), ..Filter::default() };
    assert_eq!(recorded.query(&filter).unwrap().len(), permits);
}

#[test]
fn an_operator_stops_it() {
    let stack = Stack::new(POLICY);
    let mut running = stack.start();
    running.agent().ask(&govern("kb/search", "{}"));
    // One who follows the ledger and one who says nothing are let go.
    let mut follower = running.operator();
    assert!(at(&follower.call("audit.tail", "{}"), "result").as_object().is_some());
    let _idle = running.operator();
    assert!(at(&running.operator().call("shutdown", "{}"), "result").as_object().is_some());
    assert_halted(&stack, &mut running, "operator");
}

#[test]
fn sigterm_twice_is_one_stop() {
    let stack = Stack::new(POLICY);
    let mut running = stack.start();
    running.terminate();
    running.terminate();
    assert_halted(&stack, &mut running, "signal");
}
