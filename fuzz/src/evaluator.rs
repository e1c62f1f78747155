//! Bytes as the choices of the generator: a policy and some calls, which the engine and the oracle must
//! decide alike.

use faramesh_call::Code;
use faramesh_oracle::Policy;
use faramesh_oracle::generate::{Choices, call, environment, now, policy};
use faramesh_state::State;

use crate::engine::{program, verdict};

const RULES: usize = 4;
const CALLS: usize = 4;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    // The calls come first: in a short input they are the part that varies.
    let mut choices = Choices::from_bytes(bytes);
    let calls: Vec<_> = (0..CALLS).map(|_| (call(&mut choices), now(&mut choices))).collect();
    let source = policy(&mut choices, RULES);
    let Some(program) = program(&source) else { return };
    let oracle = Policy::new(&source, &environment).expect("what was accepted parses");
    for agent in program.agents() {
        for (call, now) in &calls {
            let state = State::default();
            let verdict = verdict(&program, agent, call, *now, &state);
            if verdict.code == Code::PolicyLimit {
                continue;
            }
            let answer = oracle.decide(&agent.name, call, *now);
            let place = answer.rule.as_ref().map(|rule| format!("p:{}", rule.line));
            let found = (verdict.effect, verdict.rule.map(|rule| rule.reference.to_string()));
            assert_eq!(found, (answer.effect, place), "{}: {call:?}\n{source}", agent.name);
        }
    }
}
