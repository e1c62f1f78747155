//! Every kind of message that checking gives: number, name, severity and meaning, in one table from
//! which the reference is generated. Numbers 1 to 99 belong to the syntax; a number is never given
//! another meaning. The bounds on a source (lists, strings, rules) are the syntax's. The texts that users see are written where the mistake is found.

use faramesh_syntax::ast::Span;
use faramesh_syntax::{Code, Diagnostic, Severity};

/// A kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Its number, shown as `FPL0100`.
    pub code: Code,
    /// Its name in kebab case.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means, in one line.
    pub meaning: &'static str,
}

impl Finding {
    /// A message of this kind at a place.
    pub fn at(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        match self.severity {
            Severity::Error => Diagnostic::error(self.code, span, message),
            Severity::Warning => Diagnostic::warning(self.code, span, message),
            Severity::Note => Diagnostic::note(self.code, span, message),
        }
    }
}

macro_rules! findings {
    ($($identifier:ident = $code:literal, $name:literal, $severity:ident, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $identifier: Finding = Finding {
                code: Code($code),
                name: $name,
                severity: Severity::$severity,
                meaning: $meaning,
            };
        )*
        /// Every kind of message, by number.
        pub const ALL: &[Finding] = &[$($identifier),*];
    };
}

findings! {
    UNKNOWN_BLOCK = 100, "unknown-block", Error, "a block or statement that does not exist";
    UNKNOWN_KEY = 101, "unknown-key", Error, "a key that the block does not have";
    MISPLACED = 102, "misplaced", Error, "a block or key that belongs elsewhere";
    DUPLICATE_KEY = 103, "duplicate-key", Error, "a key or block that may stand once is written twice";
    WRONG_VALUE = 104, "wrong-value", Error, "a value of the wrong type, or outside of what the key takes";
    WRONG_LABEL = 105, "wrong-label", Error, "a block with a missing, an empty or a superfluous name";
    MISSING_KEY = 106, "missing-key", Error, "a block without a key that it needs";
    NOT_ENFORCED = 110, "not-enforced", Error, "a construct that this version parses and does not enforce";
    ENVIRONMENT_UNSET = 111, "environment-unset", Error, "an environment variable that is not set";
    IMPORT_NOT_PINNED = 112, "import-not-pinned", Error, "an import without an exact version";
    MIXED_RULES = 120, "mixed-rules", Error, "rules outside of agent blocks in a file that has agent blocks";
    DUPLICATE_AGENT = 121, "duplicate-agent", Error, "two agents with one name";
    DUPLICATE_VARIABLE = 122, "duplicate-variable", Error, "two variables with one name in one place";
    DUPLICATE_IDENTITY = 123, "duplicate-identity", Error, "two identity providers with one name";
    RESERVED_NAME = 124, "reserved-name", Error, "a variable with the name of a builtin";
    NO_IDENTITY = 125, "no-identity", Error, "a stack that enforces and cannot know who calls";
    BAD_PATTERN = 130, "bad-pattern", Error, "a tool pattern that no tool can match, or that is too long";
    BAD_CLAUSE_VALUE = 131, "bad-clause-value", Error, "a clause with a value that it does not take";
    DUPLICATE_CLAUSE = 132, "duplicate-clause", Error, "a clause that may stand once is written twice";
    UNDER_MANDATORY_DENY = 133, "under-mandatory-deny", Error, "a permit or defer that a `deny!` makes unreachable";
    UNKNOWN_FUNCTION = 140, "unknown-function", Error, "a function that does not exist";
    UNKNOWN_METHOD = 141, "unknown-method", Error, "a method that does not exist";
    UNKNOWN_MEMBER = 142, "unknown-member", Error, "a builtin without such a member";
    UNKNOWN_VARIABLE = 143, "unknown-variable", Error, "a variable that is not declared";
    WRONG_ARGUMENTS = 144, "wrong-arguments", Error, "a function or method with the wrong arguments";
    TYPE_MISMATCH = 145, "type-mismatch", Error, "a comparison that can never be true because of its types";
    NOT_A_CONDITION = 146, "not-a-condition", Error, "a value where something true or false belongs";
    BAD_REGEX = 147, "bad-regex", Error, "a regular expression that does not compile or is too large";
    BAD_NUMBER = 148, "bad-number", Error, "a number that cannot be kept exactly";
    IMPOSSIBLE_VALUE = 149, "impossible-value", Error, "a builtin compared with a value that it never has";
    BAD_FIELD = 150, "bad-field", Error, "a field to redact that is not written as one";
    SECRET_IN_POLICY = 151, "secret-in-policy", Error, "a secret that is written into the policy";
    CONFLICTING_KEYS = 152, "conflicting-keys", Error, "two keys of one meaning that say different things";
    OPEN_LISTENER = 153, "open-listener", Error, "a listener that others can reach, without TLS or authentication";
    LOOSER_SANDBOX = 154, "looser-sandbox", Error, "an agent whose sandbox is looser than the stack's";
    UNKNOWN_REFERENCE = 155, "unknown-reference", Error, "the name of an agent, budget, phase, provider or import that nothing declares";
    DUPLICATE_BLOCK = 156, "duplicate-block", Error, "two blocks of one kind with one name";
    PLAIN_TEXT = 157, "plain-text", Error, "data that would leave or reach this machine in plain text";
    IMPORT_UNRESOLVED = 158, "import-unresolved", Error, "an import that is in no catalog, or has no path of one";
    IMPORT_CYCLE = 159, "import-cycle", Error, "a pack that imports itself";
    IMPORT_TOO_DEEP = 160, "import-too-deep", Error, "imports that are too deep or too many";
    BAD_PACK = 161, "bad-pack", Error, "a pack that cannot be used";
    UNKNOWN_OVERRIDE = 162, "unknown-override", Error, "a value for a variable that the pack does not have";
    REQUIREMENT_UNMET = 163, "requirement-unmet", Error, "a pack that requires what is not there";
    TOO_DEEP = 190, "condition-too-deep", Error, "a condition that is nested too deep";
    MISSING_DEFAULT = 200, "missing-default", Warning, "an agent without a `default`, which then is `deny`";
    PERMIT_EVERYTHING = 201, "permit-everything", Warning, "a permit for every call";
    UNREACHABLE_RULE = 202, "unreachable-rule", Warning, "a rule that an earlier rule covers";
    NO_RULES = 203, "no-rules", Warning, "an agent without rules";
    NO_AGENTS = 204, "no-agents", Warning, "a stack that governs nobody";
    SKIPPED_WHEN_ABSENT = 205, "skipped-when-absent", Warning, "a deny or defer that an absent field skips";
    OPEN_REGEX = 206, "open-regex", Warning, "a regular expression on an address or host that is not anchored";
    ATTEST_WITHOUT_IDENTITY = 207, "attest-without-identity", Warning, "an `attest` that nothing verifies";
    NOT_ATTESTED = 208, "not-attested", Warning, "an agent that no caller can be";
    SAME_ATTEST = 209, "same-attest", Warning, "two agents that nothing tells apart";
    UNDER_ARGS = 210, "under-args", Warning, "a field to redact that repeats `args`";
    MISSPELT_VARIABLE = 211, "misspelt-variable", Warning, "a name near that of a variable that nothing reads";
    SELF_DECLARED_UNUSED = 212, "self-declared-unused", Warning, "self-declared identity beside an identity provider, which alone counts";
    UNUSED_IMPORT = 213, "unused-import", Warning, "an imported pack that no agent uses";
    COST_NOT_AMOUNT = 214, "cost-not-amount", Warning, "a money budget beside rules on `amount`, which it does not count";
    ALERT_WITHOUT_PROVIDER = 215, "alert-without-provider", Warning, "an alert, or the `notify` of a rule, that reaches nobody";
    ONLY_UNKNOWN = 230, "only-unknown", Warning, "a rule that earlier rules leave only calls on which its condition is unknown";
    NEVER_TRUE = 231, "never-true", Warning, "a condition that is true of no call";
    ALWAYS_TRUE = 232, "always-true", Warning, "a condition that is true of every call";
    DEFAULT_UNREACHABLE = 233, "default-unreachable", Warning, "a default that no call gets to";
    ANALYSIS_BOUNDED = 290, "analysis-bounded", Note, "a stack too large for every comparison of its rules";
    MESSAGES_BOUNDED = 291, "messages-bounded", Note, "more messages than are shown";
}

/// Whether a kind of message is about something that is imported.
#[must_use]
pub fn is_of_import(code: Code) -> bool {
    [IMPORT_NOT_PINNED, IMPORT_UNRESOLVED, IMPORT_CYCLE, IMPORT_TOO_DEEP, BAD_PACK, REQUIREMENT_UNMET]
        .iter()
        .any(|finding| finding.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_names_are_unique() {
        assert!(ALL.is_sorted_by(|left, right| left.code < right.code));
        assert!(ALL.iter().all(|finding| finding.code.0 >= 100));
        let mut names: Vec<&str> = ALL.iter().map(|finding| finding.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
