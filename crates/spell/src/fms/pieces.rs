//! Statements of FPL as text, one per line, blocks with what stands in them.

use faramesh_syntax::ast::{Item, Span, Spanned};
use faramesh_syntax::quote;

use super::statement;
use crate::names::{Owner, is_identifier};

/// A statement.
pub(super) struct Piece {
    pub span: Span,
    /// Its text, without its block.
    pub head: String,
    /// What stands in its block.
    pub body: Option<Vec<Self>>,
}

pub(super) fn pieces(items: &[Spanned<Item>], owner: Owner, source: &str) -> Vec<Piece> {
    items.iter().map(|item| piece(item, owner, source)).collect()
}

fn piece(item: &Spanned<Item>, owner: Owner, source: &str) -> Piece {
    let span = item.span;
    match &item.node {
        Item::Block { keyword, labels, body } => {
            let inner = owner.find(&keyword.node).map_or(Owner::UNKNOWN, Owner::of);
            let labels = labels.iter().map(|label| format!(" {}", label_text(&keyword.node, &label.node)));
            let head = format!("{}{}", keyword.node, labels.collect::<String>());
            Piece { span, head, body: Some(pieces(&body.items, inner, source)) }
        }
        Item::Use { alias, overrides: Some(body) } => {
            let head = format!("use {}", alias.node);
            Piece { span, head, body: Some(pieces(&body.items, Owner::UNKNOWN, source)) }
        }
        Item::Rules(rules) => {
            let rule = |rule: &Spanned<_>| Piece {
                span: rule.span,
                head: statement::rule(&rule.node, source),
                body: None,
            };
            Piece { span, head: "rules".to_owned(), body: Some(rules.iter().map(rule).collect()) }
        }
        other => {
            let mut head = statement::statement(other, owner.keyword, source);
            // What follows must not be read as a further part of the statement.
            if !matches!(other, Item::Setting { .. } | Item::Var { .. }) {
                head.push(';');
            }
            Piece { span, head, body: None }
        }
    }
}

/// A name as it stands behind the keyword of a block.
fn label_text(keyword: &str, label: &str) -> String {
    if matches!(keyword, "budget" | "delegate") && is_identifier(label) {
        label.to_owned()
    } else {
        quote(label)
    }
}
