//! Operators' requests that are none, and those that are too large.

use std::io::Write;

use crate::world::{POLICY, Stack, at, govern, text};

#[test]
fn what_is_no_request_is_an_error_and_the_connection_goes_on() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut operator = running.operator();
    for (line, code) in [
        ("", "NOT_JSON"),
        ("hello", "NOT_JSON"),
        ("{\"a\":1,\"a\":2}", "NOT_JSON"),
        ("5", "UNKNOWN_METHOD"),
        ("[]", "UNKNOWN_METHOD"),
        ("{\"method\":5}", "UNKNOWN_METHOD"),
        ("{\"method\":\"govern\",\"params\":{}}", "UNKNOWN_METHOD"),
        ("{\"method\":\"approvals.show\",\"params\":[]}", "INVALID_PARAMS"),
    ] {
        assert_eq!(text(&operator.ask(line), "error.data.code"), code, "{line}");
    }
    operator.stream.write_all(b"\xff\xfe\n").unwrap();
    assert!(operator.line().unwrap().contains("NOT_JSON"));
    assert_eq!(text(&operator.call("status", "{}"), "result.daemon.state"), "READY");
}

#[test]
fn an_endless_request_is_cut_off_and_agents_go_on() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut operator = running.operator();
    let chunk = vec![b'x'; 1 << 20];
    let mut sent = 0;
    let mut agent = running.agent();
    for number in 0..300 {
        if operator.stream.write_all(&chunk).is_err() {
            break;
        }
        sent += 1;
        if number % 50 == 0 {
            assert_eq!(text(&agent.ask(&govern("kb/search", "{}")), "result.effect"), "PERMIT");
        }
    }
    assert!((255..=258).contains(&sent), "{sent} MiB were taken");
    let told = operator.line().unwrap_or_default();
    assert!(told.contains("TOO_LARGE"), "{told:?}");
    assert_eq!(operator.line(), None);
    assert!(at(&running.operator().call("status", "{}"), "result").as_object().is_some());
}

#[test]
fn more_operators_than_the_bound_are_turned_away() {
    let stack = Stack::new(POLICY);
    let running = stack.start();
    let mut operators: Vec<_> = (0..64).map(|_| running.operator()).collect();
    for operator in &mut operators {
        assert_eq!(text(&operator.call("status", "{}"), "result.daemon.state"), "READY");
    }
    assert!(running.operator().try_ask("{\"method\":\"status\"}").is_none());
    operators.pop();
    let deadline = std::time::Instant::now() + crate::world::WAIT;
    while running.operator().try_ask("{\"method\":\"status\"}").is_none() {
        assert!(std::time::Instant::now() < deadline, "a place that is free is not given");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
