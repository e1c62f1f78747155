//! Rubbish, haste and idleness: each ends with an answer or a closed connection, and nobody else notices.

use std::io::Write;
use std::net::TcpStream;

use faramesh_http::{MAX_BODY_BYTES, MAX_CONNECTIONS};

use crate::world::{BOT, JSON, WAIT, World, answer, bearer, head};

#[test]
fn what_is_no_request_is_told_so() {
    let world = World::new();
    let authorised = ("Authorization", &*bearer(BOT));
    for (method, path, fields, expected) in [
        ("GET", "/v1/evaluate", vec![authorised], 405),
        ("DELETE", "/v1/approvals/apr-1", vec![authorised], 405),
        ("POST", "/v2/evaluate", vec![authorised, JSON], 404),
        ("GET", "/../../etc/passwd", vec![authorised], 404),
        ("POST", "/v1/evaluate", vec![authorised], 415),
        ("POST", "/v1/evaluate", vec![authorised, ("Content-Type", "text/plain")], 415),
        ("POST", "/v1/evaluate", vec![authorised, ("Content-Type", "application/json; charset=utf-8")], 400),
    ] {
        let got = world.request(method, path, &fields, "{}");
        assert_eq!(got.status, expected, "{method} {path} {fields:?}: {}", got.body);
        assert_eq!(got.text("effect"), "DENY", "a client that reads only the body denies");
    }
    for rubbish in
        [&b"\0\xff\x16\x03\x01"[..], b"GET", b"POST /v1/evaluate HTTP/9.9\r\n\r\n", &[b'a'; 100_000]]
    {
        let mut stream = TcpStream::connect(world.address).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        let _ = stream.write_all(rubbish);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let got = answer(&mut stream);
        assert!(got.status == 0 || (400..500).contains(&got.status), "{got:?}");
    }
    assert_eq!(world.post("/v1/evaluate", r#"{"tool":"search"}"#).status, 200);
}

#[test]
fn large_requests_are_refused_and_the_largest_call_is_not() {
    let world = World::new();
    let large = format!(r#"{{"tool":"refund","args":{{"amount":1,"x":"{}"}}}}"#, "a".repeat((1 << 20) - 100));
    assert_eq!(world.post("/v1/evaluate", &large).status, 200);
    let larger = format!(r#"{{"tool":"refund","args":{{"amount":1,"x":"{}"}}}}"#, "a".repeat(1 << 20));
    let got = world.post("/v1/evaluate", &larger);
    assert_eq!((got.status, &*got.text("code")), (400, "CALL_INVALID"));
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let fields = [("Authorization", &*bearer(BOT)), JSON];
    stream.write_all(head("POST", "/v1/evaluate", &fields, MAX_BODY_BYTES + 1).as_bytes()).unwrap();
    let _ = stream.write_all(&vec![b' '; MAX_BODY_BYTES + 1]);
    assert_eq!(answer(&mut stream).status, 413);
}

#[test]
fn idle_connections_up_to_the_bound_keep_nobody_out() {
    let world = World::new();
    let idle: Vec<TcpStream> =
        (0..MAX_CONNECTIONS - 1).map_while(|_| TcpStream::connect(world.address).ok()).collect();
    assert!(idle.len() > 500, "this test needs descriptors");
    for _ in 0..20 {
        assert_eq!(world.post("/v1/evaluate", r#"{"tool":"payout"}"#).status, 403);
    }
    drop(idle);
}

#[test]
fn one_connection_carries_many_requests() {
    let world = World::new();
    let agent =
        ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    for amount in 0..200 {
        let response = agent
            .post(format!("http://{}/v1/evaluate", world.address))
            .header("Authorization", bearer(BOT))
            .header("Content-Type", "application/json")
            .send(format!(r#"{{"tool":"refund","args":{{"amount":{amount}}}}}"#));
        assert_eq!(response.unwrap().status(), 200);
    }
}

#[test]
fn what_is_in_flight_is_answered_before_the_door_closes() {
    let world = World::new();
    let token = world.post("/v1/evaluate", r#"{"tool":"refund","args":{"amount":5000}}"#).text("defer_token");
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.get(&format!("/v1/approvals/{token}?wait=30")));
        std::thread::sleep(std::time::Duration::from_millis(200));
        world.stopper.stop();
        waiting.join().unwrap()
    });
    assert_eq!((waited.status, &*waited.text("status")), (200, "pending"));
}
