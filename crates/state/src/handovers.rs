//! Authority that agents have handed on, and the agents that they have started.
//!
//! INVARIANT bounded: ends are never later than they were made for, and beyond [`MAX_DELEGATIONS`] or
//! [`MAX_SPAWNS`] that are under way nothing more is handed on.

use faramesh_call::{Object, Timestamp, Value, object};
use rustc_hash::FxHashMap;

use crate::limits::words::whole;
use crate::stored::stored;

/// Most delegations that are under way.
pub const MAX_DELEGATIONS: usize = 10_000;
/// Most started agents that have not ended.
pub const MAX_SPAWNS: usize = 10_000;
/// How long a started agent counts as under way when nobody says that it ended, in milliseconds.
pub const SPAWN_MS: u64 = 86_400_000;

/// Authority that one agent handed on to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its token, `dlg-…`; good for calls of the receiver alone.
    pub id: Box<str>,
    /// Who handed on.
    pub from: Box<str>,
    /// Who received.
    pub to: Box<str>,
    /// The tools that it was asked for, each a pattern; every tool of the policy's scope when empty.
    pub scope: Vec<Box<str>>,
    /// When it was made.
    pub at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The session in which it was made, whose budgets are charged.
    pub session: Box<str>,
    /// The delegation under which the giver itself acted.
    pub parent: Option<Box<str>>,
    /// The record that made it.
    pub record: Box<str>,
}

/// An agent that another one started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spawned {
    /// Who started it.
    pub by: Box<str>,
    /// Which agent.
    pub agent: Box<str>,
    /// The record of the permit.
    pub record: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// What was handed on and started.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Handovers {
    delegations: FxHashMap<Box<str>, Delegation>,
    spawned: FxHashMap<Box<str>, Spawned>,
}

stored! {
    Delegation { id, from, to, scope, at, expires_at, session, parent, record }
    Spawned { by, agent, record, at }
    Handovers { delegations, spawned }
}

/// The token that a call carried, from the `inputs` of its record.
#[must_use]
pub fn carried(inputs: &Value) -> Option<Box<str>> {
    inputs.get("delegation")?.as_str().map(Box::from)
}

impl Delegation {
    /// As records carry it; the record itself says who handed on, and when.
    #[must_use]
    pub fn to_value(&self) -> Object {
        let mut members = object! {
            "at" => self.at.0,
            "change" => "delegated",
            "delegation" => self.id.clone(),
            "expires_at" => self.expires_at.0,
            "from" => self.from.clone(),
            "scope" => self.scope.iter().map(|pattern| Value::string(pattern.clone())).collect::<Value>(),
            "session" => self.session.clone(),
            "to" => self.to.clone(),
        };
        if let Some(parent) = &self.parent {
            members.insert("parent", parent.clone());
        }
        members
    }

    /// Reads [`Delegation::to_value`] of a record.
    #[must_use]
    pub fn from_value(value: &Value, record: &str) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(Box::from);
        let time = |key: &str| whole(value, key).and_then(|at| u64::try_from(at).ok()).map(Timestamp);
        let scope = value.get("scope")?.as_list()?.iter().map(|pattern| pattern.as_str().map(Box::from));
        Some(Self {
            id: text("delegation")?,
            from: text("from")?,
            to: text("to")?,
            scope: scope.collect::<Option<_>>()?,
            at: time("at")?,
            expires_at: time("expires_at")?,
            session: text("session")?,
            parent: text("parent"),
            record: record.into(),
        })
    }
}

impl Spawned {
    /// As records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        object! { "agent" => self.agent.clone(), "at" => self.at.0, "by" => self.by.clone(), "change" => "spawned" }
    }

    /// Reads [`Spawned::to_value`] of a record.
    #[must_use]
    pub fn from_value(value: &Value, record: &str) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(Box::from);
        let at = Timestamp(u64::try_from(whole(value, "at")?).ok()?);
        Some(Self { by: text("by")?, agent: text("agent")?, record: record.into(), at })
    }

    fn is_open(&self, now: Timestamp) -> bool {
        now.since_ms(self.at) <= SPAWN_MS
    }
}

impl Handovers {
    /// A delegation that has not ended.
    #[must_use]
    pub fn delegation(&self, id: &str, now: Timestamp) -> Option<&Delegation> {
        self.delegations.get(id).filter(|found| found.expires_at > now)
    }

    /// A delegation and those under which it was made, from the newest to the first. `None` when any has
    /// ended: what was handed on from it ended with it.
    #[must_use]
    pub fn chain(&self, id: &str, now: Timestamp) -> Option<Vec<&Delegation>> {
        let mut chain = vec![self.delegation(id, now)?];
        while let Some(parent) = chain.last().and_then(|last| last.parent.as_deref()) {
            if chain.len() > crate::MAX_CHAIN {
                return None;
            }
            chain.push(self.delegation(parent, now)?);
        }
        Some(chain)
    }

    /// The delegations that have not ended, the oldest first.
    #[must_use]
    pub fn delegations(&self, now: Timestamp) -> Vec<&Delegation> {
        let mut open: Vec<&Delegation> =
            self.delegations.values().filter(|found| found.expires_at > now).collect();
        open.sort_unstable_by(|left, right| (left.at, &left.id).cmp(&(right.at, &right.id)));
        open
    }

    /// Delegations from one agent to another that have not ended.
    #[must_use]
    pub fn open_between(&self, from: &str, to: &str, now: Timestamp) -> usize {
        let open = self.delegations.values().filter(|found| found.expires_at > now);
        open.filter(|found| *found.from == *from && *found.to == *to).count()
    }

    /// The agents that one agent started and that have not ended.
    #[must_use]
    pub fn open_spawns(&self, by: &str, now: Timestamp) -> usize {
        self.spawned.values().filter(|found| *found.by == *by && found.is_open(now)).count()
    }

    /// The agent that a record started, while it has not ended.
    #[must_use]
    pub fn spawned(&self, record: &str) -> Option<&Spawned> {
        self.spawned.get(record)
    }

    /// Whether one more delegation can be remembered.
    #[must_use]
    pub fn has_room_to_delegate(&self, now: Timestamp) -> bool {
        self.delegations.len() < MAX_DELEGATIONS
            || self.delegations.values().any(|found| found.expires_at <= now)
    }

    /// Whether one more started agent can be remembered.
    #[must_use]
    pub fn has_room_to_spawn(&self, now: Timestamp) -> bool {
        self.spawned.len() < MAX_SPAWNS || self.spawned.values().any(|found| !found.is_open(now))
    }

    pub(crate) fn delegate(&mut self, delegation: &Delegation) {
        if self.delegations.len() >= MAX_DELEGATIONS {
            self.delegations.retain(|_, found| found.expires_at > delegation.at);
        }
        self.delegations.insert(delegation.id.clone(), delegation.clone());
    }

    pub(crate) fn revoke(&mut self, id: &str) {
        self.delegations.remove(id);
    }

    pub(crate) fn spawn(&mut self, spawned: &Spawned) {
        if self.spawned.len() >= MAX_SPAWNS {
            self.spawned.retain(|_, found| found.is_open(spawned.at));
        }
        self.spawned.insert(spawned.record.clone(), spawned.clone());
    }

    pub(crate) fn end_spawn(&mut self, record: &str) {
        self.spawned.remove(record);
    }

    /// Whether a record of a delegation still says something.
    pub(crate) fn needs_delegation(&self, id: &str, now: Timestamp) -> bool {
        self.delegation(id, now).is_some()
    }

    /// Whether a record of a started agent still says something.
    pub(crate) fn needs_spawn(&self, record: &str, now: Timestamp) -> bool {
        self.spawned.get(record).is_some_and(|found| found.is_open(now))
    }

    /// What a decision read, from the `inputs` of its record.
    pub(crate) fn read_back(inputs: &Value) -> Self {
        let listed = |key: &str| inputs.get(key).and_then(Value::as_list).unwrap_or_default();
        let mut handovers = Self::default();
        for value in listed("delegations") {
            let record = value.get("record").and_then(Value::as_str).unwrap_or_default();
            if let Some(delegation) = Delegation::from_value(value, record) {
                handovers.delegate(&delegation);
            }
        }
        handovers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delegation(id: &str, parent: Option<&str>, expires_at: u64) -> Delegation {
        Delegation {
            id: id.into(),
            from: "a".into(),
            to: "b".into(),
            scope: vec!["x/*".into()],
            at: Timestamp(1),
            expires_at: Timestamp(expires_at),
            session: "s".into(),
            parent: parent.map(Into::into),
            record: "dpr-1".into(),
        }
    }

    #[test]
    fn is_read_back() {
        let made = delegation("dlg-1", Some("dlg-0"), 9);
        assert_eq!(Delegation::from_value(&made.to_value().into(), "dpr-1"), Some(made));
        let spawned = Spawned { by: "a".into(), agent: "b".into(), record: "dpr-2".into(), at: Timestamp(3) };
        assert_eq!(Spawned::from_value(&spawned.to_value().into(), "dpr-2"), Some(spawned));
    }

    #[test]
    fn a_chain_ends_with_any_of_its_links() {
        let mut handovers = Handovers::default();
        handovers.delegate(&delegation("dlg-1", None, 100));
        handovers.delegate(&delegation("dlg-2", Some("dlg-1"), 50));
        let links =
            |handovers: &Handovers, now| handovers.chain("dlg-2", Timestamp(now)).map(|chain| chain.len());
        assert_eq!((links(&handovers, 49), links(&handovers, 50)), (Some(2), None));
        handovers.revoke("dlg-1");
        assert_eq!(links(&handovers, 10), None);
    }

    #[test]
    fn a_started_agent_counts_until_it_ends() {
        let mut handovers = Handovers::default();
        let spawned = Spawned { by: "a".into(), agent: "b".into(), record: "dpr-2".into(), at: Timestamp(3) };
        handovers.spawn(&spawned);
        assert_eq!(handovers.open_spawns("a", Timestamp(3 + SPAWN_MS)), 1);
        assert_eq!(handovers.open_spawns("a", Timestamp(4 + SPAWN_MS)), 0, "nobody said that it ended");
        handovers.end_spawn("dpr-2");
        assert_eq!(handovers.open_spawns("a", Timestamp(5)), 0);
    }
}
