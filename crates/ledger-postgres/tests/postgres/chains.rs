//! Many chains in one table: written at once, continued over epochs, found by filters, over months.

use faramesh_call::{Effect, Timestamp};
use faramesh_dpr::Kind;
use faramesh_ledger::{Cursor, Feed, Filter};
use faramesh_ledger_postgres::Reader;
use faramesh_testkit::decision;

use crate::load::{NOW, STACK, WAIT, checked, opened, write};
use crate::server::Server;

#[test]
fn many_instances_write_at_once_and_every_chain_verifies() {
    let Some(server) = Server::start() else { return };
    for epoch in 1..=2 {
        std::thread::scope(|scope| {
            for instance in 0..6 {
                let server = &server;
                scope.spawn(move || {
                    let (ledger, opened) = opened(server, &format!("host-{instance}"));
                    assert_eq!(opened.epoch, epoch);
                    std::thread::scope(|scope| {
                        for writer in 0..4 {
                            let ledger = &ledger;
                            scope.spawn(move || {
                                for agent_seq in 1..=40 {
                                    let agent_seq = (epoch - 1) * 40 + agent_seq;
                                    write(ledger, &format!("agent-{writer}"), agent_seq).unwrap();
                                }
                            });
                        }
                    });
                    let status = ledger.status();
                    assert_eq!((status.backend, status.healthy, status.directory), ("postgres", true, None));
                    assert_eq!(status.place.as_deref(), Some(server.url().as_str()));
                });
            }
        });
    }
    let fleet = checked(&server).unwrap();
    assert_eq!(fleet.chains.len(), 6);
    for (instance, report) in &fleet.chains {
        // Two epochs' first records, one policy, 2 × 4 × 40 decisions.
        assert_eq!((report.records, report.epochs), (323, 2), "{instance}");
    }
    assert_eq!(fleet.total().records, 6 * 323);
    assert_eq!(fleet.total().agents["agent-0"], 6 * 80);
}

#[test]
fn filters_find_what_is_asked_for() {
    let Some(server) = Server::start() else { return };
    let (first, _) = opened(&server, "host-1");
    let (second, _) = opened(&server, "host-2");
    let mut ids = Vec::new();
    for agent_seq in 1..=20 {
        ids.push(write(&first, "support", agent_seq).unwrap().id());
        write(&second, "billing", agent_seq).unwrap();
    }
    let stack = Reader::new(server.address(), STACK, None);
    let count = |filter: Filter| {
        let mut found = Vec::new();
        stack.each(&filter, &mut |record| found.push(record)).unwrap();
        found
    };
    assert_eq!(count(Filter::default()).len(), 44);
    let support = Filter { agent: Some("support".to_owned()), ..Filter::default() };
    let all = count(support.clone());
    assert_eq!(all.len(), 20);
    let newest = count(Filter { limit: Some(3), newest_first: true, ..support.clone() });
    let seqs: Vec<u64> = newest.iter().map(faramesh_dpr::Record::seq).collect();
    assert_eq!(seqs, [22, 21, 20]);
    assert_eq!(newest[0].bytes(), all[19].bytes());
    assert_eq!(count(Filter::by_id(&ids[7].to_string()))[0].id(), ids[7]);
    assert_eq!(count(Filter::by_id("nonsense")).len(), 0);
    let tool = all[0].tool().unwrap().into_owned();
    let family = format!("{}/*", tool.split('/').next().unwrap());
    for (pattern, expected) in [(tool.as_str(), true), (family.as_str(), true), ("*", true), ("x/*", false)] {
        let found = count(Filter { tool: Some(pattern.to_owned()), ..support.clone() });
        assert_eq!(!found.is_empty(), expected, "{pattern}");
    }
    let effects = [Effect::Permit, Effect::Deny, Effect::Defer].map(|effect| {
        count(Filter { effect: Some(effect), kind: Some(Kind::Decision), ..Filter::default() }).len()
    });
    assert_eq!(effects.iter().sum::<usize>(), 40);
    assert_eq!(count(Filter { since: Some(Timestamp(NOW.0 + 1)), ..Filter::default() }).len(), 0);
    assert_eq!(count(Filter { until: Some(Timestamp(NOW.0 + 1)), ..Filter::default() }).len(), 44);
    // The ledger itself reads its own chain only, also after its reader's connection was ended.
    let after = Filter { after_seq: Some(20), ..Filter::default() };
    assert_eq!(first.query(&after).unwrap().len(), 2);
    server.end_connections();
    assert_eq!(first.query(&after).unwrap().len(), 2);
    assert_eq!(first.get(&ids[3].to_string()).unwrap().len(), 1);
}

#[test]
fn a_feed_gives_every_record_once_and_goes_on_behind_its_cursor() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let (_other, _) = opened(&server, "host-2");
    let mut feed = Feed::behind(&ledger, Cursor::START).unwrap().unwrap();
    let read = |feed: &mut Feed| -> Vec<u64> {
        let fed = feed.read(&ledger, 4, 1 << 20).unwrap();
        fed.iter().map(|fed| fed.cursor.seq).collect()
    };
    for agent_seq in 1..=4 {
        write(&ledger, "agent", agent_seq).unwrap();
    }
    assert_eq!(read(&mut feed), [1, 2, 3, 4]);
    let mut again = Feed::behind(&ledger, feed.cursor()).unwrap().unwrap();
    assert_eq!((read(&mut feed), read(&mut again)), (vec![5, 6], vec![5, 6]));
    assert_eq!(read(&mut feed), []);
    let foreign = Cursor { hash: [7; 32], ..feed.cursor() };
    assert!(Feed::behind(&ledger, foreign).unwrap().is_none());
}

#[test]
fn partitions_roll_over_months() {
    let Some(server) = Server::start() else { return };
    let (ledger, _) = opened(&server, "host-1");
    let partitions =
        || server.sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'faramesh.records'::regclass");
    assert_eq!(partitions(), "3");
    let day = 24 * 3_600_000;
    // A year in steps of ten days, a clock that jumps far ahead, and one that jumps back.
    let steps = (0..36).map(|step| NOW.0 + step * 10 * day);
    let jumps = [NOW.0 + 40 * 365 * day, NOW.0, 0, NOW.0 + day];
    let mut written = 3_u64;
    for (agent_seq, time) in (1..).zip(steps.chain(jumps)) {
        ledger.append_and_wait(decision("support", agent_seq), Timestamp(time), WAIT).unwrap();
        written += 1;
    }
    assert_eq!(checked(&server).unwrap().total().records + 1, written);
    // 13 months and the 2 behind them, 3 in forty years, 3 in 1970.
    assert_eq!(partitions(), "21");
    let november = server.sql("SELECT count(*) FROM faramesh.records_2026_11");
    assert!(november.parse::<u64>().unwrap() >= 4, "{november}");
    drop(ledger);
    opened(&server, "host-1");
}
