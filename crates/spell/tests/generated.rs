//! Trees of every construct with awkward texts: written in each spelling and read again, they mean the
//! same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use faramesh_spell::{Spelling, means_the_same, read, write};
use faramesh_syntax::ast::{Body, Clause, Effect, Expr, Item, Rule, Span, Spanned, Value};
use faramesh_syntax::parse;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop, prop_oneof, proptest};
use proptest::test_runner::Config;

fn at<T>(node: T) -> Spanned<T> {
    Spanned { node, span: Span::default() }
}

fn text() -> BoxedStrategy<String> {
    let awkward = [
        "yes",
        "no",
        "on",
        "null",
        "~",
        "true",
        "1",
        "1.10",
        "0755",
        "1e3",
        "$500",
        "15m",
        "10mb",
        "env(\"X\")",
        "a: b",
        "a #b",
        "# a",
        "- a",
        "'",
        "\"",
        "\\",
        "{a}",
        "[a]",
        "a, b",
        "*",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`",
        "a:",
        " a",
        "a ",
        "",
        "two\nlines",
        "two\nlines\n",
        "\n",
        "a\n\nb",
        "  a\nb",
        "a\tb",
        "\u{202e}",
        "\u{feff}",
        "é",
        "😀",
        "2024-01-01",
        "1:20",
        "---",
        "...",
        "? a",
        "<<",
        "deny!",
        "amount",
        "\r",
        "a\r\nb",
        "\u{85}",
        "\u{2028}",
        "a \nb",
    ];
    prop_oneof![
        prop::sample::select(awkward.to_vec()).prop_map(str::to_owned),
        "[a-z ]{0,12}".prop_map(String::from),
        "\\PC{0,8}".prop_map(String::from),
    ]
    .boxed()
}

fn name() -> BoxedStrategy<String> {
    prop_oneof![
        "[a-z_][a-z0-9_-]{0,6}".prop_map(|name: String| format!("x{name}")),
        Just("on".to_owned()),
        Just("no".to_owned()),
    ]
    .boxed()
}

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        text().prop_map(Value::String),
        "(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?(e[0-9])?".prop_map(Value::Number),
        "-(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?".prop_map(Value::Number),
        "-?[0-9]{1,4}(\\.[0-9]{2})?".prop_map(Value::Money),
        "[0-9]{1,3}(ms|s|m|h|d|w)".prop_map(Value::Duration),
        "[0-9]{1,3}(kb|mb|gb)".prop_map(Value::Size),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        ("[A-Z]{1,5}", prop::option::of(text())).prop_map(|(name, default)| Value::Env { name, default }),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    let list = prop::collection::vec(scalar().prop_map(at), 0..4).prop_map(Value::List);
    prop_oneof![3 => scalar(), 1 => list].boxed()
}

fn condition() -> BoxedStrategy<Spanned<Expr>> {
    let texts = [
        "amount < $500",
        "a == \"x: y # z\" and not (b or c)",
        "host in [\"a\", 'b']".replace('\'', "\"").leak(),
        "text matches \"^a\\\\.b$\"",
        "session.sum(stripe/refund.amount, window=1h) < 5",
        "a[\"odd key\"].b == null or has(x)",
        "true",
        "\"@example.com\" == email",
        "a == \"two\\nlines\"",
    ];
    let parsed =
        |text: &str| match parse(&format!("permit x if {text}")).ast().items.first().map(|item| &item.node) {
            Some(Item::Rule(rule)) => rule.condition.clone().unwrap(),
            other => panic!("{text}: {other:?}"),
        };
    prop::sample::select(texts.to_vec()).prop_map(parsed).boxed()
}

fn clauses() -> BoxedStrategy<Vec<Spanned<Clause>>> {
    let clause = |keyword: &str, key: Option<String>, value: Value| {
        at(Clause { keyword: at(keyword.to_owned()), key: key.map(at), value: at(value) })
    };
    let host = prop_oneof![text().prop_map(Value::String), name().prop_map(Value::Word)];
    (
        prop::option::of(text()),
        prop::collection::vec(text(), 0..3),
        prop::option::of(host),
        prop::collection::btree_map(text(), text(), 0..3),
        prop::option::of(any::<bool>()),
    )
        .prop_map(move |(reason, notify, host, query, explain)| {
            let mut clauses = Vec::new();
            clauses.extend(reason.map(|reason| clause("reason", None, Value::String(reason))));
            clauses.extend(notify.into_iter().map(|place| clause("notify", None, Value::String(place))));
            clauses.extend(host.map(|host| clause("host", None, host)));
            clauses.extend(
                query.into_iter().map(|(key, value)| clause("query", Some(key), Value::String(value))),
            );
            clauses.extend(explain.map(|explain| clause("explain", None, Value::Bool(explain))));
            clauses
        })
        .boxed()
}

fn rules() -> BoxedStrategy<Item> {
    let effect = prop::sample::select(vec![Effect::Permit, Effect::Defer, Effect::Deny, Effect::DenyAlways]);
    let rule = (effect, text(), prop::option::of(condition()), clauses()).prop_map(
        |(effect, pattern, condition, clauses)| {
            at(Rule { effect: at(effect), pattern: at(pattern), condition, clauses })
        },
    );
    prop::collection::vec(rule, 1..4).prop_map(Item::Rules).boxed()
}

fn setting(key: &str, value: Value) -> Spanned<Item> {
    at(Item::Setting { key: at(key.to_owned()), value: at(value) })
}

fn block(keyword: &str, label: Option<String>, items: Vec<Spanned<Item>>) -> Item {
    let labels = label.into_iter().map(at).collect();
    Item::Block { keyword: at(keyword.to_owned()), labels, body: Body { items } }
}

fn inside_agent() -> BoxedStrategy<Vec<Spanned<Item>>> {
    let budget = (text(), scalar(), value(), prop::sample::select(vec!["deny", "defer", "audit"])).prop_map(
        |(name, max, tools, on_exceed)| {
            let items = vec![
                setting("max", max),
                setting("tools", tools),
                setting("on_exceed", Value::Word(on_exceed.to_owned())),
                setting("cost", Value::Word("amount".to_owned())),
            ];
            block("budget", Some(name), items)
        },
    );
    let rate = (text(), "[1-9][0-9]{0,3}", text(), prop::option::of(scalar())).prop_map(
        |(pattern, count, period, burst)| {
            let options = burst.into_iter().map(|value| (at("burst".to_owned()), at(value))).collect();
            Item::RateLimit { pattern: at(pattern), count: at(count), period: at(period), options }
        },
    );
    let by = prop::option::of(prop::option::of(text().prop_map(at)));
    let redact =
        (text(), prop::collection::vec(text().prop_map(at), 0..3), by).prop_map(|(tool, paths, seal)| {
            Item::Redact {
                tool: at(tool),
                target: at("args".to_owned()),
                paths,
                seal: seal.is_some(),
                by: seal.flatten(),
            }
        });
    let credential = (text(), value())
        .prop_map(|(name, path)| block("credential", Some(name), vec![setting("path", path)]));
    let gate = prop::collection::vec(
        prop_oneof![
            text().prop_filter("`called` has a tool", |text| text != "called").prop_map(|text| (text, None)),
            text().prop_map(|tool| ("called".to_owned(), Some(tool))),
        ],
        0..3,
    )
    .prop_map(|requirements| {
        let items = requirements.into_iter().map(|(condition, argument)| {
            at(Item::Require { condition: at(condition), argument: argument.map(at) })
        });
        block("completion_gate", None, items.collect())
    });
    let given = (name(), prop::option::of((name(), scalar()))).prop_map(|(alias, given)| {
        let overrides = given.map(|(key, value)| Body { items: vec![setting(&key, value)] });
        Item::Use { alias: at(alias), overrides }
    });
    let item = prop_oneof![
        rules(),
        budget,
        rate,
        redact,
        gate,
        given,
        value().prop_map(|value| block("egress", None, vec![setting("allow", value)])),
        text().prop_map(|text| block("alert", None, vec![setting("on", Value::String(text))])),
    ];
    (prop::collection::vec(item.prop_map(at), 0..5), prop::option::of(credential))
        .prop_map(|(mut items, credential)| {
            items.extend(credential.map(at));
            items
        })
        .boxed()
}

fn body() -> BoxedStrategy<Body> {
    let agents = prop::collection::vec((text(), inside_agent()), 0..3).prop_map(|agents| {
        agents.into_iter().map(|(name, items)| at(block("agent", Some(name), items))).collect::<Vec<_>>()
    });
    let vars = prop::collection::btree_map(name(), value(), 0..3).prop_map(|vars| {
        vars.into_iter()
            .map(|(name, value)| at(Item::Var { name: at(name), value: at(value) }))
            .collect::<Vec<_>>()
    });
    let provider = (text(), prop::collection::btree_map(name(), value(), 0..3)).prop_map(|(name, keys)| {
        at(block("provider", Some(name), keys.into_iter().map(|(key, value)| setting(&key, value)).collect()))
    });
    let import = (text(), prop::option::of(name()))
        .prop_map(|(path, alias)| at(Item::Import { path: at(path), alias: alias.map(at) }));
    let grant = (text(), text(), prop::option::of("[1-9][0-9]?"), any::<bool>()).prop_map(
        |(from, to, max, approval)| {
            at(Item::ManifestGrant { from: at(from), to: at(to), max: max.map(at), approval })
        },
    );
    (
        agents,
        vars,
        prop::collection::vec(prop_oneof![provider, import, grant], 0..4),
        prop::option::of(inside_agent()),
    )
        .prop_map(|(agents, vars, others, flat)| {
            let mut items = others;
            items.extend(vars);
            items.extend(agents);
            items.extend(flat.into_iter().flatten());
            Body { items }
        })
        .boxed()
}

proptest! {
    #![proptest_config(Config { cases: 500, ..Config::default() })]

    #[test]
    fn what_is_written_is_read_as_the_same(body in body()) {
        for spelling in Spelling::ALL {
            let text = write(&body, spelling).unwrap_or_else(|found| panic!("{spelling}: {found:#?}\n{body:#?}"));
            let again = read(&text, spelling);
            assert!(!again.has_errors(), "{:#?}\n{text}", again.diagnostics);
            assert!(means_the_same(&body, &again.body), "{spelling}\n{text}\n{body:#?}\n{:#?}", again.body);
            let second = write(&again.body, spelling).unwrap();
            assert_eq!(second, text, "the canonical form of {spelling} is not stable");
        }
    }
}
