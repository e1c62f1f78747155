//! Both backends keep the same promise.

use std::time::{Duration, Instant};

use faramesh_fleet::{Ask, Fleet, FleetError, Lessee};
use faramesh_state::limits::{Of, Period, Share, Want, WantOf};

use crate::postgres_server::Server;
use crate::redis_server::Redis;

fn lessee(instance: &str) -> Lessee {
    Lessee { stack: "payments".to_owned(), instance: instance.to_owned() }
}

fn want(held: u64, need: u64, max: u64) -> Ask {
    let money = Some(Share { held, need, max });
    let of = WantOf::Sum { period: Period::Day(20_000), money, calls: None };
    let want = Want { agent: "bot".into(), key: "daily".into(), of, urgent: need > 0 };
    Ask { want, desired: need, desired_calls: 0 }
}

fn micros(of: &Option<Of>) -> u64 {
    match of {
        Some(Of::Sum { more, .. }) => more.micros,
        _ => 0,
    }
}

/// Eight daemons lease in a race until there is no more.
fn never_more_than_there_is(url: &str) {
    const MAX: u64 = 1_000_000;
    let leased: Vec<u64> = std::thread::scope(|scope| {
        let daemon = |number: u64| {
            move || {
                let mut fleet = Fleet::at(url, lessee(&format!("daemon-{number}"))).unwrap();
                let (mut held, mut refused) = (0, 0);
                for step in 0..2_000 {
                    let need = (step * 7_919 + number * 31) % 900 + 1;
                    let got = micros(&fleet.lease(&want(held, need, MAX)).unwrap());
                    held += got;
                    refused = if got == 0 { refused + 1 } else { 0 };
                    if refused > 20 {
                        break;
                    }
                }
                held
            }
        };
        let running: Vec<_> = (0..8).map(|number| scope.spawn(daemon(number))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let all: u64 = leased.iter().sum();
    assert!(all <= MAX, "{leased:?}");
    assert!(all > MAX - 1_000, "nearly all of it can be had: {all}");
    assert!(leased.iter().filter(|share| **share > 0).count() >= 2, "{leased:?}");
}

fn calls_and_money_are_apart_and_names_too(url: &str) {
    let mut fleet = Fleet::at(url, lessee("one")).unwrap();
    let ask = |money: Option<Share>, calls: Option<Share>, agent: &str| Ask {
        want: Want {
            agent: agent.into(),
            key: "k".into(),
            of: WantOf::Sum { period: Period::Session("s".into()), money, calls },
            urgent: true,
        },
        desired: 1,
        desired_calls: 1,
    };
    let share = |need, max| Some(Share { held: 0, need, max });
    let found = |fleet: &mut Fleet, ask: &Ask| match fleet.lease(ask).unwrap() {
        Some(Of::Sum { more, .. }) => (more.micros, more.calls, more.fleet_micros, more.fleet_calls),
        _ => (0, 0, 0, 0),
    };
    assert_eq!(found(&mut fleet, &ask(share(5, 10), share(1, 2), "a")), (5, 1, 5, 1));
    assert_eq!(found(&mut fleet, &ask(share(5, 10), share(1, 2), "a")), (5, 1, 10, 2));
    assert_eq!(found(&mut fleet, &ask(share(1, 10), share(1, 2), "a")), (0, 0, 0, 0));
    assert_eq!(found(&mut fleet, &ask(None, share(1, 2), "b")), (0, 1, 0, 1), "another agent");
    let mut other = Fleet::at(url, Lessee { stack: "other".to_owned(), instance: "one".to_owned() }).unwrap();
    assert_eq!(found(&mut other, &ask(share(5, 10), None, "a")), (5, 0, 5, 0), "another stack");
}

fn a_backend_that_forgot_is_told_what_is_held(url: &str) {
    let mut fleet = Fleet::at(url, lessee("late")).unwrap();
    let ask = |held, need| {
        let mut ask = want(held, need, 1_000);
        ask.want.agent = "told".into();
        ask
    };
    // It knows of nothing, and this daemon holds 900.
    assert_eq!(micros(&fleet.lease(&ask(900, 200)).unwrap()), 0);
    assert_eq!(micros(&fleet.lease(&ask(900, 100)).unwrap()), 100);
    assert_eq!(micros(&fleet.lease(&ask(1_000, 1)).unwrap()), 0);
}

fn tokens_come_back_as_fast_as_the_rate_says(url: &str) {
    let mut fleets: Vec<Fleet> =
        (0..3).map(|number| Fleet::at(url, lessee(&format!("rate-{number}"))).unwrap()).collect();
    let of = WantOf::Tokens { count: 50, period_ms: 1_000, burst: 10 };
    let want = Want { agent: "bot".into(), key: "pay per second".into(), of, urgent: true };
    let ask = Ask { want, desired: 1, desired_calls: 0 };
    let began = Instant::now();
    let mut taken = 0_u64;
    while began.elapsed() < Duration::from_millis(1_500) {
        for fleet in &mut fleets {
            if let Some(Of::Tokens { tokens, .. }) = fleet.lease(&ask).unwrap() {
                taken += u64::from(tokens);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let most = 10.0 + 50.0 * began.elapsed().as_secs_f64() + 1.0;
    assert!(taken as f64 <= most, "{taken} of at most {most}");
    assert!(taken as f64 >= most * 0.6, "{taken} of {most}");
}

#[test]
fn redis_keeps_the_promise() {
    let Some(mut redis) = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let url = redis.url();
    never_more_than_there_is(&url);
    calls_and_money_are_apart_and_names_too(&url);
    a_backend_that_forgot_is_told_what_is_held(&url);
    tokens_come_back_as_fast_as_the_rate_says(&url);
    // What it wrote to its disk is there when it comes back from a kill.
    let mut fleet = Fleet::at(&url, lessee("daemon-0")).unwrap();
    redis.kill();
    let error = fleet.lease(&want(0, 1, 1_000_000)).unwrap_err().to_string();
    assert!(error.starts_with("redis at 127.0.0.1:") && error.ends_with("it cannot be reached"), "{error}");
    redis.run();
    let began = Instant::now();
    loop {
        match fleet.lease(&want(0, 1_000, 1_000_000)) {
            Ok(given) => {
                assert_eq!(micros(&given), 0, "everything is leased still");
                break;
            }
            Err(error) => assert!(began.elapsed() < Duration::from_secs(10), "{error}"),
        }
    }
}

#[test]
fn redis_says_why_not() {
    let Some(redis) = Redis::start(&["--requirepass", "CANARY-PASSWORD"]) else { return };
    let fails =
        |url: &str| Fleet::at(url, lessee("one")).unwrap().lease(&want(0, 1, 10)).unwrap_err().to_string();
    let error = fails(&redis.url());
    assert!(error.contains("it does not accept the password, or wants one"), "{error}");
    let error = fails(&format!("redis://:wrong-CANARY@127.0.0.1:{}", redis.port));
    assert!(error.contains("password") && !error.contains("CANARY"), "{error}");
    let right = format!("redis://:CANARY-PASSWORD@127.0.0.1:{}/", redis.port);
    let mut fleet = Fleet::at(&right, lessee("one")).unwrap();
    assert!(!fleet.place().contains("CANARY") && !format!("{fleet:?}").contains("CANARY"));
    assert_eq!(micros(&fleet.lease(&want(0, 1, 10)).unwrap()), 1);
    for url in ["http://x", "redis//x", ""] {
        assert_eq!(Fleet::at(url, lessee("one")).unwrap_err(), FleetError::Address);
    }
}

#[test]
fn a_lease_waits_for_replicas_when_it_is_told_to() {
    let Some(redis) = Redis::start(&[]) else { return };
    let mut alone = Fleet::at(&format!("{}/?wait=1", redis.url()), lessee("one")).unwrap();
    let error = alone.lease(&want(0, 1, 10)).unwrap_err().to_string();
    assert!(error.contains("0 of 1 replicas"), "{error}");
    let port = redis.port.to_string();
    let Some(replica) = Redis::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let began = Instant::now();
    while alone.lease(&want(0, 1, 10)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "the replica does not follow");
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut at_replica = Fleet::at(&replica.url(), lessee("two")).unwrap();
    let error = at_replica.lease(&want(0, 1, 10)).unwrap_err().to_string();
    assert!(error.contains("it is a replica"), "{error}");
}

#[test]
fn postgres_keeps_the_promise() {
    let Some(mut server) = Server::start() else { return };
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port);
    never_more_than_there_is(&url);
    calls_and_money_are_apart_and_names_too(&url);
    a_backend_that_forgot_is_told_what_is_held(&url);
    tokens_come_back_as_fast_as_the_rate_says(&url);
    let mut fleet = Fleet::at(&url, lessee("daemon-0")).unwrap();
    server.stop_at_once();
    assert!(matches!(fleet.lease(&want(0, 1, 1_000_000)), Err(FleetError::Unreachable { .. })));
    server.run();
    assert_eq!(micros(&fleet.lease(&want(0, 1_000, 1_000_000)).unwrap()), 0, "everything is leased still");
}
