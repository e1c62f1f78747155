//! Rules: effect, tool, condition, clauses; and what people write in their place.

use super::Parser;
use super::clause::Tail;
use super::words::{self, EFFECTS, ELSE, STATEMENTS, Scope};
use crate::ast::{Effect, Item, Rule, Span, Spanned};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;
use crate::{limits, nearest};

type Items = Vec<Spanned<Item>>;

impl Parser<'_> {
    pub(super) fn rule_item(&mut self, scope: Scope, items: &mut Items) {
        let effect = words::effect(self.word());
        self.rule(scope, effect, items);
    }

    /// A statement inside `rules`: a rule, or what should have been one.
    pub(super) fn rules_statement(&mut self, items: &mut Items) {
        let word = self.word();
        if words::effect(word).is_some() && self.nth(1) != SyntaxKind::EQUAL {
            return self.rule_item(Scope::Rules, items);
        }
        if ELSE.contains(&word) {
            return self.else_statement(word);
        }
        let span = self.token(0).span;
        let is_statement = STATEMENTS.contains(&word)
            || self.nth(1) == SyntaxKind::EQUAL
            || self.nth(1) == SyntaxKind::LEFT_BRACE;
        if is_statement && !self.misspells_effect(word) {
            self.report(
                Diagnostic::error(
                    codes::NOT_A_RULE,
                    span,
                    format!("`{word}` does not belong inside `rules`"),
                )
                .with_help("move it out of `rules { … }`, into the agent"),
            );
            // Read as what it is, to find what is wrong in it, and then left out.
            let mut dropped = Vec::new();
            self.displaced_statement(&mut dropped);
            return;
        }
        self.unknown_effect(word, span);
        self.rule(Scope::Rules, None, items);
    }

    fn displaced_statement(&mut self, dropped: &mut Items) {
        let mut labels = 0;
        while labels < 4 && (self.nth(1 + labels).is_string() || self.nth(1 + labels) == SyntaxKind::WORD) {
            labels += 1;
        }
        if labels < 2 && self.nth(1 + labels) == SyntaxKind::LEFT_BRACE {
            self.block(labels, dropped);
        } else if self.nth(1) == SyntaxKind::EQUAL {
            self.setting(dropped);
        } else {
            self.skip_one();
            self.recover_line();
        }
    }

    fn misspells_effect(&mut self, word: &str) -> bool {
        let near = nearest(word, EFFECTS.iter().map(|(name, _)| *name));
        near.is_some() && word.len() > 3 && !STATEMENTS.contains(&word) && self.nth(1) != SyntaxKind::EQUAL
    }

    /// A misspelt effect where other statements may stand too; gives false if the word is none.
    pub(super) fn misspelt_rule(&mut self, items: &mut Items) -> bool {
        let word = self.word();
        if !self.misspells_effect(word) || !self.at_pattern(1) || self.token(1).first_on_line {
            return false;
        }
        let span = self.token(0).span;
        self.unknown_effect(word, span);
        self.rule(Scope::Open, None, items);
        true
    }

    fn unknown_effect(&mut self, word: &str, span: Span) {
        let near = nearest(word, EFFECTS.iter().map(|(name, _)| *name));
        let lower = word.to_lowercase();
        let found = match near {
            Some(near) if near == lower => {
                Diagnostic::error(codes::UNKNOWN_EFFECT, span, format!("`{word}` is written in lower case"))
                    .with_help(format!("write `{near}`"))
                    .with_fix(span, near, format!("write `{near}`"))
            }
            Some(near) => Diagnostic::error(codes::UNKNOWN_EFFECT, span, format!("`{word}` is no effect"))
                .with_help(format!("did you mean `{near}`?"))
                .with_fix(span, near, format!("write `{near}`")),
            None => Diagnostic::error(codes::UNKNOWN_EFFECT, span, format!("`{word}` is no effect"))
                .with_help("a rule begins with `permit`, `defer`, `deny` or `deny!`"),
        };
        self.report(found);
    }

    /// A rule whose first word is at hand. Without an effect it is read to its end and left out.
    fn rule(&mut self, scope: Scope, effect: Option<Effect>, items: &mut Items) {
        let start = self.here();
        self.open(SyntaxKind::RULE);
        let effect_span = self.token(0).span;
        let effect = self.effect(effect);
        let complete = self.rule_rest(scope, effect_span);
        self.close();
        let span = self.span_from(start);
        let (Some(effect), Some((pattern, (condition, clauses)))) = (effect, complete) else { return };
        self.rules += 1;
        if self.rules > limits::RULES {
            if self.rules == limits::RULES + 1 {
                let message = format!("there are more than {} rules in this file", limits::RULES);
                self.report(
                    Diagnostic::error(codes::TOO_MANY_RULES, span, message)
                        .with_help("cover several tools with one pattern such as `stripe/*`"),
                );
            }
            return;
        }
        items.push(Spanned { node: Item::Rule(Rule { effect, pattern, condition, clauses }), span });
    }

    /// The effect and its `!`.
    fn effect(&mut self, effect: Option<Effect>) -> Option<Spanned<Effect>> {
        let word = self.word();
        if self.nth(1) != SyntaxKind::BANG {
            let span = self.bump_joined(SyntaxKind::EFFECT, 1);
            return effect.map(|node| Spanned { node, span });
        }
        let bang = self.token(1);
        let span = Span { start: self.here(), end: bang.span.end };
        let fixed = if matches!(effect, Some(Effect::Deny)) { "deny!" } else { word };
        if fixed != "deny!" {
            self.report(
                Diagnostic::error(codes::WRONG_BANG, span, format!("`{word}!` is no effect"))
                    .with_help("only `deny!` has a `!`: a denial that nothing overrides")
                    .with_fix(span, fixed, format!("write `{fixed}`")),
            );
        } else if !bang.touches || word != "deny" {
            self.report(
                Diagnostic::error(
                    codes::WRONG_BANG,
                    span,
                    "a denial that nothing overrides is written `deny!`",
                )
                .with_help("write `deny!`, without a space")
                .with_fix(span, "deny!", "write `deny!`"),
            );
        }
        if bang.touches {
            self.bump_joined(SyntaxKind::EFFECT, 2);
        } else {
            self.bump();
            self.bump();
        }
        let node = if fixed == "deny!" { Effect::DenyAlways } else { effect? };
        Some(Spanned { node, span })
    }

    fn rule_rest(&mut self, scope: Scope, effect: Span) -> Option<(Spanned<String>, Tail)> {
        if self.lacks_pattern() {
            let word = self.slice(effect).to_owned();
            let found = self.describe();
            let place = self.token(0).span;
            self.report(
                Diagnostic::error(codes::MISSING_PATTERN, effect, format!("`{word}` names no tool"))
                    .with_help(format!(
                        "write the tool after it, as in `{word} stripe/refund`, or `{word} *` for every tool"
                    ))
                    .with_label(place, format!("found {found} where the tool belongs")),
            );
            if self.at_clause_word() {
                self.rule_parts(scope);
            } else if !self.token(0).first_on_line {
                self.recover_line();
            }
            return None;
        }
        let Some(pattern) = self.pattern(false) else {
            self.recover();
            return None;
        };
        if self.at(SyntaxKind::COMMA) {
            self.several_patterns();
        }
        Some((pattern, self.rule_parts(scope)?))
    }

    fn at_clause_word(&mut self) -> bool {
        let word = self.word();
        !self.token(0).first_on_line && (matches!(word, "if" | "when") || words::is_clause(word))
    }

    fn lacks_pattern(&mut self) -> bool {
        let token = self.token(0);
        if token.kind != SyntaxKind::WORD {
            return !self.at_pattern(0) && !self.at_odd_text();
        }
        let word = self.word();
        let alone = !self.token(1).touches
            || !matches!(
                self.nth(1),
                SyntaxKind::SLASH | SyntaxKind::STAR | SyntaxKind::DOT | SyntaxKind::COLON
            );
        if !alone {
            return false;
        }
        let follows_on_line = !self.token(1).first_on_line;
        matches!(word, "if" | "when")
            || words::is_clause(word)
                && follows_on_line
                && (self.nth(1).is_string() || matches!(self.nth(1), SyntaxKind::COLON))
            || token.first_on_line && words::effect(word).is_some() && follows_on_line && self.at_pattern(1)
            || token.first_on_line && self.nth(1) == SyntaxKind::LEFT_BRACE
    }

    fn several_patterns(&mut self) {
        let span = self.token(0).span;
        self.report(
            Diagnostic::error(codes::COMMA, span, "a rule names one tool")
                .with_help("write one rule for each tool, or a pattern such as `stripe/*`"),
        );
        self.open(SyntaxKind::ERROR);
        while self.eat(SyntaxKind::COMMA) && self.at_pattern(0) {
            self.pattern(false);
        }
        self.close();
    }
}
