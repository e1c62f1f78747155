//! Every valid policy of the corpus decides every call beside it as that call expects.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use faramesh_call::{Call, Object, Timestamp, Value, json};
use faramesh_check::{Options, PackFile, Resolver, Unenforced, Unresolved};
use faramesh_corpus::{Case, Policy};
use faramesh_decide::{Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, Verdict, decide};
use faramesh_program::{Agent, Program, encode, load};
use faramesh_state::limits::Lease;
use faramesh_state::{Change, State};

/// The packs of the corpus.
struct Catalog;

impl Resolver for Catalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let found = faramesh_corpus::pack(path).map(|(name, text)| PackFile { name, text });
        found.ok_or_else(|| Unresolved { message: format!("no pack `{path}`"), help: "add it".to_owned() })
    }
}

/// The program of a policy. What this version does not enforce is carried along, so that the rules beside
/// it are decided.
fn program(name: &str, source: &str) -> Program {
    let options = Options {
        dev: true,
        unenforced: Unenforced::Carry,
        packs: &Catalog,
        ..Options::new(name, &faramesh_corpus::environment)
    };
    let checked = faramesh_check::check(source, &options);
    let stack = checked.stack.unwrap_or_else(|| panic!("{name}: {:#?}", checked.diagnostics));
    let (image, sources) = faramesh_compile::compile(&stack).unwrap();
    load(&encode(&image, &sources).unwrap()).unwrap()
}

fn agent<'p>(program: &'p Program, case: &Case) -> &'p Agent {
    match &case.agent {
        None => program.agents().first().unwrap_or_else(|| panic!("{}: no agent", case.place)),
        Some(name) => {
            let found = program.agents().iter().find(|agent| *agent.name == **name);
            found.unwrap_or_else(|| panic!("{}: no agent `{name}`", case.place))
        }
    }
}

/// The line of a rule with single spaces, from its reference: `refunds.fms:12`, or a pack's
/// `stripe@1.3.0/pack.fms:7`.
fn written(policy: &Policy, reference: &str) -> String {
    let (file, line) = reference.rsplit_once(':').unwrap();
    let packs = faramesh_corpus::packs();
    let pack = file.strip_suffix(".fms").and_then(|name| packs.iter().find(|pack| pack.name.ends_with(name)));
    let source = pack.map_or(&policy.source, |pack| &pack.source);
    let line = source.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn complaints(policy: &Policy, case: &Case, verdict: &Verdict<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut compare = |what: &str, found: Option<&str>| {
        if let Some(expected) = case.get(what).map(Value::as_str)
            && expected != found
        {
            complaints.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    };
    compare("expect", Some(verdict.effect.as_str()));
    compare("code", Some(verdict.code.as_str()));
    compare("next", verdict.next.as_deref());
    if let Some(expected) = case.get("rule").map(Value::as_str) {
        let found = verdict.rule.map(|rule| written(policy, &rule.reference));
        let fits = match (expected, &found) {
            (Some(expected), Some(found)) => found.contains(expected),
            (expected, found) => expected.is_none() && found.is_none(),
        };
        if !fits {
            complaints.push(format!("rule: expected {expected:?}, found {found:?}"));
        }
    }
    if let Some(said) = case.get("says").and_then(Value::as_str)
        && !verdict.message.contains(said)
    {
        complaints.push(format!("says: expected {said:?} in {:?}", verdict.message));
    }
    if let Some(shown) = case.get("shown") {
        let found = verdict.redacted_args.as_ref().unwrap_or(&case.call.args);
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

fn input<'a>(program: &'a Program, case: &'a Case, state: &'a State) -> Input<'a> {
    Input {
        program,
        agent: agent(program, case),
        call: &case.call,
        commitment: "c0ffee",
        requester: "uid:1000",
        state,
        selected: &NOTHING_SELECTED,
        pseudonyms: NO_PSEUDONYMS,
        moment: Moment { now: case.now, entropy: 1 },
    }
}

/// The state with all that the call needs of ceilings that daemons share, as one that shares with nobody leases it. A
/// rate comes first, and a budget is looked at when the rate has a token: so this is done twice.
fn leased(program: &Program, case: &Case, state: State) -> State {
    let mut more = state.clone();
    for want in decide(&input(program, case, &state)).wants.iter().filter(|want| want.urgent) {
        let (agent, key, of) = (want.agent.clone(), want.key.clone(), want.all());
        more.apply(&Change::Leased(Box::new(Lease { agent, key, of, at: case.now })));
    }
    more
}

fn failures(policy: &Policy, program: &Program, case: &Case) -> Vec<String> {
    let state = leased(program, case, leased(program, case, State::default()));
    let input = input(program, case, &state);
    let verdict = decide(&input);
    let found = complaints(policy, case, &verdict);
    found.into_iter().map(|found| format!("{}: {found}", case.place)).collect()
}

#[test]
fn every_call_is_decided_as_expected() {
    let mut failed = Vec::new();
    let mut decided = 0;
    for policy in faramesh_corpus::valid() {
        let program = program(&policy.file_name(), &policy.source);
        for case in policy.cases() {
            failed.extend(failures(&policy, &program, &case));
            decided += 1;
        }
    }
    assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n"));
    assert!(decided > 1_400, "only {decided} calls were decided");
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
        selected: &NOTHING_SELECTED,
        pseudonyms: NO_PSEUDONYMS,
        moment: Moment { now: Timestamp(5), entropy: 42 },
    };
    assert_eq!(format!("{:?}", decide(&input)), format!("{:?}", decide(&input)));
}
