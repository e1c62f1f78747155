//! An approval: one deferred call that waits for a person, bound to exactly that call.

use faramesh_call::{Timestamp, Value};

use crate::stored::{stored, stored_kinds};

/// What an approval is good for: this agent, tool and argument digest, deferred by this rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binding {
    /// The agent.
    pub agent: Box<str>,
    /// The tool.
    pub tool: Box<str>,
    /// The keyed commitment to the raw arguments.
    pub commitment: Box<str>,
    /// The digest of the rule that deferred.
    pub rule_digest: Box<str>,
}

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nobody has answered.
    Pending,
    /// Approved, and not used yet.
    Approved,
    /// Denied.
    Denied,
    /// Nobody answered, or nobody used the answer, in time.
    Expired,
    /// Approved and used.
    Consumed,
}

impl Status {
    /// The word in records and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Consumed => "consumed",
        }
    }
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Approved or denied.
    pub approved: bool,
    /// Who answered, as `uid:1000`.
    pub by: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// `apr-…`, unguessable.
    pub id: Box<str>,
    /// What it is good for.
    pub binding: Binding,
    /// Where it stands, but for expiry: see [`Approval::status_at`].
    pub status: Status,
    /// When the call was deferred.
    pub requested_at: Timestamp,
    /// When the approval ends, answered or not.
    pub expires_at: Timestamp,
    /// Who asked, as `uid:1000`.
    pub requester: Box<str>,
    /// The record of the deferred call.
    pub record: Box<str>,
    /// Where the rule was written.
    pub rule_ref: Box<str>,
    /// The hash of the policy that deferred.
    pub policy: [u8; 32],
    /// The session of the deferred call.
    pub session: Option<Box<str>>,
    /// Why it was deferred, in words.
    pub reason: Option<Box<str>>,
    /// The arguments after redaction.
    pub args: Value,
    /// How many people must approve.
    pub needed: u32,
    /// Those who did.
    pub approved_by: Vec<Box<str>>,
    /// The answer.
    pub resolution: Option<Resolution>,
}

stored_kinds! {
    Status [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Consumed]
}

stored! {
    Binding { agent, tool, commitment, rule_digest }
    Resolution { approved, by, reason, at }
    Approval {
        id, binding, status, requested_at, expires_at, requester, record, rule_ref, policy, session, reason, args,
        needed, approved_by, resolution,
    }
}

impl Approval {
    /// Takes one person's answer. One no ends it; it takes as many as are needed to approve.
    pub(crate) fn answer(&mut self, resolution: &Resolution) {
        if !resolution.approved {
            self.status = Status::Denied;
            self.resolution = Some(resolution.clone());
            return;
        }
        self.approved_by.push(resolution.by.clone());
        if self.approved_by.len() >= usize::try_from(self.needed).unwrap_or(usize::MAX) {
            self.status = Status::Approved;
            let by = self.approved_by.join(", ").into();
            self.resolution = Some(Resolution { by, ..resolution.clone() });
        }
    }

    /// Whether the approval still has a use: it waits, or its answer holds.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.status != Status::Consumed
    }

    /// Where the approval stands at a time.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Pending | Status::Approved if self.expires_at <= now => Status::Expired,
            status => status,
        }
    }
}
