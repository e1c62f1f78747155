//! Regular expressions of conditions: whether they compile within the limits of the language.

use faramesh_program::load::{MAX_REGEX_BYTES, MAX_REGEX_COMPILED_BYTES};
use faramesh_program::pattern::Pattern;
use faramesh_syntax::ast::Span;

use crate::checker::Checker;
use crate::codes;

impl Checker<'_> {
    /// Reports a regular expression that the program's loader would not take.
    pub fn regex(&mut self, pattern: &str, span: Span) -> Option<()> {
        if self.known_regexes.contains(pattern) {
            return Some(());
        }
        let (message, help) = if pattern.len() > MAX_REGEX_BYTES {
            let message = format!("this regular expression is longer than {MAX_REGEX_BYTES} bytes");
            (message, "split it into several, joined by `or`".to_owned())
        } else if Pattern::new(pattern).is_ok() {
            self.known_regexes.insert(pattern.to_owned());
            return Some(());
        } else {
            regex_reason(pattern)
        };
        self.say(codes::BAD_REGEX, span, message, help);
        None
    }
}

/// Why a regular expression does not compile, and what to do.
fn regex_reason(pattern: &str) -> (String, String) {
    let too_large = format!("it compiles to more than {} KiB", MAX_REGEX_COMPILED_BYTES >> 10);
    let (reason, help) = match regex::RegexBuilder::new(pattern).size_limit(MAX_REGEX_COMPILED_BYTES).build()
    {
        Err(regex::Error::Syntax(report)) => {
            let last = report.lines().next_back().unwrap_or_default();
            let reason = last.trim_start_matches("error: ").trim().to_owned();
            let help = if reason.contains("look-around") || reason.contains("backreference") {
                "write it without; two conditions joined by `and` and `not` do the same"
            } else {
                "correct it; a literal `.`, `(` or `[` is written `\\\\.`, `\\\\(`, `\\\\[` in a text"
            };
            (reason, help)
        }
        _ => (too_large, "use smaller repetitions, such as `{1,20}` for `{1,2000}`"),
    };
    (format!("this regular expression does not compile: {reason}"), help.to_owned())
}
