//! Constructs that are known and not enforced: each is refused by name and once, its spelling counts,
//! and documented policies work without them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::collections::BTreeSet;

use faramesh_check::{Checked, Options, PackFile, Resolver, Unenforced, Unresolved, check, codes};
use faramesh_syntax::ast::Item;

/// The packs of the corpus.
struct Catalog;

impl Resolver for Catalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let found = faramesh_corpus::pack(path).map(|(name, text)| PackFile { name, text });
        found.ok_or_else(|| Unresolved { message: format!("no pack `{path}`"), help: "add it".to_owned() })
    }
}

fn environment(name: &str) -> Option<String> {
    match name {
        "FARAMESH_STACK_ID" => Some("payments".to_owned()),
        "REGION_PROVIDER" => Some("aws-sm-us".to_owned()),
        _ => None,
    }
}

fn checked(source: &str) -> Checked {
    let options = Options { dev: true, packs: &Catalog, ..Options::new("governance.fms", &environment) };
    check(source, &options)
}

fn policy(name: &str) -> String {
    faramesh_corpus::policy(&format!("seeds/{name}")).source
}

/// The constructs that a policy is refused for; anything else that is wrong fails the test.
fn refused(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for found in checked(source).diagnostics.into_iter().filter(faramesh_syntax::Diagnostic::is_error) {
        assert_eq!(found.code, codes::NOT_ENFORCED.code, "{source}\n{found:#?}");
        let name = found.message.strip_prefix('`').unwrap().strip_suffix("` is not enforced yet").unwrap();
        assert!(found.help.unwrap().contains(name));
        names.push(name.to_owned());
    }
    names
}

/// The source without the statements that begin with these words.
fn without(source: &str, words: &[&str]) -> String {
    let mut cuts = Vec::new();
    let parsed = faramesh_syntax::parse(source);
    let mut rest: Vec<_> = parsed.ast().items.iter().collect();
    while let Some(item) = rest.pop() {
        let place = usize::try_from(item.span.start).unwrap()..usize::try_from(item.span.end).unwrap();
        let text = source.get(place.clone()).unwrap();
        if words.iter().any(|word| text.split_whitespace().next() == Some(word)) {
            cuts.push(place);
        } else if let Item::Block { body, .. } = &item.node {
            rest.extend(&body.items);
        }
    }
    cuts.sort_by_key(|place| place.start);
    let mut left = source.to_owned();
    for place in cuts.into_iter().rev() {
        left.replace_range(place, "");
    }
    left
}

#[test]
fn documented_policies_work_once_the_missing_lines_are_gone() {
    let blocks = ["import", "runtime", "provider", "identity", "trust", "use"];
    let words = [&blocks[..], &["egress", "alert", "enforcement", "credential"]].concat();
    for (name, agents) in [
        ("situation_02_three_agents_one_machine", 3),
        ("situation_03_spawned_workers", 4),
        ("situation_09_engineering_team", 3),
        ("production_full_stack", 1),
        ("support_bot_complete", 1),
    ] {
        let source = without(&policy(name), &words);
        let checked = checked(&source);
        let stack = checked.stack.unwrap_or_else(|| panic!("{source}\n{:#?}", checked.diagnostics));
        assert_eq!(stack.agents.len(), agents, "{name}");
        let warnings: BTreeSet<&str> = checked
            .diagnostics
            .iter()
            .map(|found| codes::ALL.iter().find(|known| known.code == found.code).unwrap().name)
            .collect();
        let allowed = BTreeSet::from(["missing-default", "no-rules", "cost-not-amount"]);
        assert!(warnings.is_subset(&allowed), "{name}: {warnings:?}");
    }
}

/// Everything that is known and not enforced, each alone.
#[test]
fn each_construct_is_refused_by_name_and_once() {
    for (source, name) in [
        ("import \"x/providers/vault@1.3.0\" as vault\npermit a".to_owned(), "import of a provider"),
        ("system { max_output_bytes = 1mb }\npermit a".to_owned(), "system.max_output_bytes"),
        ("runtime { cloud { url = \"https://c\" key = env(\"NO\") } }\npermit a".to_owned(), "runtime.cloud"),
        ("runtime { a2a_listen = \"127.0.0.1:1\" }\npermit a".to_owned(), "runtime.a2a_listen"),
    ] {
        assert_eq!(refused(&source), [name], "{source}");
    }
}

/// Spelling counts inside what is not enforced, too.
#[test]
fn spelling_inside_what_is_refused() {
    for (source, code) in [
        ("agent \"a\" { budget daily { maxx $5 } }", codes::UNKNOWN_KEY),
        ("agent \"a\" { budget daily { on_exceed = defr } }", codes::WRONG_VALUE),
        ("agent \"a\" { session { max_duration = 5 } }", codes::WRONG_VALUE),
        ("agent \"a\" { phase { permit x } }", codes::WRONG_LABEL),
        ("agent \"a\" { egress \"x\" { allow = [] } }", codes::WRONG_LABEL),
        ("runtime { cloud { urll = \"x\" } }", codes::UNKNOWN_KEY),
    ] {
        let found = checked(source).diagnostics;
        assert!(found.iter().any(|found| found.code == code.code), "{source}\n{found:#?}");
    }
    assert_eq!(refused("provider \"x\" { type = \"t\" whatever = \"1\" }\npermit a"), ["provider"]);
}

/// Carried instead of refused, every documented policy is whole.
#[test]
fn nothing_is_refused_when_it_is_carried() {
    let environment = |_: &str| Some("payments".to_owned());
    let options =
        Options { dev: true, unenforced: Unenforced::Carry, ..Options::new("governance.fms", &environment) };
    for policy in faramesh_corpus::valid() {
        let options =
            Options { environment: &faramesh_corpus::environment, packs: &Catalog, ..options.clone() };
        let checked = check(&policy.source, &options);
        assert!(checked.stack.is_some(), "{}: {:#?}", policy.name, checked.diagnostics);
    }
    for (condition, expected) in [
        ("session.calls < 5 and session.cost < $2", true),
        ("purpose(\"refund\") or history.contains(auth/verify, within=10m)", true),
        ("session.sum(stripe/refund.amount, window=1h) < session.count(stripe/*)", true),
        ("session.sum(stripe/refund) < 5", false),
        ("session.count(stripe/refund.amount) < 5", false),
        ("session.count(stripe/refund, windw=1h) < 5", false),
        ("history.contains(a, within=5)", false),
        ("session.calls", false),
        ("session.calls == \"5\"", false),
        ("purpose(amount)", false),
    ] {
        let checked = check(&format!("default deny\npermit a if {condition}"), &options);
        let rules = checked.stack.map_or(0, |stack| stack.agents[0].rules.len());
        assert_eq!(rules == 1, expected, "{condition}: {:#?}", checked.diagnostics);
    }
}
