//! Changes of a document: its canonical form, and the fixes of its diagnostics.

use std::collections::HashMap;

use faramesh_syntax::Diagnostic;
use faramesh_syntax::ast::Span;
use lsp_types::{CodeAction, CodeActionKind, TextEdit, WorkspaceEdit};

use crate::document::{Document, index};
use crate::findings;

/// The edit that makes a document canonical; none when it is, or does not parse. What is the same at both
/// ends is left alone, so that cursors and marks there stay.
pub fn format(document: &Document) -> Option<TextEdit> {
    let formatted = faramesh_syntax::format(&document.text).ok()?;
    let span = difference(&document.text, &formatted)?;
    let kept = document.text.len() - index(span.end);
    let new_text = formatted.get(index(span.start)..formatted.len() - kept)?.to_owned();
    Some(TextEdit { range: document.range(span), new_text })
}

/// The part of `old`, in whole lines, that `new` writes differently.
fn difference(old: &str, new: &str) -> Option<Span> {
    if old == new {
        return None;
    }
    let same = |(left, right): &(&str, &str)| left == right;
    let lines = |text| str::split_inclusive(text, '\n');
    let start: usize = lines(old).zip(lines(new)).take_while(same).map(|(line, _)| line.len()).sum();
    let (old_rest, new_rest) = (old.get(start..)?, new.get(start..)?);
    let end: usize =
        lines(old_rest).rev().zip(lines(new_rest).rev()).take_while(same).map(|(line, _)| line.len()).sum();
    Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(old.len() - end).ok()? })
}

/// The fixes of what is found in a span, each as an action.
pub fn fixes(document: &Document, found: &[Diagnostic], span: Span, related: bool) -> Vec<CodeAction> {
    let meets = |other: Span| other.start <= span.end && span.start <= other.end;
    let mut actions = Vec::new();
    for diagnostic in found.iter().filter(|diagnostic| meets(diagnostic.span)) {
        let Some(fix) = &diagnostic.fix else { continue };
        let edit = TextEdit { range: document.range(fix.span), new_text: fix.replacement.clone() };
        #[expect(clippy::mutable_key_type, reason = "the protocol's type; a URI is never changed here")]
        let changes = HashMap::from([(document.uri.clone(), vec![edit])]);
        actions.push(CodeAction {
            title: fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![findings::shown(document, diagnostic, related)]),
            edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
            is_preferred: Some(true),
            ..CodeAction::default()
        });
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_replaced() {
        for (old, new, expected) in [
            ("a\nb\nc\n", "a\nB\nc\n", Some((2, 4))),
            ("a\nc\n", "a\nb\nc\n", Some((2, 2))),
            ("a\na\n", "a\n", Some((2, 4))),
            ("a", "a\n", Some((0, 1))),
            ("", "a\n", Some((0, 0))),
            ("a\n", "a\n", None),
        ] {
            let span = difference(old, new);
            assert_eq!(span.map(|span| (span.start, span.end)), expected, "{old:?} {new:?}");
            if let Some(Span { start, end }) = span {
                let (start, kept) = (index(start), old.len() - index(end));
                let rebuilt =
                    format!("{}{}{}", &old[..start], &new[start..new.len() - kept], &old[index(end)..]);
                assert_eq!(rebuilt, new);
            }
        }
    }
}
