//! Which rules can match a tool. Exact names are one hash look-up; patterns stand in one automaton
//! over the segments of a name, so rules on other tools cost nothing.
//!
//! Patterns: a lone `*` is every tool, a last segment `*` is one or more segments, any other segment
//! `*` is exactly one, and a `*` inside a segment is any run of characters of it.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

/// Rules by tool. Rules are numbered, and numbers come out in ascending order.
#[derive(Debug, Default)]
pub struct ToolIndex {
    exact: FxHashMap<Box<str>, Exact>,
    every: Vec<u32>,
    nodes: Vec<Node>,
}

/// The rules of one exact name.
#[derive(Debug, Default)]
struct Exact {
    rules: Vec<u32>,
    /// The rules of patterns that match the name are among them.
    complete: bool,
}

/// Most rules of patterns that are copied to an exact name: a bound on the memory of a policy with
/// many names and many patterns.
const MAX_COPIED: usize = 16;

/// A state of the automaton: some segments have been read.
#[derive(Debug, Default)]
struct Node {
    literal: FxHashMap<Box<str>, u32>,
    star: Option<u32>,
    globs: GlobIndex,
    /// Rules whose pattern ends here.
    end: Vec<u32>,
    /// Rules whose pattern ends here in `/*`.
    below: Vec<u32>,
}

/// Segments with a `*` inside, found by what stands before the first and after the last one.
#[derive(Debug, Default)]
struct GlobIndex {
    /// Lengths of (start, end) that occur.
    shapes: Vec<(usize, usize)>,
    /// By hash of start and end, so that a look-up copies nothing.
    by_ends: FxHashMap<u64, Vec<(Glob, u32)>>,
}

/// The literal parts between the `*`s of a segment.
#[derive(Debug, PartialEq)]
struct Glob {
    start: Box<str>,
    middle: Vec<Box<str>>,
    end: Box<str>,
}

impl Glob {
    fn new(segment: &str) -> Self {
        let mut parts = segment.split('*').map(Box::from);
        let start = parts.next().unwrap_or_default();
        let mut middle: Vec<Box<str>> = parts.collect();
        let end = middle.pop().unwrap_or_default();
        middle.retain(|part| !part.is_empty());
        Self { start, middle, end }
    }

    /// Whether a segment whose start and end have the right lengths matches.
    fn matches(&self, start: &str, mut rest: &str, end: &str) -> bool {
        *self.start == *start
            && *self.end == *end
            && self.middle.iter().all(|part| match rest.split_once(&**part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
    }
}

fn hash_ends(start: &str, end: &str) -> u64 {
    let mut hasher = FxHasher::default();
    (start, end).hash(&mut hasher);
    hasher.finish()
}

impl GlobIndex {
    fn child(&mut self, segment: &str, new_node: u32) -> u32 {
        let glob = Glob::new(segment);
        let shape = (glob.start.len(), glob.end.len());
        if !self.shapes.contains(&shape) {
            self.shapes.push(shape);
        }
        let same_ends = self.by_ends.entry(hash_ends(&glob.start, &glob.end)).or_default();
        if let Some((_, node)) = same_ends.iter().find(|(other, _)| *other == glob) {
            return *node;
        }
        same_ends.push((glob, new_node));
        new_node
    }

    fn matching(&self, segment: &str, found: &mut impl FnMut(u32)) {
        for (start, end) in &self.shapes {
            let Some(tail) = segment.len().checked_sub(*end).filter(|tail| start <= tail) else { continue };
            let parts = (segment.get(..*start), segment.get(*start..tail), segment.get(tail..));
            let (Some(before), Some(rest), Some(after)) = parts else { continue };
            let Some(candidates) = self.by_ends.get(&hash_ends(before, after)) else { continue };
            for (_, node) in candidates.iter().filter(|(glob, _)| glob.matches(before, rest, after)) {
                found(*node);
            }
        }
    }
}

/// Lists that fit without an allocation; more than these are rare.
const INLINE_LISTS: usize = 6;

/// The lists of rules that one tool selects.
#[derive(Debug, Default)]
pub struct Candidates<'a> {
    inline: [&'a [u32]; INLINE_LISTS],
    used: usize,
    more: Vec<&'a [u32]>,
}

impl<'a> Candidates<'a> {
    fn push(&mut self, list: &'a [u32]) {
        if list.is_empty() {
            return;
        }
        match self.inline.get_mut(self.used) {
            Some(slot) => {
                *slot = list;
                self.used += 1;
            }
            None => self.more.push(list),
        }
    }

    /// The next rule in ascending order.
    pub fn next_rule(&mut self) -> Option<u32> {
        let inline = self.inline.get_mut(..self.used).unwrap_or_default();
        if let [only] = inline
            && self.more.is_empty()
        {
            let (next, rest) = only.split_first()?;
            *only = rest;
            return Some(*next);
        }
        let mut next = u32::MAX;
        for list in inline.iter().chain(&self.more) {
            next = next.min(list.first().copied().unwrap_or(u32::MAX));
        }
        for list in inline.iter_mut().chain(&mut self.more) {
            // The same rule is in one list only, but a duplicate must not be tried twice.
            if let Some((first, rest)) = list.split_first()
                && *first == next
            {
                *list = rest;
            }
        }
        (next != u32::MAX).then_some(next)
    }
}

/// Whether a tool's name is as one pattern says.
#[must_use]
pub fn matches(pattern: &str, tool: &str) -> bool {
    let mut index = ToolIndex::default();
    index.add(pattern, 0);
    index.finished().candidates(tool).next_rule().is_some()
}

impl ToolIndex {
    /// Adds a rule; numbers must be added in ascending order.
    pub fn add(&mut self, pattern: &str, rule: u32) {
        if pattern == "*" {
            self.every.push(rule);
        } else if pattern.contains('*') {
            self.add_pattern(pattern, rule);
        } else {
            self.exact.entry(pattern.into()).or_default().rules.push(rule);
        }
    }

    fn add_pattern(&mut self, pattern: &str, rule: u32) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let (path, below) = match pattern.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (pattern, false),
        };
        let mut at = 0;
        for segment in path.split('/') {
            let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            let Some(node) = node_mut(&mut self.nodes, at) else { return };
            at = if segment == "*" {
                *node.star.get_or_insert(fresh)
            } else if segment.contains('*') {
                node.globs.child(segment, fresh)
            } else {
                *node.literal.entry(segment.into()).or_insert(fresh)
            };
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = node_mut(&mut self.nodes, at) {
            if below { node.below.push(rule) } else { node.end.push(rule) }
        }
    }

    /// The index with the rules of patterns beside those of the exact names that they match, so that
    /// most look-ups end at the name. Nothing may be added after this.
    #[must_use]
    pub fn finished(mut self) -> Self {
        let mut complete = Vec::new();
        for (tool, exact) in &self.exact {
            let mut candidates = self.candidates(tool);
            let most = exact.rules.len().saturating_add(MAX_COPIED);
            let rules: Vec<u32> = std::iter::from_fn(|| candidates.next_rule()).take(most + 1).collect();
            if rules.len() <= most {
                complete.push((tool.clone(), rules));
            }
        }
        for (tool, rules) in complete {
            self.exact.insert(tool, Exact { rules, complete: true });
        }
        self
    }

    /// The rules that can match `tool`.
    #[must_use]
    pub fn candidates(&self, tool: &str) -> Candidates<'_> {
        let mut found = Candidates::default();
        if let Some(exact) = self.exact.get(tool) {
            found.push(&exact.rules);
            if exact.complete {
                return found;
            }
        }
        found.push(&self.every);
        if !self.nodes.is_empty() {
            self.walk(0, tool, &mut found);
        }
        found
    }

    /// Depth is the number of segments, which the length of a tool name bounds.
    fn walk<'a>(&'a self, at: u32, rest: &str, found: &mut Candidates<'a>) {
        let node = |at: u32| usize::try_from(at).ok().and_then(|at| self.nodes.get(at));
        let Some(here) = node(at) else { return };
        let slash = memchr::memchr(b'/', rest.as_bytes());
        let (segment, after) = match slash.and_then(|slash| rest.split_at_checked(slash)) {
            Some((segment, after)) => (segment, after.get(1..)),
            None => (rest, None),
        };
        let mut step = |next: u32| {
            let Some(child) = node(next) else { return };
            match after {
                Some(after) => {
                    found.push(&child.below);
                    self.walk(next, after, found);
                }
                None => found.push(&child.end),
            }
        };
        if let Some(next) = here.literal.get(segment) {
            step(*next);
        }
        if let Some(next) = here.star {
            step(next);
        }
        if !here.globs.shapes.is_empty() {
            here.globs.matching(segment, &mut step);
        }
    }
}

fn node_mut(nodes: &mut [Node], at: u32) -> Option<&mut Node> {
    usize::try_from(at).ok().and_then(|at| nodes.get_mut(at))
}

/// Whether one pattern matches one tool, for patterns outside rules.
#[must_use]
pub fn pattern_matches(pattern: &str, tool: &str) -> bool {
    let mut index = ToolIndex::default();
    index.add(pattern, 0);
    index.candidates(tool).next_rule().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(patterns: &[&str], tool: &str) -> Vec<u32> {
        let mut index = ToolIndex::default();
        for (number, pattern) in patterns.iter().enumerate() {
            index.add(pattern, u32::try_from(number).unwrap());
        }
        let all = |index: &ToolIndex| {
            let mut candidates = index.candidates(tool);
            std::iter::from_fn(|| candidates.next_rule()).collect::<Vec<u32>>()
        };
        let found = all(&index);
        assert_eq!(found, all(&index.finished()), "{patterns:?} {tool}");
        found
    }

    #[test]
    fn patterns() {
        for (pattern, tool, expected) in [
            ("stripe/refund", "stripe/refund", true),
            ("stripe/refund", "stripe/refunds", false),
            ("stripe/*", "stripe/refund", true),
            ("stripe/*", "stripe/a/b/c", true),
            ("stripe/*", "stripe", false),
            ("stripe/*", "stripes/x", false),
            ("warehouse/*/write", "warehouse/a/write", true),
            ("warehouse/*/write", "warehouse/a/b/write", false),
            ("warehouse/*/write", "warehouse/write", false),
            ("*_search", "web_search", true),
            ("*_search", "_search", true),
            ("*_search", "web/x_search", false),
            ("*_search", "web_search/x", false),
            ("get_*_by_*", "get_user_by_id", true),
            ("get_*_by_*", "get_by_id", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "ac", false),
            ("aa*aa", "aaa", false),
            ("*/read", "s3/read", true),
            ("*/read", "s3/x/read", false),
            ("*", "anything/at/all", true),
            ("*/*", "a/b/c", true),
            ("*/*", "a", false),
            ("mail/send_*", "mail/send_now", true),
            ("mail/send_*/x", "mail/send_now/x", true),
            ("é*é", "éé", true),
        ] {
            assert_eq!(pattern_matches(pattern, tool), expected, "{pattern} against {tool}");
        }
    }

    #[test]
    fn rules_come_in_order_and_once() {
        let patterns = ["*", "a/b", "a/*", "*/b", "a/b*", "c/*", "*", "a/b"];
        assert_eq!(matching(&patterns, "a/b"), [0, 1, 2, 3, 4, 6, 7]);
        assert_eq!(matching(&patterns, "x"), [0, 6]);
        let many: Vec<String> = (0..40).map(|number| format!("a/b*{}", "*".repeat(number % 2))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).chain(["a/b"]).collect();
        assert_eq!(matching(&many, "a/b"), (0..41).collect::<Vec<u32>>());
    }
}
