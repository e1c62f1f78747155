//! Standing grants: a person's answer given beforehand, for so many calls and so long.
//!
//! INVARIANT bounded: beyond [`MAX_GRANTS`] that still hold none is given, and each ends by itself.

use faramesh_call::value::Value;
use faramesh_call::{Object, Timestamp, object};
use rustc_hash::FxHashMap;

use crate::limits::words::whole;
use crate::stored::stored;

/// Most grants that still hold.
pub const MAX_GRANTS: usize = 1_000;
/// Most members that a grant asks for.
pub const MAX_WHERE: usize = 32;

/// What a call must be for a grant to cover it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The agent.
    pub agent: Box<str>,
    /// The tool pattern.
    pub tool: Box<str>,
    /// Arguments by their dotted name, and the value that each must have.
    pub wanted: Vec<(Box<str>, Value)>,
}

/// One standing grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `grt-…`
    pub id: Box<str>,
    /// What it covers.
    pub scope: Scope,
    /// How many calls.
    pub uses: u32,
    /// How many it has covered.
    pub used: u32,
    /// When it was given.
    pub at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who gave it, as `uid:1000`.
    pub by: Box<str>,
    /// Why.
    pub reason: Box<str>,
}

/// The grants of a stack.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Grants {
    given: FxHashMap<Box<str>, Grant>,
}

stored! {
    Scope { agent, tool, wanted }
    Grant { id, scope, uses, used, at, expires_at, by, reason }
    Grants { given }
}

impl Scope {
    /// Whether the arguments are as it asks.
    #[must_use]
    pub fn fits(&self, args: &Value) -> bool {
        self.wanted.iter().all(|(name, wanted)| {
            let found = name.split('.').try_fold(args, |at, key| at.get(key));
            found == Some(wanted)
        })
    }
}

impl Grant {
    /// Whether it still covers a call.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.used < self.uses
    }

    /// As records carry it.
    #[must_use]
    pub fn to_value(&self) -> Object {
        let wanted: Object = self.scope.wanted.iter().map(|(name, value)| (&**name, value.clone())).collect();
        object! {
            "agent" => self.scope.agent.clone(),
            "at" => self.at.0,
            "by" => self.by.clone(),
            "change" => "granted",
            "expires_at" => self.expires_at.0,
            "grant" => self.id.clone(),
            "reason" => self.reason.clone(),
            "tool" => self.scope.tool.clone(),
            "uses" => u64::from(self.uses),
            "where" => wanted,
        }
    }

    /// Reads [`Grant::to_value`].
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(Box::from);
        let number = |key: &str| whole(value, key).and_then(|number| u64::try_from(number).ok());
        let wanted = value.get("where")?.as_object()?.iter();
        Some(Self {
            id: text("grant")?,
            scope: Scope {
                agent: text("agent")?,
                tool: text("tool")?,
                wanted: wanted.map(|(name, value)| (name.into(), value.clone())).collect(),
            },
            uses: u32::try_from(number("uses")?).ok()?,
            used: 0,
            at: Timestamp(number("at")?),
            expires_at: Timestamp(number("expires_at")?),
            by: text("by")?,
            reason: text("reason")?,
        })
    }
}

impl Grants {
    /// The grant of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Grant> {
        self.given.get(id)
    }

    /// The grants of an agent that still hold, the one that ends first first.
    #[must_use]
    pub fn of(&self, agent: &str, now: Timestamp) -> Vec<&Grant> {
        let of_agent = self.given.values().filter(|grant| *grant.scope.agent == *agent && grant.holds(now));
        in_order(of_agent)
    }

    /// Every grant that is remembered.
    #[must_use]
    pub fn all(&self) -> Vec<&Grant> {
        in_order(self.given.values())
    }

    /// Whether one more can be given.
    #[must_use]
    pub fn has_room(&self, now: Timestamp) -> bool {
        self.given.len() < MAX_GRANTS || self.given.values().any(|grant| !grant.holds(now))
    }

    pub(crate) fn give(&mut self, grant: &Grant) {
        if self.given.len() >= MAX_GRANTS {
            self.given.retain(|_, known| known.holds(grant.at));
        }
        self.given.insert(grant.id.clone(), grant.clone());
    }

    pub(crate) fn count_use(&mut self, id: &str) {
        if let Some(grant) = self.given.get_mut(id) {
            grant.used = grant.used.saturating_add(1);
        }
    }

    pub(crate) fn revoke(&mut self, id: &str) {
        self.given.remove(id);
    }
}

fn in_order<'a>(grants: impl Iterator<Item = &'a Grant>) -> Vec<&'a Grant> {
    let mut grants: Vec<&Grant> = grants.collect();
    grants.sort_unstable_by(|left, right| (left.expires_at, &left.id).cmp(&(right.expires_at, &right.id)));
    grants
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::json;

    fn grant(id: &str, expires_at: u64) -> Grant {
        let wanted = vec![("amount".into(), Value::from(5_u64)), ("customer.id".into(), Value::from("c1"))];
        Grant {
            id: id.into(),
            scope: Scope { agent: "a".into(), tool: "refund".into(), wanted },
            uses: 2,
            used: 0,
            at: Timestamp(1),
            expires_at: Timestamp(expires_at),
            by: "uid:0".into(),
            reason: "a sale".into(),
        }
    }

    #[test]
    fn is_read_back() {
        let given = grant("grt-1", 9);
        assert_eq!(Grant::from_value(&given.to_value().into()), Some(given));
    }

    #[test]
    fn it_covers_so_many_calls_of_the_kind() {
        let mut grants = Grants::default();
        grants.give(&grant("grt-1", 9));
        let fits =
            |args: &str| grants.get("grt-1").unwrap().scope.fits(&json::parse(args.as_bytes()).unwrap());
        assert!(fits(r#"{"customer":{"id":"c1"},"amount":5,"note":"x"}"#));
        for args in [
            r#"{"customer":{"id":"c2"},"amount":5}"#,
            r#"{"amount":5}"#,
            r#"{"customer":{"id":"c1"},"amount":"5"}"#,
            "[]",
        ] {
            assert!(!fits(args), "{args}");
        }
        let mut grants = grants;
        grants.count_use("grt-1");
        assert_eq!(grants.of("a", Timestamp(8)).len(), 1);
        assert!(grants.of("a", Timestamp(9)).is_empty() && grants.of("b", Timestamp(2)).is_empty());
        grants.count_use("grt-1");
        assert!(grants.of("a", Timestamp(2)).is_empty(), "used up");
    }

    #[test]
    fn those_that_ended_make_room() {
        let mut grants = Grants::default();
        for number in 0..MAX_GRANTS {
            grants.give(&grant(&format!("grt-{number}"), 100));
        }
        assert!(!grants.has_room(Timestamp(99)) && grants.has_room(Timestamp(100)));
        grants.give(&Grant { at: Timestamp(100), ..grant("late", 200) });
        assert_eq!(grants.all().len(), 1);
    }
}
