//! The typed view of a parsed file: what `check` reads. Built beside the lossless tree, it keeps
//! the span of every part and drops trivia. It says nothing about which blocks or keys exist;
//! that knowledge is in `check`. A part that did not parse is absent here and present as an error.

/// Byte offsets into the source, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub node: T,
    /// Where it was written.
    pub span: Span,
}

/// An identifier.
pub type Name = Spanned<String>;

/// A whole file, or the body of a block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Body {
    /// Statements in source order.
    pub items: Vec<Spanned<Item>>,
}

/// One statement.
#[expect(missing_docs, reason = "each variant shows its source form, in which the fields are named")]
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `import "path@1.2.3" as alias`
    Import { path: Spanned<String>, alias: Option<Name> },
    /// `use alias { var = value }`
    Use { alias: Name, overrides: Option<Body> },
    /// `key = value`, `key value`, and `default deny`.
    Setting { key: Name, value: Spanned<Value> },
    /// `var name = value`, and each `name = value` of a `var { … }` block.
    Var { name: Name, value: Spanned<Value> },
    /// `keyword label* { … }`, for every block but `rules`, which is `Rules`.
    Block { keyword: Name, labels: Vec<Spanned<String>>, body: Body },
    /// `rules { … }`
    Rules(Vec<Spanned<Rule>>),
    /// A rule written directly in a file, an agent or a phase.
    Rule(Rule),
    /// `rate_limit "pattern": 10 per minute burst 5 scope = "fleet"`
    RateLimit {
        pattern: Spanned<String>,
        count: Spanned<String>,
        /// `second`, `minute`, `hour`, `day`, or a duration such as `30s`.
        period: Spanned<String>,
        /// `burst`, `scope` and whatever else follows, as settings.
        options: Vec<(Name, Spanned<Value>)>,
    },
    /// `redact TOOL args: ["a.b"]`, with or without `seal`, and that with or without `by "a.c"`.
    Redact {
        tool: Spanned<String>,
        target: Name,
        paths: Vec<Spanned<String>>,
        seal: bool,
        /// The argument that names the person under whose key the fields are sealed.
        by: Option<Spanned<String>>,
    },
    /// `key "host/path" ed25519:…` inside `trust`.
    TrustKey { owner: Spanned<String>, algorithm: Name, key: Spanned<String> },
    /// `require "no_pending_approvals"`, `require called "tool/pattern"` inside `completion_gate`.
    Require { condition: Name, argument: Option<Spanned<String>> },
    /// `manifest orchestrator A undeclared deny`
    ManifestOrchestrator { agent: Spanned<String>, undeclared: Option<Name> },
    /// `manifest grant A to B max N [approval]`
    ManifestGrant { from: Spanned<String>, to: Spanned<String>, max: Option<Spanned<String>>, approval: bool },
}

/// The right side of a setting, and the constants of a condition.
#[expect(missing_docs, reason = "each variant shows its source form, in which the fields are named")]
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string, unescaped.
    String(String),
    /// A number as written, without a sign of money: `42`, `-3.14`, `1e3`.
    Number(String),
    /// `$10.00`, as `10.00`.
    Money(String),
    /// `15m`, as written.
    Duration(String),
    /// `10mb`, as written.
    Size(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// `["a", "b",]`
    List(Vec<Spanned<Value>>),
    /// `env("NAME")`, `env("NAME", "default")`
    Env { name: String, default: Option<String> },
    /// A bare word (`on_exceed defer`, `backend = sqlite`) or an unquoted tool pattern
    /// (`tools = [stripe/*]`), as written.
    Word(String),
    /// An expression that is no constant (`cost = amount * …` is not in the language; `cost = args.amount` is).
    Expr(Box<Expr>),
}

/// The four effects; aliases are folded here and kept in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `permit`, `allow`, `approve`
    Permit,
    /// `defer`
    Defer,
    /// `deny`, `block`, `reject`
    Deny,
    /// `deny!`
    DenyAlways,
}

/// `EFFECT pattern [if condition] clause*`
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What happens on a match.
    pub effect: Spanned<Effect>,
    /// The tool pattern, unquoted.
    pub pattern: Spanned<String>,
    /// The condition after `if` or `when`.
    pub condition: Option<Spanned<Expr>>,
    /// `reason`, `notify`, `host`, … in source order.
    pub clauses: Vec<Spanned<Clause>>,
}

/// `reason "…"`, `host "*.example.com"`, `header X-Team="a"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// `reason`, `notify`, `host`, `port`, `method`, `path`, `query`, `header`, `reeval`,
    /// `explain`, `approvals_required`.
    pub keyword: Name,
    /// The K of `query K=V` and `header K=V`.
    pub key: Option<Spanned<String>>,
    /// The value: a string, number, list, bool or a word that names a `var`.
    pub value: Spanned<Value>,
}

/// A condition. Depth is at most 128; the parser reports what is deeper.
#[expect(missing_docs, reason = "each variant shows its source form, in which the fields are named")]
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A constant, lists included (their elements are constants or expressions).
    Value(Value),
    /// `amount`, `args.card["number"]`, `items[0].name`, `email.lower` (what `.lower` means is for `check`).
    Path { root: Name, steps: Vec<Spanned<Step>> },
    /// `[a, "b"]` with at least one element that is no constant.
    List(Vec<Spanned<Expr>>),
    /// `not x`, `!x`
    Not(Box<Spanned<Expr>>),
    /// `x and y`, `x && y`
    And(Box<Spanned<Expr>>, Box<Spanned<Expr>>),
    /// `x or y`, `x || y`
    Or(Box<Spanned<Expr>>, Box<Spanned<Expr>>),
    /// `x < y` and its like.
    Binary { op: Spanned<BinaryOp>, left: Box<Spanned<Expr>>, right: Box<Spanned<Expr>> },
    /// `x.starts_with("y")`: a member followed by parentheses.
    Method { receiver: Box<Spanned<Expr>>, name: Name, args: Vec<Spanned<Expr>> },
    /// `has(x)`, `within(path, "./d")`, `session.sum(stripe/refund.amount, window=1h)`.
    Call {
        /// `has`, or `session.sum` with its dot.
        function: Name,
        /// Arguments by position.
        args: Vec<Spanned<Expr>>,
        /// `window=1h`
        named: Vec<(Name, Spanned<Value>)>,
    },
    /// A tool pattern as an argument of `session.*` and `history.*`: `stripe/refund.amount`.
    Tool { pattern: String, field: Option<String> },
}

/// One member or index of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `.name`, `["name"]`
    Key(String),
    /// `[0]`
    Index(u32),
}

/// Operators with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
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
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `contains`
    Contains,
    /// `matches`
    Matches,
}
