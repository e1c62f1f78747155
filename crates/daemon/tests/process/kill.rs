//! Promise 1 when the daemon is killed: no permit that a client saw is without its record, and the
//! chain verifies.

use std::collections::HashSet;
use std::time::Duration;

use faramesh_ledger::{Reader, verify};
use faramesh_testkit::Seed;

use crate::world::{POLICY, Running, Stack, govern, text};

const CLIENTS: usize = 4;
/// Cycles after which a new ledger is begun, so that a cycle stays short.
const CYCLES_OF_A_LEDGER: u64 = 10;

/// Asks from many clients until the daemon is killed; the action ids of all permits.
fn load_until_killed(running: Running, load: Duration) -> Vec<String> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut client = running.agent();
                scope.spawn(move || {
                    let mut permits = Vec::new();
                    let tools = ["kb/search", "stripe/refund", "stripe/payouts"];
                    for round in number.. {
                        let line = govern(tools[round % 3], r#"{"amount":80}"#);
                        let Some(reply) = client.try_ask(&line) else { break };
                        if text(&reply, "result.effect") == "PERMIT" {
                            permits.push(text(&reply, "result.action_id").to_owned());
                        }
                    }
                    permits
                })
            })
            .collect();
        std::thread::sleep(load);
        running.kill();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn no_permit_is_lost_when_the_daemon_is_killed() {
    let cycles = if std::env::var_os("FARAMESH_SOAK").is_some() { 100_000 } else { 300 };
    let mut seed = Seed(20_261_120);
    let (mut stack, mut permits) = (Stack::new(POLICY), HashSet::new());
    let mut all = 0;
    for cycle in 1..=cycles {
        let load = Duration::from_micros(5_000 + seed.below(45_000));
        let seen = load_until_killed(stack.start(), load);
        all += seen.len();
        permits.extend(seen);
        // As it was left; reading verifies each record against the one before.
        let recorded: HashSet<String> = Reader::open(stack.ledger())
            .unwrap()
            .records()
            .unwrap()
            .map(|record| record.unwrap().1.id().to_string())
            .collect();
        let lost: Vec<_> = permits.difference(&recorded).collect();
        assert!(lost.is_empty(), "cycle {cycle}: a client saw {lost:?}");
        if cycle % CYCLES_OF_A_LEDGER == 0 {
            // And as it is after the next start.
            drop(stack.start());
            let report = verify(&stack.ledger(), &mut |_| {}).unwrap();
            assert!(report.records >= u64::try_from(permits.len()).unwrap());
            assert_eq!(report.epochs, CYCLES_OF_A_LEDGER + 1, "each start is an epoch");
            (stack, permits) = (Stack::new(POLICY), HashSet::new());
        }
    }
    println!("{cycles} kills, {all} permits");
    assert!(all > usize::try_from(cycles).unwrap(), "only {all} permits were seen");
}
