//! Every policy of `tests/corpus/decisions` decides every call beside it as that call expects.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use faramesh_call::{Call, Http, Object, Timestamp, Value, json};
use faramesh_decide::{Input, Moment, Verdict, decide};
use faramesh_program::{Program, encode, load};
use faramesh_state::State;

fn program(name: &str, source: &str) -> Program {
    let environment = |_: &str| None;
    let options = faramesh_check::Options {
        file_name: name.to_owned(),
        environment: &environment,
        strict_env: false,
        dev: true,
    };
    let checked = faramesh_check::check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{name}: {:#?}", checked.diagnostics));
    let (image, sources) = faramesh_compile::compile(&stack).unwrap();
    load(&encode(&image, &sources).unwrap()).unwrap()
}

fn call(case: &Value) -> Call {
    let text = |key: &str| case.get(key).and_then(Value::as_str).map(Box::from);
    let object =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let http = case.get("http").map(|http| {
        Box::new(Http {
            host: http.get("host").and_then(Value::as_str).unwrap().into(),
            port: http.get("port").and_then(Value::as_i64).unwrap().try_into().unwrap(),
            method: http.get("method").and_then(Value::as_str).unwrap().into(),
            path: http.get("path").and_then(Value::as_str).unwrap().into(),
            query: object(http, "query"),
            headers: object(http, "headers"),
        })
    });
    Call {
        tool: text("tool").unwrap(),
        args: case.get("args").cloned().unwrap(),
        session: text("session"),
        principal: case.get("principal").cloned(),
        tags: case.get("tags").and_then(Value::as_object).cloned(),
        http,
        ..Call::default()
    }
}

fn complaints(case: &Value, call: &Call, verdict: &Verdict<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut compare = |what: &str, found: Option<String>| {
        if let Some(expected) = case.get(what) {
            let expected = expected.as_str().map(str::to_owned);
            if expected != found {
                complaints.push(format!("{what}: expected {expected:?}, found {found:?}"));
            }
        }
    };
    compare("expect", Some(verdict.effect.to_string()));
    compare("rule", verdict.rule.map(|rule| rule.reference.to_string()));
    compare("next", verdict.next.clone());
    if let Some(said) = case.get("says").and_then(Value::as_str)
        && !verdict.message.contains(said)
    {
        complaints.push(format!("says: expected {said:?} in {:?}", verdict.message));
    }
    if let Some(shown) = case.get("shown") {
        let found = verdict.redacted_args.as_ref().unwrap_or(&call.args);
        if found != shown {
            complaints.push(format!("shown: {}", String::from_utf8_lossy(&json::canonical(found))));
        }
    }
    if let Some(redacted) = case.get("redacted").and_then(Value::as_list) {
        let expected: Vec<&str> = redacted.iter().filter_map(Value::as_str).collect();
        if expected != verdict.redacted {
            complaints.push(format!("redacted: {:?}", verdict.redacted));
        }
    }
    complaints
}

#[test]
fn every_call_is_decided_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/decisions");
    let mut failures = Vec::new();
    let mut decided = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "fms") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let program = program(name, &fs::read_to_string(&path).unwrap());
        let calls = fs::read_to_string(path.with_extension("calls")).unwrap();
        for (number, line) in calls.lines().enumerate() {
            let case = json::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{name} {line}: {error}"));
            let call = call(&case);
            let now = case.get("now").and_then(Value::as_str).unwrap_or("2026-11-20T12:00:00Z");
            let state = State::default();
            let input = Input {
                program: &program,
                agent: program.agents().first().unwrap(),
                call: &call,
                commitment: "c0ffee",
                requester: "uid:1000",
                state: &state,
                moment: Moment { now: Timestamp::parse(now).unwrap(), entropy: 1 },
            };
            let verdict = decide(&input);
            for complaint in complaints(&case, &call, &verdict) {
                failures.push(format!("{name} call {}: {complaint}\n  {line}", number + 1));
            }
            decided += 1;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(decided > 100, "only {decided} calls were found");
}

#[test]
fn the_same_input_gives_the_same_verdict() {
    let program = program("p.fms", "permit a if x < 5\ndefer a\n");
    let args: Object = [("x", 9_i64)].into_iter().collect();
    let call = Call { tool: "a".into(), args: Value::Object(args), ..Call::default() };
    let state = State::default();
    let input = Input {
        program: &program,
        agent: program.agents().first().unwrap(),
        call: &call,
        commitment: "c0ffee",
        requester: "uid:1000",
        state: &state,
        moment: Moment { now: Timestamp(5), entropy: 42 },
    };
    assert_eq!(format!("{:?}", decide(&input)), format!("{:?}", decide(&input)));
}
