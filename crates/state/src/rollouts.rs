//! When the rollouts of the policy in force began. A record of a policy says it of all of them.

use faramesh_call::{Object, Timestamp, Value, object};

use crate::limits::words::whole;
use crate::stored::stored;

/// A rollout that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The agent.
    pub agent: Box<str>,
    /// The name of its first phase.
    pub phase: Box<str>,
    /// When it began.
    pub began: Timestamp,
}

/// The rollouts of the policy in force.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Rollouts {
    begun: Vec<Rollout>,
}

stored! {
    Rollout { agent, phase, began }
    Rollouts { begun }
}

impl Rollout {
    fn to_value(&self) -> Value {
        object! { "agent" => self.agent.clone(), "began" => self.began.0, "phase" => self.phase.clone() }
            .into()
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(Box::from);
        let began = Timestamp(u64::try_from(whole(value, "began")?).ok()?);
        Some(Self { agent: text("agent")?, phase: text("phase")?, began })
    }
}

impl Rollouts {
    /// When a rollout began.
    #[must_use]
    pub fn began(&self, agent: &str, phase: &str) -> Option<Timestamp> {
        let same = |begun: &&Rollout| *begun.agent == *agent && *begun.phase == *phase;
        self.begun.iter().find(same).map(|begun| begun.began)
    }

    /// Those of a policy that comes in force: the ones that were under way go on, others begin now.
    #[must_use]
    pub fn of_policy<'a>(&self, declared: impl Iterator<Item = (&'a str, &'a str)>, now: Timestamp) -> Self {
        let begun = declared.map(|(agent, phase)| {
            let began = self.began(agent, phase).unwrap_or(now);
            Rollout { agent: agent.into(), phase: phase.into(), began }
        });
        Self { begun: begun.collect() }
    }

    /// As records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        let begun: Value = self.begun.iter().map(Rollout::to_value).collect();
        object! { "change" => "rollouts", "rollouts" => begun }
    }

    /// Reads [`Rollouts::to_value`].
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let begun = value.get("rollouts")?.as_list()?.iter().map(Rollout::from_value);
        Some(Self { begun: begun.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_goes_on_under_a_new_policy() {
        let first = Rollouts::default().of_policy([("a", "p"), ("a", "q")].into_iter(), Timestamp(5));
        assert_eq!(Rollouts::from_value(&first.to_value().into()), Some(first.clone()));
        let second = first.of_policy([("a", "q"), ("b", "p")].into_iter(), Timestamp(9));
        let began = |rollouts: &Rollouts, agent, phase| rollouts.began(agent, phase).map(|at| at.0);
        assert_eq!((began(&second, "a", "q"), began(&second, "b", "p")), (Some(5), Some(9)));
        assert_eq!(began(&second, "a", "p"), None, "what the policy no longer has is over");
        let third = second.of_policy([("a", "p")].into_iter(), Timestamp(11));
        assert_eq!(began(&third, "a", "p"), Some(11), "and begins anew");
    }
}
