//! Random policies against random calls: a rule that the prover says is never reached decides no call,
//! and every example is put before the engine, which must decide it as the prover says.

use faramesh_call::{Call, Http, Object, Value, json};
use faramesh_prove::{Answer, Example};
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::World;

const ATOMS: &[&str] = &[
    "amount < 5",
    "amount <= 5",
    "amount > 5",
    "amount >= 5",
    "amount == 5",
    "amount != 5",
    "amount == null",
    "amount in [1, 5, \"x\"]",
    "not (amount in [1, 2])",
    "amount > 4.5",
    "5 < amount",
    "amount in []",
    "name == \"ab\"",
    "name != \"ab\"",
    "name == null",
    "name in [\"ab\", \"b\"]",
    "name.starts_with(\"a\")",
    "name.ends_with(\"b\")",
    "name contains \"b\"",
    "name matches \"^a.?b$\"",
    "name matches \"[A-Z]\"",
    "name.lower == \"ab\"",
    "name.lower in [\"ab\", \"c\"]",
    "name.length < 3",
    "name.length == 2",
    "name < \"b\"",
    "name >= \"ab\"",
    "name.lower < \"b\"",
    "name == 5",
    "name in [1, \"ab\", null]",
    "name == \"@b.c\"",
    "name in [\"@b.c\", \"ab\"]",
    "name.domain == \"@b.c\"",
    "name.domain != \"@b.c\"",
    "name.domain in [\"@b.c\", \"@d.e\"]",
    "name.domain.length < 4",
    "name.domain matches \"b\"",
    "has(amount)",
    "has(name)",
    "has(o)",
    "has(o.k)",
    "o.k == 1",
    "o.k == \"ab\"",
    "o.k",
    "o.k.j == 1",
    "o == null",
    "flag",
    "flag == true",
    "flag != true",
    "flag in [true]",
    "items contains \"ab\"",
    "items contains 5",
    "\"ab\" in items",
    "5 in items",
    "null in items",
    "items.length > 1",
    "items.length == 0",
    "items[0] == \"ab\"",
    "items[1] == 5",
    "has(items[1])",
    "within(path, \"./d\")",
    "path == \"./d/x\"",
    "path.starts_with(\"./d/\")",
    "args.path.starts_with(\"d/\")",
    "path contains \"..\"",
    "within(name, \"a\")",
    "path.lower == \"d/x\"",
    "host == \"h.io\"",
    "host matches \"\\\\.io$\"",
    "port == 443",
    "port < 100",
    "method == \"GET\"",
    "query.q == \"1\"",
    "headers.h == \"1\"",
    "has(query.q)",
    "principal.role == \"a\"",
    "tags.t == \"a\"",
    "has(tags.t)",
    "model == \"m\"",
    "session == \"s\"",
    "action == \"spawn\"",
    "tool == \"s/x\"",
    "tool.starts_with(\"s/\")",
    "agent == \"anonymous\"",
    "s.k == 1",
    "s.k == \"ab\"",
    "k == 1",
    "has(s.k)",
    "has(s)",
    "amount == k",
    "name in [k, \"ab\"]",
];
const TOOLS: &[&str] = &["t", "s/x", "s/*", "*", "s/x/y", "*/x", "s*"];
const CLAUSES: &[&str] = &[
    "",
    "",
    "",
    "",
    "host \"*.io\"",
    "host \"h.io\"",
    "port 443",
    "method GET",
    "path \"/d/*\"",
    "query q=1",
];
const CALLED: &[&str] = &["t", "s/x", "s/y", "s/x/y", "z/x", "sz", "q"];

fn condition() -> impl Strategy<Value = String> {
    let atom = select(ATOMS).prop_map(str::to_owned);
    atom.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("not ({one})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} and {other})")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("({one} or {other})")),
        ]
    })
}

fn rule() -> impl Strategy<Value = String> {
    let effect = select(&["permit", "permit", "deny", "defer", "deny!"][..]);
    let condition =
        prop_oneof![1 => Just(String::new()), 5 => condition().prop_map(|text| format!(" if {text}"))];
    (effect, select(TOOLS), condition, select(CLAUSES))
        .prop_map(|(effect, tool, condition, clause)| format!("{effect} {tool}{condition} {clause}"))
}

fn scalar() -> impl Strategy<Value = String> {
    let texts = [
        "\"ab\"",
        "\"b\"",
        "\"AB\"",
        "\"\"",
        "\"x@b.c\"",
        "\"x@q.r\"",
        "\"@q.r\"",
        "\"@b.c.\"",
        "\"x@B.C.\"",
        "\"@b.c\"",
        "\"a@@b\"",
        "\"a b\"",
        "\"d/x\"",
        "\"d/../d/x\"",
        "\"../d\"",
        "\"é\"",
        "\"a\u{212A}b\"",
    ];
    let others = ["1", "2", "4.5", "4.75", "5", "6", "-1", "null", "true", "false", "{}", "[]"];
    select([&texts[..], &others[..]].concat()).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
        1 => (select(&["k", "j"][..]), scalar()).prop_map(|(key, value)| format!("{{\"{key}\":{value}}}")),
    ]
}

fn object(keys: &'static [&'static str]) -> impl Strategy<Value = Object> {
    prop::collection::btree_map(select(keys), value(), 0..5).prop_map(|members| {
        members.iter().map(|(key, value)| (*key, json::parse(value.as_bytes()).unwrap())).collect()
    })
}

fn http() -> impl Strategy<Value = Http> {
    let text = |texts: &'static [&'static str]| select(texts).prop_map(Box::<str>::from);
    (
        text(&["h.io", "a.h.io", "H.IO", "x", ""]),
        select(&[443_u16, 80, 99, 100, 0][..]),
        text(&["GET", "get", "POST"]),
        text(&["/d/x", "/d", "/d/../e", "/", "d/x", ""]),
        object(&["q"]),
        object(&["h"]),
    )
        .prop_map(|(host, port, method, path, query, headers)| Http {
            host,
            port,
            method,
            path,
            query,
            headers,
        })
}

fn call() -> impl Strategy<Value = Call> {
    let args = prop_oneof![
        8 => object(&["amount", "name", "o", "flag", "items", "path", "host", "s", "k", "query"]).prop_map(Value::Object),
        1 => scalar().prop_map(|text| json::parse(text.as_bytes()).unwrap()),
    ];
    let word =
        |words: &'static [&'static str]| prop::option::of(select(words)).prop_map(|word| word.map(Box::from));
    (
        (select(CALLED), args, prop::option::weighted(0.3, http())),
        (
            word(&["m", "n"]),
            word(&["s"]),
            prop::option::of(object(&["role"])),
            prop::option::of(object(&["t"])),
        ),
    )
        .prop_map(|((tool, args, http), (model, session, principal, tags))| Call {
            tool: tool.into(),
            args,
            http: http.map(Box::new),
            model,
            session,
            principal: principal.map(Value::Object),
            tags,
            ..Call::default()
        })
}

fn seconds() -> u32 {
    std::env::var("PROVE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: seconds(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_reaches_a_rule_that_is_covered(
        rules in prop::collection::vec(rule(), 1..5),
        calls in prop::collection::vec(call(), 40),
    ) {
        let Some(world) = World::try_new(&format!("default deny\n{}\n", rules.join("\n"))) else {
            // A rule under a `deny!` that covers it is an error, and so are types that never agree.
            return Ok(());
        };
        let examples: Vec<Example> =
            calls.into_iter().map(|call| Example { call, hour: None, weekday: None }).collect();
        let deciders: Vec<Option<usize>> = examples.iter().map(|example| world.decide(example).1).collect();
        for number in 0..world.policy.rules.len() {
            match world.reach(number) {
                Answer::Nothing => {
                    let reached = deciders.iter().position(|decider| *decider == Some(number));
                    if let Some(at) = reached {
                        prop_assert!(false, "rule {number} of {rules:#?} is reached by {:#?}", examples[at]);
                    }
                }
                Answer::Found(example) => prop_assert_eq!(world.decide(&example).1, Some(number)),
                Answer::Undecided(_) => {}
            }
        }
    }
}
