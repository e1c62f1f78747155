//! What the typed view says for each form of the language, places left out; and that places are right.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use faramesh_syntax::ast::{
    BinaryOp, Body, Clause, Effect, Expr, Item, Name, Rule, Span, Spanned, Step, Value,
};
use faramesh_syntax::{parse, without_spans};

fn at<T>(node: T) -> Spanned<T> {
    Spanned { node, span: Span::default() }
}

fn name(text: &str) -> Name {
    at(text.to_owned())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn number(text: &str) -> Value {
    Value::Number(text.to_owned())
}

fn word(text: &str) -> Value {
    Value::Word(text.to_owned())
}

fn setting(key: &str, value: Value) -> Item {
    Item::Setting { key: name(key), value: at(value) }
}

fn block(keyword: &str, labels: &[&str], items: Vec<Item>) -> Item {
    let labels = labels.iter().map(|label| name(label)).collect();
    Item::Block { keyword: name(keyword), labels, body: Body { items: items.into_iter().map(at).collect() } }
}

fn rule(effect: Effect, pattern: &str) -> Rule {
    Rule { effect: at(effect), pattern: name(pattern), condition: None, clauses: Vec::new() }
}

fn clause(keyword: &str, key: Option<&str>, value: Value) -> Spanned<Clause> {
    at(Clause { keyword: name(keyword), key: key.map(name), value: at(value) })
}

fn path(root: &str, steps: &[Step]) -> Expr {
    Expr::Path { root: name(root), steps: steps.iter().cloned().map(at).collect() }
}

fn key(key: &str) -> Step {
    Step::Key(key.to_owned())
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::Binary { op: at(op), left: Box::new(at(left)), right: Box::new(at(right)) }
}

fn items(source: &str) -> Vec<Item> {
    let parsed = parse(source);
    assert_eq!(parsed.diagnostics(), [], "{source}");
    without_spans(parsed.ast()).items.into_iter().map(|item| item.node).collect()
}

fn condition(source: &str) -> Expr {
    match items(&format!("permit x if {source}")).remove(0) {
        Item::Rule(rule) => rule.condition.unwrap().node,
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_and_values() {
    let env =
        |default: Option<&str>| Value::Env { name: "A".to_owned(), default: default.map(str::to_owned) };
    for (source, value) in [
        ("\"a\\\\.b\"", text("a\\.b")),
        ("-3.14", number("-3.14")),
        ("1e3", number("1e3")),
        ("$10.00", Value::Money("10.00".to_owned())),
        ("-$5", Value::Money("-5".to_owned())),
        ("15m", Value::Duration("15m".to_owned())),
        ("500ms", Value::Duration("500ms".to_owned())),
        ("10mb", Value::Size("10mb".to_owned())),
        ("true", Value::Bool(true)),
        ("null", Value::Null),
        ("env(\"A\")", env(None)),
        ("env(\"A\", \"b\")", env(Some("b"))),
        ("sqlite", word("sqlite")),
        ("stripe/*", word("stripe/*")),
        (
            "[\"a\", stripe/*, b, 1,]",
            Value::List([text("a"), word("stripe/*"), word("b"), number("1")].map(at).to_vec()),
        ),
        ("args.amount", Value::Expr(Box::new(path("args", &[key("amount")])))),
        ("(a)", Value::Expr(Box::new(path("a", &[])))),
    ] {
        for separator in [" = ", " ", "\n=\n", "="] {
            if separator == "=" || !source.is_empty() {
                assert_eq!(
                    items(&format!("k{separator}{source}; other = 1"))[0],
                    setting("k", value.clone()),
                    "{source}"
                );
            }
        }
    }
}

#[test]
fn statements() {
    let money = |digits: &str| Value::Money(digits.to_owned());
    let rate =
        |options| Item::RateLimit { pattern: name("a/*"), count: name("5"), period: name("minute"), options };
    let redact = |paths, by| Item::Redact { tool: name("a"), target: name("args"), paths, seal: true, by };
    for (source, expected) in [
        ("import \"p@1.0.0\"", Item::Import { path: name("p@1.0.0"), alias: None }),
        ("import \"p@1.0.0\" as q", Item::Import { path: name("p@1.0.0"), alias: Some(name("q")) }),
        ("use q", Item::Use { alias: name("q"), overrides: None }),
        (
            "use q { a = 1 }",
            Item::Use {
                alias: name("q"),
                overrides: Some(Body { items: vec![at(setting("a", number("1")))] }),
            },
        ),
        ("default deny", setting("default", word("deny"))),
        ("var x = 1", Item::Var { name: name("x"), value: at(number("1")) }),
        ("var { x 1 }", Item::Var { name: name("x"), value: at(number("1")) }),
        (
            "budget daily { max $1000 on_exceed defer }",
            block(
                "budget",
                &["daily"],
                vec![setting("max", money("1000")), setting("on_exceed", word("defer"))],
            ),
        ),
        (
            "budget { id = \"d\" usd = 5 }",
            block("budget", &[], vec![setting("id", text("d")), setting("usd", number("5"))]),
        ),
        (
            "egress { allow = [\"a\"] deny [\"b\"] }",
            block(
                "egress",
                &[],
                vec![
                    setting("allow", Value::List(vec![at(text("a"))])),
                    setting("deny", Value::List(vec![at(text("b"))])),
                ],
            ),
        ),
        ("phase \"p\" { permit a }", block("phase", &["p"], vec![Item::Rule(rule(Effect::Permit, "a"))])),
        (
            "rules { permit a deny b }",
            Item::Rules([rule(Effect::Permit, "a"), rule(Effect::Deny, "b")].map(at).to_vec()),
        ),
        ("rate_limit \"a/*\": 5 per minute", rate(vec![])),
        (
            "rate_limit a/*: 5 per minute burst 2 scope = \"fleet\"",
            rate(vec![(name("burst"), at(number("2"))), (name("scope"), at(text("fleet")))]),
        ),
        ("redact a args: [\"x.y\"] seal", redact(vec![name("x.y")], None)),
        ("redact a args: [\"x.y\"] seal by \"x.id\"", redact(vec![name("x.y")], Some(name("x.id")))),
        (
            "trust { key \"h\" ed25519:a+/b== }",
            block(
                "trust",
                &[],
                vec![Item::TrustKey { owner: name("h"), algorithm: name("ed25519"), key: name("a+/b==") }],
            ),
        ),
        (
            "completion_gate { require \"x\" require called \"t/*\" }",
            block(
                "completion_gate",
                &[],
                vec![
                    Item::Require { condition: name("x"), argument: None },
                    Item::Require { condition: name("called"), argument: Some(name("t/*")) },
                ],
            ),
        ),
        (
            "manifest orchestrator \"a b\" undeclared deny",
            Item::ManifestOrchestrator { agent: name("a b"), undeclared: Some(name("deny")) },
        ),
        (
            "manifest grant a to b max 3 approval",
            Item::ManifestGrant { from: name("a"), to: name("b"), max: Some(name("3")), approval: true },
        ),
        ("pack \"p\" { version \"1\" }", block("pack", &["p"], vec![setting("version", text("1"))])),
    ] {
        assert_eq!(items(source), [expected], "{source}");
    }
}

#[test]
fn rules() {
    for (source, effect) in [
        ("permit", Effect::Permit),
        ("allow", Effect::Permit),
        ("approve", Effect::Permit),
        ("defer", Effect::Defer),
        ("deny", Effect::Deny),
        ("block", Effect::Deny),
        ("reject", Effect::Deny),
        ("deny!", Effect::DenyAlways),
    ] {
        assert_eq!(items(&format!("{source} a/b")), [Item::Rule(rule(effect, "a/b"))]);
    }
    for pattern in
        ["send_email", "stripe/*", "warehouse/*/write", "*_search", "*", "2fa/x-1", "30s/x", "if/x", "reason"]
    {
        assert_eq!(items(&format!("deny!{pattern}")), [Item::Rule(rule(Effect::DenyAlways, pattern))]);
    }
    let source = "defer \"odd:v1\" when a reason: \"r\" notify \"n\" host *.x.org port 443 method m query k=\"v\" header \"X Y\"=[\"a\"] reeval true approvals_required 2";
    let mut expected = rule(Effect::Defer, "odd:v1");
    expected.condition = Some(at(path("a", &[])));
    expected.clauses = vec![
        clause("reason", None, text("r")),
        clause("notify", None, text("n")),
        clause("host", None, text("*.x.org")),
        clause("port", None, number("443")),
        clause("method", None, word("m")),
        clause("query", Some("k"), text("v")),
        clause("header", Some("X Y"), Value::List(vec![at(text("a"))])),
        clause("reeval", None, Value::Bool(true)),
        clause("approvals_required", None, number("2")),
    ];
    assert_eq!(items(source), [Item::Rule(expected)]);
}

#[test]
fn conditions() {
    let a = || path("a", &[]);
    let not = |inner: Expr| Expr::Not(Box::new(at(inner)));
    let and = |left: Expr, right: Expr| Expr::And(Box::new(at(left)), Box::new(at(right)));
    let or = |left: Expr, right: Expr| Expr::Or(Box::new(at(left)), Box::new(at(right)));
    let method = |receiver: Expr, method: &str, args: Vec<Expr>| Expr::Method {
        receiver: Box::new(at(receiver)),
        name: name(method),
        args: args.into_iter().map(at).collect(),
    };
    let hour = || vec![(name("window"), at(Value::Duration("1h".to_owned())))];
    let tool = |pattern: &str, field: Option<&str>| Expr::Tool {
        pattern: pattern.to_owned(),
        field: field.map(str::to_owned),
    };
    let call = |function: &str, arg: Expr, named| Expr::Call {
        function: name(function),
        args: vec![at(arg)],
        named,
    };
    for (source, expected) in [
        ("a", a()),
        ("a.b[\"c d\"][0].e", path("a", &[key("b"), key("c d"), Step::Index(0), key("e")])),
        ("a or a and not a", or(a(), and(a(), not(a())))),
        ("a || a && !a", or(a(), and(a(), not(a())))),
        ("(a or a) and a", and(or(a(), a()), a())),
        ("not a == 1", not(binary(BinaryOp::Equal, a(), Expr::Value(number("1"))))),
        ("a and a and a", and(and(a(), a()), a())),
        ("a != -1", binary(BinaryOp::NotEqual, a(), Expr::Value(number("-1")))),
        ("a < $5", binary(BinaryOp::Less, a(), Expr::Value(Value::Money("5".to_owned())))),
        ("a <= a", binary(BinaryOp::LessEqual, a(), a())),
        ("a > a", binary(BinaryOp::Greater, a(), a())),
        ("a >= a", binary(BinaryOp::GreaterEqual, a(), a())),
        (
            "a in [1, \"x\"]",
            binary(BinaryOp::In, a(), Expr::Value(Value::List([number("1"), text("x")].map(at).to_vec()))),
        ),
        ("a not in [a]", binary(BinaryOp::NotIn, a(), Expr::List(vec![at(a())]))),
        ("a contains \"x\"", binary(BinaryOp::Contains, a(), Expr::Value(text("x")))),
        ("a matches \"^x\\\\.\"", binary(BinaryOp::Matches, a(), Expr::Value(text("^x\\.")))),
        (
            "a.b.starts_with(\"x\")",
            method(path("a", &[key("b")]), "starts_with", vec![Expr::Value(text("x"))]),
        ),
        ("a.lower().lower", method(method(a(), "lower", vec![]), "lower", vec![])),
        ("a.lower", path("a", &[key("lower")])),
        ("has(a)", call("has", a(), vec![])),
        ("session.calls", path("session", &[key("calls")])),
        (
            "session.sum(stripe/refund.amount, window=1h)",
            call("session.sum", tool("stripe/refund", Some("amount")), hour()),
        ),
        ("session.count(*)", call("session.count", tool("*", None), vec![])),
        (
            "history.contains(\"odd:v1\".x.y, window = 1h)",
            call("history.contains", tool("odd:v1", Some("x.y")), hour()),
        ),
    ] {
        assert_eq!(condition(source), expected, "{source}");
    }
}

#[test]
fn spans_are_where_things_are_written() {
    let source = "agent \"é\" {\n  deny! stripe/* if amount == $5  reason \"no\"\n}";
    let parsed = parse(source);
    let slice =
        |span: Span| &source[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()];
    let agent = &parsed.ast().items[0];
    assert_eq!(slice(agent.span), source);
    let Item::Block { keyword, labels, body } = &agent.node else { panic!() };
    assert_eq!((slice(keyword.span), slice(labels[0].span)), ("agent", "\"é\""));
    let Item::Rule(rule) = &body.items[0].node else { panic!() };
    assert_eq!(slice(body.items[0].span), "deny! stripe/* if amount == $5  reason \"no\"");
    assert_eq!((slice(rule.effect.span), slice(rule.pattern.span)), ("deny!", "stripe/*"));
    let condition = rule.condition.as_ref().unwrap();
    assert_eq!(slice(condition.span), "amount == $5");
    let Expr::Binary { op, left, right } = &condition.node else { panic!() };
    assert_eq!((slice(left.span), slice(op.span), slice(right.span)), ("amount", "==", "$5"));
    assert_eq!(
        (slice(rule.clauses[0].span), slice(rule.clauses[0].node.value.span)),
        ("reason \"no\"", "\"no\"")
    );
}
