//! What is wrong with a policy in YAML or JSON: each message, and the very text that it points at.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use faramesh_check::Options;
use faramesh_spell::{Spelling, check, read};

/// Code, the text pointed at, message, and the remedy.
fn said(text: &str, spelling: Spelling) -> Vec<String> {
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new(spelling.file_name().to_owned(), &environment) };
    let checked = check(text, spelling, &options);
    let errors = checked.diagnostics.iter().filter(|found| found.is_error());
    errors
        .map(|found| {
            let place =
                &text[usize::try_from(found.span.start).unwrap()..usize::try_from(found.span.end).unwrap()];
            let help = found.help.as_deref().unwrap_or_else(|| panic!("no help: {found:?}"));
            format!("{} [{place}] {} | {help}", found.code, found.message)
        })
        .collect()
}

#[test]
fn messages_of_yaml() {
    for (text, expected) in [
        (
            "rules:\n  - effect: permit\n    tool: x\n    if: amount < $5 and amout = 3\n",
            "FPL0030 [=] `=` does not compare | ",
        ),
        (
            "rules:\n  - effect: premit\n    tool: x\n",
            "FPL0020 [premit] `premit` is no effect | did you mean `permit`?",
        ),
        (
            "rules:\n  - effect: permit\n    tol: x\n",
            "FPL0176 [tol] there is no key `tol` in a rule | did you mean `tool`?",
        ),
        (
            "rules:\n  - permit: docs/search\n    if: x\n",
            "FPL0176 [permit] `permit` is an effect, and no key of a rule | write `effect: permit` and `tool: docs/search`",
        ),
        (
            "rules:\n  - 'deny!': '*'\n",
            "FPL0176 [deny!] `deny!` is an effect, and no key of a rule | write `effect: \"deny!\"` and `tool: \"*\"`",
        ),
        ("rules:\n  - effect: permit\n", "FPL0177 [effect] this rule has no `tool` | write"),
        (
            "rules:\n  - effect: permit\n    tool: x\n    if: a < 5 reason \"x\"\n",
            "FPL0178 [reason] `reason` does not belong in the condition | ",
        ),
        ("rules:\n  - effect: permit\n    tool: x\n    if: 'a < 5 # x'\n", "FPL0178 [# x] "),
        ("rules:\n  - effect: permit\n    tool: x\n    if: |\n      a < 5\n      deny y\n", "FPL0178 ["),
        (
            "rules:\n  effect: permit\n  tool: x\n",
            "FPL0177 [effect: permit\n  tool: x] `rules` is a list, and this is a map | ",
        ),
        (
            "agent:\n  - id: a\n    defualt: deny\n",
            "FPL0101 [defualt] there is no key `defualt` in `agent` | did you mean `default`?",
        ),
        (
            "agent:\n  - id: a\n    budgts:\n      - id: daily\n",
            "FPL0176 [budgts] there is no key `budgts` in `agent` | did you mean `budgets`?",
        ),
        (
            "runtime:\n  mode: enforced\n",
            "FPL0104 [enforced] `mode` takes `enforce` or `audit` | did you mean `enforce`?",
        ),
        ("runtime:\n  mode: enforce\n  mode: audit\n", "FPL0175 [mode] the key `mode` is written twice | "),
        (
            "runtime:\n  os_tier: yes\n",
            "FPL0173 [yes] `yes` is a text to some readers of YAML and `true` to others | write `true`, or `\"yes\"` for the text",
        ),
        ("vars:\n  country: no\n", "FPL0173 [no] "),
        ("vars:\n  mode: 0755\n", "FPL0173 [0755] "),
        (
            "vars:\n  a: &x 1\n  b: *x\n",
            "FPL0172 [&x 1] anchors (`&name`) are not used in policies | remove the `&name`",
        ),
        ("vars:\n  a: !!str 1\n", "FPL0172 [!!str 1] tags"),
        ("vars:\n  <<: 1\n", "FPL0172 [<<] merge keys"),
        ("vars: {}\n---\nvars: {}\n", "FPL0172 [---] a second document begins here | "),
        (
            "vars:\n  1: x\n",
            "FPL0174 [1] a key is a text, and this one is a number | write `\"1\"` for a key of that name",
        ),
        ("vars:\n  true: x\n", "FPL0174 [true] "),
        ("vars:\n  ? [a]\n  : x\n", "FPL0174 [[a]] a key is a text, and this one is a list | "),
        ("vars:\n  a: b: c\n", "FPL0170 [:] this is no YAML: "),
        ("vars:\n\ta: b\n", "FPL0170 ["),
        ("vars:\n  a: \"b\n", "FPL0170 [\"] this is no YAML: "),
        ("rules:\n", "FPL0177 [] `rules` has no value | "),
        ("just a text\n", "FPL0177 [just a text] a policy is a map, and this is a text | "),
        ("trust:\n  keys:\n    - owner: a\n      key: nothing\n", "FPL0177 [nothing] `nothing` is no key | "),
        (
            "rate_limits:\n  - pattern: x\n    limit: \"10\"\n    window: minute\n",
            "FPL0177 [10] `limit` is a whole number, and this is a text | ",
        ),
        ("vars:\n  a: \u{202e}x\n", "FPL0006 [\u{202e}] there is an invisible character here, U+202E | "),
        ("vars:\n  a: {envv: X}\n", "FPL0177 [envv: X] a list or map"),
    ] {
        let said = said(text, Spelling::Yaml);
        if expected.ends_with("a list or map") {
            assert!(!said.is_empty(), "{text}");
            continue;
        }
        assert!(said.iter().any(|line| line.starts_with(expected)), "{text}\n{expected}\n{said:#?}");
    }
}

#[test]
fn messages_of_json() {
    for (text, expected) in [
        (
            "{\"rules\": [{\"effect\": \"permit\", \"tool\": \"x\", \"if\": \"a == \\\"x\\\" or b = 2\"}]}",
            "FPL0030 [=] ",
        ),
        ("{\"rules\": [],}", "FPL0171 [,] JSON has no comma after the last element | remove the comma"),
        ("// a\n{}", "FPL0171 [// a] JSON has no comments | "),
        ("{a: 1}", "FPL0171 [a] a key stands in double quotes | "),
        ("{} {}", "FPL0171 [{] something follows the end of the policy | "),
        ("{\"rules\": [", "FPL0171 [[] this bracket is never closed | "),
        ("{\"vars\": {\"a\": 1, \"a\": 2}}", "FPL0175 [a] the key `a` is written twice | "),
        (
            "{\"runtime\": {\"mode\": \"enforced\"}}",
            "FPL0104 [enforced] `mode` takes `enforce` or `audit` | did you mean `enforce`?",
        ),
        ("[]", "FPL0177 [[]] a policy is a map, and this is a list | "),
    ] {
        let said = said(text, Spelling::Json);
        assert!(said.iter().any(|line| line.starts_with(expected)), "{text}\n{expected}\n{said:#?}");
    }
}

#[test]
fn fixes_can_be_made_in_the_file() {
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new("p".to_owned(), &environment) };
    for (text, spelling, expected) in [
        ("agent:\n  - id: a\n    defualt: deny\n", Spelling::Yaml, "agent:\n  - id: a\n    default: deny\n"),
        ("runtime: {mode: \"enforced\"}\n", Spelling::Yaml, "runtime: {mode: \"enforce\"}\n"),
        ("{\"runtime\": {\"mode\": \"enforced\"}}", Spelling::Json, "{\"runtime\": {\"mode\": \"enforce\"}}"),
        ("vars: {country: no}\n", Spelling::Yaml, "vars: {country: false}\n"),
    ] {
        let found = check(text, spelling, &options).diagnostics;
        let fix = found.iter().find(|found| found.is_error()).and_then(|found| found.fix.clone());
        let fix = fix.unwrap_or_else(|| panic!("no fix for {text}: {found:#?}"));
        let (start, end) = (usize::try_from(fix.span.start).unwrap(), usize::try_from(fix.span.end).unwrap());
        let mut fixed = text.to_owned();
        fixed.replace_range(start..end, &fix.replacement);
        assert_eq!(fixed, expected);
        assert!(!read(&fixed, spelling).has_errors(), "{fixed}");
    }
}

#[test]
fn rules_are_named_by_their_line() {
    let text = "# a comment\nrules:\n  - effect: permit\n    tool: x\n  -\n    effect: deny\n    tool: z\n";
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new("governance.fms.yaml".to_owned(), &environment) };
    let stack = check(text, Spelling::Yaml, &options);
    let stack = stack.stack.unwrap_or_else(|| panic!("{:#?}", stack.diagnostics));
    let program = faramesh_program::load(&faramesh_compile::compile_to_bytes(&stack).unwrap()).unwrap();
    let lines: Vec<&str> =
        program.agent("anonymous").unwrap().rules.iter().map(|rule| &*rule.reference).collect();
    assert_eq!(lines, ["governance.fms.yaml:3", "governance.fms.yaml:6"]);
}

#[test]
fn a_key_called_on_stays_a_key() {
    let text = "agent:\n  - id: a\n    alerts:\n      - on: deny\n        notify: slack://x\n";
    assert!(!read(text, Spelling::Yaml).has_errors());
}

#[test]
fn a_word_of_a_condition_is_a_member_or_a_method_by_how_it_is_written() {
    let environment = |_: &str| None;
    let options = Options { dev: true, ..Options::new("p".to_owned(), &environment) };
    let written = |text: &str, spelling| {
        let stack = check(text, spelling, &options).stack.unwrap();
        format!("{:?}", stack.agents[0].rules[0].condition)
    };
    let fms = "permit x if a[\"lower\"] == \"b\"\n";
    let json =
        "{\"rules\": [{\"effect\": \"permit\", \"tool\": \"x\", \"if\": \"a[\\\"lower\\\"] == \\\"b\\\"\"}]}";
    let hash = |text: &str, spelling| {
        let stack = check(text, spelling, &options).stack.unwrap();
        faramesh_program::load(&faramesh_compile::compile_to_bytes(&stack).unwrap())
            .unwrap()
            .hash_text()
            .to_owned()
    };
    assert_eq!(hash(fms, Spelling::Fms), hash(json, Spelling::Json), "{}", written(json, Spelling::Json));
}
