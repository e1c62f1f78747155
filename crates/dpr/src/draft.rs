//! A record before it has a place in the ledger, and the one function that gives it its bytes.
//! A draft borrows what the call, its policy and its caller hold, and most of the rest is rendered by
//! the gate already, so sealing is copying and one hash: it runs under the lock that keeps the chain.
//!
//! INVARIANT sealed bytes are canonical: members are written in order and once each, and whatever is
//! copied in is [`Canonical`].

use std::borrow::Cow;

use faramesh_call::json::write_string;
use faramesh_call::{Action, Code, Effect, Number, Tier, Timestamp};

use crate::canonical::Canonical;
use crate::hex::{hash_of, write_hash};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::{Hash, VERSION};

/// Everything that a record says, except its position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft<'a> {
    /// What the record is about.
    pub kind: Kind,
    /// The agent whose call it was.
    pub agent: Option<Cow<'a, str>>,
    /// The agent's own sequence number; it rises from record to record of the agent.
    pub agent_seq: Option<u64>,
    /// Who called, as it was found out.
    pub identity: Option<Identity<'a>>,
    /// The door that the call came in by.
    pub tier: Option<Tier>,
    /// The protections that were active for this call.
    pub enforcement: Vec<Cow<'a, str>>,
    /// The session of the call.
    pub session: Option<Cow<'a, str>>,
    /// The framework's id of the call.
    pub call_id: Option<Cow<'a, str>>,
    /// The id of the request that the agent worked on.
    pub request_id: Option<Cow<'a, str>>,
    /// The id of the record that led to this one.
    pub parent: Option<Cow<'a, str>>,
    /// The chain of identities of a delegated call, a list.
    pub delegation: Option<Canonical>,
    /// The tool.
    pub tool: Option<Cow<'a, str>>,
    /// What kind of thing was asked for.
    pub action: Option<Action>,
    /// The arguments after redaction.
    pub args: Option<Canonical>,
    /// The paths of arguments that were redacted.
    pub redacted: Vec<Cow<'a, str>>,
    /// [`crate::CommitmentKey::commit`] of the raw arguments.
    pub args_commitment: Option<Cow<'a, str>>,
    /// What was decided.
    pub effect: Option<Effect>,
    /// Whether the reply follows the effect; false in audit mode.
    pub enforced: Option<bool>,
    /// Why.
    pub code: Option<Code>,
    /// The reason in words.
    pub reason: Option<Cow<'a, str>>,
    /// The rule that decided.
    pub rule: Option<RuleRef<'a>>,
    /// The hash of the program that decided.
    pub policy: Option<Hash>,
    /// The steps of the decision, a compact list.
    pub trace: Option<Canonical>,
    /// What the verdict read: enough to replay it, an object.
    pub inputs: Option<Canonical>,
    /// What the decision changed, an object.
    pub changes: Option<Canonical>,
    /// The approval concerned, an object with at least `id` and `status`.
    pub approval: Option<Canonical>,
    /// A reference to the lease; never a secret.
    pub credential: Option<Canonical>,
    /// What the call costs.
    pub cost: Option<Canonical>,
    /// Whether the daemon runs as `faramesh dev`.
    pub dev: bool,
    /// What records other than decisions tell.
    pub detail: Option<Canonical>,
}

/// Who called, and how that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// How it is known: `unix`, `self-declared`, …
    pub method: Cow<'a, str>,
    /// Who it is.
    pub subject: Cow<'a, str>,
    /// When the proof ends.
    pub expires_at: Option<Timestamp>,
    /// The hash of the claims, in hexadecimal.
    pub claims_hash: Option<Cow<'a, str>>,
}

/// A rule as records name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleRef<'a> {
    /// Where it is written: `governance.fms:12`.
    pub reference: Cow<'a, str>,
    /// The hash of what it says.
    pub digest: Cow<'a, str>,
}

/// The place of a record in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    /// The stack.
    pub stack: &'a str,
    /// The daemon process of the stack.
    pub instance: &'a str,
    /// The run of the daemon, from 1.
    pub epoch: u64,
    /// The number of the record, from 1, without gaps, going on from epoch to epoch.
    pub seq: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its id.
    pub id: RecordId,
    /// The hash of the record before; [`crate::GENESIS`] for the first.
    pub prev: Hash,
}

/// Writes members; each begins with a comma, and the first comma becomes the brace at the end.
struct Members<'a>(&'a mut Vec<u8>);

macro_rules! key {
    ($members:expr, $word:literal) => {{
        $members.0.extend_from_slice(concat!(",\"", $word, "\":").as_bytes());
        &mut *$members.0
    }};
}

macro_rules! text {
    ($members:expr, $word:literal, $text:expr) => {
        if let Some(text) = $text {
            write_string(text, key!($members, $word));
        }
    };
}

macro_rules! rendered {
    ($members:expr, $word:literal, $canonical:expr) => {
        if let Some(canonical) = $canonical {
            key!($members, $word).extend_from_slice(canonical.as_bytes());
        }
    };
}

macro_rules! strings {
    ($members:expr, $word:literal, $items:expr) => {
        if !$items.is_empty() {
            write_strings($items, key!($members, $word));
        }
    };
}

impl Draft<'_> {
    /// A draft of `kind` with `detail` and nothing else.
    #[must_use]
    pub fn event(kind: Kind, detail: impl Into<Canonical>) -> Self {
        Self { kind, detail: Some(detail.into()), ..Self::default() }
    }

    /// The first member that a record of this kind needs and the draft does not have.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Decision if self.effect.is_none() => Some("effect"),
            Kind::Decision if self.enforced.is_none() => Some("enforced"),
            Kind::Decision if self.code.is_none() => Some("code"),
            Kind::Policy if self.policy.is_none() => Some("policy"),
            _ => None,
        }
    }

    /// Appends the record's canonical bytes to `out` and returns their SHA-256.
    pub fn seal(&self, position: &Position<'_>, out: &mut Vec<u8>) -> Hash {
        let start = out.len();
        let mut members = Members(out);
        self.write_action_to_enforcement(&mut members);
        self.write_epoch_to_parent(&mut members, position);
        self.write_policy_to_version(&mut members, position);
        out.push(b'}');
        if let Some(first) = out.get_mut(start) {
            *first = b'{';
        }
        hash_of(out.get(start..).unwrap_or_default())
    }

    fn write_action_to_enforcement(&self, members: &mut Members<'_>) {
        text!(members, "action", self.action.map(Action::as_str));
        text!(members, "agent", &self.agent);
        if let Some(seq) = self.agent_seq {
            write_integer(seq, key!(members, "agent_seq"));
        }
        rendered!(members, "approval", &self.approval);
        rendered!(members, "args", &self.args);
        text!(members, "args_commitment", &self.args_commitment);
        text!(members, "call_id", &self.call_id);
        rendered!(members, "changes", &self.changes);
        text!(members, "code", self.code.map(Code::as_str));
        rendered!(members, "cost", &self.cost);
        rendered!(members, "credential", &self.credential);
        rendered!(members, "delegation", &self.delegation);
        rendered!(members, "detail", &self.detail);
        if self.dev {
            key!(members, "dev").extend_from_slice(b"true");
        }
        text!(members, "effect", self.effect.map(Effect::as_str));
        if let Some(enforced) = self.enforced {
            key!(members, "enforced").extend_from_slice(if enforced { b"true" } else { b"false" });
        }
        strings!(members, "enforcement", &self.enforcement);
    }

    fn write_epoch_to_parent(&self, members: &mut Members<'_>, position: &Position<'_>) {
        write_integer(position.epoch, key!(members, "epoch"));
        let out = key!(members, "id");
        out.push(b'"');
        position.id.write(out);
        out.push(b'"');
        if let Some(identity) = &self.identity {
            identity.write(key!(members, "identity"));
        }
        rendered!(members, "inputs", &self.inputs);
        write_string(position.instance, key!(members, "instance"));
        write_string(self.kind.as_str(), key!(members, "kind"));
        text!(members, "parent", &self.parent);
    }

    fn write_policy_to_version(&self, members: &mut Members<'_>, position: &Position<'_>) {
        if let Some(policy) = &self.policy {
            let out = key!(members, "policy");
            out.extend_from_slice(b"\"sha256:");
            write_hash(policy, out);
            out.push(b'"');
        }
        let out = key!(members, "prev");
        out.push(b'"');
        write_hash(&position.prev, out);
        out.push(b'"');
        text!(members, "reason", &self.reason);
        strings!(members, "redacted", &self.redacted);
        text!(members, "request_id", &self.request_id);
        if let Some(rule) = &self.rule {
            let rule_members = Members(key!(members, "rule"));
            rule_members.0.extend_from_slice(b"{\"digest\":");
            write_string(&rule.digest, rule_members.0);
            write_string(&rule.reference, key!(rule_members, "ref"));
            rule_members.0.push(b'}');
        }
        write_integer(position.seq, key!(members, "seq"));
        text!(members, "session", &self.session);
        write_string(position.stack, key!(members, "stack"));
        text!(members, "tier", self.tier.map(Tier::as_str));
        let out = key!(members, "time");
        out.push(b'"');
        position.time.write(out);
        out.push(b'"');
        text!(members, "tool", &self.tool);
        rendered!(members, "trace", &self.trace);
        write_string(VERSION, key!(members, "v"));
    }
}

impl Identity<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let members = Members(out);
        text!(members, "claims_hash", &self.claims_hash);
        if let Some(time) = self.expires_at {
            let out = key!(members, "expires_at");
            out.push(b'"');
            time.write(out);
            out.push(b'"');
        }
        write_string(&self.method, key!(members, "method"));
        write_string(&self.subject, key!(members, "subject"));
        out.push(b'}');
        if let Some(first) = out.get_mut(start) {
            *first = b'{';
        }
    }
}

fn write_integer(value: u64, out: &mut Vec<u8>) {
    Number::from(value).write(out);
}

fn write_strings(items: &[Cow<'_, str>], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(item, out);
    }
    out.push(b']');
}
