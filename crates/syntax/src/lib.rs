//! FPL text to a lossless tree with diagnostics, and the formatter.
//!
//! The first stage of `check`, `apply` and `fmt`; nothing here runs when a call is decided.
//! [`parse`] takes any text and never fails: what is wrong is in [`Parse::diagnostics`], what could be
//! read is in [`Parse::ast`], and [`Parse::tree`] holds every byte. Which blocks and keys exist is
//! for the next stage to know.

pub mod ast;
pub mod codes;
pub mod diagnostic;
mod format;
mod invisible;
mod kind;
mod lexer;
pub mod limits;
mod line_index;
mod literal;
mod nearest;
mod parser;
mod render;
mod signs;
mod strip;

pub use diagnostic::{Code, Diagnostic, Fix, Severity};
pub use format::format;
pub use invisible::is_invisible;
pub use kind::{Fpl, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};
pub use line_index::LineIndex;
pub use literal::quote;
pub use nearest::nearest;
pub use render::{render_expr, render_expr_of};
pub use strip::without_spans;

use ast::Span;

/// A parsed source.
#[derive(Debug, Clone)]
pub struct Parse {
    green: rowan::GreenNode,
    ast: ast::Body,
    diagnostics: Vec<Diagnostic>,
    steps: u64,
}

impl Parse {
    /// The typed view. It lacks every rule and statement of which a part did not parse; use it to decide
    /// anything only if there are no errors.
    pub fn ast(&self) -> &ast::Body {
        &self.ast
    }

    /// What is wrong with the text, in its order.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether any diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The lossless tree: its text is the source. Of a source above [`limits::SOURCE_BYTES`] it holds the beginning only.
    pub fn tree(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// Tokens looked at and emitted while parsing: the work done, independent of any clock.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The typed view and the diagnostics, without the tree.
    pub fn into_parts(self) -> (ast::Body, Vec<Diagnostic>) {
        (self.ast, self.diagnostics)
    }
}

/// Parses any text in time linear in its length.
pub fn parse(source: &str) -> Parse {
    if source.len() > limits::SOURCE_BYTES {
        return too_large(source);
    }
    let parser::Output { green, body, diagnostics, steps } = parser::parse(source);
    Parse { green, ast: body, diagnostics, steps }
}

fn too_large(source: &str) -> Parse {
    use rowan::Language;
    let mut end = limits::SOURCE_BYTES;
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    let mut builder = rowan::GreenNodeBuilder::new();
    builder.start_node(Fpl::kind_to_raw(SyntaxKind::FILE));
    builder.token(Fpl::kind_to_raw(SyntaxKind::UNKNOWN), source.get(..end).unwrap_or_default());
    builder.finish_node();
    let message = format!("this file is larger than {} MiB", limits::SOURCE_BYTES / (1024 * 1024));
    let diagnostic = Diagnostic::error(codes::SOURCE_TOO_LARGE, Span::default(), message)
        .with_help("split it into packs and import them");
    Parse { green: builder.finish(), ast: ast::Body::default(), diagnostics: vec![diagnostic], steps: 1 }
}
