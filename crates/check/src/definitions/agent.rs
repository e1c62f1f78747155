//! What can stand in an agent, and the keys of the blocks that stand there.

use super::Kind::{
    AgentName, AgentNames, Bool, BudgetNames, Choice, Choices, Duration, DurationOr, Hosts, Money, Network,
    Operand, Patterns, PhaseName, Port, ProviderName, Scopes, Share, Size, Targets, Text, TextOrNumber,
    Texts, Url, Whole,
};
use super::{Definition, Label, block, not_yet, setting, statement, with_default};

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
    setting("version", TextOrNumber, "the agent's version; a note for people"),
    statement("var", "var limit = 500", "a constant with a name; hides the file's of the same name"),
    statement(
        "use",
        "use stripe { refund_threshold = 500 }",
        "merges the rules of an imported pack after the agent's own",
    ),
    statement("rules", "rules { permit docs/search }", "what the agent may do, first match first"),
    block("attest", Label::None, ATTEST, "what proves that a caller is the agent"),
    statement("rate_limit", "rate_limit \"stripe/*\": 10 per minute", "how often tools may be called"),
    block("budget", Label::Optional, BUDGET, "a ceiling on money or calls in a window"),
    statement(
        "redact",
        "redact refund args: [\"card.number\"]",
        "fields that must not reach a record; with `seal` at the end, encrypted, with `seal by \"customer.id\"` for that person",
    ),
    block("egress", Label::None, EGRESS, "hosts that calls may reach"),
    block("model_policy", Label::None, MODEL_POLICY, "models that the agent may call"),
    block("session", Label::None, SESSION, "bounds of one session"),
    block("spawn", Label::None, SPAWN, "agents that this one may start"),
    block("delegate", Label::Optional, DELEGATE, "authority that may be handed on"),
    block("phase", Label::Required, PHASE, "rules for a stage of the work or of a rollout"),
    block("completion_gate", Label::None, COMPLETION_GATE, "what must be true before a task is complete"),
    not_yet(block("credential", Label::Required, CREDENTIAL, "a secret that is minted for a permitted call")),
    block("selector", Label::Required, SELECTOR, "a value fetched from outside for conditions"),
    block("ambient", Label::None, AMBIENT, "ceilings on counters over a day"),
    not_yet(block("enforcement", Label::None, ENFORCEMENT, "a stricter sandbox for this agent")),
    block("alert", Label::Optional, ALERT, "whom to tell about which decisions"),
];

const ATTEST: &[Definition] = &[
    setting("uid", Whole, "user id of the process"),
    setting("exe", Text, "absolute path of the program that the process runs"),
    setting(
        "token",
        Texts,
        "`sha256:` and the hash of a bearer token, or several; `faramesh agent token` makes one",
    ),
    setting(
        "certificate",
        Text,
        "a name in the client's certificate: of a host, or a URI such as `spiffe://…`",
    ),
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
    setting("max_calls", Whole, "most calls in the window"),
    with_default(
        "window",
        DurationOr(&["session", "daily", "monthly"]),
        "\"session\"",
        "when the sum begins anew; a budget whose name ends with `session`, `daily` or `monthly` says it by its name",
    ),
    setting("warn_at", Share, "share of the ceiling at which people are told"),
    ON_EXCEED,
    setting("tools", Patterns, "patterns of the tools that count; every tool when absent"),
    setting(
        "cost",
        Operand,
        "what a call costs, such as `amount`; $0.001 until its outcome reports a cost, when absent",
    ),
    SCOPE,
];

const EGRESS: &[Definition] = &[
    setting("allow", Hosts, "hosts, `*.example.com` or CIDR that may be reached; none when absent"),
    setting("deny", Hosts, "hosts, `*.example.com` or CIDR that may not; wins over `allow`"),
];

const MODEL_POLICY: &[Definition] = &[
    setting("allow", Texts, "models that may be called"),
    setting("deny", Texts, "models that may not; wins over `allow`"),
];

const SESSION: &[Definition] = &[
    setting("max_duration", Duration, "longest session"),
    setting("idle_timeout", Duration, "longest pause"),
    setting("max_calls", Whole, "most calls"),
];

const SPAWN: &[Definition] = &[
    setting("allow", AgentNames, "agents that may be started"),
    setting("allowed_types", AgentNames, "the same as `allow`"),
    setting("max_concurrent", Whole, "most of them at a time"),
];

const DELEGATE: &[Definition] = &[
    setting("to", AgentNames, "agents that may receive authority"),
    setting("target_agent", AgentName, "the one agent that may receive authority"),
    setting("scope", Scopes, "tools that authority is handed on for; all of the agent's own when absent"),
    setting("ttl", Duration, "how long it lasts"),
    with_default(
        "ceiling",
        Choice(&["inherited", "permit", "defer"]),
        "\"inherited\"",
        "the loosest effect handed on",
    ),
    setting("inherits", BudgetNames, "budgets that are charged, such as `budget.daily`"),
];

/// Statements and blocks of a phase.
pub const PHASE: &[Definition] = &[
    setting("duration", Duration, "how long the rollout lasts; without it the phase is a stage of work"),
    setting("next", PhaseName, "what follows: `enforce` or another phase"),
    setting("tools", Patterns, "patterns of the tools concerned"),
    statement("rules", "rules { permit stripe/payouts }", "rules of the phase"),
    with_default(
        "default",
        Choice(&["permit", "allow", "approve", "defer", "deny", "block", "reject"]),
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
    setting("tools", Patterns, "patterns of the tools that get it; `<name>/*` when absent"),
    setting("backend", ProviderName, "the provider that mints it"),
    setting("path", Text, "where the provider finds it"),
    setting("scope", Texts, "what it is good for"),
    setting("max_scope", Texts, "the most that it may be good for"),
    setting("ttl", Duration, "how long it lives"),
    with_default("required", Bool, "true", "whether a call is denied when it cannot be had"),
];

const SELECTOR: &[Definition] = &[
    setting("source", Url, "where the value is fetched, as JSON of at most 16 KiB"),
    with_default(
        "cache",
        Duration,
        "60s",
        "how long it is good, 1s to 24h; it is fetched again after half of that",
    ),
    with_default("timeout", Duration, "2s", "how long to wait for it, 10ms to 30s"),
    with_default(
        "on_unavailable",
        Choice(&["deny", "defer", "unknown"]),
        "\"unknown\"",
        "what becomes of a call whose condition reads it and it cannot be had",
    ),
    with_default(
        "on_timeout",
        Choice(&["deny", "defer", "unknown"]),
        "\"unknown\"",
        "what becomes of a call whose condition reads it and it is late",
    ),
];

const AMBIENT: &[Definition] = &[
    setting("max_customers_per_day", Whole, "most customers touched in a day, at most 10,000"),
    setting(
        "customer",
        Operand,
        "whom a call touches, such as `patient.id`; its arguments `customer_id`, `customer` and their plurals when absent",
    ),
    setting("max_data_volume", Size, "most data moved in a day: arguments, and what outcomes report"),
    setting("max_calls_per_day", Whole, "most calls in a day"),
    ON_EXCEED,
];

const ENFORCEMENT: &[Definition] = &[
    setting("os_tier", Bool, "whether the agent runs in the OS sandbox"),
    setting("filesystem", Choice(&["tight", "normal"]), "which files the sandbox shows"),
    setting("network", Network, "which addresses the sandbox reaches"),
    setting("profile", Choice(&["full", "minimal", "off"]), "how strict the sandbox is"),
    setting("mcp_proxy_port", Port, "port of the agent's MCP proxy"),
];

const ALERT_EVENTS: &[&str] = &[
    "deny",
    "defer",
    "permit",
    "approved",
    "budget_warning",
    "budget_exceeded",
    "rate_exceeded",
    "chain_broken",
];

const ALERT: &[Definition] = &[
    setting("on", Choices(ALERT_EVENTS), "which decisions and events"),
    setting("notify", Targets, "`slack://`, `email://`, `pagerduty://`, `webhook://` or `stderr://`"),
    setting("tools", Patterns, "patterns of the tools concerned; every tool when absent"),
];
