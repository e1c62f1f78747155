//! Operators of conditions, and the spellings that people bring from elsewhere.

use super::Parser;
use super::words::{self, ELSE};
use crate::ast::{BinaryOp, Expr, Span, Spanned};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::nearest;

/// What stands after an operand.
pub(super) enum Comparison {
    None,
    Operator(Spanned<BinaryOp>),
    /// Reported; the condition cannot be read.
    Broken,
}

/// Words of other languages and what is written here.
const MEANT: &[(&str, &str)] = &[
    ("is", "=="),
    ("eq", "=="),
    ("equals", "=="),
    ("equal", "=="),
    ("isnt", "!="),
    ("ne", "!="),
    ("lt", "<"),
    ("gt", ">"),
    ("lte", "<="),
    ("gte", ">="),
    ("below", "<"),
    ("under", "<"),
    ("above", ">"),
    ("over", ">"),
    ("includes", "contains"),
    ("has", "contains"),
    ("like", "matches"),
    ("match", "matches"),
    ("regex", "matches"),
    ("plus", "and"),
    ("but", "and"),
];

/// Operators as they are said in English; longer ones before those that they begin with.
const PHRASES: &[(&[&str], &str)] = &[
    (&["is", "less", "than", "or", "equal", "to"], "<="),
    (&["is", "greater", "than", "or", "equal", "to"], ">="),
    (&["is", "less", "than"], "<"),
    (&["is", "more", "than"], ">"),
    (&["is", "greater", "than"], ">"),
    (&["is", "at", "most"], "<="),
    (&["is", "at", "least"], ">="),
    (&["is", "equal", "to"], "=="),
    (&["is", "below"], "<"),
    (&["is", "under"], "<"),
    (&["is", "above"], ">"),
    (&["is", "over"], ">"),
    (&["is", "not"], "!="),
    (&["is", "in"], "in"),
    (&["less", "than"], "<"),
    (&["more", "than"], ">"),
    (&["greater", "than"], ">"),
    (&["at", "most"], "<="),
    (&["up", "to"], "<="),
    (&["at", "least"], ">="),
    (&["equal", "to"], "=="),
];

const OPERATORS: &[(&str, BinaryOp)] = &[
    ("==", BinaryOp::Equal),
    ("!=", BinaryOp::NotEqual),
    ("<=", BinaryOp::LessEqual),
    (">=", BinaryOp::GreaterEqual),
    ("<", BinaryOp::Less),
    (">", BinaryOp::Greater),
    ("in", BinaryOp::In),
    ("contains", BinaryOp::Contains),
    ("matches", BinaryOp::Matches),
];

const METHODS: &[&str] =
    &["starts_with", "ends_with", "startswith", "endswith", "starts-with", "ends-with", "begins_with"];

fn operator(text: &str) -> Option<BinaryOp> {
    OPERATORS.iter().find(|(written, _)| *written == text).map(|&(_, op)| op)
}

impl Parser<'_> {
    /// Consumes the operator of a comparison.
    pub(super) fn comparison_operator(&mut self, left: &Spanned<Expr>) -> Comparison {
        use SyntaxKind as K;
        let token = self.token(0);
        match token.kind {
            K::EQUAL_EQUAL | K::BANG_EQUAL | K::LESS | K::LESS_EQUAL | K::GREATER | K::GREATER_EQUAL => {
                self.take_operator(1)
            }
            K::EQUAL => {
                self.report(
                    Diagnostic::error(codes::ASSIGNMENT, token.span, "`=` does not compare")
                        .with_help("to ask whether two values are equal write `==`")
                        .with_fix(token.span, "==", "write `==`"),
                );
                self.bump();
                Comparison::Operator(Spanned { node: BinaryOp::Equal, span: token.span })
            }
            K::FOREIGN_OPERATOR => self.foreign_operator(),
            K::PLUS | K::STAR | K::SLASH | K::PERCENT | K::MINUS => self.arithmetic(),
            K::NUMBER | K::MONEY if self.slice(token.span).starts_with('-') => self.arithmetic(),
            K::WORD => self.word_operator(left),
            _ => Comparison::None,
        }
    }

    fn take_operator(&mut self, count: usize) -> Comparison {
        let start = self.here();
        let mut node = operator(self.describe().trim_matches('`'));
        if count == 2 {
            self.bump();
            node = Some(BinaryOp::NotIn);
        }
        self.bump();
        let span = self.span_from(start);
        node.map_or(Comparison::None, |node| Comparison::Operator(Spanned { node, span }))
    }

    fn word_operator(&mut self, left: &Spanned<Expr>) -> Comparison {
        match self.word() {
            "in" | "contains" | "matches" if self.nth(1) != SyntaxKind::EQUAL => {
                return self.take_operator(1);
            }
            "not" => {
                let token = self.token(1);
                let following = self.word_at(1);
                if following == "in" {
                    return self.take_operator(2);
                }
                if matches!(following, "contains" | "matches") {
                    let left = self.slice(left.span).to_owned();
                    self.report(
                        Diagnostic::error(
                            codes::UNKNOWN_OPERATOR,
                            token.span,
                            format!("`not {following}` is no operator"),
                        )
                        .with_help(format!("write `not ({left} {following} …)`")),
                    );
                    return Comparison::Broken;
                }
                return Comparison::None;
            }
            _ => {}
        }
        let span = self.token(0).span;
        let word = self.word();
        if METHODS.contains(&word) && !self.token(0).first_on_line {
            let left = self.slice(left.span).to_owned();
            let method = if word.starts_with('e') { "ends_with" } else { "starts_with" };
            let found = Diagnostic::error(
                codes::UNKNOWN_OPERATOR,
                span,
                format!("`{word}` stands after a `.` and before `(`"),
            );
            self.report(found.with_help(format!("write `{left}.{method}(\"…\")`")));
            return Comparison::Broken;
        }
        if let Some((count, meant)) = self.phrase() {
            let start = self.here();
            let span = Span { end: self.token(count - 1).span.end, ..span };
            let written = self.slice(span).to_owned();
            self.report_meant(span, &written, meant);
            for _ in 0..count {
                self.bump();
            }
            let span = self.span_from(start);
            return operator(meant)
                .map_or(Comparison::None, |node| Comparison::Operator(Spanned { node, span }));
        }
        let Some(node) = self.misspelt_operator().and_then(operator) else { return Comparison::None };
        let meant = OPERATORS.iter().find(|&&(_, op)| op == node).map_or("", |&(text, _)| text);
        self.report_meant(span, word, meant);
        self.bump();
        Comparison::Operator(Spanned { node, span })
    }

    /// How many of the words at hand are an operator in English, and which one.
    fn phrase(&mut self) -> Option<(usize, &'static str)> {
        if self.token(0).first_on_line {
            return None;
        }
        let first = self.word();
        let &(words, meant) = PHRASES
            .iter()
            .filter(|(words, _)| words.first() == Some(&first))
            .find(|(words, _)| words.iter().enumerate().all(|(at, word)| self.word_at(at) == *word))?;
        self.at_operand(words.len()).then_some((words.len(), meant))
    }

    fn report_meant(&mut self, span: Span, written: &str, meant: &str) {
        self.report(
            Diagnostic::error(codes::UNKNOWN_OPERATOR, span, format!("`{written}` is no operator"))
                .with_help(format!("did you mean `{meant}`?"))
                .with_fix(span, meant, format!("write `{meant}`")),
        );
    }

    fn foreign_operator(&mut self) -> Comparison {
        let span = self.token(0).span;
        let written = self.slice(span);
        let meant = match written {
            "=>" => ">=",
            "=<" => "<=",
            "<>" | "!==" => "!=",
            "===" | ":=" => "==",
            _ => return Comparison::None,
        };
        self.report_meant(span, written, meant);
        self.bump();
        operator(meant).map_or(Comparison::None, |node| Comparison::Operator(Spanned { node, span }))
    }

    fn arithmetic(&mut self) -> Comparison {
        let span = self.token(0).span;
        self.report(
            Diagnostic::error(codes::ARITHMETIC, span, "there is no arithmetic in a condition").with_help(
                "compare with a fixed value, or calculate in the tool and pass the result as an argument",
            ),
        );
        Comparison::Broken
    }

    /// Consumes `and` or `or` in any spelling.
    pub(super) fn connective(&mut self, which: &'static str) -> bool {
        let token = self.token(0);
        let sign = if which == "and" { SyntaxKind::AND_AND } else { SyntaxKind::OR_OR };
        let word = self.word();
        if token.kind == sign || word == which {
            self.bump();
            return true;
        }
        let text = self.slice(token.span);
        let foreign =
            token.kind == SyntaxKind::FOREIGN_OPERATOR && text == if which == "and" { "&" } else { "|" };
        if foreign || self.misspelt_operator() == Some(which) {
            self.report_meant(token.span, text, which);
            self.bump();
            return true;
        }
        false
    }

    /// What operator the word at hand is meant as, if it can be nothing else.
    fn misspelt_operator(&mut self) -> Option<&'static str> {
        let token = self.token(0);
        let word = self.word();
        if word.is_empty()
            || token.first_on_line
            || self.is_known_after_condition(word)
            || !self.at_operand(1)
        {
            return None;
        }
        let lower = word.to_lowercase();
        if let Some(&(_, meant)) = MEANT.iter().find(|(written, _)| *written == lower) {
            return Some(meant);
        }
        let near = nearest(word, ["and", "or", "in", "contains", "matches"])?;
        // Two letters are near to too much: `or` and `in` only in another case.
        (near.len() > 2 || near == lower).then_some(near)
    }

    fn is_known_after_condition(&mut self, word: &str) -> bool {
        matches!(word, "and" | "or" | "not" | "in" | "contains" | "matches" | "if" | "when")
            || words::is_clause(word)
            || words::effect(word).is_some()
            || words::STATEMENTS.contains(&word)
            || ELSE.contains(&word)
            || matches!(self.nth(1), SyntaxKind::EQUAL | SyntaxKind::LEFT_BRACE | SyntaxKind::COLON)
    }

    fn at_operand(&mut self, ahead: usize) -> bool {
        use SyntaxKind as K;
        let kind = self.nth(ahead);
        kind.is_string()
            || kind.is_number()
            || matches!(kind, K::WORD | K::LEFT_BRACKET | K::LEFT_PAREN | K::BANG)
    }

    /// Whether an operator follows a value; those in words only where they cannot be a key.
    pub(super) fn at_operator(&mut self, words_too: bool) -> bool {
        use SyntaxKind as K;
        match self.kind() {
            K::EQUAL_EQUAL
            | K::BANG_EQUAL
            | K::LESS
            | K::LESS_EQUAL
            | K::GREATER
            | K::GREATER_EQUAL
            | K::AND_AND
            | K::OR_OR => true,
            K::PLUS | K::STAR | K::SLASH | K::PERCENT | K::MINUS => true,
            K::WORD => {
                let is_key = matches!(self.nth(1), K::EQUAL | K::LEFT_BRACE | K::COLON);
                words_too && !is_key && matches!(self.word(), "and" | "or" | "in" | "contains" | "matches")
            }
            _ => false,
        }
    }
}
