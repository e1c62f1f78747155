//! The checked stack: what is left of a source once names are resolved, types agree and settings have
//! their values. `compile` turns it into a program. Places are kept for messages and records; everything
//! that only serves reading the source is gone.

use std::collections::BTreeMap;

use faramesh_program::image::{
    Attest, Comparison, Constant, Fact, FieldStep, IdentityProvider, Import, Manifest, Path, Provider,
    RuleEffect, Runtime, Scalar, System, TrustKey,
};
use faramesh_syntax::ast::Span;

/// A whole stack, free of errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Names of the files as messages show them: the source, then packs.
    pub files: Vec<String>,
    /// Settings of the daemon.
    pub runtime: Runtime,
    /// Behaviour of the daemon under failure.
    pub system: System,
    /// Declared identity providers in source order.
    pub identities: Vec<IdentityProvider>,
    /// Declared providers in source order.
    pub providers: Vec<Provider>,
    /// Keys of imports.
    pub trust: Vec<TrustKey>,
    /// Which agent may hand work to which.
    pub manifest: Manifest,
    /// Everything that was imported.
    pub imports: Vec<Import>,
    /// Agents in source order.
    pub agents: Vec<Agent>,
    /// Whether the file describes a pack for other stacks.
    pub is_pack: bool,
}

/// One agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its name; `anonymous` for the agent of flat rules.
    pub name: String,
    /// Whether flat rules made it.
    pub anonymous: bool,
    /// Where it was written; the first rule for the agent of flat rules.
    pub span: Span,
    /// What happens when no rule matches; `None` when the author did not say.
    pub default: Option<RuleEffect>,
    /// What the kernel must say about its process.
    pub attest: Option<Attest>,
    /// Rules in source order.
    pub rules: Vec<Rule>,
    /// Fields that must not reach a record.
    pub redactions: Vec<Redaction>,
    /// `framework`, `model`, `version`, in that order.
    pub metadata: Vec<(String, String)>,
    /// Everything else that it says.
    pub blocks: Blocks,
}

impl Agent {
    /// An agent that says nothing.
    #[must_use]
    pub(crate) fn empty() -> Self {
        Self {
            name: String::new(),
            anonymous: false,
            span: Span::default(),
            default: None,
            attest: None,
            rules: Vec::new(),
            redactions: Vec::new(),
            metadata: Vec::new(),
            blocks: Blocks::default(),
        }
    }
}

/// The blocks of an agent beside its rules and redactions.
pub type Blocks = faramesh_program::image::Blocks<Operand, Condition, Rule>;

pub use faramesh_program::image::Selector;

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The number of its file: 0 is the source, others are packs.
    pub file: u32,
    /// Where it was written; for a rule of a pack, where the source uses the pack.
    pub span: Span,
    /// The line where it begins, from 1.
    pub line: u32,
    /// What happens on a match.
    pub effect: RuleEffect,
    /// The tool pattern, unquoted.
    pub pattern: String,
    /// Where the pattern was written.
    pub pattern_span: Span,
    /// The condition.
    pub condition: Option<Condition>,
    /// Clauses that narrow what the rule matches, in source order.
    pub clauses: Vec<Clause>,
    /// The author's reason.
    pub reason: Option<String>,
    /// Where to tell people.
    pub notify: Vec<String>,
    /// Whether a reply may say what would alter the verdict.
    pub explain: bool,
    /// Whether an approved call is evaluated again before it runs.
    pub reeval: bool,
    /// How many people must approve a deferred call; at least 1.
    pub approvals_required: u32,
    /// Variables and environment that the rule reads, as written, with their values as they would be written.
    pub resolved: BTreeMap<String, String>,
}

impl Rule {
    /// Whether the source itself has it, and no pack.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.file == 0
    }

    /// The same rule, its places those of a `use`.
    pub(crate) fn moved_to(mut self, span: Span) -> Self {
        self.span = span;
        self.pattern_span = span;
        if let Some(condition) = &mut self.condition {
            condition.span = span;
        }
        for clause in &mut self.clauses {
            clause.span = span;
        }
        self
    }
}

/// The condition of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it means.
    pub expression: Expression,
    /// How it is written, in canonical form, variables by name.
    pub text: String,
    /// Where it was written.
    pub span: Span,
}

/// A condition or a part of one. Its height is at most [`MAX_HEIGHT`].
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Always the same.
    Constant(bool),
    /// Not so.
    Not(Box<Expression>),
    /// All of them; at least two.
    All(Vec<Expression>),
    /// Any of them; at least two.
    Any(Vec<Expression>),
    /// Two values compared.
    Compare {
        /// How.
        comparison: Comparison,
        /// Left operand.
        left: Operand,
        /// Right operand.
        right: Operand,
    },
    /// A value is an element of a list.
    In {
        /// The value.
        item: Operand,
        /// The list.
        list: Operand,
    },
    /// A list has an element, or a text a part.
    Contains {
        /// The list or text.
        whole: Operand,
        /// The element or part.
        part: Operand,
    },
    /// A text matches a regular expression somewhere.
    Matches {
        /// The text.
        text: Operand,
        /// The regular expression; it compiles.
        regex: String,
    },
    /// A text starts with another.
    StartsWith {
        /// The text.
        text: Operand,
        /// Its start.
        affix: Operand,
    },
    /// A text ends with another.
    EndsWith {
        /// The text.
        text: Operand,
        /// Its end.
        affix: Operand,
    },
    /// A place of the call is present.
    Has(Path),
    /// A path lies in a folder.
    Within {
        /// The path.
        path: Operand,
        /// The folder.
        folder: Operand,
    },
    /// A value that is true.
    Truth(Operand),
}

/// Greatest height of a condition, its operands included. The program's loader takes a little more,
/// which leaves room for the clauses around a condition.
pub const MAX_HEIGHT: u32 = 120;

/// A value in a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A constant, variables resolved.
    Constant(Constant),
    /// A place in the call.
    Path(Path),
    /// Something that the daemon knows and the call does not hold.
    Fact(Box<Fact>),
    /// A list of which an element is no constant.
    List(Vec<Operand>),
    /// Text in small letters.
    Lower(Box<Operand>),
    /// Characters of a text or elements of a list.
    Length(Box<Operand>),
    /// `@example.com` of an address.
    Domain(Box<Operand>),
}

/// A clause that narrows what a rule matches; its values are alternatives.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// What it looks at.
    pub kind: ClauseKind,
    /// How it is written, in canonical form, variables by name.
    pub text: String,
    /// At least one; texts, or numbers for a port.
    pub values: Vec<Scalar>,
    /// Where it was written.
    pub span: Span,
}

/// What a clause looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClauseKind {
    /// `host "*.example.com"`
    Host,
    /// `port 443`
    Port,
    /// `method ["GET", "HEAD"]`
    Method,
    /// `path "/v1/*"`
    Path,
    /// `query page="1"`
    Query(String),
    /// `header X-Team="payments"`, the name in small letters.
    Header(String),
}

/// `redact TOOL args: [...]`
#[derive(Debug, Clone, PartialEq)]
pub struct Redaction {
    /// The tool pattern.
    pub pattern: String,
    /// Fields under the arguments; each has at least one step.
    pub fields: Vec<Vec<FieldStep>>,
    /// Whether the values are kept, sealed, for those who may open them.
    pub seal: bool,
    /// The argument that names the person under whose key; without one, the person behind the call.
    pub subject: Vec<FieldStep>,
}
