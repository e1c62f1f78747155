//! What a caller is told. A permit needs a receipt of the ledger; everything else is a denial with
//! all that an agent can act on, and never a secret or a redacted value.

use std::sync::Arc;

use faramesh_call::json::{Writer, write_string};
use faramesh_call::{Code, Effect, Timestamp};
use faramesh_ledger::Receipt;
use faramesh_state::Change;

/// Receives the reply to one call, on whatever thread has it.
pub type Respond = Box<dyn FnOnce(Reply) + Send>;

/// The reply to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub(crate) body: Body,
    /// The record of the decision; empty when there is none.
    pub action_id: Box<str>,
    /// The framework's id of the call.
    pub call_id: Option<Box<str>>,
    /// The hash of the policy that decided.
    pub policy_version: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Permit { enforced: bool, warnings: Vec<Warning>, handed: Option<Handed> },
    Denial(Denial),
}

/// Authority that a permit hands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The token that the receiver's calls carry.
    pub token: Box<str>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Handed {
    pub(crate) fn of(changes: &[Change]) -> Option<Self> {
        changes.iter().find_map(|change| match change {
            Change::Delegated(made) => Some(Self { token: made.id.clone(), expires_at: made.expires_at }),
            _ => None,
        })
    }
}

/// Something beside a permit that the caller should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub code: Code,
    /// In words.
    pub message: String,
}

/// Why a call may not run, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// `Defer` or `Deny`.
    pub effect: Effect,
    /// Why, as a code.
    pub code: Code,
    /// Why, in words.
    pub message: String,
    /// Where the rule was written.
    pub rule_ref: Option<Box<str>>,
    /// The rule's name: `rule-` and the first 12 digits of its digest.
    pub rule_id: Option<Box<str>>,
    /// What would make it run.
    pub resolution: Resolution,
    /// The smallest change of the call that would loosen the verdict.
    pub next: Option<String>,
}

/// What would make a denied call run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Only another policy.
    RuleBlock {
        /// The rule's name.
        rule_id: Option<Box<str>>,
    },
    /// A person's approval.
    PendingApproval {
        /// Which approval.
        approval_id: Box<str>,
    },
    /// Time.
    RetryAfter {
        /// How long.
        retry_after_seconds: u64,
    },
    /// A budget that has enough again.
    BudgetReset {
        /// When that is; `None` when time alone changes nothing.
        resets_at: Option<Timestamp>,
    },
    /// An operator, or a new session.
    Operator,
    /// People's answers, before a task is complete.
    PendingApprovals {
        /// To these approvals.
        approval_ids: Vec<Box<str>>,
    },
    /// What a task still needs to be complete.
    Unmet {
        /// As policies write it.
        requirements: Vec<Box<str>>,
    },
}

impl Reply {
    /// A permit: there is one only for a decision that the ledger holds.
    pub(crate) fn permit(
        receipt: &Receipt,
        call_id: Option<Box<str>>,
        policy_version: Arc<str>,
        body: Body,
    ) -> Self {
        Self { body, action_id: receipt.id().to_string().into(), call_id, policy_version }
    }

    pub(crate) fn denial(
        denial: Denial,
        action_id: Box<str>,
        call_id: Option<Box<str>>,
        policy_version: Arc<str>,
    ) -> Self {
        Self { body: Body::Denial(denial), action_id, call_id, policy_version }
    }

    /// A denial of a call that never came to a decision.
    #[must_use]
    pub fn refusal(code: Code, message: String, retry_after_seconds: Option<u64>) -> Self {
        let resolution = match retry_after_seconds {
            Some(retry_after_seconds) => Resolution::RetryAfter { retry_after_seconds },
            None => Resolution::RuleBlock { rule_id: None },
        };
        let (rule_ref, rule_id, next) = (None, None, None);
        let denial = Denial { effect: Effect::Deny, code, message, rule_ref, rule_id, resolution, next };
        Self::denial(denial, Box::default(), None, Arc::default())
    }

    /// What the caller may do.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match &self.body {
            Body::Permit { .. } => Effect::Permit,
            Body::Denial(denial) => denial.effect,
        }
    }

    /// The denial, when it is one.
    #[must_use]
    pub fn as_denial(&self) -> Option<&Denial> {
        match &self.body {
            Body::Permit { .. } => None,
            Body::Denial(denial) => Some(denial),
        }
    }

    /// Appends the reply as JSON. `legacy` adds the fields that published 0.3 clients read.
    pub fn write_json(&self, legacy: bool, out: &mut Vec<u8>) {
        let mut writer = Writer::object(out);
        writer.string("effect", self.effect().wire());
        if !self.action_id.is_empty() {
            writer.string("action_id", &self.action_id);
        }
        writer.optional_string("call_id", self.call_id.as_deref());
        if !self.policy_version.is_empty() {
            writer.string("policy_version", &self.policy_version);
        }
        match &self.body {
            Body::Permit { enforced, warnings, handed } => {
                writer.bool("enforced", *enforced);
                write_warnings(warnings, writer.key("warnings"));
                if let Some(handed) = handed {
                    writer.string("delegation", &handed.token);
                    writer.string("expires_at", &handed.expires_at.to_string());
                }
            }
            Body::Denial(denial) => denial.write_members(&mut writer, legacy),
        }
        writer.end();
    }
}

impl Denial {
    fn write_members(&self, writer: &mut Writer<'_>, legacy: bool) {
        self.write_reason(writer);
        writer.bool("retryable", self.code.retryable());
        writer.optional_string("next", self.next.as_deref());
        if let Resolution::PendingApproval { approval_id } = &self.resolution {
            writer.string("approval_id", approval_id);
            writer.string("defer_token", approval_id);
        }
        if legacy {
            writer.string("reason_code", self.code.as_str());
            let mut inner = Writer::object(writer.key("structured_denial"));
            self.write_reason(&mut inner);
            inner.end();
        }
    }

    fn write_reason(&self, writer: &mut Writer<'_>) {
        writer.string("code", self.code.as_str());
        writer.string("human_message", &self.message);
        writer.optional_string("rule_ref", self.rule_ref.as_deref());
        writer.optional_string("rule_id", self.rule_id.as_deref());
        self.resolution.write(writer.key("resolution"));
    }
}

impl Resolution {
    fn write(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::object(out);
        match self {
            Self::RuleBlock { rule_id } => {
                writer.string("type", "rule_block");
                writer.optional_string("rule_id", rule_id.as_deref());
            }
            Self::PendingApproval { approval_id } => {
                writer.string("type", "pending_approval");
                writer.string("approval_id", approval_id);
            }
            Self::RetryAfter { retry_after_seconds } => {
                writer.string("type", "retry_after");
                writer.integer("retry_after_seconds", *retry_after_seconds);
            }
            Self::BudgetReset { resets_at } => {
                writer.string("type", "budget_reset");
                let resets_at = resets_at.map(|at| at.to_string());
                writer.optional_string("resets_at", resets_at.as_deref());
            }
            Self::Operator => writer.string("type", "operator"),
            Self::PendingApprovals { approval_ids } => {
                writer.string("type", "pending_approvals");
                write_texts(approval_ids, writer.key("approval_ids"));
            }
            Self::Unmet { requirements } => {
                writer.string("type", "unmet");
                write_texts(requirements, writer.key("requirements"));
            }
        }
        writer.end();
    }
}

fn write_texts(texts: &[Box<str>], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(text, out);
    }
    out.push(b']');
}

fn write_warnings(warnings: &[Warning], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, warning) in warnings.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut writer = Writer::object(out);
        writer.string("code", warning.code.as_str());
        writer.string("message", &warning.message);
        writer.end();
    }
    out.push(b']');
}
