//! The webhook against a server that fails in every way that servers fail in.

use std::time::{Duration, Instant};

use faramesh_sinks::State;

use crate::server::{Answer, Server};
use crate::setting::{
    KEY, append, assert_at_least_once, assert_complete, limits, open, sinks, status_when, webhook,
};

#[test]
fn everything_arrives_once_and_in_order_over_many_segments() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 100);
    let server = Server::start(KEY, &[]);
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &server)]);
    append(&ledger, 200);
    let last = ledger.last_seq();
    assert!(ledger.status().segment > 3);
    server.wait_for(last);
    assert_complete(&server.taken(), last);
    assert!(server.requests().iter().all(|request| request.seqs.len() <= 50));
    assert_eq!(server.requests()[0].authorization.as_deref(), Some("Bearer CANARY-TOKEN"));
    let status = status_when(&sinks, "siem", |status| status.lag == 0);
    assert_eq!((status.state, status.delivered, status.last_error), (State::Healthy, last, None));
    assert!(status.last_delivery.is_some());
}

#[test]
fn it_outlives_failures_and_sends_the_same_message_again() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 120);
    let script = [
        Answer::Status(500, ""),
        Answer::Close,
        Answer::Hang(Duration::from_secs(3)),
        Answer::Status(503, ""),
        Answer::Status(200, ""),
        Answer::Status(400, ""),
        Answer::Status(410, ""),
        Answer::Status(302, "location: http://127.0.0.1:1/\r\n"),
        Answer::TakeAndClose,
    ];
    let server = Server::start(KEY, &script);
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &server)]);
    let last = ledger.last_seq();
    server.wait_for(last);
    assert_at_least_once(&server.taken(), last);
    let requests = server.requests();
    assert!(requests[..5].iter().all(|request| request.id == requests[0].id), "{requests:?}");
    assert!(requests[5..10].iter().all(|request| request.id == requests[5].id), "{requests:?}");
    assert_ne!(requests[0].id, requests[5].id);
    assert_eq!(server.taken().len(), usize::try_from(last).unwrap() + requests[8].seqs.len());
    let status = status_when(&sinks, "siem", |status| status.lag == 0);
    assert_eq!((status.state, status.failures), (State::Healthy, 0));
}

#[test]
fn it_comes_back_no_sooner_than_it_was_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let server = Server::start(KEY, &[Answer::Status(429, "retry-after: 1\r\n")]);
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &server)]);
    let status = status_when(&sinks, "siem", |status| status.state == State::Degraded);
    assert!(status.last_error.unwrap().0.contains("429"));
    server.wait_for(ledger.last_seq());
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_millis(990));
}

#[test]
fn a_batch_that_is_too_large_is_sent_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 49);
    let script = [Answer::Status(413, ""), Answer::Status(413, ""), Answer::Status(413, "")];
    let server = Server::start(KEY, &script);
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &server)]);
    server.wait_for(ledger.last_seq());
    let sizes: Vec<_> = server.requests().iter().map(|request| request.seqs.len()).collect();
    assert_eq!(sizes[..4], [50, 25, 12, 6], "{sizes:?}");
    assert_complete(&server.taken(), ledger.last_seq());
}

#[test]
fn a_receiver_that_is_gone_is_tried_slowly_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 9);
    let server = Server::start(KEY, &vec![Answer::Status(410, ""); 4]);
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &server)]);
    let status = status_when(&sinks, "siem", |status| status.state == State::Down);
    assert_eq!(status.lag, ledger.last_seq(), "nothing is dropped");
    assert!(status.last_error.unwrap().0.contains("gone for good"));
    server.wait_for(ledger.last_seq());
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_millis(140));
    assert_complete(&server.taken(), ledger.last_seq());
}

#[test]
fn a_sink_that_is_down_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let server = Server::start(KEY, &vec![Answer::Hang(Duration::from_secs(60)); 1_000]);
    let mut slowest = [Duration::ZERO; 2];
    for (with_sink, slowest) in slowest.iter_mut().enumerate() {
        let sinks = sinks(&ledger, folder.path());
        if with_sink == 1 {
            sinks.configure(vec![webhook("siem", &server)]);
        }
        for _ in 0..400 {
            let begun = Instant::now();
            append(&ledger, 1);
            *slowest = begun.elapsed().max(*slowest);
        }
        // Changing and reading sinks does not wait for the one that hangs either.
        let begun = Instant::now();
        sinks.configure(Vec::new());
        assert!(sinks.status().is_empty());
        assert!(begun.elapsed() < Duration::from_millis(100));
    }
    // A request hangs for 400 ms: whoever waited for one would be that slow.
    assert!(slowest[1] < Duration::from_millis(300), "{slowest:?}");
    assert!(!server.requests().is_empty() && server.taken().is_empty());
}

#[test]
fn secrets_are_nowhere_to_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let answers = [401, 403, 404, 500, 302, 204].map(|status| Answer::Status(status, "x: CANARY-H\r\n"));
    let server = Server::start(KEY, &answers);
    let sinks = sinks(&ledger, folder.path());
    let config = webhook("siem", &server);
    let mut seen = format!("{config:?}");
    sinks.configure(vec![config]);
    let until = Instant::now() + Duration::from_secs(10);
    while server.taken().is_empty() && Instant::now() < until {
        seen += &format!("{sinks:?} {:?}", sinks.status());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(seen.contains("401") && seen.contains("500"), "errors were seen");
    for entry in std::fs::read_dir(folder.path().join("sinks")).unwrap().flatten() {
        seen += &std::fs::read_to_string(entry.path()).unwrap();
    }
    assert!(!seen.contains("CANARY") && !seen.contains(&crate::server::base64(KEY)), "{seen}");
}

#[test]
fn nobody_listens_and_then_somebody_does() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 30);
    let server = Server::start(KEY, &[]);
    let mut nobody = server.clone();
    nobody.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &nobody)]);
    let status = status_when(&sinks, "siem", |status| status.failures >= 3);
    assert_eq!((status.state, status.delivered_seq), (State::Degraded, 0));
    let mut config = webhook("siem", &server);
    config.limits = limits(7);
    sinks.configure(vec![config]);
    server.wait_for(ledger.last_seq());
    assert_complete(&server.taken(), ledger.last_seq());
}
