//! What sessions are for, as agents declared it.
//!
//! INVARIANT bounded: beyond [`MAX_PURPOSES`] a declaration is refused unless one has been idle for a day.

use faramesh_call::{Object, Timestamp, Value, object};
use rustc_hash::FxHashMap;

use crate::limits::SESSION_KEPT_MS;
use crate::limits::words::whole;

/// Most sessions whose purpose is remembered.
pub const MAX_PURPOSES: usize = 10_000;
/// Longest purpose, in bytes.
pub const MAX_PURPOSE_BYTES: usize = 256;

/// A declared purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// The agent.
    pub agent: Box<str>,
    /// The session.
    pub session: Box<str>,
    /// What it is for.
    pub text: Box<str>,
    /// When it was declared.
    pub at: Timestamp,
}

/// The purposes of sessions.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Purposes {
    declared: FxHashMap<Box<str>, Purpose>,
}

fn key(agent: &str, session: &str) -> Box<str> {
    // Agents' names have no control characters.
    format!("{agent}\n{session}").into()
}

impl Purpose {
    /// As records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        object! {
            "at" => self.at.0,
            "change" => "purpose_declared",
            "purpose" => self.text.clone(),
            "session" => self.session.clone(),
        }
    }

    pub(crate) fn from_value(value: &Value, agent: &str) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        Some(Self {
            agent: agent.into(),
            session: text("session")?.into(),
            text: text("purpose")?.into(),
            at: Timestamp(u64::try_from(whole(value, "at")?).ok()?),
        })
    }
}

impl Purposes {
    /// What a session is for, when that was declared.
    #[must_use]
    pub fn of(&self, agent: &str, session: &str) -> Option<&Purpose> {
        self.declared.get(&key(agent, session))
    }

    /// Whether one more can be remembered.
    #[must_use]
    pub fn has_room(&self, agent: &str, session: &str, now: Timestamp) -> bool {
        self.declared.len() < MAX_PURPOSES
            || self.declared.contains_key(&key(agent, session))
            || self.declared.values().any(|purpose| is_idle(purpose, now))
    }

    pub(crate) fn declare(&mut self, purpose: &Purpose) {
        let key = key(&purpose.agent, &purpose.session);
        if self.declared.len() >= MAX_PURPOSES && !self.declared.contains_key(&key) {
            self.declared.retain(|_, known| !is_idle(known, purpose.at));
        }
        self.declared.insert(key, purpose.clone());
    }

    /// Whether a declaration still says what its session is for.
    pub(crate) fn need(&self, purpose: &Purpose, now: Timestamp) -> bool {
        self.of(&purpose.agent, &purpose.session) == Some(purpose) && !is_idle(purpose, now)
    }
}

fn is_idle(purpose: &Purpose, now: Timestamp) -> bool {
    now.since_ms(purpose.at) > SESSION_KEPT_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(session: usize, at: u64) -> Purpose {
        let session = session.to_string().into();
        Purpose { agent: "a".into(), session, text: "appointment".into(), at: Timestamp(at) }
    }

    #[test]
    fn is_read_back() {
        let declared = purpose(1, 7);
        assert_eq!(Purpose::from_value(&declared.to_value().into(), "a"), Some(declared));
    }

    #[test]
    fn those_of_long_ago_make_room() {
        let mut purposes = Purposes::default();
        for number in 0..MAX_PURPOSES {
            purposes.declare(&purpose(number, 5));
        }
        let later = Timestamp(6 + SESSION_KEPT_MS);
        assert!(!purposes.has_room("a", "new", Timestamp(6)) && purposes.has_room("a", "7", Timestamp(6)));
        assert!(purposes.has_room("a", "new", later));
        assert!(purposes.need(&purpose(7, 5), Timestamp(6)) && !purposes.need(&purpose(7, 4), Timestamp(6)));
        purposes.declare(&purpose(MAX_PURPOSES, later.0));
        assert_eq!(purposes.declared.len(), 1);
    }
}
