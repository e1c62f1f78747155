//! The formatter: canonical forms, and that it changes neither the meaning nor, twice, the text.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use faramesh_syntax::{SyntaxKind, format, parse, without_spans};
use proptest::prelude::*;

fn check_round(source: &str) -> String {
    let once = format(source).unwrap_or_else(|found| panic!("{found:#?}\n{source}"));
    let parsed = parse(&once);
    assert_eq!(
        without_spans(parsed.ast()),
        without_spans(parse(source).ast()),
        "meaning\n{source}\n---\n{once}"
    );
    assert_eq!(format(&once).unwrap(), once, "not canonical, from\n{source}");
    assert_eq!(comments(source), comments(&once), "comments\n{source}\n---\n{once}");
    assert!(!once.contains("\n\n\n") && !once.starts_with('\n') && !once.contains('\r'), "{once}");
    assert!(once.is_empty() || once.ends_with('\n') && !once.ends_with("\n\n"), "{once:?}");
    assert!(once.lines().all(|line| line.trim_end() == line), "{once}");
    once
}

fn comments(source: &str) -> Vec<String> {
    let tree = parse(source).tree();
    let tokens = tree.descendants_with_tokens().filter_map(|element| element.into_token());
    tokens
        .filter(|token| token.kind() == SyntaxKind::COMMENT)
        .map(|token| token.text().trim_end().to_owned())
        .collect()
}

#[test]
fn the_corpus_keeps_its_meaning_and_comments() {
    for policy in faramesh_corpus::parsing() {
        check_round(&policy.source);
    }
}

#[test]
fn forms_are_canonical() {
    for (source, expected) in [
        ("", ""),
        ("\n\n\n", ""),
        ("# c", "# c\n"),
        ("allow a;block b;defer c", "permit a\ndeny   b\ndefer  c\n"),
        ("permit a\n\n\n\ndeny b", "permit a\n\ndeny b\n"),
        ("permit a when x && !y || z", "permit a if x and not y or z\n"),
        ("deny a reason: \"r\" notify \"n\"", "deny a  reason \"r\"  notify \"n\"\n"),
        ("permit a header X-Team = \"a\" query k:\"v\"", "permit a  header X-Team=\"a\"  query k=\"v\"\n"),
        ("permit a if f( x , window = 1h ,)and b [ 0 ] . c", "permit a if f(x, window=1h) and b[0].c\n"),
        (
            "runtime{mode \"audit\";backend=\"sqlite\"}",
            "runtime { mode = \"audit\"  backend = \"sqlite\" }\n",
        ),
        ("runtime {\n\n\n}", "runtime {}\n"),
        ("agent \"a\" { default=deny\n}", "agent \"a\" {\n  default deny\n}\n"),
        ("budget daily { max = $5 on_exceed = defer }", "budget daily { max $5  on_exceed defer }\n"),
        ("budget b { cost = args.amount max = !x }", "budget b { cost args.amount  max = not x }\n"),
        ("budget { id \"daily\" usd 5 }", "budget { id = \"daily\"  usd = 5 }\n"),
        (
            "rate_limit a:5/minute scope \"fleet\" burst=2",
            "rate_limit a: 5 per minute scope = \"fleet\" burst 2\n",
        ),
        ("redact a args [\"x\"] seal", "redact a args: [\"x\"] seal\n"),
        ("redact a args [\"x\"] seal   by \"y.id\"", "redact a args: [\"x\"] seal by \"y.id\"\n"),
        ("x = [ 1,2 , ]", "x = [1, 2]\n"),
        ("x = [\n]", "x = []\n"),
        ("x = [ \\\n ]", "x = []\n"),
        ("x = [\n1, # one\n# two\n2 # last\n]", "x = [\n  1,  # one\n  # two\n  2,  # last\n]\n"),
        ("x = a # c\n && b", "x = a  # c\n  and b\n"),
        ("var x 5", "var x = 5\n"),
        ("trust { key \"h\" \\\n ed25519:AAAA= }", "trust {\n  key \"h\" ed25519:AAAA=\n}\n"),
        ("agent \"a\" # beside\n{ permit x }", "agent \"a\" {  # beside\n  permit x\n}\n"),
        ("permit a; path = \"x\"", "permit a;\npath = \"x\"\n"),
    ] {
        assert_eq!(check_round(source), expected, "{source}");
    }
}

#[test]
fn long_statements_are_broken() {
    let long = format!("deny stripe/refund if {} reason \"no\"", ["amount > 100"; 12].join(" and "));
    let lines = check_round(&long);
    assert_eq!(lines.lines().next(), Some("deny stripe/refund if amount > 100"));
    assert_eq!(lines.lines().nth(1), Some("  and amount > 100"));
    assert_eq!(lines.lines().last(), Some("  reason \"no\""));

    let list = format!("x = [{}]", ["\"element\""; 20].join(", "));
    assert_eq!(check_round(&list).lines().count(), 22);

    let block =
        format!("runtime {{ {} }}", (0..12).map(|key| format!("key_{key} = {key}  ")).collect::<String>());
    assert_eq!(check_round(&block).lines().count(), 14);
}

#[test]
fn a_file_with_errors_is_refused() {
    let errors = format("permit a if x = 1").unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code.to_string(), "FPL0030");
}

/// The source with every blank replaced by another, comments included: the meaning stays.
fn respaced(source: &str, blanks: &[usize]) -> String {
    const BLANKS: &[&str] = &[
        " ",
        "\n",
        "\n\n\n",
        "\t",
        "  ",
        " \n ",
        " # note\n",
        "\n# own line\n",
        "\r\n",
        " \\\n ",
        "\n\n# after a gap\n\n",
    ];
    let tree = parse(source).tree();
    let mut choice = blanks.iter().cycle();
    let mut text = String::new();
    for token in tree.descendants_with_tokens().filter_map(|element| element.into_token()) {
        match token.kind() {
            // A comment needs its line break; it is left as it is.
            SyntaxKind::WHITESPACE if !token.text().contains('\n') && token.text() != "\u{feff}" => {
                text.push_str(BLANKS[choice.next().unwrap() % BLANKS.len()]);
            }
            _ => text.push_str(token.text()),
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blanks_change_nothing(file in 0_usize..1000, blanks in prop::collection::vec(0_usize..100, 1..60)) {
        let sources: Vec<String> = faramesh_corpus::parsing().into_iter().map(|policy| policy.source).collect();
        let source = &sources[file % sources.len()];
        let text = respaced(source, &blanks);
        let parsed = parse(&text);
        prop_assert_eq!(parsed.diagnostics(), &[], "{}", text);
        prop_assert_eq!(without_spans(parsed.ast()), without_spans(parse(source).ast()), "{}", text);
        check_round(&text);
    }

    #[test]
    fn generated_files_are_formatted(file in generated::file()) {
        let parsed = parse(&file);
        prop_assert_eq!(parsed.diagnostics(), &[], "{}", file);
        check_round(&file);
    }
}

mod generated {
    //! Files from the grammar, statement by statement.

    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "amount",
            "args.card",
            "email.to",
            "x-y",
            "items[0].name",
            "a[\"k\"]",
            "flag",
        ])
        .prop_map(str::to_owned)
    }

    fn constant() -> impl Strategy<Value = String> {
        let all = vec![
            "1",
            "-2.5",
            "1e3",
            "$10.00",
            "30s",
            "10mb",
            "true",
            "null",
            "\"a # b\"",
            "\"\\n\\u{e9}\"",
            "env(\"A\", \"b\")",
        ];
        prop::sample::select(all).prop_map(str::to_owned)
    }

    fn condition() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![name(), constant()];
        leaf.prop_recursive(5, 40, 4, |inner| {
            let operator =
                prop::sample::select(vec!["==", "!=", "<", ">=", "in", "not in", "contains", "matches"]);
            let list = prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                (inner.clone(), operator, inner.clone())
                    .prop_map(|(left, op, right)| format!("({left}) {op} ({right})")),
                prop::collection::vec(inner.clone(), 2..6)
                    .prop_map(|terms| format!("({})", terms.join(" and "))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(|terms| terms.join(" || ")),
                inner.clone().prop_map(|term| format!("not ({term})")),
                inner.clone().prop_map(|term| format!("!({term})")),
                list.prop_map(|elements| format!("[{}]", elements.join(",\n"))),
                (name(), inner.clone())
                    .prop_map(|(name, argument)| format!("{name}.starts_with({argument})")),
                inner.prop_map(|argument| format!("f({argument}, window = 1h)")),
                Just("session.sum(stripe/refund.amount, window=1h) > 5".to_owned()),
            ]
        })
    }

    fn rule() -> impl Strategy<Value = String> {
        let effect = prop::sample::select(vec!["permit", "allow", "deny", "deny!", "defer", "block"]);
        let tool = prop::sample::select(vec!["a", "stripe/*", "*", "\"odd name\"", "*_x", "2fa/send"]);
        let clauses = prop::sample::subsequence(
            vec![
                "reason \"because\"",
                "notify: \"#a\"",
                "host *.x.org",
                "port [1, 2]",
                "header X=\"y\"",
                "reeval true",
            ],
            0..6,
        );
        (effect, tool, prop::option::of(condition()), clauses).prop_map(
            |(effect, tool, condition, clauses)| {
                let condition = condition.map(|condition| format!(" if {condition}")).unwrap_or_default();
                format!("{effect} {tool}{condition} {}", clauses.join(" "))
            },
        )
    }

    fn statement() -> impl Strategy<Value = String> {
        let fixed = vec![
            "default deny",
            "# a comment",
            "",
            "budget daily { max $1 warn_at 0.8 }",
            "model = \"m\"",
            "var x = [1,\n2]",
            "rate_limit \"a\": 5 per minute burst 2",
            "redact a args: [\"x\"]",
            "egress { allow = [\"a\"]; deny [\"b\"] }",
            "use p { limit = 5 }",
            "alert { on = \"deny\" # why\n }",
            "session {}",
            "budget \"b\" {\n cost = args.amount\n }",
        ];
        prop_oneof![3 => rule(), 2 => prop::sample::select(fixed).prop_map(str::to_owned)]
    }

    pub fn file() -> impl Strategy<Value = String> {
        let body = prop::collection::vec(statement(), 0..8).prop_map(|lines| lines.join("\n"));
        let rules = prop::collection::vec(rule(), 0..5).prop_map(|lines| lines.join("; "));
        prop::collection::vec((body, rules), 1..4).prop_map(|agents| {
            let agents = agents
                .into_iter()
                .map(|(body, rules)| format!("agent \"a\" {{\n{body}\nrules {{ {rules} }}\n}}"));
            agents.collect::<Vec<_>>().join("\n\n")
        })
    }
}
