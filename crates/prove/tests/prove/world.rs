//! A policy that is compiled for the engine and read for the prover.

use faramesh_call::Effect;
use faramesh_decide::{Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, decide};
use faramesh_program::{Program, encode, load};
use faramesh_prove::{Answer, Condition, Decision, Example, Policy, Prover, Question};
use faramesh_state::State;

pub struct World {
    pub program: Program,
    pub policy: Policy,
}

impl World {
    /// A policy of flat rules.
    pub fn new(source: &str) -> Self {
        Self::try_new(source).unwrap_or_else(|| panic!("{source} has errors"))
    }

    /// The same, unless the policy has errors.
    pub fn try_new(source: &str) -> Option<Self> {
        let environment = |_: &str| None;
        let options =
            faramesh_check::Options { dev: true, ..faramesh_check::Options::new("p.fms", &environment) };
        let checked = faramesh_check::check(source, &options);
        let stack = checked.stack?;
        let (image, sources) = faramesh_compile::compile(&stack).unwrap();
        let program = load(&encode(&image, &sources).unwrap()).unwrap();
        let policy = Policy::of_agent(&image, &image.agents[0]);
        Some(Self { program, policy })
    }

    /// The engine's decision and the number of the rule that made it.
    pub fn decide(&self, example: &Example) -> (Effect, Option<usize>) {
        let state = State::default();
        let agent = &self.program.agents()[0];
        let input = Input {
            program: &self.program,
            agent,
            call: &example.call,
            commitment: "c0ffee",
            requester: "uid:1000",
            state: &state,
            selected: &NOTHING_SELECTED,
            pseudonyms: NO_PSEUDONYMS,
            moment: Moment { now: example.time(&self.program), entropy: 1 },
        };
        let verdict = decide(&input);
        let rule =
            verdict.rule.map(|rule| agent.rules.iter().position(|other| std::ptr::eq(other, rule)).unwrap());
        (verdict.effect, rule)
    }

    /// A call that the rule of this number decides.
    pub fn reach(&self, number: usize) -> Answer {
        let rules = self.policy.rules.iter().enumerate().map(|(at, rule)| (rule, at == number)).collect();
        let decision = Decision { agent: &self.policy.agent, rules, default: false, time_is_outside: false };
        let question = Question {
            tools: vec![&self.policy.rules[number].pattern],
            decisions: vec![decision],
            ..Question::default()
        };
        Prover::default().find(&question, Some(&mut |example| self.decide(example).1 == Some(number)))
    }

    /// A call of these tools, for which the condition is true, with this effect.
    pub fn with_effect(&self, tools: &str, condition: Option<&Condition>, effect: Effect) -> Answer {
        let policy = &self.policy;
        let rules = policy.rules.iter().map(|rule| (rule, rule.effect.effect() == effect)).collect();
        let default = policy.default.effect() == effect;
        let decision = Decision { agent: &policy.agent, rules, default, time_is_outside: false };
        let question = Question {
            tools: vec![tools],
            conditions: condition.into_iter().map(|condition| (condition, policy.agent.as_str())).collect(),
            decisions: vec![decision],
            named_first: true,
        };
        Prover::default().find(&question, Some(&mut |example| self.decide(example).0 == effect))
    }
}
