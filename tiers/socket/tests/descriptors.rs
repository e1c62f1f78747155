//! Many connections, few descriptors, and none left behind. One test at a time: the limits and the
//! count are those of the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

#[path = "wire/world.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod world;

use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use world::{Client, World, govern, text};

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn set_limit(current: u64) -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current.unwrap();
    limit.current = Some(current);
    setrlimit(Resource::Nofile, limit).unwrap();
    before
}

#[test]
fn five_thousand_idle_connections_leave_healthy_clients_alone() {
    let _alone = alone();
    let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    if hard < 10_500 {
        println!("skipped: the limit of descriptors is {hard}, and 10,500 are needed");
        return;
    }
    let before = set_limit(hard.min(20_000));
    let world = World::new();
    let slowest = |world: &World| {
        let mut client = world.client();
        let mut times: Vec<Duration> = (0..500)
            .map(|_| {
                let asked = Instant::now();
                assert_eq!(text(&client.ask(&govern("1", "kb/search", "{}")), "result.effect"), "PERMIT");
                asked.elapsed()
            })
            .collect();
        times.sort();
        times[494]
    };
    let quiet = slowest(&world);
    let idle: Vec<UnixStream> = (0..5_000).map(|_| UnixStream::connect(&world.path).unwrap()).collect();
    let busy = slowest(&world);
    println!("p99 without and with 5,000 idle connections: {quiet:?} {busy:?}");
    // Three times as long, and some room for a machine that does other things.
    assert!(busy < quiet * 3 + Duration::from_millis(20), "{quiet:?} became {busy:?}");
    drop(idle);
    drop(world);
    set_limit(before);
}

#[test]
fn a_server_without_descriptors_goes_on_when_there_are_some_again() {
    let _alone = alone();
    let world = World::new();
    let mut early = world.client();
    early.ask(&govern("1", "kb/search", "{}"));
    let mut streams = Vec::new();
    let before = set_limit(u64::try_from(open_descriptors()).unwrap() + 40);
    while let Ok(stream) = UnixStream::connect(&world.path) {
        streams.push(stream);
        if streams.len() > 200 {
            break;
        }
    }
    assert!(streams.len() < 200, "the limit had no effect");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(text(&early.ask(&govern("2", "kb/search", "{}")), "result.effect"), "PERMIT");
    // The last ones wait in the queue of the listener until there is room.
    let last = streams.pop().unwrap();
    drop(streams);
    let mut last = Client::new(last);
    assert_eq!(text(&last.ask(&govern("3", "kb/search", "{}")), "result.effect"), "PERMIT");
    set_limit(before);
    assert_eq!(text(&world.client().ask(&govern("4", "kb/search", "{}")), "result.effect"), "PERMIT");
}

#[test]
fn clients_that_are_gone_are_forgotten() {
    let _alone = alone();
    let world = World::new();
    world.client().ask(&govern("1", "kb/search", "{}"));
    let deferred = world.client().ask(&govern("1", "stripe/refund", r#"{"amount":8000}"#));
    let token = text(&deferred, "result.defer_token").to_owned();
    let before = open_descriptors();
    for number in 0..2_000 {
        let mut client = world.client();
        match number % 4 {
            0 => drop(client.ask(&govern("1", "kb/search", "{}"))),
            1 => client.send(&(govern("1", "kb/search", "{}") + "\n")),
            2 => client.send("{\"half"),
            _ => client.send(&format!(
                "{{\"id\":1,\"method\":\"poll_defer\",\"params\":{{\"defer_token\":\"{token}\",\"wait_ms\":60000}}}}\n"
            )),
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while open_descriptors() > before + 5 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = open_descriptors();
    assert!(after <= before + 5, "{before} descriptors became {after}");
}
