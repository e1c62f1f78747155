//! What a new policy does with calls, where the rules are compared elsewhere: the kinds of calls that get
//! another effect, each with an example that both engines confirm, and what could not be decided.

use faramesh_call::{Effect, Object, Value, object};
use faramesh_prove::{
    Answer, Decision, Example, Limits, Policy, Prover, Question, Rule, patterns_may_overlap,
};

use crate::align::{Step, align};
use crate::engine::{Decided, Engine, example_value};

/// Bounds on the questions about one agent.
const LIMITS: Limits =
    Limits { steps: 1_000_000, text_steps: 60_000_000, text_states: 20_000, tables: 5_000 };
/// Most kinds of calls that are shown.
const MAX_KINDS: usize = 200;
/// Most patterns of changed rules that are looked at in one agent.
const MAX_CHANGED: usize = 200;
/// Most rules of one agent.
const MAX_RULES: usize = 2_000;

/// A kind of call that gets another effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The agent.
    pub agent: String,
    /// The tools: a pattern of a rule that changed or decides.
    pub tools: String,
    /// A call of this kind.
    pub example: Example,
    /// What happened with it before.
    pub before: Decided,
    /// What happens with it now.
    pub after: Decided,
}

/// What could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The agent.
    pub agent: String,
    /// The tools.
    pub tools: String,
    /// Why.
    pub why: String,
}

/// The difference in what two policies do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Semantic {
    /// Kinds of calls with another effect, those that are permitted now first.
    pub transitions: Vec<Transition>,
    /// What may have another effect as well.
    pub open: Vec<Open>,
}

/// Compares what two policies do with every call.
#[must_use]
pub fn semantic(old: &Engine, new: &Engine) -> Semantic {
    let mut found = Semantic::default();
    for image in &new.image.agents {
        let before = old.image.agents.iter().find(|agent| agent.name == image.name);
        let after = Policy::of_agent(&new.image, image);
        let before = before.map(|agent| Policy::of_agent(&old.image, agent));
        let time_is_outside = !old.same_time_zone(new);
        let mut pair = Pair { old, new, before, after, time_is_outside, prover: Prover::new(LIMITS) };
        pair.compare(&mut found);
    }
    // Looser first: what was denied or waited for a person is permitted, then what was denied waits.
    found.transitions.sort_by_key(|kind| (kind.after.effect, std::cmp::Reverse(kind.before.effect)));
    found
}

/// One agent under two policies.
struct Pair<'a> {
    old: &'a Engine,
    new: &'a Engine,
    /// `None` when the agent is new: its calls were denied.
    before: Option<Policy>,
    after: Policy,
    time_is_outside: bool,
    prover: Prover,
}

impl Pair<'_> {
    fn compare(&mut self, found: &mut Semantic) {
        let changed = self.changed();
        if changed.is_empty() {
            return;
        }
        let rules = self.after.rules.len().max(self.before.as_ref().map_or(0, |policy| policy.rules.len()));
        if changed.len() > MAX_CHANGED || rules > MAX_RULES {
            let why = "too many rules changed, or stand beside those that did".to_owned();
            found.open.push(Open { agent: self.after.agent.clone(), tools: "*".to_owned(), why });
            return;
        }
        let deciders = (0..self.after.rules.len()).map(Some).chain(std::iter::once(None));
        for decider in deciders {
            for effect in [Effect::Deny, Effect::Defer, Effect::Permit] {
                if self.effect_of(decider) != effect {
                    self.kind(decider, effect, &changed, found);
                }
            }
        }
    }

    /// Patterns of rules that are not in both policies, in order: calls of other tools are decided as before.
    fn changed(&self) -> Vec<String> {
        let Some(before) = &self.before else { return vec!["*".to_owned()] };
        if before.default != self.after.default {
            return vec!["*".to_owned()];
        }
        let texts = |policy: &Policy| policy.rules.iter().map(|rule| format!("{rule:?}")).collect::<Vec<_>>();
        let (old, new) = (texts(before), texts(&self.after));
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
        let mut changed: Vec<String> = Vec::new();
        for step in align(&old, &new) {
            let rule = match step {
                Step::Same => None,
                Step::Old(at) => before.rules.get(at),
                Step::New(at) => self.after.rules.get(at),
            };
            changed.extend(rule.map(|rule| rule.pattern.clone()));
        }
        // The same rules at other hours are other rules.
        if self.time_is_outside {
            changed.push("*".to_owned());
        }
        changed.sort_unstable();
        changed.dedup();
        if changed.iter().any(|pattern| pattern == "*") { vec!["*".to_owned()] } else { changed }
    }

    fn effect_of(&self, decider: Option<usize>) -> Effect {
        let rule = decider.and_then(|at| self.after.rules.get(at));
        rule.map_or(self.after.default, |rule| rule.effect).effect()
    }

    /// A call that `decider` decides now, and that had this effect before.
    fn kind(&mut self, decider: Option<usize>, effect: Effect, changed: &[String], found: &mut Semantic) {
        let rule = decider.and_then(|at| self.after.rules.get(at));
        let own = rule.map_or("*", |rule| rule.pattern.as_str()).to_owned();
        let mut open = None;
        for tools in changed.iter().filter(|tools| patterns_may_overlap(tools, &own)) {
            if found.transitions.len() >= MAX_KINDS {
                open = Some("there are too many kinds of calls to show".to_owned());
                break;
            }
            match self.find(decider, effect, &[tools, &own]) {
                Answer::Nothing => {}
                Answer::Undecided(why) => open = open.or(Some(why)),
                Answer::Found(example) => {
                    let narrower = if own.contains('*') { tools.clone() } else { own };
                    found.transitions.extend(self.transition(narrower, *example));
                    return;
                }
            }
        }
        if let Some(why) = open {
            let open = Open { agent: self.after.agent.clone(), tools: own, why };
            if !found.open.contains(&open) {
                found.open.push(open);
            }
        }
    }

    fn find(&mut self, decider: Option<usize>, effect: Effect, tools: &[&str]) -> Answer {
        let Self { old, new, before, after, time_is_outside, prover } = self;
        let rules = |policy: &'_ Policy, wanted: &dyn Fn(usize, &Rule) -> bool| -> Vec<bool> {
            policy.rules.iter().enumerate().map(|(at, rule)| wanted(at, rule)).collect()
        };
        let now = rules(after, &|at, _| Some(at) == decider);
        let mut decisions = vec![Decision {
            agent: &after.agent,
            rules: after.rules.iter().zip(now).collect(),
            default: decider.is_none(),
            time_is_outside: false,
        }];
        match before {
            Some(before) => {
                let was = rules(before, &|_, rule| rule.effect.effect() == effect);
                decisions.push(Decision {
                    agent: &before.agent,
                    rules: before.rules.iter().zip(was).collect(),
                    default: before.default.effect() == effect,
                    time_is_outside: *time_is_outside,
                });
            }
            // An agent that nobody knows is denied.
            None if effect != Effect::Deny => return Answer::Nothing,
            None => {}
        }
        let question = Question { tools: tools.to_vec(), decisions, ..Question::default() };
        let wanted =
            decider.and_then(|at| after.rules.get(at)).map_or(after.default, |rule| rule.effect).effect();
        let mut confirm = |example: &Example| {
            let is = decided(new, &after.agent, example);
            let was = decided(old, &after.agent, example);
            is.is_some_and(|is| is.effect == wanted) && was.map_or(Effect::Deny, |was| was.effect) == effect
        };
        prover.find(&question, Some(&mut confirm))
    }

    fn transition(&self, tools: String, example: Example) -> Option<Transition> {
        let agent = &self.after.agent;
        let unknown = Decided { effect: Effect::Deny, rule: None };
        let before = decided(self.old, agent, &example).unwrap_or(unknown);
        let after = decided(self.new, agent, &example)?;
        Some(Transition { agent: agent.clone(), tools, example, before, after })
    }
}

fn decided(engine: &Engine, agent: &str, example: &Example) -> Option<Decided> {
    engine.program.agent(agent).map(|agent| engine.decide(agent, example))
}

impl Semantic {
    /// The difference as a value: `newly_permitted`, `newly_deferred`, `newly_denied`, `undecided`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let with = |effect: Effect| -> Value {
            self.transitions.iter().filter(|kind| kind.after.effect == effect).map(kind).collect()
        };
        let open = |open: &Open| {
            object! { "agent" => open.agent.as_str(), "tools" => open.tools.as_str(), "why" => open.why.as_str() }
        };
        object! {
            "newly_permitted" => with(Effect::Permit),
            "newly_deferred" => with(Effect::Defer),
            "newly_denied" => with(Effect::Deny),
            "undecided" => self.open.iter().map(open).collect::<Value>(),
        }
        .into()
    }
}

fn kind(kind: &Transition) -> Object {
    let mut value = object! {
        "agent" => kind.agent.as_str(),
        "tools" => kind.tools.as_str(),
        "from" => kind.before.effect.as_str(),
        "to" => kind.after.effect.as_str(),
        "example" => example_value(&kind.example),
    };
    for (rule, place, decided) in [("from_rule", "from_ref", &kind.before), ("rule", "ref", &kind.after)] {
        if let Some((text, reference)) = &decided.rule {
            value.insert(rule, text.as_str());
            value.insert(place, reference.as_str());
        }
    }
    value
}

#[cfg(test)]
mod tests;
