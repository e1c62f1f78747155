//! Rubbish of every kind: an error with a place inside of the text, never a panic, in time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::time::{Duration, Instant};

use faramesh_spell::{Spelling, convert, read};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use proptest::test_runner::Config;

const YAML: &str = "# c\nruntime: {mode: enforce}\nvars:\n  a: [1, \"x\", $5]\n  b: {env: X}\nagent:\n  - id: a # d\n    \
                    default: deny\n    rules:\n      - effect: permit\n        tool: x\n        if: 'a in [\"é\"] and b < 5'\n        \
                    reason: |\n          two\n          lines\n    budgets:\n      - id: daily\n        max: $500\n";

fn is_sound(text: &str, spelling: Spelling) {
    let document = read(text, spelling);
    let length = u32::try_from(text.len()).unwrap();
    for found in &document.diagnostics {
        for span in [Some(found.span), found.fix.as_ref().map(|fix| fix.span)].into_iter().flatten() {
            assert!(span.start <= span.end && span.end <= length, "{found:?} of {text:?}");
            assert!(text.is_char_boundary(usize::try_from(span.start).unwrap()), "{found:?} of {text:?}");
            assert!(text.is_char_boundary(usize::try_from(span.end).unwrap()), "{found:?} of {text:?}");
        }
    }
    if !document.has_errors() {
        for to in Spelling::ALL {
            if let Ok(converted) = convert(text, spelling, to) {
                assert!(!read(&converted.text, to).has_errors(), "{text:?}\n{}", converted.text);
            }
        }
    }
}

#[test]
fn every_beginning_of_a_policy() {
    let json = convert(YAML, Spelling::Yaml, Spelling::Json).unwrap().text;
    for (text, spelling) in [(YAML, Spelling::Yaml), (json.as_str(), Spelling::Json)] {
        assert!(!read(text, spelling).has_errors(), "{:#?}", read(text, spelling).diagnostics);
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            is_sound(&text[..end], spelling);
        }
    }
}

#[test]
fn every_character_left_out() {
    for (at, character) in YAML.char_indices() {
        let text = format!("{}{}", &YAML[..at], &YAML[at + character.len_utf8()..]);
        is_sound(&text, Spelling::Yaml);
    }
}

#[test]
fn large_and_deep_texts_end_in_time() {
    let started = Instant::now();
    for (text, spelling) in [
        ("[".repeat(100_000), Spelling::Yaml),
        ("- ".repeat(100_000), Spelling::Yaml),
        ("{a: ".repeat(50_000), Spelling::Yaml),
        ("? ".repeat(100_000), Spelling::Yaml),
        ("[".repeat(1_000_000), Spelling::Json),
        ("{\"a\":".repeat(200_000), Spelling::Json),
        (format!("vars: {{a: \"{}\"}}", "x".repeat(70_000)), Spelling::Yaml),
        (format!("vars: {{a: [{}]}}", "1, ".repeat(20_000)), Spelling::Yaml),
        (format!("rules: [{}]", "{effect: permit, tool: x, if: (((((((((a".repeat(5_000)), Spelling::Yaml),
        (" ".repeat(5 << 20), Spelling::Yaml),
        (
            format!("rules:\n  - {{effect: permit, tool: x, if: \"{}a\"}}\n", "(".repeat(60_000)),
            Spelling::Yaml,
        ),
        (
            format!("a: &a [x]\nb: &b [{0}]\nc: [{1}]\n", "*a, ".repeat(100), "*b, ".repeat(100)),
            Spelling::Yaml,
        ),
    ] {
        let document = read(&text, spelling);
        assert!(document.has_errors(), "{spelling} {}", &text[..20]);
    }
    for text in
        ["# c\n".repeat(200_000), format!("vars:\n{}", "  # c\n".repeat(100_000)), "\n".repeat(1 << 20)]
    {
        assert!(!read(&text, Spelling::Yaml).has_errors() || text.contains("vars"));
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(Config { cases: 400, ..Config::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        is_sound(&text, Spelling::Yaml);
        is_sound(&text, Spelling::Json);
    }

    #[test]
    fn pieces_of_yaml(pieces in prop::collection::vec(piece(), 0..40)) {
        is_sound(&pieces.concat(), Spelling::Yaml);
        is_sound(&pieces.concat(), Spelling::Json);
    }

    #[test]
    fn a_policy_with_something_in_it(at in 0..YAML.len(), what in piece()) {
        if YAML.is_char_boundary(at) {
            let text = format!("{}{what}{}", &YAML[..at], &YAML[at..]);
            is_sound(&text, Spelling::Yaml);
        }
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "rules",
            "agent",
            "vars",
            "id",
            "effect",
            "permit",
            "tool",
            "if",
            "a < 5",
            ":",
            ": ",
            "\n",
            "\n  ",
            "\n    ",
            "- ",
            "{",
            "}",
            "[",
            "]",
            ",",
            "\"",
            "'",
            "|",
            ">-",
            "#",
            " # c",
            "&a ",
            "*a",
            "!t ",
            "<<",
            "---\n",
            "...",
            "%",
            "\t",
            "\r\n",
            "\u{feff}",
            "é",
            "\\",
            "\\u00",
            "null",
            "yes",
            "$5",
            "15m",
            "env(\"X\")",
            "{env: X}",
            "~",
            "?",
            "trust",
            "keys",
            "use",
            "import",
            "manifest",
            "x ed25519:aa=",
            "alerts",
            "on",
            "0x1",
            "1e5",
            "expr",
        ])
        .prop_map(str::to_owned),
        Just(" ".to_owned()),
        "[a-z]{1,6}".prop_map(String::from),
    ]
}
