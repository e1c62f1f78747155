//! Effects, tool patterns, literals and operators: the words and signs that the grammar itself knows, as
//! data for the reference. The parser has the spellings; a test checks every form given here.

use super::{Status, Word};

const fn word(name: &'static str, form: &'static str, summary: &'static str) -> Word {
    Word { name, form, status: Status::Enforced, summary }
}

/// What a rule begins with; a name in parentheses is another spelling.
pub const EFFECTS: &[Word] = &[
    word("permit (allow, approve)", "permit docs/search", "the tool runs"),
    word("defer", "defer refund", "the call waits for a person"),
    word("deny (block, reject)", "deny shell/run", "the tool does not run"),
    word("deny!", "deny! shell/*", "it never runs: checked before all other rules, overridden by none"),
];

/// How a rule names tools.
pub const PATTERNS: &[Word] = &[
    word("name", "permit stripe/refund", "exactly this tool"),
    word("\"name\"", "permit \"odd name:v1\"", "exactly this tool, with characters that need quotes"),
    word("name/*", "permit stripe/*", "every tool below `stripe/`, one or more segments"),
    word("a/*/c", "permit warehouse/*/write", "one segment in the middle"),
    word("*part", "permit *_search", "any characters within a segment"),
    word("*", "defer *", "every tool"),
];

/// Values as they are written in conditions and settings.
pub const LITERALS: &[Word] = &[
    word("text", "name == \"a \\\"b\\\" \\u{1F600}\"", "escapes: `\\n`, `\\t`, `\\\"`, `\\\\`, `\\u{…}`"),
    word("number", "amount == 3.14", "an exact decimal, also `1e3` and `-1`"),
    word("money", "amount < $10.00", "the same as the number; `$` is for the reader"),
    word("size", "bytes <= 10mb", "bytes; `b kb mb gb` in powers of 1024"),
    word("truth", "confirmed == true", "`true` or `false`"),
    word("nothing", "parent == null", "present, and equal to `null` only"),
    word("list", "currency in [\"eur\", \"usd\",]", "at most 10,000 elements; a comma may stand last"),
    word(
        "environment",
        "cluster == env(\"CLUSTER\", \"staging\")",
        "a text, read when the policy is compiled",
    ),
];

/// Operators of conditions, from those that bind least.
pub const OPERATORS: &[Word] = &[
    word("or", "a == 1 or b == 1", "either is true; also `||`"),
    word("and", "a == 1 and b == 1", "both are true; also `&&`"),
    word("not", "not (a == 1)", "it is false; also `!`"),
    word("==", "currency == \"eur\"", "equal; a text that begins with `@` is any address at that domain"),
    word("!=", "currency != \"eur\"", "present and not equal"),
    word("<", "amount < 500", "less: two numbers, or two texts"),
    word("<=", "amount <= 500", "less or equal"),
    word(">", "amount > 500", "more"),
    word(">=", "amount >= 500", "more or equal"),
    word("in", "currency in [\"eur\", \"usd\"]", "one of the elements"),
    word("not in", "currency not in [\"eur\", \"usd\"]", "none of the elements"),
    word("contains", "note contains \"urgent\"", "a list has the element, or a text the part"),
    word(
        "matches",
        "id matches \"^[0-9]+$\"",
        "a regular expression (RE2 syntax) is found in the text; anchor it",
    ),
];
