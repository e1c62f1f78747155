//! A parsed source file, and how to go through it.
//!
//! Invariants: a walk is never recursive, so deep nesting cannot exhaust the stack; parsing ends after a set time.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use tree_sitter::{Language, Node, ParseOptions, Parser, Tree, TreeCursor};

/// How long one file may take to parse; source that people write takes milliseconds.
const PARSE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the search for tools in one file may take: to look at what a node stands in takes the longer the deeper
/// that is.
const SEARCH_TIME_MAX: Duration = Duration::from_secs(5);
/// How many nodes are looked at between two looks at the clock.
const NODES_PER_LOOK: usize = 64;
const DESCRIPTION_LETTERS_MAX: usize = 200;

/// The text that nodes point into.
#[derive(Clone, Copy)]
pub struct Source<'tree> {
    /// The path relative to the project.
    pub path: &'tree Path,
    text: &'tree str,
}

impl<'tree> Source<'tree> {
    /// The text of a file.
    pub fn new(path: &'tree Path, text: &'tree str) -> Self {
        Self { path, text }
    }

    /// The text of a node.
    pub fn text(&self, node: Node<'_>) -> &'tree str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// The whole text.
    pub fn whole(&self) -> &'tree str {
        self.text
    }

    /// Parses the text. A fault in it, or too long a time, leaves a warning.
    pub fn parse(&self, language: &Language, warnings: &mut Vec<String>) -> Option<Tree> {
        let mut parser = Parser::new();
        parser.set_language(language).ok()?;
        let started = Instant::now();
        let mut progress = |_: &tree_sitter::ParseState| {
            if started.elapsed() > PARSE_TIME_MAX {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let bytes = self.text.as_bytes();
        let options = ParseOptions::new().progress_callback(&mut progress);
        let tree = parser.parse_with_options(
            &mut |offset, _| bytes.get(offset..).unwrap_or_default(),
            None,
            Some(options),
        );
        let path = self.path.display();
        match &tree {
            None => warnings.push(format!("`{path}` takes too long to parse and was left out")),
            Some(tree) if tree.root_node().has_error() => {
                warnings.push(format!("`{path}` does not parse fully; its tools may be incomplete"));
            }
            Some(_) => {}
        }
        tree
    }
}

/// The line of a node, counted from 1.
pub fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX - 1) + 1
}

/// The text of a string literal whose escapes are written out, as Python and JavaScript both read them.
pub fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut read = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            read.push(letter);
            continue;
        }
        match letters.next() {
            Some('\n') | None => {}
            Some('n') => read.push('\n'),
            Some('t') => read.push('\t'),
            Some('r') => read.push('\r'),
            Some(kind @ ('x' | 'u' | 'U')) => {
                let rest = letters.as_str();
                let (digits, length) = match (kind, rest.strip_prefix('{').and_then(|it| it.split_once('}')))
                {
                    ('u', Some((digits, _))) => (digits, digits.len() + 2),
                    ('x', _) => (rest.get(..2).unwrap_or_default(), 2),
                    ('u', None) => (rest.get(..4).unwrap_or_default(), 4),
                    _ => (rest.get(..8).unwrap_or_default(), 8),
                };
                match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                    Some(found) => {
                        read.push(found);
                        letters = rest.get(length..).unwrap_or_default().chars();
                    }
                    None => read.extend(['\\', kind]),
                }
            }
            Some(other) => read.push(other),
        }
    }
    read
}

/// The first line of a description, cut to a length that fits a comment.
pub fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.split("\\n").next().unwrap_or(line).trim();
    (!line.is_empty()).then(|| line.chars().take(DESCRIPTION_LETTERS_MAX).collect())
}

/// The named children of a node, comments left out.
pub fn children<'tree>(node: Node<'tree>) -> Vec<Node<'tree>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}

/// Every named node below and including a root, in the order of the text.
pub fn descendants(root: Node<'_>) -> Descendants<'_> {
    Descendants { cursor: Some(root.walk()) }
}

/// Goes through every named node below a root, for as long as one file may take; what is left then is a warning.
pub fn search<'tree>(
    source: &Source<'_>,
    root: Node<'tree>,
    warnings: &mut Vec<String>,
    mut look: impl FnMut(Node<'tree>),
) {
    let started = Instant::now();
    for (count, node) in descendants(root).enumerate() {
        if count.is_multiple_of(NODES_PER_LOOK) && started.elapsed() > SEARCH_TIME_MAX {
            let path = source.path.display();
            return warnings.push(format!("`{path}` takes too long to search; its tools may be incomplete"));
        }
        look(node);
    }
}

/// The iterator of [`descendants`].
pub struct Descendants<'tree> {
    cursor: Option<TreeCursor<'tree>>,
}

impl<'tree> Iterator for Descendants<'tree> {
    type Item = Node<'tree>;

    fn next(&mut self) -> Option<Node<'tree>> {
        loop {
            let cursor = self.cursor.as_mut()?;
            let node = cursor.node();
            if !cursor.goto_first_child() {
                while !cursor.goto_next_sibling() {
                    if !cursor.goto_parent() {
                        self.cursor = None;
                        break;
                    }
                }
            }
            if node.is_named() {
                return Some(node);
            }
        }
    }
}
