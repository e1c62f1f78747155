//! What reading YAML or JSON gives, and what both say in the same words.

use faramesh_syntax::ast::{Name, Span};
use faramesh_syntax::{Diagnostic, codes as syntax_codes, limits};

use crate::codes;
use crate::comments::Comment;
use crate::tree::Node;

/// A text that was read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Its tree, unless it could not be read to its end or is empty.
    pub root: Option<Node>,
    pub comments: Vec<Comment>,
    pub diagnostics: Vec<Diagnostic>,
}

/// A key that stands in a map already.
pub(crate) struct Repeated<'n> {
    pub name: &'n Name,
    pub first: Span,
}

impl Repeated<'_> {
    pub fn diagnostic(&self) -> Diagnostic {
        let message = format!("the key `{}` is written twice", self.name.node);
        Diagnostic::error(codes::REPEATED_KEY, self.name.span, message)
            .with_help("keep one of the two; several rules, budgets and the like are a list")
            .with_label(self.first, "the first one")
    }
}

/// A tree that is too high.
pub(crate) fn too_deep(span: Span) -> Diagnostic {
    let message = format!("this is nested deeper than {} levels", limits::NESTING);
    Diagnostic::error(syntax_codes::TOO_DEEP, span, message).with_help("flatten it")
}
