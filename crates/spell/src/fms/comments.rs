//! The comments of an FPL text.

use faramesh_syntax::{SyntaxKind, SyntaxNode};

use crate::comments::Comment;

/// Every comment of the tree of `source`.
pub(crate) fn find(source: &str, tree: &SyntaxNode) -> Vec<Comment> {
    let tokens = tree.descendants_with_tokens().filter(|element| element.kind() == SyntaxKind::COMMENT);
    tokens
        .map(|token| {
            let range = token.text_range();
            Comment::new(source, range.start().into(), range.end().into())
        })
        .collect()
}
