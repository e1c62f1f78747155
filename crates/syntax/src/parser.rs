//! Tokens to the lossless tree and the typed view, both in one pass of recursive descent.
//!
//! INVARIANT lossless: every raw token goes into the tree exactly once, in order.
//! INVARIANT bounded: recursion happens only inside [`Parser::nested`], which counts to
//! [`limits::NESTING`]; every loop consumes a token in each round.
//! INVARIANT fail closed: a rule of which any part did not parse is absent from the typed view.

use rowan::{GreenNode, GreenNodeBuilder, Language};

use crate::ast::{Body, Name, Span, Spanned};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::{Fpl, SyntaxKind};
use crate::lexer::{self, RawToken, Token};
use crate::{limits, literal};

mod call;
mod clause;
mod condition;
mod forms;
mod list;
mod operand;
mod operator;
mod recovery;
mod rule;
mod statement;
mod value;
pub(crate) mod words;

/// What parsing gives.
pub(crate) struct Output {
    pub green: GreenNode,
    pub body: Body,
    pub diagnostics: Vec<Diagnostic>,
    pub steps: u64,
}

pub(crate) fn parse(source: &str) -> Output {
    let lexed = lexer::lex(source);
    let mut parser = Parser {
        source,
        steps: u64::try_from(lexed.raw.len()).unwrap_or(u64::MAX),
        raw: lexed.raw,
        tokens: lexed.tokens,
        diagnostics: lexed.diagnostics,
        position: 0,
        raw_done: 0,
        last_end: 0,
        previous: Span::default(),
        builder: GreenNodeBuilder::new(),
        depth: 0,
        rules: 0,
        unclosed_at: None,
        unclosed_block: false,
        misplaced: None,
        swallowed: [false; 3],
        agents: 0,
        listing: 0,
        value_height: 0,
    };
    parser.open(SyntaxKind::FILE);
    let body = parser.file();
    parser.flush_all();
    parser.close();
    let diagnostics = tidy(parser.diagnostics);
    Output { green: parser.builder.finish(), body, diagnostics, steps: parser.steps }
}

/// In the order of the text, one per place, no more than the limit.
fn tidy(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|found| found.span.start);
    diagnostics.dedup_by_key(|found| found.span.start);
    let surplus = diagnostics.len().saturating_sub(limits::DIAGNOSTICS);
    if surplus > 0 {
        diagnostics.truncate(limits::DIAGNOSTICS);
        let span = diagnostics.last().map_or(Span::default(), |last| last.span);
        let message = format!("{surplus} more messages follow that are not shown");
        diagnostics.push(
            Diagnostic::note(codes::TOO_MANY_DIAGNOSTICS, span, message)
                .with_help("repair the first ones and check again"),
        );
    }
    diagnostics
}

/// A block or group that is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opener {
    /// The opening sign.
    span: Span,
    /// Column of the line that it belongs to, if its statement begins a line.
    indent: Option<usize>,
}

pub(crate) struct Parser<'s> {
    source: &'s str,
    raw: Vec<RawToken>,
    tokens: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
    position: usize,
    raw_done: usize,
    last_end: u32,
    /// What was consumed last.
    previous: Span,
    builder: GreenNodeBuilder<'static>,
    depth: u32,
    rules: usize,
    /// Where the last missing `)` or `]` was noticed: further ones there are the same mistake.
    unclosed_at: Option<usize>,
    /// A missing `}` has been reported.
    unclosed_block: bool,
    /// The block whose `}` stood further left than the block itself, likely the unclosed one, and where
    /// that `}` stands.
    misplaced: Option<(Opener, u32)>,
    /// Whether an unclosed string took a `}`, `)` or `]` with it.
    swallowed: [bool; 3],
    /// How many agents are open around this place.
    agents: u32,
    /// How many lists and argument lists are open: a comma after `$1` separates there.
    listing: u32,
    /// Height of the highest expression in the value that is being read.
    value_height: u32,
    steps: u64,
}

impl<'s> Parser<'s> {
    fn token(&mut self, ahead: usize) -> Token {
        self.steps += 1;
        let at = (self.position + ahead).min(self.tokens.len().saturating_sub(1));
        let end = Span { start: self.last_end, end: self.last_end };
        let missing = Token { kind: SyntaxKind::END, span: end, raw: 0, first_on_line: true, touches: false };
        self.tokens.get(at).copied().unwrap_or(missing)
    }

    fn kind(&mut self) -> SyntaxKind {
        self.token(0).kind
    }

    fn nth(&mut self, ahead: usize) -> SyntaxKind {
        self.token(ahead).kind
    }

    fn at(&mut self, kind: SyntaxKind) -> bool {
        self.kind() == kind
    }

    fn slice(&self, span: Span) -> &'s str {
        let (Ok(start), Ok(end)) = (usize::try_from(span.start), usize::try_from(span.end)) else {
            return "";
        };
        self.source.get(start..end).unwrap_or_default()
    }

    /// The word at `ahead`, or nothing if there is no word.
    fn word_at(&mut self, ahead: usize) -> &'s str {
        let token = self.token(ahead);
        if token.kind == SyntaxKind::WORD { self.slice(token.span) } else { "" }
    }

    fn word(&mut self) -> &'s str {
        self.word_at(0)
    }

    fn at_word(&mut self, word: &str) -> bool {
        self.word() == word
    }

    /// From `start` to the end of what was consumed last.
    fn span_from(&self, start: u32) -> Span {
        Span { start, end: self.last_end.max(start) }
    }

    fn here(&mut self) -> u32 {
        self.token(0).span.start
    }

    /// Begins a node; trivia before it stay outside.
    fn open(&mut self, kind: SyntaxKind) {
        if kind != SyntaxKind::FILE {
            self.flush_trivia();
        }
        self.builder.start_node(Fpl::kind_to_raw(kind));
    }

    fn close(&mut self) {
        self.builder.finish_node();
    }

    fn flush_trivia(&mut self) {
        let until = usize::try_from(self.token(0).raw).unwrap_or(usize::MAX);
        self.flush_until(until);
    }

    fn flush_all(&mut self) {
        self.flush_until(usize::MAX);
    }

    fn flush_until(&mut self, until: usize) {
        while self.raw_done < until {
            let Some(&raw) = self.raw.get(self.raw_done) else { return };
            let end = self.raw_start(self.raw_done + 1);
            let text = self.slice(Span { start: raw.start, end });
            self.builder.token(Fpl::kind_to_raw(raw.kind), text);
            self.raw_done += 1;
            self.steps += 1;
        }
    }

    fn raw_start(&self, index: usize) -> u32 {
        let end = u32::try_from(self.source.len()).unwrap_or(u32::MAX);
        self.raw.get(index).map_or(end, |raw| raw.start)
    }

    /// Consumes one token.
    fn bump(&mut self) -> Token {
        let token = self.token(0);
        if token.kind == SyntaxKind::END {
            return token;
        }
        if token.kind == SyntaxKind::UNCLOSED_STRING {
            let text = self.slice(token.span);
            for (seen, closer) in self.swallowed.iter_mut().zip(['}', ')', ']']) {
                *seen |= text.contains(closer);
            }
        }
        let until = usize::try_from(token.raw).unwrap_or(usize::MAX).saturating_add(1);
        self.flush_until(until);
        self.position += 1;
        self.last_end = token.span.end;
        self.previous = token.span;
        token
    }

    /// Consumes `count` tokens that touch each other as one token of `kind`.
    fn bump_joined(&mut self, kind: SyntaxKind, count: usize) -> Span {
        self.flush_trivia();
        let first = self.token(0);
        let last = self.token(count.saturating_sub(1));
        let span = Span { start: first.span.start, end: last.span.end };
        let text = self.slice(span);
        self.builder.token(Fpl::kind_to_raw(kind), text);
        self.raw_done = usize::try_from(last.raw).unwrap_or(usize::MAX).saturating_add(1);
        self.position += count.max(1);
        self.last_end = span.end;
        self.previous = span;
        span
    }

    /// Consumes `kind` if it is next.
    fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.bump();
        }
        found
    }

    /// Consumes a word as a name.
    fn name(&mut self) -> Name {
        let token = self.bump();
        Spanned { node: self.slice(token.span).to_owned(), span: token.span }
    }

    /// Consumes a string and gives what it means.
    fn string(&mut self) -> Spanned<String> {
        let token = self.bump();
        let text = self.slice(token.span);
        let diagnostics = &mut self.diagnostics;
        let node =
            literal::unescape(token.kind, text, token.span.start, &mut |found| diagnostics.push(found));
        Spanned { node, span: token.span }
    }

    /// Runs `inner` one level deeper. At the limit it reports, skips the group that begins here and gives nothing.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= limits::NESTING {
            let span = self.token(0).span;
            self.report_too_deep(span);
            self.skip_group();
            return None;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn report_too_deep(&mut self, span: Span) {
        let message = format!("this is nested more than {} levels deep", limits::NESTING);
        self.report(
            Diagnostic::error(codes::TOO_DEEP, span, message)
                .with_help("split it into several rules or blocks"),
        );
    }

    /// How the token at hand is called in a message.
    fn describe(&mut self) -> String {
        let token = self.token(0);
        match token.kind {
            SyntaxKind::END => "the end of the file".to_owned(),
            kind if kind.is_string() => "a string".to_owned(),
            _ => format!("`{}`", self.slice(token.span)),
        }
    }
}
