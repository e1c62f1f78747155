//! The words of rules: clauses, and the names, functions and methods of conditions.

use super::{Status, Word};

const fn word(name: &'static str, form: &'static str, summary: &'static str) -> Word {
    Word { name, form, status: Status::Enforced, summary }
}

/// What follows the condition of a rule.
pub const CLAUSES: &[Word] = &[
    word(
        "reason",
        "reason \"refunds over $500 go to the platform team\"",
        "what the agent and people are told",
    ),
    word("notify", "notify \"#refunds\"", "where people are told about it"),
    word("host", "host \"*.example.com\"", "hosts of HTTP requests; a leading `*` is one or more labels"),
    word("port", "port [80, 443]", "ports of HTTP requests"),
    word("method", "method [\"GET\", \"HEAD\"]", "methods of HTTP requests, in any case"),
    word("path", "path \"/v1/refunds/*\"", "paths of HTTP requests; `*` as in tool patterns"),
    word("query", "query page=\"1\"", "a parameter of HTTP requests; `*` is any run of characters"),
    word("header", "header X-Team=\"payments\"", "a header of HTTP requests; `*` is any run of characters"),
    word("explain", "explain false", "whether a reply may say what would alter the verdict"),
    word("reeval", "reeval true", "whether an approved call is evaluated again"),
    word("approvals_required", "approvals_required 2", "how many people must approve"),
];

/// Builtin names of conditions. They come before variables and arguments.
pub const NAMES: &[Word] = &[
    word("tool", "tool == \"stripe/refund\"", "the tool's name"),
    word("agent", "agent == \"support-bot\"", "the agent's name"),
    word("action", "action == \"tool_call\"", "the kind of call"),
    word("model", "model == \"gpt-5\"", "the model that asked for the call"),
    word("args", "args.amount", "the tool's arguments, for names that are builtins"),
    word("host", "host == \"api.example.com\"", "host of the HTTP request, else `args.host`"),
    word("port", "port == 443", "port of the HTTP request, else `args.port`"),
    word("method", "method == \"GET\"", "method of the HTTP request, else `args.method`"),
    word("path", "within(path, \"./drafts\")", "path of the HTTP request, else `args.path`; normalised"),
    word("query", "query.page", "a parameter of the HTTP request, else `args.query`"),
    word("headers", "headers[\"x-team\"]", "a header of the HTTP request, else `args.headers`"),
    word("principal", "principal.role == \"manager\"", "claims about the person behind the call"),
    word("session", "session.id", "the session's id"),
    word("time", "time.hour >= 9", "`time.hour` 0 to 23, `time.weekday` `mon` to `sun`, `time.now`"),
    word("tags", "tags.team == \"payments\"", "labels of the caller"),
    word("vars", "vars.limit", "variables, for names that are builtins"),
];

/// Functions of conditions.
pub const FUNCTIONS: &[Word] = &[
    word("has", "has(customer.id)", "whether a field is present, `null` included"),
    word("within", "within(path, \"./drafts\")", "whether a path lies in a folder"),
    word("purpose", "purpose(\"refund\")", "whether the session was started for this purpose"),
    word("session.calls", "session.calls < 100", "calls of the session so far"),
    word("session.cost", "session.cost < $5", "cost of the session so far"),
    word("session.sum", "session.sum(stripe/refund.amount, window=1h) < 500", "sum of a field over calls"),
    word("session.count", "session.count(stripe/refund, window=1h) < 10", "number of calls of a tool"),
    word("history.contains", "history.contains(auth/verify, within=10m)", "whether a tool was called"),
];

/// Members of a value that are computed from it.
pub const METHODS: &[Word] = &[
    word("starts_with", "path.starts_with(\"./drafts/\")", "whether a text starts with another"),
    word("ends_with", "file.ends_with(\".pdf\")", "whether a text ends with another"),
    word("lower", "country.lower == \"de\"", "the text in small letters"),
    word("length", "message.length < 500", "characters of a text or elements of a list"),
    word("domain", "to.domain == \"@example.com\"", "what follows the name in an address, with the `@`"),
];
