//! A regular expression as conditions use it: `^literal…` is refused by its first bytes, which most
//! texts are, without starting the search.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::load::{LoadError, MAX_REGEX_BYTES, MAX_REGEX_COMPILED_BYTES};

/// A compiled regular expression.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// What every text that matches begins with; may be empty.
    start: Box<[u8]>,
}

impl Pattern {
    /// Compiles a regular expression within the limits of the language.
    ///
    /// # Errors
    /// It does not compile, or is beyond a limit.
    pub fn new(text: &str) -> Result<Self, LoadError> {
        if text.len() > MAX_REGEX_BYTES {
            return Err(LoadError::Limit("length of a regular expression"));
        }
        let regex = RegexBuilder::new(text)
            .size_limit(MAX_REGEX_COMPILED_BYTES)
            .dfa_size_limit(MAX_REGEX_COMPILED_BYTES)
            .build()
            .map_err(|_| LoadError::Regex(text.to_owned()))?;
        let start = regex_syntax::parse(text).ok().and_then(|hir| start_of(&hir)).unwrap_or_default();
        Ok(Self { regex, start })
    }

    /// Whether it matches somewhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        text.as_bytes().starts_with(&self.start) && self.regex.is_match(text)
    }
}

/// The literal behind `^`, when there is one; in a text of several lines `(?m)^` is no start.
fn start_of(hir: &Hir) -> Option<Box<[u8]>> {
    let HirKind::Concat(parts) = hir.kind() else { return None };
    match parts.as_slice() {
        [start, literal, ..] if *start.kind() == HirKind::Look(Look::Start) => match literal.kind() {
            HirKind::Literal(literal) => Some(literal.0.clone()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_only_what_every_match_begins_with() {
        for (text, start) in [
            ("^test_[0-9]+$", "test_"),
            ("^a", "a"),
            ("^(ab|ac)d", ""),
            ("^(?:ab)c$", "abc"),
            ("^é", "é"),
            ("(?i)^test", ""),
            ("(?m)^test", ""),
            ("^a|b", ""),
            ("^a?b", ""),
            ("test", ""),
            ("\\Atest", "test"),
        ] {
            assert_eq!(&*Pattern::new(text).unwrap().start, start.as_bytes(), "{text}");
        }
    }

    #[test]
    fn matches_as_the_regular_expression_does() {
        let texts = ["", "a", "ab", "abc", "test_1", "Test_1", "x\ntest_1", "é", "abd", "acd", "b"];
        for text in ["^test_[0-9]+$", "^(ab|ac)d", "(?m)^test", "(?i)^test", "^a|b", "^a?b", "^", "$", "^ab$"]
        {
            let (pattern, regex) = (Pattern::new(text).unwrap(), Regex::new(text).unwrap());
            for subject in texts {
                assert_eq!(pattern.is_match(subject), regex.is_match(subject), "{text} on {subject:?}");
            }
        }
    }
}
