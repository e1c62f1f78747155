//! The codes of everything that is wrong with the text itself, in one table from which the reference is
//! generated. `1..=99` belong to this crate; a number is never reused for another meaning.

use crate::diagnostic::{Code, Severity};

/// What is known of a kind of message before it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number, shown as `FPL0012`.
    pub code: Code,
    /// Its name in kebab case.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means, in one line.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($identifier:ident = $code:literal, $name:literal, $severity:ident, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $identifier: Code = Code($code);
        )*
        /// Every kind of message, by number.
        pub const ALL: &[Entry] = &[$(
            Entry { code: $identifier, name: $name, severity: Severity::$severity, meaning: $meaning }
        ),*];
    };
}

codes! {
    UNEXPECTED_CHARACTER = 1, "unexpected-character", Error, "a character that has no meaning where it stands";
    UNCLOSED_STRING = 2, "unclosed-string", Error, "a string without its closing quote";
    UNKNOWN_ESCAPE = 3, "unknown-escape", Error, "a backslash in a string followed by something that is no escape";
    WRONG_QUOTES = 4, "wrong-quotes", Error, "curly or single quotes where straight double quotes belong";
    WRONG_COMMENT = 5, "wrong-comment", Error, "a comment that begins with `//` or `/*`";
    INVISIBLE_CHARACTER = 6, "invisible-character", Error, "a control or direction-changing character, invisible on the screen";
    BAD_NUMBER = 7, "malformed-number", Error, "a number with an unknown unit or a wrong shape";
    NEEDS_QUOTES = 8, "needs-quotes", Error, "text that needs quotes around it";
    UNEXPECTED = 10, "unexpected", Error, "something else was expected";
    UNCLOSED = 11, "unclosed", Error, "an opening brace, bracket or parenthesis that is never closed";
    NOTHING_TO_CLOSE = 12, "nothing-to-close", Error, "a closing brace, bracket or parenthesis that closes nothing";
    MISSING_BODY = 13, "missing-body", Error, "a block without its `{`";
    MISSING_VALUE = 14, "missing-value", Error, "a setting without a value";
    COLON_IN_SETTING = 15, "colon-in-setting", Error, "a setting written with `:` or `==`";
    QUOTED_KEY = 16, "quoted-key", Error, "the name of a setting in quotes";
    COMMA = 17, "superfluous-comma", Error, "a comma between statements or patterns";
    BAD_STATEMENT = 18, "bad-statement", Error, "a statement that is not finished or has a wrong part";
    UNKNOWN_EFFECT = 20, "unknown-effect", Error, "a word where an effect belongs";
    MISSING_PATTERN = 21, "missing-pattern", Error, "a rule without its tool";
    WRONG_BANG = 22, "wrong-bang", Error, "a `!` that does not belong to this effect, or stands apart from it";
    UNKNOWN_CLAUSE = 23, "unknown-clause", Error, "a word where `if` or a clause belongs";
    NO_ELSE = 24, "no-else", Error, "`else`, `then` and their like, which the language does not have";
    BAD_CLAUSE = 25, "bad-clause", Error, "a clause without its value, or with a value of a wrong shape";
    CONDITION_PLACE = 26, "condition-place", Error, "a condition after the clauses, or a second one";
    NOT_A_RULE = 27, "not-a-rule", Error, "a statement inside `rules` that is no rule";
    ASSIGNMENT = 30, "assignment-for-comparison", Error, "`=` where `==` belongs";
    UNKNOWN_OPERATOR = 31, "unknown-operator", Error, "an operator that is not in the language";
    MISSING_OPERAND = 32, "missing-operand", Error, "an operator without a value beside it";
    CHAINED_COMPARISON = 33, "chained-comparison", Error, "a chain of comparisons such as `a < b < c`";
    ARITHMETIC = 34, "arithmetic", Error, "arithmetic in a condition: `+ - * / %`";
    BAD_ACCESS = 35, "bad-access", Error, "a wrong index, member or argument";
    SOURCE_TOO_LARGE = 90, "source-too-large", Error, "a source larger than 4 MiB";
    TOO_DEEP = 91, "nested-too-deep", Error, "blocks, lists or conditions nested deeper than 128 levels";
    STRING_TOO_LONG = 92, "string-too-long", Error, "a string longer than 64 KiB";
    LIST_TOO_LONG = 93, "list-too-long", Error, "a list of more than 10,000 elements";
    TOO_MANY_RULES = 94, "too-many-rules", Error, "more than 100,000 rules in one file";
    TOO_MANY_DIAGNOSTICS = 95, "too-many-diagnostics", Note, "more messages than are kept";
    FORMAT_CHANGES_MEANING = 96, "format-changes-meaning", Error, "a canonical form that would mean something else; a fault of the formatter";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_in_their_range() {
        assert!(ALL.is_sorted_by(|left, right| left.code < right.code));
        assert!(ALL.iter().all(|entry| (1..=99).contains(&entry.code.0)));
    }
}
