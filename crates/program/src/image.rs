//! The compiled policy as data: what `compile` writes, what the bytes of `policy.bin` hold, and what
//! the hash of a policy is taken over. Everything is flat: expressions and operands name each other
//! by index, and only smaller indices, so loading never recurses.
//!
//! Length: plain data, whose order and types are the format and are read together.

mod blocks;
mod runtime;
mod sources;
mod world;

use faramesh_call::Effect;
use serde::{Deserialize, Serialize};

pub use blocks::*;
pub use runtime::*;
pub use sources::Sources;
pub use world::*;

/// A policy before it is loaded for deciding.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Image {
    /// Settings of the daemon that the policy makes.
    pub runtime: Runtime,
    /// Behaviour of the daemon under failure.
    pub system: System,
    /// Declared identity providers, sorted by name.
    pub identities: Vec<IdentityProvider>,
    /// Declared providers, sorted by name.
    pub providers: Vec<Provider>,
    /// Keys that imports are signed with, sorted.
    pub trust: Vec<TrustKey>,
    /// Which agent may hand work to which.
    pub manifest: Manifest,
    /// Everything that was imported, sorted.
    pub imports: Vec<Import>,
    /// Agents sorted by name.
    pub agents: Vec<AgentImage>,
    /// Constants of conditions.
    pub constants: Vec<Constant>,
    /// Places in a call that conditions read.
    pub paths: Vec<Path>,
    /// Regular expressions of conditions, each once.
    pub regexes: Vec<String>,
    /// Values that conditions compare.
    pub operands: Vec<Operand>,
    /// Conditions and their parts; a part comes before what uses it.
    pub expressions: Vec<Expression>,
    /// Offsets from UTC of the policy's time zone: from each time on, in order.
    pub offsets: Vec<OffsetChange>,
}

/// A change of the offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetChange {
    /// From when, in milliseconds since 1970.
    pub from_ms: u64,
    /// Seconds east of UTC.
    pub offset_seconds: i32,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentImage {
    /// Its name; `anonymous` for the agent of flat rules.
    pub name: String,
    /// Whether flat rules made it: it then governs every caller.
    pub anonymous: bool,
    /// What happens when no rule matches.
    pub default: RuleEffect,
    /// What the kernel must say about its process.
    pub attest: Option<Attest>,
    /// `deny!` rules first, then the others, each in source order.
    pub rules: Vec<RuleImage>,
    /// Fields that must not reach a record.
    pub redactions: Vec<Redaction>,
    /// Names that change nothing: `framework`, `model`, `version`.
    pub metadata: Vec<(String, String)>,
    /// Everything else that it says.
    pub blocks: BlocksImage,
}

/// The blocks of an agent: costs and conditions by their numbers, rules compiled.
pub type BlocksImage = Blocks<u32, u32, RuleImage>;

/// The four effects of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleEffect {
    /// `permit`
    Permit,
    /// `defer`
    Defer,
    /// `deny`
    Deny,
    /// `deny!`
    DenyAlways,
}

impl RuleEffect {
    /// What the rule does with a call.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Self::Permit => Effect::Permit,
            Self::Defer => Effect::Defer,
            Self::Deny | Self::DenyAlways => Effect::Deny,
        }
    }

    /// The word in a policy.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        if self == Self::DenyAlways { "deny!" } else { self.effect().as_str() }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleImage {
    /// What happens on a match.
    pub effect: RuleEffect,
    /// The tool pattern.
    pub pattern: String,
    /// Index of the condition, clauses included.
    pub condition: Option<u32>,
    /// The author's reason.
    pub reason: Option<String>,
    /// Where to tell people, as the author wrote it.
    pub notify: Vec<String>,
    /// Whether a reply may say what would alter the verdict.
    pub explain: bool,
    /// Whether an approved call is evaluated again before it runs.
    pub reeval: bool,
    /// How many people must approve a deferred call; at least 1.
    pub approvals_required: u32,
    /// The rule in canonical form; its digest names the rule in approvals and records.
    pub text: String,
}

/// `redact TOOL args: [...]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redaction {
    /// The tool pattern.
    pub pattern: String,
    /// Fields under the arguments.
    pub fields: Vec<Vec<FieldStep>>,
    /// Whether the values are kept, sealed, for those who may open them.
    pub seal: bool,
    /// The argument that names the person under whose key; empty for the person behind the call.
    pub subject: Vec<FieldStep>,
}

/// One step to a redacted field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FieldStep {
    /// A member of an object.
    Key(String),
    /// Every element of a list.
    Each,
}

/// A constant of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Constant {
    /// A single value.
    Scalar(Scalar),
    /// A list of single values.
    List(Vec<Scalar>),
}

/// A single constant value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scalar {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number in shortest exact form.
    Number(String),
    /// A string.
    String(String),
}

/// Where a path of a condition starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Root {
    /// The arguments.
    Args,
    /// `args.<first>…`, else, when the first step is the tool's first segment, `args.<rest>`.
    Field,
    /// The tool's name.
    Tool,
    /// The agent's name.
    Agent,
    /// The kind of call.
    Action,
    /// The model that asked.
    Model,
    /// Host of the HTTP request, else `args.host`.
    Host,
    /// Port of the HTTP request, else `args.port`.
    Port,
    /// Method of the HTTP request, else `args.method`.
    Method,
    /// Path of the HTTP request, else `args.path`, lexically normalised.
    Path,
    /// Query of the HTTP request, else `args.query`.
    Query,
    /// Headers of the HTTP request, else `args.headers`.
    Headers,
    /// Claims about the person behind the call.
    Principal,
    /// The session's id.
    Session,
    /// Labels of the caller.
    Tags,
    /// Hour of the day in the policy's time zone, 0 to 23.
    TimeHour,
    /// Day of the week in the policy's time zone, `mon` to `sun`.
    TimeWeekday,
    /// The time in RFC 3339, UTC.
    TimeNow,
}

/// A place in a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Path {
    /// Where it starts.
    pub root: Root,
    /// Members and indices from there.
    pub steps: Vec<Step>,
    /// How the author wrote it, for messages.
    pub text: String,
}

/// One member or index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// A member.
    Key(String),
    /// An element.
    Index(u32),
}

/// A value that a condition compares. References are to smaller indices.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operand {
    /// A constant.
    Constant(u32),
    /// A place in the call.
    Path(u32),
    /// A list made of operands.
    List(Vec<u32>),
    /// Text in small letters.
    Lower(u32),
    /// Characters of a text or elements of a list.
    Length(u32),
    /// `@example.com` of an address.
    Domain(u32),
    /// Something that the daemon knows and the call does not hold.
    Fact(Box<Fact>),
}

/// What the daemon knows and no call holds. Until something gives it a value, it is unknown, which
/// permits nothing and denies or defers as an error would.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fact {
    /// Calls of the session so far.
    SessionCalls,
    /// Cost of the session so far, in dollars.
    SessionCost,
    /// Sum of a field over the session's calls of a tool.
    SessionSum {
        /// The tool pattern.
        pattern: String,
        /// The field under the arguments.
        field: Vec<Step>,
        /// Only calls this recent count, in milliseconds.
        window_ms: Option<u64>,
    },
    /// Number of the session's calls of a tool.
    SessionCount {
        /// The tool pattern.
        pattern: String,
        /// Only calls this recent count, in milliseconds.
        window_ms: Option<u64>,
    },
    /// Whether a tool was called before.
    HistoryContains {
        /// The tool pattern.
        pattern: String,
        /// Only calls this recent count, in milliseconds.
        within_ms: Option<u64>,
    },
    /// Whether the session was started for this purpose.
    Purpose(String),
    /// The value of a selector, or a member of it.
    Selector {
        /// Its name.
        name: String,
        /// Members and indices from there.
        steps: Vec<Step>,
    },
}

/// A comparison by order or equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// A condition or a part of one. References are to smaller indices.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expression {
    /// Always the same.
    Constant(bool),
    /// Not so.
    Not(u32),
    /// All of them.
    All(Vec<u32>),
    /// Any of them.
    Any(Vec<u32>),
    /// Two values compared.
    Compare {
        /// How.
        comparison: Comparison,
        /// Left operand.
        left: u32,
        /// Right operand.
        right: u32,
    },
    /// A value is an element of a list.
    In {
        /// The value.
        item: u32,
        /// The list.
        list: u32,
    },
    /// A list has an element, or a text a part.
    Contains {
        /// The list or text.
        whole: u32,
        /// The element or part.
        part: u32,
    },
    /// A text matches a regular expression somewhere.
    Matches {
        /// The text.
        text: u32,
        /// Index of the regular expression.
        regex: u32,
    },
    /// A text starts with another.
    StartsWith {
        /// The text.
        text: u32,
        /// Its start.
        affix: u32,
    },
    /// A text ends with another.
    EndsWith {
        /// The text.
        text: u32,
        /// Its end.
        affix: u32,
    },
    /// A place of the call is present.
    Has(u32),
    /// A path lies in a folder.
    Within {
        /// The path.
        path: u32,
        /// The folder.
        folder: u32,
    },
    /// A value that is true.
    Truth(u32),
}

impl Comparison {
    /// The operator in a policy.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}
