//! The blocks of an agent beside its rules and redactions. Everything without an order is sorted.
//!
//! Four types have a parameter: checking fills it with what was written (an operand, a condition, a
//! rule), and the image with the number or the compiled form of it.

use serde::{Deserialize, Serialize};

use super::RuleEffect;
use super::runtime::{Profile, TextSource};

/// The blocks of an agent. `Cost` is the cost of a call or another value of it, `Condition` the condition of a delegated tool,
/// `Rule` a rule of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocks<Cost, Condition, Rule> {
    /// How often tools may be called, sorted.
    pub rate_limits: Vec<RateLimit>,
    /// Ceilings on money and calls, sorted by name.
    pub budgets: Vec<Budget<Cost>>,
    /// Hosts that calls may reach; `None` when nothing is said.
    pub egress: Option<Egress>,
    /// Models that the agent may call; `None` when nothing is said.
    pub model_policy: Option<ModelPolicy>,
    /// Bounds of one session.
    pub session: SessionLimits,
    /// Agents that may be started; `None` when nothing is said.
    pub spawn: Option<Spawn>,
    /// Authority that may be handed on, sorted by receiver.
    pub delegates: Vec<Delegate<Condition>>,
    /// Stages of work and of rollouts, in source order.
    pub phases: Vec<Phase<Rule>>,
    /// What must be true before a task is complete, sorted.
    pub completion_gate: Vec<Requirement>,
    /// Secrets that are minted for permitted calls, sorted by name.
    pub credentials: Vec<Credential>,
    /// Values fetched from outside, sorted by name.
    pub selectors: Vec<Selector>,
    /// Ceilings on counters over a day; `None` when nothing is said.
    pub ambient: Option<Ambient<Cost>>,
    /// A stricter sandbox; `None` when nothing is said.
    pub enforcement: Option<Enforcement>,
    /// Whom to tell about what, sorted.
    pub alerts: Vec<Alert>,
}

impl<Cost, Condition, Rule> Default for Blocks<Cost, Condition, Rule> {
    fn default() -> Self {
        Self {
            rate_limits: Vec::new(),
            budgets: Vec::new(),
            egress: None,
            model_policy: None,
            session: SessionLimits::default(),
            spawn: None,
            delegates: Vec::new(),
            phases: Vec::new(),
            completion_gate: Vec::new(),
            credentials: Vec::new(),
            selectors: Vec::new(),
            ambient: None,
            enforcement: None,
            alerts: Vec::new(),
        }
    }
}

/// Whether the daemons of a stack share a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Sharing {
    /// Each has its own.
    #[default]
    Instance,
    /// They share one.
    Fleet,
}

/// `rate_limit "stripe/*": 10 per minute burst 5`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RateLimit {
    /// The tool pattern.
    pub pattern: String,
    /// Calls that come back in a period.
    pub count: u32,
    /// The period, in milliseconds.
    pub period_ms: u64,
    /// Most calls at once.
    pub burst: u32,
    /// Whether daemons share it.
    pub scope: Sharing,
}

/// What happens to a call beyond a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum OnExceed {
    /// It is denied.
    #[default]
    Deny,
    /// It waits for a person.
    Defer,
    /// It is permitted and recorded.
    Audit,
}

/// When a sum begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Window {
    /// With each session.
    #[default]
    Session,
    /// At midnight in the policy's time zone.
    Daily,
    /// On the first of the month in the policy's time zone.
    Monthly,
    /// Never: what is older than this many milliseconds no longer counts.
    Rolling(u64),
}

/// A ceiling on money or calls. Money is in micro-dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget<Cost> {
    /// Its name.
    pub id: String,
    /// Most money in the window.
    pub max_micros: Option<u64>,
    /// Most money in a day, beside a window that is no day.
    pub daily_micros: Option<u64>,
    /// Most calls in the window.
    pub max_calls: Option<u32>,
    /// When the sum begins anew.
    pub window: Window,
    /// Millionths of the ceiling at which people are told.
    pub warn_at_millionths: Option<u32>,
    /// What happens to a call beyond it.
    pub on_exceed: OnExceed,
    /// Patterns of the tools that count, sorted; every tool when empty.
    pub tools: Vec<String>,
    /// What a call costs; the cost provider says it when absent.
    pub cost: Option<Cost>,
    /// Whether daemons share it.
    pub scope: Sharing,
}

/// Hosts as a policy writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HostPattern {
    /// A host name in small letters, which may have `*`: as in the `host` clause of rules.
    Name(String),
    /// Addresses of version 4 that begin with the first `prefix` bits of `address`; the others are zero.
    Network4 {
        /// The first of them.
        address: [u8; 4],
        /// How many bits count.
        prefix: u8,
    },
    /// The same of version 6.
    Network6 {
        /// The first of them.
        address: [u8; 16],
        /// How many bits count.
        prefix: u8,
    },
}

/// Hosts that calls may reach. `deny` wins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Egress {
    /// Those that may be reached, sorted; none when empty.
    pub allow: Vec<HostPattern>,
    /// Those that may not, sorted.
    pub deny: Vec<HostPattern>,
}

/// Models that may be called. `deny` wins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelPolicy {
    /// Those that may be called, sorted, with `*` for any run of characters; every one when `None`.
    pub allow: Option<Vec<String>>,
    /// Those that may not, sorted.
    pub deny: Vec<String>,
}

/// Bounds of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Longest session, in milliseconds.
    pub max_duration_ms: Option<u64>,
    /// Longest pause, in milliseconds.
    pub idle_timeout_ms: Option<u64>,
    /// Most calls.
    pub max_calls: Option<u32>,
}

/// Agents that may be started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spawn {
    /// Their names, sorted.
    pub allow: Vec<String>,
    /// Most of them at a time.
    pub max_concurrent: Option<u32>,
}

/// The loosest effect that is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ceiling {
    /// That of the agent which hands on.
    #[default]
    Inherited,
    /// Permits.
    Permit,
    /// At most a defer.
    Defer,
}

/// Authority that may be handed on to one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delegate<Condition> {
    /// Who may receive it.
    pub to: String,
    /// For which tools; for all of the agent's own when `None`.
    pub scope: Option<Vec<DelegatedTool<Condition>>>,
    /// How long it lasts, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// The loosest effect handed on.
    pub ceiling: Ceiling,
    /// Names of the agent's budgets that are charged, sorted.
    pub inherits: Vec<String>,
}

/// Tools of a delegation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DelegatedTool<Condition> {
    /// The tool pattern.
    pub pattern: String,
    /// What must hold for a call.
    pub condition: Option<Condition>,
    /// Pattern and condition in canonical form.
    pub text: String,
}

/// A stage. Without a duration it limits which tools are visible; with one its rules apply to `tools`
/// until it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase<Rule> {
    /// Its name.
    pub name: String,
    /// How long a rollout lasts, in milliseconds.
    pub duration_ms: Option<u64>,
    /// What follows a rollout.
    pub next: Option<NextPhase>,
    /// Patterns of the tools concerned, sorted.
    pub tools: Vec<String>,
    /// What happens when none of its rules matches, when it says so.
    pub default: Option<RuleEffect>,
    /// `deny!` rules first, then the others, each in source order.
    pub rules: Vec<Rule>,
}

/// What follows a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NextPhase {
    /// Calls of its tools are denied.
    Enforce,
    /// The phase of this name.
    Phase(String),
}

/// What must be true before a task is complete.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Requirement {
    /// No approval is pending.
    NoPendingApprovals,
    /// No budget is exceeded.
    BudgetUnderLimit,
    /// No call that writes is without an outcome.
    NoUncommittedWrites,
    /// A tool of this pattern was called.
    Called(String),
}

/// A secret that is minted for permitted calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its label.
    pub name: String,
    /// Patterns of the tools that get it, sorted; at least one.
    pub tools: Vec<String>,
    /// The provider that mints it.
    pub backend: Option<String>,
    /// Where the provider finds it.
    pub path: Option<String>,
    /// What it is good for, sorted.
    pub scope: Vec<String>,
    /// The most that it may be good for, sorted; unbounded when `None`.
    pub max_scope: Option<Vec<String>>,
    /// How long it lives, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// Whether a call is denied when it cannot be had.
    pub required: bool,
}

/// What becomes of a call whose condition reads a value that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum WithoutValue {
    /// The value is unknown.
    #[default]
    Unknown,
    /// The call waits for a person.
    Defer,
    /// The call is denied.
    Deny,
}

/// A value fetched from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// Its label.
    pub name: String,
    /// Where it is fetched.
    pub source: TextSource,
    /// How long it is good, in milliseconds.
    pub cache_ms: Option<u64>,
    /// How long to wait for it, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// What becomes of a call without it.
    pub on_unavailable: WithoutValue,
    /// What becomes of a call while it is late.
    pub on_timeout: WithoutValue,
}

/// Ceilings on counters over a day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ambient<Value> {
    /// What tells the customers of a call; its usual arguments when absent.
    pub customer: Option<Value>,
    /// Most customers touched.
    pub max_customers_per_day: Option<u32>,
    /// Most data moved, in bytes.
    pub max_data_volume_bytes: Option<u64>,
    /// Most calls.
    pub max_calls_per_day: Option<u32>,
    /// What happens to a call beyond one of them.
    pub on_exceed: OnExceed,
}

/// A sandbox that is stricter than the stack's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Enforcement {
    /// Whether there is one; as the stack says when `None`.
    pub os_tier: Option<bool>,
    /// Whether it shows only what the agent needs of the file system.
    pub tight_filesystem: Option<bool>,
    /// Hosts that it reaches, sorted; none when empty, as the stack says when `None`.
    pub network: Option<Vec<HostPattern>>,
    /// How strict it is.
    pub profile: Option<Profile>,
    /// Port of the agent's MCP proxy.
    pub mcp_proxy_port: Option<u16>,
}

/// What people are told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AlertEvent {
    /// A call was denied.
    Deny,
    /// A call waits.
    Defer,
    /// A call was permitted.
    Permit,
    /// A person approved.
    Approved,
    /// A budget is near its ceiling.
    BudgetWarning,
    /// A budget is exceeded.
    BudgetExceeded,
    /// A rate is exceeded.
    RateExceeded,
    /// The ledger is not as it was written.
    ChainBroken,
}

/// Whom to tell about what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alert {
    /// Its label, when it has one.
    pub name: Option<String>,
    /// About what, sorted; at least one.
    pub on: Vec<AlertEvent>,
    /// Addresses with their scheme, sorted; at least one.
    pub notify: Vec<String>,
    /// Patterns of the tools concerned, sorted; every tool when empty.
    pub tools: Vec<String>,
}
