//! What an operator has done about an agent: let it be, quiet it, cut it off, or end it.

use faramesh_call::{Object, Timestamp, Value, object};

use super::limits::words::whole;
use crate::stored::{stored, stored_kinds};

/// Where an agent stands that an operator did something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It works as its policy says.
    Running,
    /// New calls are denied, running ones finish.
    Quiesced,
    /// Its calls are decided and recorded, and none runs.
    Isolated,
    /// New calls are denied, its sessions and approvals have ended.
    Killed,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Running, Self::Quiesced, Self::Isolated, Self::Killed];

    /// The word in records and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Quiesced => "quiesced",
            Self::Isolated => "isolated",
            Self::Killed => "killed",
        }
    }

    /// Reads [`Standing::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// What an operator last did about an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Where the agent stands since.
    pub standing: Standing,
    /// Who did it, as `uid:0`.
    pub by: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// When.
    pub at: Timestamp,
    /// When the agent was last killed: sessions that began before that have ended.
    pub killed_at: Option<Timestamp>,
}

stored_kinds! {
    Standing [Self::Running, Self::Quiesced, Self::Isolated, Self::Killed]
}

stored! {
    Control { standing, by, reason, at, killed_at }
}

impl Control {
    /// As records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        let mut members = object! {
            "at" => self.at.0,
            "by" => self.by.clone(),
            "reason" => self.reason.clone(),
            "standing" => self.standing.as_str(),
        };
        if let Some(killed_at) = self.killed_at {
            members.insert("killed_at", killed_at.0);
        }
        members
    }

    /// Reads [`Control::to_value`].
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let time = |key: &str| whole(value, key).and_then(|at| u64::try_from(at).ok()).map(Timestamp);
        Some(Self {
            standing: Standing::parse(text("standing")?)?,
            by: text("by")?.into(),
            reason: text("reason")?.into(),
            at: time("at")?,
            killed_at: time("killed_at"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back() {
        for standing in Standing::ALL {
            for killed_at in [None, Some(Timestamp(7))] {
                let control =
                    Control { standing, by: "uid:0".into(), reason: "r".into(), at: Timestamp(9), killed_at };
                assert_eq!(Control::from_value(&control.to_value().into()), Some(control));
            }
        }
        assert_eq!(Control::from_value(&Value::Null), None);
    }
}
