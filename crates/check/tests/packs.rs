//! Imports and `use`: whose rules apply, in which order, with which values, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::cell::Cell;

use faramesh_check::{Checked, Options, PackFile, Resolver, Unresolved, check, codes};

/// Packs by the last part of their paths; counts how often it was asked.
struct Catalog<'a> {
    packs: &'a [(&'a str, &'a str)],
    asked: Cell<u32>,
}

impl Resolver for Catalog<'_> {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        self.asked.set(self.asked.get() + 1);
        let name = path.rsplit('/').next().unwrap();
        match self.packs.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => Ok(PackFile { name: format!("{name}/pack.fms"), text: (*text).to_owned() }),
            None => Err(Unresolved { message: format!("no `{path}`"), help: "look".to_owned() }),
        }
    }
}

fn checked(source: &str, packs: &[(&str, &str)]) -> Checked {
    let catalog = Catalog { packs, asked: Cell::new(0) };
    let environment = |_: &str| None;
    let checked = check(
        source,
        &Options { dev: true, packs: &catalog, ..Options::new("governance.fms", &environment) },
    );
    let imports = source.matches("import").count()
        + packs.iter().map(|(_, text)| text.matches("import").count()).sum::<usize>();
    assert!(usize::try_from(catalog.asked.get()).unwrap() <= imports, "a pack is read once");
    checked
}

fn names(checked: &Checked) -> Vec<&'static str> {
    let name = |code| codes::ALL.iter().find(|known| known.code == code).map_or("syntax", |known| known.name);
    checked.diagnostics.iter().map(|found| name(found.code)).collect()
}

const STRIPE: &str = r#"pack "stripe" {
  version = "1.3.0"
  var refund_threshold = 100
  agent "payments" {
    default permit
    deny! stripe/payouts
    permit stripe/refund if amount < refund_threshold
    redact stripe/refund args: ["card.number"]
  }
}"#;

/// File, line, effect, pattern and values of each rule of the first agent.
fn rules(checked: &Checked) -> Vec<String> {
    let stack = checked.stack.as_ref().unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    stack.agents[0]
        .rules
        .iter()
        .map(|rule| {
            let file = &stack.files[usize::try_from(rule.file).unwrap()];
            let values: Vec<String> =
                rule.resolved.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{file}:{} {} {}{}", rule.line, rule.effect.as_str(), rule.pattern, values.concat())
        })
        .collect()
}

#[test]
fn an_import_alone_changes_nothing() {
    let source = "import \"x/policies/stripe@1.3.0\"\nagent \"a\" { default deny permit b }";
    let checked = checked(source, &[("stripe@1.3.0", STRIPE)]);
    assert_eq!(rules(&checked), ["governance.fms:2 permit b"]);
    assert_eq!(names(&checked), ["unused-import"]);
    let stack = checked.stack.unwrap();
    assert_eq!(stack.agents[0].redactions, []);
    assert_eq!(stack.imports[0].path, "x/policies/stripe@1.3.0");
    assert_eq!(stack.imports[0].sha256.len(), 64);
}

#[test]
fn a_pack_comes_after_the_agents_own_rules_wherever_use_stands() {
    let source = "import \"x/policies/stripe@1.3.0\" as s\n\
                  agent \"a\" { default deny use s { refund_threshold = 500 }\n\
                  deny stripe/refund if amount > 50 }\n\
                  agent \"b\" { default deny permit x }";
    let checked = checked(source, &[("stripe@1.3.0", STRIPE)]);
    assert_eq!(
        rules(&checked),
        [
            "governance.fms:3 deny stripe/refund",
            "stripe@1.3.0/pack.fms:6 deny! stripe/payouts",
            "stripe@1.3.0/pack.fms:7 permit stripe/refund refund_threshold=500",
        ]
    );
    let stack = checked.stack.unwrap();
    assert_eq!(stack.agents[0].default.unwrap().as_str(), "deny", "the pack's default is not the agent's");
    assert_eq!(stack.agents[0].redactions[0].pattern, "stripe/refund");
    assert_eq!((stack.agents[1].rules.len(), stack.agents[1].redactions.len()), (1, 0));
}

#[test]
fn values_of_a_pack() {
    let of = |using: &str| {
        let source = format!("import \"x/policies/stripe@1.3.0\"\nvar most = 7\ndefault deny\n{using}");
        checked(&source, &[("stripe@1.3.0", STRIPE)])
    };
    for (using, expected) in [
        ("use stripe", "refund_threshold=100"),
        ("use stripe { refund_threshold = $25 }", "refund_threshold=$25"),
        ("use stripe { refund_threshold = most }", "refund_threshold=7"),
    ] {
        assert!(rules(&of(using))[1].ends_with(expected), "{using}");
    }
    for (using, code) in [
        ("use stripe { refund_treshold = 5 }", "unknown-override"),
        ("use stripe { refund_threshold = \"5\" }", "wrong-value"),
        ("use stripe { refund_threshold = 5 refund_threshold = 6 }", "duplicate-key"),
        ("use stripes", "unknown-reference"),
        ("permit stripe/payouts\nuse stripe", "under-mandatory-deny"),
    ] {
        let checked = of(using);
        assert!(names(&checked).contains(&code), "{using}: {:#?}", checked.diagnostics);
        assert!(checked.stack.is_none());
    }
    let near = of("use stripe { refund_treshold = 5 }").diagnostics.remove(0);
    assert_eq!(near.help.as_deref(), Some("did you mean `refund_threshold`?"));
}

#[test]
fn packs_use_packs() {
    let outer = "import \"x/policies/stripe@1.3.0\" as inner\n\
                 agent \"a\" { permit y use inner { refund_threshold = 9 } }";
    let packs = [("outer@1.0.0", outer), ("stripe@1.3.0", STRIPE)];
    let source = "import \"x/policies/outer@1.0.0\"\ndefault deny\nuse outer\npermit x";
    assert_eq!(
        rules(&checked(source, &packs)),
        [
            "governance.fms:4 permit x",
            "outer@1.0.0/pack.fms:2 permit y",
            "stripe@1.3.0/pack.fms:6 deny! stripe/payouts",
            "stripe@1.3.0/pack.fms:7 permit stripe/refund refund_threshold=9",
        ]
    );
}

#[test]
fn a_profile_names_the_framework_and_permits_nothing() {
    let profile = [("langgraph@1.0.0", "agent \"any\" { framework = \"LangGraph\" permit everything }")];
    let import = "import \"x/frameworks/langgraph@1.0.0\"\n";
    let of =
        |agent: &str| checked(&format!("{import}agent \"a\" {{ default deny permit b {agent} }}"), &profile);
    let metadata = |checked: Checked| checked.stack.unwrap().agents[0].metadata[0].1.clone();
    let imported = of("");
    assert_eq!(rules(&imported), ["governance.fms:2 permit b"]);
    assert!(names(&imported).is_empty());
    assert_eq!(metadata(imported), "LangGraph");
    assert_eq!(metadata(of("framework = \"crewai\"")), "crewai");
    assert_eq!(rules(&of("use langgraph")).len(), 2);
}

#[test]
fn what_is_wrong_in_a_pack_is_shown_in_its_file() {
    let text = "agent \"a\" {\n  permit x if tool == 5\n}";
    let checked = checked("import \"x/policies/bad@1.0.0\"\npermit a", &[("bad@1.0.0", text)]);
    assert!(checked.stack.is_none());
    assert_eq!(checked.packs[0].file, "bad@1.0.0/pack.fms");
    assert_eq!(checked.packs[0].source, text);
    let found = &checked.packs[0].diagnostics[0];
    assert_eq!(found.code, codes::TYPE_MISMATCH.code);
    assert_eq!(usize::try_from(found.span.start).ok(), text.find("tool"));
    assert!(names(&checked).contains(&"bad-pack"));
}

#[test]
fn cycles_depth_and_number_are_bounded() {
    let a = ("a@1.0.0", "import \"x/policies/b@1.0.0\"");
    let b = ("b@1.0.0", "import \"x/policies/a@1.0.0\"");
    let checked_cycle = checked("import \"x/policies/a@1.0.0\"\npermit a", &[a, b]);
    let message = &checked_cycle.packs[0].diagnostics[0].message;
    assert_eq!(message, "`a` imports itself: a → b → a");
    assert!(names(&checked_cycle).contains(&"import-cycle"));
    let chain = |length: u32| {
        let texts: Vec<(String, String)> = (1..=length)
            .map(|at| {
                let next = if at < length {
                    format!("import \"x/policies/p{}@1.0.0\"", at + 1)
                } else {
                    String::new()
                };
                (format!("p{at}@1.0.0"), next)
            })
            .collect();
        let packs: Vec<(&str, &str)> =
            texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let checked = checked("import \"x/policies/p1@1.0.0\"\ndefault deny\npermit a", &packs);
        checked.stack.is_some()
    };
    assert!(chain(16));
    assert!(!chain(17));
    // Every pack uses the next one twice: without a bound this would be 2^15 times its rules.
    let texts: Vec<(String, String)> = (1..=15)
        .map(|at| {
            let next = format!(
                "import \"x/policies/p{0}@1.0.0\" agent \"a\" {{ use p{0} use p{0} permit t{at} }}",
                at + 1
            );
            (format!("p{at}@1.0.0"), if at < 15 { next } else { "permit last".to_owned() })
        })
        .map(|(name, text)| (name, text.replace("permit last", "agent \"a\" { permit last }")))
        .collect();
    let packs: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let explosive = checked("import \"x/policies/p1@1.0.0\"\ndefault deny\nuse p1", &packs);
    assert!(explosive.stack.is_none());
    assert!(names(&explosive).contains(&"bad-pack"), "{:?}", names(&explosive));
}
