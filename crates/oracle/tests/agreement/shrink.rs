//! Makes a disagreement small: lines of the policy and members of the call go as long as the two
//! interpreters still disagree.

use faramesh_call::{Call, Object, Timestamp, Value};
use faramesh_oracle::Policy;
use faramesh_oracle::generate::environment;

use crate::engine::{Decision, Engine, decided, program};

/// A policy, a call, and what both say about it.
pub struct Disagreement {
    pub source: String,
    pub agent: String,
    pub call: Call,
    pub now: Timestamp,
}

impl Disagreement {
    /// Both answers; `None` when the policy is refused, has no such agent, or both agree.
    pub fn answers(&self) -> Option<(Engine, Decision)> {
        let program = program(&self.source)?;
        program.agent(&self.agent)?;
        let oracle = oracle(&Policy::new(&self.source, &environment)?, &self.agent, &self.call, self.now);
        let engine = decided(&program, &self.agent, &self.call, self.now);
        (engine != Engine::Decided(oracle.clone())).then_some((engine, oracle))
    }

    pub fn shrink(mut self) -> Self {
        let still = |candidate: &Self| candidate.answers().is_some();
        for size in [8, 4, 2, 1, 1] {
            let mut at = 0;
            while at < self.source.lines().count() {
                let lines = self.source.lines().enumerate();
                let kept = lines.filter(|(number, _)| !(at..at + size).contains(number));
                let source: String = kept.map(|(_, line)| format!("{line}\n")).collect();
                let candidate = Self { source, call: self.call.clone(), agent: self.agent.clone(), ..self };
                if still(&candidate) {
                    self.source = candidate.source;
                } else {
                    at += size;
                }
            }
        }
        for call in smaller_calls(&self.call) {
            let candidate = Self { source: self.source.clone(), agent: self.agent.clone(), call, ..self };
            if still(&candidate) {
                return candidate.shrink();
            }
        }
        self
    }

    pub fn report(&self, seed: u64) -> String {
        let (engine, oracle) = self.answers().expect("it is a disagreement");
        let Call { tool, args, http, principal, tags, session, model, action, .. } = &self.call;
        let args = String::from_utf8(faramesh_call::json::canonical(args)).unwrap();
        format!(
            "engine: {engine:?}\noracle: {oracle:?}\nagent {} at {}, tool {tool:?}, {action:?}\nargs {args}\n\
             http {http:?}\nprincipal {principal:?}, tags {tags:?}, session {session:?}, model {model:?}\n\
             policy:\n{}\nrepeat with FARAMESH_ORACLE_SEED={seed}",
            self.agent, self.now, self.source
        )
    }
}

pub fn oracle(policy: &Policy<'_>, agent: &str, call: &Call, now: Timestamp) -> Decision {
    let answer = policy.decide(agent, call, now);
    Decision { effect: answer.effect, line: answer.rule.map(|rule| rule.line) }
}

/// The call with one part less, in every way.
fn smaller_calls(call: &Call) -> Vec<Call> {
    let mut smaller = Vec::new();
    if call.http.is_some() {
        smaller.push(Call { http: None, ..call.clone() });
    }
    if call.principal.is_some() {
        smaller.push(Call { principal: None, ..call.clone() });
    }
    if call.tags.is_some() {
        smaller.push(Call { tags: None, ..call.clone() });
    }
    if call.session.is_some() {
        smaller.push(Call { session: None, ..call.clone() });
    }
    if call.model.is_some() {
        smaller.push(Call { model: None, ..call.clone() });
    }
    smaller.extend(smaller_values(&call.args).into_iter().map(|args| Call { args, ..call.clone() }));
    smaller
}

fn smaller_values(value: &Value) -> Vec<Value> {
    let mut smaller = Vec::new();
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter() {
                let mut less: Object = object.clone();
                less.remove(key);
                smaller.push(less.into());
                for member in smaller_values(member) {
                    let mut other: Object = object.clone();
                    other.insert(key, member);
                    smaller.push(other.into());
                }
            }
        }
        Value::List(items) => {
            for at in 0..items.len() {
                let mut less = items.clone();
                less.remove(at);
                smaller.push(Value::List(less));
            }
        }
        _ => {}
    }
    smaller
}
