//! Conditions and values inside of texts, read by the parser of FPL. Its messages are carried to their
//! places in the YAML or JSON source.

use faramesh_syntax::ast::{Expr, Item, Span, Spanned, Value};
use faramesh_syntax::{Diagnostic, Parse, SyntaxKind, parse};

use super::Lower;
use super::respan::{respan_expr, respan_value};
use crate::codes;
use crate::places::Places;

/// What stands before a condition so that the parser reads one.
const BEFORE_CONDITION: &str = "permit x if ";
/// What stands before a value.
const BEFORE_VALUE: &str = "x = ";

impl Lower<'_> {
    /// A condition; nothing if it is none, which is reported.
    pub(super) fn condition(&mut self, text: &str, places: &Places) -> Option<Spanned<Expr>> {
        let parsed = self.fragment(BEFORE_CONDITION, text, places)?;
        let (body, _) = parsed.into_parts();
        let whole = places.map(Span { start: 0, end: length(text) });
        let mut items = body.items.into_iter();
        let (Some(Item::Rule(rule)), None) = (items.next().map(|item| item.node), items.next()) else {
            return self.no_fragment(
                whole,
                "a condition",
                "one rule has one condition; write a rule for each",
            );
        };
        if let Some(clause) = rule.clauses.first() {
            let keyword = &clause.node.keyword;
            let span = places.map(shifted(keyword.span, BEFORE_CONDITION));
            let message = format!("`{}` does not belong in the condition", keyword.node);
            let help = format!("write `{}:` as a key of the rule, beside `if:`", keyword.node);
            self.report(Diagnostic::error(codes::BAD_FRAGMENT, span, message).with_help(help));
            return None;
        }
        let Some(mut condition) = rule.condition else {
            return self.no_fragment(whole, "a condition", "write one such as `amount < $500`");
        };
        respan_expr(&mut condition, &|span| places.map(shifted(span, BEFORE_CONDITION)));
        Some(condition)
    }

    /// A value as FPL writes it; nothing if it is none, which is reported.
    pub(super) fn value_fragment(&mut self, text: &str, places: &Places) -> Option<Spanned<Value>> {
        let parsed = self.fragment(BEFORE_VALUE, text, places)?;
        let (body, _) = parsed.into_parts();
        let mut items = body.items.into_iter();
        let (Some(Item::Setting { mut value, .. }), None) =
            (items.next().map(|item| item.node), items.next())
        else {
            let whole = places.map(Span { start: 0, end: length(text) });
            return self.no_fragment(whole, "a value", "write one such as `args.amount`");
        };
        respan_value(&mut value, &|span| places.map(shifted(span, BEFORE_VALUE)));
        Some(value)
    }

    fn no_fragment<T>(&mut self, span: Span, what: &str, help: &str) -> Option<T> {
        let message = format!("this is not {what} and nothing else");
        self.report(Diagnostic::error(codes::BAD_FRAGMENT, span, message).with_help(help));
        None
    }

    /// Parses `text` behind `before`; nothing if there are errors, which are reported.
    fn fragment(&mut self, before: &str, text: &str, places: &Places) -> Option<Parse> {
        let parsed = parse(&format!("{before}{text}"));
        for found in parsed.diagnostics() {
            self.report(carried(found, before, places));
        }
        if parsed.has_errors() {
            return None;
        }
        if !text.contains('#') {
            return Some(parsed);
        }
        let mut tokens = parsed.tree().descendants_with_tokens();
        let comment =
            tokens.find(|element| element.kind() == SyntaxKind::COMMENT).map(|element| element.text_range());
        if let Some(range) = comment {
            let span = Span { start: range.start().into(), end: range.end().into() };
            let message = "a text that is a condition or a value has no comment inside";
            self.report(
                Diagnostic::error(codes::BAD_FRAGMENT, places.map(shifted(span, before)), message)
                    .with_help("write it as a comment of the file, outside of the text"),
            );
            return None;
        }
        Some(parsed)
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn shifted(span: Span, before: &str) -> Span {
    let by = length(before);
    Span { start: span.start.saturating_sub(by), end: span.end.saturating_sub(by) }
}

/// A message of the parser, at its place in the source. Its change stays if it can be made there.
fn carried(found: &Diagnostic, before: &str, places: &Places) -> Diagnostic {
    let place = |span| places.map(shifted(span, before));
    let mut found = found.clone();
    found.span = place(found.span);
    for (span, _) in &mut found.labels {
        *span = place(*span);
    }
    found.fix = found
        .fix
        .filter(|fix| places.is_verbatim() && !fix.replacement.contains(['"', '\\', '#', ':']))
        .map(|mut fix| {
            fix.span = place(fix.span);
            fix
        });
    found
}
