//! What follows the tool in a rule: the condition and the clauses, in that order.

use super::Parser;
use super::words::{self, CLAUSES, ELSE, STATEMENTS, Scope};
use crate::ast::{Clause, Expr, Name, Spanned, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::nearest;

/// The condition and the clauses of a rule.
pub(super) type Tail = (Option<Spanned<Expr>>, Vec<Spanned<Clause>>);

/// Words that people write for `if` and for clauses.
const MEANT: &[(&str, &str)] = &[
    ("where", "if"),
    ("only_if", "if"),
    ("provided", "if"),
    ("because", "reason"),
    ("since", "reason"),
    ("message", "reason"),
    ("msg", "reason"),
    ("description", "reason"),
    ("alert", "notify"),
    ("approvals", "approvals_required"),
    ("hosts", "host"),
    ("ports", "port"),
    ("methods", "method"),
    ("headers", "header"),
];

impl Parser<'_> {
    /// The condition and the clauses; nothing if a part of them is broken.
    pub(super) fn rule_parts(&mut self, scope: Scope) -> Option<Tail> {
        let mut condition = None;
        let mut clauses: Vec<Spanned<Clause>> = Vec::new();
        let mut intact = true;
        loop {
            let word = self.word();
            let keyword = if matches!(word, "if" | "when") || words::is_clause(word) && self.is_clause_here()
            {
                word
            } else {
                match self.misspelt_clause(scope) {
                    Leftover::Nothing => break,
                    Leftover::Skipped => {
                        intact = false;
                        continue;
                    }
                    Leftover::Broken => {
                        intact = false;
                        break;
                    }
                    Leftover::Means("") => {
                        // A condition without its `if`; the word at hand belongs to it.
                        intact &= self.condition_node(false, &mut condition).is_some();
                        continue;
                    }
                    Leftover::Means(keyword) => keyword,
                }
            };
            if matches!(keyword, "if" | "when") {
                if condition.is_some() || !clauses.is_empty() {
                    self.misplaced_condition(condition.is_some());
                }
                intact &= self.condition_node(true, &mut condition).is_some();
            } else if let Some(clause) = self.clause(keyword) {
                clauses.push(clause);
            } else {
                intact = false;
            }
        }
        intact.then_some((condition, clauses))
    }

    /// Whether a clause word is one here, and not the first word of a setting on the next line.
    fn is_clause_here(&mut self) -> bool {
        // `explain = false` is a clause wherever it stands: no block has such a key.
        self.word() == "explain" || !(self.token(0).first_on_line && self.nth(1) == SyntaxKind::EQUAL)
    }

    fn misplaced_condition(&mut self, second: bool) {
        let span = self.token(0).span;
        let found = if second {
            Diagnostic::error(codes::CONDITION_PLACE, span, "a rule has one condition")
                .with_help("join the two with `and` or `or`")
        } else {
            Diagnostic::error(codes::CONDITION_PLACE, span, "the condition stands before the clauses")
                .with_help("write it directly after the tool")
        };
        self.report(found);
    }

    fn condition_node(&mut self, keyword: bool, condition: &mut Option<Spanned<Expr>>) -> Option<()> {
        self.open(SyntaxKind::CONDITION);
        if keyword {
            self.bump();
        }
        let found = self.condition();
        self.close();
        if found.is_none() {
            self.recover_rule();
        }
        condition.get_or_insert(found?);
        Some(())
    }

    /// After a broken condition: go on with the clauses of the same rule, or with what follows it.
    fn recover_rule(&mut self) {
        self.open(SyntaxKind::ERROR);
        while !matches!(self.kind(), SyntaxKind::END | SyntaxKind::RIGHT_BRACE | SyntaxKind::SEMICOLON) {
            let word = self.word();
            let is_clause = words::is_clause(word) && self.nth(1).is_string();
            if is_clause || self.token(0).first_on_line && self.starts_statement() {
                break;
            }
            if self.at(SyntaxKind::LEFT_BRACE) {
                self.skip_group();
            } else {
                self.bump();
            }
        }
        self.close();
    }

    fn clause(&mut self, keyword: &str) -> Option<Spanned<Clause>> {
        let start = self.here();
        self.open(SyntaxKind::CLAUSE);
        let mut name = self.name();
        keyword.clone_into(&mut name.node);
        let clause = self.clause_rest(name);
        self.close();
        if clause.is_none() {
            self.recover_rule();
        }
        clause.map(|node| Spanned { node, span: self.span_from(start) })
    }

    fn clause_rest(&mut self, keyword: Name) -> Option<Clause> {
        let sign = self.token(0);
        // `explain = false` reads as a setting, and is one.
        if sign.kind == SyntaxKind::EQUAL && keyword.node == "explain" {
            self.bump();
        } else if sign.kind == SyntaxKind::EQUAL {
            self.report(
                Diagnostic::error(
                    codes::BAD_CLAUSE,
                    sign.span,
                    format!("`{}` is written without `=`", keyword.node),
                )
                .with_help(format!("write `{} \"…\"`", keyword.node))
                .with_fix(sign.span, "", "remove the `=`"),
            );
            self.bump();
        } else {
            self.eat(SyntaxKind::COLON);
        }
        let keyed = matches!(keyword.node.as_str(), "query" | "header");
        let key = if keyed { Some(self.clause_key(&keyword)?) } else { None };
        let text_only = matches!(keyword.node.as_str(), "reason" | "notify");
        // Several people may be told; a reason is one text.
        let is_list = keyword.node == "notify" && self.at(SyntaxKind::LEFT_BRACKET);
        if self.lacks_clause_value() || text_only && !self.kind().is_string() && !is_list {
            let example = if text_only { "\"…\"" } else { "…" };
            let message = if text_only && !self.lacks_clause_value() {
                format!("the text of `{}` stands in quotes", keyword.node)
            } else {
                format!("`{}` has no value", keyword.node)
            };
            let mut found = Diagnostic::error(codes::BAD_CLAUSE, keyword.span, message)
                .with_help(format!("write `{} {example}`", keyword.node));
            // One bare word is the text; of several, it is not certain where the text ends.
            let text = self.token(0);
            let is_alone = text.kind == SyntaxKind::WORD && !text.first_on_line;
            if text_only && is_alone && self.token(1).first_on_line && !self.lacks_clause_value() {
                let quoted = crate::quote(self.slice(text.span));
                found = found.with_fix(text.span, quoted, "put it in quotes");
            }
            self.report(found);
            if text_only {
                self.skip_bare_text();
            }
            return None;
        }
        let value = self.clause_value()?;
        Some(Clause { keyword, key, value })
    }

    /// Words without quotes after `reason`: skipped to the end of the line, they mean nothing else.
    fn skip_bare_text(&mut self) {
        if !self.token(0).first_on_line && !self.lacks_clause_value() {
            self.recover_line();
        }
    }

    fn clause_key(&mut self, keyword: &Name) -> Option<Spanned<String>> {
        let key = if self.kind().is_string() {
            self.string()
        } else if self.at(SyntaxKind::WORD)
            && matches!(self.nth(1), SyntaxKind::EQUAL | SyntaxKind::COLON | SyntaxKind::EQUAL_EQUAL)
        {
            self.name()
        } else {
            return self.bad_keyed_clause(keyword);
        };
        if self.eat(SyntaxKind::EQUAL) || self.eat(SyntaxKind::COLON) {
            Some(key)
        } else {
            self.bad_keyed_clause(keyword)
        }
    }

    fn bad_keyed_clause<T>(&mut self, keyword: &Name) -> Option<T> {
        let message = format!("`{}` needs a name and a value", keyword.node);
        let help = format!("write `{} name=\"value\"`", keyword.node);
        self.report(Diagnostic::error(codes::BAD_CLAUSE, keyword.span, message).with_help(help));
        None
    }

    fn lacks_clause_value(&mut self) -> bool {
        let word = self.word();
        self.lacks_value() && self.nth(1) != SyntaxKind::EQUAL
            || (words::is_clause(word) || word == "if") && self.nth(1).is_string() && !self.token(0).touches
            || self.token(0).first_on_line && self.starts_statement()
    }

    /// What stands after the known parts of a rule: another statement, or a mistake.
    fn misspelt_clause(&mut self, scope: Scope) -> Leftover {
        let token = self.token(0);
        if matches!(
            token.kind,
            SyntaxKind::END | SyntaxKind::RIGHT_BRACE | SyntaxKind::SEMICOLON | SyntaxKind::COMMA
        ) {
            return Leftover::Nothing;
        }
        let word = self.word();
        if ELSE.contains(&word) {
            return self.report_else(word);
        }
        if token.first_on_line {
            return Leftover::Nothing;
        }
        if word.is_empty() {
            return self.leftover_sign();
        }
        let may_be_next = words::effect(word).is_some()
            || scope != Scope::Rules && (STATEMENTS.contains(&word) || self.nth(1) == SyntaxKind::EQUAL);
        if may_be_next && self.nth(1) != SyntaxKind::END {
            return Leftover::Nothing;
        }
        let meant =
            MEANT.iter().find(|(written, _)| *written == word.to_lowercase()).map(|&(_, meant)| meant);
        let meant = meant.or_else(|| near_clause(word));
        if let Some(meant) = meant {
            self.report(
                Diagnostic::error(codes::UNKNOWN_CLAUSE, token.span, format!("`{word}` has no meaning here"))
                    .with_help(format!("did you mean `{meant}`?"))
                    .with_fix(token.span, meant, format!("write `{meant}`")),
            );
            return Leftover::Means(meant);
        }
        if self.looks_like_condition() {
            self.report(
                Diagnostic::error(codes::UNKNOWN_CLAUSE, token.span, "the condition has no `if` before it")
                    .with_help("write `if` between the tool and the condition")
                    .with_fix(
                        crate::ast::Span { start: token.span.start, end: token.span.start },
                        "if ",
                        "add `if`",
                    ),
            );
            return Leftover::Means("");
        }
        if scope != Scope::Rules && self.starts_statement() {
            return Leftover::Nothing;
        }
        self.report(
            Diagnostic::error(codes::UNKNOWN_CLAUSE, token.span, format!("`{word}` has no meaning here"))
                .with_help(
                    "after the tool a rule has `if` with a condition, then `reason \"…\"` and other clauses",
                ),
        );
        self.recover_rule_or_line();
        Leftover::Broken
    }

    fn report_else(&mut self, word: &str) -> Leftover {
        let span = self.token(0).span;
        let help = match word {
            "unless" => "write `if not (…)`",
            "then" => "leave it out: the effect stands at the beginning of the rule",
            _ => "write another rule below: the first one that matches decides",
        };
        let mut found =
            Diagnostic::error(codes::NO_ELSE, span, format!("there is no `{word}` in this language"))
                .with_help(help);
        // Without the word, what follows reads as a clause or as the next rule.
        let next = self.word_at(1);
        if words::is_clause(next) || word.starts_with("el") && words::effect(next).is_some() {
            found = found.with_fix(span, "", format!("remove `{word}`"));
        }
        self.report(found);
        self.skip_one();
        self.recover_rule_or_line();
        Leftover::Broken
    }

    /// A line that begins with `else`.
    pub(super) fn else_statement(&mut self, word: &str) {
        self.report_else(word);
    }

    fn recover_rule_or_line(&mut self) {
        self.open(SyntaxKind::ERROR);
        while !self.token(0).first_on_line
            && !matches!(self.kind(), SyntaxKind::END | SyntaxKind::RIGHT_BRACE | SyntaxKind::SEMICOLON)
        {
            if self.at(SyntaxKind::LEFT_BRACE) {
                self.skip_group();
            } else {
                self.bump();
            }
        }
        self.close();
    }

    fn leftover_sign(&mut self) -> Leftover {
        let token = self.token(0);
        if matches!(token.kind, SyntaxKind::RIGHT_PAREN | SyntaxKind::RIGHT_BRACKET) {
            self.nothing_to_close();
            return Leftover::Skipped;
        }
        if token.kind.is_string() {
            let before = crate::ast::Span { start: token.span.start, end: token.span.start };
            self.report(
                Diagnostic::error(codes::UNKNOWN_CLAUSE, token.span, "this text belongs to nothing")
                    .with_help("write `reason` before it")
                    .with_fix(before, "reason ", "write `reason` before it"),
            );
        } else {
            self.unexpected(
                "`if`, a clause such as `reason \"…\"`, or the next rule",
                "remove it, or put the text that it belongs to in quotes",
            );
        }
        self.recover_rule_or_line();
        Leftover::Broken
    }

    fn looks_like_condition(&mut self) -> bool {
        use SyntaxKind as K;
        let next = self.nth(1);
        matches!(
            next,
            K::EQUAL_EQUAL
                | K::BANG_EQUAL
                | K::LESS
                | K::LESS_EQUAL
                | K::GREATER
                | K::GREATER_EQUAL
                | K::DOT
                | K::LEFT_PAREN
        ) || matches!(self.word_at(1), "in" | "contains" | "matches" | "not")
            || self.at_word("not")
    }

    pub(super) fn clause_value(&mut self) -> Option<Spanned<Value>> {
        self.value(super::value::Place::Clause)
    }
}

fn near_clause(word: &str) -> Option<&'static str> {
    let others = MEANT.iter().map(|&(written, _)| written);
    let near = nearest(word, CLAUSES.iter().copied().chain(["if", "when"]).chain(others))?;
    Some(MEANT.iter().find(|(written, _)| *written == near).map_or(near, |&(_, meant)| meant))
}

/// What stands after the known parts of a rule.
enum Leftover {
    /// The rule is complete.
    Nothing,
    /// Reported and skipped; what follows may still belong to the rule.
    Skipped,
    /// Reported and skipped to the end of the rule.
    Broken,
    /// Reported, and to be read as this word; as a condition without its `if` when empty.
    Means(&'static str),
}
