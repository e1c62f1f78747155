//! Every valid policy of the corpus decides every call beside it as that call expects, by the oracle alone.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use faramesh_check::{Options, check};
use faramesh_oracle::Policy;

#[test]
fn every_call_is_decided_as_expected() {
    let (mut decided, mut failed) = (0, Vec::new());
    for entry in faramesh_corpus::valid() {
        let options = Options { dev: true, ..Options::new(entry.file_name(), &faramesh_corpus::environment) };
        // What this version does not enforce is refused, and means nothing here.
        let Some(stack) = check(&entry.source, &options).stack else { continue };
        // The oracle knows calls alone: no clock that a rollout began by, and no session in a stage.
        if stack.agents.iter().any(|agent| !agent.blocks.phases.is_empty()) {
            continue;
        }
        let policy = Policy::new(&entry.source, &faramesh_corpus::environment).unwrap();
        for case in entry.cases() {
            let agent = case.agent.clone().unwrap_or_else(|| policy.agents().remove(0));
            let answer = policy.decide(&agent, &case.call, case.now);
            if answer.effect.as_str() != case.expect {
                let line = answer.rule.map(|rule| rule.line);
                failed.push(format!(
                    "{}: expected {}, found {} by line {line:?}",
                    case.place, case.expect, answer.effect
                ));
            }
            decided += 1;
        }
    }
    assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n"));
    assert!(decided > 500, "only {decided} calls were decided");
}
