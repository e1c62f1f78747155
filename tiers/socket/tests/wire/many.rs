//! Many clients at once: each gets its own replies, and nobody can hold up the others.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::world::{World, at, govern, text};

#[test]
fn every_reply_goes_to_the_one_who_asked() {
    let world = World::new();
    let (clients, rounds, pipelined) = (64, 4, 50);
    std::thread::scope(|scope| {
        for number in 0..clients {
            let world = &world;
            scope.spawn(move || {
                for round in 0..rounds {
                    let mut client = world.client();
                    let id = |request: usize| format!("\"{number}-{round}-{request}\"");
                    let lines: String = (0..pipelined)
                        .map(|request| {
                            let tool = if request % 3 == 0 { "stripe/payouts" } else { "kb/search" };
                            govern(&id(request), tool, "{}") + "\n"
                        })
                        .collect();
                    client.send(&lines);
                    let mut seen: Vec<String> = (0..pipelined)
                        .map(|_| {
                            let reply = client.receive();
                            let id = text(&reply, "id").to_owned();
                            let request: usize = id.rsplit('-').next().unwrap().parse().unwrap();
                            let expected = if request.is_multiple_of(3) { "DENY" } else { "PERMIT" };
                            assert_eq!(text(&reply, "result.effect"), expected, "{id}");
                            format!("\"{id}\"")
                        })
                        .collect();
                    seen.sort();
                    let mut expected: Vec<String> = (0..pipelined).map(id).collect();
                    expected.sort();
                    assert_eq!(seen, expected);
                }
            });
        }
    });
}

/// Clients come and go with calls in flight, so that places are reused while replies are on their way.
#[test]
fn no_reply_goes_to_a_connection_in_the_same_place() {
    let world = World::new();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for round in 0..300 {
                    let id = format!("\"{number}-{round}\"");
                    let mut gone = world.client();
                    gone.send(&(govern("\"gone\"", "kb/search", "{}") + "\n").repeat(5));
                    drop(gone);
                    let mut client = world.client();
                    let reply = client.ask(&govern(&id, "kb/search", "{}"));
                    assert_eq!(format!("\"{}\"", text(&reply, "id")), id);
                }
            });
        }
    });
}

#[test]
fn a_client_that_says_no_more_still_gets_its_replies() {
    let world = World::new();
    for _ in 0..100 {
        let mut client = world.client();
        client.send(&(0..20).map(|id| govern(&id.to_string(), "kb/search", "{}") + "\n").collect::<String>());
        client.stream.shutdown(Shutdown::Write).unwrap();
        for _ in 0..20 {
            assert_eq!(text(&client.receive(), "result.effect"), "PERMIT");
        }
        assert_eq!(client.line(), "", "and then the connection ends");
    }
}

#[test]
fn a_client_that_never_reads_is_disconnected_and_others_go_on() {
    let world = World::new();
    let mut slow = world.client();
    slow.stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let lines = (govern("1", "stripe/payouts", "{}") + "\n").repeat(200);
    let mut healthy = world.client();
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    let broken = loop {
        if let Err(error) = slow.stream.write_all(lines.as_bytes()) {
            break error;
        }
        let asked = Instant::now();
        assert_eq!(at(&healthy.ask(&govern("7", "kb/search", "{}")), "id").as_i64(), Some(7));
        slowest = slowest.max(asked.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(60), "it was never disconnected");
    };
    assert!(
        matches!(broken.kind(), std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset),
        "{broken}"
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert_eq!(at(&healthy.ask(&govern("8", "kb/search", "{}")), "id").as_i64(), Some(8));
}

#[test]
fn a_fast_client_cannot_keep_the_others_waiting() {
    let world = World::new();
    let mut fast = world.client();
    let mut reader = fast.stream.try_clone().unwrap();
    let stopped = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopped = &stopped;
        scope.spawn(move || drop(std::io::copy(&mut reader, &mut std::io::sink())));
        scope.spawn(move || {
            let lines = (govern("1", "kb/search", "{}") + "\n").repeat(500);
            while !stopped.load(std::sync::atomic::Ordering::Acquire) {
                fast.send(&lines);
            }
            fast.stream.shutdown(Shutdown::Both).unwrap();
        });
        let mut healthy = world.client();
        let mut slowest = Duration::ZERO;
        for _ in 0..100 {
            let asked = Instant::now();
            healthy.ask(&govern("7", "kb/search", "{}"));
            slowest = slowest.max(asked.elapsed());
        }
        stopped.store(true, std::sync::atomic::Ordering::Release);
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    });
}
