//! The words with a meaning of their own, and which statements a block can hold.

use crate::ast::Effect;

/// Every spelling of an effect but `deny!`, which is `deny` and a sign.
pub(crate) const EFFECTS: &[(&str, Effect)] = &[
    ("permit", Effect::Permit),
    ("allow", Effect::Permit),
    ("approve", Effect::Permit),
    ("defer", Effect::Defer),
    ("deny", Effect::Deny),
    ("block", Effect::Deny),
    ("reject", Effect::Deny),
];

pub(crate) const CLAUSES: &[&str] = &[
    "reason",
    "notify",
    "host",
    "port",
    "method",
    "path",
    "query",
    "header",
    "reeval",
    "explain",
    "approvals_required",
];

/// Blocks that are nothing else, so that a missing `{` can be told. `session`, `identity`, `provider`,
/// `enforcement` and the like are left out: they may also be the name of a setting.
pub(crate) const ONLY_BLOCKS: &[&str] = &[
    "agent",
    "rules",
    "budget",
    "egress",
    "runtime",
    "phase",
    "trust",
    "completion_gate",
    "ambient",
    "model_policy",
    "credential",
];

/// Blocks that have a name, which may be any word.
pub(crate) const LABELLED: &[&str] =
    &["budget", "delegate", "provider", "identity", "agent", "phase", "credential", "selector", "pack"];

/// What can stand in an agent but is no effect; a word near one of these is not a misspelt effect.
pub(crate) const STATEMENTS: &[&str] = &[
    "default",
    "model",
    "framework",
    "version",
    "var",
    "use",
    "rules",
    "rate_limit",
    "budget",
    "redact",
    "egress",
    "model_policy",
    "session",
    "spawn",
    "delegate",
    "phase",
    "completion_gate",
    "credential",
    "selector",
    "ambient",
    "enforcement",
    "alert",
    "agent",
    "import",
    "runtime",
    "provider",
    "identity",
    "trust",
    "system",
    "manifest",
    "pack",
    "attest",
    "requires",
    "cloud",
];

/// Words of conditions, which name nothing else.
pub(crate) const RESERVED: &[&str] = &["if", "when", "and", "or", "not", "in"];

/// Words that other languages put after a condition.
pub(crate) const ELSE: &[&str] = &["else", "elif", "elsif", "elseif", "then", "otherwise", "unless"];

/// What a block's statements can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Rules only.
    Rules,
    /// Rules beside other statements: the file, an agent, a phase, a pack, anything unknown.
    Open,
    /// `allow` and `deny` are names of settings.
    Keys,
    /// `key` begins a trust line.
    Trust,
    /// `require` begins a requirement.
    Gate,
    /// Settings only.
    Settings,
}

impl Scope {
    pub(crate) fn of(keyword: &str) -> Self {
        match keyword {
            "rules" => Self::Rules,
            "egress" | "model_policy" | "spawn" => Self::Keys,
            "trust" => Self::Trust,
            "completion_gate" => Self::Gate,
            "runtime" | "provider" | "identity" | "budget" | "session" | "credential" | "selector"
            | "ambient" | "enforcement" | "alert" | "system" | "cloud" | "attest" => Self::Settings,
            _ => Self::Open,
        }
    }
}

pub(crate) fn effect(word: &str) -> Option<Effect> {
    EFFECTS.iter().find(|(name, _)| *name == word).map(|&(_, effect)| effect)
}

pub(crate) fn is_clause(word: &str) -> bool {
    CLAUSES.contains(&word)
}
