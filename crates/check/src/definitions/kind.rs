//! What the values of keys may be: what a value looks like is checked in `members`, what it means in
//! the module that reads the key. References, editors and schemas are generated from it.

use super::one_of;

/// What the value of a key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string or a bare word.
    Text,
    /// A text that must not be in the policy: `env("NAME")`, of which the program keeps the name alone.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words or a list of them.
    Choices(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A whole number from 0 to 4,294,967,295.
    Whole,
    /// A number from 0 to 1.
    Share,
    /// A TCP port, 1 to 65535.
    Port,
    /// A number, with or without a sign of money, of at most six decimal places.
    Money,
    /// `15m`, quoted or not; kept in milliseconds.
    Duration,
    /// A duration or one of these words.
    DurationOr(&'static [&'static str]),
    /// `10mb`, or a number of bytes.
    Size,
    /// A text or a list of texts.
    Texts,
    /// A tool pattern or a list of them; they may be bare.
    Patterns,
    /// Tool patterns of which a quoted one may have a condition: `"stripe/refund if amount < 100"`.
    Scopes,
    /// A host, `*.example.com` or CIDR, or a list of them.
    Hosts,
    /// `"none"`, or hosts.
    Network,
    /// `slack://…` and its like, or a list of them.
    Targets,
    /// An address with a scheme.
    Url,
    /// `address:port`
    Listener,
    /// IANA name of a time zone.
    Zone,
    /// The name of an agent of the stack.
    AgentName,
    /// The name of an agent of the stack, or a list of them.
    AgentNames,
    /// `budget.ID`, or a list of them; the budget is the agent's own.
    BudgetNames,
    /// The name of a provider of the stack.
    ProviderName,
    /// The name of a phase of the agent, or `enforce`.
    PhaseName,
    /// A text or a number.
    TextOrNumber,
    /// A number or an operand of conditions: `amount`, `args.cost.usd`.
    Operand,
    /// Anything.
    Any,
}

impl Kind {
    /// What belongs there, for a message.
    pub fn expected(self) -> String {
        let text = match self {
            Self::Choice(words) => return one_of(words),
            Self::Choices(words) => return format!("{}, or a list of them", one_of(words)),
            Self::DurationOr(words) => return format!("a duration such as `24h`, or {}", one_of(words)),
            Self::Text => "a text in quotes",
            Self::Secret => "a variable such as `env(\"TOKEN\")`",
            Self::Bool => "`true` or `false`",
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Share => "a number from 0 to 1",
            Self::Port => "a port from 1 to 65535",
            Self::Money => "an amount such as `$10` or `10`",
            Self::Duration => "a duration such as `30s`, `15m` or `24h`",
            Self::Size => "a size such as `10mb`",
            Self::Texts => "a list of texts such as `[\"a\", \"b\"]`",
            Self::Patterns => "a list of tool patterns such as `[stripe/*]`",
            Self::Scopes => "a list such as `[stripe/*, \"refund if amount < 100\"]`",
            Self::Hosts => "a list of hosts such as `[\"*.example.com\", \"10.0.0.0/8\"]`",
            Self::Network => "`none`, or a list of hosts such as `[\"api.example.com\"]`",
            Self::Targets => "an address such as `\"slack://#alerts\"`",
            Self::Url => "an address such as `\"https://example.com\"`",
            Self::Listener => "an address such as `\"127.0.0.1:8080\"`",
            Self::Zone => "a time zone such as `\"Europe/Berlin\"`",
            Self::AgentName => "the name of an agent",
            Self::AgentNames => "a list of agents such as `[\"worker\"]`",
            Self::BudgetNames => "a list of budgets such as `[\"budget.daily\"]`",
            Self::ProviderName => "the name of a provider",
            Self::PhaseName => "`enforce` or the name of a phase",
            Self::TextOrNumber => "a text or a number",
            Self::Operand => "a number or a value of the call such as `amount`",
            Self::Any => "a value",
        };
        text.to_owned()
    }

    /// A value that belongs there, as it is written.
    pub fn example(self) -> String {
        let text = match self {
            Self::Choice(words) | Self::Choices(words) | Self::DurationOr(words) => {
                return format!("\"{}\"", words.first().unwrap_or(&"…"));
            }
            Self::Text | Self::TextOrNumber | Self::AgentName | Self::ProviderName => "\"…\"",
            Self::Secret => "env(\"TOKEN\")",
            Self::Bool => "true",
            Self::Number | Self::Whole => "10",
            Self::Share => "0.8",
            Self::Port => "8080",
            Self::Money => "$10",
            Self::Duration => "15m",
            Self::Size => "10mb",
            Self::Texts | Self::AgentNames => "[\"…\"]",
            Self::Patterns | Self::Scopes => "[stripe/*]",
            Self::Hosts => "[\"*.example.com\"]",
            Self::Network => "\"none\"",
            Self::Targets => "\"slack://#alerts\"",
            Self::Url => "\"https://example.com\"",
            Self::Listener => "\"127.0.0.1:8080\"",
            Self::Zone => "\"Europe/Berlin\"",
            Self::BudgetNames => "[\"budget.daily\"]",
            Self::PhaseName => "\"enforce\"",
            Self::Operand => "amount",
            Self::Any => "…",
        };
        text.to_owned()
    }
}
