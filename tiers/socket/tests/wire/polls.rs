//! Polls that wait.

use std::time::{Duration, Instant};

use crate::world::{Client, World, at, govern, text};

fn deferred(client: &mut Client, amount: u32) -> String {
    let reply = client.ask(&govern("1", "stripe/refund", &format!("{{\"amount\":{amount}}}")));
    text(&reply, "result.defer_token").to_owned()
}

fn poll(id: u32, token: &str, wait_ms: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"poll_defer","params":{{"defer_token":"{token}","wait_ms":{wait_ms}}}}}"#
    )
}

#[test]
fn a_poll_is_answered_when_a_person_answers() {
    let world = World::new();
    for approved in [true, false] {
        let mut client = world.client();
        let token = deferred(&mut client, 8_000 + u32::from(approved));
        client.send(&(poll(2, &token, 60_000) + "\n"));
        // Other calls of the connection are not held up.
        assert_eq!(at(&client.ask(&govern("3", "kb/search", "{}")), "id").as_i64(), Some(3));
        let asked = Instant::now();
        world.answer(&token, approved);
        let reply = client.receive();
        assert!(asked.elapsed() < Duration::from_secs(5));
        assert_eq!(at(&reply, "id").as_i64(), Some(2));
        assert_eq!(text(&reply, "result.status"), if approved { "approved" } else { "denied" });
        assert_eq!(text(&reply, "result.reason"), "looked at it");
        // This kind of poll uses nothing up.
        let again = client.ask(&poll(4, &token, 60_000));
        assert_eq!(text(&again, "result.status"), if approved { "approved" } else { "denied" });
    }
}

#[test]
fn a_poll_ends_with_its_time() {
    let world = World::new();
    let mut client = world.client();
    let token = deferred(&mut client, 8_000);
    let asked = Instant::now();
    assert_eq!(text(&client.ask(&poll(1, &token, 300)), "result.status"), "pending");
    let waited = asked.elapsed();
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(5), "{waited:?}");
    let asked = Instant::now();
    assert_eq!(text(&client.ask(&poll(1, &token, 0)), "result.status"), "pending");
    assert_eq!(text(&client.ask(&poll(1, "apr-0", 60_000)), "result.status"), "unknown");
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn too_many_polls_that_wait_are_answered_as_they_stand() {
    let world = World::new();
    let token = deferred(&mut world.client(), 8_000);
    let mut clients = Vec::new();
    // Each connection may have so many in flight.
    for _ in 0..faramesh_socket::MAX_WAITING / 128 {
        let mut client = world.client();
        client.send(&(0..128).map(|id| poll(id, &token, 60_000) + "\n").collect::<String>());
        clients.push(client);
    }
    for client in &mut clients {
        let reply = client.ask(&govern("500", "kb/search", "{}"));
        assert_eq!(at(&reply, "id").as_i64(), Some(500), "nothing else was answered");
    }
    let mut beyond = world.client();
    assert_eq!(text(&beyond.ask(&poll(1, &token, 60_000)), "result.status"), "pending");
    // A client that is gone makes room.
    drop(clients.pop());
    let mut client = world.client();
    let mut settled = false;
    for _ in 0..50 {
        client.send(&(poll(1, &token, 60_000) + "\n"));
        let reply = client.ask(&govern("2", "kb/search", "{}"));
        if at(&reply, "id").as_i64() == Some(2) {
            settled = true;
            break;
        }
        client.receive();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(settled, "the polls of a client that is gone still wait");
    world.answer(&token, true);
    for client in &mut clients {
        for _ in 0..128 {
            assert_eq!(text(&client.receive(), "result.status"), "approved");
        }
    }
}

#[test]
fn a_client_whose_polls_fill_its_bound_goes_on_when_they_are_answered() {
    let world = World::new();
    let mut client = world.client();
    let token = deferred(&mut client, 8_000);
    let polls = 300;
    client.send(&(0..polls).map(|id| poll(id, &token, 60_000) + "\n").collect::<String>());
    std::thread::sleep(Duration::from_millis(100));
    client.send(&(govern("1000", "kb/search", "{}") + "\n"));
    std::thread::sleep(Duration::from_millis(100));
    world.answer(&token, true);
    let ids: Vec<i64> = (0..=polls).map(|_| at(&client.receive(), "id").as_i64().unwrap()).collect();
    assert!(ids.contains(&1000));
}

#[test]
fn polls_are_answered_when_the_server_stops() {
    let mut world = World::new();
    let mut client = world.client();
    let token = deferred(&mut client, 8_000);
    client.send(&(poll(2, &token, 60_000) + "\n"));
    client.ask(&govern("3", "kb/search", "{}"));
    world.stop();
    assert_eq!(text(&client.receive(), "result.status"), "pending");
    assert_eq!(client.line(), "");
}
