//! An agent's phases, ready for deciding: rollouts, each with the time that it lasts, and stages of work
//! in the order of the source. Leaves out when a rollout began and which stage a session is in: those
//! are the state's.

use faramesh_call::Timestamp;

use crate::image::{NextPhase, RuleEffect};
use crate::program::Rule;
use crate::tools::ToolIndex;

/// One phase of a program.
#[derive(Debug)]
pub struct Phase {
    /// Its name.
    pub name: Box<str>,
    /// How long it lasts, when it is a rollout.
    pub duration_ms: Option<u64>,
    /// What follows a rollout.
    pub next: Option<NextPhase>,
    /// What happens to a call that none of its rules matches.
    pub default: RuleEffect,
    /// Its rules by tool, by their numbers in the agent.
    pub rules: ToolIndex,
    /// Which tools it is about.
    tools: ToolIndex,
}

/// The phases of one agent.
#[derive(Debug, Default)]
pub struct Phases {
    all: Vec<Phase>,
}

/// Where a rollout stands at a time.
#[derive(Debug, Clone, Copy)]
pub enum Rollout<'a> {
    /// This phase decides its tools, until then.
    Active(&'a Phase, Option<Timestamp>),
    /// It ended here, and calls of its tools are denied.
    Enforced(&'a Phase),
    /// It ended, and nothing follows.
    Over,
}

impl Phase {
    /// A phase. `rules` are its own, the first of which has the number `first` in the agent.
    pub(crate) fn new(
        image: &crate::image::Phase<crate::image::RuleImage>,
        rules: &[Rule],
        first: usize,
    ) -> Self {
        let mut index = ToolIndex::default();
        let mut tools = ToolIndex::default();
        let number = |at: usize| u32::try_from(first + at).unwrap_or(u32::MAX);
        for (at, rule) in rules.iter().enumerate() {
            index.add(&rule.pattern, number(at));
        }
        let patterns = image.tools.iter().map(String::as_str);
        // A rollout is about the tools that it names, else those of its rules; a stage shows both.
        let of_rules = rules.iter().map(|rule| &*rule.pattern);
        let of_rules = of_rules.filter(|_| image.tools.is_empty() || image.duration_ms.is_none());
        for (at, pattern) in patterns.chain(of_rules).enumerate() {
            tools.add(pattern, u32::try_from(at).unwrap_or(u32::MAX));
        }
        Self {
            name: image.name.as_str().into(),
            duration_ms: image.duration_ms,
            next: image.next.clone(),
            default: image.default.unwrap_or(RuleEffect::Deny),
            rules: index.finished(),
            tools: tools.finished(),
        }
    }

    /// Whether it is about a tool.
    #[must_use]
    pub fn is_about(&self, tool: &str) -> bool {
        self.tools.candidates(tool).next_rule().is_some()
    }
}

impl Phases {
    pub(crate) fn new(all: Vec<Phase>) -> Option<Box<Self>> {
        (!all.is_empty()).then(|| Box::new(Self { all }))
    }

    /// A phase.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Phase> {
        self.all.iter().find(|phase| *phase.name == *name)
    }

    /// The rollouts that begin when the policy does; others follow one of them.
    pub fn rollouts(&self) -> impl Iterator<Item = &Phase> {
        self.all.iter().filter(|phase| phase.duration_ms.is_some() && !self.follows_another(phase))
    }

    /// The stages of work, in their order.
    pub fn stages(&self) -> impl Iterator<Item = &Phase> {
        self.all.iter().filter(|phase| phase.duration_ms.is_none() && !self.follows_another(phase))
    }

    /// The place of a stage among the stages.
    #[must_use]
    pub fn stage_number(&self, name: &str) -> Option<usize> {
        self.stages().position(|stage| *stage.name == *name)
    }

    fn follows_another(&self, phase: &Phase) -> bool {
        let follows = |other: &Phase| {
            *other.name != *phase.name
                && matches!(&other.next, Some(NextPhase::Phase(next)) if **next == *phase.name)
        };
        self.all.iter().any(follows)
    }

    /// Where a rollout that began at a time stands now. A chain that comes back to itself ends as one
    /// that is enforced: every phase counts once.
    #[must_use]
    pub fn at<'a>(&'a self, first: &'a Phase, began: Timestamp, now: Timestamp) -> Rollout<'a> {
        let (mut phase, mut began) = (first, began);
        for _ in 0..self.all.len() {
            let Some(duration_ms) = phase.duration_ms else { return Rollout::Active(phase, None) };
            let ends = began.plus_ms(duration_ms);
            if now < ends {
                return Rollout::Active(phase, Some(ends));
            }
            match &phase.next {
                None => return Rollout::Over,
                Some(NextPhase::Enforce) => return Rollout::Enforced(phase),
                Some(NextPhase::Phase(next)) => match self.named(next) {
                    Some(next) => (phase, began) = (next, ends),
                    None => return Rollout::Enforced(phase),
                },
            }
        }
        Rollout::Enforced(phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image;

    fn phase(name: &str, duration_ms: Option<u64>, next: Option<&str>) -> Phase {
        let next = next.map(|next| match next {
            "enforce" => NextPhase::Enforce,
            other => NextPhase::Phase(other.to_owned()),
        });
        let tools = vec![format!("{name}/*")];
        let image =
            image::Phase { name: name.to_owned(), duration_ms, next, tools, default: None, rules: vec![] };
        Phase::new(&image, &[], 0)
    }

    fn stands(phases: &Phases, now: u64) -> String {
        let first = phases.rollouts().next().unwrap();
        match phases.at(first, Timestamp(100), Timestamp(now)) {
            Rollout::Active(phase, ends) => format!("{} until {:?}", phase.name, ends.map(|ends| ends.0)),
            Rollout::Enforced(phase) => format!("{} enforced", phase.name),
            Rollout::Over => "over".to_owned(),
        }
    }

    #[test]
    fn a_rollout_goes_through_its_phases() {
        let chain = [phase("b", Some(20), Some("enforce")), phase("a", Some(10), Some("b"))];
        let phases = Phases::new(chain.into()).unwrap();
        assert_eq!(phases.rollouts().map(|phase| &*phase.name).collect::<Vec<_>>(), ["a"]);
        for (now, expected) in [
            (0, "a until Some(110)"),
            (109, "a until Some(110)"),
            (110, "b until Some(130)"),
            (130, "b enforced"),
            (u64::MAX, "b enforced"),
        ] {
            assert_eq!(stands(&phases, now), expected, "at {now}");
        }
        let ends = Phases::new(vec![phase("a", Some(10), None)]).unwrap();
        assert_eq!(stands(&ends, 110), "over");
        assert!(ends.named("a").unwrap().is_about("a/x") && !ends.named("a").unwrap().is_about("b"));
    }

    #[test]
    fn a_chain_that_comes_back_ends() {
        let chain =
            [phase("a", Some(1), Some("b")), phase("b", Some(1), Some("c")), phase("c", Some(1), Some("b"))];
        assert_eq!(stands(&Phases::new(chain.into()).unwrap(), 1_000), "b enforced");
    }
}
