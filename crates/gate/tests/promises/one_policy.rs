//! Promise 4: a call is decided under exactly one policy, and swaps are atomic.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use faramesh_call::Effect;
use faramesh_ledger::verify;

use crate::stack::{SUPPORT, Setup, ask, call, gate, on_disk, program, records};

#[test]
fn every_reply_and_record_is_of_one_policy_while_policies_are_swapped() {
    let swaps = if std::env::var_os("FARAMESH_SOAK").is_some() { 10_000 } else { 200 };
    let policies = [
        (program(SUPPORT), Effect::Permit),
        (program(&SUPPORT.replace("permit kb/*", "deny kb/*")), Effect::Deny),
        (program(&SUPPORT.replace("permit kb/*", "defer kb/*")), Effect::Defer),
    ];
    let folder = tempfile::tempdir().unwrap();
    let (ledger, state) = on_disk(folder.path());
    let gate = gate(&policies[0].0, ledger, Setup { state, ..Setup::default() });
    let done = AtomicBool::new(false);
    let replies: Vec<_> = std::thread::scope(|scope| {
        let ask_until_done = || {
            let mut replies = Vec::new();
            while !done.load(Ordering::Acquire) {
                replies.push(ask(&gate, call("support", "kb/search", "{}")));
            }
            replies
        };
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask_until_done)).collect();
        for swap in 0..swaps {
            gate.put_in_force(Arc::clone(&policies[swap % 3].0), "test").unwrap();
        }
        done.store(true, Ordering::Release);
        asking.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let expected: HashMap<&str, Effect> =
        policies.iter().map(|(program, effect)| (program.hash_text(), *effect)).collect();
    let hashes: HashMap<&str, [u8; 32]> =
        policies.iter().map(|(program, _)| (program.hash_text(), *program.hash())).collect();
    let recorded: HashMap<String, _> =
        records(&gate).into_iter().map(|record| (record.id().to_string(), record)).collect();
    assert!(replies.len() > swaps, "only {} replies", replies.len());
    let mut seen = HashMap::new();
    for reply in &replies {
        let record = &recorded[&*reply.action_id];
        assert_eq!(reply.effect(), expected[&*reply.policy_version], "{reply:?}");
        assert_eq!(record.policy(), Some(hashes[&*reply.policy_version]));
        assert_eq!(record.effect(), Some(reply.effect()));
        *seen.entry(reply.effect()).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    gate.ledger().close();
    let report = verify(folder.path(), &mut |_| {}).unwrap();
    assert_eq!(report.policies.len(), 3);
}
