//! What the parser does where the text is not as the grammar says: report once, skip as little as
//! needed, and go on with the next statement, so that independent mistakes are all found in one run.

use super::words::{self, STATEMENTS};
use super::{Opener, Parser};
use crate::ast::Span;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;

/// How far a closing sign is looked for on the line.
const LOOKAHEAD: usize = 64;

impl Parser<'_> {
    /// Reports that something else was expected where the parser stands.
    pub(super) fn unexpected(&mut self, expected: &str, help: &str) {
        let (span, message) = self.expected(expected);
        let unknown = self.at(SyntaxKind::UNKNOWN);
        let code = if unknown { codes::UNEXPECTED_CHARACTER } else { codes::UNEXPECTED };
        self.report(Diagnostic::error(code, span, message).with_help(help));
    }

    /// Where and how to say that `expected` is missing: at what stands in its place on the line, or else
    /// at what it should have followed.
    pub(super) fn expected(&mut self, expected: &str) -> (Span, String) {
        let token = self.token(0);
        let ends = matches!(token.kind, SyntaxKind::END | SyntaxKind::RIGHT_BRACE | SyntaxKind::SEMICOLON);
        if (token.first_on_line || ends) && self.previous != Span::default() {
            let before = self.slice(self.previous);
            return (self.previous, format!("expected {expected} after `{before}`"));
        }
        (token.span, format!("expected {expected}, found {}", self.describe()))
    }

    /// Whether the line that begins here begins another statement.
    pub(super) fn next_statement_begins(&mut self) -> bool {
        use SyntaxKind as K;
        let token = self.token(0);
        let word = self.word();
        let known = words::effect(word).is_some()
            || STATEMENTS.contains(&word)
            || words::is_clause(word)
            || matches!(word, "key" | "require");
        if !token.first_on_line || !known || self.token(1).first_on_line {
            return false;
        }
        // A comparison may go on with a name that is a key elsewhere.
        if matches!(self.word_at(1), "in" | "not" | "contains" | "matches" | "and" | "or") {
            return false;
        }
        let next = self.nth(1);
        let is_content = next.is_string() || next.is_number();
        is_content || matches!(next, K::WORD | K::STAR | K::BANG | K::EQUAL | K::LEFT_BRACE | K::COLON)
    }

    /// Skips to the next statement, `;` or the end of the block.
    pub(super) fn recover(&mut self) {
        self.skip_while(|parser| !(parser.token(0).first_on_line && parser.starts_statement()));
    }

    /// Skips what is left of the line.
    pub(super) fn recover_line(&mut self) {
        self.skip_while(|parser| !parser.token(0).first_on_line);
    }

    /// Skips one token, whatever it is.
    pub(super) fn skip_one(&mut self) {
        self.open(SyntaxKind::ERROR);
        self.bump();
        self.close();
    }

    fn skip_while(&mut self, accept: impl Fn(&mut Self) -> bool) {
        let mut skipped = false;
        loop {
            match self.kind() {
                SyntaxKind::END | SyntaxKind::RIGHT_BRACE | SyntaxKind::SEMICOLON => break,
                _ if !accept(self) => break,
                kind => {
                    if !skipped {
                        self.open(SyntaxKind::ERROR);
                        skipped = true;
                    }
                    if kind == SyntaxKind::LEFT_BRACE {
                        self.skip_group();
                    } else {
                        self.bump();
                    }
                }
            }
        }
        if skipped {
            self.close();
        }
    }

    /// Skips from an opening sign to the one that closes it, without recursion.
    pub(super) fn skip_group(&mut self) {
        use SyntaxKind as K;
        let mut open = 0_usize;
        loop {
            match self.kind() {
                K::LEFT_BRACE | K::LEFT_PAREN | K::LEFT_BRACKET => open += 1,
                K::RIGHT_BRACE | K::RIGHT_PAREN | K::RIGHT_BRACKET => open = open.saturating_sub(1),
                K::END => return,
                _ => {}
            }
            self.bump();
            if open == 0 {
                return;
            }
        }
    }

    /// Whether the word at hand can begin a statement.
    pub(super) fn starts_statement(&mut self) -> bool {
        let word = self.word();
        !word.is_empty()
            && (words::effect(word).is_some()
                || STATEMENTS.contains(&word)
                || matches!(word, "key" | "require")
                || matches!(self.nth(1), SyntaxKind::EQUAL | SyntaxKind::LEFT_BRACE))
    }

    /// The opener for a sign at hand, whose statement began with token `statement`.
    pub(super) fn opener(&mut self, statement: usize) -> Opener {
        let span = self.token(0).span;
        let first = self.tokens.get(statement).copied();
        let indent = first.filter(|token| token.first_on_line).map(|token| self.indent(token.span.start));
        Opener { span, indent }
    }

    /// Bytes of whitespace before a token that is the first of its line.
    fn indent(&self, start: u32) -> usize {
        let before = self.slice(Span { start: 0, end: start });
        before.bytes().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }

    /// Ends a block: consumes its `}` or reports that it is missing.
    pub(super) fn close_block(&mut self, opener: Opener) {
        if self.at(SyntaxKind::RIGHT_BRACE) {
            let token = self.token(0);
            if let Some(indent) = opener.indent
                && token.first_on_line
                && self.indent(token.span.start) < indent
                && self.misplaced.is_none()
            {
                self.misplaced = Some((opener, token.span.start));
            }
            self.bump();
            return;
        }
        if self.unclosed_block || self.swallowed.first() == Some(&true) {
            return;
        }
        self.unclosed_block = true;
        let (opener, before) = self.misplaced.map_or((opener, None), |(opener, at)| (opener, Some(at)));
        let mut found = Diagnostic::error(codes::UNCLOSED, opener.span, "this `{` is never closed")
            .with_help("add `}` where the block ends");
        if let Some(indent) = opener.indent {
            let (at, text) = self.missing_brace(indent, before);
            found = found.with_fix(Span { start: at, end: at }, text, "add `}`");
        }
        self.report(found);
    }

    /// Where the missing `}` of a block with this indentation goes, and the line that it makes: above the
    /// `}` that stands too far left, else below what was read last.
    fn missing_brace(&self, indent: usize, before: Option<u32>) -> (u32, String) {
        let blanks = " ".repeat(indent);
        match before {
            Some(brace) => {
                let line = u32::try_from(self.indent(brace)).map_or(brace, |left| brace.saturating_sub(left));
                (line, format!("{blanks}}}\n"))
            }
            None => (self.last_end, format!("\n{blanks}}}")),
        }
    }

    /// Ends a group: consumes `closer`, or reports. Gives false if what stands before it is broken.
    pub(super) fn close_group(&mut self, opener: Span, closer: SyntaxKind, expected: &str) -> bool {
        if self.eat(closer) {
            return true;
        }
        let (sign, swallowed) = match closer {
            SyntaxKind::RIGHT_BRACKET => ("]", self.swallowed.get(2)),
            _ => (")", self.swallowed.get(1)),
        };
        let swallowed = swallowed == Some(&true);
        if !swallowed && self.closes_on_line(closer) {
            self.unexpected(expected, &format!("close with `{sign}` where the group ends"));
            self.open(SyntaxKind::ERROR);
            while !matches!(self.kind(), SyntaxKind::END | SyntaxKind::RIGHT_BRACE) && !self.at(closer) {
                self.bump();
            }
            self.close();
            self.eat(closer);
            return false;
        }
        if !swallowed && self.unclosed_at != Some(self.position) {
            let open = self.slice(opener).to_owned();
            let end = Span { start: self.last_end, end: self.last_end };
            self.report(
                Diagnostic::error(codes::UNCLOSED, opener, format!("this `{open}` is never closed"))
                    .with_help(format!("add `{sign}`"))
                    .with_fix(end, sign, format!("add `{sign}`")),
            );
        }
        self.unclosed_at = Some(self.position);
        true
    }

    fn closes_on_line(&mut self, closer: SyntaxKind) -> bool {
        for ahead in 0..LOOKAHEAD {
            let token = self.token(ahead);
            if token.kind == closer {
                return true;
            }
            let ends =
                matches!(token.kind, SyntaxKind::END | SyntaxKind::LEFT_BRACE | SyntaxKind::RIGHT_BRACE);
            if ends || token.first_on_line {
                return false;
            }
        }
        false
    }
}
