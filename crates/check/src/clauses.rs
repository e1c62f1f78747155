//! Clauses of rules: what people are told, and which requests a rule is narrowed to.

use faramesh_program::image::{Constant, RuleEffect, Scalar};
use faramesh_syntax::ast::{self, Span, Spanned, Value};
use faramesh_syntax::{nearest, quote};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, CLAUSES, Status};
use crate::members::with_nearest;
use crate::rules::Reading;
use crate::scope::Written;
use crate::stack::{Clause, ClauseKind, Rule};

/// Most people that one approval can ask for.
const APPROVERS: u32 = 100;

/// Methods that may stand without quotes.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// Longest value with a `*`, in bytes: its regular expression must stay within the language's limit.
const GLOB_BYTES: usize = 400;

impl Checker<'_> {
    pub fn clauses(&mut self, clauses: &[Spanned<ast::Clause>], rule: &mut Rule, reading: &mut Reading<'_>) {
        let mut seen: Vec<(String, Span)> = Vec::new();
        for clause in clauses {
            let word = clause.node.keyword.node.as_str();
            let Some(definition) = definitions::word(CLAUSES, word) else {
                let near = nearest(word, CLAUSES.iter().map(|word| word.name));
                let diagnostic =
                    codes::UNKNOWN_KEY.at(clause.node.keyword.span, format!("a rule has no clause `{word}`"));
                self.report(with_nearest(diagnostic, near, clause.node.keyword.span, || {
                    "remove it".to_owned()
                }));
                continue;
            };
            if definition.status == Status::NotYet {
                self.not_yet(word, clause.node.keyword.span);
            }
            let name = clause_name(&clause.node);
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name && word != "notify") {
                let help = match word {
                    "reason" | "explain" | "reeval" | "approvals_required" => {
                        "keep one of the two".to_owned()
                    }
                    "query" | "header" => format!("write alternatives as a list: `{name}=[\"…\", \"…\"]`"),
                    _ => format!("write alternatives as a list: `{name} [\"…\", \"…\"]`"),
                };
                let diagnostic =
                    codes::DUPLICATE_CLAUSE.at(clause.span, format!("`{name}` is written twice"));
                self.report(diagnostic.with_help(help).with_label(*first, "the first one"));
                continue;
            }
            seen.push((name, clause.span));
            self.clause(clause, rule, reading);
        }
    }

    fn clause(&mut self, clause: &Spanned<ast::Clause>, rule: &mut Rule, reading: &mut Reading<'_>) {
        let word = clause.node.keyword.node.as_str();
        let value = &clause.node.value;
        match word {
            "reason" => rule.reason = self.clause_texts(word, value, reading).and_then(single),
            "notify" => self.notify(value, rule, reading),
            "explain" => rule.explain = self.clause_bool(word, value, false).unwrap_or(true),
            "reeval" => rule.reeval = self.clause_bool(word, value, true).unwrap_or(false),
            "approvals_required" => self.approvals_required(value, rule),
            _ => rule.clauses.extend(self.narrowing(clause, reading)),
        }
    }

    fn clause_bool(&mut self, word: &str, value: &Spanned<Value>, example: bool) -> Option<bool> {
        if let Value::Bool(value) = value.node {
            return Some(value);
        }
        let message = format!("`{word}` takes `true` or `false`");
        self.say(codes::BAD_CLAUSE_VALUE, value.span, message, format!("write `{word} {example}`"));
        None
    }

    /// Words for approvers, channels, and targets, which must be some that can be reached.
    fn notify(&mut self, value: &Spanned<Value>, rule: &mut Rule, reading: &mut Reading<'_>) {
        for text in self.clause_texts("notify", value, reading).unwrap_or_default() {
            if text.contains("://") {
                rule.notify.extend(self.target("notify", &Spanned { node: text, span: value.span }));
            } else {
                rule.notify.push(text);
            }
        }
    }

    fn approvals_required(&mut self, value: &Spanned<Value>, rule: &mut Rule) {
        let number = match &value.node {
            Value::Number(text) => text.parse::<u32>().ok().filter(|count| (1..=APPROVERS).contains(count)),
            _ => None,
        };
        let Some(number) = number else {
            let message = format!("`approvals_required` takes a whole number from 1 to {APPROVERS}");
            self.say(codes::BAD_CLAUSE_VALUE, value.span, message, "write `approvals_required 2`");
            return;
        };
        rule.approvals_required = number;
        if rule.effect != RuleEffect::Defer {
            let message =
                format!("only a `defer` waits for approvals, and this is a `{}`", rule.effect.as_str());
            self.say(
                codes::BAD_CLAUSE_VALUE,
                value.span,
                message,
                "remove `approvals_required`, or write `defer`",
            );
        }
    }

    /// Texts that people read.
    fn clause_texts(
        &mut self,
        word: &str,
        value: &Spanned<Value>,
        reading: &mut Reading<'_>,
    ) -> Option<Vec<String>> {
        let written = self.clause_value(word, value, reading)?;
        let scalars = match written.constant {
            Constant::Scalar(scalar) => vec![scalar],
            Constant::List(scalars) => scalars,
        };
        let texts: Option<Vec<String>> = scalars.into_iter().map(text).collect();
        let texts = texts.filter(|texts| !texts.is_empty() && (word == "notify" || texts.len() == 1));
        if texts.is_none() {
            let what = if word == "notify" { "a text or a list of texts" } else { "one text" };
            self.say(
                codes::BAD_CLAUSE_VALUE,
                value.span,
                format!("`{word}` takes {what}"),
                format!("write `{word} \"…\"`"),
            );
        }
        texts
    }

    /// A clause that narrows what the rule matches.
    fn narrowing(&mut self, clause: &Spanned<ast::Clause>, reading: &mut Reading<'_>) -> Option<Clause> {
        let word = clause.node.keyword.node.as_str();
        let value = &clause.node.value;
        let name = clause_name(&clause.node);
        let key = || clause.node.key.as_ref().map(|key| key.node.clone()).unwrap_or_default();
        let kind = match word {
            "host" => ClauseKind::Host,
            "port" => ClauseKind::Port,
            "method" => ClauseKind::Method,
            "path" => ClauseKind::Path,
            "query" => ClauseKind::Query(key()),
            _ => ClauseKind::Header(key().to_ascii_lowercase()),
        };
        let written = self.clause_value(word, value, reading)?;
        let scalars = match written.constant {
            Constant::Scalar(scalar) => vec![scalar],
            Constant::List(scalars) => scalars,
        };
        if scalars.is_empty() {
            let message = format!("`{name}` has an empty list, so the rule never matches");
            self.say(
                codes::BAD_CLAUSE_VALUE,
                value.span,
                message,
                "write at least one value, or remove the rule",
            );
            return None;
        }
        let values: Option<Vec<Scalar>> =
            scalars.into_iter().map(|scalar| self.clause_scalar(&kind, &name, scalar, value.span)).collect();
        let text = match &kind {
            ClauseKind::Query(key) | ClauseKind::Header(key) => {
                let key = if is_word(key) { key.clone() } else { quote(key) };
                format!("{word} {key}={}", written.text)
            }
            _ => format!("{word} {}", written.text),
        };
        Some(Clause { kind, text, values: values?, span: clause.span })
    }

    fn clause_scalar(&mut self, kind: &ClauseKind, name: &str, scalar: Scalar, span: Span) -> Option<Scalar> {
        let (message, help) = match (kind, scalar) {
            (ClauseKind::Port, Scalar::Number(number))
                if number.parse::<u16>().is_ok_and(|port| port > 0) =>
            {
                return Some(Scalar::Number(number));
            }
            (ClauseKind::Port, Scalar::String(text))
                if text.parse::<u16>().is_ok_and(|port| port > 0) && self.first_byte(span) == Some(b'"') =>
            {
                let found = codes::BAD_CLAUSE_VALUE.at(span, "`port` takes a number from 1 to 65535");
                let help = "write `port 443` or `port [80, 443]`";
                self.report(found.with_help(help).with_fix(span, text, "remove the quotes"));
                return None;
            }
            (ClauseKind::Port, _) => (
                "`port` takes a number from 1 to 65535".to_owned(),
                "write `port 443` or `port [80, 443]`".to_owned(),
            ),
            // `query page=1 query dry_run=true`: what is compared is text.
            (ClauseKind::Query(_) | ClauseKind::Header(_), Scalar::Number(number)) => {
                return Some(Scalar::String(number));
            }
            (ClauseKind::Query(_) | ClauseKind::Header(_), Scalar::Bool(value)) => {
                return Some(Scalar::String(value.to_string()));
            }
            (kind, Scalar::String(text)) => match misfit(kind, &text) {
                None => return Some(Scalar::String(text)),
                Some(help) => (format!("`{name}` cannot be `{text}`"), help),
            },
            _ => (format!("`{name}` takes a text or a list of texts"), format!("write `{name} \"…\"`")),
        };
        self.say(codes::BAD_CLAUSE_VALUE, span, message, help);
        None
    }

    /// The constant that a clause names, with variables resolved.
    fn clause_value(
        &mut self,
        word: &str,
        value: &Spanned<Value>,
        reading: &mut Reading<'_>,
    ) -> Option<Written> {
        match &value.node {
            Value::List(items) => {
                let mut scalars = Vec::with_capacity(items.len());
                let mut texts = Vec::with_capacity(items.len());
                for item in items {
                    let element = self.clause_value(word, item, reading)?;
                    match element.constant {
                        Constant::Scalar(scalar) => scalars.push(scalar),
                        Constant::List(_) => {
                            let message = "a list cannot stand in a list";
                            self.say(
                                codes::WRONG_VALUE,
                                item.span,
                                message,
                                "write the elements of both in one list",
                            );
                            return None;
                        }
                    }
                    texts.push(element.text);
                }
                Some(Written { constant: Constant::List(scalars), text: format!("[{}]", texts.join(", ")) })
            }
            Value::Word(name) => match reading.scope.get(name) {
                Some(written) => {
                    reading.resolved.insert(name.clone(), written.text.clone());
                    Some(Written { constant: written.constant.clone(), text: name.clone() })
                }
                None if word == "method" && METHODS.contains(&name.to_ascii_uppercase().as_str()) => {
                    Some(Written {
                        constant: Constant::Scalar(Scalar::String(name.clone())),
                        text: quote(name),
                    })
                }
                None => {
                    let near = nearest(name, reading.scope.names());
                    let diagnostic =
                        codes::UNKNOWN_VARIABLE.at(value.span, format!("there is no variable `{name}`"));
                    self.report(with_nearest(diagnostic, near, value.span, || {
                        format!("a text stands in quotes: `{}`", quote(name))
                    }));
                    None
                }
            },
            Value::Env { name, .. } => {
                let written = self.constant(value)?;
                let text = format!("env({})", quote(name));
                reading.resolved.insert(text.clone(), written.text);
                Some(Written { constant: written.constant, text })
            }
            _ => self.constant(value),
        }
    }
}

/// `host`, `query page`, `header x-team`
fn clause_name(clause: &ast::Clause) -> String {
    match (&clause.key, clause.keyword.node.as_str()) {
        (Some(key), "header") => format!("header {}", key.node.to_ascii_lowercase()),
        (Some(key), word) => format!("{word} {}", key.node),
        (None, word) => word.to_owned(),
    }
}

fn text(scalar: Scalar) -> Option<String> {
    if let Scalar::String(text) = scalar { Some(text) } else { None }
}

fn single(texts: Vec<String>) -> Option<String> {
    texts.into_iter().next()
}

fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Why a text cannot be the value of a clause, as what to write instead.
fn misfit(kind: &ClauseKind, text: &str) -> Option<String> {
    if text.contains('*') && text.len() > GLOB_BYTES {
        return Some(format!("a value with `*` has at most {GLOB_BYTES} bytes"));
    }
    let help = match kind {
        ClauseKind::Host if text.contains("://") || text.contains('/') => {
            "a host has no scheme and no path: write `host \"api.example.com\"`, and `path` for the rest"
        }
        ClauseKind::Host
            if text.rsplit_once(':').is_some_and(|(host, port)| !host.contains(':') && is_number(port)) =>
        {
            "a host has no port: write `host \"…\" port …`"
        }
        ClauseKind::Host if text.split('.').any(str::is_empty) || text.contains(char::is_whitespace) => {
            "write a host such as `api.example.com` or `*.example.com`"
        }
        ClauseKind::Method
            if text.is_empty()
                || !text.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-*".contains(&byte)) =>
        {
            "write a method such as `GET`"
        }
        ClauseKind::Path if text.is_empty() => "write a path such as `/v1/refunds/*`",
        ClauseKind::Path if text.contains(['?', '#']) => {
            "a path ends before `?` and `#`: write `query name=\"…\"` for the rest"
        }
        ClauseKind::Path if text.contains("**") => {
            "one `*` at the end, as in `/v1/*`, covers every level below"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
