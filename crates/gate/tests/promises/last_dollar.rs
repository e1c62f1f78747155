//! Sixty-four clients race for the last dollar of a budget, and daemons end and start in between:
//! never a cent more than the ceiling, and never less than what is not given back.
//! `FARAMESH_SOAK=1` races longer.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use faramesh_call::{Call, Value};
use faramesh_gate::{Gate, Outcome, OutcomeStatus, Reply};
use faramesh_program::Program;

use crate::stack::{Setup, WAIT, call, code, gate, on_disk, peer, program};

const CLIENTS: usize = 64;
/// Dollars of a session, and calls that fit into it at a dollar each.
const CEILING: usize = 10;

const POLICY: &str = r#"
runtime { allow_self_declared_identity = true }
agent "a" {
  default permit
  budget session { max $10 cost amount }
}
"#;

fn rounds() -> usize {
    if std::env::var_os("FARAMESH_SOAK").is_some() { 5_000 } else { 50 }
}

fn started(folder: &Path, program: &Arc<Program>) -> Arc<Gate> {
    let (ledger, state) = on_disk(folder);
    gate(program, ledger, Setup { state, ..Setup::default() })
}

/// One of many who ask: their records are written together.
fn ask_beside_others(gate: &Gate, call: Call) -> Reply {
    let (sender, receiver) = channel();
    gate.ask(&peer(1000), call, Box::new(move |reply| sender.send(reply).unwrap()));
    gate.commit(false);
    receiver.recv_timeout(WAIT).unwrap()
}

/// Every client asks for a dollar until it is denied; the permits.
fn race(gate: &Gate, session: &str) -> Vec<Reply> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut permits = Vec::new();
                    loop {
                        let amount = faramesh_call::object! { "amount" => 1_i64 };
                        let call = Call {
                            session: Some(session.into()),
                            args: Value::Object(amount),
                            ..call("a", "pay", "{}")
                        };
                        let reply = ask_beside_others(gate, call);
                        match code(&reply) {
                            "PERMIT" => permits.push(reply),
                            "BUDGET_EXCEEDED" => return permits,
                            other => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

fn fails(gate: &Gate, reply: &Reply) {
    let outcome = Outcome {
        action_id: reply.action_id.clone(),
        agent: Some("a".into()),
        status: OutcomeStatus::Error,
        duration_ms: 1,
        cost: None,
        usage: None,
        error: None,
    };
    gate.outcome(&peer(1000), &outcome).unwrap();
    gate.commit(true);
}

#[test]
fn the_last_dollar_is_spent_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(POLICY);
    for round in 0..rounds() {
        let session = format!("round {round}");
        let daemon = started(folder.path(), &program);
        let permits = race(&daemon, &session);
        assert_eq!(permits.len(), CEILING, "round {round}");
        let given_back = 1 + round % CEILING;
        for reply in permits.iter().take(given_back) {
            fails(&daemon, reply);
            fails(&daemon, reply);
        }
        let state = daemon.state();
        daemon.ledger().close();
        drop(daemon);
        let daemon = started(folder.path(), &program);
        assert_eq!(daemon.state(), state, "round {round}");
        assert_eq!(race(&daemon, &session).len(), given_back, "round {round}");
        daemon.ledger().close();
    }
}
