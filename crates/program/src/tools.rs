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
    exact: FxHashMap<Box<str>, Vec<u32>>,
    every: Vec<u32>,
    nodes: Vec<Node>,
}

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

/// The lists of rules that one tool selects.
#[derive(Debug, Default)]
pub struct Candidates<'a> {
    lists: Vec<&'a [u32]>,
}

impl Candidates<'_> {
    /// The next rule in ascending order.
    pub fn next_rule(&mut self) -> Option<u32> {
        let next = self.lists.iter().filter_map(|list| list.first()).min().copied()?;
        for list in &mut self.lists {
            // The same rule is in one list only, but a duplicate must not be tried twice.
            if let Some((first, rest)) = list.split_first()
                && *first == next
            {
                *list = rest;
            }
        }
        Some(next)
    }
}

impl ToolIndex {
    /// Adds a rule; numbers must be added in ascending order.
    pub fn add(&mut self, pattern: &str, rule: u32) {
        if pattern == "*" {
            self.every.push(rule);
        } else if pattern.contains('*') {
            self.add_pattern(pattern, rule);
        } else {
            self.exact.entry(pattern.into()).or_default().push(rule);
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

    /// The rules that can match `tool`.
    #[must_use]
    pub fn candidates(&self, tool: &str) -> Candidates<'_> {
        let mut lists: Vec<&[u32]> = Vec::with_capacity(4);
        if let Some(rules) = self.exact.get(tool) {
            lists.push(rules);
        }
        if !self.every.is_empty() {
            lists.push(&self.every);
        }
        if !self.nodes.is_empty() {
            self.walk(0, tool, &mut lists);
        }
        Candidates { lists }
    }

    /// Depth is the number of segments, which the length of a tool name bounds.
    fn walk<'a>(&'a self, at: u32, rest: &str, lists: &mut Vec<&'a [u32]>) {
        let Some(node) = usize::try_from(at).ok().and_then(|at| self.nodes.get(at)) else { return };
        let (segment, after) = match rest.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (rest, None),
        };
        let mut step = |next: u32| match after {
            Some(after) => {
                if let Some(node) = usize::try_from(next).ok().and_then(|next| self.nodes.get(next))
                    && !node.below.is_empty()
                {
                    lists.push(&node.below);
                }
                self.walk(next, after, lists);
            }
            None => {
                if let Some(node) = usize::try_from(next).ok().and_then(|next| self.nodes.get(next))
                    && !node.end.is_empty()
                {
                    lists.push(&node.end);
                }
            }
        };
        if let Some(next) = node.literal.get(segment) {
            step(*next);
        }
        if let Some(next) = node.star {
            step(next);
        }
        if !node.globs.shapes.is_empty() {
            node.globs.matching(segment, &mut step);
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
        let mut candidates = index.candidates(tool);
        std::iter::from_fn(|| candidates.next_rule()).collect()
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
    }
}
