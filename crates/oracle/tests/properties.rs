//! What holds for every policy and call, tried on random ones: formatting keeps the meaning, programs have
//! the same bytes each time, damaged programs are refused or harmless, and JSON survives being written.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use faramesh_call::{Call, Timestamp, Value, json};
use faramesh_check::{Options, check};
use faramesh_decide::{Input, Moment, NO_PSEUDONYMS, NOTHING_SELECTED, Verdict, decide};
use faramesh_oracle::generate::{Choices, call, environment, now, policy};
use faramesh_program::load::decode;
use faramesh_program::{Program, encode, load};
use faramesh_state::State;
use faramesh_syntax::{format, parse, without_spans};
use sha2::{Digest, Sha256};

const POLICIES: u64 = 120;

/// The bytes of a policy's program, without the rules that are refused.
fn compiled(source: &str) -> Option<Vec<u8>> {
    let options = Options { dev: true, analyse: false, ..Options::new("p", &environment) };
    let stack = check(source, &options).stack?;
    Some(faramesh_compile::compile_to_bytes(&stack).unwrap())
}

/// Random policies that are accepted, each with its number.
fn policies() -> impl Iterator<Item = (u64, String, Vec<u8>)> {
    let found = (0..POLICIES).filter_map(|seed| {
        let source = policy(&mut Choices::seeded(seed), 8);
        compiled(&source).map(|bytes| (seed, source, bytes))
    });
    let found: Vec<_> = found.collect();
    assert!(found.len() > 60, "only {} policies were accepted", found.len());
    found.into_iter()
}

fn verdict<'a>(program: &'a Program, call: &'a Call, now: Timestamp, state: &'a State) -> Verdict<'a> {
    decide(&Input {
        program,
        agent: program.agents().first().unwrap(),
        call,
        commitment: "c0ffee",
        requester: "uid:1000",
        state,
        selected: &NOTHING_SELECTED,
        pseudonyms: NO_PSEUDONYMS,
        moment: Moment { now, entropy: 1 },
    })
}

#[test]
fn formatting_is_settled_at_once_and_keeps_the_meaning() {
    for (seed, source, bytes) in policies() {
        let formatted = format(&source).unwrap_or_else(|error| panic!("{seed}: {error:?}\n{source}"));
        assert_eq!(format(&formatted).unwrap(), formatted, "{seed}: formatting twice differs");
        let (before, after) = (parse(&source), parse(&formatted));
        assert_eq!(without_spans(before.ast()), without_spans(after.ast()), "{seed}:\n{source}\n{formatted}");
        let again = compiled(&formatted).unwrap_or_else(|| panic!("{seed}: refused\n{formatted}"));
        assert_eq!(load(&bytes).unwrap().hash(), load(&again).unwrap().hash(), "{seed}:\n{formatted}");
    }
}

#[test]
fn a_policy_has_one_program() {
    for (seed, source, bytes) in policies() {
        // Another thread has another seed for its hash maps.
        let again = std::thread::spawn(move || compiled(&source)).join().unwrap().unwrap();
        assert_eq!(bytes, again, "{seed}");
        let (image, sources, _) = decode(&bytes).unwrap();
        assert_eq!(encode(&image, &sources).unwrap(), bytes, "{seed}: read and written again");
    }
}

#[test]
fn a_damaged_program_is_refused() {
    for (seed, _, bytes) in policies() {
        let mut choices = Choices::seeded(seed);
        for _ in 0..20 {
            let damaged = damage(&bytes, &mut choices);
            assert!(damaged == bytes || load(&damaged).is_err(), "{seed}: damaged bytes were loaded");
        }
    }
}

/// Whoever writes a checksum of their own may say anything in a program, but cannot make the loader or a
/// decision panic.
#[test]
fn a_forged_program_is_refused_or_decides() {
    let (mut loaded, mut refused) = (0, 0);
    for (seed, _, bytes) in policies() {
        let mut choices = Choices::seeded(seed);
        let body = bytes.len() - 32;
        for _ in 0..20 {
            let mut forged = damage(&bytes[..body], &mut choices);
            let checksum = Sha256::digest(&forged);
            forged.extend_from_slice(&checksum);
            let Ok(program) = load(&forged) else {
                refused += 1;
                continue;
            };
            loaded += 1;
            if program.agents().is_empty() {
                continue;
            }
            for _ in 0..5 {
                let (call, now) = (call(&mut choices), now(&mut choices));
                let _ = verdict(&program, &call, now, &State::default())
                    .trace
                    .lines(&program, &program.agents()[0]);
            }
        }
    }
    assert!(loaded > 50 && refused > 50, "{loaded} loaded, {refused} refused");
}

/// The bytes with one to three changes: a byte set, taken out, put in, or a piece moved.
fn damage(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    for _ in 0..=choices.below(3) {
        let at = choices.below(damaged.len());
        match choices.below(8) {
            0 => {
                damaged.remove(at);
            }
            1 => damaged.insert(at, u8::try_from(choices.below(256)).unwrap()),
            2 => {
                let from = choices.below(damaged.len());
                let length = choices.below(16).min(damaged.len() - from.max(at));
                damaged.copy_within(from..from + length, at);
            }
            _ => damaged[at] = u8::try_from(choices.below(256)).unwrap(),
        }
    }
    damaged
}

#[test]
fn the_same_input_gives_the_same_verdict() {
    for (seed, _, bytes) in policies() {
        let (first, second) = (load(&bytes).unwrap(), load(&bytes).unwrap());
        let mut choices = Choices::seeded(seed);
        for _ in 0..20 {
            let (call, now, state) = (call(&mut choices), now(&mut choices), State::default());
            let (one, other) = (verdict(&first, &call, now, &state), verdict(&second, &call, now, &state));
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "{seed}");
        }
    }
}

#[test]
fn json_survives_being_written() {
    for seed in 0..3_000 {
        let mut choices = Choices::seeded(seed);
        let args = call(&mut choices).args;
        let canonical = json::canonical(&args);
        let read = json::parse(&canonical).unwrap();
        assert_eq!(read, args, "{seed}");
        assert_eq!(json::canonical(&read), canonical, "{seed}");
        let mut loose = String::new();
        write_loosely(&args, &mut choices, &mut loose);
        assert_eq!(json::parse(loose.as_bytes()).unwrap(), args, "{seed}: {loose}");
    }
}

/// JSON as others write it: spaces, escapes, members in any order, numbers with zeros and exponents.
fn write_loosely(value: &Value, choices: &mut Choices<'_>, out: &mut String) {
    out.push_str(choices.pick(&["", " ", "\n\t"]));
    match value {
        Value::String(text) => write_string_loosely(text, choices, out),
        Value::Number(number) => {
            let text = number.to_string();
            let plain = !text.contains(['e', 'E']);
            out.push_str(&text);
            out.push_str(match choices.below(4) {
                0 if plain => "e0",
                1 if plain && text.contains('.') => "00",
                2 if plain && !text.contains('.') => ".0",
                _ => "",
            });
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_loosely(item, choices, out);
            }
            out.push_str(" ]");
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            if choices.percent(50) {
                members.reverse();
            }
            out.push('{');
            for (at, (key, member)) in members.into_iter().enumerate() {
                out.push_str(if at > 0 { " , " } else { "" });
                write_string_loosely(key, choices, out);
                out.push(':');
                write_loosely(member, choices, out);
            }
            out.push('}');
        }
        other => out.push_str(std::str::from_utf8(&json::canonical(other)).unwrap()),
    }
}

fn write_string_loosely(text: &str, choices: &mut Choices<'_>, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if choices.percent(20) || character < ' ' || "\"\\".contains(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out.push('"');
}
