//! Where a name is declared, where it is used, what a document declares, and a new name for a variable.

use faramesh_check::definitions::{self, NAMES};
use faramesh_syntax::ast::{Effect, Item, Span, Spanned};
use lsp_types::{DocumentHighlight, DocumentHighlightKind, DocumentSymbol, SymbolKind, TextEdit};

use crate::document::Document;
use crate::outline::{Declaration, Kind, Outline};

/// Words that no variable can have as its name.
const RESERVED: &[&str] =
    &["if", "when", "and", "or", "not", "in", "contains", "matches", "true", "false", "null", "env"];

/// Most symbols of one document.
const SYMBOLS: usize = 20_000;

/// Longest name of a symbol, in characters.
const SYMBOL_CHARACTERS: usize = 120;

/// The declaration of what is named at an offset.
pub fn definition(document: &Document, offset: u32) -> Option<&Declaration> {
    document.outline().declaration_at(offset)
}

/// Every place that names what is named at an offset, its declaration first.
pub fn places(document: &Document, offset: u32) -> Option<(Span, Vec<Span>)> {
    let outline = document.outline();
    let declaration = outline.declaration_at(offset)?;
    let uses = outline.references_to(declaration).map(|reference| reference.span).collect();
    Some((declaration.name_span, uses))
}

/// The same as marks in the text.
pub fn highlights(document: &Document, offset: u32) -> Vec<DocumentHighlight> {
    let Some((declaration, uses)) = places(document, offset) else { return Vec::new() };
    let mark = |span: Span, kind| DocumentHighlight { range: document.range(span), kind: Some(kind) };
    std::iter::once(mark(declaration, DocumentHighlightKind::WRITE))
        .chain(uses.into_iter().map(|span| mark(span, DocumentHighlightKind::READ)))
        .collect()
}

/// The variable that can be renamed at an offset, and where its name is written there.
pub fn renamable(document: &Document, offset: u32) -> Result<Span, String> {
    let declaration = variable(document, offset)?;
    let outline = document.outline();
    Ok(outline.reference_at(offset).map_or(declaration.name_span, |reference| reference.span))
}

fn variable(document: &Document, offset: u32) -> Result<&Declaration, String> {
    if document.parse().has_errors() {
        return Err("this file has errors of syntax, so not every use of a name can be seen".to_owned());
    }
    let declaration = document.outline().declaration_at(offset);
    declaration
        .filter(|declaration| declaration.kind == Kind::Variable)
        .ok_or_else(|| "only a variable can be renamed".to_owned())
}

/// The edits that give the variable at an offset another name.
pub fn rename(document: &Document, offset: u32, name: &str) -> Result<Vec<TextEdit>, String> {
    let declaration = variable(document, offset)?;
    let outline = document.outline();
    permitted(outline, declaration, name)?;
    let uses = outline.references_to(declaration).map(|reference| reference.span);
    let spans = std::iter::once(declaration.name_span).chain(uses);
    let edit = |span: Span| {
        let is_text = document.slice(span).starts_with('"');
        let new_text = if is_text { faramesh_syntax::quote(name) } else { name.to_owned() };
        TextEdit { range: document.range(span), new_text }
    };
    Ok(spans.map(edit).collect())
}

fn permitted(outline: &Outline, declaration: &Declaration, name: &str) -> Result<(), String> {
    let mut bytes = name.bytes();
    let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_name {
        return Err(format!("`{name}` is no name: letters, digits, `_` and `-` make one"));
    }
    if RESERVED.contains(&name) || definitions::word(NAMES, name).is_some() {
        return Err(format!("`{name}` has a meaning of its own"));
    }
    if name != declaration.name && outline.is_taken(name, declaration) {
        return Err(format!(
            "`{name}` is already declared, or read as an argument, where the variable counts"
        ));
    }
    Ok(())
}

/// Agents, blocks and rules as a tree.
pub fn symbols(document: &Document) -> Vec<DocumentSymbol> {
    let mut left = SYMBOLS;
    children(document, &document.parse().ast().items, &mut left)
}

fn children(document: &Document, items: &[Spanned<Item>], left: &mut usize) -> Vec<DocumentSymbol> {
    let mut found = Vec::new();
    for item in items {
        if *left == 0 {
            break;
        }
        *left -= 1;
        found.extend(symbol(document, item, left));
    }
    found
}

fn symbol(document: &Document, item: &Spanned<Item>, left: &mut usize) -> Option<DocumentSymbol> {
    let (name, kind, selection, children) = match &item.node {
        Item::Block { keyword, labels, body } => {
            let label = labels.first();
            let name = label
                .map_or_else(|| keyword.node.clone(), |label| format!("{} {}", keyword.node, label.node));
            let kind = if keyword.node == "agent" { SymbolKind::CLASS } else { SymbolKind::NAMESPACE };
            (
                name,
                kind,
                label.map_or(keyword.span, |label| label.span),
                children(document, &body.items, left),
            )
        }
        Item::Rules(rules) => {
            let take = rules.len().min(*left);
            *left -= take;
            let rules =
                rules.iter().take(take).map(|one| rule(document, one.span, one.node.effect.node)).collect();
            let keyword = Span { start: item.span.start, end: item.span.start.saturating_add(5) };
            ("rules".to_owned(), SymbolKind::ARRAY, keyword, rules)
        }
        Item::Rule(one) => return Some(rule(document, item.span, one.effect.node)),
        Item::Var { name, .. } => (name.node.clone(), SymbolKind::CONSTANT, name.span, Vec::new()),
        Item::Import { path, alias } => {
            let name = alias.as_ref().unwrap_or(path);
            (name.node.clone(), SymbolKind::MODULE, name.span, Vec::new())
        }
        Item::RateLimit { pattern, .. } => {
            (format!("rate_limit {}", pattern.node), SymbolKind::EVENT, pattern.span, Vec::new())
        }
        Item::Redact { tool, .. } => {
            (format!("redact {}", tool.node), SymbolKind::KEY, tool.span, Vec::new())
        }
        _ => return None,
    };
    Some(make(document, name, kind, item.span, selection, children))
}

fn rule(document: &Document, span: Span, effect: Effect) -> DocumentSymbol {
    let text: Vec<&str> = document.slice(span).split_whitespace().collect();
    let name: String = text.join(" ").chars().take(SYMBOL_CHARACTERS).collect();
    let kind = match effect {
        Effect::Permit => SymbolKind::METHOD,
        Effect::Defer => SymbolKind::EVENT,
        Effect::Deny | Effect::DenyAlways => SymbolKind::OPERATOR,
    };
    make(document, name, kind, span, span, Vec::new())
}

#[expect(deprecated, reason = "a field that must be given and is not used")]
fn make(
    document: &Document,
    name: String,
    kind: SymbolKind,
    span: Span,
    selection: Span,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    let children = (!children.is_empty()).then_some(children);
    DocumentSymbol {
        // A client refuses a symbol without a name.
        name: if name.trim().is_empty() { "(no name)".to_owned() } else { name },
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: document.range(span),
        selection_range: document.range(selection),
        children,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::index;
    use crate::marked::marked;

    fn renamed(text: &str, name: &str) -> Result<String, String> {
        let (document, offset) = marked(text);
        let mut edits = rename(&document, offset, name)?;
        edits.sort_by_key(|edit| edit.range.start);
        let mut text = document.text.clone();
        for edit in edits.into_iter().rev() {
            let span = document.lines.span(edit.range);
            text.replace_range(index(span.start)..index(span.end), &edit.new_text);
        }
        Ok(text)
    }

    #[test]
    fn a_variable_is_renamed_wherever_it_is_read() {
        let text = "var li¦mit = 5\npermit a if x < limit and vars.limit > 1 and vars[\"limit\"] > 0 host limit\n\
                    permit b if limit.x == args.limit";
        let expected = "var most = 5\npermit a if x < most and vars.most > 1 and vars[\"most\"] > 0 host most\n\
                        permit b if most.x == args.limit";
        assert_eq!(renamed(text, "most").as_deref(), Ok(expected));
        let inner =
            "var limit = 5\nagent \"a\" { var limit = 6 permit a if x < li¦mit }\npermit b if x < limit";
        let expected =
            "var limit = 5\nagent \"a\" { var most = 6 permit a if x < most }\npermit b if x < limit";
        assert_eq!(renamed(inner, "most").as_deref(), Ok(expected), "only the one that is meant");
    }

    #[test]
    fn a_name_that_would_mean_something_else_is_refused() {
        for (text, name, expected) in [
            ("var li¦mit = 5\npermit a if x < limit", "x", "already declared, or read as an argument"),
            ("var li¦mit = 5\nvar y = 6", "y", "already declared"),
            ("var li¦mit = 5", "time", "a meaning of its own"),
            ("var li¦mit = 5", "not", "a meaning of its own"),
            ("var li¦mit = 5", "a b", "is no name"),
            ("var li¦mit = 5\npermit", "y", "errors of syntax"),
            ("permit a if am¦ount < 5", "y", "only a variable"),
        ] {
            let refusal = renamed(text, name).expect_err(text);
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
    }

    #[test]
    fn symbols_have_names_and_lie_inside_each_other() {
        let text =
            "¦var limit = 5\nagent \"a\" {\n  rules {\n    permit refund if\n      amount < 5\n  }\n}\n";
        let (document, _) = marked(text);
        let symbols = symbols(&document);
        let names: Vec<_> = symbols.iter().map(|symbol| symbol.name.as_str()).collect();
        assert_eq!(names, ["limit", "agent a"]);
        let rules = &symbols[1].children.as_ref().unwrap()[0];
        assert_eq!(rules.children.as_ref().unwrap()[0].name, "permit refund if amount < 5");
        assert!(
            symbols[1].range.start <= rules.selection_range.start && rules.range.end <= symbols[1].range.end
        );
    }
}
