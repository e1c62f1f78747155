//! Calls: arguments by position and by name, and the tool patterns that `session.*` and `history.*` take.

use super::Parser;
use super::operand::Operand;
use super::value::Place;
use crate::ast::{Expr, Name, Spanned, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;

/// Arguments by position, by name, and the height of the highest.
type Arguments = (Vec<Spanned<Expr>>, Vec<(Name, Spanned<Value>)>, u32);

enum Argument {
    Positional(Operand),
    Named(Name, Spanned<Value>, u32),
}

impl Parser<'_> {
    /// `session.sum(`, `history.contains(` and their like.
    pub(super) fn is_tool_call(&mut self) -> bool {
        // `session` is a text as well: `session.starts_with("batch-")` is a method of it.
        self.nth(1) == SyntaxKind::DOT
            && self.nth(2) == SyntaxKind::WORD
            && self.nth(3) == SyntaxKind::LEFT_PAREN
            && !matches!(self.word_at(2), "starts_with" | "ends_with")
    }

    pub(super) fn tool_call(&mut self) -> Option<Operand> {
        let start = self.here();
        let family = self.name();
        self.bump();
        let member = self.name();
        let node = format!("{}.{}", family.node, member.node);
        let span = self.span_from(start);
        self.call(Spanned { node, span }, true)
    }

    pub(super) fn call(&mut self, function: Name, takes_tool: bool) -> Option<Operand> {
        let start = function.span.start;
        let (args, named, height) = self.arguments(takes_tool)?;
        let span = self.span_from(start);
        let height = self.height(span, height)?;
        Some(Operand { expr: Spanned { node: Expr::Call { function, args, named }, span }, height })
    }

    pub(super) fn arguments(&mut self, takes_tool: bool) -> Option<Arguments> {
        let mut first = takes_tool;
        self.open(SyntaxKind::ARGUMENTS);
        let found = self.nested(|parser| {
            parser.elements(SyntaxKind::RIGHT_PAREN, |parser| {
                let is_tool = std::mem::take(&mut first);
                parser.argument(is_tool)
            })
        });
        self.close();
        let (mut args, mut named, mut height): Arguments = (Vec::new(), Vec::new(), 0);
        for argument in found? {
            match argument {
                Argument::Named(name, value, value_height) => {
                    height = height.max(value_height);
                    named.push((name, value));
                }
                Argument::Positional(operand) if named.is_empty() => {
                    height = height.max(operand.height);
                    args.push(operand.expr);
                }
                Argument::Positional(operand) => {
                    self.report(
                        Diagnostic::error(
                            codes::BAD_ACCESS,
                            operand.expr.span,
                            "this argument stands after one with a name",
                        )
                        .with_help("write arguments with a name last"),
                    );
                    return None;
                }
            }
        }
        Some((args, named, height))
    }

    fn argument(&mut self, is_tool: bool) -> Option<Argument> {
        if self.at(SyntaxKind::WORD) && self.nth(1) == SyntaxKind::EQUAL {
            let name = self.name();
            self.bump();
            let outer = std::mem::take(&mut self.value_height);
            let value = self.value(Place::Argument);
            let height = std::mem::replace(&mut self.value_height, outer);
            return Some(Argument::Named(name, value?, height));
        }
        if is_tool && self.at_pattern(0) {
            return self.tool().map(Argument::Positional);
        }
        self.either(None).map(Argument::Positional)
    }

    /// `stripe/refund`, `stripe/refund.amount`, `"odd name:v1".amount`
    fn tool(&mut self) -> Option<Operand> {
        let start = self.here();
        let (pattern, field) = if self.kind().is_string() {
            let pattern = self.string().node;
            let mut field = String::new();
            while self.at(SyntaxKind::DOT) && self.nth(1) == SyntaxKind::WORD {
                self.bump();
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(&self.name().node);
            }
            (pattern, (!field.is_empty()).then_some(field))
        } else {
            let run = self.run(false);
            if run.wide != run.count {
                let text = self.needs_quotes(run);
                (text.node, None)
            } else {
                let span = self.bump_joined(SyntaxKind::PATTERN, run.count);
                match self.slice(span).split_once('.') {
                    Some((pattern, field)) => (pattern.to_owned(), Some(field.to_owned())),
                    None => (self.slice(span).to_owned(), None),
                }
            }
        };
        let expr = Spanned { node: Expr::Tool { pattern, field }, span: self.span_from(start) };
        Some(Operand { expr, height: 1 })
    }
}
