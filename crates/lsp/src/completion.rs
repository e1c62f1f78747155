//! Completion: what may be written at the cursor, as items. What the place is, is `cursor`'s question.

use faramesh_check::definitions::Status;
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, InsertTextFormat, MarkupContent,
    MarkupKind, TextEdit,
};

use crate::cursor::{Cursor, Place};
use crate::document::Document;
use crate::outline::Kind;
use crate::words;

pub(crate) use statements::form;
pub(crate) use values::is_requirement;

mod conditions;
mod statements;
#[cfg(test)]
mod tests;
mod values;

/// Most items of one answer.
const ITEMS: usize = 1_000;

/// What may be offered, in order.
#[derive(Debug, Default)]
struct Offers {
    offers: Vec<Offer>,
}

/// One item.
#[derive(Debug)]
struct Offer {
    label: String,
    kind: CompletionItemKind,
    detail: Option<String>,
    summary: Option<String>,
    /// What is written, when it is not the label; `$0` is where the cursor stands then.
    snippet: Option<String>,
}

impl Offers {
    fn add(&mut self, label: impl Into<String>, kind: CompletionItemKind) -> &mut Offer {
        let offer = Offer { label: label.into(), kind, detail: None, summary: None, snippet: None };
        let index = self.offers.iter().position(|other| other.label == offer.label);
        let index = index.unwrap_or_else(|| {
            self.offers.push(offer);
            self.offers.len() - 1
        });
        // The index is that of an element.
        #[expect(clippy::indexing_slicing, reason = "found or pushed above")]
        &mut self.offers[index]
    }

    fn names(&mut self, names: impl IntoIterator<Item = String>, kind: CompletionItemKind, detail: &str) {
        for name in names {
            self.add(name, kind).detail = Some(detail.to_owned());
        }
    }
}

impl Offer {
    fn explained(&mut self, detail: impl Into<String>, summary: impl Into<String>, status: Status) {
        self.detail = Some(detail.into());
        let mut summary = summary.into();
        if status == Status::NotYet {
            summary.push_str("\n\nnot enforced yet: a policy that has it is refused");
        }
        self.summary = Some(summary);
    }
}

/// The items at an offset; snippets only for a client that knows them.
pub fn items(document: &Document, offset: u32, snippets: bool) -> Vec<CompletionItem> {
    let cursor = Cursor::at(document, offset);
    let mut offers = Offers::default();
    collect(document, &cursor, &mut offers);
    let typed = document.slice(faramesh_syntax::ast::Span { start: cursor.replaced.start, end: offset });
    let range = document.range(cursor.replaced);
    // What is being written is itself in the document, and no news.
    let news = offers.offers.into_iter().filter(|offer| offer.label != typed || offer.snippet.is_some());
    news.take(ITEMS).enumerate().map(|(index, offer)| item(offer, index, range, &cursor, snippets)).collect()
}

fn collect(document: &Document, cursor: &Cursor, offers: &mut Offers) {
    if cursor.fresh_line && matches!(cursor.place, Place::Tail | Place::Operator) {
        statements::offer(document, cursor, offers);
    }
    match &cursor.place {
        Place::Nothing => {}
        Place::Statement => statements::offer(document, cursor, offers),
        Place::Pattern => values::patterns(document, offers),
        Place::Tail => conditions::tail(offers, true),
        Place::Operand { left } => conditions::operand(document, cursor, left.as_deref(), offers),
        Place::Operator => {
            conditions::operators(offers);
            conditions::tail(offers, false);
        }
        Place::Member { path } => conditions::member(document, cursor, path, offers),
        Place::ClauseValue { clause } => values::of_clause(document, cursor, clause, offers),
        Place::Value { key, in_list } => values::of_key(document, cursor, key, *in_list, offers),
        Place::Import => values::declared(document, cursor, Kind::Import, offers),
        Place::Agent => values::declared(document, cursor, Kind::Agent, offers),
        Place::Words(all) => {
            for word in *all {
                let _ = offers.add(*word, CompletionItemKind::KEYWORD);
            }
        }
    }
}

fn item(
    offer: Offer,
    index: usize,
    range: lsp_types::Range,
    cursor: &Cursor,
    snippets: bool,
) -> CompletionItem {
    let is_snippet = snippets && offer.snippet.is_some();
    let mut text = match &offer.snippet {
        Some(snippet) if snippets => snippet.clone(),
        Some(snippet) => without_stops(snippet),
        None => offer.label.clone(),
    };
    let is_text = cursor.in_string && !text.starts_with('"');
    if is_text {
        text = faramesh_syntax::quote(&text);
    }
    let documentation = offer
        .summary
        .map(|value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value }));
    CompletionItem {
        label: offer.label.clone(),
        kind: Some(offer.kind),
        detail: offer.detail,
        documentation,
        // Clients sort by text; this keeps the order in which things are offered.
        sort_text: Some(format!("{index:04}")),
        // What is typed so far may begin with the quote.
        filter_text: cursor.in_string.then(|| text.clone()),
        insert_text_format: is_snippet.then_some(InsertTextFormat::SNIPPET),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: text })),
        ..CompletionItem::default()
    }
}

/// A snippet as plain text: `${1:name}` is `name`, and `$0` is gone.
fn without_stops(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet;
    while let Some(at) = rest.find('$') {
        text.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        rest = match rest.strip_prefix('{') {
            Some(inner) => {
                let (stop, after) = inner.split_once('}').unwrap_or((inner, ""));
                text.push_str(stop.split_once(':').map_or("", |(_, shown)| shown));
                after
            }
            None => rest.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        };
    }
    text.push_str(rest);
    text
}

fn effects(offers: &mut Offers) {
    for (word, meaning) in words::EFFECTS.iter().take(words::CANONICAL_EFFECTS) {
        offers.add(*word, CompletionItemKind::KEYWORD).explained("effect", *meaning, Status::Enforced);
    }
}
