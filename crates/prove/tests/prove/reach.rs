//! Which rules decide any call at all.

use faramesh_prove::Answer;

use crate::world::World;

/// Policies whose last rule is covered by the ones before it.
const COVERED: &[&str] = &[
    "permit t if amount < 100\npermit t if amount < 50",
    "defer t if amount < 100\ndeny t if amount < 50",
    "deny! t if amount > 5\ndeny t if amount == null",
    "permit t if amount < 100\npermit t if amount <= 99.5",
    "permit t if amount < 100\npermit t if amount >= 100\npermit t if amount == 5",
    "deny t if amount > 10\ndeny t if amount <= 10\ndefer t if amount == \"x\"",
    "permit t if amount in [1, 2, 3]\npermit t if amount in [2, 3]",
    "permit t if currency in [\"usd\", \"eur\"]\npermit t if currency == \"eur\"",
    "permit t if name.starts_with(\"a\")\npermit t if name.starts_with(\"ab\")",
    "permit t if name.ends_with(\"b\")\npermit t if name matches \"^x.*ab$\"",
    "permit t if name contains \"b\"\npermit t if name == \"abc\"",
    "permit t if name matches \"^[a-z]+$\"\npermit t if name matches \"^[a-f]{2,4}$\"",
    "permit t if not (name matches \"[0-9]\")\npermit t if name == \"abc\"",
    "permit t if name.lower == \"abc\"\npermit t if name == \"ABC\"",
    "permit t if name matches \"(?i-u)^kb$\" or name.lower == \"kb\"\npermit t if name == \"\u{212A}B\"",
    "permit t if to == \"@corp.example\"\npermit t if to == \"a@corp.example\"",
    "permit t if to.domain == \"@corp.example\"\npermit t if to == \"a@CORP.example\"",
    "permit t if name.length < 5\npermit t if name == \"abcd\"",
    "permit t if name < \"m\"\npermit t if name == \"b\"",
    "permit t if has(a)\npermit t if a == 5",
    "permit t if has(a)\npermit t if a.b == 5",
    "permit t if not has(a)\npermit t if has(a)\npermit t",
    "permit t if a and b\npermit t if b and a and c",
    "permit t if a or b\npermit t if b",
    "deny! t if amount > 5\ndeny t if amount > 7",
    "permit t if within(path, \"./drafts\")\npermit t if path == \"./drafts/x\"",
    "permit t if path.starts_with(\"./drafts/\")\npermit t if within(path, \"./drafts/a\")",
    "permit t host \"*.example.com\"\npermit t host \"api.example.com\"",
    "permit t path \"/v1/*\"\npermit t path \"/v1/refunds\"",
    "permit t method [\"GET\", \"HEAD\"]\npermit t method GET",
    "permit t port [80, 443]\npermit t port 443",
    "permit t if tags.team == \"a\"\npermit t if tags[\"team\"] == \"a\" and tags.x == 1",
    "permit t if items contains \"a\"\npermit t if items contains \"a\" and items.length > 3",
    "permit t if action == \"spawn\" or action == \"delegate\" or action == \"tool_call\" or action == \"completion\" or action == \"model_call\"\npermit t",
    "permit t if time.hour < 12\npermit t if time.hour >= 12\npermit t if time.weekday == \"mon\"",
    "permit s/*\npermit s/x",
    "permit s/*\npermit s/*/y",
    "permit *_a\npermit *_b\npermit x_*_a",
    "permit s/* if s.bucket == \"a\"\npermit s/x if bucket == \"a\" and not has(s)",
    "permit t if tool == \"t\"\npermit t",
    "permit * if tool.starts_with(\"a\")\npermit a/*",
    "permit a/x\npermit a/* if tool == \"a/x\"",
];

/// Policies whose last rule decides some call.
const REACHED: &[&str] = &[
    "permit t if amount < 100\ndeny t if amount < 100.5",
    "permit t if amount < 100\ndeny t if amount <= 100",
    "permit t if amount < 100\npermit t if amount > 100\npermit t if amount < 200",
    "permit t if amount > 10\npermit t if amount <= 10\npermit t",
    "permit t if amount in [1, 2, 3]\npermit t if amount in [2, 3, 4]",
    "permit t if amount > 1\ndeny t if amount > 1",
    "permit t if name.starts_with(\"ab\")\npermit t if name.starts_with(\"a\")",
    "permit t if name matches \"^[a-z]+$\"\npermit t if name matches \"^[a-g0]{2,4}$\"",
    "permit t if name == \"ABC\"\npermit t if name.lower == \"abc\"",
    "permit t if name matches \"(?i-u)^kb$\"\npermit t if name.lower == \"kb\"",
    "permit t if to == \"a@corp.example\"\npermit t if to == \"@corp.example\"",
    "permit t if to.domain == \"@corp.example\"\npermit t if to matches \"@corp\\\\.example$\"",
    "permit t if name.length < 5\npermit t if name matches \"^.{2,5}$\"",
    "permit t if name < \"m\"\npermit t if name <= \"m\"",
    "permit t if a == 5\npermit t if has(a)",
    "permit t if has(a)\ndeny t if a.b == 5",
    "deny! t if amount > 5\npermit t if amount > 4",
    "deny! t if amount > 5\npermit t if not has(amount) or amount == 5",
    "permit t if amount < 100\ndeny t if amount < 50",
    "permit t if path == \"./drafts/x\"\npermit t if within(path, \"./drafts\")",
    "permit t if within(path, \"./drafts\")\npermit t if args.path.starts_with(\"drafts\")",
    "permit t host \"api.example.com\"\npermit t host \"*.example.com\"",
    "permit t host \"*.example.com\"\npermit t if host == \"example.com\"",
    "permit t path \"/v1/*\"\npermit t path \"/v1\"",
    "permit t method GET\npermit t method [\"GET\", \"HEAD\"]",
    "permit t query page=1\npermit t query page=2",
    "permit t header X-Team=\"a\"\npermit t if headers.x-team == \"b\"",
    "permit t if items contains \"a\"\npermit t if items contains \"b\" and items.length > 3",
    "permit t if \"a\" in items\npermit t if items[0] == \"b\"",
    "permit t if time.hour < 12\npermit t if time.hour >= 12 and time.weekday != \"wed\"",
    "permit t if principal.role == \"admin\"\npermit t if principal.role == \"user\"",
    "permit t if model == \"m\"\npermit t if session == \"s\"",
    "permit s/x\npermit s/*",
    "permit s/*/y\npermit s/*",
    "permit *_a\npermit *_b",
    "permit s/* if s.bucket == \"a\"\npermit s/* if s.bucket == \"b\"",
    "permit s/* if s.bucket != \"a\"\ndeny s/* if s.bucket == \"a\"",
    "permit * if tool.starts_with(\"ab\")\npermit a*",
];

/// Policies whose last rule nobody can tell about, and a word of the reason.
const UNDECIDED: &[(&str, &str)] = &[(
    "permit t if a < b\npermit t if a < b and c == 1\npermit t if a == b\npermit t if a == b and a < b and d > e",
    "",
)];

fn last(source: &str) -> (World, usize) {
    let world = World::new(&format!("default deny\n{source}\n"));
    let last = source.lines().last().unwrap();
    let line = source.lines().count() + 1;
    // `deny!` rules come first in a program.
    let number = world.program.agents()[0]
        .rules
        .iter()
        .position(|rule| rule.reference.ends_with(&format!(":{line}")))
        .unwrap_or_else(|| panic!("{last}"));
    (world, number)
}

#[test]
fn covered_rules_are_proved_to_be() {
    for source in COVERED {
        let (world, number) = last(source);
        assert_eq!(world.reach(number), Answer::Nothing, "{source}");
    }
}

#[test]
fn other_rules_get_an_example() {
    for source in REACHED {
        let (world, number) = last(source);
        let answer = world.reach(number);
        assert!(matches!(answer, Answer::Found(_)), "{source}: {answer:?}");
    }
}

#[test]
fn what_cannot_be_modelled_is_never_a_proof() {
    for (source, _) in UNDECIDED {
        let (world, number) = last(source);
        let answer = world.reach(number);
        assert!(!matches!(answer, Answer::Found(_)), "{source}: {answer:?}");
    }
}
