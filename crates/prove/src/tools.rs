//! Tools, in classes: all that the patterns of a question cannot tell apart are one, and one tool stands
//! for them. What a rule says about a tool is then a plain fact.

use std::rc::Rc;

use faramesh_program::tools::pattern_matches;

use crate::automaton::Automaton;
use crate::language::Languages;
use crate::strings::{Found, Literal, Strings};

/// Most classes of one question.
const MAX_CLASSES: usize = 2_000;

/// A pattern as a regular expression over bytes.
pub(crate) fn regex(pattern: &str) -> String {
    let mut regex = String::from(r"(?s-u)\A");
    if pattern == "*" {
        return regex;
    }
    let (path, below) = match pattern.strip_suffix("/*") {
        Some(path) => (path, true),
        None => (pattern, false),
    };
    for (index, piece) in path.split('*').enumerate() {
        if index > 0 {
            regex.push_str("[^/]*");
        }
        for byte in piece.bytes() {
            regex.push_str(&format!(r"\x{byte:02X}"));
        }
    }
    regex.push_str(if below { "/" } else { r"\z" });
    regex
}

/// Whether some tool may match both patterns. Answers `false` only when that is certain.
#[must_use]
pub fn patterns_may_overlap(left: &str, right: &str) -> bool {
    let start = |pattern: &str| pattern.find('*').unwrap_or(pattern.len());
    let common = start(left).min(start(right));
    if left.as_bytes().get(..common) != right.as_bytes().get(..common) {
        return false;
    }
    match (left.contains('*'), right.contains('*')) {
        (false, false) => left == right,
        (true, false) => pattern_matches(left, right),
        (false, true) => pattern_matches(right, left),
        (true, true) => true,
    }
}

/// What tells tools apart in a question.
#[derive(Debug, Default)]
pub(crate) struct Marks<'a> {
    /// Patterns that every tool must match.
    pub within: Vec<&'a str>,
    /// Patterns of rules.
    pub patterns: Vec<&'a str>,
    /// First segments that fields name.
    pub segments: Vec<String>,
    /// Languages that conditions test the tool's name for.
    pub tests: Vec<Rc<Automaton>>,
    /// Whether tools that a rule names come before those that only a `*` matches.
    pub named_first: bool,
}

/// Most marks of one question.
const MAX_MARKS: usize = 256;

/// Why not every class was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Marks<'_> {
    /// Calls `visit` with a tool of every class until it says to stop.
    pub fn each_class(
        &self,
        languages: &Languages,
        strings: &Strings,
        visit: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), TooMany> {
        let is_within = |tool: &str| self.within.iter().all(|pattern| pattern_matches(pattern, tool));
        if let Some(only) = self.within.iter().find(|pattern| !pattern.contains('*')) {
            if is_within(only) {
                visit(only);
            }
            return Ok(());
        }
        let mut named: Vec<&str> = self
            .patterns
            .iter()
            .copied()
            .filter(|pattern| !pattern.contains('*') && is_within(pattern))
            .collect();
        named.sort_unstable();
        named.dedup();
        let visit_named = |visit: &mut dyn FnMut(&str) -> bool| named.iter().all(|tool| visit(tool));
        if self.named_first && !visit_named(visit) {
            return Ok(());
        }
        // Most questions are answered by the first tool that comes to mind.
        let guess = self.within.first().map_or("example", |pattern| pattern).replace('*', "example");
        if is_within(&guess) && !visit(&guess) {
            return Ok(());
        }
        let mut fixed = Vec::new();
        for pattern in &self.within {
            fixed.push(Literal::one(languages.tools(pattern).ok_or(TooMany)?, true));
        }
        fixed.push(Literal::one(Rc::new(Automaton::words(named.iter().copied(), false)), false));
        let mut classes = Classes { marks: self.automata(languages)?, strings, visit, left: MAX_CLASSES };
        let goes_on = classes.split(0, &mut fixed)?;
        if goes_on && !self.named_first {
            visit_named(visit);
        }
        Ok(())
    }

    fn automata(&self, languages: &Languages) -> Result<Vec<Rc<Automaton>>, TooMany> {
        let mut patterns: Vec<String> = self
            .patterns
            .iter()
            .filter(|pattern| pattern.contains('*'))
            .map(|pattern| (*pattern).to_owned())
            .collect();
        for segment in &self.segments {
            patterns.extend([segment.clone(), format!("{segment}/*")]);
        }
        patterns.sort_unstable();
        patterns.dedup();
        // What every tool here matches tells none apart.
        patterns.retain(|pattern| pattern != "*" && !self.within.contains(&pattern.as_str()));
        if patterns.len() + self.tests.len() > MAX_MARKS {
            return Err(TooMany);
        }
        let made = patterns.iter().map(|pattern| languages.tools(pattern).ok_or(TooMany));
        made.chain(self.tests.iter().map(|test| Ok(Rc::clone(test)))).collect()
    }
}

struct Classes<'s> {
    marks: Vec<Rc<Automaton>>,
    strings: &'s Strings,
    visit: &'s mut dyn FnMut(&str) -> bool,
    left: usize,
}

impl Classes<'_> {
    /// Splits by each mark in turn: first the tools that it does not match. The depth is their number.
    fn split(&mut self, at: usize, literals: &mut Vec<Literal>) -> Result<bool, TooMany> {
        let tool = match self.strings.find(literals, &[]) {
            Found::Text(text) => text,
            Found::Nothing => return Ok(true),
            Found::Unknown(_) => return Err(TooMany),
        };
        let Some(mark) = self.marks.get(at).map(Rc::clone) else {
            self.left = self.left.checked_sub(1).ok_or(TooMany)?;
            let nice = self.nicer(literals).unwrap_or(tool);
            return Ok((self.visit)(&nice));
        };
        for holds in [false, true] {
            literals.push(Literal::one(Rc::clone(&mark), holds));
            let goes_on = self.split(at + 1, literals);
            literals.pop();
            if !goes_on? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A tool without empty segments, such as tools have.
    fn nicer(&self, literals: &mut Vec<Literal>) -> Option<String> {
        let shaped = Rc::clone(self.strings.tool_shape()?);
        literals.push(Literal::one(shaped, true));
        let found = self.strings.find(literals, &["some_tool"]);
        literals.pop();
        if let Found::Text(text) = found { Some(text) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Tables;

    #[test]
    fn patterns_overlap_unless_that_is_impossible() {
        for (left, right, expected) in [
            ("*", "a/b", true),
            ("a/*", "a/b", true),
            ("a/*", "b/*", false),
            ("a/*", "b/x", false),
            ("a/*", "*/b", true),
            ("a/b", "a/c", false),
            ("get_*", "get_user", true),
            ("get_*", "set_*", false),
        ] {
            assert_eq!(patterns_may_overlap(left, right), expected, "{left} and {right}");
            assert_eq!(patterns_may_overlap(right, left), expected, "{right} and {left}");
        }
    }

    #[test]
    fn the_expression_of_a_pattern_matches_what_the_pattern_matches() {
        let segments = ["a", "*", "a*", "*b", "a*b", "*a*", ""];
        let mut patterns: Vec<String> = segments.iter().map(|first| (*first).to_owned()).collect();
        for first in segments {
            patterns.extend(segments.iter().map(|second| format!("{first}/{second}")));
        }
        let tools = [
            "", "a", "b", "ab", "a/", "/a", "a/b", "axb", "a/a/a", "ab/ab", "a//b", "é", "a/é", "bab",
            "a\n/b",
        ];
        let tables = Tables::default();
        for pattern in &patterns {
            let table = tables.bytes(&regex(pattern)).unwrap();
            for tool in tools {
                let expected = pattern_matches(pattern, tool);
                assert_eq!(table.accepts(tool.as_bytes()), Some(expected), "{pattern} {tool:?}");
            }
        }
    }
}
