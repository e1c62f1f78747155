//! Statements: which one begins here, blocks and their bodies, settings. What has a form of its own
//! is in `forms`, rules are in `rule`.

use super::words::{self, LABELLED, ONLY_BLOCKS, STATEMENTS, Scope};
use super::{Opener, Parser};
use crate::ast::{Body, Item, Name, Span, Spanned};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;

type Items = Vec<Spanned<Item>>;

/// Most strings between a block's keyword and its `{`.
const LABELS: usize = 8;

impl Parser<'_> {
    pub(super) fn file(&mut self) -> Body {
        let mut items = Vec::new();
        loop {
            self.statements(Scope::Open, &mut items);
            if self.at(SyntaxKind::END) {
                return Body { items };
            }
            let span = self.token(0).span;
            self.report(
                Diagnostic::error(codes::NOTHING_TO_CLOSE, span, "this `}` closes nothing")
                    .with_help("remove it, or add the `{` that it belongs to")
                    .with_fix(span, "", "remove it"),
            );
            self.skip_one();
        }
    }

    /// Statements up to a `}`, the end, or what can only stand outside of the agent around it.
    pub(super) fn statements(&mut self, scope: Scope, items: &mut Items) {
        loop {
            match self.kind() {
                SyntaxKind::END | SyntaxKind::RIGHT_BRACE => return,
                SyntaxKind::SEMICOLON => {
                    self.bump();
                }
                _ if self.leaves_agent() => return,
                _ => {
                    let before = self.position;
                    self.statement(scope, items);
                    if self.position == before {
                        self.no_statement("a statement");
                        self.skip_one();
                    }
                }
            }
        }
    }

    /// Inside an agent, the beginning of something that never stands there: a `}` was forgotten before.
    fn leaves_agent(&mut self) -> bool {
        if self.agents == 0 || !self.token(0).first_on_line {
            return false;
        }
        match self.word() {
            "agent" | "provider" => self.nth(1).is_string() && self.nth(2) == SyntaxKind::LEFT_BRACE,
            "runtime" => self.nth(1) == SyntaxKind::LEFT_BRACE,
            "import" => self.nth(1).is_string(),
            _ => false,
        }
    }

    fn statement(&mut self, scope: Scope, items: &mut Items) {
        let span = self.token(0).span;
        match self.kind() {
            SyntaxKind::WORD => self.word_statement(scope, items),
            SyntaxKind::COMMA => {
                self.report(
                    Diagnostic::error(codes::COMMA, span, "statements are not separated by `,`")
                        .with_help("use a space, a new line or `;`")
                        .with_fix(span, "", "remove the comma"),
                );
                self.skip_one();
            }
            SyntaxKind::RIGHT_PAREN | SyntaxKind::RIGHT_BRACKET => self.nothing_to_close(),
            kind if kind.is_string() && self.nth(1) == SyntaxKind::EQUAL => {
                let name = self.string_text();
                self.report(
                    Diagnostic::error(codes::QUOTED_KEY, span, "the name of a setting has no quotes")
                        .with_help(format!("write `{name} = …`"))
                        .with_fix(span, name, "remove the quotes"),
                );
                self.setting(items);
            }
            _ => {
                let expected = if scope == Scope::Rules { "a rule" } else { "a statement" };
                self.no_statement(expected);
                self.skip_one();
                self.recover();
            }
        }
    }

    /// `if` and its like where a statement begins.
    fn loose_condition(&mut self, word: &str) {
        let span = self.token(0).span;
        self.report(
            Diagnostic::error(codes::CONDITION_PLACE, span, format!("`{word}` belongs to no rule here"))
                .with_help("a condition stands directly after the tool: `permit refund if amount < 5`"),
        );
        self.skip_one();
        self.recover();
    }

    fn no_statement(&mut self, expected: &str) {
        let span = self.token(0).span;
        let found = self.describe();
        let unknown = self.at(SyntaxKind::UNKNOWN);
        let code = if unknown { codes::UNEXPECTED_CHARACTER } else { codes::UNEXPECTED };
        self.report(
            Diagnostic::error(code, span, format!("expected {expected}, found {found}"))
                .with_help("a statement begins with a word such as `permit`, `agent` or `mode`"),
        );
    }

    /// Reports and skips a closing sign without an opening one.
    pub(super) fn nothing_to_close(&mut self) {
        let span = self.token(0).span;
        let sign = self.describe();
        self.report(
            Diagnostic::error(codes::NOTHING_TO_CLOSE, span, format!("this {sign} closes nothing"))
                .with_help("remove it")
                .with_fix(span, "", "remove it"),
        );
        self.skip_one();
    }

    fn string_text(&mut self) -> String {
        let span = self.token(0).span;
        self.slice(span).trim_matches(|sign: char| !sign.is_alphanumeric()).to_owned()
    }

    fn word_statement(&mut self, scope: Scope, items: &mut Items) {
        let word = self.word();
        let next = self.nth(1);
        if words::RESERVED.contains(&word) {
            return self.loose_condition(word);
        }
        if scope == Scope::Rules {
            return self.rules_statement(items);
        }
        if next == SyntaxKind::EQUAL {
            return self.setting(items);
        }
        if words::effect(word).is_some() && scope != Scope::Keys && next != SyntaxKind::LEFT_BRACKET {
            return self.rule_item(scope, items);
        }
        match word {
            "import" => return self.import(items),
            "use" if next == SyntaxKind::WORD || self.token(1).first_on_line => {
                return self.use_pack(items);
            }
            "var" if next == SyntaxKind::LEFT_BRACE => return self.var_block(items),
            "var" if next == SyntaxKind::WORD => return self.var(items),
            "rate_limit" if self.block_labels().is_none() => return self.rate_limit(items),
            "redact" if next != SyntaxKind::LEFT_BRACE => return self.redact(items),
            "manifest" if next == SyntaxKind::WORD => return self.manifest(items),
            "key" if scope == Scope::Trust => return self.trust_key(items),
            "require" if scope == Scope::Gate => return self.require(items),
            _ => {}
        }
        if let Some(labels) = self.block_labels() {
            return self.block(labels, items);
        }
        if scope == Scope::Open && self.misspelt_rule(items) {
            return;
        }
        self.setting(items);
    }

    /// How many labels stand between the word at hand and a `{`; nothing if this is no block.
    fn block_labels(&mut self) -> Option<usize> {
        let mut labels = 0;
        while labels < LABELS && self.nth(1 + labels).is_string() {
            labels += 1;
        }
        if labels == 0 && self.nth(1) == SyntaxKind::WORD && self.nth(2) == SyntaxKind::LEFT_BRACE {
            // `default` without a value before `rules {` is no block with the label `rules`.
            let label = self.word_at(1);
            let word = self.word();
            let is_next = STATEMENTS.contains(&label) && !LABELLED.contains(&word);
            labels = usize::from(!is_next);
        }
        if self.nth(1 + labels) == SyntaxKind::LEFT_BRACE {
            return Some(labels);
        }
        let word = self.word();
        let forgotten =
            ONLY_BLOCKS.contains(&word) && !matches!(self.nth(1), SyntaxKind::EQUAL | SyntaxKind::COLON);
        if !forgotten {
            return None;
        }
        if labels == 0
            && self.nth(1) == SyntaxKind::WORD
            && !self.token(1).first_on_line
            && self.nth(2) != SyntaxKind::EQUAL
        {
            labels = 1;
        }
        Some(labels)
    }

    pub(super) fn block(&mut self, labels: usize, items: &mut Items) {
        let statement = self.position;
        let start = self.here();
        let word = self.word();
        let scope = Scope::of(word);
        self.open(if word == "rules" { SyntaxKind::RULES } else { SyntaxKind::BLOCK });
        let keyword = self.name();
        let labels: Vec<_> = (0..labels).map(|_| self.label()).collect();
        let body = self.body(scope, statement, &keyword);
        self.close();
        let Some(body) = body else { return };
        let span = self.span_from(start);
        let node = if scope == Scope::Rules {
            if let Some(label) = labels.first() {
                self.report(
                    Diagnostic::error(codes::BAD_STATEMENT, label.span, "`rules` has no name")
                        .with_help("write `rules { … }`")
                        .with_fix(label.span, "", "remove the name"),
                );
            }
            Item::Rules(body.items.into_iter().filter_map(into_rule).collect())
        } else {
            Item::Block { keyword, labels, body }
        };
        items.push(Spanned { node, span });
    }

    pub(super) fn label(&mut self) -> Spanned<String> {
        if self.kind().is_string() { self.string() } else { self.name() }
    }

    /// `{ … }` after `keyword`, whose statement began at token `statement`.
    pub(super) fn body(&mut self, scope: Scope, statement: usize, keyword: &Name) -> Option<Body> {
        let opener = self.opener(statement);
        self.nested(|parser| {
            let opener =
                if parser.at(SyntaxKind::LEFT_BRACE) { opener } else { parser.missing_body(keyword) };
            parser.open(SyntaxKind::BODY);
            parser.eat(SyntaxKind::LEFT_BRACE);
            let is_agent = keyword.node == "agent";
            parser.agents += u32::from(is_agent);
            let mut items = Vec::new();
            parser.statements(scope, &mut items);
            parser.agents -= u32::from(is_agent);
            parser.close_block(opener);
            parser.close();
            Some(Body { items })
        })
    }

    /// The body is read as if its `{` were there; what then lacks a `}` is the same mistake.
    fn missing_body(&mut self, keyword: &Name) -> Opener {
        let at = Span { start: self.last_end, end: self.last_end };
        let mut found =
            Diagnostic::error(codes::MISSING_BODY, keyword.span, format!("`{}` has no `{{`", keyword.node))
                .with_help(format!("write `{} … {{` before its contents and `}}` after them", keyword.node));
        // Where nothing follows, the `}` is missing as well.
        if !self.at(SyntaxKind::END) {
            found = found.with_fix(at, " {", "add `{`");
        }
        self.report(found);
        Opener { span: keyword.span, indent: None }
    }

    /// `key = value` or `key value`.
    pub(super) fn setting(&mut self, items: &mut Items) {
        let start = self.here();
        self.open(SyntaxKind::SETTING);
        let key = if self.at(SyntaxKind::WORD) { self.name() } else { self.string() };
        let value = self.assigned(&key);
        self.close();
        if let Some(value) = value {
            let span = self.span_from(start);
            items.push(Spanned { node: Item::Setting { key, value }, span });
        } else {
            self.recover();
        }
    }

    /// The value of `key`, with or without `=`; reports what is missing.
    pub(super) fn assigned(&mut self, key: &Name) -> Option<Spanned<crate::ast::Value>> {
        let sign = self.token(0);
        let assigned = match sign.kind {
            SyntaxKind::EQUAL => {
                self.bump();
                true
            }
            SyntaxKind::COLON | SyntaxKind::EQUAL_EQUAL | SyntaxKind::FOREIGN_OPERATOR => {
                let text = self.slice(sign.span).to_owned();
                self.report(
                    Diagnostic::error(
                        codes::COLON_IN_SETTING,
                        sign.span,
                        format!("a setting is not written with `{text}`"),
                    )
                    .with_help(format!("write `{} = …`", key.node))
                    .with_fix(
                        sign.span,
                        if text == ":" { " =" } else { "=" },
                        "write `=`",
                    ),
                );
                self.bump();
                true
            }
            _ => false,
        };
        let takes_effect = matches!(
            key.node.as_str(),
            "default" | "on_exceed" | "on" | "ceiling" | "on_unavailable" | "on_timeout"
        ) && words::effect(self.word()).is_some();
        if !takes_effect && self.lacks_value() {
            let message = format!("`{}` has no value", key.node);
            let mut found = Diagnostic::error(codes::MISSING_VALUE, key.span, message);
            found = if ONLY_BLOCKS.contains(&key.node.as_str()) || !assigned && self.at(SyntaxKind::END) {
                found.with_help(format!("write `{} = …`, or `{} {{ … }}` for a block", key.node, key.node))
            } else {
                found.with_help(format!("write `{} = …`", key.node))
            };
            self.report(found);
            return None;
        }
        self.setting_value(assigned)
    }

    /// Whether what comes next is another statement or an end, and so no value.
    pub(super) fn lacks_value(&mut self) -> bool {
        use SyntaxKind as K;
        let token = self.token(0);
        let next = self.nth(1);
        match token.kind {
            K::END | K::RIGHT_BRACE | K::SEMICOLON | K::COMMA | K::RIGHT_BRACKET | K::RIGHT_PAREN => true,
            K::WORD if matches!(next, K::EQUAL | K::LEFT_BRACE) => true,
            K::WORD => self.next_statement_begins(),
            _ => false,
        }
    }
}

fn into_rule(item: Spanned<Item>) -> Option<Spanned<crate::ast::Rule>> {
    match item.node {
        Item::Rule(node) => Some(Spanned { node, span: item.span }),
        _ => None,
    }
}
