//! Values: constants, lists, `env(…)`, bare words, unquoted tool patterns, and tool patterns by themselves.

use super::Parser;
use super::operand::Operand;
use crate::ast::{Expr, Name, Span, Spanned, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::literal;

/// Where a value stands, which decides what bare text means there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// After a key; after `=` also operators in words may follow.
    Setting { assigned: bool },
    /// After a clause keyword: bare text with signs is a glob.
    Clause,
    /// In a list of a setting or clause.
    Element,
    /// After `name=` in a call.
    Argument,
}

/// Tokens that touch each other from the one at hand on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Tokens of letters, digits and `_ - * / .`
    pub count: usize,
    /// Those and the ones after them with other signs.
    pub wide: usize,
    pub has_dot: bool,
    pub has_sign: bool,
    pub only_words: bool,
}

impl Run {
    fn is_pattern(self) -> bool {
        self.count > 0 && self.wide == self.count && !self.has_dot
    }
}

impl Parser<'_> {
    /// The run of bare text at hand. Each is consumed after it was looked at, so this stays linear.
    pub(super) fn run(&mut self, colon_ends: bool) -> Run {
        use SyntaxKind as K;
        let mut run = Run { count: 0, wide: 0, has_dot: false, has_sign: false, only_words: true };
        let mut narrow = true;
        loop {
            let token = self.token(run.wide);
            if run.wide > 0 && !token.touches {
                break;
            }
            match token.kind {
                K::DOT if narrow => run.has_dot = true,
                K::STAR | K::SLASH | K::MINUS if narrow => run.has_sign = true,
                K::WORD => {}
                K::NUMBER | K::DURATION | K::SIZE | K::ODD_NUMBER => run.only_words = false,
                K::DOT | K::STAR | K::SLASH | K::MINUS => {}
                K::COLON if colon_ends || run.wide == 0 || !self.token(run.wide + 1).touches => break,
                K::AT | K::COLON | K::PLUS | K::PERCENT | K::MONEY | K::UNKNOWN => narrow = false,
                _ => break,
            }
            run.wide += 1;
            if narrow {
                run.count = run.wide;
            }
        }
        if run.wide > 0 && matches!(self.kind(), K::SLASH | K::DOT) {
            run.count = 0;
        }
        run
    }

    /// Whether a tool pattern, quoted or not, begins at `ahead`.
    pub(super) fn at_pattern(&mut self, ahead: usize) -> bool {
        use SyntaxKind as K;
        let kind = self.nth(ahead);
        kind.is_string() || kind.is_number() && kind != K::MONEY || matches!(kind, K::WORD | K::STAR)
    }

    /// Whether text begins here that would be a value if it were in quotes.
    pub(super) fn at_odd_text(&mut self) -> bool {
        use SyntaxKind as K;
        matches!(self.kind(), K::SLASH | K::DOT | K::AT | K::UNKNOWN | K::MINUS)
    }

    /// A tool pattern. Nothing, and nothing reported, if none begins here.
    pub(super) fn pattern(&mut self, colon_ends: bool) -> Option<Spanned<String>> {
        if self.kind().is_string() {
            return Some(self.string());
        }
        if !self.at_pattern(0) && !self.at_odd_text() {
            return None;
        }
        let run = self.run(colon_ends);
        if !run.is_pattern() {
            return Some(self.needs_quotes(run));
        }
        let span = self.bump_joined(SyntaxKind::PATTERN, run.count);
        Some(Spanned { node: self.slice(span).to_owned(), span })
    }

    /// Consumes bare text that is only allowed in quotes, reports it, and takes it as if it had them.
    pub(super) fn needs_quotes(&mut self, run: Run) -> Spanned<String> {
        let span = self.bump_joined(SyntaxKind::ODD_TEXT, run.wide.max(1));
        let text = self.slice(span).to_owned();
        let quoted = literal::quote(&text);
        self.report(
            Diagnostic::error(codes::NEEDS_QUOTES, span, format!("`{text}` needs quotes"))
                .with_help(format!(
                    "write `{quoted}`: without quotes only letters, digits and `_ - / *` can stand here"
                ))
                .with_fix(span, quoted, "put it in quotes"),
        );
        Spanned { node: text, span }
    }

    pub(super) fn setting_value(&mut self, assigned: bool) -> Option<Spanned<Value>> {
        self.value(Place::Setting { assigned })
    }

    pub(super) fn value(&mut self, place: Place) -> Option<Spanned<Value>> {
        use SyntaxKind as K;
        let value = match self.kind() {
            K::LEFT_BRACKET => self.nested(Self::list)?,
            K::LEFT_PAREN | K::BANG => return self.expression_value(None),
            K::WORD if self.at_word("not") => return self.expression_value(None),
            kind if kind.is_string() => {
                let string = self.string();
                Spanned { node: Value::String(string.node), span: string.span }
            }
            K::MONEY => self.number(),
            kind if kind.is_number() && self.run(false).wide == 1 => self.number(),
            _ if self.at_pattern(0) || self.at_odd_text() => self.bare(place)?,
            _ => {
                self.unexpected("a value", "a value is text in quotes, a number, a list in `[ ]`, or a word");
                return None;
            }
        };
        match place {
            Place::Setting { assigned } if self.at_operator(assigned) => self.expression_value(Some(value)),
            _ => Some(value),
        }
    }

    /// A number of any kind, alone.
    pub(super) fn number(&mut self) -> Spanned<Value> {
        let token = self.bump();
        let mut span = token.span;
        let text = self.slice(span).to_owned();
        let node = match token.kind {
            SyntaxKind::MONEY => {
                let mut digits = text.replacen('$', "", 1);
                if self.listing == 0 {
                    self.thousands(&mut digits, &mut span);
                }
                Value::Money(digits)
            }
            SyntaxKind::DURATION => Value::Duration(text),
            SyntaxKind::SIZE => Value::Size(text),
            SyntaxKind::ODD_NUMBER => {
                self.odd_number(&text, span);
                Value::Number(text)
            }
            _ => Value::Number(text),
        };
        Spanned { node, span }
    }

    /// `$1,000`: the comma is reported and the number read as it is meant.
    fn thousands(&mut self, digits: &mut String, span: &mut Span) {
        let start = *span;
        while self.at(SyntaxKind::COMMA)
            && self.token(0).touches
            && self.token(1).touches
            && self.nth(1) == SyntaxKind::NUMBER
        {
            let group = self.token(1).span;
            let text = self.slice(group);
            if text.find('.').unwrap_or(text.len()) != 3 {
                break;
            }
            digits.push_str(text);
            self.bump();
            self.bump();
            span.end = group.end;
        }
        if *span != start {
            let text = self.slice(*span).to_owned();
            let fixed = text.replace(',', "");
            self.report(
                Diagnostic::error(codes::BAD_NUMBER, *span, format!("`{text}` has a comma"))
                    .with_help(format!("write `{fixed}`"))
                    .with_fix(*span, fixed, "remove the comma"),
            );
        }
    }

    fn odd_number(&mut self, text: &str, span: Span) {
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let unit = text.get(digits.len()..).unwrap_or_default().to_lowercase();
        let meant = match unit.as_str() {
            "sec" | "secs" | "second" | "seconds" => "s",
            "min" | "mins" | "minute" | "minutes" => "m",
            "hr" | "hrs" | "hour" | "hours" => "h",
            "day" | "days" => "d",
            "week" | "weeks" => "w",
            "kb" | "kib" | "k" => "kb",
            "mb" | "mib" => "mb",
            "gb" | "gib" | "g" => "gb",
            _ => "",
        };
        let mut found = Diagnostic::error(codes::BAD_NUMBER, span, format!("`{text}` is no number"));
        found = if meant.is_empty() || text.starts_with('$') {
            found.with_help("a number may end in `ms s m h d w` for a time or `kb mb gb` for a size")
        } else {
            found.with_help(format!("write `{digits}{meant}`")).with_fix(
                span,
                format!("{digits}{meant}"),
                format!("write `{digits}{meant}`"),
            )
        };
        self.report(found);
    }

    fn bare(&mut self, place: Place) -> Option<Spanned<Value>> {
        let run = self.run(false);
        let starts_with_word = self.at(SyntaxKind::WORD);
        if starts_with_word && run.wide == 1 {
            return self.bare_word(place);
        }
        // `//` and `/*` begin comments elsewhere, so as text they need quotes.
        let like_comment =
            self.at(SyntaxKind::SLASH) && matches!(self.nth(1), SyntaxKind::SLASH | SyntaxKind::STAR);
        let readable = place == Place::Clause && !self.run_has_unknown(run) && !like_comment;
        if readable {
            let span = self.bump_joined(SyntaxKind::PATTERN, run.wide);
            return Some(Spanned { node: Value::String(self.slice(span).to_owned()), span });
        }
        let is_path =
            starts_with_word && run.only_words && run.has_dot && !run.has_sign && run.wide == run.count;
        if is_path && place != Place::Element {
            return self.expression_operand(place);
        }
        if run.is_pattern() {
            let span = self.bump_joined(SyntaxKind::PATTERN, run.count);
            return Some(Spanned { node: Value::Word(self.slice(span).to_owned()), span });
        }
        let text = self.needs_quotes(run);
        Some(Spanned { node: Value::String(text.node), span: text.span })
    }

    fn run_has_unknown(&mut self, run: Run) -> bool {
        (0..run.wide).any(|ahead| matches!(self.nth(ahead), SyntaxKind::UNKNOWN | SyntaxKind::MONEY))
    }

    fn bare_word(&mut self, place: Place) -> Option<Spanned<Value>> {
        if let Some(constant) = self.constant_word() {
            return Some(constant);
        }
        let next = self.token(1);
        if self.at_word("env") && next.kind == SyntaxKind::LEFT_PAREN {
            return self.env();
        }
        if next.touches && matches!(next.kind, SyntaxKind::LEFT_PAREN | SyntaxKind::LEFT_BRACKET) {
            return self.expression_operand(place);
        }
        let Name { node, span } = self.name();
        Some(Spanned { node: Value::Word(node), span })
    }

    /// `true`, `false` or `null`.
    pub(super) fn constant_word(&mut self) -> Option<Spanned<Value>> {
        let node = match self.word() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => return None,
        };
        Some(Spanned { node, span: self.bump().span })
    }

    /// One operand as a value, such as the path `args.amount`.
    fn expression_operand(&mut self, place: Place) -> Option<Spanned<Value>> {
        let mut operand = self.operand()?;
        if let Place::Setting { assigned } = place
            && self.at_operator(assigned)
        {
            operand = self.either(Some(operand))?;
        }
        Some(self.measured(operand))
    }

    /// A whole condition as a value; `first` is its first operand, already read.
    fn expression_value(&mut self, first: Option<Spanned<Value>>) -> Option<Spanned<Value>> {
        let height = self.value_height.max(1);
        let first = first.map(|value| Operand::from_value(value, height));
        let operand = self.either(first)?;
        Some(self.measured(operand))
    }

    /// An operand as a value, its height added to what the value around it knows.
    fn measured(&mut self, operand: Operand) -> Spanned<Value> {
        self.value_height = self.value_height.max(operand.height);
        into_value(operand.expr)
    }

    /// `env("NAME")`, `env("NAME", "default")`
    pub(super) fn env(&mut self) -> Option<Spanned<Value>> {
        let start = self.here();
        self.open(SyntaxKind::ENV);
        self.bump();
        let opener = self.token(0).span;
        self.bump();
        let mut parts = Vec::new();
        while self.kind().is_string() && parts.len() < 2 {
            parts.push(self.string().node);
            if !self.eat(SyntaxKind::COMMA) {
                break;
            }
        }
        if parts.is_empty() {
            let span = self.token(0).span;
            let found = self.describe();
            self.report(
                Diagnostic::error(
                    codes::BAD_ACCESS,
                    span,
                    format!("`env` needs the name of a variable in quotes, found {found}"),
                )
                .with_help("write `env(\"NAME\")` or `env(\"NAME\", \"default\")`"),
            );
            self.recover_line();
            self.close();
            return None;
        }
        let intact = self.close_group(opener, SyntaxKind::RIGHT_PAREN, "`)`");
        self.close();
        let mut parts = parts.into_iter();
        let (name, default) = (parts.next()?, parts.next());
        intact.then(|| Spanned { node: Value::Env { name, default }, span: self.span_from(start) })
    }
}

/// An expression as a value: constants stay constants.
fn into_value(expr: Spanned<Expr>) -> Spanned<Value> {
    let node = match expr.node {
        Expr::Value(value) => value,
        node => Value::Expr(Box::new(node)),
    };
    Spanned { node, span: expr.span }
}
