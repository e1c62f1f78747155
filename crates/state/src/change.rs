//! A change of state, as a record carries it.

use faramesh_call::{Object, Timestamp, Value, object};

use crate::approval::{Approval, Resolution};
use crate::fold::BUDGET_RULE;
use crate::grants::Grant;
use crate::handovers::{Delegation, Spawned};
use crate::limits::{Bucket, Lease, Reservation, Settled};
use crate::rollouts::Rollouts;
use crate::sessions::Declared;
use crate::standing::Control;

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A call was deferred.
    ApprovalRequested(Box<Approval>),
    /// A person answered.
    ApprovalResolved {
        /// Which approval.
        id: Box<str>,
        /// The answer.
        resolution: Resolution,
    },
    /// The approved call was permitted.
    ApprovalConsumed {
        /// Which approval.
        id: Box<str>,
    },
    /// A call took tokens of rate limits.
    TokensTaken {
        /// The agent that called.
        agent: Box<str>,
        /// What each bucket is after it.
        buckets: Vec<(Box<str>, Bucket)>,
    },
    /// A permitted call reserved its cost.
    Reserved(Box<Reservation>),
    /// More of a ceiling was leased that daemons share.
    Leased(Box<Lease>),
    /// The outcome of a permitted call said what it cost.
    Settled(Settled),
    /// An agent said what a session is for, or which stage it enters.
    Declared(Declared),
    /// A person gave a standing grant.
    Granted(Box<Grant>),
    /// A grant covered a call.
    GrantUsed {
        /// Which grant.
        id: Box<str>,
    },
    /// A grant was taken back.
    GrantRevoked {
        /// Which grant.
        id: Box<str>,
    },
    /// An agent handed on authority.
    Delegated(Box<Delegation>),
    /// What was handed on was taken back.
    DelegationRevoked {
        /// Which delegation.
        id: Box<str>,
    },
    /// An agent started another one.
    Spawned(Spawned),
    /// A started agent ended.
    SpawnEnded {
        /// The record that started it.
        record: Box<str>,
    },
    /// A policy came in force: when its rollouts began.
    Rollouts(Rollouts),
    /// An operator did something about an agent.
    AgentControlled {
        /// Which agent.
        agent: Box<str>,
        /// What.
        control: Control,
    },
}

impl Change {
    /// The id of the approval that changes, when one does.
    #[must_use]
    pub fn approval(&self) -> Option<&str> {
        match self {
            Self::ApprovalRequested(approval) => Some(&approval.id),
            Self::ApprovalResolved { id, .. } | Self::ApprovalConsumed { id } => Some(id),
            Self::TokensTaken { .. }
            | Self::Reserved(_)
            | Self::Leased(_)
            | Self::Settled(_)
            | Self::Declared(_)
            | Self::Rollouts(_)
            | Self::Granted(_)
            | Self::GrantUsed { .. }
            | Self::GrantRevoked { .. }
            | Self::Delegated(_)
            | Self::DelegationRevoked { .. }
            | Self::Spawned(_)
            | Self::SpawnEnded { .. }
            | Self::AgentControlled { .. } => None,
        }
    }

    /// The change as a record carries it. What the record says elsewhere (agent, tool, arguments,
    /// rule) is not repeated.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let members: Object = match self {
            Self::ApprovalRequested(approval) => requested(approval),
            Self::ApprovalResolved { id, resolution } => [
                ("approval", Value::string(id.clone())),
                ("approved", Value::from(resolution.approved)),
                ("at", Value::from(resolution.at.to_string())),
                ("by", Value::string(resolution.by.clone())),
                ("change", Value::from("approval_resolved")),
                ("reason", Value::string(resolution.reason.clone())),
            ]
            .into_iter()
            .collect(),
            Self::ApprovalConsumed { id } => {
                [("approval", Value::string(id.clone())), ("change", Value::from("approval_consumed"))]
                    .into_iter()
                    .collect()
            }
            Self::TokensTaken { buckets, .. } => {
                let buckets: Object =
                    buckets.iter().map(|(key, bucket)| (&**key, bucket.to_value())).collect();
                [("buckets", Value::from(buckets)), ("change", Value::from("tokens_taken"))]
                    .into_iter()
                    .collect()
            }
            Self::Reserved(reservation) => reservation.to_value(),
            Self::Leased(lease) => lease.to_value(),
            Self::Settled(settled) => settled.to_value(),
            Self::Declared(declared) => declared.to_value(),
            Self::Rollouts(rollouts) => rollouts.to_value(),
            Self::Granted(grant) => grant.to_value(),
            Self::GrantUsed { id } => object! { "change" => "grant_used", "grant" => id.clone() },
            Self::GrantRevoked { id } => object! { "change" => "grant_revoked", "grant" => id.clone() },
            Self::Delegated(delegation) => delegation.to_value(),
            Self::DelegationRevoked { id } => {
                object! { "change" => "delegation_revoked", "delegation" => id.clone() }
            }
            Self::Spawned(spawned) => spawned.to_value(),
            Self::SpawnEnded { record } => object! { "change" => "spawn_ended", "started" => record.clone() },
            Self::AgentControlled { control, .. } => {
                let mut members = control.to_value();
                members.insert("change", "agent_controlled");
                members
            }
        };
        Value::Object(members)
    }

    /// A change that says everything by itself, read back. The others need the whole record: see
    /// [`crate::fold`].
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let change = text("change")?;
        match change {
            "granted" => return Grant::from_value(value).map(|grant| Self::Granted(Box::new(grant))),
            "grant_used" => return Some(Self::GrantUsed { id: text("grant")?.into() }),
            "grant_revoked" => return Some(Self::GrantRevoked { id: text("grant")?.into() }),
            _ => {}
        }
        if change == "delegation_revoked" {
            return Some(Self::DelegationRevoked { id: text("delegation")?.into() });
        }
        if change == "spawn_ended" {
            return Some(Self::SpawnEnded { record: text("started")?.into() });
        }
        if change == "rollouts" {
            return Rollouts::from_value(value).map(Self::Rollouts);
        }
        if change == "settled" {
            return Settled::from_value(value).map(Self::Settled);
        }
        let id = text("approval")?.into();
        match change {
            "approval_resolved" => {
                let resolution = Resolution {
                    approved: value.get("approved")?.as_bool()?,
                    by: text("by")?.into(),
                    reason: text("reason")?.into(),
                    at: Timestamp::parse(text("at")?)?,
                };
                Some(Self::ApprovalResolved { id, resolution })
            }
            "approval_consumed" => Some(Self::ApprovalConsumed { id }),
            _ => None,
        }
    }
}

fn requested(approval: &Approval) -> Object {
    let mut members: Object = [
        ("approval", Value::string(approval.id.clone())),
        ("change", Value::from("approval_requested")),
        ("expires_at", Value::from(approval.expires_at.to_string())),
        ("requested_at", Value::from(approval.requested_at.to_string())),
        ("requester", Value::string(approval.requester.clone())),
    ]
    .into_iter()
    .collect();
    if approval.needed > 1 {
        members.insert("needed", u64::from(approval.needed));
    }
    // The record names the rule that permits; it is these budgets that ask.
    if let Some(budgets) = approval.binding.rule_digest.strip_prefix(BUDGET_RULE) {
        members.insert("budgets", budgets);
    }
    members
}
