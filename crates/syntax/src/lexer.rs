//! Text to tokens, trivia included, every byte in exactly one of them. The first step of parsing.
//!
//! Tool patterns, durations and base64 overlap, so tokens are small and the parser joins those that
//! touch where it expects a pattern. Two things the lexer reports itself because they are trivia to the
//! parser: foreign comments and invisible characters. It leaves escapes to `literal`.

use crate::ast::Span;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::invisible::{invisible, is_invisible};
use crate::kind::SyntaxKind;
use crate::signs;

/// A token and where it begins; it ends where the next one begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawToken {
    pub kind: SyntaxKind,
    pub start: u32,
}

/// A token that is no trivia.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub kind: SyntaxKind,
    pub span: Span,
    /// Its place among the raw tokens.
    pub raw: u32,
    /// It is the first of its line.
    pub first_on_line: bool,
    /// Nothing stands between it and the token before.
    pub touches: bool,
}

/// All tokens of a source.
#[derive(Debug)]
pub(crate) struct Lexed {
    pub raw: Vec<RawToken>,
    /// Ends with one `END`.
    pub tokens: Vec<Token>,
    pub diagnostics: Vec<Diagnostic>,
}

pub(crate) fn lex(source: &str) -> Lexed {
    let mut lexer = Lexer {
        source,
        bytes: source.as_bytes(),
        at: 0,
        block_comments_end: true,
        lexed: Lexed {
            raw: Vec::with_capacity(source.len() / 3),
            tokens: Vec::with_capacity(source.len() / 5),
            diagnostics: Vec::new(),
        },
    };
    lexer.run();
    lexer.lexed
}

struct Lexer<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    /// False once the rest of the source is known to hold no `*/`: each search is made once.
    block_comments_end: bool,
    lexed: Lexed,
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut first_on_line = true;
        let mut touches = false;
        while let Some(byte) = self.peek(0) {
            let start = self.at;
            let kind = self.token(byte);
            if self.at == start {
                // Unreachable by construction; a token of no length would never end.
                self.at = self.bytes.len();
            }
            let span = Span { start: offset(start), end: offset(self.at) };
            let raw = offset(self.lexed.raw.len());
            self.lexed.raw.push(RawToken { kind, start: span.start });
            if kind.is_trivia() {
                let text = self.bytes.get(start..self.at).unwrap_or_default();
                first_on_line |= kind != SyntaxKind::CONTINUATION && text.contains(&b'\n');
                touches = false;
            } else {
                self.lexed.tokens.push(Token { kind, span, raw, first_on_line, touches });
                first_on_line = false;
                touches = true;
            }
        }
        let end = offset(self.bytes.len());
        let raw = offset(self.lexed.raw.len());
        let span = Span { start: end, end };
        self.lexed.tokens.push(Token {
            kind: SyntaxKind::END,
            span,
            raw,
            first_on_line: true,
            touches: false,
        });
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn token(&mut self, byte: u8) -> SyntaxKind {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.whitespace(),
            b'#' => {
                self.rest_of_line();
                SyntaxKind::COMMENT
            }
            b'"' => self.string(),
            b'\'' => self.foreign_string(1, &["'"]),
            b'0'..=b'9' => self.number(),
            b'$' => self.money(0),
            b'-' if self.peek(1) == Some(b'$') => self.money(1),
            b'-' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => {
                self.at += 1;
                self.number()
            }
            b'\\' => self.continuation(),
            b'/' if matches!(self.peek(1), Some(b'/' | b'*')) && self.starts_apart() => {
                self.foreign_comment()
            }
            _ if is_word_start(byte) => {
                self.word();
                SyntaxKind::WORD
            }
            _ if byte.is_ascii() && !byte.is_ascii_control() => self.sign(byte),
            _ => self.unknown(),
        }
    }

    /// Whether what stands before cannot be the beginning of a pattern, path or key.
    fn starts_apart(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.bytes.get(at));
        before.is_none_or(|byte| byte.is_ascii_whitespace() || b"{}[]();,\"".contains(byte))
    }

    fn while_bytes(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
    }

    /// A word; an invisible character inside it does not end it, what is seen is one word.
    fn word(&mut self) {
        loop {
            self.while_bytes(is_word);
            let rest = self.source.get(self.at..).unwrap_or_default();
            let Some(hidden) = rest.chars().next().filter(|&next| is_invisible(next)) else { return };
            let after = self.at + hidden.len_utf8();
            if !self.bytes.get(after).is_some_and(|&next| is_word(next)) {
                return;
            }
            let start = self.at;
            self.at = after;
            self.report_invisible(start);
        }
    }

    fn rest_of_line(&mut self) {
        let start = self.at;
        self.while_bytes(|byte| byte != b'\n');
        if self.at > start && self.bytes.get(self.at - 1) == Some(&b'\r') {
            self.at -= 1;
        }
        self.report_invisible(start);
    }

    fn whitespace(&mut self) -> SyntaxKind {
        let start = self.at;
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.peek(0) {
            if byte == b'\r' && self.peek(1) != Some(b'\n') && self.peek(1).is_some() {
                let span = Span { start: offset(self.at), end: offset(self.at + 1) };
                self.lexed.diagnostics.push(invisible('\r', span));
            }
            self.at += 1;
        }
        debug_assert!(self.at > start);
        SyntaxKind::WHITESPACE
    }

    fn continuation(&mut self) -> SyntaxKind {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let blanks = rest.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        if rest.get(blanks).is_none_or(|&byte| byte == b'\n') {
            self.at = (self.at + blanks + 2).min(self.bytes.len());
            SyntaxKind::CONTINUATION
        } else {
            self.at += 1;
            SyntaxKind::UNKNOWN
        }
    }

    fn foreign_comment(&mut self) -> SyntaxKind {
        let start = self.at;
        let block = self.peek(1) == Some(b'*');
        let rest = self.source.get(start..).unwrap_or_default();
        let end = if block && self.block_comments_end { rest.find("*/") } else { None };
        if block && end.is_none() {
            self.block_comments_end = false;
            self.at += 1;
            return SyntaxKind::SLASH;
        }
        let span_of_marks = Span { start: offset(start), end: offset(start + 2) };
        let diagnostic = if let Some(end) = end {
            self.at = start + end + 2;
            let span = Span { start: offset(start), end: offset(self.at) };
            Diagnostic::error(codes::WRONG_COMMENT, span, "comments do not begin with `/*`")
                .with_help("begin each line of the comment with `#`")
        } else {
            self.while_bytes(|byte| byte != b'\n');
            let span = Span { start: offset(start), end: offset(self.at) };
            Diagnostic::error(codes::WRONG_COMMENT, span, "comments do not begin with `//`")
                .with_help("begin the comment with `#`")
                .with_fix(span_of_marks, "#", "write `#`")
        };
        self.lexed.diagnostics.push(diagnostic);
        SyntaxKind::FOREIGN_COMMENT
    }

    fn string(&mut self) -> SyntaxKind {
        let start = self.at;
        self.at += 1;
        let kind = loop {
            match self.peek(0) {
                Some(b'"') => {
                    self.at += 1;
                    break SyntaxKind::STRING;
                }
                None | Some(b'\n') => break SyntaxKind::UNCLOSED_STRING,
                Some(b'\\') if self.peek(1).is_some_and(|next| next != b'\n') => self.at += 2,
                Some(_) => self.at += 1,
            }
        };
        if kind == SyntaxKind::UNCLOSED_STRING {
            let text = self.bytes.get(start..self.at).unwrap_or_default();
            self.at = start + text.trim_ascii_end().len();
        }
        // An escape of a wide character may have been stepped into.
        while !self.source.is_char_boundary(self.at) {
            self.at += 1;
        }
        self.report_invisible(start);
        kind
    }

    /// A string in quotes that are none here, if it is closed on its line.
    fn foreign_string(&mut self, open: usize, closers: &[&str]) -> SyntaxKind {
        let rest = self.source.get(self.at + open..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let close = closers.iter().filter_map(|closer| line.find(closer).map(|at| at + closer.len())).min();
        self.at += open + close.unwrap_or(0);
        if close.is_some() { SyntaxKind::FOREIGN_STRING } else { SyntaxKind::UNKNOWN }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        self.while_bytes(|byte| byte.is_ascii_digit());
        self.at > start
    }

    fn decimal(&mut self) {
        self.digits();
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
            self.digits();
        }
    }

    fn number(&mut self) -> SyntaxKind {
        self.decimal();
        let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
        if matches!(self.peek(0), Some(b'e' | b'E'))
            && self.peek(1 + sign).is_some_and(|next| next.is_ascii_digit())
        {
            self.at += 1 + sign;
            self.digits();
            if !self.peek(0).is_some_and(is_word_start) {
                return SyntaxKind::NUMBER;
            }
        }
        if !self.peek(0).is_some_and(is_word_start) {
            return SyntaxKind::NUMBER;
        }
        let suffix = self.at;
        self.while_bytes(is_word);
        let before = suffix.checked_sub(1).and_then(|at| self.bytes.get(at));
        match self.bytes.get(suffix..self.at).unwrap_or_default() {
            _ if !before.is_some_and(u8::is_ascii_digit) => SyntaxKind::ODD_NUMBER,
            b"ms" | b"s" | b"m" | b"h" | b"d" | b"w" => SyntaxKind::DURATION,
            b"kb" | b"mb" | b"gb" => SyntaxKind::SIZE,
            _ => SyntaxKind::ODD_NUMBER,
        }
    }

    fn money(&mut self, sign: usize) -> SyntaxKind {
        if !self.peek(sign + 1).is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
            return if sign == 0 { SyntaxKind::UNKNOWN } else { SyntaxKind::MINUS };
        }
        self.at += sign + 1;
        self.decimal();
        if self.peek(0).is_some_and(is_word_start) {
            self.while_bytes(is_word);
            return SyntaxKind::ODD_NUMBER;
        }
        SyntaxKind::MONEY
    }

    fn sign(&mut self, byte: u8) -> SyntaxKind {
        let (length, kind) = signs::sign(byte, self.peek(1), self.peek(2));
        self.at += length;
        kind
    }

    /// A run of characters that have no meaning outside strings and comments.
    fn unknown(&mut self) -> SyntaxKind {
        let start = self.at;
        let rest = self.source.get(start..).unwrap_or_default();
        let first = rest.chars().next().unwrap_or(' ');
        match first {
            '“' | '”' | '„' | '«' => {
                return self.foreign_string(first.len_utf8(), &["”", "“", "\"", "»"]);
            }
            '‘' | '’' => return self.foreign_string(first.len_utf8(), &["’", "‘", "'"]),
            _ => {}
        }
        let blank =
            |character: char| is_invisible(character) || (character.is_whitespace() && !character.is_ascii());
        let is_blank = blank(first);
        let quotes = ['“', '”', '„', '«', '‘', '’'];
        let run = rest.chars().take_while(|&next| {
            blank(next) == is_blank
                && (!next.is_ascii() || next.is_ascii_control())
                && !"\t\r\n".contains(next)
                && !quotes.contains(&next)
        });
        self.at += run.map(char::len_utf8).sum::<usize>().max(first.len_utf8());
        if !is_blank {
            return SyntaxKind::UNKNOWN;
        }
        if start > 0 || first != '\u{feff}' {
            self.report_invisible(start);
        }
        SyntaxKind::WHITESPACE
    }

    /// Reports the first invisible character since `start`.
    fn report_invisible(&mut self, start: usize) {
        let bytes = self.bytes.get(start..self.at).unwrap_or_default();
        // Printable ASCII, by far the most common, is settled without decoding.
        if bytes.iter().all(|&byte| (b' '..0x7f).contains(&byte) || byte == b'\t') {
            return;
        }
        let text = self.source.get(start..self.at).unwrap_or_default();
        let found = text.char_indices().find(|&(_, character)| is_invisible(character) || character == '\r');
        if let Some((at, character)) = found {
            let at = start + at;
            let span = Span { start: offset(at), end: offset(at + character.len_utf8()) };
            self.lexed.diagnostics.push(invisible(character, span));
        }
    }
}
