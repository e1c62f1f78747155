//! What may be written at a place: the question behind completion. The tokens of the statement before the
//! cursor are looked at, never what follows, so that it works while the statement is half written.

use faramesh_check::definitions::{self, CLAUSES};
use faramesh_syntax::ast::Span;
use faramesh_syntax::{SyntaxKind, SyntaxToken};
use rowan::{TextSize, TokenAtOffset};

use crate::document::{Document, index};
use crate::rule_tail;
use crate::surroundings::Surroundings;
use crate::words;

/// Most tokens of one statement that are looked at.
const LOOKBACK: usize = 512;

/// What may be written somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing that could be offered: a comment, a number, a reason.
    Nothing,
    /// A statement of the block.
    Statement,
    /// A tool pattern.
    Pattern,
    /// `if`, or a clause.
    Tail,
    /// A value in a condition; after `left` and a comparison, if there are.
    Operand {
        /// The name on the other side.
        left: Option<String>,
    },
    /// An operator, `and`, `or`, or a clause.
    Operator,
    /// What follows a dot.
    Member {
        /// The names before it.
        path: Vec<String>,
    },
    /// The value of a clause.
    ClauseValue {
        /// The clause.
        clause: String,
    },
    /// The value of a key.
    Value {
        /// The key.
        key: String,
        /// Whether a list is open.
        in_list: bool,
    },
    /// The name of an import, after `use`.
    Import,
    /// The name of an agent.
    Agent,
    /// One of these words.
    Words(&'static [&'static str]),
}

/// A token before the cursor.
#[derive(Debug, Clone)]
pub struct Before {
    /// Its kind.
    pub kind: SyntaxKind,
    /// Its text.
    pub text: String,
    /// Whether it begins a line.
    pub first_on_line: bool,
    /// Whether nothing stands between it and the token before.
    pub touches: bool,
}

impl Before {
    /// Whether it is this word.
    pub fn is(&self, word: &str) -> bool {
        self.kind == SyntaxKind::WORD && self.text == word
    }
}

/// A place in a document, and what may be written there.
#[derive(Debug)]
pub struct Cursor {
    /// Where it is.
    pub offset: u32,
    /// The blocks around it.
    pub around: Surroundings,
    /// What may be written.
    pub place: Place,
    /// Whether a new statement may begin here as well: nothing else is on the line.
    pub fresh_line: bool,
    /// What is replaced.
    pub replaced: Span,
    /// Whether it is inside of quotes.
    pub in_string: bool,
}

impl Cursor {
    /// Reads what stands before `offset`.
    pub fn at(document: &Document, offset: u32) -> Self {
        let text = document.text.get(..index(offset)).unwrap_or_default();
        let tree = document.parse().tree();
        let at = TextSize::from(offset.min(tree.text_range().end().into()));
        let touching = match tree.token_at_offset(at) {
            TokenAtOffset::None => None,
            TokenAtOffset::Single(token) | TokenAtOffset::Between(token, _) => Some(token),
        };
        let string = touching.clone().filter(|token| token.kind().is_string() && is_inside(token, offset));
        let silent = touching.as_ref().is_some_and(|token| {
            matches!(token.kind(), SyntaxKind::COMMENT | SyntaxKind::FOREIGN_COMMENT)
                && u32::from(token.text_range().start()) < offset
        });
        let (run_start, replaced) = match &string {
            Some(string) => {
                let start = u32::from(string.text_range().start());
                // An open string runs to the end of the line; what follows the cursor may not belong to it.
                let closed = string.kind() == SyntaxKind::STRING;
                let end = if closed { u32::from(string.text_range().end()) } else { offset };
                (start, Span { start, end })
            }
            None => {
                let run = start_of(text, |byte| is_word(byte) || matches!(byte, b'/' | b'*'));
                (run, Span { start: run, end: offset })
            }
        };
        let (statement, boundary) = tokens_before(touching, run_start);
        let around = Surroundings::after(boundary.as_ref());
        let fresh_line = string.is_none() && is_line_start(text, run_start);
        let mut cursor =
            Self { offset, around, place: Place::Nothing, fresh_line, replaced, in_string: string.is_some() };
        if !silent {
            cursor.place = cursor.classify(statement);
        }
        if cursor.in_string && matches!(cursor.place, Place::Statement | Place::Tail | Place::Operator) {
            cursor.place = Place::Nothing;
        }
        if !cursor.in_string
            && !matches!(cursor.place, Place::Pattern | Place::Value { .. } | Place::ClauseValue { .. })
        {
            cursor.replaced.start = start_of(text, is_word).max(run_start);
        }
        cursor
    }

    fn classify(&self, mut tokens: Vec<Before>) -> Place {
        let start = self.statement_start(&tokens);
        let statement = tokens.split_off(start);
        let Some(first) = statement.first() else { return Place::Statement };
        let second_is_setting = statement
            .get(1)
            .is_some_and(|next| matches!(next.kind, SyntaxKind::EQUAL | SyntaxKind::LEFT_BRACKET));
        if is_effect(first) && self.around.takes_rules() && !second_is_setting {
            return rule_tail::classify(&statement, self.fresh_line);
        }
        self.keyword_statement(first, statement.get(1..).unwrap_or_default())
    }

    /// Where the last statement begins among the tokens of a body.
    fn statement_start(&self, tokens: &[Before]) -> usize {
        let members = self.around.members();
        let takes_rules = self.around.takes_rules();
        let mut start = 0;
        let mut open = 0_usize;
        for (index, token) in tokens.iter().enumerate() {
            match token.kind {
                SyntaxKind::LEFT_BRACKET | SyntaxKind::LEFT_PAREN => open += 1,
                SyntaxKind::RIGHT_BRACKET | SyntaxKind::RIGHT_PAREN => open = open.saturating_sub(1),
                _ => {}
            }
            let current = tokens.get(start..index).unwrap_or_default();
            let is_known = members.iter().any(|member| member.keyword == token.text);
            let begins = if token.kind == SyntaxKind::EFFECT {
                true
            } else if token.first_on_line {
                let goes_on = definitions::word(CLAUSES, &token.text).is_some() && !is_known;
                takes_rules && is_effect(token)
                    || token.kind == SyntaxKind::WORD && is_known
                    || open == 0 && token.kind == SyntaxKind::WORD && !goes_on && is_complete(current)
            } else {
                // Several settings on one line.
                let in_rule = current.first().is_some_and(is_effect) && takes_rules;
                open == 0 && is_known && !in_rule && is_complete(current)
            };
            if begins {
                start = index;
                open = 0;
            }
        }
        start
    }

    fn keyword_statement(&self, first: &Before, rest: &[Before]) -> Place {
        let last = rest.last();
        if let Some(place) = keyword_form(&first.text, rest) {
            return if place == Place::Tail { Place::Statement } else { place };
        }
        let open = rest.iter().fold(0_i32, |open, token| match token.kind {
            SyntaxKind::LEFT_BRACKET => open + 1,
            SyntaxKind::RIGHT_BRACKET => open - 1,
            _ => open,
        });
        let key = first.text.clone();
        if open > 0 {
            return Place::Value { key, in_list: true };
        }
        match last {
            None if self.fresh_line => Place::Statement,
            None => Place::Value { key, in_list: false },
            Some(sign) if sign.kind == SyntaxKind::EQUAL => Place::Value { key, in_list: false },
            Some(_) => Place::Statement,
        }
    }
}

/// What follows the keywords with a form of their own; `Tail` when the statement is complete.
fn keyword_form(keyword: &str, rest: &[Before]) -> Option<Place> {
    let last = rest.last().map_or("", |token| token.text.as_str());
    let place = match (keyword, rest.len()) {
        ("use", 0) => Place::Import,
        ("redact" | "rate_limit", 0) => Place::Pattern,
        ("redact", _) if rest.iter().any(|token| token.is("args")) => Place::Nothing,
        ("redact", _) => Place::Words(&["args"]),
        ("rate_limit", _) if last == "per" => Place::Words(&["second", "minute", "hour", "day"]),
        ("rate_limit", _) if rest.iter().any(|token| token.is("per")) => Place::Words(&["burst", "scope"]),
        ("rate_limit", _) if rest.last().is_some_and(|token| token.kind.is_number()) => {
            Place::Words(&["per"])
        }
        ("rate_limit", _) => Place::Nothing,
        ("require", 0) => Place::Words(words::REQUIREMENTS),
        ("require", 1) if last == "called" => Place::Pattern,
        ("require", _) => Place::Tail,
        ("manifest", 0) => Place::Words(&["orchestrator", "grant"]),
        ("manifest", _) => match last {
            "orchestrator" | "grant" | "to" => Place::Agent,
            "undeclared" => Place::Words(&["deny", "defer"]),
            "max" => Place::Nothing,
            _ if rest.first().is_some_and(|token| token.is("orchestrator")) => Place::Words(&["undeclared"]),
            _ if !rest.iter().any(|token| token.is("to")) => Place::Words(&["to"]),
            _ => Place::Words(&["max", "approval"]),
        },
        ("delegate", 0) => Place::Agent,
        ("import" | "key" | "var", _) => Place::Nothing,
        _ => return None,
    };
    Some(place)
}

/// Whether tokens make a whole statement, so that another one may follow.
fn is_complete(tokens: &[Before]) -> bool {
    match tokens {
        [] => true,
        [first, rest @ ..] if is_effect(first) => !rest.is_empty(),
        [_, sign, rest @ ..] if sign.kind == SyntaxKind::EQUAL => !rest.is_empty(),
        [_, rest @ ..] => !rest.is_empty(),
    }
}

fn is_effect(token: &Before) -> bool {
    token.kind == SyntaxKind::EFFECT || token.kind == SyntaxKind::WORD && words::effect(&token.text).is_some()
}

/// The tokens that end before `end`, back to the beginning of the statement list, and the token that is
/// the boundary.
fn tokens_before(from: Option<SyntaxToken>, end: u32) -> (Vec<Before>, Option<SyntaxToken>) {
    let mut tokens: Vec<Before> = Vec::new();
    let mut next = from;
    let mut boundary = None;
    while let Some(token) = next {
        next = token.prev_token();
        if token.kind().is_trivia() {
            let breaks = token.kind() != SyntaxKind::CONTINUATION && token.text().contains('\n');
            if let Some(last) = tokens.last_mut() {
                last.first_on_line |= breaks;
                last.touches = false;
            }
            continue;
        }
        if u32::from(token.text_range().end()) > end {
            // A sign that the cursor stands behind, or the word that is being written.
            continue;
        }
        let ends =
            matches!(token.kind(), SyntaxKind::LEFT_BRACE | SyntaxKind::RIGHT_BRACE | SyntaxKind::SEMICOLON);
        if ends || tokens.len() >= LOOKBACK {
            boundary = Some(token);
            break;
        }
        tokens.push(Before {
            kind: token.kind(),
            text: token.text().to_owned(),
            first_on_line: next.is_none(),
            touches: true,
        });
    }
    tokens.reverse();
    (tokens, boundary)
}

fn is_inside(string: &SyntaxToken, offset: u32) -> bool {
    let range = string.text_range();
    let closed = string.kind() != SyntaxKind::UNCLOSED_STRING;
    u32::from(range.start()) < offset && (offset < u32::from(range.end()) || !closed)
}

/// Where the run of bytes before the end of `text` begins.
fn start_of(text: &str, accept: impl Fn(u8) -> bool) -> u32 {
    let count = text.bytes().rev().take_while(|&byte| accept(byte)).count();
    u32::try_from(text.len() - count).unwrap_or(u32::MAX)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_line_start(text: &str, at: u32) -> bool {
    let before = text.get(..index(at)).unwrap_or_default();
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
    line.bytes().all(|byte| byte.is_ascii_whitespace())
}
