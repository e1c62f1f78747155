//! The changes as data, in the shape that programs read: `diff.rules{added, removed, changed}` and
//! the kinds of settings that a policy has.

use faramesh_call::{Object, Value, object};

use crate::compare::{Change, Changes, Setting};
use crate::semantic::Semantic;

impl Changes {
    /// The changes as a value. Kinds without a change are there, and empty.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let rules = object! {
            "added" => self.added.iter().map(rule).collect::<Value>(),
            "removed" => self.removed.iter().map(rule).collect::<Value>(),
            "changed" => self.changed.iter().map(rule).collect::<Value>(),
            "moved" => self.moved.iter().map(rule).collect::<Value>(),
        };
        let diff = object! {
            "rules" => rules,
            "agents" => settings(&self.agents, "agent"),
            "defaults" => settings(&self.defaults, "agent"),
            "attests" => settings(&self.attests, "agent"),
            "redactions" => settings(&self.redactions, "tool"),
            "identities" => settings(&self.identities, "identity"),
            "runtime" => settings(&self.runtime, "setting"),
            "rate_limits" => settings(&self.rate_limits, "rate_limit"),
            "budgets" => settings(&self.budgets, "budget"),
            "blocks" => settings(&self.blocks, "block"),
            "providers" => settings(&self.providers, "provider"),
            "semantic" => self.semantic.as_ref().map(Semantic::to_value),
        };
        object! {
            "version" => "v1",
            "policy" => object! { "from" => self.from.clone(), "to" => self.to.as_str() },
            "changes" => self.count(),
            "diff" => diff,
        }
        .into()
    }
}

fn rule(change: &Change) -> Object {
    let mut value = object! { "agent" => change.agent.as_str() };
    let sides = [("from", "from_ref", &change.from), ("to", "ref", &change.to)];
    for (text_key, place_key, side) in sides {
        if let Some((text, place)) = side {
            value.insert(text_key, text.as_str());
            value.insert(place_key, place.as_str());
        }
    }
    value
}

fn settings(list: &[Setting], name: &str) -> Value {
    let entry = |setting: &Setting| {
        object! { name => setting.name.as_str(), "from" => setting.from.clone(), "to" => setting.to.clone() }
    };
    list.iter().map(entry).collect()
}
