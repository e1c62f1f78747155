//! Bytes to lines, lines to requests, and what is said about those that are none.

use faramesh_socket::MAX_LINE_BYTES;

use crate::world::{World, at, govern, text};

#[test]
fn lines_arrive_in_any_pieces() {
    let world = World::new();
    let mut client = world.client();
    let lines: String = (0..10).map(|id| govern(&id.to_string(), "kb/search", "{}") + "\n").collect();
    client.send(&lines);
    let mut ids: Vec<i64> = (0..10).map(|_| at(&client.receive(), "id").as_i64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
    for piece in govern("11", "kb/search", "{}").as_bytes().chunks(7) {
        client.send(std::str::from_utf8(piece).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    client.send("\r\n");
    assert_eq!(text(&client.receive(), "result.effect"), "PERMIT", "a carriage return is white space");
}

#[test]
fn a_line_that_is_too_long_is_an_error_and_the_connection_goes_on() {
    let world = World::new();
    let mut client = world.client();
    let longest = govern("1", "kb/search", "{}");
    let padded = longest.clone() + &" ".repeat(MAX_LINE_BYTES - longest.len());
    assert_eq!(text(&client.ask(&padded), "result.effect"), "PERMIT");
    let error = client.ask(&format!("{padded} "));
    assert_eq!(at(&error, "error.code").as_i64(), Some(-32_600));
    assert!(text(&error, "error.message").contains("1048576"), "{error:?}");
    client.send(&"x".repeat(5 << 20));
    assert!(text(&client.receive(), "error.message").contains("1048576"), "told before its end");
    client.send("\n");
    assert_eq!(text(&client.ask(&longest), "result.effect"), "PERMIT");
}

#[test]
fn what_is_no_request_is_an_error() {
    let world = World::new();
    let mut client = world.client();
    for (line, code) in [
        ("", -32_700),
        ("hello", -32_700),
        ("[]", -32_700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"govern","params":{"tool":"a"}"#, -32_700),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"govern","params":{"agent":"support-bot","tool":"kb/a","args":{"x":NaN}}}"#,
            -32_700,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"govern","params":{"agent":"support-bot","tool":"kb/a","args":{"x":1,"x":2}}}"#,
            -32_700,
        ),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"govern","method":"outcome","params":{}}"#, -32_600),
        (
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"govern","params":{"agent":"support-bot","tool":"kb/a"}}"#,
            -32_600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"govern","params":{"agent":"support-bot"},"params":{"tool":"kb/a"}}"#,
            -32_600,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nothing","params":{}}"#, -32_601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"poll_defer","params":{}}"#, -32_602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"poll_defer","params":{"defer_token":"a","wait_ms":-1}}"#,
            -32_602,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"outcome","params":{"action_id":"x","status":"ok"}}"#, -32_602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"outcome","params":{"action_id":"x","status":"fine"}}"#,
            -32_602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"poll_defer","type":"poll_defer","params":{"defer_token":"a"}}"#,
            -32_600,
        ),
    ] {
        let error = client.ask(line);
        assert_eq!(at(&error, "error.code").as_i64(), Some(code), "{line}: {error:?}");
        assert!(!text(&error, "error.message").is_empty());
    }
    client.stream.shutdown(std::net::Shutdown::Both).unwrap();
    let mut client = world.client();
    client.stream.set_nonblocking(false).unwrap();
    use std::io::Write;
    client.stream.write_all(b"\xff\xfe{}\n").unwrap();
    assert_eq!(at(&client.receive(), "error.code").as_i64(), Some(-32_700), "not UTF-8");
}

/// Published clients ask again after an error, so a call that is no call is denied.
#[test]
fn a_malformed_call_is_denied() {
    let world = World::new();
    let mut client = world.client();
    for params in [
        "{}",
        "[]",
        "5",
        r#"{"agent":"support-bot"}"#,
        r#"{"agent":"support-bot","tool":5}"#,
        r#"{"agent_id":"support-bot","tool":""}"#,
        r#"{"agent":"support-bot","tool":"kb/a","tool":"kb/b"}"#,
        r#"{"agent":"support-bot","tool":null,"tool":"kb/b"}"#,
        r#"{"agent":"support-bot","tool":"kb/b","tool":null}"#,
        r#"{"agent":"support-bot","tool":"kb/a","args":{},"args":{}}"#,
        r#"{"agent":"support-bot","tool":"kb/a","args":null,"args":{}}"#,
        r#"{"agent":"support-bot","tool":"kb/a","tags":null,"tags":{}}"#,
        r#"{"agent":"support-bot","tool":"kb/a","colour":"red"}"#,
        r#"{"agent":"support-bot","tool":"kb/a","tags":[]}"#,
        r#"{"agent":"support-bot","tool":"kb/a","action":"teleport"}"#,
        r#"{"agent":"support-bot","tool":"kb/a","http":{"host":5}}"#,
        r#"{"agent":"support-bot","tool":"kb/a","http":{"host":"x","colour":"red"}}"#,
        r#"{"agent":"support-bot","tool":"kb/a","http":{"port":70000}}"#,
    ] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"govern","params":{params}}}"#);
        let reply = client.ask(&line);
        assert_eq!(text(&reply, "result.effect"), "DENY", "{params}: {reply:?}");
        assert_eq!(text(&reply, "result.code"), "CALL_INVALID", "{params}");
        assert_eq!(text(&reply, "result.reason_code"), "CALL_INVALID", "{params}");
        assert_eq!(at(&reply, "id").as_i64(), Some(7), "{params}");
    }
    let beside =
        r#"{"jsonrpc":"2.0","id":1,"method":"govern","tool":"kb/a","params":{"agent":"support-bot"}}"#;
    assert_eq!(text(&client.ask(beside), "result.code"), "CALL_INVALID");
    let late = r#"{"params":{"agent":"support-bot","colour":1},"method":"govern","id":"late"}"#;
    assert_eq!(text(&client.ask(late), "id"), "late");
}

#[test]
fn ids_come_back_as_they_came() {
    let world = World::new();
    let mut client = world.client();
    for id in ["1", "0", "-5", "9007199254740993", r#""a""#, r#""é\n\"""#, "null"] {
        let line = govern(id, "kb/search", "{}");
        client.send(&format!("{line}\n"));
        let reply = client.line();
        assert!(reply.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result""#)), "{id}: {reply}");
    }
}

#[test]
fn operators_methods_do_not_exist_here() {
    let world = World::new();
    let mut client = world.client();
    for method in [
        "status",
        "apply",
        "approvals.list",
        "approvals.show",
        "approvals.approve",
        "approvals.deny",
        "audit.ls",
        "audit.get",
        "audit.raw",
        "audit.tail",
        "shutdown",
        "rollback",
    ] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
        assert_eq!(at(&client.ask(&line), "error.code").as_i64(), Some(-32_601), "{method}");
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"id":"apr-1","reason":"me"}}}}"#
        );
        assert_eq!(at(&client.ask(&line), "error.code").as_i64(), Some(-32_601), "{method}");
    }
}

#[test]
fn an_outcome_is_recorded() {
    let world = World::new();
    let mut client = world.client();
    let reply = client.ask(&govern("1", "kb/search", "{}"));
    let id = text(&reply, "result.action_id");
    let line = format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"outcome","params":{{"agent":"support-bot","action_id":"{id}","status":"error","duration_ms":12,"error":"TimeoutError"}}}}"#
    );
    assert_eq!(at(&client.ask(&line), "result").as_object().map(faramesh_call::Object::len), Some(0));
    // The tool has run, so the reply does not wait for the record.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let outcome = loop {
        let records = world.gate.ledger().query(&faramesh_ledger::Filter::default()).unwrap();
        if let Some(outcome) = records.into_iter().find(|record| record.parent().as_deref() == Some(id)) {
            break outcome;
        }
        assert!(std::time::Instant::now() < deadline, "the outcome was never recorded");
    };
    let detail = outcome.detail().unwrap();
    assert_eq!((text(&detail, "status"), text(&detail, "error")), ("error", "TimeoutError"));
}
