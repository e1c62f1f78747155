//! Sources to programs that load: what is in them, and what changes their hash.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use faramesh_check::{Options, check};
use faramesh_compile::{compile, compile_to_bytes};
use faramesh_program::image::{Comparison, Expression, Mode, Operand, Root};
use faramesh_program::{Image, Program, Sources, load};

fn stack(source: &str) -> faramesh_check::Stack {
    let environment = |name: &str| (name == "LIMIT_TEAM").then(|| "payments".to_owned());
    let options = Options { dev: true, ..Options::new("governance.fms", &environment) };
    let checked = check(source, &options);
    checked.stack.unwrap_or_else(|| panic!("{source}\n{:#?}", checked.diagnostics))
}

fn image(source: &str) -> (Image, Sources) {
    compile(&stack(source)).unwrap()
}

fn program(source: &str) -> Program {
    load(&compile_to_bytes(&stack(source)).unwrap()).unwrap()
}

const REFUNDS: &str = r##"
runtime { mode = audit  timezone = "Europe/Berlin"  approval_ttl = 2h  stack_id = "shop" }
identity "host" { type = "unix" }
var limit = $500
agent "support-bot" {
  default deny
  model "m-1"  framework = langgraph
  attest { uid = 1000  exe = "/usr/bin/python3" }
  rules {
    permit knowledgebase/search
    permit refund if amount < $25
    defer  refund if amount < limit notify "#refunds"
    deny!  shell/* reason "no shell, ever"
    deny   refund reason "too much"
  }
  redact refund args: ["card.number", "items[].ssn"]
}
"##;

#[test]
fn a_whole_stack() {
    let program = program(REFUNDS);
    assert_eq!(program.runtime.mode, Mode::Audit);
    assert_eq!(program.runtime.approval_ttl_ms, 7_200_000);
    assert_eq!(program.runtime.timezone, "Europe/Berlin");
    let agent = program.agent("support-bot").unwrap();
    assert_eq!(agent.attest.as_ref().unwrap().uid, Some(1000));
    let lines: Vec<(&str, &str)> = agent.rules.iter().map(|rule| (&*rule.reference, &*rule.text)).collect();
    assert_eq!(
        lines,
        [
            ("governance.fms:13", "deny! shell/* reason \"no shell, ever\""),
            ("governance.fms:10", "permit knowledgebase/search"),
            ("governance.fms:11", "permit refund if amount < $25"),
            ("governance.fms:12", "defer refund if amount < limit notify \"#refunds\" [limit = $500]"),
            ("governance.fms:14", "deny refund reason \"too much\""),
        ]
    );
    assert_eq!(agent.redactions("refund").count(), 1);
    assert!(!agent.anonymous);
}

#[test]
fn flat_rules_make_one_anonymous_agent() {
    let program = program("permit search_docs\ndeny *");
    let agent = program.anonymous_agent().unwrap();
    assert_eq!((&*agent.name, agent.rules.len()), ("anonymous", 2));
}

#[test]
fn equal_parts_are_one() {
    let (image, _) =
        image("permit a if amount < 5 and to == \"x\"\npermit b if to == \"x\" and amount < $5.00");
    assert_eq!(image.paths.len(), 2);
    assert_eq!(image.constants.len(), 2);
    assert_eq!(image.expressions.len(), 4, "two comparisons and two orders of them");
}

#[test]
fn a_long_chain_is_flat() {
    let terms: Vec<String> = (0..1_000).map(|number| format!("amount == {number}")).collect();
    let (image, _) = image(&format!("permit a if {}", terms.join(" or ")));
    assert!(matches!(image.expressions.last(), Some(Expression::Any(parts)) if parts.len() == 1_000));
}

#[test]
fn what_changes_the_hash() {
    let base = *program(REFUNDS).hash();
    let spaced = REFUNDS.replace("  rules {", "  # first match wins\n\n  rules {").replace(" < ", "  <  ");
    assert_eq!(base, *program(&spaced).hash(), "comments, blank lines and spaces change nothing");
    assert_eq!(
        base,
        *program(&REFUNDS.replace("permit", "allow")).hash(),
        "nor does another word for the same"
    );
    for (from, to) in
        [("$500", "$501"), ("#refunds", "#other"), ("too much", "too little"), ("card.number", "card.no")]
    {
        assert_ne!(base, *program(&REFUNDS.replace(from, to)).hash(), "{from} to {to}");
    }
}

#[test]
fn a_variable_changes_the_rules_that_read_it() {
    let digest =
        |source: &str| program(source).agents()[0].rules.iter().map(|rule| rule.digest).collect::<Vec<_>>();
    let before = digest("var a = 1\nvar b = 1\npermit x if n < a\npermit y if n < b");
    let after = digest("var a = 2\nvar b = 1\npermit x if n < a\npermit y if n < b");
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);
}

#[test]
fn environment_is_resolved_and_named() {
    let program = program("permit x if team == env(\"LIMIT_TEAM\")");
    let rule = &program.agents()[0].rules[0];
    assert_eq!(&*rule.text, "permit x if team == env(\"LIMIT_TEAM\") [env(\"LIMIT_TEAM\") = \"payments\"]");
}

#[test]
fn paths_are_compared_in_normal_form() {
    let (image, _) = image(
        "permit w if path.starts_with(\"./drafts/\") and path != \"./a//b\" and path in [\"./x\", \"y/../z\"]",
    );
    let texts = format!("{:?}", image.constants);
    assert_eq!(
        texts,
        "[Scalar(String(\"drafts/\")), Scalar(String(\"a/b\")), List([String(\"x\"), String(\"z\")])]"
    );
    let (other, _) = self::image("permit w if args.path.starts_with(\"./drafts/\")");
    assert_eq!(
        format!("{:?}", other.constants),
        "[Scalar(String(\"./drafts/\"))]",
        "the raw argument is left alone"
    );
    let (current, _) = self::image("permit w if path.starts_with(\"./\")");
    assert!(matches!(current.expressions.last(), Some(Expression::Within { .. })));
}

#[test]
fn clauses_narrow_the_rule() {
    let (image, _) = image(
        "permit http/get if args.n > 1 host [\"*.example.com\", \"API.local\"] method get port [80, 443] path \"/v1/*\" \
         query page=\"1\" header X-Team=\"a*\"",
    );
    let Some(Expression::All(parts)) = image.expressions.last() else { panic!("{:?}", image.expressions) };
    assert_eq!(parts.len(), 7);
    assert_eq!(image.regexes, ["^(?:[^.]+\\.)+example\\.com\\.?$", "^/v1/[^/]+(?:/[^/]+)*/?$", "(?s)^a.*$"]);
    let roots: Vec<Root> = image.paths.iter().map(|path| path.root).collect();
    for root in [Root::Host, Root::Method, Root::Port, Root::Path, Root::Query, Root::Headers, Root::Args] {
        assert!(roots.contains(&root), "{root:?}");
    }
}

#[test]
fn not_in_and_not_equal() {
    let (image, _) = image("deny x if not (a not in [1, 2]) and b != null");
    assert!(
        image
            .expressions
            .iter()
            .any(|found| matches!(found, Expression::Compare { comparison: Comparison::NotEqual, .. }))
    );
    assert_eq!(image.expressions.iter().filter(|found| matches!(found, Expression::Not(_))).count(), 2);
}

#[test]
fn names_resolve_in_order() {
    for (condition, root, steps) in [
        ("amount == 1", Root::Args, 1),
        ("args.amount == 1", Root::Args, 1),
        ("args[\"tool\"] == 1", Root::Args, 1),
        ("s3.bucket == \"x\"", Root::Field, 2),
        ("items[0].name == \"x\"", Root::Field, 3),
        ("session == \"x\"", Root::Session, 0),
        ("session.id == \"x\"", Root::Session, 0),
        ("time.hour == 9", Root::TimeHour, 0),
        ("headers[\"X-A\"] == \"x\"", Root::Headers, 1),
        ("principal.role == \"x\"", Root::Principal, 1),
        ("port == 80", Root::Port, 0),
    ] {
        let (image, _) = image(&format!("permit t if {condition}"));
        let path = &image.paths[0];
        assert_eq!((path.root, path.steps.len()), (root, steps), "{condition}");
    }
}

#[test]
fn computed_members() {
    let of = |condition: &str| {
        let (image, _) = image(&format!("permit t if {condition}"));
        image
            .operands
            .into_iter()
            .filter(|found| !matches!(found, Operand::Constant(_) | Operand::Path(_)))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("email.domain.lower == \"@x\""), [Operand::Domain(0), Operand::Lower(1)]);
    assert_eq!(of("email[\"domain\"] == \"x\""), []);
    assert_eq!(of("args.length == 5"), [], "a field of the arguments");
    assert_eq!(of("args.text.length < 5"), [Operand::Length(0)]);
}

#[test]
fn money_and_sizes_are_numbers() {
    let (image, _) = image("permit t if a < $1.50 and b < 10kb and c == 1e3");
    let numbers: Vec<String> = image.constants.iter().map(|constant| format!("{constant:?}")).collect();
    assert_eq!(numbers, ["Scalar(Number(\"1.5\"))", "Scalar(Number(\"10240\"))", "Scalar(Number(\"1000\"))"]);
}
