//! What may begin a statement in a block.

use faramesh_check::definitions::{Definition, Kind as Takes, Label, Shape};
use lsp_types::CompletionItemKind;

use super::{Offers, effects};
use crate::cursor::Cursor;
use crate::document::Document;

/// Statements, blocks and keys of the block around the cursor; keys that are there already come last.
pub(super) fn offer(_document: &Document, cursor: &Cursor, offers: &mut Offers) {
    if cursor.around.takes_rules() {
        effects(offers);
    }
    for definition in cursor.around.members() {
        let kind = match definition.shape {
            Shape::Setting { .. } => CompletionItemKind::PROPERTY,
            Shape::Block { .. } => CompletionItemKind::STRUCT,
            Shape::Statement(_) => CompletionItemKind::KEYWORD,
        };
        let offer = offers.add(definition.keyword, kind);
        offer.explained(form(definition), definition.summary, definition.status);
        offer.snippet = Some(snippet(definition));
    }
}

/// How a construct is written, on one line.
pub(crate) fn form(definition: &Definition) -> String {
    let keyword = definition.keyword;
    match definition.shape {
        Shape::Setting { kind, default } => {
            let value = default.map_or_else(|| kind.example(), str::to_owned);
            if keyword == "default" { format!("{keyword} {value}") } else { format!("{keyword} = {value}") }
        }
        Shape::Block { label: Label::None, .. } => format!("{keyword} {{ … }}"),
        Shape::Block { .. } => format!("{keyword} \"name\" {{ … }}"),
        Shape::Statement(example) => example.to_owned(),
    }
}

fn snippet(definition: &Definition) -> String {
    let keyword = definition.keyword;
    match definition.shape {
        Shape::Setting { .. } if keyword == "default" => format!("{keyword} $0"),
        Shape::Setting { kind, .. } => match kind {
            Takes::Text => format!("{keyword} = \"$0\""),
            Takes::Texts => format!("{keyword} = [$0]"),
            _ => format!("{keyword} = $0"),
        },
        Shape::Block { label, .. } => match label {
            Label::None => format!("{keyword} {{\n  $0\n}}"),
            Label::Optional | Label::Required => format!("{keyword} \"${{1:name}}\" {{\n  $0\n}}"),
        },
        Shape::Statement(example) if example.contains('{') && keyword == "rules" => {
            format!("{keyword} {{\n  $0\n}}")
        }
        Shape::Statement(_) => format!("{keyword} $0"),
    }
}
