//! Conditions: `or` over `and` over `not` over comparisons. Long chains of one operator become
//! balanced trees, so that the height of a condition stays within the nesting limit however many
//! terms are joined; `and` and `or` are associative, so this changes no outcome.

use super::Parser;
use super::operand::Operand;
use super::operator::Comparison;
use crate::ast::{Expr, Span, Spanned};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::limits;

type Join = fn(Box<Spanned<Expr>>, Box<Spanned<Expr>>) -> Expr;

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Option<Spanned<Expr>> {
        self.either(None).map(|operand| operand.expr)
    }

    /// A condition of which the first operand may have been read already.
    pub(super) fn either(&mut self, first: Option<Operand>) -> Option<Operand> {
        let first = self.both(first)?;
        if !self.connective("or") {
            return Some(first);
        }
        let mut terms = vec![first, self.both(None)?];
        while self.connective("or") {
            terms.push(self.both(None)?);
        }
        self.balanced(terms, Expr::Or)
    }

    fn both(&mut self, first: Option<Operand>) -> Option<Operand> {
        let first = self.negation(first)?;
        if !self.connective("and") {
            return Some(first);
        }
        let mut terms = vec![first, self.negation(None)?];
        while self.connective("and") {
            terms.push(self.negation(None)?);
        }
        self.balanced(terms, Expr::And)
    }

    fn balanced(&mut self, mut terms: Vec<Operand>, join: Join) -> Option<Operand> {
        while terms.len() > 1 {
            let mut joined = Vec::with_capacity(terms.len().div_ceil(2));
            let mut rest = terms.into_iter();
            while let Some(left) = rest.next() {
                let Some(right) = rest.next() else {
                    joined.push(left);
                    break;
                };
                let span = Span { start: left.expr.span.start, end: right.expr.span.end };
                let height = self.height(span, left.height.max(right.height))?;
                let node = join(Box::new(left.expr), Box::new(right.expr));
                joined.push(Operand { expr: Spanned { node, span }, height });
            }
            terms = joined;
        }
        terms.pop()
    }

    /// One above `below`, or nothing if that is too high.
    pub(super) fn height(&mut self, span: Span, below: u32) -> Option<u32> {
        if below < limits::NESTING {
            return Some(below + 1);
        }
        self.report_too_deep(span);
        None
    }

    fn negation(&mut self, first: Option<Operand>) -> Option<Operand> {
        if first.is_some() {
            return self.comparison(first);
        }
        let mut starts = Vec::new();
        while self.at(SyntaxKind::BANG) || self.at_word("not") {
            let span = self.bump().span;
            starts.push(span.start);
            if starts.len() > usize::try_from(limits::NESTING).unwrap_or(usize::MAX) {
                self.report_too_deep(span);
                return None;
            }
        }
        let mut operand = self.comparison(None)?;
        for start in starts.into_iter().rev() {
            let span = Span { start, end: operand.expr.span.end };
            let height = self.height(span, operand.height)?;
            operand = Operand { expr: Spanned { node: Expr::Not(Box::new(operand.expr)), span }, height };
        }
        Some(operand)
    }

    fn comparison(&mut self, first: Option<Operand>) -> Option<Operand> {
        let left = match first {
            Some(left) => left,
            None => self.operand()?,
        };
        let op = match self.comparison_operator(&left.expr) {
            Comparison::None => return Some(left),
            Comparison::Broken => return None,
            Comparison::Operator(op) => op,
        };
        let right = self.operand()?;
        let span = Span { start: left.expr.span.start, end: right.expr.span.end };
        let height = self.height(span, left.height.max(right.height))?;
        let again = self.token(0).span;
        match self.comparison_operator(&right.expr) {
            Comparison::None => {}
            Comparison::Broken => return None,
            Comparison::Operator(_) => {
                let middle = self.slice(right.expr.span).to_owned();
                let after = Span { start: right.expr.span.end, end: right.expr.span.end };
                self.report(
                    Diagnostic::error(codes::CHAINED_COMPARISON, again, "comparisons are not chained")
                        .with_help(format!("write two with `and` between them: `… {middle} and {middle} …`"))
                        .with_fix(
                            after,
                            format!(" and {middle}"),
                            format!("write `and {middle}` between them"),
                        ),
                );
                self.operand();
                return None;
            }
        }
        let node = Expr::Binary { op, left: Box::new(left.expr), right: Box::new(right.expr) };
        Some(Operand { expr: Spanned { node, span }, height })
    }
}
