//! Statements with a form of their own: `import`, `use`, `var`, `rate_limit`, `redact`, trust keys,
//! `require` and `manifest`. Each reports its first wrong part and leaves the rest of it unread.

use super::Parser;
use super::words::Scope;
use crate::ast::{Item, Name, Spanned, Value};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::kind::SyntaxKind;

type Items = Vec<Spanned<Item>>;

impl Parser<'_> {
    /// Runs `inner` as one statement: its node, its item, or recovery after what it reported.
    fn form(&mut self, kind: SyntaxKind, items: &mut Items, inner: impl FnOnce(&mut Self) -> Option<Item>) {
        let start = self.here();
        self.open(kind);
        let item = inner(self);
        self.close();
        match item {
            Some(node) => items.push(Spanned { node, span: self.span_from(start) }),
            None => self.recover(),
        }
    }

    /// Reports that this statement lacks `expected` and shows the whole of how it is written.
    fn bad_statement<T>(&mut self, expected: &str, form: &str) -> Option<T> {
        let (span, message) = self.expected(expected);
        self.report(
            Diagnostic::error(codes::BAD_STATEMENT, span, message).with_help(format!("write `{form}`")),
        );
        None
    }

    pub(super) fn import(&mut self, items: &mut Items) {
        self.form(SyntaxKind::IMPORT, items, |parser| {
            parser.bump();
            if !parser.kind().is_string() {
                return parser.bad_statement("the address in quotes", "import \"host/path@1.2.3\" as name");
            }
            let path = parser.string();
            let alias = if parser.eat_word("as") {
                if !parser.at(SyntaxKind::WORD) || parser.next_statement_begins() {
                    return parser.bad_statement("a name", "import \"host/path@1.2.3\" as name");
                }
                Some(parser.name())
            } else {
                None
            };
            Some(Item::Import { path, alias })
        });
    }

    pub(super) fn use_pack(&mut self, items: &mut Items) {
        let statement = self.position;
        self.form(SyntaxKind::USE, items, |parser| {
            let keyword = parser.name();
            if !parser.at(SyntaxKind::WORD) || parser.next_statement_begins() {
                return parser.bad_statement("the name of an import", "use name { variable = value }");
            }
            let alias = parser.name();
            let overrides = if parser.at(SyntaxKind::LEFT_BRACE) {
                Some(parser.body(Scope::Settings, statement, &keyword)?)
            } else {
                None
            };
            Some(Item::Use { alias, overrides })
        });
    }

    pub(super) fn var(&mut self, items: &mut Items) {
        self.form(SyntaxKind::VAR, items, |parser| {
            parser.bump();
            let name = parser.name();
            let value = parser.assigned(&name)?;
            Some(Item::Var { name, value })
        });
    }

    pub(super) fn var_block(&mut self, items: &mut Items) {
        let statement = self.position;
        self.open(SyntaxKind::BLOCK);
        let keyword = self.name();
        let body = self.body(Scope::Settings, statement, &keyword);
        self.close();
        for item in body.into_iter().flat_map(|body| body.items) {
            match item.node {
                Item::Setting { key, value } => {
                    items.push(Spanned { node: Item::Var { name: key, value }, span: item.span })
                }
                _ => self.report(
                    Diagnostic::error(codes::BAD_STATEMENT, item.span, "only variables belong in `var`")
                        .with_help("write `name = value`"),
                ),
            }
        }
    }

    pub(super) fn rate_limit(&mut self, items: &mut Items) {
        const FORM: &str = "rate_limit \"tool/*\": 10 per minute";
        self.form(SyntaxKind::RATE_LIMIT, items, |parser| {
            parser.bump();
            let Some(pattern) = parser.pattern(true) else { return parser.bad_statement("a tool", FORM) };
            parser.eat(SyntaxKind::COLON);
            if !parser.at(SyntaxKind::NUMBER) {
                return parser.bad_statement("how many calls", FORM);
            }
            let count = parser.verbatim();
            let per = parser.eat_word("per") || parser.eat(SyntaxKind::SLASH);
            let is_period =
                matches!(parser.kind(), SyntaxKind::WORD | SyntaxKind::DURATION) || parser.kind().is_string();
            if !per {
                return parser.bad_statement("`per`", FORM);
            }
            if !is_period || parser.lacks_value() {
                return parser.bad_statement("`second`, `minute`, `hour`, `day` or a duration", FORM);
            }
            let period = if parser.kind().is_string() { parser.string() } else { parser.verbatim() };
            let mut options: Vec<(Name, _)> = Vec::new();
            while matches!(parser.word(), "burst" | "scope") {
                let key = parser.name();
                let value = parser.assigned(&key)?;
                options.push((key, value));
            }
            Some(Item::RateLimit { pattern, count, period, options })
        });
    }

    pub(super) fn redact(&mut self, items: &mut Items) {
        const FORM: &str = "redact tool args: [\"field.name\"]";
        const BY: &str = "redact tool args: [\"customer.email\"] seal by \"customer.id\"";
        self.form(SyntaxKind::REDACT, items, |parser| {
            parser.bump();
            let Some(tool) = parser.pattern(false) else { return parser.bad_statement("a tool", FORM) };
            if !parser.at(SyntaxKind::WORD) {
                return parser.bad_statement("`args`", FORM);
            }
            let target = parser.name();
            if !parser.eat(SyntaxKind::COLON) {
                parser.eat(SyntaxKind::EQUAL);
            }
            if !parser.at(SyntaxKind::LEFT_BRACKET) && !parser.kind().is_string() {
                return parser.bad_statement("a list of fields", FORM);
            }
            let value = parser.setting_value(false)?;
            let elements = match value.node {
                Value::List(elements) => elements,
                node => vec![Spanned { node, span: value.span }],
            };
            let mut paths = Vec::with_capacity(elements.len());
            for element in elements {
                let Value::String(node) = element.node else {
                    parser.report(
                        Diagnostic::error(
                            codes::NEEDS_QUOTES,
                            element.span,
                            "a field to redact is written in quotes",
                        )
                        .with_help(format!("write `{FORM}`")),
                    );
                    return None;
                };
                paths.push(Spanned { node, span: element.span });
            }
            let seal = parser.eat_word("seal");
            let by = if seal && parser.eat_word("by") {
                if !parser.kind().is_string() {
                    return parser.bad_statement("the argument that names the person, in quotes", BY);
                }
                Some(parser.string())
            } else {
                None
            };
            Some(Item::Redact { tool, target, paths, seal, by })
        });
    }

    pub(super) fn trust_key(&mut self, items: &mut Items) {
        const FORM: &str = "key \"host/path\" ed25519:…";
        self.form(SyntaxKind::TRUST_KEY, items, |parser| {
            parser.bump();
            if !parser.kind().is_string() {
                return parser.bad_statement("whose key it is, in quotes", FORM);
            }
            let owner = parser.string();
            if !parser.at(SyntaxKind::WORD) {
                return parser.bad_statement("the kind of key", FORM);
            }
            let algorithm = parser.name();
            if !parser.eat(SyntaxKind::COLON) {
                return parser.bad_statement("`:` and the key", FORM);
            }
            let mut count = 0;
            while is_key_material(parser.nth(count)) && (count == 0 || parser.token(count).touches) {
                count += 1;
            }
            if count == 0 {
                return parser.bad_statement("the key in base64", FORM);
            }
            let span = parser.bump_joined(SyntaxKind::KEY_MATERIAL, count);
            let node = parser.slice(span).to_owned();
            Some(Item::TrustKey { owner, algorithm, key: Spanned { node, span } })
        });
    }

    pub(super) fn require(&mut self, items: &mut Items) {
        const FORM: &str = "require \"no_pending_approvals\"` or `require called \"tool\"";
        self.form(SyntaxKind::REQUIRE, items, |parser| {
            parser.bump();
            if parser.lacks_value() || !(parser.at(SyntaxKind::WORD) || parser.kind().is_string()) {
                return parser.bad_statement("what is required", FORM);
            }
            let condition = parser.label();
            let argument = if condition.node == "called" {
                let argument = parser.pattern(false);
                if argument.is_none() {
                    return parser.bad_statement("a tool", FORM);
                }
                argument
            } else {
                None
            };
            Some(Item::Require { condition, argument })
        });
    }

    pub(super) fn manifest(&mut self, items: &mut Items) {
        const FORMS: &str = "manifest orchestrator A undeclared deny` or `manifest grant A to B max 10";
        self.form(SyntaxKind::MANIFEST, items, |parser| {
            parser.bump();
            if parser.eat_word("orchestrator") {
                let Some(agent) = parser.agent_name() else { return parser.bad_statement("an agent", FORMS) };
                let undeclared = if parser.eat_word("undeclared") {
                    if !parser.at(SyntaxKind::WORD) || parser.next_statement_begins() {
                        return parser.bad_statement("`deny` or `defer`", FORMS);
                    }
                    Some(parser.name())
                } else {
                    None
                };
                return Some(Item::ManifestOrchestrator { agent, undeclared });
            }
            if !parser.eat_word("grant") {
                return parser.bad_statement("`orchestrator` or `grant`", FORMS);
            }
            let Some(from) = parser.agent_name() else { return parser.bad_statement("an agent", FORMS) };
            if !parser.eat_word("to") {
                return parser.bad_statement("`to`", FORMS);
            }
            let Some(to) = parser.agent_name() else { return parser.bad_statement("an agent", FORMS) };
            let max = if parser.eat_word("max") {
                if !parser.at(SyntaxKind::NUMBER) {
                    return parser.bad_statement("a number", FORMS);
                }
                Some(parser.verbatim())
            } else {
                None
            };
            let approval = parser.eat_word("approval");
            Some(Item::ManifestGrant { from, to, max, approval })
        });
    }

    fn agent_name(&mut self) -> Option<Spanned<String>> {
        let is_name = self.at(SyntaxKind::WORD) && !self.next_statement_begins() && !self.at_word("to");
        (is_name || self.kind().is_string()).then(|| self.label())
    }

    /// Consumes one token and gives it as it is written.
    pub(super) fn verbatim(&mut self) -> Spanned<String> {
        self.name()
    }
}

fn is_key_material(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    kind.is_number() && kind != K::MONEY
        || matches!(kind, K::WORD | K::SLASH | K::PLUS | K::MINUS | K::EQUAL | K::EQUAL_EQUAL)
}
