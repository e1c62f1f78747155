//! Figures, when they are asked for: records a second and the latency of a permit, beside a bare commit
//! of one row on the same server. `cargo test -p faramesh-ledger-postgres --release --test postgres --
//! --ignored --nocapture measure` prints one JSON line.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::load::{Acknowledged, load, opened, write};
use crate::server::Server;

const PERMITS: u64 = 1_000;
const LOAD: Duration = Duration::from_secs(5);

fn percentiles(mut taken: Vec<Duration>) -> (u128, u128) {
    taken.sort();
    (taken[taken.len() / 2].as_micros(), taken[taken.len() * 99 / 100].as_micros())
}

#[test]
#[ignore = "a measurement; run it with --release"]
fn measure_permits_and_load() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let timed = |mut work: Box<dyn FnMut(u64) + '_>| {
        let each = |turn| {
            let began = Instant::now();
            work(turn);
            began.elapsed()
        };
        percentiles((1..=PERMITS).map(each).collect())
    };
    server.sql("CREATE TABLE bare (seq bigint PRIMARY KEY, record bytea NOT NULL)");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)).unwrap();
    let (client, connection) = connected;
    runtime.spawn(connection);
    let insert = runtime.block_on(client.prepare("INSERT INTO bare VALUES ($1, $2)")).unwrap();
    let bytes = vec![b'x'; 900];
    let bare = timed(Box::new(|turn| {
        let seq = i64::try_from(turn).unwrap();
        runtime.block_on(client.execute(&insert, &[&seq, &bytes])).unwrap();
    }));
    let permit = timed(Box::new(|turn| {
        write(&ledger, "alone", turn).unwrap();
    }));
    let (acknowledged, stop) = (Acknowledged::default(), AtomicBool::new(false));
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| load(&ledger, "crowd", &acknowledged, &stop));
        std::thread::sleep(LOAD);
        stop.store(true, Ordering::Release);
    });
    let records = u128::try_from(acknowledged.lock().unwrap().len()).unwrap();
    let rate = records * 1_000 / began.elapsed().as_millis();
    println!(
        "{{\"measure\":\"ledger-postgres\",\"bare_commit_us\":{{\"p50\":{},\"p99\":{}}},\
         \"permit_us\":{{\"p50\":{},\"p99\":{}}},\"records_per_second\":{rate}}}",
        bare.0, bare.1, permit.0, permit.1
    );
}
