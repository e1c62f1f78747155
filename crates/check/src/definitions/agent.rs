//! What can stand in an agent, and the keys of the blocks that stand there.

use super::Kind::{Any, Bool, Choice, Duration, DurationOr, Money, Number, Size, Text, Texts};
use super::{Definition, Kind, Label, block, not_yet, setting, statement, with_default};

/// Statements and blocks of an agent.
pub const AGENT: &[Definition] = &[
    with_default(
        "default",
        Choice(&["permit", "allow", "approve", "defer", "deny", "block", "reject"]),
        "deny",
        "what happens to a call that no rule matches",
    ),
    setting("model", Text, "the model that the agent uses; a note for people"),
    setting("framework", Text, "the framework that the agent is built with; a note for people"),
    setting("version", Kind::TextOrNumber, "the agent's version; a note for people"),
    statement("var", "var limit = 500", "a constant with a name; hides the file's of the same name"),
    not_yet(statement(
        "use",
        "use stripe { refund_threshold = 500 }",
        "merges the rules of an imported pack",
    )),
    statement("rules", "rules { permit docs/search }", "what the agent may do, first match first"),
    block("attest", Label::None, ATTEST, "what the kernel must say about the agent's process"),
    not_yet(statement(
        "rate_limit",
        "rate_limit \"stripe/*\": 10 per minute",
        "how often tools may be called",
    )),
    not_yet(block("budget", Label::Optional, BUDGET, "a ceiling on money or calls in a window")),
    statement("redact", "redact refund args: [\"card.number\"]", "fields that must not reach a record"),
    not_yet(block("egress", Label::None, EGRESS, "hosts that calls may reach")),
    not_yet(block("model_policy", Label::None, MODEL_POLICY, "models that the agent may call")),
    not_yet(block("session", Label::None, SESSION, "bounds of one session")),
    not_yet(block("spawn", Label::None, SPAWN, "agents that this one may start")),
    not_yet(block("delegate", Label::Optional, DELEGATE, "authority that may be handed on")),
    not_yet(block("phase", Label::Required, PHASE, "rules for a stage of the work or of a rollout")),
    not_yet(block(
        "completion_gate",
        Label::None,
        COMPLETION_GATE,
        "what must be true before a task is complete",
    )),
    not_yet(block("credential", Label::Required, CREDENTIAL, "a secret that is minted for a permitted call")),
    not_yet(block("selector", Label::Required, SELECTOR, "a value fetched from outside for conditions")),
    not_yet(block("ambient", Label::None, AMBIENT, "ceilings on counters over a day")),
    not_yet(block("enforcement", Label::None, ENFORCEMENT, "a stricter sandbox for this agent")),
    not_yet(block("alert", Label::Optional, ALERT, "whom to tell about which decisions")),
];

const ATTEST: &[Definition] = &[
    setting("uid", Number, "user id of the process"),
    setting("exe", Text, "absolute path of the program that the process runs"),
];

const ON_EXCEED: Definition = with_default(
    "on_exceed",
    Choice(&["deny", "defer", "audit"]),
    "deny",
    "what happens to a call beyond the ceiling",
);
const SCOPE: Definition = with_default(
    "scope",
    Choice(&["instance", "fleet"]),
    "\"instance\"",
    "whether daemons share the ceiling",
);

const BUDGET: &[Definition] = &[
    setting("id", Text, "the budget's name, when it is not the block's"),
    setting("max", Money, "most money in the window"),
    setting("usd", Money, "the same as `max`"),
    setting("daily", Money, "most money in a day"),
    setting("max_calls", Number, "most calls in the window"),
    setting("window", DurationOr(&["session", "daily", "monthly"]), "when the sum begins anew"),
    setting("warn_at", Number, "share of the ceiling, 0 to 1, at which people are told"),
    ON_EXCEED,
    setting("tools", Texts, "patterns of the tools that count"),
    setting("cost", Any, "what a call costs, such as `amount`"),
    SCOPE,
];

const EGRESS: &[Definition] = &[
    setting("allow", Texts, "hosts, `*.example.com` or CIDR that may be reached"),
    setting("deny", Texts, "hosts, `*.example.com` or CIDR that may not; wins over `allow`"),
];

const MODEL_POLICY: &[Definition] = &[
    setting("allow", Texts, "models that may be called"),
    setting("deny", Texts, "models that may not; wins over `allow`"),
];

const SESSION: &[Definition] = &[
    setting("max_duration", Duration, "longest session"),
    setting("idle_timeout", Duration, "longest pause"),
    setting("max_calls", Number, "most calls"),
];

const SPAWN: &[Definition] = &[
    setting("allow", Texts, "agents that may be started"),
    setting("allowed_types", Texts, "the same as `allow`"),
    setting("max_concurrent", Number, "most of them at a time"),
];

const DELEGATE: &[Definition] = &[
    setting("to", Texts, "agents that may receive authority"),
    setting("target_agent", Text, "the one agent that may receive authority"),
    setting("scope", Any, "tools that authority is handed on for"),
    setting("ttl", Duration, "how long it lasts"),
    with_default(
        "ceiling",
        Choice(&["inherited", "permit", "defer"]),
        "\"inherited\"",
        "the loosest effect handed on",
    ),
    setting("inherits", Texts, "budgets that are charged, such as `budget.daily`"),
];

/// Statements and blocks of a phase.
pub const PHASE: &[Definition] = &[
    setting("duration", Duration, "how long the rollout lasts; without it the phase is a stage of work"),
    setting("next", Text, "what follows: `enforce` or another phase"),
    setting("tools", Texts, "patterns of the tools concerned"),
    statement("rules", "rules { permit stripe/payouts }", "rules of the phase"),
    with_default(
        "default",
        Choice(&["permit", "defer", "deny"]),
        "deny",
        "what happens to a call that no rule matches",
    ),
];

const COMPLETION_GATE: &[Definition] = &[statement(
    "require",
    "require \"no_pending_approvals\"",
    "`no_pending_approvals`, `budget_under_limit`, `no_uncommitted_writes`, or `called \"tool/pattern\"`",
)];

const CREDENTIAL: &[Definition] = &[
    setting("tools", Texts, "patterns of the tools that get it; `<name>/*` when absent"),
    setting("backend", Text, "the provider that mints it"),
    setting("path", Text, "where the provider finds it"),
    setting("scope", Texts, "what it is good for"),
    setting("max_scope", Texts, "the most that it may be good for"),
    setting("ttl", Duration, "how long it lives"),
    with_default("required", Bool, "true", "whether a call is denied when it cannot be had"),
];

const SELECTOR: &[Definition] = &[
    setting("source", Text, "where the value is fetched"),
    setting("cache", Duration, "how long it is good"),
    setting("timeout", Duration, "how long to wait for it"),
    setting("on_unavailable", Choice(&["deny", "defer", "unknown"]), "what a condition sees without it"),
    setting("on_timeout", Choice(&["deny", "defer", "unknown"]), "what a condition sees when it is late"),
];

const AMBIENT: &[Definition] = &[
    setting("max_customers_per_day", Number, "most customers touched in a day"),
    setting("max_data_volume", Size, "most data moved in a day"),
    setting("max_calls_per_day", Number, "most calls in a day"),
    ON_EXCEED,
];

const ENFORCEMENT: &[Definition] = &[
    setting("os_tier", Bool, "whether the agent runs in the OS sandbox"),
    setting("filesystem", Choice(&["tight", "normal"]), "which files the sandbox shows"),
    setting("network", Any, "which addresses the sandbox reaches"),
    setting("profile", Choice(&["full", "minimal", "off"]), "how strict the sandbox is"),
    setting("mcp_proxy_port", Number, "port of the agent's MCP proxy"),
];

const ALERT: &[Definition] = &[
    setting(
        "on",
        Texts,
        "`deny`, `defer`, `permit`, `approved`, `budget_warning`, `budget_exceeded`, `rate_exceeded`, `chain_broken`",
    ),
    setting("notify", Texts, "`slack://`, `email://`, `pagerduty://`, `webhook://` or `stderr://`"),
    setting("tools", Texts, "patterns of the tools concerned"),
];
