//! The words of rules that are no definitions: effects, operators, requirements. What they mean, for hover
//! and completion.

/// A word or sign, and what it means.
pub type Meaning = (&'static str, &'static str);

/// Effects, canonical ones first.
pub const EFFECTS: &[Meaning] = &[
    ("permit", "the call runs"),
    ("defer", "the call waits for a person, who permits or denies it"),
    ("deny", "the call does not run"),
    ("deny!", "the call does not run, whatever any other rule, pack, phase or approval says"),
    ("allow", "the same as `permit`"),
    ("approve", "the same as `permit`"),
    ("block", "the same as `deny`"),
    ("reject", "the same as `deny`"),
];

/// How many of [`EFFECTS`] are offered: the canonical ones.
pub const CANONICAL_EFFECTS: usize = 4;

/// Operators and the words around them.
pub const OPERATORS: &[Meaning] = &[
    ("==", "equal; nothing is converted, so a text never equals a number"),
    ("!=", "not equal"),
    ("<", "less; both numbers or both texts"),
    ("<=", "less or equal; both numbers or both texts"),
    (">", "greater; both numbers or both texts"),
    (">=", "greater or equal; both numbers or both texts"),
    ("in", "the value is an element of the list; `\"@example.com\"` matches any address at that domain"),
    ("contains", "the list has the element, or the text has the part"),
    ("matches", "the text matches the regular expression (RE2 syntax) somewhere; anchor it with `^` and `$`"),
    ("and", "both hold"),
    ("or", "at least one holds"),
    ("not", "it does not hold; `not in` for lists"),
    ("&&", "the same as `and`"),
    ("||", "the same as `or`"),
    ("!", "the same as `not`"),
    ("if", "the rule matches only when the condition holds; a field that is absent makes it not hold"),
    ("when", "the same as `if`"),
];

/// Operators that are offered after a value, in the order in which they are.
pub const OFFERED_OPERATORS: &[&str] =
    &["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "matches", "and", "or"];

/// What a completion gate can require.
pub const REQUIREMENTS: &[&str] =
    &["no_pending_approvals", "budget_under_limit", "no_uncommitted_writes", "called"];

/// What an effect means.
pub fn effect(word: &str) -> Option<&'static str> {
    meaning(EFFECTS, word)
}

/// What an operator means.
pub fn operator(word: &str) -> Option<&'static str> {
    meaning(OPERATORS, word)
}

fn meaning(meanings: &[Meaning], word: &str) -> Option<&'static str> {
    meanings.iter().find(|(known, _)| *known == word).map(|&(_, meaning)| meaning)
}
