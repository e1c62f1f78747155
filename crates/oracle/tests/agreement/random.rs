//! Random policies, many random calls for each.

use std::time::Instant;

use faramesh_oracle::Policy;
use faramesh_oracle::generate::{Choices, call, environment, now, policy};

use crate::engine::{Decision, Engine, accepted, decided, program};
use crate::shrink::Disagreement;
use crate::tally::Tally;

const PAIRS: usize = 20_000;
const SOAK_PAIRS: usize = 10_000_000;
const CALLS_PER_POLICY: usize = 50;
/// A long run has policies enough, and making one takes as long as hundreds of decisions.
const SOAK_CALLS_PER_POLICY: usize = 250;
const RULES: usize = 16;
/// Policies between two lines of progress of a long run.
const PROGRESS: u64 = 4_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// How many pairs, and how many calls for each policy.
fn length() -> (usize, usize) {
    let soak = std::env::var("FARAMESH_SOAK").is_ok_and(|value| value == "1");
    let (pairs, calls) = if soak { (SOAK_PAIRS, SOAK_CALLS_PER_POLICY) } else { (PAIRS, CALLS_PER_POLICY) };
    (number("FARAMESH_ORACLE_PAIRS").map_or(pairs, |pairs| pairs as usize), calls)
}

#[test]
fn engine_and_oracle_agree() {
    let start = Instant::now();
    let first = number("FARAMESH_ORACLE_SEED").unwrap_or(1);
    let ((pairs, calls), mut tally) = (length(), Tally::default());
    let mut seed = first;
    while tally.pairs < pairs {
        one_policy(seed, calls, &mut tally);
        seed += 1;
        if (seed - first).is_multiple_of(PROGRESS) {
            println!("seed {seed}: {} calls, {:?}", tally.pairs, start.elapsed());
        }
    }
    println!("seeds {first} to {}, {:?}\n{tally}", seed - 1, start.elapsed());
    // A run that only repeats one policy has no distribution to judge.
    let gaps = if pairs >= PAIRS { tally.gaps() } else { Vec::new() };
    assert!(gaps.is_empty(), "the generator does not try enough:\n{}", gaps.join("\n"));
}

fn one_policy(seed: u64, calls: usize, tally: &mut Tally) {
    let mut choices = Choices::seeded(seed);
    let Some(source) = accepted(&policy(&mut choices, RULES)) else {
        tally.refused += 1;
        return;
    };
    let program = program(&source).expect("it was accepted");
    let oracle = Policy::new(&source, &environment).expect("it was accepted");
    tally.policies += 1;
    for agent in oracle.agents() {
        if program.agent(&agent).is_none() {
            continue;
        }
        for _ in 0..calls / oracle.agents().len() {
            let (call, now) = (call(&mut choices), now(&mut choices));
            let answer = oracle.decide(&agent, &call, now);
            tally.add(&answer);
            let line = answer.rule.as_ref().map(|rule| rule.line);
            let expected = Engine::Decided(Decision { effect: answer.effect, line });
            if decided(&program, &agent, &call, now) != expected {
                let found = Disagreement { source: source.clone(), agent, call, now };
                panic!("engine and oracle disagree\n{}", found.shrink().report(seed));
            }
        }
    }
}
