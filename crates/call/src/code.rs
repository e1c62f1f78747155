//! The reason codes of decisions: one list, used by records, replies and docs.

use std::fmt;

macro_rules! codes {
    ($(#[doc = $doc:literal] $variant:ident = $word:literal,)*) => {
        /// Why a call was decided as it was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $doc] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire and in records.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc.trim_ascii(),)* }
            }
        }
    };
}

codes! {
    /// A rule or the default permits.
    PolicyPermit = "POLICY_PERMIT",
    /// A rule or the default denies.
    PolicyDeny = "POLICY_DENY",
    /// A rule wants a person to decide.
    PolicyDefer = "POLICY_DEFER",
    /// A limit of the evaluation was reached.
    PolicyLimit = "POLICY_LIMIT",
    /// An operator ended the agent.
    AgentKilled = "AGENT_KILLED",
    /// An operator cut the agent off: its calls are decided and recorded, and none runs.
    AgentIsolated = "AGENT_ISOLATED",
    /// An operator lets the agent begin nothing new.
    AgentQuiesced = "AGENT_QUIESCED",
    /// The agent may not use this model.
    ModelDenied = "MODEL_DENIED",
    /// The agent may not reach this host.
    EgressDenied = "EGRESS_DENIED",
    /// The agent may not start this one, or not another one now.
    SpawnDenied = "SPAWN_DENIED",
    /// Authority was not handed on, or does not reach this call.
    DelegationDenied = "DELEGATION_DENIED",
    /// The phase that the session or the rollout is in does not let the call through.
    PhaseDenied = "PHASE_DENIED",
    /// The session has lasted, paused or called too long.
    SessionExpired = "SESSION_EXPIRED",
    /// Calls of this tool come faster than the policy allows.
    RateExceeded = "RATE_EXCEEDED",
    /// The call would spend more than a budget has left.
    BudgetExceeded = "BUDGET_EXCEEDED",
    /// A counter of the agent's day is at its ceiling.
    AmbientExceeded = "AMBIENT_EXCEEDED",
    /// A budget is near its ceiling; beside a permit.
    BudgetWarning = "BUDGET_WARNING",
    /// Nobody said what came of a permitted call; in a record of its own, and beside the agent's next permit.
    RuntimeGap = "RUNTIME_GAP",
    /// A person approved this very call.
    Approved = "APPROVED",
    /// A person denied this very call.
    ApprovalDenied = "APPROVAL_DENIED",
    /// A task is not complete: its completion gate requires more.
    CompletionBlocked = "COMPLETION_BLOCKED",
    /// The daemon starts, drains or stops.
    DaemonNotReady = "DAEMON_NOT_READY",
    /// The record could not be made durable.
    LedgerUnavailable = "LEDGER_UNAVAILABLE",
    /// The caller's identity could not be verified.
    IdentityUnverified = "IDENTITY_UNVERIFIED",
    /// No agent of that name is declared.
    AgentUnknown = "AGENT_UNKNOWN",
    /// The call itself is malformed or beyond a limit.
    CallInvalid = "CALL_INVALID",
    /// The daemon failed while deciding.
    InternalError = "INTERNAL_ERROR",
}

impl Code {
    /// Reads [`Code::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }

    /// What would make such a call run, as `resolution.type` of a reply says it; `None` for a permit.
    #[must_use]
    pub fn resolution(self) -> Option<&'static str> {
        match self {
            Self::PolicyPermit | Self::Approved | Self::BudgetWarning | Self::RuntimeGap => None,
            Self::PolicyDefer => Some("pending_approval"),
            Self::RateExceeded | Self::DaemonNotReady | Self::LedgerUnavailable => Some("retry_after"),
            Self::CompletionBlocked => Some("unmet"),
            Self::BudgetExceeded | Self::AmbientExceeded => Some("budget_reset"),
            Self::SessionExpired | Self::AgentKilled | Self::AgentIsolated | Self::AgentQuiesced => {
                Some("operator")
            }
            _ => Some("rule_block"),
        }
    }

    /// Whether the same call may have another result later without anybody changing the policy.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::PolicyDefer
                | Self::RateExceeded
                | Self::BudgetExceeded
                | Self::AmbientExceeded
                | Self::CompletionBlocked
                | Self::DaemonNotReady
                | Self::LedgerUnavailable
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
