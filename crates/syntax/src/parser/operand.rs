//! Operands: constants, paths with members and indexes, calls, methods, lists, groups, and the tool
//! patterns that `session.*` and `history.*` take.

use super::Parser;
use crate::ast::{Expr, Name, Span, Spanned, Step, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::limits;

/// An expression and how many levels it is high.
#[derive(Debug)]
pub(super) struct Operand {
    pub expr: Spanned<Expr>,
    pub height: u32,
}

impl Operand {
    fn constant(value: Spanned<Value>) -> Self {
        Self { expr: Spanned { node: Expr::Value(value.node), span: value.span }, height: 1 }
    }

    /// A value that turned out to be the first operand of a condition: a bare word is a name there.
    pub(super) fn from_value(value: Spanned<Value>, height: u32) -> Self {
        let span = value.span;
        let node = match value.node {
            Value::Word(word) => Expr::Path { root: Spanned { node: word, span }, steps: Vec::new() },
            other => Expr::Value(other),
        };
        Self { expr: Spanned { node, span }, height }
    }
}

impl Parser<'_> {
    pub(super) fn operand(&mut self) -> Option<Operand> {
        let mut operand = self.primary()?;
        loop {
            match self.kind() {
                SyntaxKind::DOT => operand = self.member(operand)?,
                SyntaxKind::LEFT_BRACKET => operand = self.index(operand)?,
                _ => return Some(operand),
            }
        }
    }

    fn primary(&mut self) -> Option<Operand> {
        use SyntaxKind as K;
        match self.kind() {
            K::WORD => self.word_operand(),
            K::LEFT_PAREN => self.nested(Self::group),
            K::LEFT_BRACKET => self.nested(Self::list_operand),
            kind if kind.is_string() => {
                let string = self.string();
                Some(Operand::constant(Spanned { node: Value::String(string.node), span: string.span }))
            }
            kind if kind.is_number() => {
                let run = self.run(false);
                if run.wide > 1 && kind != K::MONEY {
                    return Some(self.odd_operand(run));
                }
                Some(Operand::constant(self.number()))
            }
            K::STAR | K::SLASH | K::AT | K::UNKNOWN if self.token(1).touches => {
                let run = self.run(false);
                Some(self.odd_operand(run))
            }
            _ => self.missing_operand(),
        }
    }

    fn missing_operand<T>(&mut self) -> Option<T> {
        let token = self.token(0);
        let (span, message) = self.expected("a value");
        let is_not = self.at_word("not") || token.kind == SyntaxKind::BANG;
        let help = if is_not {
            "put `not` and what it negates in parentheses".to_owned()
        } else if token.kind == SyntaxKind::EQUAL || self.at_word("in") {
            "write the value to compare on both sides, as in `amount == 5`".to_owned()
        } else {
            "write a name such as `amount`, or a value such as `5`, `$10` or `\"text\"`".to_owned()
        };
        let code = if token.kind == SyntaxKind::UNKNOWN {
            codes::UNEXPECTED_CHARACTER
        } else {
            codes::MISSING_OPERAND
        };
        self.report(Diagnostic::error(code, span, message).with_help(help));
        None
    }

    /// Text such as `stripe/refund` or `10.0.0.1`, which a condition takes in quotes only.
    fn odd_operand(&mut self, run: super::value::Run) -> Operand {
        let span = self.bump_joined(SyntaxKind::ODD_TEXT, run.wide);
        let text = self.slice(span).to_owned();
        let quoted = crate::quote(&text);
        self.report(
            Diagnostic::error(
                codes::NEEDS_QUOTES,
                span,
                format!("`{text}` cannot stand in a condition like this"),
            )
            .with_help(format!("text stands in quotes: `{quoted}`; there is no arithmetic"))
            .with_fix(span, quoted, "put it in quotes"),
        );
        Operand::constant(Spanned { node: Value::String(text), span })
    }

    fn word_operand(&mut self) -> Option<Operand> {
        if let Some(constant) = self.constant_word() {
            return Some(Operand::constant(constant));
        }
        let next = self.token(1);
        match self.word() {
            "env" if next.kind == SyntaxKind::LEFT_PAREN => return self.env().map(Operand::constant),
            "and" | "or" | "not" | "in" | "if" | "when" => return self.missing_operand(),
            _ if self.next_statement_begins() => return self.missing_operand(),
            "session" | "history" if self.is_tool_call() => return self.tool_call(),
            _ => {}
        }
        if next.kind == SyntaxKind::LEFT_PAREN {
            let function = self.name();
            return self.call(function, false);
        }
        if next.touches
            && matches!(
                next.kind,
                SyntaxKind::SLASH | SyntaxKind::AT | SyntaxKind::STAR | SyntaxKind::UNKNOWN
            )
        {
            let run = self.run(false);
            return Some(self.odd_operand(run));
        }
        let root = self.name();
        let span = root.span;
        Some(Operand { expr: Spanned { node: Expr::Path { root, steps: Vec::new() }, span }, height: 1 })
    }

    fn group(&mut self) -> Option<Operand> {
        let start = self.here();
        let opener = self.token(0).span;
        self.open(SyntaxKind::GROUP);
        self.bump();
        let listing = std::mem::take(&mut self.listing);
        let inner = self.either(None);
        self.listing = listing;
        let closed = match &inner {
            Some(_) if self.at(SyntaxKind::COMMA) => {
                self.list_in_parentheses(opener);
                false
            }
            Some(_) => self.close_group(opener, SyntaxKind::RIGHT_PAREN, "`and`, `or` or `)`"),
            None => false,
        };
        self.close();
        let mut inner = inner.filter(|_| closed)?;
        inner.expr.span = self.span_from(start);
        Some(inner)
    }

    fn list_in_parentheses(&mut self, opener: Span) {
        self.report(
            Diagnostic::error(codes::UNEXPECTED, opener, "a list stands in square brackets")
                .with_help("write `[a, b]`"),
        );
        while !matches!(self.kind(), SyntaxKind::END | SyntaxKind::RIGHT_PAREN | SyntaxKind::RIGHT_BRACE) {
            self.bump();
        }
        self.eat(SyntaxKind::RIGHT_PAREN);
    }

    fn list_operand(&mut self) -> Option<Operand> {
        let start = self.here();
        self.open(SyntaxKind::LIST);
        let elements = self.elements(SyntaxKind::RIGHT_BRACKET, |parser| parser.either(None));
        self.close();
        let elements = elements?;
        let span = self.span_from(start);
        let height = self.height(span, elements.iter().map(|element| element.height).max().unwrap_or(0))?;
        let constant = elements.iter().all(|element| matches!(element.expr.node, Expr::Value(_)));
        let node = if constant {
            let values = elements.into_iter().filter_map(|element| match element.expr.node {
                Expr::Value(node) => Some(Spanned { node, span: element.expr.span }),
                _ => None,
            });
            Expr::Value(Value::List(values.collect()))
        } else {
            Expr::List(elements.into_iter().map(|element| element.expr).collect())
        };
        Some(Operand { expr: Spanned { node, span }, height })
    }

    fn member(&mut self, operand: Operand) -> Option<Operand> {
        if let Expr::Value(Value::Number(_) | Value::Money(_) | Value::Duration(_) | Value::Size(_)) =
            operand.expr.node
        {
            let span = self.token(0).span;
            self.report(
                Diagnostic::error(codes::BAD_ACCESS, span, "a number has no fields")
                    .with_help("write digits on both sides of a decimal point: `1.5`"),
            );
            return None;
        }
        if self.nth(1) != SyntaxKind::WORD {
            let dot = self.token(0).span;
            self.bump();
            let found = self.describe();
            let span = self.token(0).span;
            let mut diagnostic = Diagnostic::error(
                codes::BAD_ACCESS,
                span,
                format!("expected a name after `.`, found {found}"),
            );
            if self.kind().is_number() || self.kind().is_string() {
                diagnostic =
                    diagnostic.with_help("write an index in brackets: `items[0]`, `card[\"number\"]`");
                let index = self.slice(span).to_owned();
                if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) {
                    let whole = Span { start: dot.start, end: span.end };
                    diagnostic =
                        diagnostic.with_fix(whole, format!("[{index}]"), format!("write `[{index}]`"));
                }
            } else {
                diagnostic = diagnostic.with_help("write the name of a field, as in `card.number`");
            }
            self.report(diagnostic);
            return None;
        }
        self.bump();
        let name = self.name();
        let start = operand.expr.span.start;
        if self.at(SyntaxKind::LEFT_PAREN) {
            let (args, named, height) = self.arguments(false)?;
            if let Some((unwanted, _)) = named.first() {
                let message = format!("`{}` takes no argument by name", name.node);
                self.report(
                    Diagnostic::error(codes::BAD_ACCESS, unwanted.span, message)
                        .with_help("leave the name out"),
                );
                return None;
            }
            let span = self.span_from(start);
            let height = self.height(span, operand.height.max(height))?;
            let node = Expr::Method { receiver: Box::new(operand.expr), name, args };
            return Some(Operand { expr: Spanned { node, span }, height });
        }
        self.step(operand, Spanned { node: Step::Key(name.node.clone()), span: name.span }, Some(name))
    }

    /// Adds a step to a path; what is no path has methods only.
    fn step(&mut self, operand: Operand, step: Spanned<Step>, name: Option<Name>) -> Option<Operand> {
        let span = self.span_from(operand.expr.span.start);
        match (operand.expr.node, name) {
            (Expr::Path { root, mut steps }, _) => {
                if steps.len() >= usize::try_from(limits::NESTING).unwrap_or(usize::MAX) {
                    self.report_too_deep(step.span);
                    return None;
                }
                steps.push(step);
                Some(Operand {
                    expr: Spanned { node: Expr::Path { root, steps }, span },
                    height: operand.height,
                })
            }
            (node, Some(name)) => {
                let height = self.height(span, operand.height)?;
                let receiver = Box::new(Spanned { node, span: operand.expr.span });
                Some(Operand {
                    expr: Spanned { node: Expr::Method { receiver, name, args: Vec::new() }, span },
                    height,
                })
            }
            (_, None) => {
                self.report(
                    Diagnostic::error(codes::BAD_ACCESS, step.span, "only a name has an index")
                        .with_help("write `items[0]` or `card[\"number\"]`"),
                );
                None
            }
        }
    }

    fn index(&mut self, operand: Operand) -> Option<Operand> {
        let opener = self.token(0).span;
        self.open(SyntaxKind::INDEX);
        self.bump();
        let token = self.token(0);
        let index = match token.kind {
            kind if kind.is_string() => {
                let string = self.string();
                Some(Spanned { node: Step::Key(string.node), span: string.span })
            }
            SyntaxKind::NUMBER => {
                let number = self.verbatim();
                number.node.parse().ok().map(|index| Spanned { node: Step::Index(index), span: number.span })
            }
            _ => None,
        };
        let closed = index.is_some() && self.close_group(opener, SyntaxKind::RIGHT_BRACKET, "`]`");
        if index.is_none() {
            self.report(
                Diagnostic::error(codes::BAD_ACCESS, token.span, "an index is a whole number or a string")
                    .with_help("write `items[0]` or `card[\"number\"]`"),
            );
        }
        self.close();
        self.step(operand, index.filter(|_| closed)?, None)
    }
}
