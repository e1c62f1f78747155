//! What is known of sessions beside their calls: what each is for, and which stage of the work it is in.
//!
//! INVARIANT bounded: beyond [`MAX_DECLARED`] a session is refused unless another has been idle for a day.

use faramesh_call::{Object, Timestamp, Value, object};
use rustc_hash::FxHashMap;

use crate::limits::SESSION_KEPT_MS;
use crate::limits::words::whole;
use crate::stored::stored;

/// Most sessions of which something is known.
pub const MAX_DECLARED: usize = 10_000;
/// Longest purpose, in bytes.
pub const MAX_PURPOSE_BYTES: usize = 256;

/// One thing that was said of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// What it is for.
    Purpose(Box<str>),
    /// The stage that it is in from now on.
    Stage(Box<str>),
}

/// Something that was said of a session, as a record holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The agent.
    pub agent: Box<str>,
    /// The session.
    pub session: Box<str>,
    /// What was said.
    pub said: Said,
    /// When.
    pub at: Timestamp,
}

/// What is known of one session.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Session {
    /// What it is for.
    pub purpose: Option<Box<str>>,
    /// The stage that it is in, when it left the first.
    pub stage: Option<Box<str>>,
    /// When something was said of it last.
    pub at: Timestamp,
}

/// What is known of sessions.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sessions {
    known: FxHashMap<Box<str>, Session>,
}

stored! {
    Session { purpose, stage, at }
    Sessions { known }
}

fn key(agent: &str, session: &str) -> Box<str> {
    // Agents' names have no control characters.
    format!("{agent}\n{session}").into()
}

impl Declared {
    /// As records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        let (change, member, text) = match &self.said {
            Said::Purpose(text) => ("purpose_declared", "purpose", text),
            Said::Stage(text) => ("phase_entered", "phase", text),
        };
        object! {
            "at" => self.at.0,
            "change" => change,
            member => text.clone(),
            "session" => self.session.clone(),
        }
    }

    /// Reads [`Declared::to_value`].
    #[must_use]
    pub fn from_value(value: &Value, agent: &str) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let said = match text("change")? {
            "purpose_declared" => Said::Purpose(text("purpose")?.into()),
            "phase_entered" => Said::Stage(text("phase")?.into()),
            _ => return None,
        };
        let at = Timestamp(u64::try_from(whole(value, "at")?).ok()?);
        Some(Self { agent: agent.into(), session: text("session")?.into(), said, at })
    }
}

impl Session {
    /// What a decision read of a session, as its record holds it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        let mut members = object! { "at" => self.at.0 };
        if let Some(purpose) = &self.purpose {
            members.insert("purpose", purpose.clone());
        }
        if let Some(stage) = &self.stage {
            members.insert("phase", stage.clone());
        }
        members
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(Box::from);
        let at = Timestamp(u64::try_from(whole(value, "at")?).ok()?);
        Some(Self { purpose: text("purpose"), stage: text("phase"), at })
    }
}

impl Sessions {
    /// What is known of a session.
    #[must_use]
    pub fn of(&self, agent: &str, session: &str) -> Option<&Session> {
        self.known.get(&key(agent, session))
    }

    /// Whether one more can be remembered.
    #[must_use]
    pub fn has_room(&self, agent: &str, session: &str, now: Timestamp) -> bool {
        self.known.len() < MAX_DECLARED
            || self.known.contains_key(&key(agent, session))
            || self.known.values().any(|known| is_idle(known, now))
    }

    pub(crate) fn declare(&mut self, declared: &Declared) {
        let key = key(&declared.agent, &declared.session);
        if self.known.len() >= MAX_DECLARED && !self.known.contains_key(&key) {
            self.known.retain(|_, known| !is_idle(known, declared.at));
        }
        let session = self.known.entry(key).or_default();
        session.at = declared.at;
        match &declared.said {
            Said::Purpose(text) => session.purpose = Some(text.clone()),
            Said::Stage(text) => session.stage = Some(text.clone()),
        }
    }

    /// Whether what was said still holds.
    pub(crate) fn need(&self, declared: &Declared, now: Timestamp) -> bool {
        let Some(session) = self.of(&declared.agent, &declared.session) else { return false };
        let holds = match &declared.said {
            Said::Purpose(text) => session.purpose.as_ref() == Some(text),
            Said::Stage(text) => session.stage.as_ref() == Some(text),
        };
        holds && !is_idle(session, now)
    }

    /// What a decision read, from the `inputs` of its record.
    pub(crate) fn read_back(agent: &str, session: Option<&str>, inputs: &Value) -> Self {
        let read = inputs.get("session").and_then(Session::from_value);
        let known = read.map(|read| (key(agent, session.unwrap_or_default()), read));
        Self { known: known.into_iter().collect() }
    }
}

fn is_idle(session: &Session, now: Timestamp) -> bool {
    now.since_ms(session.at) > SESSION_KEPT_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(session: usize, at: u64) -> Declared {
        let session = session.to_string().into();
        Declared { agent: "a".into(), session, said: Said::Purpose("visit".into()), at: Timestamp(at) }
    }

    #[test]
    fn is_read_back() {
        let stage = Declared { said: Said::Stage("drafting".into()), ..purpose(1, 9) };
        for declared in [purpose(1, 7), stage] {
            assert_eq!(Declared::from_value(&declared.to_value().into(), "a"), Some(declared));
        }
        let session = Session { purpose: Some("p".into()), stage: None, at: Timestamp(3) };
        assert_eq!(Session::from_value(&session.to_value().into()), Some(session));
    }

    #[test]
    fn those_of_long_ago_make_room() {
        let mut sessions = Sessions::default();
        for number in 0..MAX_DECLARED {
            sessions.declare(&purpose(number, 5));
        }
        let later = Timestamp(6 + SESSION_KEPT_MS);
        assert!(!sessions.has_room("a", "new", Timestamp(6)) && sessions.has_room("a", "7", Timestamp(6)));
        assert!(sessions.has_room("a", "new", later));
        assert!(sessions.need(&purpose(7, 5), Timestamp(6)) && !sessions.need(&purpose(7, 5), later));
        sessions.declare(&purpose(MAX_DECLARED, later.0));
        assert_eq!(sessions.known.len(), 1);
    }
}
