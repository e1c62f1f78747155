//! What the corpus covers: every construct, word and kind of message of the language occurs in it.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use faramesh_check::codes;
use faramesh_check::definitions::{AGENT, CLAUSES, Definition, FILE, FUNCTIONS, METHODS, NAMES, Shape};
use faramesh_syntax::Code;
use faramesh_syntax::ast::{Body, Expr, Item, Rule, Spanned, Step, Value};

/// Kinds of message whose sources are too large to read; `limits.rs` and the tests of the syntax have them.
const TOO_LARGE_TO_READ: &[u16] = &[90, 92, 93, 94, 95, 96, 190, 290, 291];

/// The codes of the syntax.
const SYNTAX: &[std::ops::RangeInclusive<u16>] = &[1..=8, 10..=18, 20..=27, 30..=35, 90..=96];

#[test]
fn every_kind_of_message_has_a_mistake() {
    let mut told = String::new();
    for policy in faramesh_corpus::invalid() {
        told.push_str(&policy.expected());
    }
    let syntax = SYNTAX.iter().flat_map(|range| range.clone()).map(Code);
    let missing: Vec<Code> = syntax
        .chain(codes::ALL.iter().map(|known| known.code))
        .filter(|code| !TOO_LARGE_TO_READ.contains(&code.0) && !told.contains(&format!("[{code}]")))
        .collect();
    assert!(missing.is_empty(), "no mistake in tests/corpus/fpl/invalid gives {missing:?}");
}

#[test]
fn there_are_enough_policies_and_calls() {
    let policies = faramesh_corpus::valid();
    let decided = policies.iter().filter(|policy| !policy.cases().is_empty()).count();
    let calls: usize = policies.iter().map(|policy| policy.cases().len()).sum();
    assert!(decided >= 150, "{decided} policies have calls");
    assert!(calls >= 1_200, "{calls} calls");
    for policy in &policies {
        let is_example = !["seeds", "language"].contains(&policy.topic());
        assert!(!is_example || policy.cases().len() >= 5, "{} has too few calls", policy.name);
        assert!(
            !is_example || policy.source.starts_with("# "),
            "{} does not say what it is for",
            policy.name
        );
    }
}

#[test]
fn every_construct_occurs() {
    let mut seen = Seen::default();
    for policy in faramesh_corpus::valid().into_iter().chain(faramesh_corpus::packs()) {
        let parsed = faramesh_syntax::parse(&policy.source);
        seen.body("", parsed.ast());
    }
    let mut wanted = BTreeSet::new();
    constructs("", FILE, &mut wanted);
    constructs("agent", AGENT, &mut wanted);
    for (kind, words) in [("clause", CLAUSES), ("name", NAMES), ("function", FUNCTIONS), ("method", METHODS)]
    {
        wanted.extend(words.iter().map(|word| format!("{kind} {}", word.name)));
    }
    let missing: Vec<&String> = wanted.difference(&seen.constructs).collect();
    assert!(missing.is_empty(), "no policy in tests/corpus/fpl/valid has {missing:#?}");
}

/// `runtime.mode`, `agent.budget.max` and so on; agents within packs are agents.
fn constructs(block: &str, members: &'static [Definition], wanted: &mut BTreeSet<String>) {
    for definition in members {
        let name = path(block, definition.keyword);
        if let Shape::Block { members, .. } = definition.shape
            && definition.keyword != "agent"
        {
            constructs(&name, members, wanted);
        }
        wanted.insert(name);
    }
}

fn path(block: &str, keyword: &str) -> String {
    if block.is_empty() { keyword.to_owned() } else { format!("{block}.{keyword}") }
}

/// What was found in the corpus.
#[derive(Default)]
struct Seen {
    constructs: BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, block: &str, keyword: &str) {
        self.constructs.insert(path(block, keyword));
        // Blocks of an agent may stand in a file as defaults for all agents, and the other way round.
        if block.is_empty() {
            self.constructs.insert(path("agent", keyword));
        }
    }

    fn body(&mut self, block: &str, body: &Body) {
        for item in &body.items {
            match &item.node {
                Item::Import { .. } => self.add(block, "import"),
                Item::Use { .. } => self.add(block, "use"),
                Item::Setting { key, .. } => self.add(block, &key.node),
                Item::Var { .. } => self.add(block, "var"),
                Item::Block { keyword, body, .. } => {
                    self.add(block, &keyword.node);
                    let inner =
                        if keyword.node == "agent" { "agent".to_owned() } else { path(block, &keyword.node) };
                    self.body(&inner, body);
                    if block.is_empty() {
                        self.body(&path("agent", &keyword.node), body);
                    }
                }
                Item::Rules(rules) => {
                    self.add(block, "rules");
                    rules.iter().for_each(|rule| self.rule(&rule.node));
                }
                Item::Rule(rule) => {
                    self.add(block, "rules");
                    self.rule(rule);
                }
                Item::RateLimit { .. } => self.add(block, "rate_limit"),
                Item::Redact { .. } => self.add(block, "redact"),
                Item::TrustKey { .. } => self.add(block, "key"),
                Item::Require { .. } => self.add(block, "require"),
                Item::ManifestOrchestrator { .. } | Item::ManifestGrant { .. } => self.add(block, "manifest"),
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        for clause in &rule.clauses {
            self.constructs.insert(format!("clause {}", clause.node.keyword.node));
        }
        if let Some(condition) = &rule.condition {
            self.expression(&condition.node);
        }
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Not(inner) => self.expression(&inner.node),
            Expr::And(left, right) | Expr::Or(left, right) | Expr::Binary { left, right, .. } => {
                self.expression(&left.node);
                self.expression(&right.node);
            }
            Expr::Path { root, steps } => {
                self.constructs.insert(format!("name {}", root.node));
                self.steps(steps);
                if root.node == "session" {
                    self.steps_of_session(steps);
                }
            }
            Expr::Method { receiver, name, args } => {
                self.expression(&receiver.node);
                self.constructs.insert(format!("method {}", name.node));
                args.iter().for_each(|argument| self.expression(&argument.node));
            }
            Expr::Call { function, args, .. } => {
                self.constructs.insert(format!("function {}", function.node));
                args.iter().for_each(|argument| self.expression(&argument.node));
            }
            Expr::List(items) => items.iter().for_each(|item| self.expression(&item.node)),
            Expr::Value(Value::Expr(inner)) => self.expression(inner),
            Expr::Value(_) | Expr::Tool { .. } => {}
        }
    }

    /// Methods without parentheses read as the last steps of a path.
    fn steps(&mut self, steps: &[Spanned<Step>]) {
        if let Some(Step::Key(last)) = steps.last().map(|step| &step.node) {
            self.constructs.insert(format!("method {last}"));
        }
    }

    /// `session.calls` reads as a path, and is a function.
    fn steps_of_session(&mut self, steps: &[Spanned<Step>]) {
        if let Some(Step::Key(first)) = steps.first().map(|step| &step.node) {
            self.constructs.insert(format!("function session.{first}"));
        }
    }
}
