//! What both interpreters say about single rules, among them every disagreement that was found: a table
//! of rule, call and the effect that the language asks for. The default is to defer, so that a permit and
//! a deny both show.

use faramesh_call::{Call, Effect, Http, Timestamp, json};
use faramesh_oracle::Policy;
use faramesh_oracle::generate::environment;

use crate::engine::{Decision, Engine, decided, program};
use crate::shrink::oracle;

use Effect::{Defer, Deny, Permit};

fn both(rule: &str, call: &Call, expected: Effect) {
    let source = format!("var n = 5\nvar corp = \"@corp.example\"\ndefault defer\n{rule}\n");
    let program = program(&source).unwrap_or_else(|| panic!("refused: {rule}"));
    let policy = Policy::new(&source, &environment).unwrap();
    let now = Timestamp(1_795_176_000_000);
    let found = oracle(&policy, "anonymous", call, now);
    assert_eq!(found.effect, expected, "the oracle on {rule} with {call:?}");
    let engine = decided(&program, "anonymous", call, now);
    let line = (expected != Defer).then_some(4);
    assert_eq!(
        engine,
        Engine::Decided(Decision { effect: expected, line }),
        "the engine on {rule} with {call:?}"
    );
}

/// Rule, arguments, effect.
fn table(tool: &str, cases: &[(&str, &str, Effect)]) {
    for (rule, args, expected) in cases {
        let call = Call { tool: tool.into(), args: json::parse(args.as_bytes()).unwrap(), ..Call::default() };
        both(rule, &call, *expected);
    }
}

#[test]
fn of_two_unknowns_the_stricter_counts_wherever_it_stands() {
    table(
        "t",
        &[
            ("deny t if missing == num.lower", r#"{"num":1}"#, Deny),
            ("deny t if num.lower == missing", r#"{"num":1}"#, Deny),
            ("deny t if missing < items", r#"{"items":[]}"#, Deny),
            ("deny t if name.starts_with(affix)", r#"{"affix":1}"#, Deny),
            ("deny t if name.ends_with(affix)", r#"{"name":1}"#, Deny),
            ("deny t if within(name, folder)", r#"{"folder":[]}"#, Deny),
            ("deny t if user in blocked", r#"{"blocked":"bob"}"#, Deny),
            ("deny t if blocked contains user", r#"{"blocked":5}"#, Deny),
            ("deny t if missing in [other, num.lower]", r#"{"num":1}"#, Deny),
            ("deny t if missing in [other, num]", r#"{"num":1}"#, Defer),
            ("deny t if missing == other", "{}", Defer),
        ],
    );
    table(
        "s3/read",
        &[
            ("deny s3/* if s3.bucket == \"x\"", r#"{"s3":5}"#, Deny),
            ("deny s3/* if s3.bucket == \"x\"", "{}", Defer),
        ],
    );
}

#[test]
fn addresses_and_domains() {
    table(
        "t",
        &[
            ("deny t if to.domain == \"@evil.example\"", r#"{"to":"a@good.example"}"#, Defer),
            ("deny t if to.domain == \"@evil.example\"", r#"{"to":"a@evil.example"}"#, Deny),
            ("deny t if to.domain in [\"@evil.example\", \"x\"]", r#"{"to":"a@good.example"}"#, Defer),
            ("deny t if to == \"@evil.example.\"", r#"{"to":"a@evil.example"}"#, Deny),
            ("deny t if to in [\"@evil.example.\", \"x\"]", r#"{"to":"a@evil.example"}"#, Deny),
            ("permit t if \"@corp.example\" in to", r#"{"to":["a@x.example","b@corp.example"]}"#, Permit),
            ("permit t if to contains corp", r#"{"to":["b@CORP.example."]}"#, Permit),
            ("permit t if to contains corp", r#"{"to":["b@x.example"]}"#, Defer),
            ("deny t if to contains corp", r#"{"to":["a@x.example,b@corp.example"]}"#, Deny),
        ],
    );
}

#[test]
fn elements_of_lists() {
    table(
        "t",
        &[
            ("deny t if x in [null]", r#"{"x":5}"#, Defer),
            ("deny t if x in [null]", r#"{"x":null}"#, Deny),
            ("deny t if x in [\"a\", null]", r#"{"x":5}"#, Defer),
            ("deny t if x in [\"a\", \"b\"]", r#"{"x":5}"#, Deny),
            ("deny t if x in [\"a\", 7]", r#"{"x":5}"#, Defer),
            ("deny t if x in [\"a\", 7, y]", r#"{"x":5,"y":6}"#, Defer),
            ("deny t if x in [\"a\", 7, y]", r#"{"x":5,"y":"6"}"#, Deny),
            ("deny t if x in [\"a\", y]", r#"{"x":"b"}"#, Defer),
            ("deny t if x in y", r#"{"x":"b","y":["a",[]]}"#, Defer),
            ("deny t if x in y", r#"{"x":"b","y":[5]}"#, Deny),
            ("deny t if x in []", r#"{"x":"b"}"#, Defer),
        ],
    );
}

#[test]
fn paths() {
    table(
        "t",
        &[
            ("deny t if within(path, \"/etc\")", r#"{"path":"/etc/x\u0000.txt"}"#, Deny),
            ("permit t if within(path, \"/etc\")", r#"{"path":"/etc/x\u0000.txt"}"#, Defer),
            ("permit t if not within(path, \"/etc\")", r#"{"path":"/etc/x\u0000.txt"}"#, Defer),
            ("permit t if within(path, \".\")", r#"{"path":"/"}"#, Defer),
            ("deny t if within(path, \"..\")", r#"{"path":"a"}"#, Deny),
            ("deny t if within(path, \"..\")", r#"{"path":"../../a"}"#, Defer),
            ("deny t if \"./a\" in [path]", r#"{"path":"x/../a"}"#, Deny),
            ("deny t if \"./a\" in [path, b]", r#"{"path":"c","b":"./a"}"#, Deny),
            ("deny t if [path] contains \"./a\"", r#"{"path":"a"}"#, Deny),
        ],
    );
}

#[test]
fn presence_of_either_spelling() {
    table(
        "s3/read",
        &[
            ("permit s3/* if not has(s3.bucket)", r#"{"bucket":"a","s3":{"bucket":"b"}}"#, Defer),
            ("permit s3/* if not has(s3.bucket)", r#"{"bucket":"a"}"#, Defer),
            ("permit s3/* if not has(s3.bucket)", "{}", Permit),
            ("permit s3/* if s3.bucket == \"a\"", r#"{"bucket":"a","s3":{"bucket":"b"}}"#, Defer),
        ],
    );
}

#[test]
fn headers_among_arguments() {
    table(
        "t",
        &[
            ("deny t header X-Env=\"prod\"", r#"{"headers":{"X-ENV":"prod"}}"#, Deny),
            ("deny t if headers[\"x-env\"] == \"prod\"", r#"{"headers":{"X-Env":"prod"}}"#, Deny),
            ("permit t header X-Env=\"prod\"", r#"{"headers":{"X-Env":"prod","x-env":"test"}}"#, Defer),
            ("deny t header X-Env=\"prod\"", r#"{"headers":{"X-Env":"prod","x-env":"test"}}"#, Deny),
        ],
    );
}

#[test]
fn hosts_and_methods_in_any_case() {
    for (rule, host, expected) in [
        ("deny t host \"*k.io\"", "xK.IO", Deny),
        ("deny t host \"*k.io\"", "x\u{212a}.io", Deny),
        ("deny t host \"k.io\"", "\u{212a}.io.", Deny),
        ("deny t host \"*.bücher.de\"", "a.BÜCHER.de", Deny),
        ("deny t host \"*.k.io\"", "k.io", Defer),
    ] {
        let http = Http { host: host.into(), method: "GET".into(), ..Http::default() };
        both(rule, &Call { tool: "t".into(), http: Some(Box::new(http)), ..Call::default() }, expected);
    }
}
