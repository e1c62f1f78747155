//! A claim about one agent of a program: that no call, or every call, of some tools has an effect.

use faramesh_call::Effect;
use faramesh_program::image::RuleEffect;
use faramesh_prove::{Answer, Condition, Decision, Example, Policy, Prover, Question};

use crate::engine::{Decided, Engine};

/// A claim. Pattern and condition are those of the first rule of an agent of the same program.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The agent that is governed.
    pub agent: &'a str,
    /// The agent whose first rule says which calls are meant.
    pub meant: &'a str,
    /// Whether all of those calls have the effect, or none has.
    pub every: bool,
    /// The effect.
    pub effect: Effect,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// It is so for every call.
    Holds,
    /// It is not so for this call, which the engine decides like this.
    Refuted(Box<Example>, Decided),
    /// That could not be told.
    Undecided(String),
}

/// Proves or refutes a claim.
#[must_use]
pub fn prove(engine: &Engine, claim: &Claim<'_>) -> Proof {
    let unknown = || Proof::Undecided("the program has no such agent".to_owned());
    let image = |name: &str| engine.image.agents.iter().find(|agent| agent.name == name);
    let (Some(governed), Some(meant)) = (image(claim.agent), image(claim.meant)) else { return unknown() };
    let (Some(agent), Some(rule)) = (engine.program.agent(claim.agent), meant.rules.first()) else {
        return unknown();
    };
    let policy = Policy::of_agent(&engine.image, governed);
    let condition = rule.condition.map(|index| Condition::of_program(&engine.image, index));
    // What would refute the claim is looked for.
    let is_wanted = |effect: RuleEffect| (effect.effect() == claim.effect) != claim.every;
    let decision = Decision {
        agent: claim.agent,
        rules: policy.rules.iter().map(|rule| (rule, is_wanted(rule.effect))).collect(),
        default: is_wanted(policy.default),
        time_is_outside: false,
    };
    let question = Question {
        tools: vec![&rule.pattern],
        conditions: condition.iter().map(|condition| (condition, claim.agent)).collect(),
        decisions: vec![decision],
        named_first: true,
    };
    let mut confirm = |example: &Example| {
        let effect = engine.decide(agent, example).effect;
        rule.condition.is_none_or(|condition| engine.holds(agent, condition, example))
            && (effect == claim.effect) != claim.every
    };
    match Prover::default().find(&question, Some(&mut confirm)) {
        Answer::Nothing => Proof::Holds,
        Answer::Found(example) => {
            let decided = engine.decide(agent, &example);
            Proof::Refuted(example, decided)
        }
        Answer::Undecided(why) => Proof::Undecided(why),
    }
}
